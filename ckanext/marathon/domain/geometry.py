"""Geometries as GeoJSON (RFC 7946)."""

from __future__ import annotations

import json
from typing import Any

from ckanext.marathon.domain.errors import N_, Malformed
from ckanext.marathon.domain.texts import is_json_list, is_json_object, load_json, quote_value

# Type → depth of positions in its coordinates.
DEPTHS = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
LONGEST = 200_000


def read_geometry(value: object) -> str:
    """Return a geometry as compact JSON text.

    Raises:
        Malformed: the value is not a geometry in longitude and latitude.
    """
    loaded = value
    if isinstance(value, str):
        try:
            loaded = load_json(value) if len(value) <= LONGEST else None
        except ValueError:
            loaded = None
    if is_json_object(loaded):
        kind = loaded.get("type")
        depth = DEPTHS.get(kind) if isinstance(kind, str) else None
        coordinates = loaded.get("coordinates")
        if depth is not None and _are_positions(coordinates, depth):
            text = json.dumps({"type": kind, "coordinates": coordinates}, separators=(",", ":"))
            if len(text) <= LONGEST:
                return text
    raise Malformed(
        N_(
            "“{value}” is not a GeoJSON geometry, for example "
            '{{"type": "Point", "coordinates": [-90.5, 14.6]}} (longitude first)'
        ),
        value=quote_value(value),
    )


def _are_positions(value: Any, depth: int) -> bool:
    if not is_json_list(value) or not value:
        return False
    if depth:
        return all(_are_positions(position, depth - 1) for position in value)
    numbers = all(isinstance(n, int | float) and not isinstance(n, bool) for n in value)
    return numbers and 2 <= len(value) <= 3 and -180 <= value[0] <= 180 and -90 <= value[1] <= 90
