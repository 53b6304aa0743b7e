"""Texts, dates, numbers and geometries become literals of the right type, or nothing."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import XSD

from ckanext.marathon.rdf import literals
from ckanext.marathon.rdf.namespaces import GSP

from .proofs import EXAMPLES

MOMENTS = [
    ("2026", "2026", XSD.gYear),
    ("2026-05", "2026-05", XSD.gYearMonth),
    ("2026-05-01", "2026-05-01", XSD.date),
    (" 2026-05-01 ", "2026-05-01", XSD.date),
    ("2026-05-01T10:00:00", "2026-05-01T10:00:00-06:00", XSD.dateTime),
    ("2026-05-01 10:00", "2026-05-01T10:00:00-06:00", XSD.dateTime),
    ("12/05/2026", "2026-05-12", XSD.date),
    ("2026-05-01T10:00:00Z", "2026-05-01T10:00:00+00:00", XSD.dateTime),
    ("2026-05-01T10:00:00-06:00", "2026-05-01T10:00:00-06:00", XSD.dateTime),
]
NO_MOMENTS = ["", "x", "0000", "2026-13", "2026-02-30", "2026-05-01T25:00", "Monday"]
NO_MOMENTS += ["2026-W01-1", "2026-05-01T10:00:00+00:00:30", "99999-01-01"]


@pytest.mark.parametrize(("given", "lexical", "datatype"), MOMENTS)
def test_a_date_has_the_type_of_its_precision(given: str, lexical: str, datatype: URIRef) -> None:
    found = literals.make_moment(given)
    assert found is not None
    assert (str(found), found.datatype) == (lexical, datatype)


@pytest.mark.parametrize("given", [*NO_MOMENTS, None, 5, ["2026"]])
def test_invalid_dates_are_left_out(given: object) -> None:
    assert literals.make_moment(given) is None


def test_times_of_ckan_itself_are_utc() -> None:
    assert str(literals.make_moment("2026-05-01T10:00:00.5", utc=True)).endswith("+00:00")
    assert str(literals.make_moment("2026-05-01T10:00:00-06:00", utc=True)).endswith("-06:00")


@pytest.mark.parametrize("given", ["P1D", "PT60M", "P1Y2M3DT4H5M6.7S", "-P1D"])
def test_a_valid_duration_is_accepted(given: str) -> None:
    assert literals.make_duration(given) is not None


@pytest.mark.parametrize("given", ["", "P", "PT", "1D", "P1W", "P1DT", "daily", None])
def test_invalid_durations_are_left_out(given: object) -> None:
    assert literals.make_duration(given) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [(0, "0"), ("12", "12"), ("12.0", "12"), (12.0, "12"), ("1e3", "1000"), (" 7 ", "7")],
)
def test_a_whole_number_is_accepted(given: object, expected: str) -> None:
    assert str(literals.make_count(given)) == expected


@pytest.mark.parametrize("given", [-1, "1.5", "x", "", None, True, "1e999999", "NaN", "inf", []])
def test_invalid_whole_numbers_are_left_out(given: object) -> None:
    assert literals.make_count(given) is None


def test_a_decimal_has_no_exponent() -> None:
    assert str(literals.make_decimal("1e-3")) == "0.001"
    assert literals.make_decimal("1e-999999") is None
    assert literals.make_decimal("ten") is None


def test_a_geometry_is_longitude_before_latitude() -> None:
    found = literals.make_geometry('{"type": "Point", "coordinates": [-90.5, 14.60, 1500]}')
    assert found == Literal("POINT (-90.5 14.6)", datatype=GSP.wktLiteral)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ({"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]}, "MULTIPOINT (1 2, 3 4)"),
        ({"type": "LineString", "coordinates": [[1, 2], [3, 4]]}, "LINESTRING (1 2, 3 4)"),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
            "POLYGON ((0 0, 1 0, 1 1, 0 0))",
        ),
        (
            {
                "type": "GeometryCollection",
                "geometries": [{"type": "Point", "coordinates": [1, 2]}],
            },
            "GEOMETRYCOLLECTION (POINT (1 2))",
        ),
    ],
)
def test_every_kind_of_geometry_is_written(shape: dict[str, object], expected: str) -> None:
    assert str(literals.make_geometry(shape)) == expected


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "x",
        "{}",
        "[]",
        '{"type": "Point"}',
        '{"type": "Point", "coordinates": []}',
        '{"type": "Point", "coordinates": [null, 1]}',
        '{"type": "Point", "coordinates": [NaN, 1]}',
        '{"type": "Point", "coordinates": ["a", "b"]}',
        '{"type": "Polygon", "coordinates": [[]]}',
        '{"type": "Circle", "coordinates": [1, 2]}',
        '{"type": ["Point"], "coordinates": [1, 2]}',
        '{"type": "GeometryCollection", "geometries": []}',
        '{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}}',
    ],
)
def test_invalid_geometries_are_left_out(given: object) -> None:
    assert literals.make_geometry(given) is None


def test_a_number_too_large_for_a_float_is_no_coordinate() -> None:
    assert literals.make_geometry({"type": "Point", "coordinates": [10**400, 1]}) is None


@pytest.mark.parametrize("given", ["", "  ", "\x00\x0b", "\ud800", None, [], {}, True])
def test_a_blank_text_is_left_out(given: object) -> None:
    assert literals.make_text(given, "es") is None


def test_new_lines_are_the_same_in_every_format() -> None:
    assert str(literals.make_text("a\r\nb\rc")) == "a\nb\nc"


@settings(max_examples=EXAMPLES * 10, deadline=None)
@given(st.text(alphabet=st.characters(codec=None)))
def test_any_text_survives_every_format(typed: str) -> None:
    literal = literals.make_text(typed, "es")
    if literal is None:
        return
    graph, iri = Graph(), URIRef("https://a.gt/x")
    graph.add((iri, URIRef("https://a.gt/p"), literal))
    ElementTree.fromstring(graph.serialize(format="xml"))
    for name in ("turtle", "xml", "json-ld", "nt"):
        again = Graph().parse(data=graph.serialize(format=name), format=name)
        assert list(again.objects()) == [literal], name


@pytest.mark.parametrize(("given", "expected"), [("AB12", "ab12"), ("abc", None), ("xy", None)])
def test_a_checksum_is_pairs_of_digits(given: str, expected: str | None) -> None:
    found = literals.make_hex_binary(given)
    assert (str(found) if found is not None else None) == expected
