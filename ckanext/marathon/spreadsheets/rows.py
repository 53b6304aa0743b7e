"""Rows of a workbook's sheet: from positions of cells to values of columns, and back.

Headings may be in any row of the first ones: titles above them, empty rows, repeated headings and
the example row are skipped. Columns may be in any order; unknown ones are reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ckanext.marathon.domain.errors import N_, Fault, Malformed
from ckanext.marathon.domain.texts import quote_value
from ckanext.marathon.spreadsheets.cells import (
    GivenCell,
    Value,
    is_empty_cell,
    read_cell,
    write_plain,
)
from ckanext.marathon.spreadsheets.workbook import (
    HeaderMatch,
    WorkbookColumn,
    WorkbookSheet,
    is_example_mark,
    is_heading_row,
    match_headings,
)

# Rows above the headings in which titles of the sheet are expected.
MOST_TITLE_ROWS = 30

UNKNOWN_HEADING = N_("No column is called “{heading}”: it was not read")
DOUBLED_HEADING = N_("The column “{heading}” is there twice: the second one was not read")
DIFFERENT_NUMBERS = N_(
    "There are {count} values here, and {other} in the column “{column}”: write as many in both, "
    "between |"
)
NO_HEADINGS = N_(
    "No row of headings was found. Copy the headings of the template, for example {headings}"
)


class CellPlace(NamedTuple):
    """Where a cell is: number of the row from 1, and of the column from 0 (``None``: the row)."""

    row: int
    column: int | None = None


class CellFault(NamedTuple):
    """A problem or a notice at a cell; ``heading`` and ``value`` are as in the file."""

    place: CellPlace
    heading: str
    value: str
    fault: Fault


@dataclass(frozen=True)
class RecordRow:
    """A row of a sheet with its values.

    Attributes:
        number: as a spreadsheet program shows it, from 1.
        values: name of a column → value, for cells that are not empty.
        positions: name of a column → number of its cell, from 0.
        headings: name of a column → its heading in the file.
        cells: as they are in the file.
        faults: cells that cannot be read.
        notices: values that were corrected.
    """

    number: int
    values: Mapping[str, Value]
    positions: Mapping[str, int]
    headings: Mapping[str, str]
    cells: Sequence[GivenCell]
    faults: tuple[CellFault, ...] = ()
    notices: tuple[CellFault, ...] = ()

    def get_text(self, column: str) -> str:
        """Return the text of a column, "" for an empty cell or a list."""
        found = self.values.get(column, "")
        return found if isinstance(found, str) else ""

    def get_list(self, column: str) -> list[str]:
        """Return the list of a column, ``[]`` for an empty cell."""
        found = self.values.get(column, [])
        return found if isinstance(found, list) else [found]

    def find_place(self, column: str) -> CellPlace:
        """Return the place of a column's cell, or of the row if the file has no such column."""
        return CellPlace(self.number, self.positions.get(column))

    def make_fault(self, column: str, fault: Fault) -> CellFault:
        """Return a fault at the cell of a column."""
        place = self.find_place(column)
        cell: GivenCell = None
        if place.column is not None and place.column < len(self.cells):
            cell = self.cells[place.column]
        return CellFault(
            place, self.headings.get(column, ""), quote_value(write_plain(cell)), fault
        )


