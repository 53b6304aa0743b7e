"""An idea is a ``prov:Entity`` that a workshop generated; its data needs are parts of it.

Neither is ever a ``dcat:Dataset`` or ``dcat:Resource``: a portal would list it as one.

Source: PROV-O, Influence.
"""

from __future__ import annotations

from collections.abc import Iterator

from rdflib import Graph, Literal, URIRef

from ckanext.marathon.records.values import list_rows, list_texts
from ckanext.marathon.vocabulary import authorities

from .concept import add_problem, add_term, problem_or_none
from .document import add_document
from .facts import Facts, Row
from .iri import web
from .literals import boolean, clean, count, label, text
from .namespaces import ADMS, DCT, FOAF, PROV, RDF, XSD, new_graph
from .place import add_municipality
from .uris import part
from .workshop import add_generation, refer_to_organization, refer_to_workshop, title_of

__all__ = ["add_idea", "add_relations", "idea_graph"]


def idea_graph(idea: Row, facts: Facts) -> Graph:
    """Return all that is said of an idea, with its public workshop and datasets.

    Args:
        idea: as ``package_show`` gives it.
        facts: its organisation, its workshop, the datasets that came from it.
    """
    site = facts.site
    graph = new_graph(site.vocabulary)
    iri = add_idea(graph, idea, facts)
    lang = site.language
    for predicate, literal in (
        (DCT.description, text(idea.get("notes"), lang)),
        (site.term("votes"), count(idea.get("votes"), XSD.integer)),
        (site.term("priority"), count(idea.get("priority"), XSD.integer)),
        *((site.term("community"), text(each, lang)) for each in list_texts(idea.get("community"))),
    ):
        if literal is not None:
            graph.add((iri, predicate, literal))
    group = add_term(graph, site, "proponent-group", idea.get("proponent_group"))
    if group is not None:
        graph.add((iri, site.term("proponentGroup"), group))
    for code in list_texts(idea.get("municipality")):
        place = add_municipality(graph, site, code)
        if place is not None:
            graph.add((iri, DCT.spatial, place))
    for notation in list_texts(idea.get("service_problem")):
        problem = problem_or_none(notation)
        if problem is not None:
            graph.add((iri, DCT.subject, add_problem(graph, site, problem)))
    for address in list_texts(idea.get("evidence")):
        page = web(address)
        if page is not None:
            graph.add((iri, FOAF.page, page))
            add_document(graph, site, page)
    for row in list_rows(idea.get("data_need")):
        add_need(graph, idea, row, facts)
    for literal in _summaries(idea):
        graph.add((iri, DCT.abstract, literal))
    owner = facts.owner_of(idea)
    if owner is not None:
        graph.add((iri, PROV.wasAttributedTo, refer_to_organization(graph, owner, facts)))
    for dataset in facts.datasets:
        graph.add((iri, DCT.relation, site.dataset(str(dataset["id"]))))
    return graph


def add_idea(graph: Graph, idea: Row, facts: Facts) -> URIRef:
    """Describe an idea as far as a dataset's page needs it and return its IRI."""
    site = facts.site
    iri = site.thing("idea", str(idea["id"]))
    graph.add((iri, RDF.type, PROV.Entity))
    graph.add((iri, DCT.title, title_of(idea, site)))
    status = add_term(graph, site, "idea-status", idea.get("status"))
    if status is not None:
        graph.add((iri, ADMS.status, status))
    example = boolean(idea.get("example"))
    if example is not None:
        graph.add((iri, site.term("example"), example))
    workshop = facts.workshop_of(idea)
    if workshop is not None:
        held = refer_to_workshop(graph, workshop, facts)
        add_generation(graph, held, iri, not facts.alone)
    return iri


def add_need(graph: Graph, idea: Row, row: Row, facts: Facts) -> URIRef | None:
    """Describe a data need of an idea and return its IRI, ``None`` if it has no id."""
    site = facts.site
    if not clean(row.get("id")):
        return None
    iri = site.data_need(str(idea["id"]), str(row["id"]))
    graph.add((iri, RDF.type, PROV.Entity))
    graph.add((iri, DCT.title, label(site.language, row.get("what"), row["id"])))
    graph.add((iri, DCT.isPartOf, site.thing("idea", str(idea["id"]))))
    why = text(row.get("why"), site.language)
    if why is not None:
        graph.add((iri, DCT.description, why))
    return iri


def add_relations(graph: Graph, dataset: Row, iri: URIRef, facts: Facts) -> None:
    """Relate a dataset to the ideas it came from, their workshops and the needs it meets.

    The idea is named twice: plainly in ``dct:relation``, which every harvester reads, and with its
    role in ``prov:qualifiedInfluence``, where the needs are too. Not in ``dcat:qualifiedRelation``:
    that relates resources of a catalogue, and DCAT-AP's range shapes want one there.

    The role is the ``dct:type`` of the influence: ``prov:hadRole`` belongs to associations and to
    instantaneous events, ``dcat:hadRole`` to attributions and relationships. No derivation
    (``prov:Derivation``) is claimed: the data may well be older than the idea that asked for it.
    """
    needs = set(list_texts(dataset.get("data_need")))
    related: list[tuple[URIRef, str]] = []
    for idea in facts.ideas_of(dataset):
        iri_of_idea = (
            facts.site.thing("idea", str(idea["id"]))
            if facts.alone
            else add_idea(graph, idea, facts)
        )
        graph.add((iri, DCT.relation, iri_of_idea))
        related.append((iri_of_idea, "origin"))
        workshop = facts.workshop_of(idea)
        if workshop is not None:
            held = facts.site.thing("workshop", str(workshop["id"]))
            add_generation(graph, held, iri, not facts.alone)
        for row in list_rows(idea.get("data_need")):
            if str(row.get("id")) not in needs:
                continue
            if facts.alone:
                need = facts.site.data_need(str(idea["id"]), str(row["id"]))
            else:
                need = add_need(graph, idea, row, facts)
            if need is not None:
                related.append((need, "data_need"))
    for number, (other, role) in enumerate(related, 1):
        influence = part(iri, f"influence-{number}")
        graph.add((iri, PROV.qualifiedInfluence, influence))
        graph.add((influence, RDF.type, PROV.Influence))
        graph.add((influence, PROV.entity, other))
        term = add_term(graph, facts.site, "idea-role", role)
        assert term is not None, "both roles are in the list"
        graph.add((influence, DCT.type, term))


def _summaries(idea: Row) -> Iterator[Literal]:
    for row in list_rows(idea.get("summary")):
        given = str(row.get("lang") or "")
        spoken = authorities.spoken_language(given)
        other = authorities.language(given)
        tag = spoken.code if spoken else (other.iso_639_1 or other.iso_639_3 if other else "")
        # A language tag is the shortest code there is (RFC 5646, 2.2.1): Spanish is ``es``.
        tag = {"spa": "es", "eng": "en"}.get(tag, tag)
        literal = text(row.get("text"), tag or None)
        if literal is not None:
            yield literal
