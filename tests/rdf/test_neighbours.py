"""A complete catalogue satisfies the shapes of other profiles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rdflib import Graph, URIRef

from ckanext.marathon.rdf.catalogue import build_catalogue_graph
from ckanext.marathon.rdf.dataset import build_dataset_graph
from ckanext.marathon.rdf.facts import Facts
from ckanext.marathon.rdf.idea import build_idea_graph
from ckanext.marathon.rdf.namespaces import DCAT, DCT, PROV, RDF, new_graph
from ckanext.marathon.rdf.profile import join_graphs
from ckanext.marathon.rdf.workshop import build_workshop_graph
from ckanext.marathon.records import Dataset, Idea, Record, Workshop

from .neighbours import Edition, measure, params
from .samples import CATALOGUE, FACTS, FULL, IDEA, INFOM, SITE, VILLA_NUEVA, WORKSHOP

# Its office can be written to, as that of the other organisation.
INFOM_WITH_OFFICE = replace(
    FACTS.organizations[INFOM["id"]], contact_email="datos@infom.example.gt"
)
WITH_OFFICES = replace(
    FACTS, organizations={**FACTS.organizations, INFOM_WITH_OFFICE.id: INFOM_WITH_OFFICE}
)
# Records whose only properties come from their organisation and CKAN.
BARE: dict[str, Any] = {
    "id": "cccccccc-cccc-4ccc-8ccc-cccccccccccc",
    "title": "Pozos",
    "notes": "Pozos del municipio.",
    "owner_org": VILLA_NUEVA["id"],
    "idea": [IDEA["id"]],
}


def page(facts: Facts = WITH_OFFICES) -> Graph:
    graph = new_graph()
    join_graphs(graph, build_catalogue_graph(replace(CATALOGUE, publisher=INFOM_WITH_OFFICE)))
    for each in (FULL, BARE):
        join_graphs(graph, build_dataset_graph(Dataset.from_shown(each), facts))
        graph.add((URIRef(SITE.base), DCAT.dataset, SITE.dataset(each["id"])))
    return graph


@pytest.mark.parametrize("edition", params("dcat-ap", "geodcat-ap", "geodcat-ap-2", "dcat-us"))
def test_a_page_satisfies_the_shapes_of_other_profiles(edition: Edition) -> None:
    assert measure(page(), edition).violations == {}


@pytest.mark.parametrize("edition", params("dcat-ap", "geodcat-ap", "geodcat-ap-2"))
def test_ideas_and_workshops_alone_satisfy_the_shapes(edition: Edition) -> None:
    with_dataset = replace(WITH_OFFICES, datasets=[Record(id=FULL["id"], title=FULL["title"])])
    without_organisers = {**WORKSHOP, "organiser": []}
    for graph in (
        build_idea_graph(Idea.from_shown(IDEA), with_dataset),
        build_workshop_graph(Workshop.from_shown(WORKSHOP), with_dataset),
        build_workshop_graph(Workshop.from_shown(without_organisers), with_dataset),
    ):
        assert measure(graph, edition).violations == {}


@pytest.mark.parametrize("edition", params("dcat-ap"))
def test_the_shapes_find_an_idea_in_a_qualified_relation(edition: Edition) -> None:
    graph, relation = page(), URIRef(f"{SITE.base}/relation")
    graph.add((SITE.dataset(FULL["id"]), DCAT.qualifiedRelation, relation))
    graph.add((relation, RDF.type, DCAT.Relationship))
    graph.add((relation, DCT.relation, SITE.thing("idea", IDEA["id"])))
    assert measure(graph, edition).violations["dct:relation"] == 1


@pytest.mark.parametrize("edition", params("geodcat-ap-2"))
def test_the_shapes_report_missing_records_of_workshops(edition: Edition) -> None:
    graph = page()
    graph.remove((None, PROV.generated, None))
    assert measure(graph, edition).violations["prov:generated"] == 1
