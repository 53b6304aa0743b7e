"""Requests that try to avoid the rules by unusual values, fields or actions."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests import factories as core
from ckan.tests.helpers import call_action
from ckan.types import Context

from ckanext.marathon.logic import permissions
from tests import factories
from tests.logic.asking import act, refused
from tests.logic.coordinating import admin, body, muni

__all__ = ["admin", "body", "muni"]

pytestmark = pytest.mark.usefixtures("marathon_site", "with_request_context")

ZERO_WIDTH = "\u200b\u2060\ufeff"
BLANKS = [" ", "\u00a0", "\t\n", ZERO_WIDTH, "\u2800", "\u3164", f" \u00a0{ZERO_WIDTH}\u200e"]


def new_commitment(owner_org: str, **fields: Any) -> dict[str, Any]:
    plain = {"type": "commitment", "name": "acceso", "title": "Acceso", "plan": "Plan 2026"}
    return {**plain, "owner_org": owner_org, **fields}


def stored(reference: str) -> Any:
    package = model.Package.get(reference)
    assert package is not None
    return package


class TestPrivate:
    """CKAN treats an unknown value of ``private`` as public."""

    def test_every_spelling_of_yes_makes_a_record_private(self, muni: dict[str, Any]) -> None:
        person = factories.officer(muni["id"])
        data = new_commitment(muni["id"], private="sí")
        made = act("package_create", person, **data)
        assert made["private"] is True
        for value in ("Sí ", "on", "1", 1, True, "TRUE", "verdadero"):
            act("package_patch", person, id=made["id"], private=False)
            changed = act("package_patch", person, id=made["id"], private=value)
            assert changed["private"] is True, value

    def test_a_value_that_is_neither_yes_nor_no_is_refused(self, muni: dict[str, Any]) -> None:
        person = factories.officer(muni["id"])
        hidden = factories.Commitment(owner_org=muni["id"], private=True)
        for value in ("maybe", "", " ", "privado", 2, 1.0, [], ["true"], {}):
            for action, data in (
                ("package_create", new_commitment(muni["id"], private=value)),
                ("package_patch", {"id": hidden["id"], "private": value}),
                ("package_update", {**hidden, "private": value}),
                ("package_revise", {"match": {"id": hidden["id"]}, "update": {"private": value}}),
            ):
                assert list(refused(action, person, **data)) == ["private"], (action, value)
        assert stored(hidden["id"]).private is True

    def test_a_private_record_stays_private_if_the_field_is_left_out(
        self, muni: dict[str, Any]
    ) -> None:
        person = factories.officer(muni["id"])
        hidden = factories.Commitment(owner_org=muni["id"], private=True)
        data = {key: value for key, value in hidden.items() if key != "private"}
        act("package_update", person, **data)
        act("package_update", person, **data, private=None)
        assert stored(hidden["id"]).private is True


class TestOtherFlags:
    def test_a_flag_that_is_neither_yes_nor_no_is_refused_at_its_field(
        self, muni: dict[str, Any]
    ) -> None:
        sysadmin = core.Sysadmin()
        workshop = factories.Workshop(owner_org=muni["id"])["id"]
        for value in ("maybe", 2, [], {}, 1.5):
            errors = refused("organization_patch", sysadmin, id=muni["id"], pilot=value)
            assert list(errors) == ["pilot"], value
            errors = refused("package_patch", sysadmin, id=workshop, example=value)
            assert list(errors) == ["example"], value
        for value in ("maybe", 2, 1.5):
            invited = [{"organisation": "COCODE", "attended": value}]
            errors = refused("package_patch", sysadmin, id=workshop, invitation=invited)
            assert list(errors) == ["invitation"], value


class TestState:
    @pytest.mark.parametrize("kind", ["commitment", "workshop"])
    def test_a_draft_by_an_editor_is_a_draft(self, muni: dict[str, Any], kind: str) -> None:
        person = factories.officer(muni["id"])
        data = new_commitment(muni["id"], type=kind, state="draft")
        if kind == "workshop":
            data["municipality"] = [muni["municipality_code"]]
        made = act("package_create", person, **data)
        assert (made["state"], stored(made["id"]).state) == ("draft", "draft")
        assert_nobody_finds(made["id"], kind)

    def test_a_record_patched_to_a_draft_is_hidden_until_it_is_active(
        self, muni: dict[str, Any]
    ) -> None:
        person = factories.officer(muni["id"])
        idea = factories.Idea(owner_org=muni["id"])
        act("package_patch", person, id=idea["id"], state="draft")
        assert stored(idea["id"]).state == "draft"
        assert_nobody_finds(idea["id"], "idea")
        act("package_patch", person, id=idea["id"], state="active")
        assert act("package_show", id=idea["id"])["state"] == "active"

    def test_a_draft_dataset_is_not_in_the_feed(self, app: Any, muni: dict[str, Any]) -> None:
        idea = factories.Idea(owner_org=muni["id"])
        person = factories.officer(muni["id"])
        data = {"name": "pozos", "title": "Pozos", "notes": "x", "owner_org": muni["id"]}
        made = act("package_create", person, **data, idea=[idea["id"]], state="draft")
        for path in ("/catalog.ttl", "/catalog/all.nt", "/data.json", "/catalog.csv"):
            assert made["id"] not in app.get(path).body, path
        assert made["name"] not in act("package_list")
        act("package_patch", person, id=made["id"], state="active")
        assert made["id"] in app.get("/catalog.ttl").body

    def test_an_unknown_state_is_refused(self, muni: dict[str, Any]) -> None:
        sysadmin = core.Sysadmin()
        there = factories.Commitment(owner_org=muni["id"])
        for state in ("foo", "pending", "ACTIVE", "none", "inactive", 1):
            for action, data in (
                ("package_create", new_commitment(muni["id"])),
                ("package_patch", {"id": there["id"]}),
                ("organization_patch", {"id": muni["id"]}),
            ):
                errors = refused(action, sysadmin, **data, state=state)
                assert list(errors) == ["state"], (action, state)
        assert stored(there["id"]).state == "active"

    def test_an_editor_cannot_create_a_deleted_record(self, muni: dict[str, Any]) -> None:
        person = factories.officer(muni["id"])
        data = new_commitment(muni["id"], state="deleted")
        assert list(refused("package_create", person, **data)) == ["state"]

    def test_a_patched_state_deletes_nothing_and_restores_only_for_a_sysadmin(
        self, muni: dict[str, Any], ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(ckan_config, "ckan.auth.user_delete_organizations", False)
        person = factories.officer(muni["id"], "admin")
        factories.Commitment(owner_org=muni["id"])
        group = core.Group(user=person)
        for who in (person, core.Sysadmin()):
            assert list(refused("organization_patch", who, id=muni["id"], state="deleted"))
            assert list(refused("group_patch", who, id=group["id"], state="deleted")) == ["state"]
        empty = factories.Municipality()
        former = factories.officer(empty["id"], "admin")
        call_action("organization_delete", id=empty["id"])
        with pytest.raises(tk.NotAuthorized):
            act("organization_patch", former, id=empty["id"], state="active")
        act("organization_patch", core.Sysadmin(), id=empty["id"], state="active")
        states = [model.Group.get(each["id"]).state for each in (muni, empty, group)]
        assert states == ["active"] * 3

    def test_an_empty_state_changes_nothing(self, muni: dict[str, Any]) -> None:
        there = factories.Commitment(owner_org=muni["id"])
        act("package_patch", factories.officer(muni["id"]), id=there["id"], state="")
        assert stored(there["id"]).state == "active"


def assert_nobody_finds(identifier: str, kind: str) -> None:
    with pytest.raises(tk.NotAuthorized):
        act("package_show", id=identifier)
    found = act("package_search", fq=f"dataset_type:{kind}")
    assert identifier not in [each["id"] for each in found["results"]]
    if kind == "idea":
        assert identifier not in [each["id"] for each in act("marathon_idea_choices")]


class TestBlankTexts:
    def test_a_required_text_of_blanks_is_refused(self, muni: dict[str, Any]) -> None:
        person = factories.officer(muni["id"])
        held = factories.Workshop(owner_org=muni["id"])
        workshop = {"type": "workshop", "municipality": [muni["municipality_code"]]}
        idea = {"type": "idea", "workshop": held["id"], "service_problem": ["AGU-01"]}
        for blank in BLANKS:
            for wrong, data in (
                ({"title", "plan"}, {"title": blank, "plan": blank}),
                ({"milestone"}, {"milestone": [{"title": blank, "due": "2026-01-01"}]}),
                ({"title"}, {**workshop, "title": blank}),
                ({"organiser"}, {**workshop, "organiser": [{"name": blank, "role": "host"}]}),
                (
                    {"invitation"},
                    {**workshop, "invitation": [{"organisation": blank, "attended": "yes"}]},
                ),
                ({"title"}, {**idea, "title": blank}),
                ({"data_need"}, {**idea, "data_need": [{"what": blank, "why": "x"}]}),
            ):
                errors = refused("package_create", person, **new_commitment(muni["id"], **data))
                assert wrong <= set(errors), (blank, data)

    def test_a_dataset_of_blanks_is_refused(self, muni: dict[str, Any]) -> None:
        idea = factories.Idea(owner_org=muni["id"])
        person = factories.officer(muni["id"])
        plain = {"name": "pozos", "owner_org": muni["id"], "idea": [idea["id"]]}
        for blank in BLANKS:
            errors = refused("package_create", person, **plain, title=blank, notes=blank)
            assert set(errors) == {"title", "notes"}, blank

    def test_an_organisation_with_a_blank_title_is_shown_by_its_name(self) -> None:
        made = core.Organization(title="   ")
        assert made["display_name"] == made["name"]

    def test_a_blank_reason_counts_as_missing(self, muni: dict[str, Any]) -> None:
        idea = factories.Idea(owner_org=muni["id"])
        person = factories.officer(muni["id"])
        data = {"id": idea["id"], "status": "discarded", "status_reason": ZERO_WIDTH}
        before = refused("package_patch", person, id=idea["id"], status="implemented")
        assert before
        act("package_patch", person, **{**data, "status_reason": "Sin fondos"})
        reopened = {"id": idea["id"], "status": "proposed", "status_reason": ZERO_WIDTH}
        assert list(refused("package_patch", person, **reopened)) == ["status_reason"]


class TestRolesOfOrganizations:
    def test_the_coordinating_body_sets_the_role_of_a_new_organisation(self, admin: str) -> None:
        for number, role in enumerate(("municipality", "civil_society")):
            made = act("organization_create", admin, name=f"nueva-{number}", role=role)
            assert made["role"] == role

    def test_the_coordinating_body_cannot_set_another_role(self, admin: str) -> None:
        act("organization_create", admin, name="nueva")
        for role in ("coordinating_body", "other_public_body"):
            errors = refused("organization_create", admin, name="otra", role=role)
            assert list(errors) == ["role"], role
            assert list(refused("organization_patch", admin, id="nueva", role=role)) == ["role"]

    def test_setting_the_role_later_removes_the_members(self, body: str, admin: str) -> None:
        made = act("organization_create", admin, name="nueva")
        other = factories.officer(body)["name"]
        act("organization_member_create", admin, id=made["id"], username=other, role="editor")
        act("organization_patch", admin, id=made["id"], role="municipality")
        assert call_action("organization_show", id=made["id"])["role"] == "municipality"
        assert call_action("member_list", id=made["id"], object_type="user") == []
        for person in (admin, other):
            assert made["id"] not in permissions.read_standing(person).capacities

    def test_setting_a_municipality_code_removes_the_members(self, admin: str) -> None:
        made = act("organization_create", admin, name="nueva")
        act("organization_patch", admin, id=made["id"], municipality_code="2105")
        assert call_action("member_list", id=made["id"], object_type="user") == []

    def test_the_coordinating_body_cannot_change_a_role(
        self, admin: str, muni: dict[str, Any]
    ) -> None:
        errors = refused("organization_patch", admin, id=muni["id"], role="civil_society")
        assert list(errors) == ["role"]

    def test_an_organisation_with_people_or_records_gets_no_role(self, admin: str) -> None:
        settled = factories.older_organization()
        factories.officer(settled["id"])
        owning = factories.older_organization()
        core.Dataset(owner_org=owning["id"])
        for organization in (settled, owning):
            data = {"id": organization["id"], "role": "municipality"}
            assert list(refused("organization_patch", admin, **data)) == ["role"]

    def test_a_new_code_gives_no_rights_in_an_organisation_with_members(self, admin: str) -> None:
        settled = factories.older_organization()
        factories.officer(settled["id"])
        act("organization_patch", admin, id=settled["id"], municipality_code="2105")
        with pytest.raises(tk.NotAuthorized):
            act(
                "marathon_officer_invite",
                admin,
                organization=settled["id"],
                email="otra@example.gt",
                role="admin",
            )

    def test_roles_and_codes_cannot_be_set_as_extras(self, muni: dict[str, Any]) -> None:
        own = factories.officer(muni["id"], "admin")
        for field in ("role", "municipality_code", "pilot"):
            extras = [{"key": field, "value": "coordinating_body"}]
            errors = refused("organization_patch", own, id=muni["id"], extras=extras)
            assert list(errors) == ["extras"], field

    def test_other_types_of_organisation_are_refused(self, admin: str) -> None:
        extras = [{"key": "role", "value": "coordinating_body"}]
        data = {"name": "nueva", "type": "other", "extras": extras}
        assert list(refused("organization_create", admin, **data)) == ["type"]


class TestGroupsAndOrganizations:
    """A group's admin can be anybody, where the site lets people make groups."""

    def test_a_group_does_not_become_a_coordinating_body(self) -> None:
        person = core.User()["name"]
        extras = [{"key": "role", "value": "coordinating_body"}]
        act("group_create", person, name="grupo", extras=extras)
        yes = {"is_organization": True}
        made = refused("group_create", person, name="otro", **yes)
        assert list(made) == ["is_organization"]
        assert list(refused("group_patch", person, id="grupo", **yes)) == ["is_organization"]
        assert list(refused("group_update", person, id="grupo", name="grupo", **yes)) == [
            "is_organization"
        ]
        with pytest.raises(tk.ObjectNotFound):
            act("organization_update", person, id="grupo", name="grupo", **yes)
        assert not permissions.is_coordinator(person)

    @pytest.mark.parametrize("action", ["organization_patch", "organization_update"])
    def test_an_organisation_does_not_become_a_group(
        self, muni: dict[str, Any], action: str
    ) -> None:
        own = factories.officer(muni["id"], "admin")
        data = {"id": muni["id"], "name": muni["name"], "is_organization": False}
        assert list(refused(action, own, **data)) == ["is_organization"]

    @pytest.mark.parametrize("action", ["group_update", "group_delete", "group_purge"])
    def test_actions_on_groups_do_not_work_on_organisations(
        self, muni: dict[str, Any], action: str
    ) -> None:
        factories.Workshop(owner_org=muni["id"])
        for person in (factories.officer(muni["id"], "admin"), core.Sysadmin()):
            with pytest.raises(tk.ObjectNotFound):
                act(action, person, id=muni["id"], name=muni["name"], title="Otra")
        assert model.Group.get(muni["id"]).state == "active"

    def test_an_organisation_cannot_be_created_as_a_group(self) -> None:
        errors = refused("group_create", core.User(), name="otro", type="organization")
        assert list(errors) == ["type"]