@dataclass
class SheetReader:
    """Reads the rows of one sheet.

    Attributes:
        headings: the headings as they are in the file; empty until they are found.
        examples: how many example rows were skipped.
        skipped: rows above the headings.
        remarks: headings that are not read.
    """

    sheet: WorkbookSheet
    headings: Sequence[GivenCell] = ()
    examples: int = 0
    skipped: list[int] = field(default_factory=list[int])
    remarks: list[CellFault] = field(default_factory=list[CellFault])

    def read_rows(self, rows: Iterable[tuple[int, Sequence[GivenCell]]]) -> Iterator[RecordRow]:
        """Yield the rows with values.

        Args:
            rows: pairs of a row's number and its cells.

        Raises:
            Malformed: there is no row of headings.
        """
        match: HeaderMatch | None = None
        for number, cells in rows:
            if match is None:
                if is_heading_row(self.sheet, cells):
                    match = self._start(number, cells)
                else:
                    self.skipped.append(number)
                    if len(self.skipped) > MOST_TITLE_ROWS:
                        break
                continue
            if _is_repeated(self.sheet, match, cells):
                continue
            if self._is_example(match, cells):
                self.examples += 1
                continue
            row = self._read_row(match, number, cells)
            if row.values or row.faults:
                yield row
        if match is None and self.skipped:
            names = [c.label["es"] for c in self.sheet.list_columns(with_extra=False)[:3]]
            raise Malformed(NO_HEADINGS, headings=", ".join(names))

    def _start(self, number: int, cells: Sequence[GivenCell]) -> HeaderMatch:
        self.headings = cells
        match = match_headings(self.sheet, cells)
        for texts, message in ((match.unknown, UNKNOWN_HEADING), (match.doubled, DOUBLED_HEADING)):
            for position, text in texts.items():
                quoted = quote_value(text)
                fault = Fault(message, {"heading": quoted})
                self.remarks.append(CellFault(CellPlace(number, position), quoted, quoted, fault))
        return match

    def _is_example(self, match: HeaderMatch, cells: Sequence[GivenCell]) -> bool:
        keys = [n for n, column in match.columns.items() if column.field == self.sheet.key]
        return any(is_example_mark(_get(cells, number)) for number in keys or range(1))

    def _read_row(self, match: HeaderMatch, number: int, cells: Sequence[GivenCell]) -> RecordRow:
        values: dict[str, Value] = {}
        faults: list[CellFault] = []
        notices: list[CellFault] = []
        row = RecordRow(
            number,
            values,
            {column.name: position for position, column in match.columns.items()},
            {
                column.name: quote_value(write_plain(_get(self.headings, position)))
                for position, column in match.columns.items()
            },
            cells,
        )
        for position, column in match.columns.items():
            several = bool(column.subfield) and not self.sheet.rows_of
            try:
                reading = read_cell(column, _get(cells, position), several)
            except Malformed as error:
                faults.append(row.make_fault(column.name, error.fault))
                continue
            if reading is None:
                continue
            values[column.name] = reading.value
            if reading.notice:
                notices.append(row.make_fault(column.name, reading.notice))
        if not self.sheet.rows_of:
            faults += _check_numbers(self.sheet, row)
        return RecordRow(
            number, values, row.positions, row.headings, cells, tuple(faults), tuple(notices)
        )


def _check_numbers(sheet: WorkbookSheet, row: RecordRow) -> list[CellFault]:
    """Return a fault for each column that has not as many values as the first of its field."""
    faults: list[CellFault] = []
    for columns in group_subfields(sheet).values():
        given = [column for column in columns if row.values.get(column.name)]
        for column in given[1:]:
            count = len(row.get_list(column.name))
            other = len(row.get_list(given[0].name))
            if count != other:
                values = {
                    "count": count,
                    "other": other,
                    "column": row.headings[given[0].name],
                }
                faults.append(row.make_fault(column.name, Fault(DIFFERENT_NUMBERS, values)))
    return faults


def group_subfields(sheet: WorkbookSheet) -> dict[str, list[WorkbookColumn]]:
    """Return field → columns of its subfields."""
    found: dict[str, list[WorkbookColumn]] = {}
    for column in sheet.columns:
        if column.subfield:
            found.setdefault(column.field, []).append(column)
    return found


def _is_repeated(sheet: WorkbookSheet, match: HeaderMatch, cells: Sequence[GivenCell]) -> bool:
    """Return whether a row repeats the headings, in the same or in the other language."""
    filled = [number for number, cell in enumerate(cells) if not is_empty_cell(cell)]
    if not filled:
        return True
    same = [
        number
        for number in filled
        if number in match.columns
        and sheet.find_column(_get(cells, number)) == match.columns[number]
    ]
    return len(same) == len(filled) or (len(same) >= 3 and len(same) > len(filled) / 2)


def _get(cells: Sequence[GivenCell], number: int) -> GivenCell:
    return cells[number] if number < len(cells) else None
