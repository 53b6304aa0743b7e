"""The boundaries for drawing are those of the vocabulary, with each shared line once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import shapely
import topojson

from ckanext.marathon.vocabulary import codes, territory
from ckanext.marathon.vocabulary.territory import ATTRIBUTION, read_topology

DATA = Path(territory.__file__).parent / "data"
# Steps a degree: some 100 metres, half a pixel where a municipality fills the screen of a phone.
PRECISION = 1000
Point = tuple[int, int]


def write_topology() -> bytes:
    """Make the file that the package ships: ``python -m tests.vocabulary.test_topology``."""
    layer = json.loads(codes.read_data_bytes("municipalities.geojson"))
    for feature in layer["features"]:
        polygons = list_polygons(feature["geometry"])
        # The library breaks ties in another way, and has a type for places of one polygon.
        rounded = [
            [
                [
                    [round(x * PRECISION) / PRECISION, round(y * PRECISION) / PRECISION]
                    for x, y in ring
                ]
                for ring in polygon
            ]
            for polygon in polygons
        ]
        feature["geometry"] = {"type": "MultiPolygon", "coordinates": rounded}
        feature["properties"] = {"name": feature["properties"]["name"]}
    grid = {"scale": [1 / PRECISION] * 2, "translate": [0, 0]}
    made = topojson.Topology(layer, prequantize=grid, object_name="places").to_dict()
    return json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()


def list_polygons(geometry: dict[str, Any]) -> list[Any]:
    """Return the polygons of a geometry of GeoJSON."""
    return (
        geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    )


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


def test_every_place_has_the_shape_of_its_boundary() -> None:
    drawn = json.loads(read_topology())
    geometries = drawn["objects"]["places"]["geometries"]
    assert len({geometry["id"] for geometry in geometries}) == 340
    for geometry in geometries:
        boundary = territory.read_boundary(geometry["id"])
        wanted = shapely.MultiLineString(
            [
                [(round(x * PRECISION), round(y * PRECISION)) for x, y in ring]
                for polygon in list_polygons(boundary)
                for ring in polygon
            ]
        )
        # Only points in the middle of a straight line are left out, or added where places meet.
        found = shapely.MultiLineString(rings(drawn, geometry))
        assert shapely.hausdorff_distance(found, wanted) < 1e-6, geometry["id"]
        place = territory.get_municipality(geometry["id"])
        assert geometry["type"] == "MultiPolygon"
        assert geometry["properties"] == {"name": place.name}


def test_a_border_of_two_places_is_stored_once() -> None:
    arcs = [tuple(map(tuple, steps)) for steps in json.loads(read_topology())["arcs"]]
    assert len(set(arcs)) == len(arcs)
    assert len(read_topology()) < 130_000


def test_the_file_is_what_the_library_makes_of_the_boundaries() -> None:
    assert json.loads(write_topology()) == json.loads(read_topology())


def test_the_attribution_is_that_of_the_notice() -> None:
    notice = " ".join((DATA / "NOTICE.txt").read_text(encoding="utf-8").split())
    assert ATTRIBUTION in notice


if __name__ == "__main__":
    (DATA / "municipalities.topo.json").write_bytes(write_topology())
