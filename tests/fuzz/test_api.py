"""Parameters of any JSON type give no 500 in any action of the API."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from ckanext.marathon.logic.parameters import read_parameters
from tests import private_names, proving

from .world import ROLES, World

PLUGINS = "marathon activity scheming_datasets scheming_organizations dcat"

pytestmark = pytest.mark.ckan_config("ckan.plugins", PLUGINS)

# Sent to each parameter of each action.
WRONG: list[Any] = [
    None,
    True,
    5,
    -1,
    10**20,
    1.5,
    1e308,
    "",
    "x",
    "[",
    "a:b",
    "a\x0bb",
    "a\x00b",
    "\ufffe",
    [],
    [None],
    [5],
    ["x"],
    ["a\x00b"],
    [[]],
    [{}],
    [{"id": "x", "name": 5}],
    {},
    {"id": []},
    {"name": "x", "key": None},
]
CASES = 450
REQUESTS = proving.count("API requests of random shape", 250, 10_000)

SCALARS = st.one_of(
    st.sampled_from([v for v in WRONG if not isinstance(v, list | dict)]), st.text()
)
NAMES = st.sampled_from(["id", "name", "key", "value", "state", "__extras", "x"])
SHAPES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture
def world(marathon_site: None, migrate_db_for: Callable[[str], None], app: Any) -> World:
    migrate_db_for("activity")
    return World(app)


def actions() -> list[str]:
    """Return the names of all actions of the site."""
    return sorted(private_names.read_actions())


def cases() -> Iterator[tuple[str, str, Any]]:
    """Yield every action with each of its parameters and each wrong value."""
    for action in actions():
        for name in sorted(read_parameters(action)) or ["id"]:
            for value in WRONG:
                yield action, name, value


def check(answer: Any, tally: Counter[int], sent: tuple[Any, ...]) -> None:
    tally[answer.status_code] += 1
    if answer.status_code >= 500 and os.environ.get("COLLECT"):
        with open(os.environ["COLLECT"], "a", encoding="utf-8") as out:
            out.write(f"{sent!r}\n")
        return
    assert answer.status_code < 500, (sent, answer.text)


def test_no_wrong_value_of_a_parameter_gets_500(world: World) -> None:
    rng = proving.rng("wrong values")
    all_cases = list(cases())
    size = proving.count("API requests with a wrong value", CASES, len(all_cases))
    tally: Counter[int] = Counter()
    for action, name, value in rng.sample(all_cases, size):
        # The first wrong value ends an action, so each other parameter has a good value or none.
        body = {
            other: rng.choice(world.values(other))
            for other in read_parameters(action)
            if rng.random() < 0.8
        }
        body[name] = value
        role = rng.choice(ROLES)
        world.restore()
        check(world.post(role, action, body), tally, (role, action, name, body))
    proving.NOTES.append(f"of these by status: {dict(sorted(tally.items()))}")


def test_no_random_shape_breaks_an_action(world: World) -> None:
    tally: Counter[int] = Counter()

    @st.composite
    def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
        action = draw(st.sampled_from(actions()))
        names = sorted(read_parameters(action)) or ["id"]
        body = draw(st.dictionaries(st.sampled_from(names), SHAPES, min_size=1, max_size=4))
        for name in names:
            if name not in body and draw(st.booleans()):
                body[name] = draw(st.sampled_from(world.values(name)))
        return draw(st.sampled_from(ROLES)), action, body

    @hypothesis.settings(
        max_examples=REQUESTS,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(requests())
    def send(request: tuple[str, str, dict[str, Any]]) -> None:
        world.restore()
        check(world.post(*request), tally, request)

    send()
    proving.NOTES.append(f"of those of random shape by status: {dict(sorted(tally.items()))}")
