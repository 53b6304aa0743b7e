"""Permissions of the coordinating body for records of other organisations, tried on real calls."""

from __future__ import annotations

from typing import Any

import pytest
from ckan import model
from ckan.plugins import toolkit as tk
from ckan.tests import factories
from ckan.tests.helpers import call_action
from ckan.types import Context

from ckanext.marathon.logic import permissions
from tests.factories import (
    Commitment,
    Idea,
    MarathonDataset,
    Municipality,
    Workshop,
    officer,
)
from tests.logic.asking import act, refused
from tests.logic.coordinating import admin, body, editor, muni, workshop_of

__all__ = ["admin", "body", "editor", "muni"]

pytestmark = pytest.mark.usefixtures("marathon_site")


class TestWorkshopsIdeasAndCommitments:
    def test_a_coordinating_editor_creates_edits_and_deletes_a_workshop_of_a_municipality(
        self, editor: str, muni: dict[str, Any]
    ) -> None:
        made = act(
            "package_create",
            editor,
            type="workshop",
            name="taller",
            title="Taller",
            kind="ideation",
            status="announced",
            municipality=[muni["municipality_code"]],
            owner_org=muni["id"],
        )
        assert made["owner_org"] == muni["id"]
        changed = act(
            "package_patch",
            editor,
            id=made["id"],
            status="held",
            invitation=[{"organisation": "ANAM", "answer": "accepted"}],
        )
        assert changed["status"] == "held"
        assert changed["invitation"][0]["organisation"] == "ANAM"
        act("package_delete", editor, id=made["id"])
        assert model.Package.get(made["id"]).state == "deleted"

    def test_records_cannot_be_created_in_groups_or_deleted_organisations(
        self, editor: str, muni: dict[str, Any]
    ) -> None:
        assert permissions.may_create_in(editor, muni["id"], "workshop")
        assert not permissions.may_create_in(editor, factories.Group()["id"], "workshop")
        call_action("organization_delete", id=muni["id"])
        assert not permissions.may_create_in(editor, muni["id"], "workshop")

    def test_a_coordinating_editor_adds_changes_and_deletes_files_of_a_workshop(
        self, editor: str, muni: dict[str, Any]
    ) -> None:
        workshop = workshop_of(muni)

        def names() -> list[str]:
            shown = call_action("package_show", id=workshop["id"])
            return [file["name"] for file in shown["resources"]]

        file = {"package_id": workshop["id"], "url": "https://a.gt/acta", "name": "Borrador"}
        added = act("resource_create", editor, **file)
        assert names() == ["Borrador"]
        act("resource_patch", editor, id=added["id"], name="Acta")
        assert names() == ["Acta"]
        act("resource_delete", editor, id=added["id"])
        assert names() == []

    def test_a_coordinating_editor_changes_the_status_of_an_idea(
        self, editor: str, muni: dict[str, Any]
    ) -> None:
        idea = Idea(workshop=workshop_of(muni)["id"])
        changed = act("package_patch", editor, id=idea["id"], status="prioritised")
        assert changed["status"] == "prioritised"

    def test_a_coordinating_editor_edits_a_commitment(
        self, editor: str, muni: dict[str, Any]
    ) -> None:
        commitment = Commitment(owner_org=muni["id"])
        changed = act("package_patch", editor, id=commitment["id"], axis="Participación")
        assert changed["axis"] == "Participación"

    @pytest.mark.parametrize("action", ["package_patch", "package_update", "package_revise"])
    def test_cannot_take_an_idea_from_its_organisation(
        self, editor: str, body: str, muni: dict[str, Any], action: str
    ) -> None:
        idea = Idea(workshop=workshop_of(muni)["id"])
        # Reading there is not editing there.
        call_action("organization_member_create", id=muni["id"], username=editor, role="member")
        for target in (body, Municipality()["id"]):
            errors = refused(action, editor, **moving(action, idea, target))
            assert list(errors) == ["owner_org"]
        assert model.Package.get(idea["id"]).owner_org == muni["id"]

    def test_may_hand_its_own_workshop_to_a_municipality(
        self, editor: str, body: str, muni: dict[str, Any]
    ) -> None:
        own = Workshop(owner_org=body, municipality=[muni["municipality_code"]])
        moved = act("package_patch", editor, id=own["id"], owner_org=muni["id"])
        assert moved["owner_org"] == muni["id"]

    def test_an_editor_of_both_organisations_can_move_records_between_them(
        self, muni: dict[str, Any]
    ) -> None:
        other = Municipality()["id"]
        person = officer(muni["id"])["name"]
        call_action("organization_member_create", id=other, username=person, role="editor")
        idea = Idea(workshop=workshop_of(muni)["id"])
        assert act("package_patch", person, id=idea["id"], owner_org=other)["owner_org"] == other

    def test_an_editor_of_a_municipality_cannot_hand_its_idea_to_another(
        self, muni: dict[str, Any]
    ) -> None:
        own = officer(muni["id"])["name"]
        idea = Idea(workshop=workshop_of(muni)["id"])
        with pytest.raises(tk.ValidationError) as caught:
            act("package_patch", own, id=idea["id"], owner_org=Municipality()["id"])
        assert set(caught.value.error_dict) == {"owner_org"}

    def test_a_workshop_for_an_organisation_that_does_not_exist_is_an_error(
        self, editor: str, muni: dict[str, Any]
    ) -> None:
        with pytest.raises((tk.ValidationError, tk.NotAuthorized)):
            act(
                "package_create",
                editor,
                type="workshop",
                name="x-y",
                title="x",
                kind="ideation",
                status="held",
                municipality=[muni["municipality_code"]],
                owner_org="no-such-organisation",
            )


