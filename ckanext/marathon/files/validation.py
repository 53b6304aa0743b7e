"""Validating a table against a table schema: a report in plain words, by row.

The columns of the file are matched with those of the schema by their headings. Cells are parsed by
the site's own rules first, since ``Q 1,234.50``, ``01/02/2024``, ``6:30 am``, ``501`` or
«Miércoles» are right in an office. Frictionless then checks the values against the schema.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple

from ckanext.marathon.domain.errors import N_, Fault, Malformed
from ckanext.marathon.domain.table import (
    ColumnType,
    SheetCell,
    is_missing,
    parse_cell,
    write_cell,
)
from ckanext.marathon.files.profile import SheetProfile
from ckanext.marathon.files.table_schemas import TIME_FORMAT, TableField, TableSchema
from ckanext.marathon.files.tables import name_column, open_tables
from ckanext.marathon.vocabulary.codes import fold_text

#: How many errors a report lists.
MOST_ERRORS = 100

#: The value of a cell of a valid table.
TableValue = str | int | float | bool | date | time | None

MISSING_COLUMN = N_("The column “{name}” is missing: add it, even if some cells stay empty")
REQUIRED = N_("The cell is empty, and this column needs a value in every row")
NOT_A_TERM = N_("“{value}” is not in the list. Write one of: {terms}")
NOT_A_MUNICIPALITY = N_(
    "“{value}” is no municipality. Write its code of four digits, or its name if no other "
    "municipality has the same"
)
NOT_A_TIME = N_("“{value}” is not a time of day: write it as 06:30 or 18:00")
NOT_A_FLAG = N_("“{value}” is neither yes nor no")
NOT_WHOLE = N_("“{value}” is not a whole number")
NOT_A_DAY = N_("“{value}” is not a day: write it as 31/01/2026 or 2026-01-31")
TOO_SMALL = N_("{value} is too small: at least {bound}")
TOO_LARGE = N_("{value} is too large: at most {bound}")
WRONG_FORM = N_("“{value}” does not have the form of this column: {form}")
SAME_ROW = N_("The row repeats row {other}: both have the same {columns}")
WRONG = N_("“{value}” does not fit this column")
# Begins the value that frictionless gets in the place of a cell that could not be parsed.
_UNREADABLE = "\ufffd"
# After so many errors frictionless stops: a table of the wrong kind has one in every cell.
_MOST_REPORTED = 1000


class TableError(NamedTuple):
    """An error of a table.

    Attributes:
        row: as a spreadsheet program shows it; 0 for errors of the whole table.
        letter: letters of the column, ``""`` for errors of a row.
        label: heading of the column.
        value: the cell as text.
        fault: what is wrong and what to do.
    """

    row: int
    letter: str
    label: str
    value: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class TableReport:
    """The result of a validation.

    Attributes:
        schema: name of the table schema.
        row_count: number of rows below the heading.
        error_count: number of errors; of a table with very many at least this number.
        errors: the first :data:`MOST_ERRORS`, by row and column.
        extra_columns: headings of columns that the schema does not have; they are no errors.
    """

    schema: str
    row_count: int
    error_count: int
    errors: tuple[TableError, ...]
    extra_columns: tuple[str, ...]

    @property
    def is_valid(self) -> bool:
        """Whether the table has no error."""
        return not self.error_count


class _MatchedColumn(NamedTuple):
    field: TableField
    position: int
    label: str


def match_columns(schema: TableSchema, sheet: SheetProfile) -> dict[str, int]:
    """Return name → position in the file, for the columns of a schema that a sheet has."""
    return {column.field.name: column.position for column in _match(schema, sheet)}


def _match(schema: TableSchema, sheet: SheetProfile) -> list[_MatchedColumn]:
    matched: list[_MatchedColumn] = []
    taken: set[int] = set()
    # Names and titles come before synonyms, which may fit a more general heading.
    own = {
        column.name: {fold_text(column.name), *map(fold_text, column.title.values())}
        for column in schema.fields
    }
    for headings in (own, {column.name: column.headings for column in schema.fields}):
        for column in schema.fields:
            if any(column is found.field for found in matched):
                continue
            for candidate in sheet.columns:
                if (
                    candidate.position in taken
                    or fold_text(candidate.label) not in headings[column.name]
                ):
                    continue
                matched.append(_MatchedColumn(column, candidate.position, candidate.label))
                taken.add(candidate.position)
                break
    return matched


def validate_sheet(
    path: Path, sheet: SheetProfile, schema: TableSchema, most_errors: int = MOST_ERRORS
) -> TableReport:
    """Validate a sheet of a file against a table schema.

    Args:
        path: the file.
        sheet: the profile of the sheet.
        schema: the schema.
        most_errors: how many errors are listed.

    Raises:
        Malformed: the file cannot be read.
        OSError: the file cannot be opened.
    """
    columns = _match(schema, sheet)
    known = {column.position for column in columns}
    extra = tuple(
        column.label or column.letter for column in sheet.columns if column.position not in known
    )
    missing = [
        column
        for column in schema.fields
        if column.required and all(found.field is not column for found in columns)
    ]
    if missing:
        errors = tuple(
            TableError(0, "", column.title["es"], "", Fault(MISSING_COLUMN, {"name": column.title}))
            for column in missing
        )
        return TableReport(schema.name, sheet.row_count, len(errors), errors, extra)
    found = _Validation(schema, columns, most_errors)
    with open_tables(path) as table:
        for candidate in table.sheets:
            if candidate.name == sheet.name:
                found.run(
                    (row.number, row.cells)
                    for row in candidate.rows
                    if row.number > sheet.heading.row and not sheet.repeats_heading(row)
                )
                break
    errors = tuple(
        sorted(found.errors, key=lambda error: (error.row, len(error.letter), error.letter))
    )
    return TableReport(schema.name, found.row_count, found.error_count, errors, extra)


def read_valid_rows(
    path: Path, sheet: SheetProfile, schema: TableSchema
) -> Iterator[list[TableValue]]:
    """Yield the rows of a valid sheet, in the order of the schema's columns.

    Raises:
        Malformed: the file cannot be read, or is not valid.
        OSError: the file cannot be opened.
    """
    positions = match_columns(schema, sheet)
    with open_tables(path) as table:
        for candidate in table.sheets:
            if candidate.name != sheet.name:
                continue
            for row in candidate.rows:
                if row.number > sheet.heading.row and not sheet.repeats_heading(row):
                    yield [
                        parse_value(_get_cell(row.cells, positions.get(column.name)), column)
                        for column in schema.fields
                    ]
            return


def _get_cell(cells: Sequence[SheetCell], position: int | None) -> SheetCell:
    return cells[position] if position is not None and position < len(cells) else None


class _Validation:
    """Feeds rows to frictionless, and collects errors of both."""

    def __init__(
        self, schema: TableSchema, columns: Sequence[_MatchedColumn], most_errors: int
    ) -> None:
        self.errors: list[TableError] = []
        self.error_count = 0
        self.row_count = 0
        self._schema = schema
        self._columns = columns
        self._most = most_errors
        # Rows of frictionless are counted from its own heading, which is row 1.
        self._numbers: list[int] = [0, 0]

    def run(self, rows: Iterator[tuple[int, Sequence[SheetCell]]]) -> None:
        """Validate rows."""
        # It takes a second to import, and only jobs use it.
        from frictionless import Resource, Schema

        names = [column.field.name for column in self._columns]
        descriptor = self._schema.build_descriptor()
        descriptor["fields"] = [
            next(field for field in descriptor["fields"] if field["name"] == name) for name in names
        ]
        if not set(descriptor["primaryKey"]) <= set(names):
            del descriptor["primaryKey"]

        def feed() -> Generator[list[Any]]:
            yield names
            for number, cells in rows:
                self.row_count += 1
                self._numbers.append(number)
                yield [self._read_value(number, cells, column) for column in self._columns]

        resource: Any = Resource(data=feed, schema=Schema.from_descriptor(descriptor))
        report: Any = resource.validate(limit_errors=_MOST_REPORTED)
        for task in report.tasks:
            for error in task.errors:
                self._add_reported(error)

    def _read_value(
        self, number: int, cells: Sequence[SheetCell], column: _MatchedColumn
    ) -> TableValue:
        cell = _get_cell(cells, column.position)
        try:
            return parse_value(cell, column.field)
        except Malformed as error:
            self._add(number, column, write_cell(cell), error.fault)
            # Different in each row, so that such cells do not make rows equal.
            return f"{_UNREADABLE}{number}"

    def _add(self, number: int, column: _MatchedColumn | None, value: str, fault: Fault) -> None:
        self.error_count += 1
        if len(self.errors) < self._most:
            letter = name_column(column.position) if column else ""
            self.errors.append(
                TableError(number, letter, column.label if column else "", value, fault)
            )

    def _add_reported(self, error: Any) -> None:
        number: int | None = getattr(error, "row_number", None)
        row = self._numbers[number] if number and number < len(self._numbers) else 0
        if error.type == "primary-key":
            self._add(row, None, "", self._explain_repetition(error))
            return
        cell = str(getattr(error, "cell", None) or "")
        place: int | None = getattr(error, "field_number", None)
        if cell.startswith(_UNREADABLE) or place is None:
            # Already explained, where the cell was parsed.
            return
        column = self._columns[place - 1]
        value = "" if cell == "None" else cell
        self._add(row, column, value, _explain(column.field, value, str(error.note)))

    def _explain_repetition(self, error: Any) -> Fault:
        place = re.search(r"position (\d+)", str(error.note))
        other = self._numbers[int(place[1])] if place else 0
        titles = {column.field.name: column.label for column in self._columns}
        columns = ", ".join(titles[name] for name in self._schema.key)
        return Fault(SAME_ROW, {"other": other, "columns": columns})


def _explain(column: TableField, value: str, note: str) -> Fault:
    """Return an error of frictionless in plain words; ``note`` names the constraint."""
    if '"required"' in note:
        return Fault(REQUIRED)
    if '"minimum"' in note:
        return Fault(TOO_SMALL, {"value": value, "bound": column.minimum})
    if '"maximum"' in note:
        return Fault(TOO_LARGE, {"value": value, "bound": column.maximum})
    if '"pattern"' in note:
        return Fault(WRONG_FORM, {"value": value, "form": column.description})
    return Fault(WRONG, {"value": value})


_TRUE = frozenset({"si", "s", "yes", "y", "verdadero", "true", "x", "1"})
_FALSE = frozenset({"no", "n", "falso", "false", "0"})
_TIME = re.compile(
    r"(?P<hour>[01]?\d|2[0-3])(?:[:.h](?P<minute>[0-5]\d))?(?::[0-5]\d)?\s*"
    r"(?:h|hrs?|horas)?\.?\s*(?P<half>[ap]\.?\s?m\.?)?",
    re.IGNORECASE | re.ASCII,
)


def parse_value(cell: SheetCell, column: TableField) -> TableValue:
    """Return the value of a cell for a column of a schema, ``None`` if it is empty.

    Raises:
        Malformed: the cell cannot be read as a value of this column.
    """
    text = write_cell(cell)
    if not text or (column.type != "string" and is_missing(cell)):
        return None
    if column.names_municipality or column.terms:
        code = column.find_code(text)
        if code is None:
            raise _refuse_term(column, text)
        return code
    return _READERS[column.type](cell, text)


def write_value(value: TableValue) -> str | int | float | bool | None:
    """Return a value as a valid table has it, in the formats that the descriptor states."""
    if isinstance(value, time):
        return value.strftime(TIME_FORMAT)
    return value.isoformat() if isinstance(value, date) else value


def list_example_rows(schema: TableSchema) -> list[list[str | int | float | bool | None]]:
    """Return the example rows of a schema as a valid table has them."""
    return [
        [
            write_value(parse_value(cell, column))
            for cell, column in zip(row, schema.fields, strict=True)
        ]
        for row in schema.example
    ]


def _refuse_term(column: TableField, text: str) -> Malformed:
    if column.names_municipality:
        return Malformed(NOT_A_MUNICIPALITY, value=text)
    return Malformed(NOT_A_TERM, value=text, terms=tuple(term.title for term in column.terms))


def _read_text(_cell: SheetCell, text: str) -> TableValue:
    return text


def _read_whole(cell: SheetCell, text: str) -> TableValue:
    number = parse_cell(cell, ColumnType.NUMBER)
    if not isinstance(number, int):
        raise Malformed(NOT_WHOLE, value=text)
    return number


def _read_number(cell: SheetCell, _text: str) -> TableValue:
    number = parse_cell(cell, ColumnType.NUMBER)
    return number if isinstance(number, int | float) else None


def _read_flag(cell: SheetCell, text: str) -> TableValue:
    if isinstance(cell, bool):
        return cell
    folded = fold_text(text)
    if folded not in _TRUE | _FALSE:
        raise Malformed(NOT_A_FLAG, value=text)
    return folded in _TRUE


def _read_day(cell: SheetCell, text: str) -> TableValue:
    day = parse_cell(cell, ColumnType.DATE)
    if not isinstance(day, date):
        raise Malformed(NOT_A_DAY, value=text)
    return day


def _read_time(cell: SheetCell, text: str) -> TableValue:
    if isinstance(cell, datetime):
        # A time typed in Excel may carry the day 30 December 1899.
        return cell.time().replace(microsecond=0)
    if isinstance(cell, time):
        return cell.replace(microsecond=0)
    found = _TIME.fullmatch(text)
    if not found or (isinstance(cell, int | float) and not isinstance(cell, bool)):
        raise Malformed(NOT_A_TIME, value=text)
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    half = (found["half"] or "")[:1].lower()
    if half and not 1 <= hour <= 12:
        raise Malformed(NOT_A_TIME, value=text)
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    elif not found["minute"]:
        # «6» alone may be the morning or the evening.
        raise Malformed(NOT_A_TIME, value=text)
    return time(hour, minute)


_READERS: Mapping[str, Any] = {
    "string": _read_text,
    "integer": _read_whole,
    "number": _read_number,
    "boolean": _read_flag,
    "date": _read_day,
    "time": _read_time,
}
