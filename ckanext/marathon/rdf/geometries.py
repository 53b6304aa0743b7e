"""Geometries as other people write them: WKT with a reference system, GML and GeoJSON."""

from __future__ import annotations

import json
import re
import tokenize
from typing import Any

from geomet import wkt

from ckanext.marathon.domain.texts import load_json

__all__ = ["geojson", "kind_of_shape"]

# What geomet raises for a text that is no WKT. It takes texts apart with Python's own tokenizer,
# which has errors for quotation marks and line continuations that do not end, and reads
# collections within collections by calling itself.
_NOT_WKT = (
    *(ValueError, TypeError, AttributeError, KeyError, StopIteration),
    *(SyntaxError, tokenize.TokenError, RecursionError),
)

# Geographic systems of EPSG, in degrees within two metres of WGS 84 (4326): ETRS89, NAD83, SIRGAS
# 2000. The axis order is that of EPSG's register.
_LATITUDE_FIRST = re.compile(
    r"(?:https?|urn):.*\bEPSG\b.*[/:](?:4326|4258|4269|4674)", re.IGNORECASE
)
_WKT_OF_A_SYSTEM = re.compile(r"\s*<(?:https?|urn):[^>]*>\s*[A-Za-z]")
_GML = re.compile(
    r"\s*<(?:\?xml[^>]*>\s*<)?(?:\w+:)?"
    r"(?:Point|LineString|Polygon|Envelope|Box|Curve|Surface|Solid|Multi[A-Z]\w+)\b"
)


def kind_of_shape(text: str) -> str:
    """Return what a text is that no place could be read from: ``gml``, ``wkt`` or ``text``."""
    if _WKT_OF_A_SYSTEM.match(text):
        return "wkt"
    return "gml" if _GML.match(text) else "text"


def geojson(text: str) -> str:
    """Return WKT or GeoJSON as GeoJSON text in longitude, latitude, ``""`` if it is neither.

    A reference system may stand before WKT; without one, longitude comes first (GeoSPARQL 1.0). In
    those of :data:`_LATITUDE_FIRST` latitude does, and a text that says so and does not follow it,
    as its numbers show, is read as it is meant. Other systems are not read: their numbers may not
    even be degrees.
    """
    before, _, after = text.strip().partition(">")
    system, shape = (before[1:], after.strip()) if before.startswith("<") else ("", text.strip())
    has_latitude_first = bool(_LATITUDE_FIRST.fullmatch(system))
    if system and not (has_latitude_first or system.endswith("/CRS84")):
        return ""
    try:
        read: Any = load_json(shape) if shape.startswith("{") else wkt.loads(shape)
        if not isinstance(read, dict) or "type" not in read:
            return ""
        if has_latitude_first and _is_on_earth(turned := _turn_axes(read)):
            read = turned
        return json.dumps(read)
    except _NOT_WKT:
        return ""


def _turn_axes(value: Any) -> Any:
    """Return a geometry with the first two numbers of each of its positions exchanged."""
    if isinstance(value, dict):
        parts = ("coordinates", "geometries")
        return {key: _turn_axes(each) if key in parts else each for key, each in value.items()}
    if not isinstance(value, list):
        return value
    if len(value) > 1 and all(isinstance(each, int | float) for each in value):
        return [value[1], value[0], *value[2:]]
    return [_turn_axes(each) for each in value]


def _is_on_earth(value: Any) -> bool:
    """Return whether all positions of a geometry can be longitude and latitude in degrees."""
    if isinstance(value, dict):
        return all(map(_is_on_earth, (value.get("coordinates"), value.get("geometries"))))
    if not isinstance(value, list):
        return True
    if len(value) > 1 and all(isinstance(each, int | float) for each in value):
        return abs(value[0]) <= 180 and abs(value[1]) <= 90
    return all(map(_is_on_earth, value))