def moving(action: str, idea: dict[str, Any], target: str) -> dict[str, Any]:
    """Return the data with which an action gives an idea to another organisation."""
    if action == "package_revise":
        return {"match": {"id": idea["id"]}, "update": {"owner_org": target}}
    whole = idea if action == "package_update" else {"id": idea["id"]}
    return {**whole, "owner_org": target}


class TestDatasetsOfMunicipalities:
    def test_cannot_create_a_dataset_for_a_municipality(
        self, editor: str, muni: dict[str, Any]
    ) -> None:
        with pytest.raises(tk.NotAuthorized):
            act("package_create", editor, name="x-y", title="x", owner_org=muni["id"])

    def test_cannot_move_an_own_dataset_to_a_municipality(
        self, editor: str, body: str, muni: dict[str, Any]
    ) -> None:
        own = factories.Dataset(owner_org=body, municipality=["2105"], service_problem=["AGU-01"])
        with pytest.raises(tk.ValidationError) as caught:
            act("package_patch", editor, id=own["id"], owner_org=muni["id"])
        assert set(caught.value.error_dict) == {"owner_org"}

    def test_an_idea_does_not_become_a_dataset(self, editor: str, muni: dict[str, Any]) -> None:
        idea = Idea(workshop=workshop_of(muni)["id"])
        act("package_patch", editor, id=idea["id"], type="dataset", title="Another title")
        assert model.Package.get(idea["id"]).type == "idea"

    def test_cannot_edit_a_dataset_by_sending_the_type_idea(
        self, editor: str, muni: dict[str, Any]
    ) -> None:
        idea = Idea(workshop=workshop_of(muni)["id"])
        dataset = MarathonDataset(idea=[idea["id"]])
        for action in ("package_update", "package_patch", "package_delete"):
            with pytest.raises(tk.NotAuthorized):
                act(action, editor, id=dataset["id"], type="idea", title="x", name=dataset["name"])

    def test_cannot_revise_a_dataset(self, editor: str, muni: dict[str, Any]) -> None:
        dataset = MarathonDataset(idea=[Idea(workshop=workshop_of(muni)["id"])["id"]])
        with pytest.raises(tk.NotAuthorized):
            act(
                "package_revise",
                editor,
                match={"id": dataset["id"]},
                update={"title": "x", "type": "idea"},
            )

    def test_cannot_move_a_file_of_a_dataset_into_an_idea(
        self, editor: str, muni: dict[str, Any]
    ) -> None:
        idea = Idea(workshop=workshop_of(muni)["id"])
        dataset = MarathonDataset(idea=[idea["id"]])
        file = factories.Resource(package_id=dataset["id"])
        with pytest.raises(tk.NotAuthorized):
            act("resource_patch", editor, id=file["id"], package_id=idea["id"], name="x")

    def test_a_member_without_the_editor_role_reads_no_private_record(
        self, body: str, muni: dict[str, Any]
    ) -> None:
        reader = officer(body, "member")["name"]
        idea = Idea(workshop=workshop_of(muni)["id"], private=True)
        with pytest.raises(tk.NotAuthorized):
            act("package_show", reader, id=idea["id"])


