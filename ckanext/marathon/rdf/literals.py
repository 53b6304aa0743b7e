"""Literals of RDF: texts, dates, numbers and geometries; and values of CKAN's extras.

Invalid values become ``None``. Geometries of other catalogues are read as GeoJSON and as WKT with a
reference system. An extra has one text, or several texts as a JSON list.

Sources: XML 1.0 (characters that RDF/XML cannot carry), XML Schema 1.1 part 2 (lexical forms),
GeoSPARQL 1.0 (``wktLiteral``, longitude before latitude).
"""

from __future__ import annotations

import json
import math
import re
import tokenize
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from geomet import wkt
from rdflib import Literal, URIRef

from ckanext.marathon.domain import dates
from ckanext.marathon.domain.geometry import DEPTHS
from ckanext.marathon.domain.texts import (
    LONGEST_TEXT,
    is_json_list,
    is_json_object,
    is_list_or_tuple,
    load_json,
    remove_hidden,
)
from ckanext.marathon.records import read_decimal

from .namespaces import GSP, XSD

_LARGEST = 10**18


def add_extras(found: dict[str, Any], texts: Mapping[str, Iterable[str]]) -> None:
    """Add texts as extras, so that each key occurs once, and drop blank extras."""
    extras: dict[str, str] = {}
    given_extras: list[dict[str, Any]] = found.get("extras") or []
    for extra in given_extras:
        value = clean_value(extra.get("value"))
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if value not in (None, "", [], {}):
            extras.setdefault(str(extra.get("key")), text)
    for name, given in texts.items():
        joined = join_texts([*list_texts_of_extra(extras.get(name)), *given])
        if joined:
            extras[name] = joined
    if extras or "extras" in found:
        found["extras"] = [{"key": key, "value": value} for key, value in extras.items()]


def list_texts_of_extra(value: object) -> list[str]:
    """Return the texts of an extra's value: one, or those of a list or JSON list."""
    if isinstance(value, str) and value[:1] == "[":
        try:
            loaded = load_json(value)
        except ValueError:
            loaded = value
        value = loaded if is_json_list(loaded) else value
    given = value if is_list_or_tuple(value) else [value]
    texts = (e if isinstance(e, str) else json.dumps(e, ensure_ascii=False) for e in given if e)
    return [text for text in texts if text.strip()]


def join_texts(texts: Iterable[str]) -> str:
    """Return the value of an extra for texts: one text unchanged, several as a JSON list."""
    unique = list(dict.fromkeys(texts))
    return "".join(unique) if len(unique) < 2 else json.dumps(unique, ensure_ascii=False)


def load_rows(value: object, field: Mapping[str, object]) -> object:
    """Return the rows or list in the text of an extra, for a field with rows or several values.

    A value for another field, and a text that cannot be parsed, is returned unchanged.
    """
    is_list = "repeating_subfields" in field or "load_json" in str(field.get("output_validators"))
    if not is_list or not isinstance(value, str):
        return value
    if value.strip()[:1] not in ("[", "{"):
        # ckanext-dcat's harvester of data.json joins languages with commas.
        return value.split(",") if "authority_list" in str(field.get("validators")) else value
    try:
        loaded = load_json(value)
    except ValueError:
        return value
    return loaded if is_json_list(loaded) else [loaded]


def clean_value(value: object) -> object:
    """Return a value that CKAN and its database can store.

    Hidden characters are removed and long texts are cut; integers that are too large become texts,
    and infinity ``None``.
    """
    if isinstance(value, str):
        return remove_hidden(value)[:LONGEST_TEXT].strip()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST:
        return str(value)
    if is_json_object(value):
        return {clean_value(key): clean_value(inner) for key, inner in value.items()}
    if is_list_or_tuple(value):
        return [clean_value(item) for item in value]
    return value


# Separator of statements that are published as one text.
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


