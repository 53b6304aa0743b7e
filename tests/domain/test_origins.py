from __future__ import annotations

import pytest

from ckanext.marathon.domain import dataset


@pytest.mark.parametrize(
    ("own", "inherited", "values", "origin"),
    [
        (["2105"], ["0101"], ["2105"], "own"),
        ([], ["2105", "0101", "2105"], ["0101", "2105"], "idea"),
        ([], [], [], "none"),
    ],
)
def test_own_values_win_over_those_of_the_ideas(
    own: list[str], inherited: list[str], values: list[str], origin: str
) -> None:
    assert dataset.resolve_values(own, inherited, dataset.FROM_IDEA) == (values, origin)


@pytest.mark.parametrize(
    ("given", "origin", "stored", "computed", "kept", "why"),
    [
        (["a"], None, [], ["a"], [], "a form sends back what it showed"),
        (["b", "a"], "idea", [], ["a", "b"], [], "in any order"),
        (["a"], "own", [], ["a"], ["a"], "somebody says that they are its own"),
        (["b"], "idea", [], ["a"], ["b"], "changed values are its own, whatever the origin says"),
        (["a"], None, ["a"], ["a"], ["a"], "its own before, its own now"),
        (["a"], "idea", ["b"], ["a"], [], "given back to the idea"),
        (["a"], None, None, ["a"], ["a"], "a new thing: somebody chose them"),
        (["a"], "idea", None, ["a"], [], "a new thing: a copy of another one"),
        ([], None, ["a"], ["a"], [], "emptied"),
    ],
)
def test_only_own_values_are_stored(
    given: list[str],
    origin: str | None,
    stored: list[str] | None,
    computed: list[str],
    kept: list[str],
    why: str,
) -> None:
    assert dataset.select_own_values(given, origin, stored, computed) == kept, why
