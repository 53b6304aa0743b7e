"""Every IRI of our vocabularies leads to a description, whole or alone."""

from __future__ import annotations

import re

import pytest
from rdflib import OWL, RDF, SKOS, Graph, Literal, URIRef

from ckanext.marathon.rdf import vocabulary as rdf_vocabulary
from ckanext.marathon.rdf.commitment import build_commitment_graph
from ckanext.marathon.rdf.dataset import build_dataset_graph
from ckanext.marathon.rdf.formats import FORMATS, serialise_graph
from ckanext.marathon.rdf.idea import build_idea_graph
from ckanext.marathon.rdf.namespaces import DCT
from ckanext.marathon.rdf.workshop import build_workshop_graph
from ckanext.marathon.records import Commitment, Dataset, Idea, Workshop
from ckanext.marathon.vocabulary import schemes
from ckanext.marathon.vocabulary.codes import UnknownCode

from .samples import COMMITMENT, FACTS, FULL, IDEA, SITE, WORKSHOP
from .shapes import violations


@pytest.mark.parametrize(
    ("kind", "count"), [("municipality", 340), ("department", 22), ("service-problem", 73)]
)
def test_a_scheme_holds_all_its_concepts(kind: str, count: int) -> None:
    graph = rdf_vocabulary.build_scheme_graph(SITE, kind)
    concepts = set(graph.subjects(SKOS.inScheme, SITE.scheme(kind)))
    assert len(concepts) == count
    assert (SITE.scheme(kind), RDF.type, SKOS.ConceptScheme) in graph


@pytest.mark.parametrize("kind", schemes.CONCEPT_KINDS)
def test_a_scheme_satisfies_the_shapes(kind: str) -> None:
    assert violations(rdf_vocabulary.build_scheme_graph(SITE, kind)) == []


def test_a_municipality_is_part_of_its_department() -> None:
    graph = rdf_vocabulary.build_concept_graph(SITE, "municipality", "0115")
    iri = SITE.concept("municipality", "0115")
    assert (iri, DCT.isPartOf, SITE.concept("department", "01")) in graph
    assert (iri, SKOS.notation, Literal("0115")) in graph


def test_a_problem_has_its_labelled_area_definition_and_cofog_code() -> None:
    graph = rdf_vocabulary.build_concept_graph(SITE, "service-problem", "AGU-01")
    iri, area = (SITE.concept("service-problem", each) for each in ("AGU-01", "AGU"))
    assert (iri, SKOS.broader, area) in graph
    assert graph.value(iri, SKOS.definition) is not None
    assert graph.value(area, SKOS.prefLabel) is not None
    assert graph.value(iri, SITE.term("cofogCode")) == Literal("06.3")


@pytest.mark.parametrize(
    ("kind", "code"),
    [("municipality", "9999"), ("service-problem", "XXX-01"), ("idea-status", "x"), ("x", "y")],
)
def test_an_unknown_concept_is_refused(kind: str, code: str) -> None:
    with pytest.raises(UnknownCode):
        rdf_vocabulary.build_concept_graph(SITE, kind, code)


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(UnknownCode):
        rdf_vocabulary.build_scheme_graph(SITE, "x")


def test_every_used_concept_and_property_of_ours_is_described() -> None:
    ontology = rdf_vocabulary.build_ontology_graph(SITE)
    taxonomy = rdf_vocabulary.build_scheme_graph(SITE, "service-problem")
    used = Graph()
    for graph in (
        build_dataset_graph(Dataset.from_shown(FULL), FACTS),
        build_idea_graph(Idea.from_shown({**IDEA, "example": True}), FACTS),
        build_workshop_graph(
            Workshop.from_shown(
                {
                    **WORKSHOP,
                    "participants_men": 10,
                    "participants_youth": 9,
                    "participants_masked": [],
                }
            ),
            FACTS,
        ),
        build_commitment_graph(Commitment.from_shown(COMMITMENT), FACTS),
    ):
        used += graph
    ours = {
        str(each)
        for triple in used
        for each in triple
        if isinstance(each, URIRef) and each.startswith(f"{SITE.vocabulary}/")
    }
    terms = {each for each in ours if "/def#" in each}
    described = {str(each) for each in ontology.subjects(RDF.type)} | {
        str(each) for each in taxonomy.subjects(RDF.type)
    }
    assert terms <= described
    # The feed's own documents use these (tests/feeds/test_serving.py).
    terms |= {f"{SITE.vocabulary}/def#{name}" for name in ("changeNumber", "feedEpoch")}
    # Those of service problems are in the taxonomy.
    terms |= {str(each) for each in taxonomy.predicates() if "/def#" in each}
    assert {str(each) for each in ontology.subjects(RDF.type, OWL.DatatypeProperty)} <= terms
    for iri in ours - terms:
        kind, _, code = iri.removeprefix(f"{SITE.vocabulary}/").partition("/")
        found = (
            rdf_vocabulary.build_concept_graph(SITE, kind, code)
            if code
            else rdf_vocabulary.build_scheme_graph(SITE, kind)
        )
        assert (URIRef(iri), None, None) in found


@pytest.mark.parametrize("extension", FORMATS)
def test_every_format_is_written_as_utf_8_with_its_media_type(extension: str) -> None:
    body = serialise_graph(
        rdf_vocabulary.build_concept_graph(SITE, "municipality", "0115"), extension
    )
    assert "Villa Nueva" in body.decode("utf-8")
    assert re.fullmatch(r"(text|application)/[a-z0-9+-]+", FORMATS[extension].media_type)
