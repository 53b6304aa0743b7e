"""An idea is a ``prov:Entity`` that a workshop generated; its data needs are parts of it.

Neither is a ``dcat:Dataset`` or ``dcat:Resource``, which portals would list.

Source: PROV-O, Influence.
"""

from __future__ import annotations

from collections.abc import Iterator

from rdflib import Graph, Literal, URIRef

from ckanext.marathon.rdf.concept import add_document, add_problem, add_term, find_problem
from ckanext.marathon.rdf.facts import Facts, make_part_iri, make_web_iri
from ckanext.marathon.rdf.literals import clean_text, make_count, make_label, make_text
from ckanext.marathon.rdf.place import add_municipality
from ckanext.marathon.rdf.workshop import (
    add_generation,
    make_title,
    refer_to_organization,
    refer_to_workshop,
)
from ckanext.marathon.records import DataNeed, Dataset, Idea
from ckanext.marathon.vocabulary import authorities

from .namespaces import ADMS, DCT, FOAF, PROV, RDF, XSD, new_graph


def build_idea_graph(idea: Idea, facts: Facts) -> Graph:
    """Return the description of an idea, with its public workshop and datasets.

    Args:
        idea: the idea.
        facts: its organisation, its workshop and its datasets.
    """
    site = facts.site
    graph = new_graph(site.vocabulary)
    iri = add_idea(graph, idea, facts)
    lang = site.language
    for predicate, literal in (
        (DCT.description, make_text(idea.notes, lang)),
        (site.term("votes"), make_count(idea.votes, XSD.integer)),
        (site.term("priority"), make_count(idea.priority, XSD.integer)),
        *((site.term("community"), make_text(name, lang)) for name in idea.communities),
    ):
        if literal is not None:
            graph.add((iri, predicate, literal))
    group = add_term(graph, site, "proponent-group", idea.proponent_group)
    if group is not None:
        graph.add((iri, site.term("proponentGroup"), group))
    for code in idea.municipalities:
        place = add_municipality(graph, site, code)
        if place is not None:
            graph.add((iri, DCT.spatial, place))
    for notation in idea.problems:
        problem = find_problem(notation)
        if problem is not None:
            graph.add((iri, DCT.subject, add_problem(graph, site, problem)))
    for address in idea.evidence:
        page = make_web_iri(address)
        if page is not None:
            graph.add((iri, FOAF.page, page))
            add_document(graph, site, page)
    for need in idea.data_needs:
        add_need(graph, idea, need, facts)
    for literal in _summaries(idea):
        graph.add((iri, DCT.abstract, literal))
    owner = facts.owner_of(idea)
    if owner is not None:
        graph.add((iri, PROV.wasAttributedTo, refer_to_organization(graph, owner, facts)))
    for dataset in facts.datasets:
        graph.add((iri, DCT.relation, site.dataset(dataset.id)))
    return graph


def add_idea(graph: Graph, idea: Idea, facts: Facts) -> URIRef:
    """Add the short description of an idea that a dataset's graph needs, and return its IRI."""
    site = facts.site
    iri = site.thing("idea", idea.id)
    graph.add((iri, RDF.type, PROV.Entity))
    graph.add((iri, DCT.title, make_title(idea, site)))
    status = add_term(graph, site, "idea-status", idea.status)
    if status is not None:
        graph.add((iri, ADMS.status, status))
    if idea.is_example:
        graph.add((iri, site.term("example"), Literal(True)))
    workshop = facts.workshop_of(idea)
    if workshop is not None:
        iri_of_workshop = refer_to_workshop(graph, workshop, facts)
        add_generation(graph, iri_of_workshop, iri, not facts.alone)
    return iri


def add_need(graph: Graph, idea: Idea, need: DataNeed, facts: Facts) -> URIRef | None:
    """Describe a data need of an idea and return its IRI, ``None`` if it has no id."""
    site = facts.site
    if not clean_text(need.id):
        return None
    iri = site.data_need(idea.id, need.id)
    graph.add((iri, RDF.type, PROV.Entity))
    graph.add((iri, DCT.title, make_label(site.language, need.what, need.id)))
    graph.add((iri, DCT.isPartOf, site.thing("idea", idea.id)))
    why = make_text(need.why, site.language)
    if why is not None:
        graph.add((iri, DCT.description, why))
    return iri


def add_relations(graph: Graph, dataset: Dataset, iri: URIRef, facts: Facts) -> None:
    """Relate a dataset to its ideas, their workshops and the data needs that it meets.

    An idea is named twice: in ``dct:relation``, which every harvester reads, and with its role in
    ``prov:qualifiedInfluence``, as data needs are. The range of ``dcat:qualifiedRelation`` is a
    resource of a catalogue, which ideas are not.

    The role is the ``dct:type`` of the influence: ``prov:hadRole`` belongs to associations and to
    instantaneous events, ``dcat:hadRole`` to attributions and relationships. It is no derivation
    (``prov:Derivation``), because the data may be older than the idea.
    """
    related: list[tuple[URIRef, str]] = []
    for idea in facts.ideas_of(dataset):
        iri_of_idea = (
            facts.site.thing("idea", idea.id) if facts.alone else add_idea(graph, idea, facts)
        )
        graph.add((iri, DCT.relation, iri_of_idea))
        related.append((iri_of_idea, "origin"))
        workshop = facts.workshop_of(idea)
        if workshop is not None:
            iri_of_workshop = facts.site.thing("workshop", workshop.id)
            add_generation(graph, iri_of_workshop, iri, not facts.alone)
        for need in idea.data_needs:
            if need.id not in dataset.data_need_ids:
                continue
            if facts.alone:
                met = facts.site.data_need(idea.id, need.id)
            else:
                met = add_need(graph, idea, need, facts)
            if met is not None:
                related.append((met, "data_need"))
    for number, (other, role) in enumerate(related, 1):
        influence = make_part_iri(iri, f"influence-{number}")
        graph.add((iri, PROV.qualifiedInfluence, influence))
        graph.add((influence, RDF.type, PROV.Influence))
        graph.add((influence, PROV.entity, other))
        term = add_term(graph, facts.site, "idea-role", role)
        assert term is not None, "both roles are in the list"
        graph.add((influence, DCT.type, term))


def _summaries(idea: Idea) -> Iterator[Literal]:
    for summary in idea.summaries:
        spoken = authorities.find_spoken_language(summary.language)
        other = authorities.find_language(summary.language)
        tag = spoken.code if spoken else (other.iso_639_1 or other.iso_639_3 if other else "")
        # A language tag is the shortest code of a language (RFC 5646, 2.2.1): Spanish is ``es``.
        tag = {"spa": "es", "eng": "en"}.get(tag, tag)
        literal = make_text(summary.text, tag or None)
        if literal is not None:
            yield literal
