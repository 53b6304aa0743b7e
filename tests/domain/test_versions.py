"""Comparison of two versions of a record, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from ckanext.marathon.views import form_answers
from ckanext.marathon.views.form_answers import Difference

BASE = {"title": "Wells", "venue": "", "invitation": [{"organisation": "COCODE"}]}


def compare(mine: dict[str, Any], theirs: dict[str, Any]) -> list[Difference]:
    base = form_answers.make_fingerprint(BASE)
    return form_answers.compare_versions(base, {**BASE, **mine}, {**BASE, **theirs})


def test_a_field_changed_only_by_the_others_is_not_contested() -> None:
    assert compare({}, {"title": "Theirs"}) == [Difference("title", "Wells", "Theirs", False)]


def test_a_field_that_both_changed_is_contested() -> None:
    found = compare({"title": "Mine"}, {"title": "Theirs"})
    assert found == [Difference("title", "Mine", "Theirs", True)]


def test_a_change_by_the_form_alone_is_no_difference() -> None:
    assert compare({"title": "Mine", "venue": "School"}, {}) == []


def test_the_same_change_by_both_is_no_difference() -> None:
    assert compare({"venue": "School"}, {"venue": "School"}) == []


def test_rows_added_by_the_others_are_found() -> None:
    cocode, clinic, school = ({"organisation": each} for each in ("COCODE", "Clinic", "School"))
    (found,) = compare(
        {"invitation": [cocode, school]}, {"invitation": [cocode, school, clinic, {}]}
    )
    assert found.added == (clinic,)
    # The form removed a value that was there when it was opened, so others did not add it.
    (found,) = compare({"invitation": []}, {"invitation": [cocode, clinic]})
    assert found.added == (clinic,)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a\r\nb", "a\nb"),
        ("a\rb", "a\nb"),
        (" a ", "a"),
        (5, "5"),
        (True, "true"),
        (None, ""),
        ({"a": "x", "b": ""}, {"a": "x"}),
        (["x", None], ["x"]),
    ],
)
def test_equal_values_in_another_notation_have_the_same_digest(one: Any, other: Any) -> None:
    assert form_answers.compute_digest(one) == form_answers.compute_digest(other)


@pytest.mark.parametrize(
    ("one", "other"), [("a\nb", "a b"), ("a", "A"), (["a", "b"], ["b", "a"]), ("0", "")]
)
def test_different_values_have_different_digests(one: Any, other: Any) -> None:
    assert form_answers.compute_digest(one) != form_answers.compute_digest(other)
