"""Records with dependents cannot be deleted, by any action or command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.cli.cli import ckan
from ckan.lib import search
from ckan.tests import factories as core
from ckan.tests.helpers import CKANCliRunner, call_action

from ckanext.marathon.logic.deletion import DeletionRefused
from tests import factories
from tests.logic.asking import act, refused

Deleting = Callable[[dict[str, Any], dict[str, Any]], None]


def by_action(user: dict[str, Any], package: dict[str, Any]) -> None:
    act("package_delete", user, id=package["id"])


def by_name(user: dict[str, Any], package: dict[str, Any]) -> None:
    act("package_delete", user, id=package["name"])


def by_patching_the_state(user: dict[str, Any], package: dict[str, Any]) -> None:
    act("package_patch", user, id=package["id"], state="deleted")


def by_updating_the_state(user: dict[str, Any], package: dict[str, Any]) -> None:
    shown = act("package_show", user, id=package["id"])
    act("package_update", user, **{**shown, "state": "deleted"})


def with_many_others(user: dict[str, Any], package: dict[str, Any]) -> None:
    act("bulk_update_delete", user, datasets=[package["id"]], org_id=package["owner_org"])


def behind_the_back_of_all_actions(user: dict[str, Any], package: dict[str, Any]) -> None:
    model.Package.get(package["id"]).delete()
    try:
        model.repo.commit()
    except DeletionRefused:
        model.Session.rollback()
        raise


WAYS = [
    by_action,
    by_name,
    by_patching_the_state,
    by_updating_the_state,
    with_many_others,
    behind_the_back_of_all_actions,
]


def state(package: dict[str, Any]) -> str:
    model.Session.expire_all()
    return model.Package.get(package["id"]).state


@pytest.mark.usefixtures("marathon_site")
class TestDeleting:
    @pytest.mark.parametrize("delete", WAYS, ids=lambda way: way.__name__)
    def test_cannot_delete_an_idea_with_datasets(self, delete: Deleting) -> None:
        idea = factories.Idea()
        dataset = factories.MarathonDataset(idea=[idea["id"]])
        user = factories.officer(idea["owner_org"], "admin")
        with pytest.raises(tk.ValidationError) as refusal:
            delete(user, idea)
        said = str(refusal.value.error_dict)
        assert dataset["title"] in said
        assert f"/dataset/{dataset['name']}" in said
        assert state(idea) == "active"
        assert search.show(idea["id"])["state"] == "active"

    @pytest.mark.parametrize("delete", WAYS, ids=lambda way: way.__name__)
    def test_can_delete_an_idea_without_datasets(self, delete: Deleting) -> None:
        idea = factories.Idea()
        dataset = factories.MarathonDataset(idea=[idea["id"]])
        user = factories.officer(idea["owner_org"], "admin")
        act("package_delete", user, id=dataset["id"])
        delete(user, idea)
        assert state(idea) == "deleted"

    def test_cannot_delete_a_workshop_with_ideas(self) -> None:
        idea = factories.Idea()
        user = factories.officer(idea["owner_org"])
        errors = refused("package_delete", user, id=idea["workshop"])
        assert idea["title"] in errors["message"]
        assert errors["obstacles"] == [
            {
                "id": idea["id"],
                "type": "idea",
                "title": idea["title"],
                "url": errors["obstacles"][0]["url"],
            }
        ]
        assert errors["obstacles"][0]["url"].endswith(f"/idea/{idea['name']}")

    def test_the_error_calls_hidden_records_other_records(self) -> None:
        idea = factories.Idea()
        factories.MarathonDataset(
            title="Secreto",
            private=True,
            idea=[idea["id"]],
            owner_org=factories.Municipality()["id"],
        )
        user = factories.officer(idea["owner_org"])
        errors = refused("package_delete", user, id=idea["id"])
        assert "Secreto" not in str(errors)
        assert "other records" in errors["message"]
        assert errors["obstacles"] == []
        errors = refused("package_delete", core.Sysadmin(), id=idea["id"])
        assert "Secreto" in errors["message"]

    def test_more_than_ten_obstacles_are_counted(self) -> None:
        idea = factories.Idea()
        for _ in range(12):
            factories.MarathonDataset(idea=[idea["id"]])
        user = factories.officer(idea["owner_org"])
        errors = refused("package_delete", user, id=idea["id"])
        assert errors["message"].count("“") == 10
        assert "other records" in errors["message"]
        assert len(errors["obstacles"]) == 12

    def test_a_stranger_gets_not_authorized_instead_of_the_dependents(self) -> None:
        dataset = factories.MarathonDataset()
        stranger = factories.officer(factories.Municipality()["id"])
        with pytest.raises(tk.NotAuthorized):
            act("package_delete", stranger, id=dataset["idea"][0])

    def test_drafts_prevent_deleting_too(self) -> None:
        idea = factories.Idea()
        factories.MarathonDataset(idea=[idea["id"]], state="draft")
        user = factories.officer(idea["owner_org"])
        assert refused("package_delete", user, id=idea["id"])

    def test_the_command_line_prints_the_obstacle_in_one_line(self, cli: CKANCliRunner) -> None:
        dataset = factories.MarathonDataset()
        result = cli.invoke(ckan, ["dataset", "delete", dataset["idea"][0]])
        assert result.exit_code == 1
        assert "Traceback" not in result.output
        assert dataset["title"] in result.output
        assert state({"id": dataset["idea"][0]}) == "active"
        result = cli.invoke(ckan, ["dataset", "delete", dataset["id"]])
        assert not result.exit_code, result.output


@pytest.mark.usefixtures("marathon_site")
class TestRestoring:
    def test_a_restored_record_has_guarded_links_again(self) -> None:
        dataset = factories.MarathonDataset()
        idea = {"id": dataset["idea"][0]}
        call_action("package_delete", id=dataset["id"])
        call_action("package_patch", id=dataset["id"], state="active")
        assert call_action("package_show", id=dataset["id"])["idea"] == [idea["id"]]
        assert refused("package_delete", core.Sysadmin(), **idea)

    def test_cannot_restore_a_record_whose_target_is_deleted(self) -> None:
        dataset = factories.MarathonDataset()
        call_action("package_delete", id=dataset["id"])
        call_action("package_delete", id=dataset["idea"][0])
        admin = core.Sysadmin()
        assert list(refused("package_patch", admin, id=dataset["id"], state="active")) == ["idea"]
        act("package_patch", admin, id=dataset["id"], title="Sigue borrado")
        act("package_patch", admin, id=dataset["idea"][0], state="active")
        act("package_patch", admin, id=dataset["id"], state="active")

    def test_cannot_restore_a_record_whose_code_was_taken(self) -> None:
        first = factories.Workshop(code="T-1")
        call_action("package_delete", id=first["id"])
        second = factories.Workshop(code="T-1", owner_org=first["owner_org"])
        admin = core.Sysadmin()
        errors = refused("package_patch", admin, id=first["id"], state="active")
        assert second["title"] in errors["code"][0]
        act("package_patch", admin, id=first["id"], state="active", code="T-2")


@pytest.mark.usefixtures("marathon_site")
class TestMunicipalitiesOfAWorkshop:
    def test_cannot_remove_a_municipality_that_an_idea_uses(self) -> None:
        workshop = factories.Workshop(municipality=["0101", "2105"])
        idea = factories.Idea(workshop=workshop["id"], municipality=["2105"])
        user = factories.officer(workshop["owner_org"])
        errors = refused("package_patch", user, id=workshop["id"], municipality=["0101"])
        assert list(errors) == ["municipality"]
        assert idea["title"] in errors["municipality"][0]
        assert "2105" in errors["municipality"][0]
        act("package_patch", user, id=workshop["id"], municipality=["2105"])

    def test_can_remove_a_municipality_that_ideas_only_inherit(self) -> None:
        workshop = factories.Workshop(municipality=["0101", "2105"])
        idea = factories.Idea(workshop=workshop["id"])
        call_action("package_patch", id=workshop["id"], municipality=["0101"])
        assert call_action("package_show", id=idea["id"])["municipality"] == ["0101"]


@pytest.mark.usefixtures("marathon_site")
class TestOrganizations:
    def test_cannot_delete_an_organisation_with_records(self) -> None:
        workshop = factories.Workshop()
        admin = factories.officer(workshop["owner_org"], "admin")
        errors = refused("organization_delete", admin, id=workshop["owner_org"])
        assert workshop["title"] in errors["message"]
        call_action("package_delete", id=workshop["id"])
        act("organization_delete", admin, id=workshop["owner_org"])

    @pytest.mark.ckan_config("ckan.auth.create_unowned_dataset", "true")
    def test_datasets_do_not_prevent_deleting_where_the_site_allows_orphans(self) -> None:
        organization = factories.older_organization()
        dataset = core.Dataset(owner_org=organization["id"])
        named = core.Dataset(owner_org=organization["id"], publisher=[{"name": "INE"}])
        call_action("organization_delete", id=organization["id"])
        assert model.Package.get(dataset["id"]).owner_org is None
        for each, publisher in ((dataset, organization["title"]), (named, "INE")):
            shown = call_action("package_show", id=each["id"])
            assert [row["name"] for row in shown["publisher"]] == [publisher]

    @pytest.mark.ckan_config("ckan.auth.create_unowned_dataset", "true")
    def test_workshops_prevent_deleting_where_the_site_allows_orphans(self) -> None:
        workshop = factories.Workshop()
        assert refused("organization_delete", core.Sysadmin(), id=workshop["owner_org"])

    @pytest.mark.ckan_config("ckan.auth.create_unowned_dataset", "true")
    def test_a_purge_leaves_its_records_without_an_organisation(self) -> None:
        dataset = factories.MarathonDataset()
        organization = dataset["owner_org"]
        code = factories.code_of(organization)
        call_action("organization_purge", id=organization)
        for package_id in (dataset["id"], dataset["idea"][0]):
            assert not model.Package.get(package_id).owner_org
        (publisher,) = call_action("package_show", id=dataset["id"])["publisher"]
        assert publisher == {"name": dataset["organization"]["title"]}
        assert factories.Municipality(municipality_code=code)["municipality_code"] == code

    def test_the_refused_purge_of_an_organisation_names_its_records(self) -> None:
        workshop = factories.Workshop()
        errors = refused("organization_purge", core.Sysadmin(), id=workshop["owner_org"])
        assert workshop["title"] in errors["message"]

    def test_deleting_an_organisation_frees_its_municipality(self) -> None:
        first = factories.Municipality(municipality_code="2105")
        call_action("organization_delete", id=first["id"])
        second = factories.Municipality(municipality_code="2105")
        admin = core.Sysadmin()
        errors = refused("organization_patch", admin, id=first["id"], state="active")
        assert second["title"] in errors["municipality_code"][0]
