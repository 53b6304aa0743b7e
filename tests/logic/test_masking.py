"""Small counts of people: outsiders never see them, and no save loses them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ckan import model
from ckan.lib import search
from ckan.logic import package_show_default_and_custom_schemas
from ckan.tests import factories as core
from ckan.tests.helpers import call_action
from ckan.types import Context

from ckanext.marathon.visibility import as_reader
from tests import factories
from tests.logic import streams
from tests.logic.asking import act
from tests.remembered import remembered

COUNTS = {
    "participants": 23,
    "participants_women": 3,
    "participants_men": 20,
    "participants_youth": 9,
}
MASKED = ["participants_women", "participants_men"]
SECRET = {**COUNTS, **streams.COUNTS}


def counts_of(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: shown[name] for name in COUNTS}


def stored(workshop: dict[str, Any]) -> dict[str, int]:
    model.Session.expire_all()
    extras = model.Package.get(workshop["id"]).extras
    return {name: int(extras[name]) for name in COUNTS}


@pytest.fixture
@remembered
def workshop() -> dict[str, Any]:
    return factories.Workshop(**COUNTS)


@pytest.mark.usefixtures("marathon_site")
class TestVisibilityOfSmallCounts:
    def test_only_insiders_see_small_counts(self, workshop: dict[str, Any]) -> None:
        body = factories.CoordinatingBody()
        insiders = [
            factories.officer(workshop["owner_org"], "member"),
            factories.officer(workshop["owner_org"], "editor"),
            factories.officer(body["id"]),
            core.Sysadmin(),
        ]
        for user in insiders:
            shown = act("package_show", user, id=workshop["id"])
            assert counts_of(shown) == COUNTS
            assert shown["participants_masked"] == []
        outsiders = [None, core.User(), factories.officer(factories.Municipality()["id"], "admin")]
        for user in outsiders:
            shown = act("package_show", user, id=workshop["id"])
            assert shown["participants_masked"] == MASKED
            assert counts_of(shown) == {**COUNTS, **dict.fromkeys(MASKED)}

    @pytest.mark.parametrize("ignore_auth", [True, False])
    def test_a_context_can_ask_for_the_public_view(
        self, workshop: dict[str, Any], ignore_auth: bool
    ) -> None:
        context = {
            "user": core.Sysadmin()["name"],
            "ignore_auth": ignore_auth,
            "use_cache": False,
            "marathon_outsider": True,
        }
        shown = call_action("package_show", context, id=workshop["id"])
        assert shown["participants_masked"] == MASKED

    @pytest.mark.parametrize("use_cache", [True, False])
    def test_package_show_without_a_user_is_masked(
        self, workshop: dict[str, Any], use_cache: bool
    ) -> None:
        context = {"ignore_auth": True, "user": "", "use_cache": use_cache}
        shown = call_action("package_show", context, id=workshop["id"])
        assert shown["participants_masked"] == MASKED

    def test_the_index_document_is_that_of_the_public_for_every_account(
        self, workshop: dict[str, Any]
    ) -> None:
        insider = factories.officer(workshop["owner_org"])["name"]
        hidden = factories.Idea(workshop=workshop["id"], private=True)
        dataset = factories.MarathonDataset(idea=[hidden["id"]])
        for user in (insider, core.Sysadmin()["name"]):
            context = Context(user=user, auth_user_obj=model.User.get(user))
            _, shown = package_show_default_and_custom_schemas(context, workshop["id"])
            assert shown["participants_masked"] == MASKED
            _, shown = package_show_default_and_custom_schemas(context, dataset["id"])
            assert (shown["idea"], shown["ideas"]) == ([], [])
        assert as_reader(Context(user=insider, ignore_auth=True)).is_public
        assert not as_reader(Context(user=insider, ignore_auth=True, for_update=True)).is_public
        assert not as_reader(Context(user=insider)).is_public

    def test_use_default_schema_does_not_reveal_small_counts(self) -> None:
        workshop = factories.Workshop(**SECRET)
        shown = act("package_show", None, id=workshop["id"], use_default_schema=True)
        assert "74007400" not in json.dumps(shown)
        assert "74007403" in json.dumps(shown)

    def test_the_search_index_does_not_reveal_small_counts(self) -> None:
        workshop = factories.Workshop(**SECRET)
        call_action("package_patch", id=workshop["id"], title="Otro")
        found = search.show(workshop["id"])
        assert "74007400" not in json.dumps(found, default=str)
        for parameters in ({}, {"use_default_schema": True}, {"fl": "*"}):
            results = act("package_search", None, fq="dataset_type:workshop", q="*:*", **parameters)
            assert results["count"] == 1
            assert "74007400" not in json.dumps(results, default=str)

    def test_the_answer_to_a_save_has_the_counts_visible_to_the_account(
        self, workshop: dict[str, Any]
    ) -> None:
        user = factories.officer(workshop["owner_org"])
        for result in (
            act("package_patch", user, id=workshop["id"], title="Otro"),
            act("package_patch", user, id=workshop["id"], title="Otro"),
            act("package_revise", user, match={"id": workshop["id"]}, update={"title": "Más"})[
                "package"
            ],
        ):
            assert counts_of(result) == COUNTS


Saving = Callable[[dict[str, Any], dict[str, Any]], Any]


def patch(user: dict[str, Any], workshop: dict[str, Any]) -> None:
    act("package_patch", user, id=workshop["id"], title="Otro")


def update_with_what_the_editor_saw(user: dict[str, Any], workshop: dict[str, Any]) -> None:
    shown = act("package_show", user, id=workshop["id"])
    act("package_update", user, **{**shown, "title": "Otro"})


def update_with_what_the_public_saw(user: dict[str, Any], workshop: dict[str, Any]) -> None:
    shown = act("package_show", None, id=workshop["id"])
    act("package_update", user, **{**shown, "title": "Otro"})


def update_with_what_the_search_found(user: dict[str, Any], workshop: dict[str, Any]) -> None:
    (found,) = act("package_search", None, fq="dataset_type:workshop")["results"]
    act("package_update", user, **{**found, "title": "Otro"})


def update_with_what_the_last_save_returned(user: dict[str, Any], workshop: dict[str, Any]) -> None:
    saved = act("package_patch", user, id=workshop["id"], title="Una vez")
    act("package_update", user, **{**saved, "title": "Otro"})


def patch_in_ckans_own_name(user: dict[str, Any], workshop: dict[str, Any]) -> None:
    call_action("package_patch", {"ignore_auth": True, "user": ""}, id=workshop["id"], title="Otro")


def add_a_resource(user: dict[str, Any], workshop: dict[str, Any]) -> None:
    act("resource_create", user, package_id=workshop["id"], url="https://example.org/acta.pdf")


@pytest.mark.usefixtures("marathon_site")
class TestSavesKeepCounts:
    @pytest.mark.parametrize(
        "save",
        [
            patch,
            update_with_what_the_editor_saw,
            update_with_what_the_public_saw,
            update_with_what_the_search_found,
            update_with_what_the_last_save_returned,
            patch_in_ckans_own_name,
            add_a_resource,
        ],
        ids=lambda save: save.__name__,
    )
    def test_every_kind_of_save_keeps_the_counts(
        self, workshop: dict[str, Any], save: Saving
    ) -> None:
        user = factories.officer(workshop["owner_org"])
        save(user, workshop)
        assert stored(workshop) == COUNTS

    def test_an_editor_can_still_change_and_empty_counts(self, workshop: dict[str, Any]) -> None:
        user = factories.officer(workshop["owner_org"])
        shown = act("package_show", None, id=workshop["id"])
        act("package_update", user, **{**shown, "participants_women": 2})
        assert stored(workshop)["participants_women"] == 2
        shown = act("package_show", user, id=workshop["id"])
        act("package_update", user, **{**shown, "participants_women": ""})
        assert "participants_women" not in model.Package.get(workshop["id"]).extras
