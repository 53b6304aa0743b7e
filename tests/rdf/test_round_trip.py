"""Reading our own RDF back gives the same dataset."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from rdflib import PROV, RDF, Graph, URIRef
from rdflib.compare import to_isomorphic

from ckanext.marathon.rdf.dataset import build_dataset_graph, read_dataset
from ckanext.marathon.rdf.facts import Facts, Site
from ckanext.marathon.rdf.formats import serialise_graph
from ckanext.marathon.rdf.namespaces import DCAT, DCT
from ckanext.marathon.records import Dataset

from .proofs import EXAMPLES
from .samples import FACTS, FULL, IDEA, MINIMAL, NEED, SITE, VILLA_NUEVA
from .strategies import datasets

# Values that are not in RDF: the address on this site, and CKAN's own fields.
NOT_CARRIED = {"name", "type", "organization", "metadata_created", "metadata_modified"}
NOT_CARRIED_OF_RESOURCES = {"package_id", "url_type"}
PARSERS = {"ttl": "turtle", "rdf": "xml", "jsonld": "json-ld", "nt": "nt"}


def comparable(value: Any) -> Any:
    """Return a value without the order of its rows, which RDF does not keep."""
    if isinstance(value, list):
        return sorted(json.dumps(comparable(each), sort_keys=True) for each in value)
    if isinstance(value, dict):
        return {key: comparable(each) for key, each in value.items()}
    return value


def read(dataset: dict[str, Any], extension: str = "ttl", facts: Facts = FACTS) -> dict[str, Any]:
    body = serialise_graph(build_dataset_graph(Dataset.from_shown(dataset), facts), extension)
    graph = Graph().parse(data=body, format=PARSERS[extension])
    return read_dataset(graph, facts.site.dataset(dataset["id"]), facts.site)


@pytest.mark.parametrize("extension", PARSERS)
def test_every_field_of_a_dataset_is_read_back(extension: str) -> None:
    # The publisher's name takes the place of the organisation's, which is read in the next test.
    expected = {key: FULL[key] for key in FULL if key not in {*NOT_CARRIED, "id", "owner_org"}}
    resources = expected.pop("resources")
    found = read(FULL, extension)
    assert comparable(found.pop("resources")) == comparable(
        [{k: v for k, v in each.items() if k not in NOT_CARRIED_OF_RESOURCES} for each in resources]
    )
    assert comparable(found) == comparable(expected)


def test_default_values_of_empty_fields_are_not_read_back() -> None:
    dataset = {**MINIMAL, "owner_org": VILLA_NUEVA["id"], "service_problem": ["AGU-01"]}
    found = read(dataset)
    assert found["owner_org"] == VILLA_NUEVA["id"]
    for field in ("publisher", "contact", "theme", "spatial_coverage"):
        assert found[field] == [], field
    assert "municipality" not in found


@pytest.mark.parametrize("title", ["m¹", "٣ pozos", "9" * 5000, "Zona 10", "\U0001d7d8"])
def test_digits_of_other_scripts_in_a_text_are_unchanged(title: str) -> None:
    assert read({**MINIMAL, "title": title})["title"] == title


def test_a_resource_with_two_addresses_keeps_both_in_their_fields() -> None:
    page, file = "https://a.gt/pagina", "https://a.gt/datos.csv"
    forms = [
        {"url": page},
        {"url": page, "download_url": file},
        {"url": file, "access_url": page},
        {"url": file, "access_url": page, "download_url": file},
        {"url": page, "access_url": "https://a.gt/api", "download_url": file},
    ]
    resources = [{"id": f"r{number}", **form} for number, form in enumerate(forms)]
    assert comparable(read({**MINIMAL, "resources": resources})["resources"]) == comparable(
        resources
    )


def test_a_licence_without_an_iri_is_read_back() -> None:
    for licence in ("other-open", "cc-zero", "odc-odbl", "gfdl"):
        assert read({**MINIMAL, "license_id": licence})["license_id"] == licence
    own = {"license_id": "gt-abierta", "license_url": "https://a.gt/l", "license_title": "Abierta"}
    assert "license_id" not in read({**MINIMAL, **own}), "left to CKAN's own register"
    assert "license_id" not in read({**MINIMAL, "license_id": "notspecified"})


def test_another_site_with_the_plugin_reads_codes_but_no_ids() -> None:
    elsewhere = Site("https://otro.gt", "https://otro.gt/vocabulary", "https://otro.gt", "es")
    found = read_dataset(
        build_dataset_graph(Dataset.from_shown(FULL), FACTS), SITE.dataset(FULL["id"]), elsewhere
    )
    assert sorted(found["municipality"]) == FULL["municipality"]
    assert sorted(found["service_problem"]) == FULL["service_problem"]
    for field in ("idea", "data_need", "owner_org"):
        assert field not in found
    assert all("id" not in each and each["uri"] for each in found["resources"])


def test_the_organisation_of_another_site_becomes_the_publisher() -> None:
    elsewhere = Site("https://otro.gt", "https://otro.gt/vocabulary", "https://otro.gt", "es")
    graph = build_dataset_graph(Dataset.from_shown({**FULL, "publisher": [], "contact": []}), FACTS)
    found = read_dataset(graph, SITE.dataset(FULL["id"]), elsewhere)
    assert found["publisher"][0]["name"] == VILLA_NUEVA["title"]
    assert found["contact"][0]["email"] == VILLA_NUEVA["contact_email"]


def test_the_owner_is_recognised_by_its_contact_office() -> None:
    found = read({**FULL, "contact": []})
    assert found["publisher"][0]["name"] == FULL["publisher"][0]["name"]
    assert found["owner_org"] == FULL["owner_org"]


def test_ideas_and_needs_are_read_from_the_relations() -> None:
    found = read(FULL)
    assert found["idea"] == [IDEA["id"]]
    assert found["data_need"] == [NEED]


def test_the_relations_of_version_1_0_0_are_read_too() -> None:
    graph, iri = build_dataset_graph(Dataset.from_shown(FULL), FACTS), SITE.dataset(FULL["id"])
    graph.remove((iri, DCT.relation, None))
    for number, influence in enumerate(sorted(graph.objects(iri, PROV.qualifiedInfluence)), 1):
        relation = URIRef(f"{iri}#relation-{number}")
        graph.add((iri, DCAT.qualifiedRelation, relation))
        graph.add((relation, DCT.relation, graph.value(influence, PROV.entity)))
        graph.add((relation, DCAT.hadRole, graph.value(influence, DCT.type)))
        graph.remove((influence, None, None))
    graph.remove((iri, PROV.qualifiedInfluence, None))
    found = read_dataset(graph, iri, SITE)
    assert found["idea"] == [IDEA["id"]]
    assert found["data_need"] == [NEED]


def test_ideas_and_needs_are_read_without_the_plain_relation() -> None:
    graph, iri = build_dataset_graph(Dataset.from_shown(FULL), FACTS), SITE.dataset(FULL["id"])
    graph.remove((iri, DCT.relation, None))
    found = read_dataset(graph, iri, SITE)
    assert found["idea"] == [IDEA["id"]]
    assert found["data_need"] == [NEED]
    assert "qualified_influence" not in found


@pytest.mark.parametrize("predicate", [DCT.type, PROV.hadRole, DCAT.hadRole])
def test_influences_of_another_catalogue_are_kept_with_their_roles(predicate: URIRef) -> None:
    elsewhere = Site("https://otro.gt", "https://otro.gt/vocabulary", "https://otro.gt", "es")
    graph = build_dataset_graph(Dataset.from_shown(FULL), FACTS)
    for influence in list(graph.subjects(RDF.type, PROV.Influence)):
        role = graph.value(influence, DCT.type)
        graph.remove((influence, DCT.type, None))
        graph.add((influence, predicate, role))
    found = read_dataset(graph, SITE.dataset(FULL["id"]), elsewhere)
    assert sorted(found["qualified_influence"], key=lambda each: each["role"]) == [
        {
            "entity": str(SITE.data_need(IDEA["id"], NEED)),
            "role": str(SITE.concept("idea-role", "data_need")),
        },
        {
            "entity": str(SITE.thing("idea", IDEA["id"])),
            "role": str(SITE.concept("idea-role", "origin")),
        },
    ]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(datasets())
# More digits than a form takes.
@example({"id": FULL["id"], "title": "Pozos", "resources": [{"id": FULL["id"], "size": 10**15}]})
def test_a_hostile_dataset_is_stable_after_the_first_reading(hostile: dict[str, Any]) -> None:
    """The first writing may leave values out. After that nothing changes."""
    facts = Facts(SITE, FACTS.organizations, FACTS.ideas, FACTS.workshops)
    first = build_dataset_graph(Dataset.from_shown(hostile), facts)
    again = {"id": hostile["id"], **read_dataset(first, SITE.dataset(hostile["id"]), SITE)}
    second = build_dataset_graph(Dataset.from_shown(again), facts)
    third = {"id": hostile["id"], **read_dataset(second, SITE.dataset(hostile["id"]), SITE)}
    assert comparable(third) == comparable(again)
    assert to_isomorphic(build_dataset_graph(Dataset.from_shown(third), facts)) == to_isomorphic(
        second
    )