class TestMembers:
    def test_a_hidden_record_cannot_be_added_and_looks_missing(self, muni: dict[str, Any]) -> None:
        hidden = factories.Commitment(owner_org=muni["id"], private=True)
        other = factories.CivilSociety()["id"]
        own = factories.officer(other, "admin")
        said = set()
        for reference in (hidden["id"], hidden["name"], "no-such-record"):
            data = {"object": reference, "object_type": "package", "capacity": "public"}
            with pytest.raises(tk.ObjectNotFound) as caught:
                act("member_create", own, id=other, **data)
            said.add(str(caught.value))
        assert len(said) == 1

    def test_an_organisation_cannot_add_records_of_another(self, muni: dict[str, Any]) -> None:
        there = factories.Commitment(owner_org=muni["id"])
        other = factories.CivilSociety()["id"]
        data = {"object": there["id"], "object_type": "package", "capacity": "organization"}
        with pytest.raises(tk.NotAuthorized):
            act("member_create", factories.officer(other, "admin"), id=other, **data)

    def test_a_group_can_add_records_visible_to_its_admin(self, muni: dict[str, Any]) -> None:
        person = core.User()
        act("group_create", person, name="grupo")
        there = factories.Commitment(owner_org=muni["id"])
        data = {"object": there["id"], "object_type": "package", "capacity": "public"}
        assert act("member_create", person, id="grupo", **data)["table_id"] == there["id"]


