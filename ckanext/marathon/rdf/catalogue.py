"""The site itself as ``dcat:Catalog``, and the minimal description of a record.

A record that cannot be described in full is described briefly: title, description, publisher and
page.

Source: DCAT-AP 3, Catalogue.
"""

from __future__ import annotations

from rdflib import Graph, Literal, URIRef

from ckanext.marathon.rdf.agent import add_named_agent, add_office, add_organization
from ckanext.marathon.rdf.concept import (
    add_authority,
    add_document,
    add_licence,
    add_problem_scheme,
    add_scheme,
)
from ckanext.marathon.rdf.facts import CatalogueFacts, PartFacts, Site, make_part_iri, make_web_iri
from ckanext.marathon.rdf.literals import make_label, make_moment, make_text
from ckanext.marathon.rdf.place import add_country, add_place
from ckanext.marathon.records import Organization, Record
from ckanext.marathon.vocabulary import authorities

from .namespaces import DCAT, DCT, FOAF, PROV, RDF, new_graph

# IRI of the version of DCAT-AP, as in its official shapes.
DCAT_AP = URIRef("https://semiceu.github.io/DCAT-AP/releases/3.0.1")


def build_catalogue_graph(facts: CatalogueFacts, iri: URIRef | None = None) -> Graph:
    """Return the description of the catalogue (title, publisher, languages …) without its datasets.

    Args:
        facts: title, publisher, languages …
        iri: IRI of the catalogue; by default the start of all IRIs.
    """
    site = facts.site
    graph = new_graph(site.vocabulary)
    iri = iri or URIRef(site.base)
    lang = site.language
    title = make_label(lang, facts.title, site.base)
    graph.add((iri, RDF.type, DCAT.Catalog))
    for predicate, literal in (
        (DCT.title, title),
        (DCT.description, make_label(lang, facts.description, title)),
        (DCT.issued, make_moment(facts.issued, utc=True)),
        (DCT.modified, make_moment(facts.modified, utc=True)),
    ):
        if literal is not None:
            graph.add((iri, predicate, literal))
    _add_publisher(graph, iri, facts)
    homepage = make_web_iri(site.url)
    if homepage is not None:
        graph.add((iri, FOAF.homepage, homepage))
        add_document(graph, site, homepage, title)
    for locale in facts.languages:
        language = authorities.find_language(locale)
        if language is not None:
            node = add_authority(graph, language, DCT.LinguisticSystem)
            graph.add((iri, DCT.language, node))
    licence = add_licence(graph, facts.licence) if facts.licence else None
    if licence is not None:
        graph.add((iri, DCT.license, licence))
    graph.add((iri, DCT.spatial, add_country(graph)))
    for scheme in (add_problem_scheme(graph, site), add_scheme(graph, "data-theme")):
        if scheme is not None:
            graph.add((iri, DCAT.themeTaxonomy, scheme))
    graph.add((iri, DCT.conformsTo, DCAT_AP))
    graph.add((DCAT_AP, RDF.type, DCT.Standard))
    return graph


def build_part_graph(part: PartFacts) -> Graph:
    """Return the triples in which a part of the catalogue differs from the whole catalogue."""
    site, iri = part.site, part.iri
    graph = new_graph(site.vocabulary)
    graph.add((iri, RDF.type, DCAT.Catalog))
    for lang, title in part.titles.items():
        about = _ABOUT.get(lang, _ABOUT["en"]).format(part=title, catalogue=part.catalogue)
        graph.add((iri, DCT.title, Literal(f"{part.catalogue}: {title}", lang)))
        graph.add((iri, DCT.description, Literal(about, lang)))
    homepage = make_web_iri(part.homepage)
    if homepage is not None:
        graph.add((iri, FOAF.homepage, homepage))
        for lang, title in part.titles.items():
            add_document(graph, site, homepage, Literal(f"{part.catalogue}: {title}", lang))
    places = [place for kind, code in part.places if (place := add_place(graph, site, kind, code))]
    for place in places or [add_country(graph)]:
        graph.add((iri, DCT.spatial, place))
    return graph


# Properties of the whole catalogue that a part replaces by its own.
OF_THE_WHOLE = (DCT.title, DCT.description, DCT.spatial, FOAF.homepage)

_ABOUT = {
    "es": "Los conjuntos de datos de {part} en {catalogue}.",
    "en": "The datasets of {part} in {catalogue}.",
}


def _add_publisher(graph: Graph, iri: URIRef, facts: CatalogueFacts) -> None:
    """Add the publisher: the coordinating body, else the site; DCAT-AP requires exactly one."""
    if facts.publisher is None:
        publisher = make_part_iri(iri, "publisher")
        add_named_agent(graph, publisher, facts.title or iri)
    else:
        publisher = add_organization(graph, facts.site, facts.publisher)
        office = add_office(graph, facts.site, facts.publisher)
        if office is not None:
            graph.add((iri, DCAT.contactPoint, office))
    graph.add((iri, DCT.publisher, publisher))


_CLASSES = {
    "dataset": DCAT.Dataset,
    "workshop": PROV.Activity,
    "idea": PROV.Entity,
    "commitment": PROV.Plan,
    "organization": FOAF.Organization,
}


def build_brief_graph(site: Site, kind: str, record: Record, owner: Organization | None) -> Graph:
    """Return title, description, publisher and page of a record.

    Args:
        site: the site with the starts of IRIs.
        kind: ``dataset``, ``workshop``, ``idea``, ``commitment`` or ``organization``.
        record: id, name, title and notes; any values are accepted.
        owner: its organisation, which is named and not described.
    """
    graph = new_graph(site.vocabulary)
    iri, page = site.thing(kind, record.id), site.page(kind, record.id)
    title = make_label(site.language, record.title, record.name, record.id)
    graph.add((iri, RDF.type, _CLASSES[kind]))
    if kind == "organization":
        add_named_agent(graph, iri, title)
        return graph
    graph.add((iri, DCT.title, title))
    graph.add((iri, DCT.description, make_text(record.notes, site.language) or title))
    add_document(graph, site, page, title if page != iri else None)
    graph.add((iri, DCAT.landingPage if kind == "dataset" else FOAF.page, page))
    if kind == "dataset":
        graph.add((iri, DCT.identifier, Literal(str(iri))))
    if owner is not None:
        graph.add((iri, DCT.publisher, site.thing("organization", owner.id)))
    return graph
