"""Parsing of dates, addresses and other values: tables of input and expected result."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest

from ckanext.marathon.domain import addresses, dataset, dates, geometry, numbers, texts
from ckanext.marathon.domain.errors import Malformed


class _Something:
    # Named in the test's name, which must be the same in every process.
    def __repr__(self) -> str:
        return "<something>"


SOMETHING = _Something()


def decimal(value: Any) -> str:
    return numbers.read_decimal(value).text


def any_form(value: Any) -> str:
    return dates.read_date(value).text


def day(value: Any) -> str:
    return dates.read_day(value).text


def moment(value: Any) -> str:
    return dates.read_moment(value).text


READ: list[tuple[Callable[[Any], Any], Any, Any]] = [
    (numbers.parse_count, 12, 12),
    (numbers.parse_count, "12", 12),
    (numbers.parse_count, " 12 ", 12),
    (numbers.parse_count, "12.0", 12),
    (numbers.parse_count, 12.0, 12),
    (numbers.parse_count, 0, 0),
    (decimal, "14.6", "14.6"),
    (decimal, -90.5, "-90.5"),
    (day, "2017-06-03", "2017-06-03"),
    (day, "03/06/2017", "2017-06-03"),
    (day, "3-6-2017", "2017-06-03"),
    (day, "3.6.2017", "2017-06-03"),
    (day, "2017-06-03T00:00:00", "2017-06-03"),  # what spreadsheets make of a day
    (day, "2016-02-29", "2016-02-29"),
    (moment, "2016-10-17T09:00:00-06:00", "2016-10-17T09:00:00-06:00"),
    (moment, "2016-10-17T09:00", "2016-10-17T09:00:00-06:00"),
    (moment, "2016-10-17 9:00", "2016-10-17T09:00:00-06:00"),
    (moment, "17/10/2016 9:00", "2016-10-17T09:00:00-06:00"),
    (moment, "2016-10-17T15:00Z", "2016-10-17T15:00:00+00:00"),
    (moment, "2016-10-17T15:00:01.123+0530", "2016-10-17T15:00:01.123+05:30"),
    (moment, "2017-06-03", "2017-06-03"),  # the hour is not known and not made up
    (any_form, "2024", "2024"),
    (any_form, 2024, "2024"),
    (any_form, "1524", "1524"),
    (any_form, "2024-05", "2024-05"),
    (any_form, " 2024-05-06 ", "2024-05-06"),
    (any_form, date(2024, 5, 6), "2024-05-06"),
    (any_form, datetime(2024, 5, 6, 10), "2024-05-06T10:00:00-06:00"),
    (any_form, "2024-05-06T10:00:00", "2024-05-06T10:00:00-06:00"),
    (any_form, "2017-12-31T23:59:59", "2017-12-31T23:59:59-06:00"),
    (any_form, "2024-05-06T03:00:00.25Z", "2024-05-06T03:00:00.25+00:00"),
    (any_form, "2024-05-06 10:00 -06", "2024-05-06T10:00:00-06:00"),
    (any_form, "2024-12-31T24:00:00", "2025-01-01T00:00:00-06:00"),
    (any_form, "2024Z", "2024"),
    (any_form, "2024-06:00", "2024"),
    (any_form, "2024-05-06-06:00", "2024-05-06"),
    (any_form, "03/06/2017", "2017-06-03"),
    (any_form, "3.6.2017", "2017-06-03"),
    (any_form, "03-06-2017 9:30", "2017-06-03T09:30:00-06:00"),
    (any_form, "2017/06/03", "2017-06-03"),
    (any_form, "6/2017", "2017-06"),
    (dates.read_duration, "p1y", "P1Y"),
    (dates.read_duration, "PT15M", "PT15M"),
    (dates.read_duration, "P1Y2M3DT4H5M6.7S", "P1Y2M3DT4H5M6.7S"),
    (
        addresses.read_http_address,
        " https://www.infom.gob.gt/a?b=c,d#e ",
        "https://www.infom.gob.gt/a?b=c,d#e",
    ),
    (addresses.read_http_address, "http://127.0.0.1:5000/x", "http://127.0.0.1:5000/x"),
    (addresses.read_http_address, "http://[::1]:5000/x", "http://[::1]:5000/x"),
    (
        addresses.read_http_address,
        "https://es.wikipedia.org/wiki/Año",
        "https://es.wikipedia.org/wiki/Año",
    ),
    (addresses.read_http_addresses, None, []),
    *(
        (addresses.read_http_addresses, given, ["https://a.gt/x", "https://b.gt/y"])
        for given in (
            "https://a.gt/x, https://b.gt/y",
            "https://a.gt/x,https://b.gt/y",
            "https://a.gt/x;https://b.gt/y",
            "https://a.gt/x ; https://b.gt/y;",
            "https://a.gt/x\nhttps://b.gt/y\nhttps://a.gt/x",
            ["https://a.gt/x, https://b.gt/y"],
            ["https://a.gt/x,", "https://b.gt/y"],
            '["https://a.gt/x;https://b.gt/y"]',
        )
    ),
    # A comma or semicolon inside, and an address in another one's path or query.
    *(
        (addresses.read_http_addresses, given, [given])
        for given in (
            "https://a.gt/x?b=1,2;c=3",
            "https://web.archive.org/web/2020/https://a.gt/x",
            "https://a.gt/x?u=https://b.gt/y",
        )
    ),
    (addresses.check_resource_address, "https://a.gt/x b.csv", "https://a.gt/x b.csv"),
    (texts.split_items, None, []),
    (texts.split_items, "", []),
    (texts.split_items, "a", ["a"]),
    (texts.split_items, "a, b;c\nd", ["a", "b", "c", "d"]),
    (texts.split_items, '["a", "b", 1]', ["a", "b", "1"]),
    (texts.split_items, ["a", " ", None, "a", 501], ["a", "501"]),
    (texts.split_items, ("a",), ["a"]),
    (texts.split_items, 501, ["501"]),
    (
        geometry.read_geometry,
        {"type": "Point", "coordinates": [-90.5, 14.6], "crs": "x"},
        '{"type":"Point","coordinates":[-90.5,14.6]}',
    ),
    (
        geometry.read_geometry,
        '{"type": "Polygon", "coordinates": [[[0,0],[1,0],[1,1],[0,0]]]}',
        '{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}',
    ),
]

HOSTILE = [
    {},
    {"a": 1},
    [[]],
    [["a"]],
    [{"a": 1}],
    True,
    float("nan"),
    float("inf"),
    -1,
    "-1",
    "doce",
    "\x00",
    "\ud800",
    "x" * 1_000_000,
    "[" * 100_000,
    "{" * 100_000,
    '[["a"]]',
    "1e400",
    "٣",
    SOMETHING,
]

REFUSED: list[tuple[Callable[[Any], Any], Any]] = [
    *((numbers.parse_count, value) for value in (*HOSTILE, "", "1.5", 1.5, "9" * 30, "1 2", "+1")),
    *((decimal, v) for v in HOSTILE if v not in (-1, "-1")),
    *((day, v) for v in (*HOSTILE, "2017", "2017-06", "2017-02-30", "31/02/2017")),
    *((day, v) for v in ("2017-06-03T09:00", "0001-01-01", "9999-12-31", 20170603, 1)),
    *((moment, v) for v in (*HOSTILE, "2017-06-03T25:00", "2017-06-03T09:00+99:00", "9:00")),
    *((moment, v) for v in ("2017-06-03T09:00+05:99", "2017-06-03T09:00 CST")),
    *((any_form, v) for v in (*HOSTILE, "", "5", 5, "Monday", "2024-02-30", "29/02/2023")),
    *((any_form, v) for v in ("2024-13", "0000", "0217", "20177", "03/06/17", "06/13/2017")),
    *((any_form, v) for v in ("2024.05", "20240506", "3/6-2017", "2024/2025", "mayo 2024")),
    *((any_form, v) for v in ("2024-05-06T24:01", "2024-05-06T10:00+14:01", "2024-05-06T")),
    *((dates.read_duration, v) for v in (*HOSTILE, "", "P", "PT", "P1", "1Y", "P-1Y", "P1YT")),
    *(
        (addresses.read_http_address, value)
        for value in (*HOSTILE, "", "infom.gob.gt", "/a", "//a/b")
    ),
    *(
        (addresses.read_http_address, value)
        for value in (
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)//http://a",
            "data:text/html,x",
            "ftp://a/b",
            "file:///etc/passwd",
            "http://",
            "http:///a",
            "http:a",
            "http://a b/",
            "http://a/<script>",
            'http://a/"x',
            "http://a/\nb",
            "http://user:secret@a/",
            "http://a:99999/",
            "http://a:b/",
            "http://[::1/",
            "https://a/" + "x" * 3_000,
            "http://a/\u2028b",
            "http://a/`",
            "http://a\\@b/",
            "https://a.gt/x, https://b.gt/y",
            "https://a.gt/x;https://b.gt/y",
        )
    ),
    *(
        (addresses.read_http_addresses, v)
        for v in ("https://a.gt/x, b", ["https://a.gt/x y"], "x", [1])
    ),
    *(
        (addresses.check_resource_address, f"https://a.gt/x{mark}https://b")
        for mark in (", ", "; ", "\n")
    ),
    *(
        (texts.split_items, v)
        for v in ({}, [[]], [{"a": 1}], True, [True], "\x00", ["\ud800"], SOMETHING)
    ),
    *(
        (texts.split_items, v)
        for v in ("[" * 100_000, '[["a"]]', ["x" * 3_000], ["a"] * 501, "a," * 501)
    ),
    *(
        (geometry.read_geometry, v)
        for v in (
            *HOSTILE,
            {"type": "Point"},
            {"type": "Point", "coordinates": [200, 0]},
            {"type": "Point", "coordinates": ["0", "0"]},
            {"type": "Point", "coordinates": [[0, 0]]},
            {"type": ["Point"], "coordinates": [0, 0]},
            {"type": "Circle", "coordinates": [0, 0]},
            {"type": "Polygon", "coordinates": []},
        )
    ),
]


@pytest.mark.parametrize(
    "value",
    [
        *("0999", "0217-05-06", "2201", 2201, "2201-01-01", "03/06/0217", "2200-12-31T24:00"),
        # Of a day in another year where the site is.
        *("1000-01-01T00:00Z", "2200-12-31T23:00-12:00"),
    ],
)
def test_a_refused_year_gets_an_error_with_the_accepted_range(value: Any) -> None:
    with pytest.raises(Malformed, match="years from 1000 to 2200 are accepted"):
        dates.read_date(value)


@pytest.mark.parametrize(
    "value", ["2200-12-31T23:59:59", "2199-12-31T24:00", "1000-01-01T06:00Z", "1000", "2200-12"]
)
def test_dates_at_both_ends_of_the_range_can_be_read_again(value: str) -> None:
    text = dates.read_date(value).text
    for each in (text, dates.drop_hour(text), dates.find_local_day(text).isoformat()):
        assert dates.normalize_stored_date(each) == each
    assert dates.find_last_local_day(text) >= dates.find_local_day(text)


def test_several_addresses_in_one_field_get_their_own_error() -> None:
    for read in (addresses.read_http_address, addresses.check_resource_address):
        with pytest.raises(Malformed, match="more than one web address"):
            read("https://a.gt/x, https://b.gt/y")


REPAIRED = ["03/06/2017", "3-6-2017", "3.6.2017 9:00", "6/2017", "2017/06/03", "2017-6-3", "2024Z"]
AS_WRITTEN = ["2024", "2024-05", "2024-05-06", "2024-05-06 9:00", "2024-05-06T10:00:00Z"]


@pytest.mark.parametrize("value", REPAIRED)
def test_a_date_in_another_form_is_marked_as_repaired(value: str) -> None:
    assert dates.read_date(value).is_repaired


@pytest.mark.parametrize("value", AS_WRITTEN)
def test_a_date_in_iso_order_is_not_marked_as_repaired(value: str) -> None:
    assert not dates.read_date(value).is_repaired


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2018", "2018-01-01", "2018-12-31"),
        ("2020-02", "2020-02-01", "2020-02-29"),
        ("2018-02-03", "2018-02-03", "2018-02-03"),
        ("2018-02-03T03:00:00+00:00", "2018-02-02", "2018-02-02"),
    ],
)
def test_a_year_or_month_has_a_first_and_a_last_day(text: str, first: str, last: str) -> None:
    assert dates.find_local_day(text).isoformat() == first
    assert dates.find_last_local_day(text).isoformat() == last


@pytest.mark.parametrize(
    ("start", "end", "is_backwards"),
    [
        ("2018", "2018", False),
        ("2018-05", "2018", False),
        ("2018-01-01", "2018-01-01T23:59:59-06:00", False),
        ("2018-01-01T10:00:00-06:00", "2018-01-01", False),
        ("2018-02", "2018-01", True),
        ("2018-01-01", "2017", True),
        ("2018-01-01T10:00:00-06:00", "2018-01-01T15:00:00+00:00", True),
        ("Monday", "2017", False),
    ],
)
def test_periods_of_any_precision_may_not_end_before_they_start(
    start: str, end: str, is_backwards: bool
) -> None:
    found = dataset.check_periods([{"start": start, "end": end}])
    assert bool(found) == is_backwards


def named(value: Any) -> str:
    return repr(value)[:40].encode("ascii", "replace").decode()


@pytest.mark.parametrize(
    ("read", "value", "expected"), READ, ids=[f"{r.__name__} {named(v)}" for r, v, _ in READ]
)
def test_values_are_normalised(read: Callable[[Any], Any], value: Any, expected: Any) -> None:
    assert read(value) == expected


@pytest.mark.parametrize(
    ("read", "value"), REFUSED, ids=[f"{r.__name__} {named(v)}" for r, v in REFUSED]
)
def test_a_malformed_value_is_refused_with_a_sentence(
    read: Callable[[Any], Any], value: Any
) -> None:
    with pytest.raises(Malformed) as refused:
        read(value)
    message = str(refused.value)
    assert 20 < len(message) < 250
    message.encode("utf-8")


@pytest.mark.parametrize(("read", "value", "expected"), READ)
def test_a_normalised_value_is_read_unchanged(
    read: Callable[[Any], Any], value: Any, expected: Any
) -> None:
    assert read(expected) == expected
