"""The profile of a file: what an officer would otherwise have to type about it.

Format, size, encoding, sheets, columns with their types, first rows, the period that the data are
of and a title. All of it is a suggestion that the officer sees and corrects.

A table may have title rows above its heading and groups of columns in a row above it, repeat the
heading further down and end with a total. The heading is the first row that has text in most
columns.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from ckanext.marathon.domain.errors import N_, Fault, Malformed
from ckanext.marathon.domain.file import SAMPLE_SIZE, detect_media_type
from ckanext.marathon.domain.table import (
    ColumnType,
    ColumnTypeGuess,
    Misfit,
    ParsedCell,
    SheetCell,
    fits_type,
    is_missing,
    parse_cell,
    write_cell,
)
from ckanext.marathon.files.tables import Row, Sheet, TableFormat, name_column, open_tables
from ckanext.marathon.vocabulary.codes import Labels, fold_text

#: How many rows a profile shows.
FIRST_ROWS = 10
# PostgreSQL's limits: bytes of a name, columns of a table (with some room for the DataStore's own).
_LONGEST_NAME = 60
MOST_COLUMNS = 1000
# Among how many rows the heading is looked for.
_HEADING_ROWS = 60
_MOST_IN_TITLE = 150
_EXAMPLES = 3
_TABLES = frozenset({"csv", "tsv", "tab", "xlsx", "xlsm", "xlsb", "xls", "ods"})

NO_HEADING = N_(
    "No row names the columns: columns are called by their letters. Write a row with names above "
    "the "
    "data"
)
NO_ROWS = N_("The table has no rows")
UNNAMED = N_("Column {column} has no name: write one in row {row}")
TWICE = N_("Columns {first} and {second} have the same name, “{name}”: write different names")
MIXED = N_(
    "Column {column}, “{name}”: most cells are {type}, but not row {row}, “{value}”. The column is "
    "published as text. Correct the cell if it is meant as {type}"
)
REPEATED = N_("Row {row} repeats the heading. It is left out of the table that the site shows")
TOTAL = N_("Row {row} looks like a total. Delete it, so that sums are not counted twice")
TOO_WIDE = N_("The table has {count} columns; only the first {most} are shown")


class Heading(NamedTuple):
    """The heading of a table.

    Attributes:
        row: number of its row, 0 if no row names the columns.
        labels: label of each column, from column A; ``""`` where it has none.
        titles: texts of the rows above it.
    """

    row: int
    labels: tuple[str, ...]
    titles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """A column.

    Attributes:
        name: machine-readable, unique in its sheet, of ``a-z``, ``0-9`` and ``_``.
        label: as the file has it.
        position: from 0; see :func:`ckanext.marathon.files.tables.name_column`.
        filled: number of cells with a value.
        examples: the first different values, as text.
    """

    name: str
    label: str
    position: int
    type: ColumnType
    filled: int
    examples: tuple[str, ...]

    @property
    def letter(self) -> str:
        """The letters of the column in a spreadsheet program."""
        return name_column(self.position)


@dataclass(frozen=True, slots=True)
class SheetProfile:
    """A sheet.

    Attributes:
        name: ``""`` for text files.
        heading: where the columns' names are.
        row_count: number of rows below the heading that have a value, without repeated headings.
        is_partial: whether there are more rows than were read.
        first_rows: the first rows as text, in the order of ``columns``.
        days: first and last day in the columns of dates, ``None`` without such columns.
        problems: what the officer may want to correct.
    """

    name: str
    is_hidden: bool
    heading: Heading
    columns: tuple[ColumnProfile, ...]
    row_count: int
    is_partial: bool
    first_rows: tuple[tuple[str, ...], ...]
    days: tuple[date, date] | None
    problems: tuple[Fault, ...]

    def repeats_heading(self, row: Row) -> bool:
        """Return whether a row below the heading repeats it."""
        return _repeats_heading(row, self.heading)


@dataclass(frozen=True, slots=True)
class FileProfile:
    """A file.

    Attributes:
        name: the file's name.
        format: format of a table, ``None`` for other files.
        media_type: without parameters.
        size: in bytes.
        encoding: Python's name, ``""`` unless the file is a table as text.
        separator: between the cells, ``""`` unless the file is a table as text.
        sheets: those with a filled cell.
        period: first and last year, month or day (``2026``, ``2026-01``, ``2026-01-31``), or
            ``None``.
        title: suggestion for the title of a dataset.
        problem: why a file that is named like a table cannot be read as one.
    """

    name: str
    format: TableFormat | None
    media_type: str
    size: int
    encoding: str = ""
    separator: str = ""
    sheets: tuple[SheetProfile, ...] = ()
    period: tuple[str, str] | None = None
    title: str = ""
    problem: Fault | None = None

    @property
    def main_sheet(self) -> SheetProfile | None:
        """The first sheet of data, ``None`` if there is none; see :func:`order_sheets`."""
        return next(iter(order_sheets(self.sheets)), None)


def order_sheets(sheets: Iterable[SheetProfile]) -> list[SheetProfile]:
    """Return the visible sheets with rows; covers (no heading, or one column) come last."""
    shown = [sheet for sheet in sheets if sheet.row_count and not sheet.is_hidden]
    return sorted(shown, key=lambda sheet: (not sheet.heading.row, len(sheet.columns) == 1))


def profile_file(path: Path, name: str, most_rows: int | None = None) -> FileProfile:
    """Return the profile of a file.

    Args:
        path: the file.
        name: its name; the extension says whether it is meant as a table.
        most_rows: how many rows of a sheet are read; ``None`` for all.

    Raises:
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as opened:
        media_type = detect_media_type(opened.read(SAMPLE_SIZE), name)
    found = FileProfile(name, None, media_type, size, title=suggest_title(name, ()))
    period_of_name = find_period(fold_text(Path(name).stem))
    if Path(name).suffix.lower().lstrip(".") not in _TABLES:
        return FileProfile(name, None, media_type, size, period=period_of_name, title=found.title)
    try:
        with open_tables(path) as table:
            profiles = [profile_sheet(sheet, most_rows) for sheet in table.sheets]
            sheets = tuple(sheet for sheet in profiles if sheet.columns)
    except Malformed as error:
        return FileProfile(name, None, media_type, size, title=found.title, problem=error.fault)
    titles = sheets[0].heading.titles if sheets else ()
    return FileProfile(
        name,
        table.format,
        media_type,
        size,
        table.encoding,
        table.separator,
        sheets,
        _choose_period(sheets, titles) or period_of_name,
        suggest_title(name, titles),
        None if sheets else Fault(NO_ROWS),
    )


