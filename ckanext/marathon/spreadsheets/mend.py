"""A workbook with the rows that were not imported, and what is wrong with each, to mend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import time, timedelta
from typing import NamedTuple

from ckanext.marathon.spreadsheets import Cell, Column, Table, write_workbook
from ckanext.marathon.spreadsheets.cells import GivenCell, write_plain
from ckanext.marathon.spreadsheets.workbook import MEND_HEADINGS, WorkbookSheet


class BadRow(NamedTuple):
    """A row that was not saved; ``messages`` is empty if only its record has problems."""

    sheet: WorkbookSheet
    headings: Sequence[GivenCell]
    cells: Sequence[GivenCell]
    messages: tuple[str, ...]


def write_bad_rows(rows: Iterable[BadRow], lang: str) -> bytes:
    """Return an Excel workbook with the rows as they were, and a last column with the problems.

    It can be imported as it is once the rows are mended: the last column is not read. Spanish is
    written for any other language than ``en``.
    """
    language = lang if lang in MEND_HEADINGS else "es"
    by_table: dict[tuple[str, tuple[str, ...]], list[BadRow]] = {}
    for row in rows:
        headings = tuple(map(write_plain, row.headings))
        by_table.setdefault((row.sheet.title[language], headings), []).append(row)
    tables: list[Table] = []
    used: dict[str, int] = {}
    for (title, headings), bad in by_table.items():
        used[title] = used.get(title, 0) + 1
        name = title if used[title] == 1 else f"{title} {used[title]}"
        columns = [Column(heading, heading) for heading in (*headings, MEND_HEADINGS[language])]
        tables.append(Table(name, name, columns, [_write_row(row, len(headings)) for row in bad]))
    return write_workbook(tables)


def _write_row(row: BadRow, width: int) -> list[Cell]:
    cells = [*row.cells, *[None] * (width - len(row.cells))][:width]
    return [*map(_write_given, cells), " ".join(row.messages)]


def _write_given(cell: GivenCell) -> Cell:
    return write_plain(cell) if isinstance(cell, time | timedelta) else cell
