"""Other profiles of ckanext-dcat publish the same dates and agents as ``marathon``."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from ckan import model
from ckan.tests.helpers import call_action
from rdflib import Graph, URIRef

from ckanext.marathon.rdf.namespaces import DCAT, DCT, RDF, SCHEMAS
from tests import factories
from tests.rdf.samples import FULL

PLUGINS = "marathon scheming_datasets scheming_organizations dcat structured_data croissant"
PROFILES = (
    "euro_dcat_ap",
    "euro_dcat_ap_2",
    "euro_dcat_ap_3",
    "euro_dcat_ap_2,euro_dcat_ap_scheming",
    "euro_health_dcat_ap",
    "dcat_us_3",
    "schemaorg",
    "croissant",
    "marathon,euro_dcat_ap_3",
)
TIMES = (
    (DCT.issued, *(schema.datePublished for schema in SCHEMAS)),
    (DCT.modified, *(schema.dateModified for schema in SCHEMAS)),
    (DCAT.startDate, *(schema.startDate for schema in SCHEMAS)),
    (DCAT.endDate, *(schema.endDate for schema in SCHEMAS)),
)
HERE = "http://test.ckan.net"
# As people have typed them in before there were rules, or send them to the API.
ODD = {
    "issued": "03/06/2017",
    "modified": "cada lunes",
    "url": "mailto:agua@example.gt",
    "maintainer_email": "no se sabe",
}
ODD_FILES = [
    {"url": r"\\servidor\datos agua.csv", "format": "CSV", "hash": "ninguno"},
    {"url": "http://", "name": '<a href="x">', "mimetype": "a b/c"},
    {"url": "https://example.gt/a b|c{d}.csv", "size": 12},
]

pytestmark = [
    pytest.mark.ckan_config("ckan.plugins", PLUGINS),
    pytest.mark.usefixtures("with_plugins", "marathon_site"),
]


@pytest.fixture
def owner() -> dict[str, Any]:
    return factories.Municipality(municipality_code="0115", title="Muni")


def full(owner: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Create a dataset with every field of the schema filled in."""
    named = {"id", "name", "owner_org", "organization", "idea", "data_need", "resources"}
    fields = {key: value for key, value in FULL.items() if key not in named}
    resources = [
        {key: value for key, value in each.items() if key not in {"id", "package_id", "url_type"}}
        for each in FULL["resources"]
    ]
    given = {"owner_org": owner["id"], "resources": resources, **fields, **changes}
    return factories.MarathonDataset(**given)


@pytest.fixture
def read(app: Any) -> Callable[[str], Graph]:
    def get(address: str) -> Graph:
        answer = app.get(address)
        assert answer.status_code == 200, answer.data[:1000]
        return Graph().parse(data=answer.data, format="turtle")

    return get


def times_of(graph: Graph) -> set[tuple[str, int, str]]:
    """Return the times in a graph: subject (one for all periods), property and text."""
    named = set(graph.subjects(RDF.type, DCAT.Dataset)) | set(
        graph.objects(None, DCAT.distribution)
    )
    for schema in SCHEMAS:
        named |= set(graph.subjects(RDF.type, schema.Dataset))
        named |= set(graph.objects(None, schema.distribution))
    return {
        (str(subject) if subject in named else "", which, str(value))
        for which, predicates in enumerate(TIMES)
        for predicate in predicates
        for subject, value in graph.subject_objects(predicate)
    }


def stated(times: set[tuple[str, int, str]], iri: str) -> set[tuple[int, str]]:
    return {(which, text) for subject, which, text in times if subject == iri}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_full_dataset_has_the_same_times(
    owner: dict[str, Any], read: Callable[[str], Graph], profile: str
) -> None:
    dataset = full(owner)
    drafted = dataset["metadata_created"]
    for changes in ({}, {"issued": "", "modified": ""}, {"issued": "2017-05"}):
        call_action("package_patch", id=dataset["id"], **changes)
        ours = times_of(read(f"/dataset/{dataset['id']}.ttl"))
        found = times_of(read(f"/dataset/{dataset['id']}.ttl?profiles={profile}"))
        assert found <= ours
        # Both times of the dataset itself, and those of the files that the profile publishes.
        iri = f"{HERE}/dataset/{dataset['id']}"
        assert stated(found, iri) == stated(ours, iri) != set()
        assert drafted not in {text for _, _, text in found}