def profile_sheet(sheet: Sheet, most_rows: int | None = None) -> SheetProfile:
    """Return the profile of a sheet, whose rows are read to their end or to ``most_rows``.

    Raises:
        Malformed: the rows cannot be read.
    """
    rows = iter(sheet.rows)
    start = list(islice(rows, _HEADING_ROWS))
    heading = find_heading(start)
    body = _Body(heading)
    is_partial = False
    for row in chain(start, rows):
        if row.number <= heading.row:
            continue
        if most_rows is not None and body.row_count >= most_rows:
            is_partial = True
            break
        body.add_row(row)
    columns = body.make_columns()
    return SheetProfile(
        sheet.name,
        sheet.is_hidden,
        heading,
        columns,
        body.row_count,
        is_partial,
        tuple(
            tuple(write_cell(_get_cell(row.cells, column.position)) for column in columns)
            for row in body.first_rows
        ),
        body.find_days(columns),
        body.list_problems(columns),
    )


def read_records(path: Path, sheet: SheetProfile) -> Iterator[tuple[int, list[ParsedCell]]]:
    """Yield the rows below the heading of a sheet with typed cells, in the order of its columns.

    Args:
        path: the file of which the profile was made.
        sheet: a whole profile: a partial one may state types that later rows do not fit.

    Raises:
        Malformed: the file cannot be read, or a cell does not fit the type of its column.
        OSError: the file cannot be opened.
    """
    with open_tables(path) as table:
        for found in table.sheets:
            if found.name != sheet.name:
                continue
            for row in found.rows:
                if row.number > sheet.heading.row and not _repeats_heading(row, sheet.heading):
                    yield (
                        row.number,
                        [
                            parse_cell(_get_cell(row.cells, column.position), column.type)
                            for column in sheet.columns
                        ],
                    )
            return