class TestServerFields:
    def test_a_client_cannot_set_type_creation_time_or_creator(self, muni: dict[str, Any]) -> None:
        person = factories.officer(muni["id"])
        there = factories.Commitment(owner_org=muni["id"])
        before = stored(there["id"])
        known = (before.type, before.creator_user_id, before.metadata_created)
        sent = {
            "type": "dataset",
            "creator_user_id": model.User.get(core.User()["name"]).id,
            "metadata_created": "2001-01-01T00:00:00",
        }
        act("package_patch", person, id=there["id"], **sent)
        act("package_revise", person, match={"id": there["id"]}, update=sent)
        act("package_update", person, **{**there, **sent})
        after = stored(there["id"])
        assert (after.type, after.creator_user_id, after.metadata_created) == known

    def test_an_editor_cannot_choose_the_id(self, muni: dict[str, Any]) -> None:
        gone = factories.Commitment(owner_org=muni["id"])
        call_action("dataset_purge", id=gone["id"])
        data = new_commitment(muni["id"], id=gone["id"])
        person = factories.officer(muni["id"])
        assert list(refused("package_create", person, **data)) == ["id"]

    def test_extras_cannot_set_fields_of_the_schema(self, muni: dict[str, Any]) -> None:
        idea = factories.Idea(owner_org=muni["id"])
        person = factories.officer(muni["id"])
        for field in ("status", "workshop", "municipality", "example"):
            extras = [{"key": field, "value": "implemented"}]
            errors = refused("package_patch", person, id=idea["id"], extras=extras)
            assert "extras" in errors, field

    def test_users_cannot_make_themselves_sysadmin(self, muni: dict[str, Any]) -> None:
        person = factories.officer(muni["id"], "admin")["name"]
        for value in (True, "true", 1):
            act("user_patch", person, id=person, sysadmin=value, state="active")
            act("user_update", person, id=person, email="ana@example.gt", sysadmin=value)
            assert not model.User.get(person).sysadmin, value
        token = {"user": core.Sysadmin()["name"], "name": "x"}
        with pytest.raises(tk.NotAuthorized):
            tk.get_action("api_token_create")(Context(user=person), token)
