"""Cells of the workbook: from what officers write to the stored form of a value, and back.

Names are accepted in place of codes, with or without accents; Excel's own dates and numbers are
accepted, too. The rules of a field (is it required, does the record exist) are not applied here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from ckanext.marathon.domain import addresses, dates, numbers
from ckanext.marathon.domain.errors import N_, Fault, Malformed
from ckanext.marathon.domain.table import SheetCell
from ckanext.marathon.domain.texts import quote_value, split_keyword
from ckanext.marathon.spreadsheets import Cell
from ckanext.marathon.spreadsheets.workbook import (
    LISTS,
    Choice,
    ValueKind,
    WorkbookColumn,
    is_clear_mark,
    list_choices,
    write_municipality,
)
from ckanext.marathon.vocabulary import authorities, problems, territory
from ckanext.marathon.vocabulary.codes import UnknownCode, fold_text

# What a cell has when it is read; ``Cell`` is what is written.
GivenCell = SheetCell
# A stored value: a text, or a list of texts.
Value = str | list[str]

SEPARATOR = " | "
_BAR = re.compile(r"\|\||\|")
_OTHER_SEPARATORS = re.compile(r"[;\n]")
# Characters without width at the ends of a cell, which programs add.
_AROUND = "\ufeff\u200b\u200e\u200f \t\r\n\u00a0\u202f"

_NO_MUNICIPALITY = N_(
    "No municipality is called “{value}”. Choose one of the list, or write its four-digit code"
)
_SEVERAL_MUNICIPALITIES = N_(
    "Several municipalities are called “{value}”. Write one of: {accepted}"
)
_NO_PROBLEM = N_(
    "No service problem is called “{value}”. Choose one of the list, or write its code (AGU-01)"
)
_NOT_LISTED = N_("“{value}” is not in the list. Accepted: {accepted}")
_NOT_TICKED = N_("“{value}” does not say whether they came: write x or yes, or no")
_NOT_FLAG = N_("“{value}” is neither yes nor no")
_TIME_ONLY = N_("“{value}” is an hour without a day: write both, for example 2026-05-27 09:00")
_READ_AS = N_("“{value}” was read as {meant}")
_MOST_NAMED = 12


class CellReading(NamedTuple):
    """The value of a cell.

    Attributes:
        value: in the stored form; "" or ``[]`` if the stored value is to be removed.
        notice: what was corrected, or ``None``.
    """

    value: Value
    notice: Fault | None = None


def is_empty_cell(cell: GivenCell) -> bool:
    """Return whether a cell has nothing; an empty cell leaves the stored value as it is."""
    return cell is None or (isinstance(cell, str) and not cell.strip(_AROUND))


def read_cell(column: WorkbookColumn, cell: GivenCell, several: bool = False) -> CellReading | None:
    """Return the value of a cell, ``None`` for an empty one.

    Args:
        column: the column.
        cell: as it was read from the file.
        several: whether the cell has one value for each row of a repeating field.

    Raises:
        Malformed: it is no value of the column's kind.
    """
    if is_empty_cell(cell):
        return None
    is_list = several or column.kind in LISTS
    if is_clear_mark(cell):
        return CellReading([] if is_list else "")
    if not is_list:
        return _READERS[column.kind](column, cell)
    if several:
        readings = [
            CellReading("") if not item else _READERS[column.kind](column, item)
            for item in _split_bars(cell)
        ]
        values = [str(reading.value) for reading in readings]
        return CellReading(values, next((r.notice for r in readings if r.notice), None))
    return _read_list(column, cell)


def write_cell(column: WorkbookColumn, value: Value, lang: str = "es") -> Cell:
    """Return a stored value as a cell, which :func:`read_cell` reads as the same value."""
    if isinstance(value, list):
        if column.kind == ValueKind.KEYWORDS:
            return ", ".join(value) or None
        return join_items(write_item(column, item, lang) for item in value) or None
    return write_item(column, value, lang) or None


def join_items(items: Iterable[str]) -> str:
    """Return items as one cell; a ``|`` within an item is doubled."""
    return SEPARATOR.join(item.replace("|", "||") for item in items)


def write_item(column: WorkbookColumn, value: str, lang: str) -> str:
    """Return one value as a text that is read as the same value."""
    if not value:
        return ""
    kind = column.kind
    if kind in (ValueKind.MUNICIPALITY, ValueKind.MUNICIPALITIES):
        try:
            return write_municipality(value)
        except UnknownCode:
            return value
    if kind in (ValueKind.PROBLEMS, ValueKind.LICENCE):
        return value
    if kind == ValueKind.TICK:
        return {"yes": "x"}.get(value, value)
    texts = {choice.value: choice.text for choice in list_choices(column, lang)}
    text = texts.get(value, value)
    # A label that two concepts share would be read as the first one.
    is_unique = list(texts.values()).count(text) < 2
    return text if is_unique else value


def _split_bars(cell: GivenCell) -> list[str]:
    """Return the items between single bars; ``||`` is a bar within an item."""
    text = write_plain(cell)
    items, start = [""], 0
    for found in _BAR.finditer(text):
        items[-1] += text[start : found.start()]
        start = found.end()
        if found[0] == "||":
            items[-1] += "|"
        else:
            items.append("")
    items[-1] += text[start:]
    return [item.strip(_AROUND) for item in items]


def _read_list(column: WorkbookColumn, cell: GivenCell) -> CellReading:
    if column.kind == ValueKind.KEYWORDS:
        return CellReading(split_keyword(write_plain(cell).replace("|", ",")))
    read = _ITEM_READERS[column.kind]
    found: list[str] = []
    notice: Fault | None = None
    items: list[GivenCell] = [cell] if not isinstance(cell, str) else [*_split_bars(cell)]
    if len(items) == 1 and isinstance(cell, str) and column.kind in _SPLIT_FREELY:
        items = [item.strip(_AROUND) for item in _OTHER_SEPARATORS.split(cell)]
    for item in items:
        if is_empty_cell(item):
            continue
        for value, item_notice in _read_items_by_commas(read, column, item):
            if value not in found:
                found.append(value)
            notice = notice or item_notice
    return CellReading(found, notice)


def _read_items_by_commas(
    read: Callable[[WorkbookColumn, GivenCell], CellReading],
    column: WorkbookColumn,
    item: GivenCell,
) -> list[tuple[str, Fault | None]]:
    """Return the values of an item, which may be several with commas if it is none by itself."""
    try:
        reading = read(column, item)
    except Malformed as fault:
        parts = item.split(",") if isinstance(item, str) else []
        if len(parts) < 2 or column.kind not in _SPLIT_FREELY:
            raise
        try:
            readings = [read(column, part.strip(_AROUND)) for part in parts if part.strip(_AROUND)]
        except Malformed as inner:
            raise inner from fault
        return [(str(reading.value), reading.notice) for reading in readings]
    return [(str(reading.value), reading.notice)]


def write_plain(cell: GivenCell) -> str:
    """Return a cell as the text that a spreadsheet program would show for it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "sí" if cell else "no"
    if isinstance(cell, int | float):
        return _write_number(cell)
    if isinstance(cell, datetime):
        is_day = cell.time() == time()
        return cell.date().isoformat() if is_day else cell.isoformat(" ", "seconds")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return cell.replace("\r\n", "\n").replace("\r", "\n").strip(_AROUND)


