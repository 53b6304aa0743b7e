from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.lib import search
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.dataset import Installation
from tests import factories
from tests.logic.asking import act, refused, stored
from tests.remembered import remembered


def new_dataset(user: Any, owner_org: str, **fields: Any) -> dict[str, Any]:
    return {
        "action": "package_create",
        "user": user,
        "name": "pozos",
        "title": "Pozos",
        "notes": "Los pozos de 2017",
        "owner_org": owner_org,
        **fields,
    }


def without(shown: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {key: value for key, value in shown.items() if key not in fields}


@pytest.fixture
@remembered
def old_dataset() -> dict[str, Any]:
    """A dataset that was there before the plugin, without any of its fields."""
    organization = factories.Municipality()
    dataset = core.Dataset(owner_org=factories.NationalBody()["id"], service_problem=["AGU-01"])
    yesterday = datetime.now() - timedelta(days=2)
    package = model.Package.get(dataset["id"])
    package.metadata_created = package.metadata_modified = yesterday
    package.owner_org = organization["id"]
    package.title, package.notes, package.extras = "", "", {"origen": "hoja"}
    model.repo.commit()
    return {"id": dataset["id"], "owner_org": organization["id"]}


@pytest.mark.usefixtures("marathon_site")
class TestTitleAndLicence:
    def test_a_title_too_long_or_an_unknown_licence_is_refused(self) -> None:
        body = factories.NationalBody()["id"]
        data = new_dataset(factories.officer(body), body, service_problem=["AGU-01"])
        assert list(refused(**{**data, "title": "x" * 501})) == ["title"]
        errors = refused(**data, license_id="nope")
        assert list(errors) == ["license_id"]
        assert "cc-by" in errors["license_id"][0]
        assert act(**{**data, "title": "x" * 500}, license_id="cc-by")["license_id"] == "cc-by"

    def test_a_dataset_with_values_older_than_the_rules_can_be_edited(self) -> None:
        made = factories.MarathonDataset()
        package = model.Package.get(made["id"])
        package.title, package.license_id = "x" * 600, "old-licence"
        model.repo.commit()
        search.rebuild(made["id"])
        user = factories.officer(made["owner_org"])
        changed = act("package_patch", user, id=made["id"], notes="Cambiado")
        assert (changed["title"], changed["license_id"]) == ("x" * 600, "old-licence")

    def test_an_exempt_organisation_keeps_its_own_licences(self) -> None:
        organization = factories.older_organization()
        dataset = core.Dataset(owner_org=organization["id"], license_id="house-licence")
        assert dataset["license_id"] == "house-licence"


@pytest.mark.usefixtures("marathon_site")
class TestRequiredFields:
    def test_a_municipalitys_dataset_needs_an_idea(self) -> None:
        organization = factories.Municipality()
        user = factories.officer(organization["id"])
        errors = refused(**new_dataset(user, organization["id"]))
        assert set(errors) == {"idea", "municipality", "service_problem"}
        idea = factories.Idea(owner_org=organization["id"])
        made = act(**new_dataset(user, organization["id"], idea=[idea["name"]]))
        assert made["idea"] == [idea["id"]]
        assert made["municipality_origin"] == made["service_problem_origin"] == "idea"

    def test_a_civil_society_dataset_needs_an_idea(self) -> None:
        organization = factories.CivilSociety()
        user = factories.officer(organization["id"])
        fields = {"municipality": "2105", "service_problem": "AGU-01"}
        errors = refused(**new_dataset(user, organization["id"], **fields))
        assert set(errors) == {"idea"}

    def test_a_national_body_needs_a_problem_but_no_idea_or_municipality(self) -> None:
        organization = factories.NationalBody()
        user = factories.officer(organization["id"])
        assert set(refused(**new_dataset(user, organization["id"]))) == {"service_problem"}
        made = act(**new_dataset(user, organization["id"], service_problem=["AGU-01"]))
        assert (made["municipality"], made["municipality_origin"]) == ([], "none")

    def test_missing_title_and_description_are_errors_at_their_fields(self) -> None:
        idea = factories.Idea()
        user = factories.officer(idea["owner_org"])
        data = new_dataset(user, idea["owner_org"], idea=idea["id"], title="", notes=" ")
        assert set(refused(**data)) == {"title", "notes"}
        del data["title"]
        assert set(refused(**data)) == {"title", "notes"}

    def test_a_dataset_of_an_organisation_without_a_role_needs_all_required_fields(self) -> None:
        organization = core.Organization()
        user = factories.officer(organization["id"])
        errors = refused(**new_dataset(user, organization["id"]))
        assert set(errors) == {"idea", "municipality", "service_problem", "owner_org"}
        assert "role" in errors["owner_org"][0]

    def test_an_organisation_with_a_code_counts_as_a_municipality(self) -> None:
        organization = factories.older_organization(municipality_code="2105")
        user = factories.officer(organization["id"])
        errors = refused(**new_dataset(user, organization["id"]))
        assert set(errors) == {"idea", "municipality", "service_problem"}

    @pytest.mark.ckan_config("ckan.auth.create_unowned_dataset", True)
    def test_a_dataset_without_an_organisation_needs_all_required_fields(self) -> None:
        errors = refused(**without(new_dataset(core.Sysadmin(), ""), "owner_org"))
        assert set(errors) == {"idea", "municipality", "service_problem"}

    def test_a_dataset_of_an_exempt_organisation_needs_nothing(self) -> None:
        organization = factories.older_organization()
        user = factories.officer(organization["id"])
        data = without(new_dataset(user, organization["id"]), "title", "notes")
        made = act(**data)
        assert made["title"] == "pozos"
        updated = act("package_update", user, **{**made, "title": ""})
        assert updated["title"] == "pozos"

    @pytest.mark.ckan_config("ckanext.marathon.idea_required", "never")
    def test_a_setting_makes_ideas_optional(self) -> None:
        organization = factories.Municipality()
        user = factories.officer(organization["id"])
        assert set(refused(**new_dataset(user, organization["id"]))) == {
            "municipality",
            "service_problem",
        }


@pytest.mark.usefixtures("marathon_site")
class TestDatasetsOlderThanThePlugin:
    def test_older_datasets_can_be_edited_without_new_fields(
        self, old_dataset: dict[str, Any]
    ) -> None:
        user = factories.officer(old_dataset["owner_org"])
        act("package_patch", user, id=old_dataset["id"], notes="Con notas")
        act("resource_create", user, package_id=old_dataset["id"], url="https://example.org/a.csv")
        shown = call_action("package_show", id=old_dataset["id"])
        assert shown["notes"] == "Con notas"
        assert {"key": "origen", "value": "hoja"} in shown["extras"]

    def test_malformed_values_are_refused_in_older_datasets_too(
        self, old_dataset: dict[str, Any]
    ) -> None:
        user = factories.officer(old_dataset["owner_org"])
        errors = refused("package_patch", user, id=old_dataset["id"], municipality=["9999"])
        assert list(errors) == ["municipality"]

    def test_older_datasets_can_be_linked_to_ideas(self, old_dataset: dict[str, Any]) -> None:
        user = factories.officer(old_dataset["owner_org"])
        idea = factories.Idea()
        act("package_patch", user, id=old_dataset["id"], idea=[idea["id"]])
        shown = call_action("package_show", id=old_dataset["id"])
        assert shown["municipality"] == idea["municipality"]

    @pytest.mark.ckan_config("ckanext.marathon.idea_required", "always")
    def test_a_setting_applies_the_rules_to_older_datasets(
        self, old_dataset: dict[str, Any]
    ) -> None:
        user = factories.officer(old_dataset["owner_org"])
        errors = refused("package_patch", user, id=old_dataset["id"], private=True)
        assert "idea" in errors

    def test_records_made_after_the_installation_are_not_older(
        self, old_dataset: dict[str, Any]
    ) -> None:
        installed = datetime.now() - timedelta(days=30)
        model.Session.execute(sa.update(Installation).values(installed_at=installed))
        model.repo.commit()
        user = factories.officer(old_dataset["owner_org"])
        assert "idea" in refused("package_patch", user, id=old_dataset["id"], private=True)

    def test_fields_of_the_same_name_with_malformed_content_can_be_shown_and_saved(
        self, old_dataset: dict[str, Any]
    ) -> None:
        package = model.Package.get(old_dataset["id"])
        package.extras = {
            "municipality": "Jalapa",
            "idea": '{"a": 1}',
            "data_need": "[1, 2]",
            "service_problem": "[[1]]",
            "contact": "Ana",
            "participants": "many",
            "workshop": "taller",
        }
        model.repo.commit()
        shown = call_action("package_show", id=old_dataset["id"])
        assert shown["municipality"] == []
        assert {"key": "municipality_text", "value": "Jalapa"} in shown["extras"]
        user = factories.officer(old_dataset["owner_org"])
        act("package_patch", user, id=old_dataset["id"], notes="Con notas")
        kept = model.Package.get(old_dataset["id"]).extras
        assert (kept["contact_text"], kept["workshop"]) == ("Ana", "taller")
        found = call_action("package_search", q="id:" + old_dataset["id"])
        assert found["results"][0]["notes"] == "Con notas"


@pytest.mark.usefixtures("marathon_site")
class TestIdeasOfADataset:
    def test_missing_hidden_and_deleted_ideas_give_the_same_error(self) -> None:
        organization = factories.Municipality()
        user = factories.officer(organization["id"])
        hidden = factories.Idea(private=True)
        deleted = factories.Idea()
        call_action("package_delete", id=deleted["id"])
        workshop = factories.Workshop()
        said = set()
        for reference in ("no-such", hidden["name"], deleted["id"], workshop["name"]):
            errors = refused(**new_dataset(user, organization["id"], idea=[reference]))
            said.add(errors["idea"][0].replace(reference, "…"))
        assert len(said) == 1

    def test_places_and_problems_are_computed_from_all_its_ideas(self) -> None:
        one = factories.Idea(service_problem=["AGU-01"])
        two = factories.Idea(service_problem=["SEG-01", "AGU-01"])
        made = factories.MarathonDataset(idea=[one["id"], two["id"]])
        shown = call_action("package_show", id=made["id"])
        assert shown["municipality"] == sorted({*one["municipality"], *two["municipality"]})
        assert shown["service_problem"] == ["AGU-01", "SEG-01"]
        assert [idea["id"] for idea in shown["ideas"]] == [one["id"], two["id"]]
        assert shown["ideas"][0]["workshop"]["id"] == one["workshop"]
        assert model.Package.get(made["id"]).extras["municipality"] == "[]"

    def test_computed_values_follow_the_ideas(self) -> None:
        made = factories.MarathonDataset()
        call_action("package_patch", id=made["idea"][0], service_problem=["SEG-01"])
        assert call_action("package_show", id=made["id"])["service_problem"] == ["SEG-01"]

    @pytest.mark.parametrize("method", ["package_update", "package_patch"])
    def test_computed_values_sent_back_stay_computed(self, method: str) -> None:
        made = factories.MarathonDataset()
        shown = call_action("package_show", id=made["id"])
        call_action(method, **{**shown, "title": "Otro"})
        bare = without(shown, "municipality_origin", "service_problem_origin")
        call_action(method, **{**bare, "title": "Y otro"})
        again = call_action("package_show", id=made["id"])
        assert again["municipality_origin"] == again["service_problem_origin"] == "idea"
        call_action(method, **{**shown, "municipality": ["2105", "0101"]})
        again = call_action("package_show", id=made["id"])
        assert (again["municipality_origin"], again["service_problem_origin"]) == ("own", "idea")

    def test_values_stay_computed_when_the_idea_is_replaced(self) -> None:
        made, other = factories.MarathonDataset(), factories.Idea(service_problem=["SEG-01"])
        call_action("package_patch", id=made["id"], idea=[other["id"]])
        shown = call_action("package_show", id=made["id"])
        assert (shown["service_problem"], shown["service_problem_origin"]) == (["SEG-01"], "idea")
        assert shown["municipality"] == other["municipality"]

    def test_values_copied_from_another_dataset_are_computed(self) -> None:
        shown = call_action("package_show", id=factories.MarathonDataset()["id"])
        copy = call_action("package_create", **{**without(shown, "id"), "name": "copia"})
        assert copy["municipality_origin"] == "idea"
        chosen = without(shown, "id", "municipality_origin")
        own = call_action("package_create", **{**chosen, "name": "propio"})
        assert own["municipality_origin"] == "own"

    def test_a_data_need_of_another_idea_is_refused(self) -> None:
        idea = factories.Idea(data_need=[{"what": "Pozos"}])
        other = factories.Idea(data_need=[{"what": "Tarifas"}])
        user = factories.officer(idea["owner_org"])
        data = new_dataset(user, idea["owner_org"], idea=idea["id"])
        errors = refused(**data, data_need=other["data_need"][0]["id"])
        assert list(errors) == ["data_need"]
        assert list(refused(**data, data_need="not-a-uuid")) == ["data_need"]
        need = idea["data_need"][0]["id"]
        assert act(**data, data_need=need.upper())["data_need"] == [need]

    def test_an_edit_by_an_officer_keeps_a_hidden_idea(self) -> None:
        hidden = factories.Idea(private=True)
        organization = factories.Municipality()
        made = factories.MarathonDataset(idea=[hidden["id"]], owner_org=organization["id"])
        user = factories.officer(organization["id"])
        shown = act("package_show", user, id=made["id"])
        assert shown["idea"] == [hidden["id"]]
        assert shown["ideas"] == []
        act("package_update", user, **{**shown, "title": "Otro"})
        assert package_model.read_stored_texts(stored(made), "idea") == [hidden["id"]]
        outside = act("package_show", None, id=made["id"])
        assert outside["idea"] == outside["ideas"] == []
        assert outside["municipality"] == hidden["municipality"]

    @pytest.mark.parametrize("source", ["show", "search", "save"])
    def test_an_idea_hidden_from_the_reader_stays_when_the_answer_is_sent_back(
        self, source: str
    ) -> None:
        hidden, seen = factories.Idea(private=True), factories.Idea()
        made = factories.MarathonDataset(idea=[hidden["id"], seen["id"]])
        user = factories.officer(made["owner_org"])
        if source == "show":
            shown = act("package_show", None, id=made["id"])
        elif source == "search":
            (shown,) = act("package_search", None, fq="dataset_type:dataset")["results"]
        else:
            shown = act("package_patch", user, id=made["id"], title="Una vez")
        act("package_update", user, **{**shown, "title": "Otro"})
        assert sorted(package_model.read_stored_texts(stored(made), "idea")) == sorted(
            [hidden["id"], seen["id"]]
        )

    def test_an_editor_can_remove_a_hidden_idea(self) -> None:
        hidden, seen = factories.Idea(private=True), factories.Idea()
        made = factories.MarathonDataset(
            idea=[hidden["id"], seen["id"]], owner_org=seen["owner_org"]
        )
        user = factories.officer(made["owner_org"])
        act("package_patch", user, id=made["id"], idea=[seen["id"]])
        assert package_model.read_stored_texts(stored(made), "idea") == [seen["id"]]
