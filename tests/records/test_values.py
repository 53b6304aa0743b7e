"""Reading single fields of shown and stored packages, also malformed older ones."""

from __future__ import annotations

import json
import math
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from ckanext.marathon.records import (
    Fields,
    list_rows,
    list_stored_rows,
    list_stored_texts,
    list_texts,
    list_texts_by_key,
    read_count,
    read_decimal,
    read_degrees,
    read_flag,
    read_size,
    read_text,
    read_time,
    says_anything,
)

DEEP = "[" * 100_000


@pytest.mark.parametrize("value", [None, False, "", " \t", [], {}, [""], [{"a": " "}], ({},)])
def test_empty_values_are_blank(value: object) -> None:
    assert not says_anything(value)


@pytest.mark.parametrize("value", [0, True, "x", ["", "x"], [{"a": "", "b": 0}]])
def test_other_values_are_not_blank(value: object) -> None:
    assert says_anything(value)


@pytest.mark.parametrize(
    ("value", "shown", "stored"),
    [
        ('["a", "b"]', ["a", "b"], ["a", "b"]),
        ('["a", 5, null, " "]', ["a", "5"], ["a", " "]),
        ('[501, "0501"]', ["501", "0501"], ["0501"]),
        # A site had a field of this name before the plugin came.
        ("Antigua", ["Antigua"], []),
        ('{"a": 1}', ['{"a": 1}'], []),
        ("[broken", [], []),
        (DEEP, [], []),
        (None, [], []),
        (7, [], []),
    ],
)
def test_lists_of_texts_are_read_from_shown_and_stored_values(
    value: object, shown: list[str], stored: list[str]
) -> None:
    assert list_texts(value) == shown
    assert list_stored_texts(value) == stored


@pytest.mark.parametrize(
    ("value", "shown", "stored"),
    [
        ('[{"a": "b"}, 5, {}]', [{"a": "b"}], [{"a": "b"}, {}]),
        ('{"a": "b"}', [{"a": "b"}], []),
        ('[{"a": ""}, {"a": "b"}]', [{"a": "b"}], [{"a": ""}, {"a": "b"}]),
        ("text", [], []),
        ("{broken", [], []),
        (None, [], []),
    ],
)
def test_rows_are_read_from_shown_and_stored_values(
    value: object, shown: list[Any], stored: list[Any]
) -> None:
    assert list_rows(value) == shown
    assert list_stored_rows(value) == stored


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (5, "5"), (1.5, "1.5"), (None, ""), (True, ""), ([], "")]
)
def test_texts_and_numbers_are_read_as_text_and_others_as_empty(value: object, text: str) -> None:
    assert read_text(value) == text


@pytest.mark.parametrize(("value", "flag"), [(True, True), ("True", True), ("yes", False)])
def test_only_true_is_read_as_a_set_flag(value: object, flag: bool) -> None:
    assert read_flag(value) is flag


@pytest.mark.parametrize(
    ("value", "count"),
    [("12", 12), (12, 12), ("12.0", 12), (0, 0), ("-1", None), ("many", None), (True, None)],
)
def test_whole_numbers_are_read_as_counts_and_others_as_none(
    value: object, count: int | None
) -> None:
    assert read_count(value) == count


@pytest.mark.parametrize(
    ("value", "degrees"),
    [("14.5", 14.5), (-90, -90.0), ("", None), ("north", None), ("nan", None), (math.inf, None)],
)
def test_finite_numbers_are_read_as_degrees_and_others_as_none(
    value: object, degrees: float | None
) -> None:
    assert read_degrees(value) == degrees


def test_a_column_missing_in_a_query_is_empty() -> None:
    row: Any = SimpleNamespace(id="1", extras=None)
    fields = Fields.of_stored(row, "id", "title")
    assert fields.text("id") == "1"
    assert fields.text("title") == ""


def test_a_column_is_not_overruled_by_an_extra_of_its_name() -> None:
    row: Any = SimpleNamespace(id="1", title="Own", extras={"title": "Other", "status": "held"})
    fields = Fields.of_stored(row, "id", "title")
    assert fields.text("title") == "Own"
    assert fields.text("status") == "held"


def test_lists_by_key_keep_only_lists_of_texts() -> None:
    said = {"en": ["Rain", 3, ["x"]], "de": "Regen", "fr": 3, "pt": None, "it": []}
    found = {"en": ("Rain",), "it": ()}
    assert list_texts_by_key(json.dumps(said)) == list_texts_by_key(said) == found
    assert [list_texts_by_key(value) for value in ("[", "[]", "en", None, 3)] == [{}] * 5


def test_sizes_and_numbers_may_be_texts() -> None:
    assert [read_size(value) for value in (0, "12.0", 12.0, 10**15)] == [0, 12, 12, 10**15]
    assert {read_size(value) for value in (-1, "1,5", 1.5, True, "", None, "1e999999", [])} == {
        None
    }
    assert str(read_decimal(" 2.50 ")) == "2.50"
    assert {read_decimal(value) for value in ("nan", "inf", "1e99", True, {})} == {None}


def test_times_are_parsed_as_ckan_writes_them() -> None:
    for text in ("2026-07-04T10:00:00.123456", "2026-07-04T10:00:00+00:00"):
        time = datetime.fromisoformat(text)
        assert read_time(text) == read_time(time) == time
    assert {read_time(value) for value in ("ayer", "", None, 2026, [])} == {None}