def find_heading(rows: Sequence[Row]) -> Heading:
    """Return the heading of a table.

    Args:
        rows: the first rows.
    """
    counts = Counter(_count_filled(row) for row in rows)
    if not counts:
        return Heading(0, (), ())
    usual = max(counts.items(), key=lambda item: (item[1], item[0]))[0]
    needed = max(1 if usual == 1 else 2, 0.6 * usual)
    for place, row in enumerate(rows):
        if _count_filled(row) < needed:
            continue
        if not _names_columns(row) or (usual == 1 and len(rows) == 1):
            break
        if _is_row_of_groups(rows, place):
            place += 1  # the heading is the row below the groups
        before = rows[place - 1] if place else None
        is_adjacent = before is not None and before.number == rows[place].number - 1
        labels = _join_groups(_list_labels(rows[place]), before if is_adjacent else None)
        titles = tuple(
            " ".join(map(write_cell, filter(None, title.cells))) for title in rows[:place]
        )
        return Heading(rows[place].number, labels, titles)
    return Heading(0, (), ())


def _count_filled(row: Row) -> int:
    return sum(cell is not None for cell in row.cells)


def _names_columns(row: Row) -> bool:
    """Return whether the cells of a row are names; years may be among them."""
    filled = [cell for cell in row.cells if cell is not None]
    years = [cell for cell in filled if _is_year(cell)]
    if len(years) == len(filled):
        return False
    types = (ColumnType.NUMBER, ColumnType.BOOLEAN, ColumnType.DATE, ColumnType.DATETIME)
    return not any(
        cell not in years and (not isinstance(cell, str) or any(fits_type(cell, t) for t in types))
        for cell in filled
    )


def _is_year(cell: SheetCell) -> bool:
    return bool(re.fullmatch(r"(19|20)\d\d", write_cell(cell)))


def _list_labels(row: Row) -> tuple[str, ...]:
    return tuple(" ".join(write_cell(cell).split()) for cell in row.cells)


def _is_row_of_groups(rows: Sequence[Row], place: int) -> bool:
    """Return whether a row names groups of columns, and the next one the columns in them."""
    below = rows[place + 1] if place + 1 < len(rows) else None
    if below is None or not _names_columns(below) or below.number != rows[place].number + 1:
        return False
    labels = [fold_text(label) for label in _list_labels(below) if label]
    fills_gap = any(
        cell is not None and _get_cell(rows[place].cells, position) is None
        for position, cell in enumerate(below.cells)
    )
    return fills_gap and len(set(labels)) < len(labels)


def _join_groups(labels: tuple[str, ...], above: Row | None) -> tuple[str, ...]:
    """Return labels with the group of columns that the row above names, if some are repeated.

    «—, Hombres, Mujeres, Hombres, Mujeres» below «Lugar, Enero, —, Febrero, —» become «Lugar»,
    «Enero Hombres» and so on.
    """
    counts = Counter(fold_text(label) for label in labels)
    if above is None or not any(count > 1 for label, count in counts.items() if label):
        return labels
    joined: list[str] = []
    group = ""
    for position, label in enumerate(labels):
        own = write_cell(_get_cell(above.cells, position))
        group = own or group
        is_repeated = bool(label) and counts[fold_text(label)] > 1
        joined.append(f"{group} {label}".strip() if is_repeated else label or own)
    return tuple(joined)


def _repeats_heading(row: Row, heading: Heading) -> bool:
    return (
        bool(heading.row)
        and _list_labels(row) == heading.labels[: len(row.cells)]
        and (_count_filled(row) == sum(map(bool, heading.labels)))
    )


def _get_cell(cells: Sequence[SheetCell], position: int) -> SheetCell:
    return cells[position] if position < len(cells) else None


