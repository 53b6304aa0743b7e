"""The site itself, as ``dcat:Catalog``.

Source: DCAT-AP 3, Catalogue.
"""

from __future__ import annotations

from rdflib import Graph, Literal, URIRef

from ckanext.marathon.vocabulary import authorities

from .agent import add_named_agent, add_office, add_organization
from .concept import add_authority, add_problem_scheme, add_scheme
from .document import add_document
from .facts import CatalogueFacts, PartFacts
from .iri import web
from .licence import add_licence
from .literals import label, moment
from .namespaces import DCAT, DCT, FOAF, RDF, new_graph
from .place import add_country, add_place
from .uris import part

__all__ = ["DCAT_AP", "OF_THE_WHOLE", "catalogue_graph", "part_graph"]

# The IRI by which the official shapes call the version they check.
DCAT_AP = URIRef("https://semiceu.github.io/DCAT-AP/releases/3.0.1")


def catalogue_graph(facts: CatalogueFacts, iri: URIRef | None = None) -> Graph:
    """Return what the catalogue says of itself, without its datasets.

    Args:
        facts: title, publisher, languages …
        iri: of the catalogue, by default the base of all IRIs.
    """
    site = facts.site
    graph = new_graph(site.vocabulary)
    iri = iri or URIRef(site.base)
    lang = site.language
    title = label(lang, facts.title, site.base)
    graph.add((iri, RDF.type, DCAT.Catalog))
    for predicate, literal in (
        (DCT.title, title),
        (DCT.description, label(lang, facts.description, title)),
        (DCT.issued, moment(facts.issued, utc=True)),
        (DCT.modified, moment(facts.modified, utc=True)),
    ):
        if literal is not None:
            graph.add((iri, predicate, literal))
    _add_publisher(graph, iri, facts)
    homepage = web(site.url)
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


def part_graph(part: PartFacts) -> Graph:
    """Return what a part of the catalogue says of itself that the whole does not say of itself."""
    site, iri = part.site, part.iri
    graph = new_graph(site.vocabulary)
    graph.add((iri, RDF.type, DCAT.Catalog))
    for lang, title in part.titles.items():
        about = _ABOUT.get(lang, _ABOUT["en"]).format(part=title, catalogue=part.catalogue)
        graph.add((iri, DCT.title, Literal(f"{part.catalogue}: {title}", lang)))
        graph.add((iri, DCT.description, Literal(about, lang)))
    homepage = web(part.homepage)
    if homepage is not None:
        graph.add((iri, FOAF.homepage, homepage))
        for lang, title in part.titles.items():
            add_document(graph, site, homepage, Literal(f"{part.catalogue}: {title}", lang))
    places = [place for kind, code in part.places if (place := add_place(graph, site, kind, code))]
    for place in places or [add_country(graph)]:
        graph.add((iri, DCT.spatial, place))
    return graph


# Its own words come in its place.
OF_THE_WHOLE = (DCT.title, DCT.description, DCT.spatial, FOAF.homepage)

_ABOUT = {
    "es": "Los conjuntos de datos de {part} en {catalogue}.",
    "en": "The datasets of {part} in {catalogue}.",
}


def _add_publisher(graph: Graph, iri: URIRef, facts: CatalogueFacts) -> None:
    """Name the coordinating body, else the site itself: DCAT-AP wants exactly one."""
    if facts.publisher is None:
        publisher = part(iri, "publisher")
        add_named_agent(graph, publisher, facts.title or iri)
    else:
        publisher = add_organization(graph, facts.site, facts.publisher)
        office = add_office(graph, facts.site, facts.publisher)
        if office is not None:
            graph.add((iri, DCAT.contactPoint, office))
    graph.add((iri, DCT.publisher, publisher))
