"""Writing records into the workbook of imports, which reads them as the same records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from ckanext.marathon.spreadsheets import Cell, make_cell
from ckanext.marathon.spreadsheets.cells import Value, join_items, write_cell, write_item
from ckanext.marathon.spreadsheets.workbook import WorkbookColumn, WorkbookSheet

# Name of a column → value, or for a repeating field: name of the field → its rows.
Record = Mapping[str, Any]


def write_records(
    path: Path, sheets: Iterable[tuple[WorkbookSheet, Iterable[Record]]], lang: str
) -> None:
    """Write sheets into an Excel workbook, row by row, so that memory does not grow with them."""
    book = Workbook(write_only=True)
    for sheet, records in sheets:
        page: Worksheet = book.create_sheet(sheet.title[lang])
        page.freeze_panes = "B2"
        columns = sheet.list_columns(with_extra=True)
        page.append([make_cell(page, column.label[lang], Font(bold=True)) for column in columns])
        for record in records:
            page.append([make_cell(page, cell) for cell in make_cells(sheet, record, lang)])
    book.save(path)


def make_cells(sheet: WorkbookSheet, record: Record, lang: str) -> list[Cell]:
    """Return the cells of a record, or of a row of a record."""
    return list(_make_cells(sheet, record, lang))


def _make_cells(sheet: WorkbookSheet, record: Record, lang: str) -> Iterator[Cell]:
    for column in sheet.list_columns(with_extra=True):
        if not column.subfield:
            value: Value = record.get(column.name) or ""
            yield write_cell(column, value, lang)
        elif sheet.rows_of:
            yield write_cell(column, str(record.get(column.subfield) or ""), lang)
        else:
            yield _write_subfields(column, record.get(column.field) or [], lang)


def _write_subfields(column: WorkbookColumn, rows: Sequence[Mapping[str, Any]], lang: str) -> Cell:
    """Return the values of a subfield in all rows of its field; nothing if no row has one."""
    values = [str(row.get(column.subfield) or "") for row in rows]
    if not any(values):
        return None
    return join_items(write_item(column, value, lang) for value in values)