class _Body:
    """The rows below a heading, taken one after the other."""

    def __init__(self, heading: Heading) -> None:
        self.heading = heading
        self.row_count = 0
        self.first_rows: list[Row] = []
        self._repeated: list[int] = []
        self._totals: list[int] = []
        self._guesses: list[ColumnTypeGuess] = []
        self._examples: list[dict[str, None]] = []
        self._days: dict[int, tuple[date, date]] = {}

    def add_row(self, row: Row) -> None:
        """Take a row into account."""
        if _repeats_heading(row, self.heading):
            self._repeated.append(row.number)
            return
        self.row_count += 1
        if len(self.first_rows) < FIRST_ROWS:
            self.first_rows.append(row)
        if fold_text(write_cell(next(filter(None, row.cells), None))).startswith("total"):
            self._totals.append(row.number)
        for position, cell in enumerate(row.cells[:MOST_COLUMNS]):
            if position == len(self._guesses):
                self._guesses.append(ColumnTypeGuess(self._label(position)))
                self._examples.append({})
            self._guesses[position].add_cell(row.number, cell)
            if len(self._examples[position]) < _EXAMPLES and not is_missing(cell):
                self._examples[position][write_cell(cell)] = None
            if isinstance(cell, date | str) and self._guesses[position].may_be_dates:
                self._add_day(position, cell)

    def _label(self, position: int) -> str:
        return self.heading.labels[position] if position < len(self.heading.labels) else ""

    def _add_day(self, position: int, cell: SheetCell) -> None:
        try:
            value = parse_cell(cell, ColumnType.DATETIME)
        except Malformed:
            return
        if isinstance(value, datetime):
            day = value.date()
            first, last = self._days.get(position, (day, day))
            self._days[position] = min(first, day), max(last, day)

    def make_columns(self) -> tuple[ColumnProfile, ...]:
        """Return the columns that have a name or a value."""
        columns: list[ColumnProfile] = []
        taken: set[str] = set()
        width = min(max(len(self._guesses), len(self.heading.labels)), MOST_COLUMNS)
        for position in range(width):
            guess = self._guesses[position] if position < len(self._guesses) else ColumnTypeGuess()
            label = self._label(position)
            if not label and not guess.filled:
                continue
            examples = tuple(self._examples[position]) if position < len(self._examples) else ()
            name = _make_name(label, position, taken)
            columns.append(
                ColumnProfile(name, label, position, guess.decide(), guess.filled, examples)
            )
        return tuple(columns)

    def find_days(self, columns: Iterable[ColumnProfile]) -> tuple[date, date] | None:
        """Return the first and last day of the first column of dates that is no birthday."""
        for column in columns:
            is_date = column.type in (ColumnType.DATE, ColumnType.DATETIME)
            if is_date and "nacimiento" not in fold_text(column.label):
                return self._days.get(column.position)
        return None

    def list_problems(self, columns: Sequence[ColumnProfile]) -> tuple[Fault, ...]:
        """Return what the officer may want to correct."""
        problems: list[Fault] = []
        row = self.heading.row
        if not row and columns:
            problems.append(Fault(NO_HEADING))
        if not self.row_count:
            problems.append(Fault(NO_ROWS))
        width = len(self.heading.labels)
        if width > MOST_COLUMNS:
            problems.append(Fault(TOO_WIDE, {"count": width, "most": MOST_COLUMNS}))
        seen: dict[str, str] = {}
        for column in columns:
            if row and not column.label:
                problems.append(Fault(UNNAMED, {"column": column.letter, "row": row}))
            folded = fold_text(column.label)
            if folded and folded in seen:
                values = {"first": seen[folded], "second": column.letter, "name": column.label}
                problems.append(Fault(TWICE, values))
            seen.setdefault(folded, column.letter)
            problems += self._explain_mixture(column)
        problems += [Fault(REPEATED, {"row": number}) for number in self._repeated[:3]]
        problems += [Fault(TOTAL, {"row": number}) for number in self._totals[:3]]
        return tuple(problems)

    def _explain_mixture(self, column: ColumnProfile) -> list[Fault]:
        if column.position >= len(self._guesses):
            return []
        nearest = self._guesses[column.position].find_nearest()
        if nearest is None:
            return []
        type_, misfits = nearest
        return [_explain_misfit(column, type_, misfit) for misfit in misfits[:1]]


#: Types in the words of an office.
TYPE_NAMES: Mapping[ColumnType, Labels] = {
    ColumnType.STRING: {"es": "texto", "en": "text"},
    ColumnType.INTEGER: {"es": "números enteros", "en": "whole numbers"},
    ColumnType.NUMBER: {"es": "números", "en": "numbers"},
    ColumnType.BOOLEAN: {"es": "sí o no", "en": "yes or no"},
    ColumnType.DATE: {"es": "fechas", "en": "dates"},
    ColumnType.DATETIME: {"es": "fechas con hora", "en": "dates with a time"},
}


