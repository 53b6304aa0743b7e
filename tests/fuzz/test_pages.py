"""Odd addresses, query strings and forms give no 500 on any page."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import hypothesis
import pytest
from hypothesis import strategies as st

from tests import proving

from . import odd
from .world import ROLES, World

PLUGINS = "marathon_site marathon activity scheming_datasets scheming_organizations dcat"

pytestmark = pytest.mark.ckan_config("ckan.plugins", PLUGINS)

PAGES = proving.count("pages with odd addresses and parameters", 60, 20_000)
FORMS = proving.count("forms with odd fields", 40, 10_000)


@pytest.fixture
def world(
    marathon_site: None, migrate_db_for: Callable[[str], None], app: Any, storage: Any
) -> World:
    migrate_db_for("activity")
    return World(app)


def send(world: World, tally: Counter[int], method: str, path: str, **sent: Any) -> None:
    """Send one request; every status below 500 is right."""
    world.restore()
    try:
        answer = world.request(method, path, **sent)
        status, text = answer.status_code, answer.text if answer.status_code >= 500 else ""
    except Exception as broken:
        status, text = 500, repr(broken)
        if not os.environ.get("COLLECT"):
            raise
    tally[status] += 1
    if status >= 500 and os.environ.get("COLLECT"):
        with open(os.environ["COLLECT"], "a", encoding="utf-8") as out:
            out.write(f"{(method, path, sent, text[:300])!r}\n")
        return
    assert status < 500, (method, path, sent, text)


def settings(most: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=most, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )


def test_no_random_address_gets_500(world: World) -> None:
    tally: Counter[int] = Counter()
    rules = odd.rules(world.app, "GET")

    @settings(PAGES)
    @hypothesis.given(st.data())
    def get(data: st.DataObject) -> None:
        rule = data.draw(st.sampled_from(rules))
        path = f"{data.draw(odd.paths(world, rule))}?{data.draw(odd.queries())}"
        role = data.draw(st.sampled_from(ROLES))
        send(world, tally, "GET", path, role=role, headers=data.draw(st.sampled_from(odd.HEADERS)))

    get()
    proving.NOTES.append(f"of these pages by status: {dict(sorted(tally.items()))}")


def test_no_random_form_gets_500(world: World) -> None:
    tally: Counter[int] = Counter()
    rules = odd.rules(world.app, "POST")
    names: dict[str, list[str]] = {}

    @settings(FORMS)
    @hypothesis.given(st.data())
    def post(data: st.DataObject) -> None:
        rule = data.draw(st.sampled_from(rules))
        path = data.draw(odd.paths(world, rule))
        if rule.rule not in names:
            page = world.request("GET", path, role="sysadmin") if "GET" in rule.methods else None
            names[rule.rule] = odd.read_field_names(page.text) if page else []
        fields = data.draw(odd.forms(names[rule.rule], world.values))
        role = data.draw(st.sampled_from(ROLES))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if data.draw(st.booleans()):
            headers["Accept"] = "application/json"
        body = urlencode(fields, errors="surrogatepass")
        send(world, tally, "POST", path, role=role, headers=headers, body=body)

    post()
    proving.NOTES.append(f"of these forms by status: {dict(sorted(tally.items()))}")
