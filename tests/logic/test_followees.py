"""Lists of followed records show only records that the follower may see."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from tests import factories
from tests.trust.test_existence import ask, token_of

pytestmark = pytest.mark.usefixtures("marathon_site")


@pytest.fixture
def follower() -> dict[str, Any]:
    return core.User()


def followed(app: Any, action: str, token: str, user: dict[str, Any]) -> list[dict[str, Any]]:
    status, body = ask(app, action, token, {"id": user["id"]})
    assert status == 200, body
    found = json.loads(body)["result"]
    return [each["dict"] for each in found] if action == "followee_list" else found


@pytest.mark.parametrize("action", ["dataset_followee_list", "followee_list"])
class TestRecords:
    def test_followed_records_are_shown_as_the_follower_sees_them(
        self, app: Any, action: str, follower: dict[str, Any]
    ) -> None:
        workshop = factories.Workshop(participants=23, participants_women=3)
        hidden = factories.Idea(private=True)
        shown = factories.Idea(owner_org=hidden["owner_org"])
        dataset = factories.MarathonDataset(idea=[shown["id"], hidden["id"]])
        token = token_of(follower)
        for record in (workshop, dataset):
            assert ask(app, "follow_dataset", token, {"id": record["id"]})[0] == 200
        found = {each["id"]: each for each in followed(app, action, token, follower)}
        assert found.keys() == {workshop["id"], dataset["id"]}
        for record in (workshop, dataset):
            outsider = json.loads(ask(app, "package_show", "", {"id": record["id"]})[1])
            assert found[record["id"]] == outsider["result"]
        assert hidden["id"] not in json.dumps(found)
        assert found[workshop["id"]]["participants_women"] is None

    def test_followed_records_hidden_since_are_left_out(
        self, app: Any, action: str, follower: dict[str, Any]
    ) -> None:
        stays, goes = factories.Idea(), factories.Idea()
        token = token_of(follower)
        for record in (stays, goes):
            assert ask(app, "follow_dataset", token, {"id": record["id"]})[0] == 200
        call_action("package_patch", id=goes["id"], private=True)
        assert [each["id"] for each in followed(app, action, token, follower)] == [stays["id"]]


@pytest.mark.ckan_config("ckan.auth.public_user_details", "false")
def test_memberships_are_shown_only_to_people_of_the_organisation(app: Any) -> None:
    one, two = factories.Municipality()["id"], factories.CivilSociety()["id"]
    person = factories.officer(one, "member")
    site = {"user": call_action("get_site_user")["name"]}
    member = {"username": person["name"], "role": "editor"}
    call_action("organization_member_create", context=dict(site), id=two, **member)
    askers = {
        "nobody": ("", None),
        "registered": (token_of(core.User()), set()),
        "colleague": (token_of(factories.officer(one, "member")), {one}),
        "themselves": (token_of(person), {one, two}),
        "sysadmin": (token_of(core.Sysadmin()), {one, two}),
    }
    for who, (token, expected) in askers.items():
        asked = {"id": person["name"], "permission": "read"}
        status, body = ask(app, "organization_list_for_user", token, asked)
        if expected is None:
            assert status == 403, who
        else:
            assert {each["id"] for each in json.loads(body)["result"]} == expected, who
