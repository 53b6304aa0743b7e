"""Rows that were copied in a spreadsheet program and pasted into a page."""

from __future__ import annotations

import csv
import io

from ckanext.marathon.spreadsheets.workbook import find_sheet, is_heading_row


def write_pasted(text: str, sheet_name: str) -> tuple[str, bytes]:
    """Return pasted rows as the name and content of a file.

    Without headings the columns are those of the template, in its order.

    Args:
        text: rows with tabs between the cells, as spreadsheet programs copy them.
        sheet_name: which rows they are: the name of a sheet of the workbook, or "" to find out.
    """
    sheet = find_sheet(sheet_name) if sheet_name else None
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter="\t"))
    if sheet is not None and not any(is_heading_row(sheet, row) for row in rows[:5]):
        rows.insert(0, [column.label["es"] for column in sheet.list_columns(with_extra=False)])
    written = io.StringIO(newline="")
    csv.writer(written, delimiter="\t").writerows(rows)
    return (sheet.title["es"] if sheet else "pegado", written.getvalue().encode())
