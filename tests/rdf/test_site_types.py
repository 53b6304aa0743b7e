"""Graphs of other profiles, in the form that the feed's log needs."""

from __future__ import annotations

import pytest
from rdflib import BNode, Graph, Literal, URIRef

from ckanext.marathon.rdf.facts import Facts, Site
from ckanext.marathon.rdf.formats import FORMATS, serialise_graph
from ckanext.marathon.rdf.lookups import _tidy, is_site_type, select_site_profiles
from ckanext.marathon.rdf.namespaces import DCAT, DCT, FOAF, VCARD
from ckanext.marathon.records import Organization

SITE = Site("https://datos.example.gt", "https://datos.example.gt/vocabulary", "https://www.gt")
IRI = SITE.dataset("1")
OWNER = SITE.thing("organization", "2")


def tidy(*triples: tuple, alone: bool = True, owner: bool = True) -> Graph:
    graph = Graph()
    for triple in triples:
        graph.add(triple)
    facts = Facts(SITE, {"2": Organization(id="2")} if owner else {}, alone=alone)
    return _tidy(graph, "1", facts)


def with_blank_nodes() -> list[tuple]:
    contact, name, other = BNode(), BNode(), BNode()
    return [
        (IRI, DCAT.contactPoint, contact),
        (contact, VCARD.hasName, name),
        (name, VCARD.fn, Literal("Ana")),
        (IRI, DCT.temporal, other),
        (other, DCAT.startDate, Literal("2018")),
    ]


def test_blank_nodes_get_stable_iris() -> None:
    once, again = tidy(*with_blank_nodes()), tidy(*reversed(with_blank_nodes()))
    assert set(once) == set(again)
    assert len(once) == 5
    assert not [node for triple in once for node in triple if isinstance(node, BNode)]


def test_blank_nodes_that_lead_in_a_circle_are_kept() -> None:
    one, two = BNode(), BNode()
    graph = tidy(
        (IRI, DCT.relation, one),
        (one, DCT.title, Literal("One")),
        (one, DCT.relation, two),
        (two, DCT.title, Literal("Two")),
        (two, DCT.relation, one),
    )
    first = graph.value(IRI, DCT.relation)
    second = graph.value(first, DCT.relation)
    assert [graph.value(node, DCT.title) for node in (first, second)] == [
        Literal("One"),
        Literal("Two"),
    ]
    assert graph.value(second, DCT.relation) == first
    assert isinstance(first, URIRef)
    assert len(graph) == 5


def test_two_different_contacts_are_not_merged() -> None:
    ana, eva = BNode(), BNode()
    graph = tidy(
        (IRI, DCAT.contactPoint, ana),
        (IRI, DCAT.contactPoint, eva),
        (ana, VCARD.fn, Literal("Ana")),
        (eva, VCARD.fn, Literal("Eva")),
    )
    assert len(set(graph.objects(IRI, DCAT.contactPoint))) == 2


@pytest.mark.parametrize(
    ("predicate", "value", "expected"),
    [
        # An IRI with a blank, and a relative one.
        (DCAT.landingPage, URIRef("http://example.gt/a b"), None),
        (DCAT.landingPage, URIRef("informe"), None),
        # RDF/XML has no name for it.
        (URIRef("http://example.gt/1"), Literal("x"), None),
        (DCT.title, Literal("Título", lang="es-GT"), Literal("Título", lang="es-gt")),
        (DCT.title, Literal("Título", lang="castellano"), Literal("Título")),
        (DCT.title, Literal("a\x01b"), Literal("ab")),
        (DCT.issued, Literal("x", datatype=URIRef("not an iri")), Literal("x")),
    ],
)
def test_invalid_terms_are_corrected_or_left_out(
    predicate: URIRef, value: URIRef | Literal, expected: Literal | None
) -> None:
    graph = tidy((IRI, predicate, value), (IRI, DCT.description, Literal("stays")))
    found = graph.value(IRI, predicate)
    assert found == expected
    assert graph.value(IRI, DCT.description) == Literal("stays")
    for extension in FORMATS:
        assert serialise_graph(graph, extension), extension


def test_triples_about_other_records_of_the_site_are_removed() -> None:
    others = [SITE.base, SITE.dataset("9"), SITE.thing("idea", "3"), SITE.vocabulary, OWNER]
    triples = [(URIRef(each), FOAF.name, Literal("said of others")) for each in others]
    own = [(SITE.distribution("1", "4"), DCT.title, Literal("File"))]
    foreign = [(URIRef("https://other.example/agent"), FOAF.name, Literal("Agent"))]
    assert set(tidy(*triples, *own, *foreign)) == {*own, *foreign}
    # Alone in a document, the owner is described with it.
    assert (OWNER, FOAF.name, Literal("said of others")) in tidy(*triples, alone=False)


def test_the_site_profiles_are_the_configured_ones_without_marathon() -> None:
    assert select_site_profiles("marathon") == ["euro_dcat_ap_3"]
    assert select_site_profiles(None) == ["euro_dcat_ap_3"]
    assert select_site_profiles("euro_dcat_ap_2 marathon mine") == ["euro_dcat_ap_2", "mine"]
    assert [each for each in ("dataset", "idea", "informe", None) if is_site_type(each)] == [
        "informe"
    ]
