"""Two of CKAN's settings that open records to more people, beside this site's rules."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckan import model
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from tests import factories
from tests.trust.test_existence import UNKNOWN, token_of

pytestmark = pytest.mark.usefixtures("marathon_site")

collaborators = pytest.mark.ckan_config("ckan.auth.allow_dataset_collaborators", "true")
unowned = pytest.mark.ckan_config("ckan.auth.create_unowned_dataset", "true")


def call(app: Any, person: dict[str, Any] | None, action: str, **data: Any) -> tuple[int, Any]:
    """Return status and result (or error) of an action, called as somebody."""
    headers = {"Authorization": person["token"]} if person else {}
    answer = app.post(f"/api/3/action/{action}", json=data, headers=headers)
    body = json.loads(answer.get_data(as_text=True))
    return answer.status_code, body.get("result", body.get("error"))


def collaborator(record: str, capacity: str) -> dict[str, Any]:
    """Return a user of another organisation who is a collaborator of a record."""
    person = factories.officer(factories.CivilSociety()["id"], "admin")
    call_action("package_collaborator_create", id=record, user_id=person["id"], capacity=capacity)
    return {**person, "token": token_of(person)}


def make(kind: str) -> dict[str, Any]:
    """Return a private record that is found by the word “Secreto”."""
    owner = factories.Municipality()["id"]
    factory = {"idea": factories.Idea, "dataset": factories.MarathonDataset}[kind]
    return factory(owner_org=owner, private=True, title="Secreto")


@collaborators
@pytest.mark.parametrize("kind", ["idea", "dataset"])
class TestCollaborators:
    def test_only_the_collaborator_sees_the_private_record(self, app: Any, kind: str) -> None:
        record = make(kind)
        person = collaborator(record["id"], "member")
        others = [None, core.UserWithToken(), factories.officer(factories.CivilSociety()["id"])]
        for other in filter(None, others):
            other["token"] = token_of(other)
        query = {"fq": f"dataset_type:{kind}", "include_private": True}
        for who in (person, *others):
            seen = who is person
            assert call(app, who, "package_show", id=record["id"])[0] == (200 if seen else 404)
            found = call(app, who, "package_search", **query)[1]["results"]
            assert [each["id"] for each in found] == ([record["id"]] if seen else [])
            headers = {"Authorization": who["token"]} if who else {}
            page = app.get(f"/{kind}/{record['id']}", headers=headers)
            assert page.status_code == (200 if seen else 404)
            # Feeds are the same for everybody.
            assert record["id"] not in app.get("/catalog/all.nt", headers=headers).body
        assert call(app, person, "package_patch", id=record["id"], notes="x")[0] == 403

    def test_a_collaborator_with_the_role_editor_can_only_edit_the_record(
        self, app: Any, kind: str
    ) -> None:
        record = make(kind)
        person = collaborator(record["id"], "editor")
        own, other = person_organization(person), core.User()["id"]
        assert call(app, person, "package_patch", id=record["id"], notes="Otras")[0] == 200
        status, error = call(app, person, "package_patch", id=record["id"], owner_org=own)
        assert (status, list(error)) == (409, ["owner_org", "__type"])
        for action, more in (
            ("package_owner_org_update", {"organization_id": own}),
            ("package_collaborator_create", {"user_id": other, "capacity": "member"}),
            ("package_collaborator_list", {}),
            ("dataset_purge", {}),
            ("marathon_takedown", {"reason": "x"}),
        ):
            assert call(app, person, action, id=record["id"], **more)[0] == 403, action
        owner = record["owner_org"]
        for action in ("marathon_change_list", "marathon_officer_list", "marathon_invitation_list"):
            assert call(app, person, action, organization=owner)[0] == 403, action
        assert model.Package.get(record["id"]).owner_org == owner  # type: ignore[union-attr]

    def test_collaborator_actions_on_hidden_and_unknown_records_are_equal(
        self, app: Any, kind: str
    ) -> None:
        record = make(kind)
        person = factories.officer(factories.CivilSociety()["id"], "admin")
        person["token"] = token_of(person)
        for action in ("create", "delete", "list"):
            more = {"user_id": person["id"], "capacity": "member"} if action != "list" else {}
            name = f"package_collaborator_{action}"
            answers = [call(app, person, name, id=each, **more) for each in (record["id"], UNKNOWN)]
            assert answers[0] == answers[1], action
            assert call(app, None, name, id=record["id"], **more)[0] == 403


def person_organization(person: dict[str, Any]) -> str:
    """Return the id of a user's organisation."""
    row = model.Session.query(model.Member.group_id).filter_by(table_id=person["id"]).first()
    assert row
    return row[0]


@unowned
class TestWithoutOrganization:
    def test_only_its_creator_sees_a_draft_without_organisation(self, app: Any) -> None:
        person, other = core.UserWithToken(), core.UserWithToken()
        data = {"name": "mio", "title": "Mío", "notes": "x", "idea": [factories.Idea()["id"]]}
        assert call(app, person, "package_create", **data, private=True)[0] in (200, 409)
        made = call(app, person, "package_create", **data, state="draft")
        assert made[0] == 200, made
        for action, more in (("package_show", {}), ("package_patch", {"notes": "Otras"})):
            answers = [call(app, who, action, id="mio", **more)[0] for who in (None, other, person)]
            assert answers == [404, 404, 200], action

    def test_other_types_need_an_organisation(self, app: Any) -> None:
        person = core.UserWithToken()
        workshop = factories.Workshop()
        fields: dict[str, dict[str, Any]] = {
            "idea": {"workshop": workshop["id"], "service_problem": ["AGU-01"]},
            "workshop": {"kind": "ideation", "status": "held", "municipality": ["0501"]},
            "commitment": {"plan": "x"},
        }
        for kind, more in fields.items():
            data = {"type": kind, "name": f"mi-{kind}", "title": "x", **more}
            status, error = call(app, person, "package_create", **data)
            assert (status, list(error)) == (409, ["owner_org", "__type"]), kind
            assert model.Package.get(f"mi-{kind}") is None
