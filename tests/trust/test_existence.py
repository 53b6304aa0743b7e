"""The API answers for a record that is hidden from somebody as for one that does not exist."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from tests import factories

UNKNOWN = "00000000-0000-4000-8000-000000000000"
# Actions that take the id of a record, and under which name.
OF_RECORDS = {
    "package_show": "id",
    "package_patch": "id",
    "package_update": "id",
    "package_delete": "id",
    "package_resource_reorder": "id",
    "package_relationships_list": "id",
    "package_owner_org_update": "id",
    "resource_create": "package_id",
    "dataset_purge": "id",
    "dataset_follower_count": "id",
    "dataset_follower_list": "id",
    "follow_dataset": "id",
    "am_following_dataset": "id",
    "marathon_idea_status_update": "id",
    "marathon_idea_datasets": "id",
    "marathon_workshop_ideas": "id",
    "marathon_takedown": "id",
}
OF_RESOURCES = (
    "resource_show",
    "resource_patch",
    "resource_update",
    "resource_delete",
    "resource_view_list",
)
MORE = {"order": [], "organization_id": "x", "reason": "x", "status": "prioritised", "url": "x"}


def told(app: Any, action: str, token: str, data: dict[str, Any]) -> tuple[int, str]:
    """Return status and body of an answer of the API, without the id that was asked for."""
    headers = {"Authorization": token} if token else {}
    answer = app.post(f"/api/3/action/{action}", json=data, headers=headers)
    body = json.loads(answer.get_data(as_text=True))
    return answer.status_code, json.dumps(body)


def differences(app: Any, token: str, hidden: str, file: str) -> Iterator[str]:
    for action, name in OF_RECORDS.items():
        answers = [told(app, action, token, {**MORE, name: each}) for each in (hidden, UNKNOWN)]
        cleaned = [
            (status, body.replace(each, "…"))
            for (status, body), each in zip(answers, (hidden, UNKNOWN), strict=True)
        ]
        if cleaned[0] != cleaned[1]:
            yield f"{action}: {cleaned[0]} for {cleaned[1]}"
    for action in OF_RESOURCES:
        answers = [told(app, action, token, {**MORE, "id": each}) for each in (file, UNKNOWN)]
        cleaned = [
            (status, body.replace(each, "…"))
            for (status, body), each in zip(answers, (file, UNKNOWN), strict=True)
        ]
        if cleaned[0] != cleaned[1]:
            yield f"{action}: {cleaned[0]} for {cleaned[1]}"


def token_of(person: dict[str, Any]) -> str:
    return call_action(
        "api_token_create",
        context={"user": person["name"], "ignore_auth": True},
        user=person["name"],
        name="tests",
    )["token"]


@pytest.mark.usefixtures("marathon_site")
def test_nobody_finds_out_that_it_exists(app: Any) -> None:
    owner = factories.Municipality()["id"]
    records = {
        "idea": factories.Idea(owner_org=owner, private=True)["id"],
        "draft": factories.Idea(owner_org=owner, state="draft")["id"],
        "dataset": factories.MarathonDataset(private=True)["id"],
    }
    files = {name: core.Resource(package_id=found)["id"] for name, found in records.items()}
    outsider = factories.officer(factories.CivilSociety()["id"], "admin")
    found = [
        f"{who}, {name}: {difference}"
        for who, token in (("anonymous", ""), ("another's admin", token_of(outsider)))
        for name, record in records.items()
        for difference in differences(app, token, record, files[name])
    ]
    assert not found, "\n".join(found)
    # Who may see it is told what they may not do.
    member = token_of(factories.officer(owner, "member"))
    assert told(app, "package_show", member, {"id": records["idea"]})[0] == 200
    assert told(app, "package_delete", member, {"id": records["idea"]})[0] == 403
