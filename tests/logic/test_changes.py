"""The log of changes: entries written with each change, and the people who may read them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.cli.cli import ckan
from ckan.tests import factories as ckan_factories
from ckan.tests.helpers import CKANCliRunner, call_action

from bench import bulk
from ckanext.marathon.domain.dates import GUATEMALA
from ckanext.marathon.model.audit import AuditEntry
from tests import factories
from tests.logic.asking import act
from tests.queries import asked

pytestmark = pytest.mark.usefixtures("marathon_site")


def entries(**wanted: Any) -> list[dict[str, Any]]:
    return call_action("marathon_change_list", **wanted)["results"]


def kinds(user: Any, **wanted: Any) -> set[str]:
    return {each["kind"] for each in act("marathon_change_list", user, **wanted)["results"]}


def fields(entry: dict[str, Any]) -> dict[str, Any]:
    return {each["field"]: (each["old"], each["new"]) for each in entry["changes"]}


class TestEntries:
    def test_entries_of_a_record_name_the_fields_and_the_account(self) -> None:
        organization = factories.Municipality()["id"]
        editor = factories.officer(organization)
        workshop = factories.Workshop(owner_org=organization)["id"]
        idea = factories.Idea(workshop=workshop, user=editor)
        act("package_patch", editor, id=idea["id"], title="Otro título", community=["Chuk"])
        changed, created = entries(record=idea["id"])
        assert (created["action"], created["kind"]) == ("created", "idea")
        assert changed["action"] == "changed"
        assert changed["user"] == {"id": editor["id"], "name": editor["name"]}
        assert fields(changed) == {"title": (None, None), "community": (None, None)}
        assert changed["organization"]["id"] == organization
        assert changed["title"] == "Otro título"

    def test_entries_have_the_old_and_new_value_of_short_fields(self) -> None:
        idea = factories.Idea()
        call_action("marathon_idea_status_update", id=idea["id"], status="prioritised")
        call_action("package_patch", id=idea["id"], private=True)
        private, status = entries(record=idea["id"])[:2]
        assert fields(private)["private"] == (False, True)
        assert fields(status)["status"] == ("proposed", "prioritised")

    def test_entries_have_no_texts_of_the_record(self) -> None:
        dataset = factories.MarathonDataset(title="xilotepequez", notes="xilotepequez")
        call_action("package_patch", id=dataset["id"], notes="quetzolandia")
        model.Session.rollback()
        words = sa.text(
            "SELECT count(*) FROM marathon_audit AS row WHERE row::text ~ 'xilotepe|quetzolan'"
        )
        assert model.Session.scalar(words) == 0

    def test_a_save_without_changes_adds_no_entry(self) -> None:
        dataset = factories.MarathonDataset()
        call_action("package_patch", id=dataset["id"], title=dataset["title"])
        assert [each["action"] for each in entries(record=dataset["id"])] == ["created"]

    def test_a_rolled_back_change_adds_no_entry(self) -> None:
        dataset = factories.MarathonDataset()
        package = model.Package.get(dataset["id"])
        package.title = "Nunca"
        model.Session.flush()
        model.Session.rollback()
        call_action("package_patch", id=dataset["id"], notes="Sí")
        assert fields(entries(record=dataset["id"])[0]) == {"notes": (None, None)}

    def test_deletion_restoring_and_purge_are_entries(self) -> None:
        dataset = factories.MarathonDataset(title="Pozos")
        call_action("package_delete", id=dataset["id"])
        call_action("package_patch", id=dataset["id"], state="active")
        call_action("dataset_purge", id=dataset["id"])
        found = entries(record=dataset["id"])
        assert [each["action"] for each in found] == ["purged", "restored", "deleted", "created"]
        assert found[0]["title"] == "Pozos"

    def test_changes_of_files_and_tags_are_entries(self) -> None:
        dataset = factories.MarathonDataset()
        file = ckan_factories.Resource(package_id=dataset["id"])
        call_action("resource_patch", id=file["id"], description="Otra")
        call_action("package_patch", id=dataset["id"], tags=[{"name": "agua"}])
        found = entries(record=dataset["id"])
        files = [each for each in found if each["kind"] == "resource"]
        assert [each["action"] for each in files] == ["changed", "created"]
        assert fields(files[0]) == {"description": (None, None)}
        assert {each["organization"]["id"] for each in files} == {dataset["owner_org"]}
        assert "tags" in fields(next(each for each in found if each["kind"] == "dataset"))

    def test_both_organisations_see_a_move(self) -> None:
        one, other = factories.NationalBody(), factories.NationalBody()
        dataset = ckan_factories.Dataset(service_problem=["AGU-01"], owner_org=one["id"])
        call_action("package_owner_org_update", id=dataset["id"], organization_id=other["id"])
        for organization in (one, other):
            moved = entries(organization=organization["id"], record=dataset["id"])[0]
            assert fields(moved)["owner_org"] == (one["id"], other["id"])
            assert moved["former_organization"]["id"] == one["id"]

    def test_given_and_lost_roles_are_recorded(self) -> None:
        organization = factories.Municipality()["id"]
        admin, person = factories.officer(organization, "admin"), ckan_factories.User()
        for role in ("editor", "admin"):
            act(
                "organization_member_create",
                admin,
                id=organization,
                username=person["name"],
                role=role,
            )
        act("organization_member_delete", admin, id=organization, username=person["name"])
        found = entries(kind="member", record=person["id"])
        assert [each["action"] for each in found] == ["deleted", "changed", "created"]
        roles = [fields(each)["capacity"] for each in found]
        assert roles == [("admin", None), ("editor", "admin"), (None, "editor")]
        assert {each["parent"] for each in found} == {organization}
        assert found[0]["title"] == person["name"]

    def test_collaborators_accounts_and_system_administrators_are_recorded(
        self, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(ckan_config, "ckan.auth.allow_dataset_collaborators", True)
        person, dataset = ckan_factories.User(), factories.MarathonDataset()
        call_action(
            "package_collaborator_create", id=dataset["id"], user_id=person["id"], capacity="editor"
        )
        (collaborator,) = entries(kind="collaborator")
        assert (collaborator["record"], collaborator["parent"]) == (person["id"], dataset["id"])
        assert fields(collaborator)["capacity"] == (None, "editor")
        call_action("user_patch", id=person["id"], sysadmin=True, about="Nada de esto")
        call_action("user_delete", id=person["id"])
        found = entries(kind="user", record=person["id"])
        assert [each["action"] for each in found] == ["deleted", "changed", "created"]
        assert fields(found[1]) == {"sysadmin": (False, True)}
        assert person["email"] not in str(found)

    def test_changes_of_organisations_and_settings_are_entries(self) -> None:
        organization = factories.Municipality()
        call_action("organization_patch", id=organization["id"], pilot=True, description="x")
        found = entries(kind="organization", record=organization["id"])
        assert [each["action"] for each in found] == ["changed", "created"]
        assert fields(found[0])["description"] == (None, None)
        assert "pilot" in fields(found[0])
        call_action("config_option_update", **{"ckan.site_title": "Datos"})
        assert {each["record"] for each in entries(kind="setting")} == {"ckan.site_title"}

    def test_a_change_outside_of_any_action_is_recorded(self) -> None:
        dataset = factories.MarathonDataset()
        model.Package.get(dataset["id"]).private = True
        model.Session.commit()
        changed = entries(record=dataset["id"])[0]
        assert fields(changed)["private"] == (False, True)
        assert (changed["origin"], changed["user"]["name"]) == ("command_line", None)

    def test_the_origin_of_a_change_is_recorded(self, app: Any, cli: CKANCliRunner) -> None:
        dataset = factories.MarathonDataset()
        editor = factories.officer(dataset["owner_org"])
        token = call_action("api_token_create", user=editor["name"], name="t")["token"]
        app.post(
            "/api/3/action/package_patch",
            json={"id": dataset["id"], "notes": "Otra"},
            headers={"Authorization": token},
        )
        found = entries(record=dataset["id"])[0]
        assert (found["origin"], found["user"]["id"]) == ("api", editor["id"])
        result = cli.invoke(ckan, ["dataset", "delete", dataset["id"]])
        assert result.exit_code == 0, result.output
        assert entries(record=dataset["id"])[0]["origin"] == "command_line"

    def test_a_command_with_a_request_context_has_the_origin_command_line(self, app: Any) -> None:
        dataset = factories.MarathonDataset()
        with app.flask_app.test_request_context():
            call_action("package_patch", id=dataset["id"], title="Otro")
        assert entries(record=dataset["id"])[0]["origin"] == "command_line"

    def test_an_import_has_the_origin_import_for_every_account(self) -> None:
        idea = factories.Idea()
        editor = factories.officer(idea["owner_org"])
        row = {"name": "pozos", "title": "Pozos", "notes": "Pozos"}
        row |= {"owner_org": idea["owner_org"], "idea": [idea["id"]]}
        outcome = bulk.create_packages([row], editor["name"])
        assert outcome.errors == {}
        found = call_action("marathon_change_list", origin="import")["results"]
        assert [each["record"] for each in found if each["kind"] == "dataset"] == outcome.ids
        assert idea["id"] not in {each["record"] for each in found}
        call_action("package_patch", id=outcome.ids[0], title="Pozos y ríos")
        assert entries(record=outcome.ids[0])[0]["origin"] == "command_line"

    def test_recording_needs_one_statement_for_each_save(self) -> None:
        dataset = factories.MarathonDataset()
        with asked() as sent:
            call_action("package_patch", id=dataset["id"], notes="Otra")
        assert len([each for each in sent if "marathon_audit" in each]) == 1


class TestTakedown:
    def test_a_takedown_adds_an_entry_and_removes_the_name_from_former_ones(self) -> None:
        admin = ckan_factories.Sysadmin()
        dataset = factories.MarathonDataset(title="Xilotepequez")
        ckan_factories.Resource(package_id=dataset["id"], name="Xilotepequez")
        file = call_action("package_show", id=dataset["id"])["resources"][0]["id"]
        model.Session.delete(model.Resource.get(file))
        model.Session.commit()
        assert entries(record=file)[0]["title"] == "Xilotepequez"
        act("marathon_takedown", admin, id=dataset["id"], reason="Orden judicial")
        newest = entries(record=dataset["id"])[0]
        assert (newest["action"], newest["kind"]) == ("taken_down", "dataset")
        assert newest["user"]["name"] == admin["name"]
        assert "Xilotepequez" not in str(entries())
        model.Session.rollback()
        rows = sa.text("SELECT count(*) FROM marathon_audit AS r WHERE r::text LIKE '%Xilotep%'")
        assert model.Session.scalar(rows) == 0


class TestVisibilityOfEntries:
    def test_members_see_their_organisation_and_administrators_its_people(self) -> None:
        dataset = factories.MarathonDataset(private=True)
        organization = dataset["owner_org"]
        member, admin = (factories.officer(organization, c) for c in ("member", "admin"))
        assert {"dataset", "organization"} <= kinds(member, organization=organization)
        assert "member" not in kinds(member, organization=organization)
        assert "member" in kinds(admin, organization=organization)
        assert "member" in kinds(admin)

    def test_members_see_no_changes_of_another_organisation(self) -> None:
        dataset = factories.MarathonDataset()
        other = factories.officer(factories.CivilSociety()["id"], "admin")
        for user in (other, ckan_factories.User(), None):
            with pytest.raises(tk.NotAuthorized):
                act("marathon_change_list", user, organization=dataset["owner_org"])
        seen = act("marathon_change_list", other)["results"]
        assert dataset["id"] not in {each["record"] for each in seen}
        assert {each["kind"] for each in seen} == {"organization", "member"}
        assert act("marathon_change_list", other, record=dataset["id"])["results"] == []

    def test_the_coordinating_body_sees_ideas_and_no_datasets_nor_people(self) -> None:
        dataset = factories.MarathonDataset()
        editor = factories.officer(factories.CoordinatingBody()["id"])
        assert kinds(editor, organization=dataset["owner_org"]) == {"idea", "workshop"}

    def test_the_coordinating_body_sees_files_of_workshops_and_not_of_datasets(self) -> None:
        workshop, dataset = factories.Workshop(), factories.MarathonDataset()
        for record in (workshop, dataset):
            call_action("resource_create", package_id=record["id"], url="https://a.gt/acta")
        editor = factories.officer(factories.CoordinatingBody()["id"])
        seen = act("marathon_change_list", editor, kind="resource")["results"]
        assert {each["parent"] for each in seen} == {workshop["id"]}

    def test_only_system_administrators_see_accounts_and_settings(self) -> None:
        organization = factories.CoordinatingBody()["id"]
        call_action("config_option_update", **{"ckan.site_title": "Datos"})
        admin = factories.officer(organization, "admin")
        assert not {"user", "setting"} & kinds(admin)
        assert {"user", "setting"} <= kinds(ckan_factories.Sysadmin())

    def test_the_title_of_a_record_moved_to_another_organisation_is_hidden(self) -> None:
        one, other = factories.NationalBody(), factories.NationalBody()
        dataset = ckan_factories.Dataset(
            service_problem=["AGU-01"], owner_org=one["id"], title="Secreto", private=True
        )
        ckan_factories.Resource(package_id=dataset["id"], name="Secreto")
        call_action("package_owner_org_update", id=dataset["id"], organization_id=other["id"])
        member = factories.officer(one["id"], "admin")
        found = act("marathon_change_list", member, record=dataset["id"])["results"]
        assert [each["kind"] for each in found] == ["dataset", "resource", "dataset"]
        assert {each["title"] for each in found} == {None}


class TestFilters:
    def test_pages_have_every_entry_once(self) -> None:
        dataset = factories.MarathonDataset()
        for number in range(4):
            call_action("package_patch", id=dataset["id"], notes=str(number))
        whole = [each["number"] for each in entries(record=dataset["id"])]
        got, before = [], None
        while True:
            page = call_action("marathon_change_list", record=dataset["id"], limit=2, before=before)
            got += [each["number"] for each in page["results"]]
            before = page["next"]
            if before is None:
                break
        assert got == whole
        assert len(got) == 5
        assert call_action("marathon_change_list", record=dataset["id"], limit=5)["next"] is None

    def test_changes_are_filtered_by_user_action_and_day(self) -> None:
        dataset = factories.MarathonDataset()
        editor = factories.officer(dataset["owner_org"])
        act("package_patch", editor, id=dataset["id"], notes="x")
        assert [each["action"] for each in entries(user=editor["name"])] == ["changed"]
        assert {each["action"] for each in entries(action="created")} == {"created"}
        assert entries(until="2020-01-01") == []
        assert entries(**{"from": "2200-01-01"}) == []
        assert entries(**{"from": "2020-01-01", "until": "2199-12-31"})

    def test_from_is_inclusive_and_until_exclusive_for_times(self) -> None:
        record = factories.MarathonDataset()["id"]
        at = model.Session.scalar(sa.select(AuditEntry.at).where(AuditEntry.record == record))
        moment = at.isoformat()
        assert entries(record=record, **{"from": moment})
        assert entries(record=record, until=moment) == []

    def test_until_with_a_day_includes_that_day(self) -> None:
        record = factories.MarathonDataset()["id"]
        at = datetime.fromisoformat(entries(record=record)[0]["at"])
        day = at.astimezone(GUATEMALA).date()
        for form in ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%Y-%m", "%Y"):
            asked = day.strftime(form)
            assert entries(record=record, **{"from": asked, "until": asked}), form
        local = at.astimezone(GUATEMALA).strftime("%d/%m/%Y %H:%M")
        assert entries(record=record, **{"from": local})
        assert entries(record=record, until=local) == []

    @pytest.mark.parametrize(
        "wanted",
        [
            {"limit": 0},
            {"limit": 1_001},
            {"limit": "x"},
            {"limit": True},
            {"limit": [1]},
            {"before": 0},
            {"before": 2**70},
            {"before": "1e3"},
            {"from": "ayer"},
            {"from": 7},
            {"until": "2026-13-01"},
            {"until": "0217-01-01"},
            {"from": ["2026-03-01"]},
            {"kind": ["idea"]},
            {"user": {"id": "x"}},
            {"record": "a\x00b"},
            {"action": "hecho"},
            {"organization": 7},
        ],
    )
    def test_a_wrong_filter_is_an_error_at_its_parameter(self, wanted: dict[str, Any]) -> None:
        with pytest.raises(tk.ValidationError) as refused:
            call_action("marathon_change_list", **wanted)
        assert list(refused.value.error_dict) == list(wanted)

    @pytest.mark.parametrize("reference", ["nadie", "\x7f", "x" * 200])
    def test_an_unknown_organisation_is_an_error(self, reference: str) -> None:
        with pytest.raises(tk.ObjectNotFound):
            call_action("marathon_change_list", organization=reference)

    def test_until_accepts_the_last_possible_day(self) -> None:
        assert entries(until="9999-12-31") == entries()


def test_only_audit_py_updates_or_deletes_entries() -> None:
    """Nothing but a takedown, which removes names, writes to rows that are there."""
    import re
    from pathlib import Path

    package = Path(__file__).parents[2] / "ckanext" / "marathon"
    writing = re.compile(r"sa\.(update|delete)\(\s*AuditEntry|(UPDATE|DELETE FROM) marathon_audit")
    found = [
        (path.name, match[0])
        for path in package.rglob("*.py")
        for match in writing.finditer(path.read_text(encoding="utf-8"))
    ]
    assert [name for name, _statement in found] == ["audit.py"]
    assert AuditEntry.__tablename__ == "marathon_audit"
