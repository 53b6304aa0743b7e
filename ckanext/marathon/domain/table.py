"""Types of a table's columns, and parsing its cells.

Types are never inferred from the look of a few cells. A column gets a type other than text only if
every cell can be parsed by the rules of :mod:`ckanext.marathon.domain.numbers` and
:mod:`ckanext.marathon.domain.dates`. So ``0501`` stays text, ``Q 1,234.50`` is a number and
``01/02/2024`` is the first of February. A column with ``1.234,50``, which is not how numbers are
written in Guatemala, stays text, and its cells are listed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

from ckanext.marathon.domain import dates, numbers
from ckanext.marathon.domain.errors import N_, Malformed
from ckanext.marathon.domain.texts import quote_value, remove_hidden
from ckanext.marathon.vocabulary.codes import fold_text

#: What a cell of a file may be; ``None`` if it is empty. Numbers are ``int`` where they are whole.
SheetCell = str | bool | int | float | date | datetime | time | timedelta | None
#: What a parsed cell may be.
ParsedCell = str | bool | int | float | date | datetime | None


class ColumnType(StrEnum):
    """The type of a column's values.

    Source: Frictionless Table Schema, field types; codes like ``0501`` are strings.
    """

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"


class Misfit(NamedTuple):
    """A cell that keeps its column from having a type.

    Attributes:
        row: number of the row, as a spreadsheet program shows it.
        value: the cell as text.
    """

    row: int
    value: str


# A column of numbers or dates may have these instead of an empty cell.
_MISSING = frozenset(
    {
        "",
        "-",
        "--",
        "---",
        "n/d",
        "n.d.",
        "nd",
        "s/d",
        "s.d.",
        "sd",
        "n/a",
        "na",
        "n.a.",
        "#n/a",
        "#n/d",
    }
)
_DIGIT = re.compile(r"\d", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)
_CODE = re.compile(r"0\d+", re.ASCII)
# A double has 15 reliable digits, so longer numbers (bank accounts, CUI) lose their last ones.
_MOST_DIGITS = 15
# Words of a heading that name codes: numbers that nobody adds up.
_CODE_WORDS = frozenset(
    {
        *("cod", "codigo", "code", "clave", "cui", "dpi", "nit", "nog", "snip", "id"),
        *("tel", "telefono", "celular", "whatsapp", "phone", "cuenta", "expediente", "boleta"),
        *("factura", "placa", "predio", "finca", "folio", "libro", "nomenclatura", "correlativo"),
    }
)
# A type is proposed for a column whose cells fit it by this share; the others are listed.
_NEARLY = 0.8
_MOST_MISFITS = 5
# A type that does not fit this many cells, and more than that share, is not tried any longer.
_ENOUGH_MISFITS = 20
# In this order the first type that fits all cells is taken.
_ORDER = (
    ColumnType.INTEGER,
    ColumnType.NUMBER,
    ColumnType.BOOLEAN,
    ColumnType.DATE,
    ColumnType.DATETIME,
)


def is_missing(cell: SheetCell) -> bool:
    """Return whether a cell of a column of numbers or dates has no value."""
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in _MISSING)


def write_cell(cell: SheetCell) -> str:
    """Return a cell as text: as it is shown in a preview and stored in a column of text.

    Dates and times are ISO 8601, durations hours and minutes (``36:00``), booleans ``sí`` and
    ``no``.
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "sí" if cell else "no"
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "minutes" if cell.second == 0 else "seconds")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return _write_duration(cell)
    if isinstance(cell, float):
        return str(numbers.write_number(cell, is_bounded=True))
    return remove_hidden(str(cell)).replace("\u00a0", " ").strip()


def _write_duration(length: timedelta) -> str:
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}" + (f":{seconds:02}" if seconds else "")


def parse_cell(cell: SheetCell, type_: ColumnType) -> ParsedCell:
    """Return the value of a cell in a column of a type, ``None`` if it has none.

    Raises:
        Malformed: the cell cannot be parsed as this type.
    """
    if type_ == ColumnType.STRING:
        return write_cell(cell) or None
    if is_missing(cell):
        return None
    parsed = _PARSERS[type_](cell)
    if parsed is None:
        raise Malformed(
            N_("“{value}” is not of the type of its column"), value=quote_value(write_cell(cell))
        )
    return parsed


def _parse_number(cell: SheetCell) -> int | float | None:
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return None
    if not isinstance(cell, str):
        return cell
    text = write_cell(cell)
    if _CODE.fullmatch(text):
        return None
    read = numbers.read_decimal(text).text
    return float(read) if "." in read and not re.fullmatch(r"-?\d+\.0+", read) else int(float(read))


