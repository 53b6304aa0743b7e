"""The RDF of any dataset satisfies the shapes of DCAT-AP 3 and of our own profile."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyoxigraph
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdflib import Graph, URIRef

from ckanext.marathon.rdf.catalogue import build_catalogue_graph
from ckanext.marathon.rdf.commitment import build_commitment_graph
from ckanext.marathon.rdf.dataset import build_dataset_graph
from ckanext.marathon.rdf.facts import CatalogueFacts, Facts
from ckanext.marathon.rdf.formats import FORMATS, serialise_graph
from ckanext.marathon.rdf.idea import build_idea_graph
from ckanext.marathon.rdf.namespaces import DCAT, DCT, RDF, new_graph
from ckanext.marathon.rdf.profile import join_graphs
from ckanext.marathon.rdf.workshop import build_workshop_graph
from ckanext.marathon.records import Commitment, Dataset, Idea, Workshop

from .proofs import EXAMPLES
from .samples import (
    AUTHORITY,
    CATALOGUE,
    COMMITMENT,
    EMPTY,
    FACTS,
    FULL,
    IDEA,
    MINIMAL,
    SITE,
    WORKSHOP,
)
from .shapes import results, violations
from .strategies import datasets, like

A_PAGE = 20


def page(*packages: dict[str, Any], facts: Facts = FACTS) -> Graph:
    """Return a page of the catalogue, as ckanext-dcat puts it together."""
    graph = new_graph()
    join_graphs(graph, build_catalogue_graph(CATALOGUE))
    for each in packages:
        join_graphs(graph, build_dataset_graph(Dataset.from_shown(each), facts))
        graph.add((URIRef(SITE.base), DCAT.dataset, SITE.dataset(each["id"])))
    return graph


@pytest.mark.parametrize(
    "graph",
    [
        pytest.param(build_dataset_graph(Dataset.from_shown(FULL), FACTS), id="full"),
        pytest.param(build_dataset_graph(Dataset.from_shown(MINIMAL), FACTS), id="minimal"),
        pytest.param(build_dataset_graph(Dataset.from_shown(EMPTY), FACTS), id="empty"),
        pytest.param(
            build_dataset_graph(
                Dataset.from_shown({**FULL, "publisher": [], "contact": []}), FACTS
            ),
            id="own",
        ),
        pytest.param(build_idea_graph(Idea.from_shown(IDEA), FACTS), id="idea"),
        pytest.param(build_workshop_graph(Workshop.from_shown(WORKSHOP), FACTS), id="workshop"),
        pytest.param(
            build_commitment_graph(Commitment.from_shown(COMMITMENT), FACTS), id="commitment"
        ),
        pytest.param(build_catalogue_graph(CATALOGUE), id="catalogue"),
        pytest.param(build_catalogue_graph(CatalogueFacts(SITE, title="")), id="nameless"),
        pytest.param(page(FULL, MINIMAL, EMPTY), id="page"),
    ],
)
def test_full_minimal_and_empty_records_satisfy_the_shapes(graph: Graph) -> None:
    assert violations(graph) == []


def test_the_validator_finds_broken_datasets() -> None:
    broken = build_dataset_graph(Dataset.from_shown(FULL), FACTS)
    iri = SITE.dataset(FULL["id"])
    for predicate in (DCAT.theme, URIRef("http://purl.org/dc/terms/title")):
        broken.remove((iri, predicate, None))
    broken.add((iri, DCAT.theme, URIRef("https://a.gt/no-concept")))
    found = Counter(each.path.rpartition("/")[2] for each in violations(broken))
    assert found["title"] >= 1
    assert found["dcat#theme"] >= 1


@pytest.mark.parametrize(
    ("predicate", "value", "shape"),
    [
        (DCT.identifier, None, "Dataset"),
        (DCT.title, None, "Dataset"),
        (DCT.relation, None, "IdeaNamedTwice"),
        (DCAT.theme, f"{AUTHORITY}/data-theme/TRAN", "ThemeOfEurope"),
    ],
)
def test_the_own_profile_finds_missing_properties(
    predicate: URIRef, value: str | None, shape: str
) -> None:
    broken = build_dataset_graph(Dataset.from_shown(FULL), FACTS)
    broken.remove((SITE.dataset(FULL["id"]), predicate, URIRef(value) if value else None))
    assert shape in {each.shape for each in violations(broken)}


def test_the_own_profile_finds_a_missing_note_on_the_licence() -> None:
    broken = build_dataset_graph(Dataset.from_shown(FULL), FACTS)
    for distribution in list(broken.objects(None, DCAT.distribution)):
        broken.remove((distribution, DCT.rights, None))
    assert {each.shape for each in violations(broken)} == {"Distribution"}


def test_the_own_profile_finds_an_idea_published_as_a_dataset() -> None:
    broken = build_dataset_graph(Dataset.from_shown(FULL), FACTS)
    broken.add((SITE.thing("idea", IDEA["id"]), RDF.type, DCAT.Dataset))
    assert "Idea" in {each.shape for each in violations(broken)}


# Recommendations that a catalogue of Guatemala's municipalities cannot follow, and why.
NOT_OURS_TO_FOLLOW = {
    # Service problems besides the EU's themes, and municipalities that are in no EU list of places.
    "http://www.w3.org/ns/dcat#theme": "the EU's themes are not the only ones",
    "http://purl.org/dc/terms/spatial": "the EU lists no municipality of Guatemala",
    # The EU lists its own institutions and some states' ministries.
    "http://purl.org/dc/terms/publisher": "the EU lists no publisher of ours",
}


def test_all_recommendations_that_apply_are_followed() -> None:
    own = {**FULL, "publisher": [], "creator": [], "spatial_coverage": []}
    own["resources"] = [{**FULL["resources"][0], "license": ""}]
    facts = Facts(SITE, organizations=FACTS.organizations)
    graph = page({**own, "temporal_coverage": FULL["temporal_coverage"][:1]}, facts=facts)
    assert {each.path for each in results(graph)} <= set(NOT_OURS_TO_FOLLOW)


@settings(
    max_examples=max(2, EXAMPLES // A_PAGE),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(datasets(), min_size=A_PAGE, max_size=A_PAGE, unique_by=lambda each: each["id"]))
def test_a_page_of_hostile_datasets_has_no_violations(hostile: list[dict[str, Any]]) -> None:
    assert violations(page(*hostile)) == []


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(datasets())
def test_strict_parsers_read_a_hostile_dataset_in_every_format(
    hostile: dict[str, Any],
) -> None:
    graph = page(hostile)
    expected = len(graph)
    for extension, form in FORMATS.items():
        read = list(pyoxigraph.parse(serialise_graph(graph, extension), format=form.writer))
        assert len({str(each.triple) for each in read}) == expected, extension
    for name in ("turtle", "pretty-xml", "xml", "json-ld", "n3"):
        written = graph.serialize(format=name)
        parser = {"pretty-xml": "xml"}.get(name, name)
        assert len(Graph().parse(data=written, format=parser)) == expected, name


@settings(max_examples=EXAMPLES // 5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(like(IDEA), like(WORKSHOP), like(COMMITMENT))
def test_hostile_ideas_workshops_and_commitments_satisfy_the_shapes(
    idea: Any, workshop: Any, commitment: Any
) -> None:
    idea = {**(idea if isinstance(idea, dict) else {}), "id": IDEA["id"]}
    idea["workshop"] = WORKSHOP["id"]
    workshop = {**(workshop if isinstance(workshop, dict) else {}), "id": WORKSHOP["id"]}
    commitment = {**(commitment if isinstance(commitment, dict) else {}), "id": "c"}
    said, held = Idea.from_shown(idea), Workshop.from_shown(workshop)
    facts = Facts(SITE, ideas={said.id: said}, workshops={held.id: held})
    graph = new_graph()
    for each in (
        build_idea_graph(said, facts),
        build_workshop_graph(held, facts),
        build_commitment_graph(Commitment.from_shown(commitment), facts),
        build_dataset_graph(Dataset.from_shown({**FULL, "publisher": []}), facts),
    ):
        join_graphs(graph, each)
    serialise_graph(graph, "rdf")
    assert violations(graph) == []
