"""The site's vocabularies as SKOS: the graphs of schemes and concepts, served at their IRIs.

Source: SKOS Reference; GeoSPARQL for places.
"""

from __future__ import annotations

from importlib.resources import files

from rdflib import Graph, Literal, URIRef

from ckanext.marathon.rdf.concept import add_term, add_texts
from ckanext.marathon.rdf.facts import Site
from ckanext.marathon.rdf.place import SCHEME_TITLES, add_place
from ckanext.marathon.vocabulary import codes, problems, schemes, territory
from ckanext.marathon.vocabulary.codes import UnknownCode

from .namespaces import DCT, OWL, RDF, SKOS, new_graph


def build_concept_graph(site: Site, kind: str, code: str) -> Graph:
    """Return the graph of one concept.

    Args:
        site: the site with the starts of IRIs.
        kind: ``municipality``, ``department``, ``service-problem`` or the name of a closed list.
        code: INE code, notation or code of a term.

    Raises:
        UnknownCode: there is no such kind or code.
    """
    iri = site.concept(kind, code)
    if kind == problems.KIND:
        return _about(iri, _taxonomy(site))
    graph = new_graph(site.vocabulary)
    _add_scheme(graph, site, kind)
    _add(graph, site, kind, code)
    return graph


def build_scheme_graph(site: Site, kind: str) -> Graph:
    """Return the graph of a scheme with all its concepts.

    Raises:
        UnknownCode: there is no such kind.
    """
    site.scheme(kind)
    if kind == problems.KIND:
        return _taxonomy(site)
    graph = new_graph(site.vocabulary)
    _add_scheme(graph, site, kind)
    for code in _codes(kind):
        _add(graph, site, kind, code)
        graph.add((site.concept(kind, code), SKOS.topConceptOf, site.scheme(kind)))
    return graph


def build_ontology_graph(site: Site) -> Graph:
    """Return the site's own properties: those of ``schemas/ontology.ttl`` and of the taxonomy."""
    turtle = files("ckanext.marathon.schemas").joinpath("ontology.ttl").read_bytes()
    graph = new_graph(site.vocabulary)
    graph.parse(data=turtle, format="turtle", publicID=f"{site.vocabulary}/")
    for triple in _taxonomy(site):
        if str(triple[0]).startswith(f"{site.vocabulary}/def#"):
            graph.add(triple)
    return graph


def read_profile_turtle(site: Site) -> bytes:
    """Return the application profile as SHACL in Turtle (``schemas/marathon-ap.ttl``)."""
    turtle = files("ckanext.marathon.schemas").joinpath("marathon-ap.ttl").read_bytes()
    return f"@base <{site.vocabulary}/> .\n".encode() + turtle


def _codes(kind: str) -> tuple[str, ...]:
    if kind == "municipality":
        return tuple(municipality.code for municipality in territory.list_municipalities())
    if kind == "department":
        return tuple(department.code for department in territory.list_departments())
    return schemes.get_term_list(kind).codes


def _add_scheme(graph: Graph, site: Site, kind: str) -> None:
    iri = site.scheme(kind)
    title = SCHEME_TITLES.get(kind) or schemes.get_term_list(kind).title
    graph.add((iri, RDF.type, SKOS.ConceptScheme))
    add_texts(graph, iri, DCT.title, title)


def _add(graph: Graph, site: Site, kind: str, code: str) -> None:
    iri = site.concept(kind, code)
    if kind not in SCHEME_TITLES:
        add_term(graph, site, kind, code)
        add_texts(graph, iri, SKOS.definition, schemes.get_term_list(kind).term(code).definition)
        return
    add_place(graph, site, kind, code)
    graph.add((iri, SKOS.notation, Literal(code)))
    if kind == "municipality":
        place = territory.get_municipality(code)
        for name in place.alt_names:
            graph.add((iri, SKOS.altLabel, Literal(name, lang="es")))
        department = site.concept("department", place.department_code)
        graph.add((iri, DCT.isPartOf, department))
        replaced_by = place.replaced_by
    else:
        department = territory.get_department(code)
        for municipality in territory.list_municipalities_of(code):
            graph.add((iri, DCT.hasPart, site.concept("municipality", municipality.code)))
        graph.add((iri, DCT.identifier, Literal(department.iso_3166_2)))
        replaced_by = department.replaced_by
    for area in replaced_by:
        graph.add((iri, DCT.isReplacedBy, site.concept(kind, area)))


def _taxonomy(site: Site) -> Graph:
    """Return the taxonomy of service problems from its file, with labels in further languages."""
    graph = new_graph(site.vocabulary)
    graph.parse(data=codes.read_taxonomy_bytes(), format="turtle", publicID=f"{site.vocabulary}/")
    for problem in (*problems.list_areas(), *problems.list_problems()):
        iri = site.concept(problems.KIND, problem.notation)
        add_texts(graph, iri, SKOS.prefLabel, problem.pref_label)
    return graph


def _about(iri: URIRef, graph: Graph) -> Graph:
    """Return the triples about one concept, and the labels of the nodes that it links to."""
    found = new_graph()
    for triple in graph.triples((iri, None, None)):
        found.add(triple)
        for predicate in (RDF.type, SKOS.prefLabel, SKOS.notation, DCT.title, OWL.versionInfo):
            for value in graph.objects(triple[2], predicate):
                found.add((triple[2], predicate, value))
    if not len(found):
        raise UnknownCode(problems.KIND, str(iri))
    return found
