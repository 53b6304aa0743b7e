"""Whatever type a parameter is sent in, no action of the API answers that the server is broken."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from ckan import logic
from hypothesis import strategies as st

from ckanext.marathon.logic.parameters import parameters
from tests import proving

from .world import ROLES, World

REQUESTS = proving.count("API requests with wrong types", int(os.environ.get("N", 400)), 10_000)

# Nothing that is sent as text breaks the reader of JSON itself.
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 5, -1, 10**20, 1.5, 1e308]),
    st.sampled_from(
        ["", " ", "x", "5", "-1", "true", "[]", "{}", "[1", '"', "a:b", "a\x0bb", "\ufffe", "a\x00b"]
    ),
    st.text(max_size=8),
)
WRONG = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["id", "name", "key", "value", "x", "__x"]), inner, max_size=3),
    ),
    max_leaves=4,
)


PLUGINS = "marathon activity scheming_datasets scheming_organizations dcat"

pytestmark = pytest.mark.ckan_config("ckan.plugins", PLUGINS)


@pytest.fixture
def world(marathon_site: None, migrate_db_for: Callable[[str], None], app: Any) -> World:
    migrate_db_for("activity")
    return World(app)


def test_no_wrong_type_breaks_an_action(world: World) -> None:
    actions = sorted(logic.get_action("help_show") and logic._actions)
    tally: Counter[int] = Counter()
    broken: Counter[str] = Counter()
    collect = os.environ.get("COLLECT")

    @hypothesis.settings(
        max_examples=REQUESTS,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(data=st.data())
    def send(data: st.DataObject) -> None:
        action = data.draw(st.sampled_from(actions))
        role = data.draw(st.sampled_from(ROLES))
        names = sorted(parameters(action)) or ["id"]
        body = {}
        wrong = data.draw(st.sampled_from(names))
        for name in names:
            if name == wrong:
                body[name] = data.draw(WRONG)
            elif data.draw(st.booleans()) and (
                name not in {"id", "user"} or not action.startswith("user_")
            ):
                body[name] = data.draw(st.sampled_from(world.values(name)))
        answer = world.post(role, action, body)
        tally[answer.status_code] += 1
        if answer.status_code >= 500:
            if not collect:
                raise AssertionError((role, action, body, answer.text))
            broken[action] += 1
            with open(collect, "a") as out:
                out.write(repr((role, action, wrong, body)) + "\n")
        world.restore()

    send()
    proving.NOTES.append(f"API answers by status: {dict(sorted(tally.items()))}")
    if collect:
        print(tally, broken.most_common(80))
