"""Texts, dates, numbers and geometries as literals; what is not one becomes ``None``.

Sources: XML 1.0 (characters that RDF/XML cannot carry), XML Schema 1.1 part 2 (lexical forms),
GeoSPARQL 1.0 (``wktLiteral``, longitude before latitude).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from rdflib import Literal

from ckanext.marathon.domain import dates
from ckanext.marathon.domain.geometry import DEPTHS
from ckanext.marathon.domain.texts import load_json, remove_hidden

from .extras import REST
from .namespaces import GSP, XSD

__all__ = [
    "PARAGRAPH",
    "boolean",
    "count",
    "decimal",
    "duration",
    "geometry",
    "hex_binary",
    "label",
    "moment",
    "stated_moment",
    "text",
]

# What stands between two statements that are said as one.
PARAGRAPH = "\n\n"
_DURATION = re.compile(
    r"-?P(?=[0-9T])(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?"
    r"(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:\.[0-9]+)?S)?)?"
)
_WITHOUT_OFFSET = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]+(?:\.[0-9]+)?")
_DATATYPES = {
    dates.DateForm.YEAR: XSD.gYear,
    dates.DateForm.MONTH: XSD.gYearMonth,
    dates.DateForm.DAY: XSD.date,
    dates.DateForm.MOMENT: XSD.dateTime,
}


def clean(value: object) -> str:
    """Return a text without what RDF/XML cannot carry; ``""`` for what is no text or blank."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return ""
    lines = str(value).replace("\r\n", "\n").replace("\r", "\n")
    kept = remove_hidden(lines)
    return kept if kept.strip() else ""


def text(value: object, lang: str | None = None) -> Literal | None:
    """Return a text, with its language if given; ``None`` if it is empty."""
    kept = clean(value)
    return Literal(kept, lang=lang) if kept else None


def label(lang: str, *candidates: object) -> Literal:
    """Return the first candidate that is not blank, with its language.

    Args:
        lang: a language tag.
        candidates: in order of preference; the last is an id, which is never blank.
    """
    return Literal(next(filter(None, map(clean, candidates)), "-"), lang=lang)


def moment(value: object, utc: bool = False) -> Literal | None:
    """Return a year, month, day or point in time with its datatype.

    Args:
        value: a date in one of the forms of ``domain/dates.py``.
        utc: a time without offset is UTC, as CKAN's own are; else it is Guatemala's.
    """
    if isinstance(value, str) and utc and _WITHOUT_OFFSET.fullmatch(value.strip()):
        value = f"{value.strip()}Z"
    reading = dates.read_stored_date(value)
    return Literal(reading.text, datatype=_DATATYPES[reading.form]) if reading else None


def stated_moment(row: Mapping[str, Any], field: str, *own: Literal | None) -> Literal | None:
    """Return the date that somebody stated, else the first of CKAN's own times.

    What is stated and is no date is left out: a time of ours in its place would be untrue.

    Args:
        row: a dataset or resource. What another catalogue stated and the field does not take is in
            ``<field>_text``.
        field: name of the field.
        own: times that CKAN knows.
    """
    if clean(row.get(field)):
        return moment(row[field])
    return None if row.get(field + REST) else next((each for each in own if each), None)


def duration(value: object) -> Literal | None:
    """Return an ISO 8601 duration."""
    given = value.strip() if isinstance(value, str) else ""
    return Literal(given, datatype=XSD.duration) if _DURATION.fullmatch(given) else None


def count(value: object, datatype: Any = XSD.nonNegativeInteger) -> Literal | None:
    """Return a whole number from 0 up; text and numbers like ``12.0`` are read too."""
    number = _decimal(value)
    if number is None or number < 0 or number != number.to_integral_value():
        return None
    return Literal(str(int(number)), datatype=datatype)


def decimal(value: object) -> Literal | None:
    """Return a decimal number, written without exponent."""
    number = _decimal(value)
    return None if number is None else Literal(format(number, "f"), datatype=XSD.decimal)


def boolean(value: object) -> Literal | None:
    """Return ``true`` for what is true, else ``None``: nothing is said of what is not so."""
    return Literal(True) if value is True or str(value).lower() == "true" else None


def hex_binary(value: str) -> Literal | None:
    """Return hexadecimal digits, in small letters."""
    digits = value.strip().lower()
    if not digits or len(digits) % 2 or re.search(r"[^0-9a-f]", digits):
        return None
    return Literal(digits, datatype=XSD.hexBinary)


def geometry(value: object) -> Literal | None:
    """Return a GeoJSON geometry (object or text) as a WKT literal, in two dimensions.

    Returns:
        ``None`` if it is no geometry, or has no coordinates.
    """
    try:
        given = load_json(value) if isinstance(value, str) else value
        if not isinstance(given, dict):
            return None
        return Literal(_wkt(given), datatype=GSP.wktLiteral)
    except (LookupError, TypeError, ValueError, OverflowError, RecursionError):
        return None


def _wkt(shape: dict[str, Any]) -> str:
    kind = shape["type"]
    if kind == "GeometryCollection":
        parts = [_wkt(each) for each in shape["geometries"]]
        if not parts:
            raise ValueError("no geometries")
        return f"GEOMETRYCOLLECTION ({', '.join(parts)})"
    inner = _coordinates(shape["coordinates"], DEPTHS[kind])
    return f"{kind.upper()} {inner if inner.startswith('(') else f'({inner})'}"


def _coordinates(nested: Any, depth: int) -> str:
    if depth == 0:
        x, y = (float(nested[0]), float(nested[1]))
        if not (math.isfinite(x) and math.isfinite(y)):
            raise ValueError("not finite")
        return f"{_number(x)} {_number(y)}"
    if not isinstance(nested, list) or not nested:
        raise ValueError("no coordinates")
    return f"({', '.join(_coordinates(each, depth - 1) for each in nested)})"


def _number(value: float) -> str:
    return format(Decimal(repr(value)).normalize(), "f")


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    # A number nobody means (1e999999) would be written out digit by digit.
    return number if number.is_finite() and abs(number.adjusted()) < 30 else None
