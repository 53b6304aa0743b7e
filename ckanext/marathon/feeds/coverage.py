"""Where and when data are of: boxes of places, and periods, for formats other than RDF."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from ckanext.marathon.domain import dates

# How ISO 8601-2 writes an end that is open.
OPEN = ".."
# One kind of shape, in two dimensions, as ``rdf.literals.geometry`` writes it.
_WKT = re.compile(r"[A-Z]+ *(\([-+.,() 0-9eE]*\))")


class Box(NamedTuple):
    """Where a place is, in degrees; a point is a box without an extent."""

    west: float
    south: float
    east: float
    north: float

    @property
    def is_point(self) -> bool:
        """Whether it has no extent."""
        return (self.west, self.south) == (self.east, self.north)

    def __str__(self) -> str:
        """Return longitude and latitude as DCAT-US wants them, of a point latitude first."""
        if self.is_point:
            return f"{self.south},{self.west}"
        return f"{self.west},{self.south},{self.east},{self.north}"


def box_of(wkt: str) -> Box | None:
    """Return the extent of a shape in WKT, longitude first; ``None`` for what is none."""
    found = _WKT.fullmatch(wkt)
    points = [each.split() for each in re.sub("[()]", " ", found[1]).split(",")] if found else []
    try:
        east, north = zip(*((float(x), float(y)) for x, y in points), strict=True)
    except ValueError:
        return None
    return Box(min(east), min(north), max(east), max(north))


def intervals(periods: Iterable[tuple[str, str]], texts: Iterable[str] = ()) -> list[str]:
    """Return all periods in the order of the record, ``..`` for an open end, then those in words.

    Source: ISO 8601-2, 4.4; schema.org, ``temporalCoverage``.
    """
    found = [f"{start or OPEN}/{end or OPEN}" for start, end in periods]
    return [*found, *texts]


def extent_of(periods: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Return from when to when several periods are, with what may be between them.

    Returns:
        The earliest start and the latest end, "" for an end that is open in one of them, or of
        which it is not known which is the last.
    """
    starts, ends = zip(*periods, strict=True) if (periods := [*periods]) else ((), ())
    try:
        return (
            min(starts, key=dates.find_first_instant) if starts and all(starts) else "",
            max(ends, key=dates.find_last_instant) if ends and all(ends) else "",
        )
    except ValueError:
        return "", ""
