from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from ckanext.marathon.domain import idea as idea_domain
from ckanext.marathon.model import idea as idea_model
from tests import factories
from tests.logic.asking import act, refused


def steps(idea: dict[str, Any], user: Any = None) -> list[str]:
    return [step["status"] for step in act("package_show", user, id=idea["id"])["history"]]


@pytest.mark.usefixtures("marathon_site")
class TestIdeaStatusUpdate:
    def test_a_reason_with_personal_data_is_refused(self) -> None:
        idea = factories.Idea()
        asked = {"id": idea["id"], "status": "prioritised", "reason": "Lo pidió ana@example.com"}
        user = factories.officer(idea["owner_org"])
        assert list(refused("marathon_idea_status_update", user, **asked)) == ["reason"]

    def test_an_idea_passes_all_statuses_and_is_reopened(self) -> None:
        idea = factories.Idea()
        user = factories.officer(idea["owner_org"])
        for status in ("prioritised", "in_progress", "implemented"):
            act("marathon_idea_status_update", user, id=idea["name"], status=status)
        errors = refused("marathon_idea_status_update", user, id=idea["id"], status="in_progress")
        assert list(errors) == ["reason"]
        reopened = act(
            "marathon_idea_status_update",
            user,
            id=idea["id"],
            status="in_progress",
            reason="El pozo se secó",
        )
        assert reopened["status"] == "in_progress"
        assert steps(idea) == [
            "proposed",
            "prioritised",
            "in_progress",
            "implemented",
            "in_progress",
        ]
        assert reopened["history"][-1]["reason"] == "El pozo se secó"

    def test_an_illegal_step_names_the_legal_ones(self) -> None:
        idea = factories.Idea()
        user = factories.officer(idea["owner_org"])
        errors = refused("marathon_idea_status_update", user, id=idea["id"], status="implemented")
        assert list(errors) == ["status"]
        assert "prioritised, discarded" in errors["status"][0]
        assert steps(idea) == ["proposed"]

    @pytest.mark.parametrize("status", ["", None, "dreaming", 5, ["proposed"], {"a": 1}, "\x00"])
    def test_an_unknown_status_is_refused(self, status: Any) -> None:
        idea = factories.Idea()
        user = factories.officer(idea["owner_org"])
        errors = refused("marathon_idea_status_update", user, id=idea["id"], status=status)
        assert list(errors) == ["status"]

    def test_labels_are_accepted_for_codes(self) -> None:
        idea = factories.Idea()
        user = factories.officer(idea["owner_org"])
        act("marathon_idea_status_update", user, id=idea["id"], status="Priorizada")
        assert steps(idea)[-1] == "prioritised"

    def test_only_editors_of_owner_or_coordinating_body_change_the_status(self) -> None:
        idea = factories.Idea()
        body = factories.CoordinatingBody()
        other = factories.Municipality()
        data = {"id": idea["id"], "status": "prioritised"}
        for user in (
            None,
            core.User(),
            factories.officer(other["id"], "admin"),
            factories.officer(idea["owner_org"], "member"),
            factories.officer(body["id"], "member"),
        ):
            with pytest.raises(tk.NotAuthorized):
                act("marathon_idea_status_update", user, **data)
        act("marathon_idea_status_update", factories.officer(body["id"]), **data)
        own = factories.officer(idea["owner_org"])
        act("marathon_idea_status_update", own, id=idea["id"], status="in_progress")

    def test_a_hidden_idea_is_not_found(self) -> None:
        idea = factories.Idea(private=True)
        stranger = factories.officer(factories.Municipality()["id"])
        for reference in (idea["id"], idea["name"], "no-such", ["x"], None):
            with pytest.raises(tk.ObjectNotFound):
                act("marathon_idea_status_update", stranger, id=reference, status="prioritised")

    def test_the_same_rules_hold_for_a_plain_update(self) -> None:
        idea = factories.Idea()
        user = factories.officer(idea["owner_org"])
        assert list(refused("package_patch", user, id=idea["id"], status="implemented")) == [
            "status"
        ]
        act("package_patch", user, id=idea["id"], status="discarded", status_reason="Ya existe")
        errors = refused("package_patch", user, id=idea["id"], status="proposed")
        assert list(errors) == ["status_reason"]
        act("package_patch", user, id=idea["id"], status="proposed", status_reason="No existía")
        assert steps(idea) == ["proposed", "discarded", "proposed"]