class TestOrganisations:
    def test_sets_code_and_pilot_of_an_organisation_without_a_role(self, admin: str) -> None:
        there = factories.Organization()
        act("organization_patch", admin, id=there["id"], municipality_code="2105", pilot=True)
        changed = act("organization_show", admin, id=there["id"])
        assert (changed["municipality_code"], changed["pilot"]) == ("2105", True)

    def test_patching_details_keeps_the_people(self, admin: str, muni: dict[str, Any]) -> None:
        officer(muni["id"])
        people = call_action("member_list", id=muni["id"], object_type="user")
        act("organization_patch", admin, id=muni["id"], contact_name="Oficina de agua")
        assert call_action("member_list", id=muni["id"], object_type="user") == people

    def test_cannot_edit_a_deleted_organisation(self, admin: str, muni: dict[str, Any]) -> None:
        asked = {"id": muni["id"], "title": "Otro"}
        tk.check_access("organization_update", Context(user=admin), asked)
        call_action("organization_delete", id=muni["id"])
        with pytest.raises(tk.NotAuthorized):
            tk.check_access("organization_update", Context(user=admin), asked)

    def test_cannot_set_a_role(self, admin: str, muni: dict[str, Any]) -> None:
        with pytest.raises(tk.ValidationError) as caught:
            act("organization_patch", admin, id=muni["id"], role="coordinating_body")
        assert set(caught.value.error_dict) == {"role"}

    def test_an_admin_of_a_municipality_cannot_set_its_code(self, muni: dict[str, Any]) -> None:
        own = officer(muni["id"], "admin")["name"]
        with pytest.raises(tk.ValidationError) as caught:
            act("organization_patch", own, id=muni["id"], municipality_code="0101")
        assert set(caught.value.error_dict) == {"municipality_code"}

    @pytest.mark.parametrize("users", [[7], "ana", [{"name": "nobody"}], [{}], {"a": 1}])
    def test_malformed_users_are_refused(
        self, admin: str, muni: dict[str, Any], users: Any
    ) -> None:
        with pytest.raises((tk.NotAuthorized, tk.ValidationError)):
            act("organization_update", admin, id=muni["id"], name=muni["name"], users=users)

    def test_cannot_add_itself_as_a_member_by_editing(
        self, admin: str, muni: dict[str, Any]
    ) -> None:
        with pytest.raises(tk.NotAuthorized):
            act(
                "organization_patch",
                admin,
                id=muni["id"],
                users=[{"name": admin, "capacity": "admin"}],
            )


def test_a_coordinating_admin_adds_an_organisation_by_ckans_form(
    app: Any, admin: str, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ckan_config, "ckan.auth.user_create_organizations", False)
    token = call_action(
        "api_token_create", context={"user": admin, "ignore_auth": True}, user=admin, name="x"
    )["token"]
    for name, more, members in (("una", {}, {admin}), ("otra", {"role": "municipality"}, set())):
        form = {"name": name, "title": name, **more}
        headers = {"Authorization": token}
        answer = app.post("/organization/new", data=form, headers=headers, follow_redirects=False)
        assert answer.status_code == 302, answer.body
        found = call_action("member_list", id=name, object_type="user")
        assert {model.User.get(each[0]).name for each in found} == members
    # Nobody else comes in with it.
    names = (admin, factories.User()["name"])
    users = [{"name": name, "capacity": "admin"} for name in names]
    with pytest.raises(tk.NotAuthorized):
        act("organization_create", admin, name="tercera", users=users)