def _write_number(number: float) -> str:
    if isinstance(number, float) and math.isfinite(number) and number.is_integer():
        return str(int(number))
    return str(numbers.write_number(number))


def _read_text(_column: WorkbookColumn, cell: GivenCell) -> CellReading:
    return CellReading(write_plain(cell))


def _read_code(_column: WorkbookColumn, cell: GivenCell) -> CellReading:
    return CellReading(" ".join(write_plain(cell).split()))


def _read_term(column: WorkbookColumn, cell: GivenCell) -> CellReading:
    return CellReading(_choose(column, write_plain(cell)))


def _choose(column: WorkbookColumn, text: str) -> str:
    """Return the value of the choice with this value or text.

    Raises:
        Malformed: there is none.
    """
    found = _index_choices(column).get(fold_text(text))
    if found is None:
        accepted = [choice.text for choice in list_choices(column, "es")][:_MOST_NAMED]
        raise Malformed(_NOT_LISTED, value=quote_value(text), accepted=tuple(accepted))
    return found


@lru_cache(maxsize=256)
def _index_choices(column: WorkbookColumn) -> Mapping[str, str]:
    found: dict[str, str] = {}
    choices = {lang: list_choices(column, lang) for lang in ("es", "en")}
    for choice in choices["es"]:
        found.setdefault(fold_text(choice.value), choice.value)
    for write in (_write_whole, _write_without_explanation):
        for choice in (*choices["es"], *choices["en"]):
            found.setdefault(fold_text(write(choice)), choice.value)
    return found


def _write_whole(choice: Choice) -> str:
    return choice.text


def _write_without_explanation(choice: Choice) -> str:
    return choice.text.split("(")[0]


def _read_concept(column: WorkbookColumn, cell: GivenCell) -> CellReading:
    text = write_plain(cell)
    concept = authorities.find_concept(column.scheme, text)
    return CellReading(concept.iri if concept and concept.iri else _choose(column, text))


