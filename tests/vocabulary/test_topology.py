"""The boundaries for drawing are those of the vocabulary, with each shared line once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ckanext.marathon.vocabulary import territory
from ckanext.marathon.vocabulary.territory import ATTRIBUTION, PRECISION, Kind, build_topology

DATA = Path(territory.__file__).parent / "data"
Point = tuple[int, int]


def rings(drawn: dict[str, Any], geometry: dict[str, Any]) -> list[list[Point]]:
    """Return the closed outer and inner rings of a geometry, in steps."""
    lines = []
    for steps in drawn["arcs"]:
        x, y, line = 0, 0, []
        for dx, dy in steps:
            x, y = x + dx, y + dy
            line.append((x, y))
        lines.append(line)
    found = []
    for polygon in geometry["arcs"]:
        for numbers in polygon:
            ring: list[Point] = []
            for number in numbers:
                line = lines[number] if number >= 0 else lines[~number][::-1]
                assert not ring or ring[-1] == line[0], "lines of a ring meet"
                ring += line[1:] if ring else line
            assert ring[0] == ring[-1], "a ring is closed"
            found.append(ring)
    return found


@pytest.mark.parametrize(("kind", "count"), [("municipality", 340), ("department", 22)])
def test_every_place_has_the_shape_of_its_boundary(kind: Kind, count: int) -> None:
    drawn = json.loads(build_topology(kind))
    geometries = drawn["objects"]["places"]["geometries"]
    assert len({each["id"] for each in geometries}) == count
    for each in geometries:
        boundary = territory.read_boundary(each["id"])
        polygons = boundary["coordinates"]
        if boundary["type"] == "Polygon":
            polygons = [polygons]
        wanted = {
            (round(x * PRECISION), round(y * PRECISION))
            for polygon in polygons
            for ring in polygon
            for x, y in ring
        }
        assert {point for ring in rings(drawn, each) for point in ring} <= wanted
        missing = wanted - {point for ring in rings(drawn, each) for point in ring}
        assert len(missing) <= 0.02 * len(wanted), each["id"]


def test_a_border_of_two_places_is_stored_once() -> None:
    arcs = [
        tuple(map(tuple, steps)) for steps in json.loads(build_topology("municipality"))["arcs"]
    ]
    assert len(set(arcs)) == len(arcs)
    assert len(build_topology("municipality")) < 130_000


def test_the_attribution_is_that_of_the_notice() -> None:
    notice = " ".join((DATA / "NOTICE.txt").read_text(encoding="utf-8").split())
    assert ATTRIBUTION in notice