@pytest.mark.usefixtures("marathon_site")
class TestFirstStatus:
    def test_an_officers_idea_is_proposed_but_a_coordinators_may_have_any_status(self) -> None:
        workshop = factories.Workshop()
        data = {
            "type": "idea",
            "name": "idea",
            "title": "Agua",
            "workshop": workshop["id"],
            "service_problem": "AGU-01",
            "status": "implemented",
        }
        user = factories.officer(workshop["owner_org"])
        assert list(refused("package_create", user, **data)) == ["status"]
        body = factories.officer(factories.CoordinatingBody()["id"])
        assert act("package_create", body, **data)["status"] == "implemented"
        second = {**data, "name": "otra"}
        assert act("package_create", core.Sysadmin(), **second)["status"] == "implemented"
        third = {**data, "name": "tercera", "status": ""}
        assert act("package_create", user, **third)["status"] == "proposed"


@pytest.mark.usefixtures("marathon_site")
class TestHistory:
    def test_the_history_begins_with_proposed_and_ignores_sent_steps(self) -> None:
        forged = [{"status": "implemented", "at": "1999-01-01T00:00:00Z"}]
        idea = factories.Idea(history=forged)
        assert steps(idea) == ["proposed"]
        user = factories.officer(idea["owner_org"])
        shown = act("package_show", user, id=idea["id"])
        act("package_update", user, **{**shown, "history": forged, "title": "Otro"})
        extras = [{"key": "history", "value": "[]"}, {"key": "color", "value": "azul"}]
        act("package_patch", user, id=idea["id"], extras=extras)
        shown = act("package_show", user, id=idea["id"])
        assert [step["status"] for step in shown["history"]] == ["proposed"]
        assert shown["extras"] == [{"key": "color", "value": "azul"}]

    def test_an_edit_without_a_step_adds_no_history(self) -> None:
        idea = factories.Idea()
        call_action("package_patch", id=idea["id"], title="Otro", status_reason="porque sí")
        assert steps(idea) == ["proposed"]

    def test_the_history_names_the_organisation_and_for_insiders_the_person(self) -> None:
        idea = factories.Idea()
        body = factories.CoordinatingBody()
        own, coordinator = factories.officer(idea["owner_org"]), factories.officer(body["id"])
        admin = core.Sysadmin()
        act("marathon_idea_status_update", own, id=idea["id"], status="prioritised")
        act("marathon_idea_status_update", coordinator, id=idea["id"], status="in_progress")
        act("marathon_idea_status_update", admin, id=idea["id"], status="prioritised")
        public = act("package_show", None, id=idea["id"])["history"]
        organizations = [step["organization"] and step["organization"]["id"] for step in public]
        assert organizations[1:] == [idea["owner_org"], body["id"], None]
        assert not any("user" in step for step in public)
        member = factories.officer(idea["owner_org"], "member")
        for insider in (member, coordinator, admin):
            inside = act("package_show", insider, id=idea["id"])["history"]
            assert [step["user"] for step in inside][1:] == [
                own["name"],
                coordinator["name"],
                admin["name"],
            ]
        stranger = factories.officer(factories.Municipality()["id"])
        assert "user" not in act("package_show", stranger, id=idea["id"])["history"][1]

    def test_dates_are_in_utc_and_in_order(self) -> None:
        idea = factories.Idea()
        call_action("package_patch", id=idea["id"], status="prioritised")
        dates = [step["at"] for step in act("package_show", None, id=idea["id"])["history"]]
        assert dates == sorted(dates)
        assert all(date.endswith("Z") for date in dates)

    def test_a_step_that_fails_leaves_no_trace(self) -> None:
        idea = factories.Idea()
        refused("package_patch", core.Sysadmin(), id=idea["id"], status="prioritised", title="")
        assert [row.status for row in idea_model.read_idea_history(idea["id"])] == ["proposed"]

    def test_a_purge_removes_the_history(self) -> None:
        idea = factories.Idea()
        call_action("dataset_purge", id=idea["id"])
        assert idea_model.read_idea_history(idea["id"]) == []


@pytest.mark.usefixtures("with_plugins")
class TestIdeaStatusList:
    def test_the_list_equals_the_lifecycle_table(self) -> None:
        found = call_action("marathon_idea_status_list")
        assert {each["code"]: tuple(each["next"]) for each in found} == dict(idea_domain.STEPS)
        by_code = {each["code"]: each for each in found}
        assert by_code["discarded"]["reason_required"] == ["proposed"]
        assert by_code["proposed"]["labels"]["es"]

    def test_anonymous_clients_can_get_the_list(self, app: Any) -> None:
        answer = app.get("/api/3/action/marathon_idea_status_list")
        assert answer.json["success"], answer.body
        assert answer.json["result"][0]["code"] == "proposed"
