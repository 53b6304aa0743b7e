"""Many packages at once: each checked like any other, and none lost because of another."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.tests.factories import Sysadmin
from ckan.tests.helpers import call_action

from bench import bulk
from ckanext.marathon.feeds.verify import verify_log
from tests import factories

pytestmark = pytest.mark.usefixtures("marathon_site")


def rows(idea: dict[str, Any], count: int) -> list[dict[str, Any]]:
    return [
        {
            "name": f"pozos-{number}",
            "title": f"Pozos {number}",
            "notes": "Pozos",
            "owner_org": idea["owner_org"],
            "idea": [idea["id"]],
        }
        for number in range(count)
    ]


def test_bulk_records_are_saved_found_and_in_the_feed() -> None:
    idea = factories.Idea()
    outcome = bulk.create_packages(rows(idea, 5), Sysadmin()["name"])
    assert outcome.errors == {}
    found = call_action("package_search", fq="dataset_type:dataset")["results"]
    assert {each["id"] for each in found} == set(outcome.ids)
    assert len(call_action("marathon_idea_datasets", id=idea["id"])) == 5
    assert list(verify_log()) == []


def test_rows_with_errors_do_not_prevent_the_others() -> None:
    some = rows(factories.Idea(), 4)
    some[1]["idea"] = ["no-such-idea"]
    some[3]["title"] = ""
    outcome = bulk.create_packages(some, Sysadmin()["name"])
    assert {number: list(errors) for number, errors in outcome.errors.items()} == {
        2: ["idea"],
        4: ["title"],
    }
    names = {call_action("package_show", id=each)["name"] for each in outcome.ids}
    assert names == {"pozos-0", "pozos-2"}