def _read_licence(column: WorkbookColumn, cell: GivenCell) -> CellReading:
    # A site may have licences of its own: the save checks those.
    text = write_plain(cell)
    licence = authorities.find_licence(text) or authorities.find_licence(text.split(":")[0])
    found = _index_choices(column).get(fold_text(text))
    return CellReading(licence.code if licence else found or text)


def _read_municipality(_column: WorkbookColumn, cell: GivenCell) -> CellReading:
    text = write_plain(cell)
    try:
        repaired = territory.repair_code(cell if not isinstance(cell, str) else text)
        place = territory.get_municipality(repaired.code)
    except UnknownCode:
        return CellReading(_find_named_municipality(text))
    meant = f"{place.code} ({place.name})"
    is_repaired = repaired.repaired and text != place.code
    notice = Fault(_READ_AS, {"value": quote_value(text), "meant": meant}) if is_repaired else None
    return CellReading(place.code, notice)


_PREFIX = re.compile(r"^(?:la )?(?:municipalidad|municipio|municipality) (?:de |of )?")


def _find_named_municipality(text: str) -> str:
    # "0501 Escuintla" and "0501 - Escuintla (Escuintla)" begin with the code.
    first, _, rest = text.partition(" ")
    named = _index_municipalities().get(fold_text(rest), ())
    if (code := first.strip("-:")) in named:
        return code
    folded = _PREFIX.sub("", fold_text(text))
    found = _index_municipalities().get(folded, ())
    if len(found) == 1:
        return found[0]
    if found:
        accepted = tuple(write_municipality(code) for code in found)
        raise Malformed(_SEVERAL_MUNICIPALITIES, value=quote_value(text), accepted=accepted)
    raise Malformed(_NO_MUNICIPALITY, value=quote_value(text))


@lru_cache(maxsize=1)
def _index_municipalities() -> Mapping[str, tuple[str, ...]]:
    """Return folded name → codes; also name with department, in this order."""
    found: dict[str, tuple[str, ...]] = {}
    for place in territory.list_municipalities():
        department = territory.get_department(place.department_code).name
        for name in (place.name, *place.alt_names):
            for text in (name, f"{name} {department}"):
                codes = found.get(fold_text(text), ())
                if place.code not in codes:
                    found[fold_text(text)] = (*codes, place.code)
    return found


def _read_problem(_column: WorkbookColumn, cell: GivenCell) -> CellReading:
    text = write_plain(cell)
    for given, rest in ((text, ""), (text.partition(" ")[0].strip(":-"), text.partition(" ")[2])):
        try:
            problem = problems.get_problem(problems.repair_notation(given).notation)
        except UnknownCode:
            continue
        labels = {"", *(fold_text(label) for label in problem.pref_label.values())}
        if fold_text(rest) not in labels:
            continue
        is_repaired = given.upper() != problem.notation
        values = {"value": quote_value(text), "meant": problem.notation}
        return CellReading(problem.notation, Fault(_READ_AS, values) if is_repaired else None)
    found = _index_problems().get(fold_text(text))
    if found is None:
        raise Malformed(_NO_PROBLEM, value=quote_value(text))
    return CellReading(found)


@lru_cache(maxsize=1)
def _index_problems() -> Mapping[str, str]:
    """Return folded label or synonym → notation; synonyms of several problems are left out."""
    concepts = [
        concept
        for branch in problems.list_branches()
        for concept in (*branch.problems, branch.area)
    ]
    found: dict[str, str] = {}
    for concept in concepts:
        for label in concept.pref_label.values():
            found.setdefault(fold_text(label), concept.notation)
    synonyms: dict[str, set[str]] = {}
    for concept in concepts:
        for texts in concept.alt_labels.values():
            for text in texts:
                synonyms.setdefault(fold_text(text), set()).add(concept.notation)
    for text, notations in synonyms.items():
        if len(notations) == 1:
            found.setdefault(text, *notations)
    return found


def _read_count(_column: WorkbookColumn, cell: GivenCell) -> CellReading:
    reading = numbers.read_count(_make_numeric(cell))
    return CellReading(reading.text, reading.notice)


def _read_number(column: WorkbookColumn, cell: GivenCell) -> CellReading:
    least, most = (-column.bound, column.bound) if column.bound else (0, math.inf)
    reading = numbers.read_decimal(_make_numeric(cell), least, most)
    return CellReading(reading.text, reading.notice)


def _make_numeric(cell: GivenCell) -> object:
    is_number = isinstance(cell, int | float) and not isinstance(cell, bool)
    return cell if is_number else write_plain(cell)