def _parse_integer(cell: SheetCell) -> int | None:
    number = _parse_number(cell)
    return number if isinstance(number, int) else None


def _parse_boolean(cell: SheetCell) -> bool | None:
    return cell if isinstance(cell, bool) else None


def _parse_date(cell: SheetCell) -> date | None:
    if isinstance(cell, datetime):
        return cell.date() if cell.time() == time() else None
    if isinstance(cell, date):
        return cell
    if not isinstance(cell, str):
        return None
    reading = dates.read_date(write_cell(cell))
    return date.fromisoformat(reading.text) if reading.form == dates.DateForm.DAY else None


def _parse_datetime(cell: SheetCell) -> datetime | None:
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime.combine(cell, time())
    if not isinstance(cell, str):
        return None
    reading = dates.read_date(write_cell(cell))
    if reading.form == dates.DateForm.DAY:
        return datetime.fromisoformat(reading.text)
    if reading.form != dates.DateForm.MOMENT:
        return None
    return datetime.fromisoformat(reading.text).astimezone(dates.GUATEMALA).replace(tzinfo=None)


_PARSERS = {
    ColumnType.INTEGER: _parse_integer,
    ColumnType.NUMBER: _parse_number,
    ColumnType.BOOLEAN: _parse_boolean,
    ColumnType.DATE: _parse_date,
    ColumnType.DATETIME: _parse_datetime,
}


def fits_type(cell: SheetCell, type_: ColumnType) -> bool:
    """Return whether a cell can be parsed as a type."""
    if isinstance(cell, str) and type_ != ColumnType.STRING and not _DIGIT.search(cell):
        # Most cells of text are told apart here, without raising an error for each.
        return is_missing(cell)
    try:
        parse_cell(cell, type_)
    except Malformed:
        return False
    return True


def is_code_heading(heading: str) -> bool:
    """Return whether a heading names codes, such as «Código de municipio» or «No. de cuenta»."""
    return not _CODE_WORDS.isdisjoint(fold_text(heading).split())


@dataclass
class _TypeCount:
    """How many cells of a column fit a type."""

    fitting: int = 0
    failing: int = 0
    misfits: list[Misfit] = field(default_factory=list[Misfit])

    @property
    def is_possible(self) -> bool:
        total = self.fitting + self.failing
        return self.failing < _ENOUGH_MISFITS or self.fitting >= _NEARLY * total


class ColumnTypeGuess:
    """Collects the cells of a column, one after the other, and decides on its type.

    Attributes:
        filled: number of cells with a value.
    """

    def __init__(self, heading: str = "") -> None:
        """Set the column's heading; columns of codes stay text."""
        self.filled = 0
        self._is_code = is_code_heading(heading)
        self._counts = {type_: _TypeCount() for type_ in _ORDER}

    def add_cell(self, row: int, cell: SheetCell) -> None:
        """Take a cell into account; ``row`` is the number that a spreadsheet program shows."""
        if is_missing(cell):
            return
        self.filled += 1
        text = write_cell(cell) if isinstance(cell, str | int) else ""
        if _CODE.fullmatch(text) or (_DIGITS.fullmatch(text) and len(text) > _MOST_DIGITS):
            self._is_code = True
        for type_, count in self._counts.items():
            if not count.is_possible:
                continue
            if fits_type(cell, type_):
                count.fitting += 1
                continue
            count.failing += 1
            if len(count.misfits) < _MOST_MISFITS:
                count.misfits.append(Misfit(row, write_cell(cell)))

    @property
    def may_be_dates(self) -> bool:
        """Whether the cells so far may be dates."""
        return self._counts[ColumnType.DATETIME].fitting > 0

    def decide(self) -> ColumnType:
        """Return the type that all cells fit; text for codes and for an empty column."""
        for type_, count in self._counts.items():
            is_number = type_ in (ColumnType.INTEGER, ColumnType.NUMBER)
            if count.fitting and not count.failing and not (is_number and self._is_code):
                return type_
        return ColumnType.STRING

    def find_nearest(self) -> tuple[ColumnType, Sequence[Misfit]] | None:
        """Return the type that most cells of a column of text fit, and the first cells that do not.

        Returns:
            ``None`` if the column has a type, has codes, or is plain text.
        """
        if self._is_code or self.decide() != ColumnType.STRING:
            return None
        type_, count = max(self._counts.items(), key=lambda item: item[1].fitting)
        if not count.fitting or count.fitting < _NEARLY * self.filled:
            return None
        return type_, tuple(count.misfits)
