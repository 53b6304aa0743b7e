"""Read a workbook (XLSX, XLS, XLSB, ODS) and write its rows to the standard output.

``python -m ckanext.marathon.files.workbook FILE``, which :mod:`ckanext.marathon.files.tables`
starts. It is a process of its own because python-calamine holds a whole sheet in memory, with a
cell for every position up to the last filled one: one stray cell in a far corner needs more memory
than a machine has. The limits below end this process then, and not the site's.

The output is a sequence of pickled tuples, whose first member is one of the constants below.
"""

from __future__ import annotations

import pickle
import resource
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import BinaryIO

import python_calamine as calamine

#: ``(SHEET, name, is hidden)``, then ``(ROWS, [(number, cells), …])`` for this sheet.
SHEET, ROWS = "sheet", "rows"
#: ``(FAULT, PASSWORD or DAMAGED)`` ends the output, ``(END,)`` too.
FAULT, END = "fault", "end"
PASSWORD, DAMAGED = "password", "damaged"

# Enough for a million cells of numbers, or a workbook of some 30 MB.
MOST_MEMORY = 3 * 2**30
MOST_SECONDS = 120
_BATCH = 500

Cell = str | bool | int | float | date | datetime | time | timedelta | None


def limit_process() -> None:
    """Set the limits of memory and of processor time of this process."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def write_workbook_rows(path: str, output: BinaryIO) -> None:
    """Write the rows of all sheets of a workbook, as described above."""

    def write(*message: object) -> None:
        pickle.dump(message, output, pickle.HIGHEST_PROTOCOL)

    try:
        # Its type names ``PathLike`` without saying of what.
        book = calamine.load_workbook(path)  # pyright: ignore[reportUnknownMemberType]
        for meta in book.sheets_metadata:
            if meta.typ == calamine.SheetTypeEnum.WorkSheet:
                is_hidden = meta.visible != calamine.SheetVisibleEnum.Visible
                write(SHEET, meta.name, is_hidden)
                rows = _list_rows(book.get_sheet_by_name(meta.name))
                while batch := list(islice(rows, _BATCH)):
                    write(ROWS, batch)
    except calamine.PasswordError:
        write(FAULT, PASSWORD)
    except calamine.CalamineError:
        write(FAULT, DAMAGED)
    else:
        write(END)
    output.flush()


def _list_rows(sheet: calamine.CalamineSheet) -> Iterator[tuple[int, list[Cell]]]:
    if sheet.start is None:
        return
    # ``iter_rows`` begins at row 1, but at the first filled column.
    left: list[Cell] = [None] * sheet.start[1]
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        if any(cell != "" for cell in cells):
            yield number, left + [_simplify(cell) for cell in cells]


def _simplify(cell: Cell) -> Cell:
    if cell == "":
        return None
    # Excel stores all numbers as doubles.
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    return cell


if __name__ == "__main__":
    limit_process()
    write_workbook_rows(sys.argv[1], sys.stdout.buffer)
