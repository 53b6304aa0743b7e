"""Concepts, described where they are used: type, label, code and scheme.

DCAT-AP's vocabulary shapes look for label and scheme of each concept in the page itself, and a
reader of one page need not fetch another to show a name.

Source: SKOS Reference; DCAT-AP 3.0.1, controlled vocabularies.
"""

from __future__ import annotations

from collections.abc import Mapping

from rdflib import Graph, Literal, URIRef

from ckanext.marathon.vocabulary import authorities, problems, statuses
from ckanext.marathon.vocabulary.errors import UnknownCode

from .literals import text
from .namespaces import DCT, RDF, SKOS
from .uris import Site

__all__ = [
    "add_authority",
    "add_problem",
    "add_problem_scheme",
    "add_scheme",
    "add_term",
    "add_texts",
    "problem_or_none",
]


def add_texts(
    graph: Graph, subject: URIRef, predicate: URIRef, texts: Mapping[str, str | None]
) -> None:
    """Add a text in each of its languages."""
    for lang, each in texts.items():
        literal = text(each, lang)
        if literal is not None:
            graph.add((subject, predicate, literal))


def add_authority(graph: Graph, concept: authorities.AuthorityConcept, *classes: URIRef) -> URIRef:
    """Describe a concept of somebody else's vocabulary and return its IRI.

    Args:
        graph: is added to.
        concept: of an authority table.
        classes: what DCAT wants it to be besides a concept, e.g. ``dct:Frequency``.
    """
    iri = URIRef(concept.iri)
    for each in (SKOS.Concept, *classes):
        graph.add((iri, RDF.type, each))
    add_texts(graph, iri, SKOS.prefLabel, concept.labels)
    scheme = add_scheme(graph, concept.scheme)
    if scheme is not None:
        graph.add((iri, SKOS.inScheme, scheme))
    return iri


def add_scheme(graph: Graph, name: str) -> URIRef | None:
    """Describe somebody else's scheme and return its IRI, ``None`` if it has none."""
    found = authorities.get_scheme(name)
    if not found.iri:
        return None
    iri = URIRef(found.iri)
    graph.add((iri, RDF.type, SKOS.ConceptScheme))
    add_texts(graph, iri, DCT.title, found.title)
    return iri


def add_term(graph: Graph, site: Site, kind: str, code: object, *classes: URIRef) -> URIRef | None:
    """Describe a term of one of our closed lists, e.g. the status of an idea.

    Returns:
        Its IRI; ``None`` if the list has no such term.
    """
    terms = statuses.get_term_list(kind)
    try:
        term = terms.term(str(code))
    except UnknownCode:
        return None
    iri, scheme = site.concept(kind, term.code), site.scheme(kind)
    for each in (SKOS.Concept, *classes):
        graph.add((iri, RDF.type, each))
    graph.add((iri, SKOS.notation, Literal(term.code)))
    add_texts(graph, iri, SKOS.prefLabel, term.labels)
    graph.add((iri, SKOS.inScheme, scheme))
    graph.add((scheme, RDF.type, SKOS.ConceptScheme))
    add_texts(graph, scheme, DCT.title, terms.title)
    return iri


def problem_or_none(notation: object) -> problems.ServiceProblem | None:
    """Return the service problem with a notation, ``None`` if there is none."""
    try:
        return problems.get_problem(str(notation))
    except UnknownCode:
        return None


def add_problem(graph: Graph, site: Site, problem: problems.ServiceProblem) -> URIRef:
    """Describe a service problem, with the EU themes it matches, and return its IRI."""
    iri = site.concept(problems.KIND, problem.notation)
    graph.add((iri, RDF.type, SKOS.Concept))
    graph.add((iri, SKOS.notation, Literal(problem.notation)))
    add_texts(graph, iri, SKOS.prefLabel, problem.pref_label)
    graph.add((iri, SKOS.inScheme, add_problem_scheme(graph, site)))
    for theme in problem.eu_themes:
        graph.add((iri, SKOS[theme.match], URIRef(theme.iri)))
    return iri


def add_problem_scheme(graph: Graph, site: Site) -> URIRef:
    """Describe the scheme of service problems and return its IRI."""
    iri = site.scheme(problems.KIND)
    graph.add((iri, RDF.type, SKOS.ConceptScheme))
    add_texts(graph, iri, DCT.title, problems.get_problem_scheme().title)
    return iri