def _explain_misfit(column: ColumnProfile, type_: ColumnType, misfit: Misfit) -> Fault:
    values = {
        "column": column.letter,
        "name": column.label,
        "type": TYPE_NAMES[type_],
        "row": misfit.row,
        "value": misfit.value,
    }
    return Fault(MIXED, values)


def _make_name(label: str, position: int, taken: set[str]) -> str:
    """Return a unique name for a column, and add it to ``taken``."""
    plain = "_".join(re.findall("[a-z0-9]+", fold_text(label)))[:_LONGEST_NAME]
    if not plain or plain[0].isdigit():
        plain = f"c_{plain}" if plain else f"columna_{name_column(position).lower()}"
    name, number = plain, 1
    while name in taken:
        number += 1
        name = f"{plain[: _LONGEST_NAME - 4]}_{number}"
    taken.add(name)
    return name


# Rows above a heading that name the office, and not the data.
_OFFICES = frozenset(
    {
        *("municipalidad", "departamento", "direccion", "oficina", "unidad", "gobierno"),
        *("republica", "guatemala", "seccion", "gerencia", "secretaria", "nit", "tel"),
    }
)
_NOISE = re.compile(
    r"\b(?:copia de|copy of|copia|final|definitivo|nuevo|ultimo|última versión|v\d+)\b|\(\d+\)",
    re.IGNORECASE,
)


def suggest_title(name: str, titles: Iterable[str]) -> str:
    """Return a title for a dataset: a title row of its table, else the name of the file.

    Args:
        name: of the file.
        titles: texts of the rows above the heading.
    """
    for title in titles:
        words = fold_text(title).split()
        if len(words) > 1 and words[0] not in _OFFICES:
            return _tidy_title(title)
    stem = Path(name).stem
    return _tidy_title(_NOISE.sub(" ", re.sub(r"[_+]|(?<=\D)-|-(?=\D)", " ", stem)))


def _tidy_title(text: str) -> str:
    text = " ".join(text.split()).strip(" .-–:")[:_MOST_IN_TITLE]
    if text.isupper():
        text = text.lower()
    return text[:1].upper() + text[1:]


_MONTHS = (
    *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
    *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
)
_SPELLINGS = {
    **{month: number for number, month in enumerate(_MONTHS, start=1)},
    **{month[:3]: number for number, month in enumerate(_MONTHS, start=1)},
    "setiembre": 9,
    "sept": 9,
}
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_MONTH_NAME = "|".join(sorted(_SPELLINGS, key=len, reverse=True))
_PERIODS = (
    re.compile(
        rf"\b(?P<first>{_MONTH_NAME}) (?:a |al |hasta )?(?P<last>{_MONTH_NAME}) "
        rf"(?:de |del )?{_YEAR}\b"
    ),
    re.compile(rf"\b(?P<first>{_MONTH_NAME}) (?:de |del )?{_YEAR}\b"),
    re.compile(rf"\b{_YEAR} (?P<first>{_MONTH_NAME})\b"),
    re.compile(rf"\b{_YEAR} (?P<first>0[1-9]|1[0-2])\b"),
    re.compile(rf"\b(?P<first>0[1-9]|1[0-2]) {_YEAR}\b"),
    re.compile(rf"\b{_YEAR}\b"),
)


def find_period(folded: str) -> tuple[str, str] | None:
    """Return the period that a text names, as first and last month or year.

    Args:
        folded: from :func:`ckanext.marathon.vocabulary.codes.fold_text`: «agua enero 2026».
    """
    for pattern in _PERIODS:
        found = pattern.search(folded)
        if not found:
            continue
        parts = found.groupdict()
        year = parts["year"]
        first, last = (_read_month(parts.get(name)) for name in ("first", "last"))
        if first is None:
            return year, year
        last = last or first
        return (f"{year}-{first:02}", f"{year}-{last:02}") if first <= last else None
    return None


def _read_month(text: str | None) -> int | None:
    if not text:
        return None
    return _SPELLINGS.get(text) or int(text)


def _choose_period(sheets: Sequence[SheetProfile], titles: Iterable[str]) -> tuple[str, str] | None:
    for title in titles:
        if found := find_period(fold_text(title)):
            return found
    for sheet in sheets:
        if sheet.days and not sheet.is_partial:
            return sheet.days[0].isoformat(), sheet.days[1].isoformat()
    return None
