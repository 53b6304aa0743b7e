"""A record of a type without pages is refused, and an older one is in no list."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.lib import search
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from tests.factories import Municipality, officer, older_organization
from tests.remembered import remembered

pytestmark = pytest.mark.usefixtures("marathon_site")


@pytest.fixture
@remembered
def muni() -> dict[str, Any]:
    return Municipality()


@pytest.fixture
def of_old(muni: dict[str, Any]) -> str:
    """Return the name of a record whose type nothing knows, as a site may have it."""
    dataset = core.Dataset(owner_org=older_organization(name="plain-org")["id"])
    model.Package.get(dataset["id"]).type = "nope"
    model.repo.commit()
    search.rebuild(dataset["id"])
    return dataset["name"]


class TestUnknownTypes:
    @pytest.mark.parametrize("name", ["nope", "../x", "Dataset", "harvest", "{0}", " "])
    def test_an_editor_cannot_add_a_type_without_a_page(
        self, muni: dict[str, Any], name: str
    ) -> None:
        user = officer(muni["id"])["name"]
        with pytest.raises(tk.ValidationError) as refusal:
            call_action(
                "package_create",
                context={"user": user, "ignore_auth": False},
                type=name,
                name="a-name",
                owner_org=muni["id"],
            )
        (text,) = refusal.value.error_dict["type"]
        assert "commitment, dataset, idea, workshop" in text

    @pytest.mark.parametrize("empty", ["", None])
    def test_a_missing_type_means_dataset(self, empty: str | None) -> None:
        organization = older_organization()["id"]
        made = call_action("package_create", type=empty, name="plain", owner_org=organization)
        assert made["type"] == "dataset"

    def test_the_type_of_a_record_cannot_be_changed(self, muni: dict[str, Any]) -> None:
        dataset = core.Dataset(owner_org=older_organization()["id"])
        changed = call_action("package_patch", id=dataset["id"], type="nope")
        assert changed["type"] == "dataset"


class TestOtherPlugins:
    @pytest.mark.ckan_config(
        "ckan.plugins",
        "marathon scheming_datasets scheming_organizations dcat example_idatasetform_v5",
    )
    def test_types_of_other_plugins_are_saved_and_found(self) -> None:
        organization = older_organization()["id"]
        made = call_action(
            "package_create", type="fancy_type", name="fancy", owner_org=organization
        )
        assert made["type"] == "fancy_type"
        found = call_action("package_search")["results"]
        assert [each["name"] for each in found] == ["fancy"]


class TestOlderRecordsOfUnknownTypes:
    def test_lists_and_feed_leave_it_out_and_its_page_gets_404(self, app: Any, of_old: str) -> None:
        assert call_action("package_search")["count"] == 0
        for path in ("/dataset/", "/organization/plain-org"):
            answer = app.get(path)
            assert answer.status_code == 200
            assert of_old not in answer.text
        assert of_old not in app.get("/catalog.ttl").text
        assert app.get(f"/dataset/{of_old}").status_code == 404

    def test_a_search_for_its_type_finds_it(self, of_old: str) -> None:
        found = call_action("package_search", fq="dataset_type:nope")
        assert [each["name"] for each in found["results"]] == [of_old]

    def test_it_can_still_be_changed_and_deleted(self, of_old: str) -> None:
        assert call_action("package_patch", id=of_old, notes="Before")["type"] == "nope"
        call_action("package_delete", id=of_old)
