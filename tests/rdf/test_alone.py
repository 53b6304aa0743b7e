"""A description in the feed has triples only about its record and the parts of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from rdflib import OWL, RDF, Graph, URIRef

from ckanext.marathon.rdf.dataset import build_dataset_graph
from ckanext.marathon.rdf.facts import make_part_iri
from ckanext.marathon.rdf.idea import build_idea_graph
from ckanext.marathon.rdf.namespaces import DCAT, DCT
from ckanext.marathon.rdf.workshop import build_workshop_graph
from ckanext.marathon.records import Dataset, Idea, Workshop

from .samples import FACTS, FULL, IDEA, MINIMAL, SITE, WORKSHOP

ALONE = replace(FACTS, alone=True)
ORIGIN = "https://origen.example.gt"
SERVICE = {
    "uri": f"{ORIGIN}/wms#a",
    "endpoint_url": [f"{ORIGIN}/wms?"],
    "license": "Abierta",
    "landing_page": f"{ORIGIN}/mapas",
}
KEPT = replace(SITE, kept={"1": f"{ORIGIN}/agua#datos", "1f": f"{ORIGIN}/agua#archivo"})


def harvested(identifier: str, **fields: Any) -> Graph:
    file = {"id": f"{identifier}f", "url": f"{ORIGIN}/a", "license": "Libre"}
    file |= {"license_text": ["Como se quiera"], "access_services": json.dumps([SERVICE])}
    agent = {"uri": f"{ORIGIN}/ine", "name": "INE"}
    shared: dict[str, Any] = {
        "publisher": [agent],
        "contact": [{**agent, "email": "a@example.gt"}],
        "qualified_attribution": [{"role": f"{ORIGIN}/rol", "agent": [agent]}],
        "provenance_activity": [{"uri": f"{ORIGIN}/censo", "wasAssociatedWith": [agent]}],
        "qualified_relation": [{"relation": f"{ORIGIN}/otro", "role": f"{ORIGIN}/rol"}],
        "license_text": ["Sin más"],
        "issued": "ayer",
        "resources": [file],
    }
    dataset = {**FULL, **shared, "id": identifier, **fields}
    return build_dataset_graph(Dataset.from_shown(dataset), replace(ALONE, site=KEPT))


def strangers(graph: Graph, *own: str) -> set[tuple[Any, Any, Any]]:
    """Return statements about other subjects than this record and its parts."""
    starts = tuple(own)
    return {
        (subject, predicate, value)
        for subject, predicate, value in graph
        if isinstance(value, URIRef)
        and str(value).startswith((SITE.base, f"{ORIGIN}/agua#"))
        and not str(subject).startswith((*starts, SITE.vocabulary))
    }


def test_a_description_refers_to_our_records_only_from_its_own_subjects() -> None:
    for identifier, kept in (("1", f"{ORIGIN}/agua#"), ("2", f"{SITE.base}/dataset/2")):
        graph = harvested(identifier)
        assert strangers(graph, kept, f"{SITE.base}/dataset/{identifier}") == set()
    for graph, own in (
        (build_dataset_graph(Dataset.from_shown(FULL), ALONE), SITE.dataset(FULL["id"])),
        (build_dataset_graph(Dataset.from_shown(MINIMAL), ALONE), SITE.dataset(MINIMAL["id"])),
        (build_idea_graph(Idea.from_shown(IDEA), ALONE), SITE.thing("idea", IDEA["id"])),
        # As in the feed: an idea itself names its workshop.
        (
            build_workshop_graph(Workshop.from_shown(WORKSHOP), replace(ALONE, ideas={})),
            SITE.thing("workshop", WORKSHOP["id"]),
        ),
    ):
        assert strangers(graph, own) == set()


def test_each_of_two_datasets_has_its_own_copy_of_a_shared_service() -> None:
    both = harvested("1") + harvested("2")
    services = set(both.subjects(RDF.type, DCAT.DataService))
    assert services == set(both.subjects(OWL.sameAs, URIRef(SERVICE["uri"])))
    served = [set(both.objects(each, DCAT.servesDataset)) for each in services]
    assert sorted(map(len, served)) == [1, 1]
    assert set.union(*served) == set(both.subjects(RDF.type, DCAT.Dataset))


def test_a_part_of_a_part_has_one_fragment() -> None:
    assert make_part_iri(make_part_iri(URIRef("https://a.gt/1"), "b"), "c") == URIRef(
        "https://a.gt/1#b-c"
    )
    for subject in set(harvested("1").subjects()) | set(harvested("2").objects(None, DCT.license)):
        assert str(subject).count("#") <= 1, subject