# Days since the beginning of 1900 by which Excel counts, for dates from 1954 to 2119.
_FIRST_SERIAL, _LAST_SERIAL = 20_000, 80_000
_EXCEL_EPOCH = datetime(1899, 12, 30)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?", re.ASCII)


def _make_date_reader(
    read: Callable[[object], dates.DateReading],
) -> Callable[[WorkbookColumn, GivenCell], CellReading]:
    def reader(_column: WorkbookColumn, cell: GivenCell) -> CellReading:
        if isinstance(cell, time | timedelta):
            raise Malformed(_TIME_ONLY, value=quote_value(write_plain(cell)))
        shown = write_plain(cell)
        counted = _read_serial(cell)
        reading = read(write_plain(counted) if counted else shown)
        is_repaired = counted or (reading.is_repaired and isinstance(cell, str))
        values = {"value": quote_value(shown), "meant": reading.text}
        return CellReading(reading.text, Fault(_READ_AS, values) if is_repaired else None)

    return reader


def _read_serial(cell: GivenCell) -> datetime | None:
    """Return the date of a number that Excel would show as a date, else ``None``."""
    if isinstance(cell, str) and _SERIAL.fullmatch(cell.strip(_AROUND)):
        cell = float(cell.strip(_AROUND))
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return None
    if not _FIRST_SERIAL <= cell <= _LAST_SERIAL:
        return None
    moment = _EXCEL_EPOCH + timedelta(days=cell)
    return (moment + timedelta(microseconds=500_000)).replace(microsecond=0)


def _read_address(_column: WorkbookColumn, cell: GivenCell) -> CellReading:
    return CellReading(addresses.read_http_address(write_plain(cell)))


_YES = frozenset(
    (
        *("x", "yes", "y", "si", "s", "1", "true", "verdadero", "v", "ok", "✓", "✔", "☑", "√"),
        *("presente", "present", "asistio", "vino", "came"),
    )
)
_NO = frozenset(
    (
        *("no", "n", "0", "false", "falso", "f", "-", "✗", "✘", "☐"),
        *("ausente", "absent", "falto", "no asistio"),
    )
)


def _read_yes_no(text: str) -> bool | None:
    words = {fold_text(text), text.strip(_AROUND)}
    if words & _YES:
        return True
    return False if words & _NO else None


def _read_tick(_column: WorkbookColumn, cell: GivenCell) -> CellReading:
    found = _read_yes_no(write_plain(cell))
    if found is None:
        raise Malformed(_NOT_TICKED, value=quote_value(write_plain(cell)))
    return CellReading("yes" if found else "no")


def _read_flag(_column: WorkbookColumn, cell: GivenCell) -> CellReading:
    found = _read_yes_no(write_plain(cell))
    if found is None:
        raise Malformed(_NOT_FLAG, value=quote_value(write_plain(cell)))
    return CellReading("true" if found else "false")


# Lists whose items have no semicolons, line breaks or, by themselves, commas.
_SPLIT_FREELY = frozenset(
    {
        *(ValueKind.MUNICIPALITIES, ValueKind.PROBLEMS, ValueKind.CONCEPTS, ValueKind.ADDRESSES),
        ValueKind.IDEAS,
    }
)
_READERS: Mapping[ValueKind, Callable[[WorkbookColumn, GivenCell], CellReading]] = {
    **dict.fromkeys(
        (
            *(ValueKind.TEXT, ValueKind.ORGANIZATION, ValueKind.FILE, ValueKind.IDENTIFIER),
            *(ValueKind.WORKSHOP, ValueKind.IDEA),
        ),
        _read_text,
    ),
    ValueKind.CODE: _read_code,
    ValueKind.TERM: _read_term,
    ValueKind.CONCEPT: _read_concept,
    ValueKind.MUNICIPALITY: _read_municipality,
    ValueKind.COUNT: _read_count,
    ValueKind.NUMBER: _read_number,
    ValueKind.DAY: _make_date_reader(dates.read_day),
    ValueKind.MOMENT: _make_date_reader(dates.read_moment),
    ValueKind.DATE: _make_date_reader(dates.read_date),
    ValueKind.ADDRESS: _read_address,
    ValueKind.TICK: _read_tick,
    ValueKind.FLAG: _read_flag,
    ValueKind.LICENCE: _read_licence,
}
_ITEM_READERS: Mapping[ValueKind, Callable[[WorkbookColumn, GivenCell], CellReading]] = {
    **dict.fromkeys((ValueKind.TEXTS, ValueKind.IDEAS, ValueKind.NEEDS), _read_text),
    ValueKind.MUNICIPALITIES: _read_municipality,
    ValueKind.PROBLEMS: _read_problem,
    ValueKind.CONCEPTS: _read_concept,
    ValueKind.ADDRESSES: _read_address,
}
