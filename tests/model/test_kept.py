"""Cached answers are current, and kinds of answers have separate limits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ckan import model

from ckanext.marathon.model import clock
from tests.factories import Municipality

pytestmark = pytest.mark.usefixtures("marathon_site")


@pytest.fixture
def asked() -> list[str]:
    """What had to be asked."""
    return []


@pytest.fixture
def ask(asked: list[str]) -> Callable[[str, str], str]:
    def ask(kind: str, key: str) -> str:
        return clock.cache_until_change(kind, key, lambda: asked.append(key) or key)

    return ask


def test_an_answer_is_computed_again_only_after_a_change(
    ask: Callable[[str, str], str], asked: list[str]
) -> None:
    assert [ask("tests", "a"), ask("tests", "b"), ask("tests", "a")] == ["a", "b", "a"]
    assert asked == ["a", "b"]
    Municipality(municipality_code="0501")
    assert ask("tests", "a") == "a"
    assert asked == ["a", "b", "a"]


def test_nothing_is_cached_while_the_log_is_incomplete(
    ask: Callable[[str, str], str], asked: list[str]
) -> None:
    clock.lock_clock()
    clock.set_complete(False)
    model.Session.commit()
    assert [ask("tests", "a"), ask("tests", "a")] == ["a", "a"]
    assert asked == ["a", "a"]


def test_each_kind_of_answer_has_its_own_cache_limit(
    ask: Callable[[str, str], str], asked: list[str]
) -> None:
    ask("reports of tests", "country")
    for number in range(clock.MOST + 1):
        ask("datasets of tests", str(number))
    asked.clear()
    ask("reports of tests", "country")
    ask("datasets of tests", str(clock.MOST))
    assert asked == []
    ask("datasets of tests", "0")
    assert asked == ["0"], "what was asked for least recently made room"