@pytest.mark.parametrize("profile", PROFILES)
def test_the_catalogue_has_no_other_times_than_that_of_marathon(
    owner: dict[str, Any], read: Callable[[str], Graph], profile: str
) -> None:
    dataset = full(owner, issued="", modified="")
    ours = times_of(read(f"/dataset/{dataset['id']}.ttl"))
    graph = read(f"/catalog.ttl?profiles={profile}")
    assert (None, DCAT.dataset, URIRef(f"{HERE}/dataset/{dataset['id']}")) in graph
    graph.remove((URIRef(HERE), None, None))
    assert times_of(graph) <= ours


@pytest.mark.parametrize("profile", PROFILES)
def test_malformed_values_give_200_in_every_format(
    owner: dict[str, Any], app: Any, profile: str
) -> None:
    dataset = factories.MarathonDataset(owner_org=owner["id"])
    package = model.Package.get(dataset["id"])
    assert package is not None
    package.url, package.maintainer_email = ODD["url"], ODD["maintainer_email"]
    package.extras = {
        **package.extras,
        "issued": ODD["issued"],
        "modified": ODD["modified"],
        "temporal_coverage": json.dumps([{"start": "ayer", "end": "03/06/2017"}]),
        "documentation": json.dumps(["https://example.gt/manual.pdf"]),
        "contact": json.dumps([{"uri": "no es", "email": "x y", "url": "<>"}]),
        "access_rights_text": "Solo <miembros>",
    }
    for number, file in enumerate(ODD_FILES):
        resource = model.Resource(package_id=package.id, **file)
        resource.position = number
        model.Session.add(resource)
    model.repo.commit()
    addresses = (f"/dataset/{dataset['id']}", "/catalog")
    for address, extension in product(addresses, ("ttl", "rdf", "jsonld", "n3", "nt")):
        answer = app.get(f"{address}.{extension}?profiles={profile}")
        assert answer.status_code == 200
        # 3 June, not 6 March. "Each Monday" is no date.
        text = answer.data.decode()
        assert "2017-03-06" not in text
        assert "cada lunes" not in text


def test_schemaorg_has_the_named_agents(
    owner: dict[str, Any], read: Callable[[str], Graph]
) -> None:
    schema = SCHEMAS[0]
    named = full(owner)
    graph = read(f"/dataset/{named['id']}.ttl?profiles=schemaorg")
    iri = URIRef(f"{HERE}/dataset/{named['id']}")
    names = {
        predicate: {
            str(name)
            for agent in graph.objects(iri, predicate)
            for name in graph.objects(agent, schema.name)
        }
        for predicate in (schema.publisher, schema.creator)
    }
    assert names[schema.publisher] == {FULL["publisher"][0]["name"]}
    assert names[schema.creator] == {FULL["creator"][0]["name"]}
    nobody = factories.MarathonDataset(owner_org=owner["id"])
    graph = read(f"/dataset/{nobody['id']}.ttl?profiles=schemaorg")
    assert list(graph.objects(None, schema.creator)) == []
    assert list(graph.objects(None, schema.publisher)) == [
        URIRef(f"{HERE}/organization/{owner['id']}")
    ]


@pytest.mark.parametrize("profile", ["euro_dcat_ap_3", "schemaorg", "croissant"])
def test_another_organization_cannot_be_described(
    owner: dict[str, Any], read: Callable[[str], Graph], profile: str
) -> None:
    other = factories.Municipality(title="Otra")
    iri = URIRef(f"{HERE}/organization/{other['id']}")
    row = {"uri": str(iri), "name": "Impostora", "email": "impostora@example.gt"}
    dataset = full(owner, publisher=[row], creator=[row], contact=[row])
    graph = read(f"/dataset/{dataset['id']}.ttl?profiles={profile}")
    assert (None, None, iri) not in graph
    assert (iri, None, None) not in graph


@pytest.mark.parametrize("profile", ["euro_dcat_ap_3", "dcat_us_3"])
def test_the_doubt_about_a_licence_is_published(
    owner: dict[str, Any], read: Callable[[str], Graph], profile: str
) -> None:
    dataset = full(owner)
    graph = read(f"/dataset/{dataset['id']}.ttl?profiles={profile}")
    licensed = list(graph.subject_objects(DCT.license))
    assert licensed
    for distribution, _ in licensed:
        said = " ".join(
            str(text)
            for each in graph.objects(distribution, DCT.rights)
            for text in graph.objects(each)
        )
        assert FULL["rights_note"] in said