def clean_text(value: object) -> str:
    """Return a text without hidden and invalid characters; ``""`` if blank or not a text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return ""
    lines = str(value).replace("\r\n", "\n").replace("\r", "\n")
    kept = remove_hidden(lines)
    return kept if kept.strip() else ""


def make_text(value: object, lang: str | None = None) -> Literal | None:
    """Return a text as a literal, with its language if given; ``None`` if it is blank."""
    kept = clean_text(value)
    return Literal(kept, lang=lang) if kept else None


def make_label(lang: str, *candidates: object) -> Literal:
    """Return the first candidate that is not blank as a literal.

    Args:
        lang: a language tag.
        candidates: in order of preference; the last is an id, which is never blank.
    """
    labels = (clean_text(candidate) for candidate in candidates)
    return Literal(next(filter(None, labels), "-"), lang=lang)


def make_moment(value: object, utc: bool = False) -> Literal | None:
    """Return a year, month, day or point in time with its datatype.

    Args:
        value: a date in a form of ``domain/dates.py``, or a time of CKAN.
        utc: whether a time without an offset is UTC, as CKAN's times are; else it is Guatemala's.
    """
    if isinstance(value, datetime):
        value = value.isoformat()
    if isinstance(value, str) and utc and _WITHOUT_OFFSET.fullmatch(value.strip()):
        value = f"{value.strip()}Z"
    reading = dates.read_stored_date(value)
    return Literal(reading.text, datatype=_DATATYPES[reading.form]) if reading else None


def make_stated_moment(stated: str, is_set_aside: bool, own: Literal | None) -> Literal | None:
    """Return the date in a field, else CKAN's own time.

    If the field has a value that is no date, the result is ``None``: CKAN's time would be wrong.

    Args:
        stated: value of a field of a dataset or resource, ``""`` if it is empty.
        is_set_aside: whether another catalogue stated a date that the field does not accept.
        own: CKAN's own time.
    """
    if clean_text(stated):
        return make_moment(stated)
    return None if is_set_aside else own


def make_duration(value: object) -> Literal | None:
    """Return an ISO 8601 duration as a literal, ``None`` if it is malformed."""
    given = value.strip() if isinstance(value, str) else ""
    return Literal(given, datatype=XSD.duration) if _DURATION.fullmatch(given) else None


def make_count(value: object, datatype: URIRef = XSD.nonNegativeInteger) -> Literal | None:
    """Return a whole number from 0 up, also of a text or ``12.0``; ``None`` for another value."""
    number = read_decimal(value)
    if number is None or number < 0 or number != number.to_integral_value():
        return None
    return Literal(str(int(number)), datatype=datatype)


def make_decimal(value: object) -> Literal | None:
    """Return a decimal number, written without an exponent; ``None`` for another value."""
    number = read_decimal(value)
    return None if number is None else Literal(format(number, "f"), datatype=XSD.decimal)


def make_hex_binary(value: str) -> Literal | None:
    """Return hexadecimal digits in lower case, ``None`` if they are malformed."""
    digits = value.strip().lower()
    if not digits or len(digits) % 2 or re.search(r"[^0-9a-f]", digits):
        return None
    return Literal(digits, datatype=XSD.hexBinary)


def make_geometry(value: object) -> Literal | None:
    """Return a GeoJSON geometry (object or text) as a WKT literal, in two dimensions.

    Returns:
        ``None`` if it is no geometry, or has no coordinates.
    """
    try:
        given = load_json(value) if isinstance(value, str) else value
        if not is_json_object(given):
            return None
        return Literal(_wkt(given), datatype=GSP.wktLiteral)
    except (LookupError, TypeError, ValueError, OverflowError, RecursionError):
        return None


def _wkt(shape: dict[str, Any]) -> str:
    kind = shape["type"]
    if kind == "GeometryCollection":
        parts = [_wkt(part) for part in shape["geometries"]]
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
    if not is_json_list(nested) or not nested:
        raise ValueError("no coordinates")
    return f"({', '.join(_coordinates(inner, depth - 1) for inner in nested)})"


def _number(value: float) -> str:
    return format(Decimal(repr(value)).normalize(), "f")


# Exceptions of geomet for a text that is not WKT. It uses Python's own tokenizer, which raises for
# unfinished quotation marks and line continuations, and reads nested collections recursively.
_NOT_WKT = (
    *(ValueError, TypeError, AttributeError, KeyError, StopIteration),
    *(SyntaxError, tokenize.TokenError, RecursionError),
)

# Geographic systems of EPSG within two metres of WGS 84 (4326): ETRS89, NAD83, SIRGAS 2000. In
# EPSG's register their first axis is latitude.
_LATITUDE_FIRST = re.compile(
    r"(?:https?|urn):.*\bEPSG\b.*[/:](?:4326|4258|4269|4674)", re.IGNORECASE
)
_WKT_OF_A_SYSTEM = re.compile(r"\s*<(?:https?|urn):[^>]*>\s*[A-Za-z]")
_GML = re.compile(
    r"\s*<(?:\?xml[^>]*>\s*<)?(?:\w+:)?"
    r"(?:Point|LineString|Polygon|Envelope|Box|Curve|Surface|Solid|Multi[A-Z]\w+)\b"
)


def find_kind_of_shape(text: str) -> str:
    """Return the kind of a text that is no readable geometry: ``gml``, ``wkt`` or ``text``."""
    if _WKT_OF_A_SYSTEM.match(text):
        return "wkt"
    return "gml" if _GML.match(text) else "text"


def read_geojson(text: str) -> str:
    """Return WKT or GeoJSON as GeoJSON text with longitude first, ``""`` if it is neither.

    The IRI of a reference system may stand before WKT; without one, longitude comes first
    (GeoSPARQL 1.0). In the systems of :data:`_LATITUDE_FIRST` latitude comes first; if the numbers
    are then out of range, the text is read with longitude first. WKT with another system returns
    ``""``, because its numbers may not be degrees.
    """
    before, _, after = text.strip().partition(">")
    system, shape = (before[1:], after.strip()) if before.startswith("<") else ("", text.strip())
    has_latitude_first = bool(_LATITUDE_FIRST.fullmatch(system))
    if system and not (has_latitude_first or system.endswith("/CRS84")):
        return ""
    try:
        read: Any = load_json(shape) if shape.startswith("{") else wkt.loads(shape)
        if not is_json_object(read) or "type" not in read:
            return ""
        if has_latitude_first and _is_on_earth(turned := _turn_axes(read)):
            read = turned
        return json.dumps(read)
    except _NOT_WKT:
        return ""


def _turn_axes(value: Any) -> Any:
    """Return a geometry with the first two numbers of each of its positions exchanged."""
    if is_json_object(value):
        parts = ("coordinates", "geometries")
        return {key: _turn_axes(inner) if key in parts else inner for key, inner in value.items()}
    if not is_json_list(value):
        return value
    if len(value) > 1 and all(isinstance(item, int | float) for item in value):
        return [value[1], value[0], *value[2:]]
    return [_turn_axes(item) for item in value]


def _is_on_earth(value: Any) -> bool:
    """Return whether all positions of a geometry can be longitude and latitude in degrees."""
    if is_json_object(value):
        return all(map(_is_on_earth, (value.get("coordinates"), value.get("geometries"))))
    if not is_json_list(value):
        return True
    if len(value) > 1 and all(isinstance(item, int | float) for item in value):
        return abs(value[0]) <= 180 and abs(value[1]) <= 90
    return all(map(_is_on_earth, value))
