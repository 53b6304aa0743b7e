"""Harvesting by a stock portal with ckanext-dcat, with and without scheming."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckanext.dcat.processors import RDFParser

from ckanext.marathon.rdf.dataset import build_dataset_graph
from ckanext.marathon.rdf.formats import serialise_graph
from ckanext.marathon.records import Dataset

from .samples import AUTHORITY, FACTS, FULL, IDEA, MINIMAL, SITE, VILLA_NUEVA, WORKSHOP

OWN = {**FULL, "publisher": [], "contact": [], "spatial_coverage": [], "municipality": ["0115"]}
FORMS = {"ttl": "turtle", "rdf": "xml", "jsonld": "json-ld"}


def harvested(dataset: dict[str, Any], extension: str = "ttl") -> dict[str, Any]:
    parser = RDFParser(profiles=["euro_dcat_ap_3"])
    parser.parse(
        serialise_graph(
            build_dataset_graph(Dataset.from_shown(dataset), FACTS), extension
        ).decode(),
        FORMS[extension],
    )
    (found,) = parser.datasets()
    return found


@pytest.mark.ckan_config("ckan.plugins", "dcat")
@pytest.mark.usefixtures("with_plugins")
class TestWithoutScheming:
    @pytest.mark.parametrize("extension", FORMS)
    def test_the_main_fields_arrive(self, extension: str) -> None:
        found = harvested(OWN, extension)
        extras = {each["key"]: each["value"] for each in found["extras"]}
        assert found["title"] == OWN["title"]
        assert found["notes"] == OWN["notes"]
        assert {each["name"] for each in found["tags"]} == {"buses", "transporte público"}
        assert extras["uri"] == extras["identifier"] == str(SITE.dataset(OWN["id"]))
        assert extras["publisher_name"] == VILLA_NUEVA["title"]
        assert extras["publisher_uri"] == str(SITE.thing("organization", VILLA_NUEVA["id"]))
        assert extras["contact_email"] == VILLA_NUEVA["contact_email"]
        assert extras["spatial_uri"] == str(SITE.concept("municipality", "0115"))
        assert extras["spatial_text"] == "Villa Nueva"
        assert json.loads(extras["spatial_bbox"])["type"] == "Polygon"
        assert json.loads(extras["spatial_centroid"])["type"] == "Point"
        themes = set(json.loads(extras["theme"]))
        assert str(SITE.concept("service-problem", "VIA-04")) in themes
        assert f"{AUTHORITY}/data-theme/TRAN" in themes
        idea = str(SITE.thing("idea", IDEA["id"]))
        assert set(json.loads(extras["related_resource"])) == {idea, *OWN["has_version"]}
        assert extras["frequency"] == OWN["frequency"]
        assert extras["access_rights"] == OWN["access_rights"]

    def test_resources_arrive_with_format_address_and_checksum(self) -> None:
        found = {each["name"]: each for each in harvested(OWN)["resources"] if "name" in each}
        resource = found["Paradas"]
        assert resource["url"] == OWN["resources"][0]["url"]
        assert resource["format"] == "CSV"
        assert resource["mimetype"] == "text/csv"
        assert resource["size"] == 12345
        assert resource["hash"] == OWN["resources"][0]["hash"]
        assert resource["uri"] == str(SITE.distribution(OWN["id"], OWN["resources"][0]["id"]))

    def test_a_licence_is_recognised(self) -> None:
        resource = {**OWN["resources"][0], "license": ""}
        for licence in ("cc-by", "cc-zero", "odc-odbl", "other-open"):
            found = harvested({**OWN, "license_id": licence, "resources": [resource]})
            assert found["license_id"] == licence

    def test_a_note_on_the_licence_arrives(self) -> None:
        resource = {**OWN["resources"][0], "rights": ""}
        found = harvested({**OWN, "resources": [resource]})
        assert found["resources"][0]["rights"] == OWN["rights_note"]

    def test_a_minimal_dataset_arrives(self) -> None:
        assert harvested(MINIMAL)["title"] == MINIMAL["title"]


@pytest.mark.ckan_config("ckan.plugins", "dcat scheming_datasets")
@pytest.mark.ckan_config(
    "scheming.presets", "ckanext.scheming:presets.json ckanext.dcat.schemas:presets.yaml"
)
@pytest.mark.ckan_config("scheming.dataset_schemas", "ckanext.dcat.schemas:dcat_ap_full.yaml")
@pytest.mark.usefixtures("with_plugins")
class TestWithScheming:
    def test_fields_with_subfields_arrive_complete(self) -> None:
        found = harvested(OWN)
        assert found["title"] == OWN["title"]
        assert found["publisher"][0]["name"] == VILLA_NUEVA["title"]
        assert found["contact"][0]["email"] == VILLA_NUEVA["contact_email"]
        assert found["spatial_coverage"][0]["uri"] == str(SITE.concept("municipality", "0115"))
        assert str(SITE.concept("service-problem", "SEG-01")) in found["theme"]
        # Neither idea nor need is a resource of a catalogue, which ckanext-dcat would list there.
        assert "qualified_relation" not in found
        extras = {each["key"]: each["value"] for each in found["extras"]}
        assert str(SITE.thing("idea", IDEA["id"])) in json.loads(extras["related_resource"])
        activity = found["provenance_activity"][0]
        assert activity["uri"] == str(SITE.thing("workshop", WORKSHOP["id"]))
        assert activity["label"] == WORKSHOP["title"]
        assert activity["dct_type"] == str(SITE.concept("workshop-kind", "ideation"))
        assert activity["startedAtTime"].startswith("2026-05-27T09:00:00")
        assert activity["seeAlso"] == str(SITE.page("workshop", WORKSHOP["id"]))
