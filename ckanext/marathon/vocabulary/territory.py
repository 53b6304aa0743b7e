"""The 340 municipalities and 22 departments of Guatemala.

Codes are INE's, always text: four digits for a municipality, two for its department.
Source of names, points and boundaries: ``docs/vocabulary.md``.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from . import files
from .errors import MalformedCode, UnknownCode
from .places import Department, Municipality, PilotEvidence, department_from, municipality_from
from .text import Index

Kind = Literal["municipality", "department"]

DIGITS: Mapping[Kind, int] = {"municipality": 4, "department": 2}
LAYERS: Mapping[Kind, str] = {
    "municipality": "municipalities.geojson",
    "department": "departments.geojson",
}

_INVISIBLE = "\ufeff\u200b\u200e\u200f"
_SPREADSHEET_TEXT_MARKS = "'’"


class RepairedCode(NamedTuple):
    """A code and whether it had to be repaired (then the person must be told)."""

    code: str
    repaired: bool


def municipalities() -> tuple[Municipality, ...]:
    """Return the 340 municipalities in order of code."""
    return tuple(_municipalities().values())


def departments() -> tuple[Department, ...]:
    """Return the 22 departments in order of code."""
    return tuple(_departments().values())


def municipality(code: str) -> Municipality:
    """Return a municipality by its exact code.

    Raises:
        UnknownCode: no municipality has it; ``501`` and ``" 0501"`` have none either, see
            :func:`repair_code`.
    """
    try:
        return _municipalities()[code]
    except (KeyError, TypeError):
        raise UnknownCode("municipality", code) from None


def department(code: str) -> Department:
    """Return a department by its exact code.

    Raises:
        UnknownCode: no department has it.
    """
    try:
        return _departments()[code]
    except (KeyError, TypeError):
        raise UnknownCode("department", code) from None


def municipalities_of(department_code: str) -> tuple[Municipality, ...]:
    """Return the municipalities of a department in order of code.

    Raises:
        UnknownCode: no such department.
    """
    wanted = department(department_code).code
    return tuple(each for each in municipalities() if each.department_code == wanted)


def by_slug(slug: str) -> Municipality | Department:
    """Return the place with this slug.

    Raises:
        UnknownCode: no place has it.
    """
    for each in (*municipalities(), *departments()):
        if each.slug == slug:
            return each
    raise UnknownCode("place", slug)


def repair_code(value: object, kind: Kind = "municipality") -> RepairedCode:
    """Give a code from a form or a spreadsheet its proper shape.

    Codes are text; spreadsheets make numbers of them and lose the leading zero. Repaired are
    numbers (``501``, ``501.0``), the same as text (``"501"``, ``"501.0"``, ``"501,0"``), blanks
    and invisible characters around, Excel's leading apostrophe, and full-width digits. Only one
    zero is ever missing, so ``"51"`` is no municipality.

    Args:
        value: text, int or float.
        kind: what the code is of.

    Returns:
        The code in four (department: two) digits, and whether it differs from what was given.
        That a place has the code is not looked up.

    Raises:
        MalformedCode: it cannot be such a code.
    """
    width = DIGITS[kind]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MalformedCode(kind, value)
    text = value if isinstance(value, str) else repr(value)
    # Anything longer is no code; unbounded text must not be normalised.
    if len(text) > 40:
        raise MalformedCode(kind, value)
    text = _in_ascii_digits(text.strip().strip(_INVISIBLE).strip())
    text = text.lstrip(_SPREADSHEET_TEXT_MARKS).strip()
    whole, separator, fraction = text.replace(",", ".").partition(".")
    if separator and (not fraction or fraction.strip("0")):
        raise MalformedCode(kind, value)
    if not (whole.isascii() and whole.isdigit() and width - 1 <= len(whole) <= width):
        raise MalformedCode(kind, value)
    code = whole.zfill(width)
    return RepairedCode(code, repaired=code != value)


def boundary(code: str) -> dict[str, Any]:
    """Return the simplified boundary of a municipality or department.

    Args:
        code: four digits for a municipality, two for a department.

    Returns:
        A GeoJSON geometry (``Polygon`` or ``MultiPolygon``, WGS84, longitude first), a fresh
        one each time. For display and search, not for measuring; not a legal reference.

    Raises:
        UnknownCode: no place has the code.
    """
    kind: Kind = "department" if isinstance(code, str) and len(code) == 2 else "municipality"
    place = department(code) if kind == "department" else municipality(code)
    return json.loads(_boundaries(kind)[place.code])


def find(text: str, limit: int = 20) -> tuple[Municipality, ...]:
    """Search municipalities by name, other name, code or department.

    Accents, case and punctuation do not count; each word typed must begin a word of the names,
    the code or the department's name. Whatever is typed is only compared, never interpreted.

    Returns:
        At most ``limit`` municipalities: same code or name first, then names that begin with the
        text, then other names, then places found through their department; in each by code.
    """
    return _municipality_index().best(text, limit)


def find_departments(text: str, limit: int = 20) -> tuple[Department, ...]:
    """Search departments by name, code or ISO code, as :func:`find` does."""
    return _department_index().best(text, limit)


@lru_cache(maxsize=1)
def pilot_evidence() -> tuple[PilotEvidence, ...]:
    """Return what is known of the pilot's eight municipalities: three rows, five are unnamed."""
    return tuple(PilotEvidence(**row) for row in files.data_rows("pilot_municipalities.csv"))


@lru_cache(maxsize=1)
def _municipalities() -> dict[str, Municipality]:
    return {row["code"]: municipality_from(row) for row in files.data_rows("municipalities.csv")}


@lru_cache(maxsize=1)
def _departments() -> dict[str, Department]:
    return {row["code"]: department_from(row) for row in files.data_rows("departments.csv")}


@lru_cache(maxsize=2)
def _boundaries(kind: Kind) -> dict[str, str]:
    # Kept as text: every caller gets a geometry of its own, which it may change.
    layer = json.loads(files.data_bytes(LAYERS[kind]))
    return {each["id"]: json.dumps(each["geometry"]) for each in layer["features"]}


@lru_cache(maxsize=1)
def _municipality_index() -> Index[Municipality]:
    entries = (
        (each, ((each.code, each.name), each.alt_names, (department(each.department_code).name,)))
        for each in municipalities()
    )
    return Index(entries, names=2)


@lru_cache(maxsize=1)
def _department_index() -> Index[Department]:
    entries = (
        (each, ((each.code, each.name), (each.iso_3166_2, each.iso_3166_2_former)))
        for each in departments()
    )
    return Index(entries, names=2)


def _in_ascii_digits(text: str) -> str:
    return "".join(
        str(digit) if (digit := unicodedata.decimal(c, None)) is not None else c for c in text
    )
