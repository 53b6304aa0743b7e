from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import pytest
import shapely
from shapely.geometry import Point, box, shape
from shapely.geometry.base import BaseGeometry

from ckanext.marathon.vocabulary import territory
from ckanext.marathon.vocabulary.codes import UnknownCode


@cache
def polygon(code: str) -> BaseGeometry:
    return shape(territory.read_boundary(code))


def places() -> list[Any]:
    return [*territory.list_municipalities(), *territory.list_departments()]


def test_every_place_has_a_valid_boundary() -> None:
    assert len(places()) == 362
    for place in places():
        geometry = polygon(place.code)
        assert geometry.geom_type in {"Polygon", "MultiPolygon"}
        assert geometry.is_valid, place.code
        assert geometry.area > 0, place.code


def test_the_point_of_a_place_lies_in_its_boundary_and_in_no_other() -> None:
    for kind in (territory.list_municipalities(), territory.list_departments()):
        tree = shapely.STRtree([polygon(place.code) for place in kind])
        for number, place in enumerate(kind):
            point = Point(place.longitude, place.latitude)
            assert list(tree.query(point, predicate="within")) == [number], place.code


def test_the_box_of_a_place_contains_its_boundary() -> None:
    for place in places():
        assert box(*place.bbox).buffer(1e-9).contains(polygon(place.code)), place.code
        assert place.bbox.west < place.longitude < place.bbox.east
        assert place.bbox.south < place.latitude < place.bbox.north


def test_a_department_is_the_union_of_its_municipalities_and_perhaps_a_lake() -> None:
    """Lakes Amatitlán and Atitlán belong to a department but to no municipality."""
    with_lake = {"01", "07"}
    for department in territory.list_departments():
        union = shapely.union_all(
            [polygon(each.code) for each in territory.list_municipalities_of(department.code)]
        )
        rest = polygon(department.code).symmetric_difference(union).area
        share = rest / polygon(department.code).area
        if department.code in with_lake:
            assert 0.001 < share < 0.2, department.code
        else:
            assert share < 1e-9, department.code


@pytest.mark.parametrize("digits", [2, 4])
def test_neighbours_share_borders_and_do_not_overlap(digits: int) -> None:
    layer = [polygon(place.code) for place in places() if len(place.code) == digits]
    tree = shapely.STRtree(layer)
    for left, right in itertools.chain(tree.query(layer, predicate="intersects").T):
        if left < right:
            assert layer[left].intersection(layer[right]).area < 1e-12


def test_sansare_and_sanarate_are_not_interchanged_as_in_the_source() -> None:
    neighbours = {
        each.name
        for each in territory.list_municipalities()
        if each.code != "0207" and polygon(each.code).touches(polygon("0207"))
    }
    assert "San José del Golfo" in neighbours
    assert polygon("0207").area > polygon("0206").area


def test_livingston_has_two_parts() -> None:
    assert territory.read_boundary("1802")["type"] == "MultiPolygon"


def test_a_caller_may_change_the_geometry_it_was_given() -> None:
    territory.read_boundary("0101")["coordinates"].clear()
    assert territory.read_boundary("0101")["coordinates"]


@pytest.mark.parametrize("code", ["", "0", "5", "501", "9999", "99", "../0501", None, 501])
def test_an_unknown_code_has_no_boundary(code: object) -> None:
    with pytest.raises(UnknownCode):
        territory.read_boundary(code)  # pyright: ignore[reportArgumentType]
