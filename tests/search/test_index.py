"""Indexing with a real Solr."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckan.lib import search
from ckan.tests import factories
from ckan.tests.helpers import call_action

from tests.factories import CoordinatingBody, Idea, MarathonDataset, Municipality, Workshop, officer

pytestmark = pytest.mark.usefixtures("marathon_site")

COUNTS = {
    "participants": 31,
    "participants_women": 28,
    "participants_men": 3,
    "participants_youth": 17,
    "participants_indigenous": 4,
}


def stored(package_id: str) -> str:
    """Return everything that Solr gives back of a package, as one text."""
    connection = search.common.make_connection(decode_dates=False)
    (found,) = connection.search(f'id:"{package_id}"', fl="*", rows=1).docs
    return json.dumps(found)


class TestCountsUnderFive:
    def test_small_counts_are_in_no_stored_field(self) -> None:
        workshop = Workshop(**COUNTS)
        text = stored(workshop["id"])
        kept = json.loads(json.loads(text)["validated_data_dict"])
        assert kept["participants"] == 31
        assert kept["participants_men"] is None
        assert kept["participants_women"] is None
        assert kept["participants_indigenous"] is None
        raw = {e["key"] for e in json.loads(json.loads(text)["data_dict"])["extras"]}
        assert raw & COUNTS.keys() == {"participants", "participants_youth"}

    def test_small_counts_cannot_be_searched_for(self) -> None:
        Workshop(**COUNTS)
        context = {"user": "", "ignore_auth": False}
        for field in ("participants_men", "extras_participants_men", "participants"):
            for value in ("3", "[* TO *]"):
                found = call_action(
                    "package_search",
                    context=dict(context),
                    fq=f"dataset_type:workshop +{field}:{value}",
                )
                assert found["count"] == 0, (field, value)

    def test_an_edit_by_an_insider_keeps_exact_counts(self) -> None:
        workshop = Workshop(**COUNTS)
        for organization in (workshop["owner_org"], CoordinatingBody()["id"]):
            editor = officer(organization)["name"]
            call_action(
                "package_patch",
                context={"user": editor, "ignore_auth": False},
                id=workshop["id"],
                notes=f"seen by {editor}",
            )
            shown = call_action(
                "package_show", context={"user": editor, "ignore_auth": False}, id=workshop["id"]
            )
            assert {field: shown[field] for field in COUNTS} == COUNTS

    def test_an_outsider_sees_small_counts_in_no_listing(self) -> None:
        Workshop(tags=[{"name": "agua"}], **COUNTS)
        context = {"user": factories.User()["name"], "ignore_auth": False}
        found = call_action("package_search", context=dict(context), fq="dataset_type:workshop")[
            "results"
        ]
        assert found[0]["participants_men"] is None
        tagged = call_action("tag_show", context=dict(context), id="agua", include_datasets=True)
        assert tagged["packages"] == []


class TestHistory:
    def test_the_index_has_no_user_names_of_the_history(self) -> None:
        idea = Idea()
        editor = officer(idea["owner_org"])["name"]
        call_action(
            "package_patch",
            context={"user": editor, "ignore_auth": False},
            id=idea["id"],
            status="prioritised",
        )
        assert editor not in stored(idea["id"])


class TestIndexedValues:
    def test_a_full_workshop_and_a_full_idea_are_indexed(self) -> None:
        muni = Municipality(municipality_code="2105")["id"]
        workshop = Workshop(
            owner_org=muni,
            municipality=["2105"],
            organiser=[{"name": "INFOM"}],
            invitation=[{"organisation": f"Organización {n}"} for n in range(700)],
            participants_note="ñ" * 20_000,
            language=["spa"],
        )
        idea = Idea(
            workshop=workshop["id"],
            data_need=[{"what": f"Dato {n} " + "x" * 100} for n in range(400)],
            community=["El Sitio"],
        )
        for package in (workshop, idea):
            assert stored(package["id"])

    def test_records_are_found_by_words_in_their_rows(self) -> None:
        Idea(data_need=[{"what": "Caudal nocturno", "why": "Riego"}])
        found = call_action("package_search", q="caudal riego", fq="dataset_type:idea")
        assert found["count"] == 1

    def test_a_file_without_a_format_adds_no_empty_facet_value(self) -> None:
        files = [{"url": "https://a.gt/x", "name": "X"}, {"url": "https://a.gt/y", "format": "CSV"}]
        MarathonDataset(resources=files)
        MarathonDataset(resources=files[:1])
        found = call_action("package_search", **{"facet.field": ["res_format"]})
        assert found["count"] == 2
        assert found["facets"]["res_format"] == {"CSV": 1}

    def test_a_boundary_larger_than_a_solr_string_is_kept_and_indexed(self) -> None:
        ring = [[-90 + n / 7_000, 15 + n / 9_000] for n in range(1_000)]
        boundary = json.dumps({"type": "Polygon", "coordinates": [[*ring, [-89, 15], ring[0]]]})
        assert len(boundary) > 33_000
        dataset = MarathonDataset(
            spatial_coverage=[{"text": "Alta Verapaz", "geom": boundary}],
            provenance="ñ" * 40_000,
            title="T" * 500,
        )
        shown = call_action("package_show", id=dataset["id"])
        assert json.loads(shown["spatial_coverage"][0]["geom"]) == json.loads(boundary)
        assert call_action("package_search", q="verapaz")["count"] == 1

    def test_contacts_are_found_by_the_fields_of_ckanext_dcat(self) -> None:
        MarathonDataset(contact=[{"name": "Oficina de agua", "email": "agua@example.gt"}])
        found = call_action("package_search", fq='extras_contact__name:"Oficina de agua"')
        assert found["count"] == 1

    def test_packages_of_other_types_are_unchanged(self) -> None:
        from ckanext.marathon.search import document as document_search

        document: dict[str, Any] = {"type": "showcase", "anything": [1]}
        assert document_search.before_index(document) is document
