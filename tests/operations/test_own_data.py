"""The dataset of the site's own tables is created once, updated, and keeps edited texts."""

from __future__ import annotations

from typing import Any

import pytest
from ckan import model
from ckan.tests.helpers import call_action

from ckanext.marathon import spreadsheets
from ckanext.marathon.operations import starter
from ckanext.marathon.operations.starter import (
    OWN_DATA_NAME,
    StarterError,
    StarterOutcome,
    publish_own_data,
)
from tests.factories import CivilSociety, CoordinatingBody, NationalBody
from tests.remembered import remembered

from .conftest import bring_starter, everything, show

pytestmark = pytest.mark.usefixtures("storage", "marathon_site")


@pytest.fixture
@remembered
def body() -> dict[str, Any]:
    return CoordinatingBody(name="coordina", title="Quien coordina")


class TestPublish:
    def test_the_dataset_belongs_to_the_coordinating_body_and_has_every_table(
        self, body: dict[str, Any]
    ) -> None:
        assert publish_own_data() == StarterOutcome.ADDED
        shown = show(OWN_DATA_NAME)
        assert shown["owner_org"] == body["id"]
        wanted = [
            f"{table}.{form}"
            for table in spreadsheets.list_open_tables()
            for form in spreadsheets.FORMS
        ]
        here = f"{call_action('status_show')['site_url']}/marathon/data"
        assert [each["url"] for each in shown["resources"]] == [
            *(f"{here}/{name}" for name in wanted),
            f"{here}/datapackage.json",
        ]
        assert shown["documentation"] == [here]

    def test_the_dataset_is_in_the_catalogue(self, app: Any, body: dict[str, Any]) -> None:
        publish_own_data()
        text = app.get("/catalog.ttl").body
        assert "/marathon/data/ideas.csv" in text
        assert "licenses/by/4.0" in text
        assert "frequency/CONT" in text

    def test_publishing_twice_changes_nothing(self, body: dict[str, Any]) -> None:
        publish_own_data()
        before = everything()
        assert publish_own_data() == StarterOutcome.PRESENT
        assert everything() == before

    def test_the_dataset_of_the_starter_catalogue_counts_as_present(self) -> None:
        bring_starter(examples=False)
        before = show(OWN_DATA_NAME)
        assert publish_own_data() == StarterOutcome.PRESENT
        assert show(OWN_DATA_NAME) == before

    def test_edited_texts_stay_and_addresses_are_corrected(self, body: dict[str, Any]) -> None:
        publish_own_data()
        first, *rest = show(OWN_DATA_NAME)["resources"]
        added = {"url": "https://example.gt/mapa", "name": "Mapa"}
        call_action(
            "package_patch",
            id=OWN_DATA_NAME,
            title="Nuestros talleres",
            documentation=["https://old.example.gt/marathon/data", "https://example.gt/guia"],
            resources=[{**first, "url": "https://old.example.gt/x.csv", "name": "Ellos"}, added],
        )
        assert publish_own_data() == StarterOutcome.COMPLETED
        shown = show(OWN_DATA_NAME)
        assert shown["title"] == "Nuestros talleres"
        assert shown["documentation"][1:] == ["https://example.gt/guia"]
        names = [each["name"] for each in shown["resources"]]
        assert names == ["Ellos", "Mapa", *(each["name"] for each in rest)]
        assert shown["resources"][0]["url"] == first["url"]
        ids = {each["id"] for each in shown["resources"]}
        assert ids >= {first["id"], *(each["id"] for each in rest)}
        assert publish_own_data() == StarterOutcome.PRESENT

    def test_a_deleted_dataset_is_restored_by_the_command_only(self) -> None:
        bring_starter(examples=False)
        id_ = show(OWN_DATA_NAME)["id"]
        call_action("package_delete", id=id_)
        assert starter.load_starter(examples=False)[StarterOutcome.LEFT_OUT] == 1
        assert show(OWN_DATA_NAME)["state"] == "deleted"
        assert publish_own_data() == StarterOutcome.COMPLETED
        assert (show(OWN_DATA_NAME)["id"], show(OWN_DATA_NAME)["state"]) == (id_, "active")

    def test_after_a_purge_the_dataset_gets_the_same_id_again(self, body: dict[str, Any]) -> None:
        publish_own_data()
        id_ = show(OWN_DATA_NAME)["id"]
        call_action("dataset_purge", id=id_)
        assert publish_own_data() == StarterOutcome.ADDED
        assert show(OWN_DATA_NAME)["id"] == id_


class TestOwner:
    def test_without_exactly_one_coordinating_body_the_organisation_must_be_named(self) -> None:
        with pytest.raises(StarterError, match="--organization"):
            publish_own_data()
        CoordinatingBody()
        CoordinatingBody()
        with pytest.raises(StarterError, match="--organization"):
            publish_own_data()
        assert publish_own_data(NationalBody(name="segeplan")["name"]) == StarterOutcome.ADDED

    def test_an_unknown_or_unsuitable_organisation_is_refused(self) -> None:
        with pytest.raises(StarterError, match="nadie"):
            publish_own_data("nadie")
        with pytest.raises(StarterError):
            publish_own_data(CivilSociety()["id"])
        assert model.Package.get(OWN_DATA_NAME) is None

    def test_without_solr_the_error_names_the_search_engine(
        self, body: dict[str, Any], ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/nobody")
        with pytest.raises(StarterError, match="search engine"):
            starter.publish_own_data()
