"""Every document has one title, and a record that is used as a document has its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rdflib import Graph, Literal, URIRef

from ckanext.marathon.feeds import triples
from ckanext.marathon.rdf.catalogue import (
    build_brief_graph,
    build_catalogue_graph,
    build_part_graph,
)
from ckanext.marathon.rdf.commitment import build_commitment_graph
from ckanext.marathon.rdf.dataset import build_dataset_graph
from ckanext.marathon.rdf.facts import Facts, PartFacts
from ckanext.marathon.rdf.idea import build_idea_graph
from ckanext.marathon.rdf.namespaces import DCT, FOAF, RDF, new_graph
from ckanext.marathon.rdf.profile import join_graphs
from ckanext.marathon.records import Commitment, Dataset, Idea, read_record

from .samples import CATALOGUE, COMMITMENT, FACTS, FULL, IDEA, MINIMAL, SITE

OTHERS = "https://otro.gt/d/1"


def titles(graph: Graph, address: str) -> set[str]:
    return {str(each) for each in graph.objects(URIRef(address), DCT.title)}


def described(**fields: Any) -> Graph:
    return build_dataset_graph(Dataset.from_shown({**MINIMAL, **fields}), FACTS)


@pytest.mark.parametrize(
    "graph",
    [
        pytest.param(build_dataset_graph(Dataset.from_shown(FULL), FACTS), id="dataset"),
        pytest.param(build_idea_graph(Idea.from_shown(IDEA), FACTS), id="idea"),
        pytest.param(
            build_commitment_graph(Commitment.from_shown(COMMITMENT), FACTS), id="commitment"
        ),
        pytest.param(build_catalogue_graph(CATALOGUE), id="catalogue"),
        pytest.param(
            build_part_graph(
                PartFacts(
                    site=SITE,
                    iri=URIRef(f"{SITE.base}/municipality/0115/catalog"),
                    catalogue="Maratones",
                    titles={"es": "Villa Nueva"},
                    homepage=f"{SITE.url}/municipality/0115",
                )
            ),
            id="part",
        ),
        pytest.param(
            build_dataset_graph(
                Dataset.from_shown({**MINIMAL, "documentation_text": ["Manual", OTHERS]}), FACTS
            ),
            id="others",
        ),
        pytest.param(
            build_dataset_graph(
                Dataset.from_shown(
                    {
                        **MINIMAL,
                        "resources": [
                            {
                                "id": "r",
                                "access_services": [
                                    {"endpoint_url": ["https://a.gt/api"], "landing_page": OTHERS}
                                ],
                            }
                        ],
                    }
                ),
                FACTS,
            ),
            id="service",
        ),
        pytest.param(build_brief_graph(SITE, "dataset", read_record(MINIMAL), None), id="brief"),
    ],
)
def test_every_document_has_one_title(graph: Graph) -> None:
    documents = set(graph.subjects(RDF.type, FOAF.Document))
    assert documents
    for document in documents:
        assert len(list(graph.objects(document, DCT.title))) == 1, document


def test_an_untitled_document_is_titled_by_its_address() -> None:
    address = "https://villanueva.example.gt/manual.pdf"
    found = described(url=address, documentation=[address])
    assert titles(found, address) == {"villanueva.example.gt/manual.pdf"}


def test_pages_of_the_catalogue_have_a_title() -> None:
    address = f"{SITE.base}/marathon/data"
    assert titles(described(documentation=[address]), address)


@pytest.mark.parametrize(
    "thing",
    [
        SITE.base,
        str(SITE.dataset(FULL["id"])),
        str(SITE.thing("idea", IDEA["id"])),
        str(SITE.concept("municipality", "0115")),
    ],
)
def test_our_records_are_not_titled_by_their_address(thing: str) -> None:
    found = described(documentation=[thing])
    assert (URIRef(thing), RDF.type, FOAF.Document) in found
    assert titles(found, thing) == set()


def test_a_dataset_whose_page_is_its_kept_iri_keeps_its_title() -> None:
    facts = Facts(replace(SITE, kept={MINIMAL["id"]: OTHERS}))
    found = build_dataset_graph(Dataset.from_shown({**MINIMAL, "url": OTHERS}), facts)
    assert titles(found, OTHERS) == {MINIMAL["title"]}


class TestDatasetUsedAsDocument:
    def bodies(self) -> list[Graph]:
        facts = Facts(replace(SITE, kept={MINIMAL["id"]: OTHERS}))
        return [
            build_dataset_graph(Dataset.from_shown({**FULL, "documentation": [OTHERS]}), FACTS),
            build_dataset_graph(Dataset.from_shown(MINIMAL), facts),
        ]

    @pytest.mark.parametrize("turned", [False, True])
    def test_it_keeps_its_title_in_a_page_of_ckanext_dcat(self, turned: bool) -> None:
        page = new_graph()
        for each in self.bodies()[:: -1 if turned else 1]:
            join_graphs(page, each)
        assert titles(page, OTHERS) == {MINIMAL["title"]}

    @pytest.mark.parametrize("turned", [False, True])
    def test_it_keeps_its_title_in_a_page_of_the_feed(self, turned: bool) -> None:
        bodies = [each.serialize(format="nt11", encoding="utf-8") for each in self.bodies()]
        lines = triples.join_descriptions(bodies[:: -1 if turned else 1])
        page = Graph().parse(data=b"\n".join(lines), format="nt")
        assert titles(page, OTHERS) == {MINIMAL["title"]}
        assert titles(page, str(SITE.dataset(FULL["id"]))) == {FULL["title"]}

    def test_a_title_without_a_language_stays_where_it_is_the_only_one(self) -> None:
        page = new_graph()
        named = URIRef("https://otro.gt/licencia")
        page.add((named, DCT.title, Literal("MIT")))
        join_graphs(page, self.bodies()[0])
        assert titles(page, str(named)) == {"MIT"}
        body = page.serialize(format="nt11", encoding="utf-8")
        assert any(b'"MIT"' in line for line in triples.join_descriptions([body]))
