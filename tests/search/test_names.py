"""Suggestions of municipalities, departments and problems for typed words."""

from __future__ import annotations

import pytest

from ckanext.marathon.search import query


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("agua potable", "agua potable"),
        ("agua: pozos", "agua pozos"),
        ('"tren de aseo" basura', '"tren de aseo" basura'),
        ('"tren de aseo', "tren de aseo"),
        ("AND pozos OR NOT", "and pozos or not"),
        ("{!join from=a}x", "!join from=a x"),
        ('((( \\ "" -', ""),
        ("a" * 500, "a" * 200),
    ],
)
def test_query_syntax_is_removed_before_the_search_for_names(typed: str, words: str) -> None:
    assert query.select_words(typed) == words


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("San Carlos Alzatate", "San Carlos Alzatate"),
        ("agua en san cárlos alzatate", "San Carlos Alzatate"),
        ("agua en san carlos", "San Carlos Alzatate"),
        ("mixco", "Mixco"),
        ("catarina pinula", "Santa Catarina Pinula"),
        ("barillas", "Santa Cruz Barillas"),
    ],
)
def test_a_municipality_is_found_by_its_name(typed: str, first: str) -> None:
    assert query.find_municipalities(typed)[0].name == first


@pytest.mark.parametrize("typed", ["", "a", "de", "zzzz", "agua potable", "(((", "san " * 500])
def test_other_words_are_no_municipality(typed: str) -> None:
    assert len(query.find_municipalities(typed)) <= (query.MOST_NAMES if "san" in typed else 0)


def test_departments_and_problems_are_found() -> None:
    assert [each.name for each in query.find_departments("jalapa")] == ["Jalapa"]
    assert query.find_service_problems("basura", "es")
