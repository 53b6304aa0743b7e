"""A commitment of an action plan is a ``prov:Plan`` with its milestones.

Source: PROV-O (a plan is what agents intend to do).
"""

from __future__ import annotations

from rdflib import Graph

from ckanext.marathon.rdf.agent import add_named_agent
from ckanext.marathon.rdf.concept import add_document, add_term
from ckanext.marathon.rdf.facts import Facts, make_part_iri, make_web_iri
from ckanext.marathon.rdf.literals import make_label, make_moment, make_text
from ckanext.marathon.rdf.workshop import make_title, refer_to_organization
from ckanext.marathon.records import Commitment

from .namespaces import ADMS, DCT, FOAF, PROV, RDF, new_graph


def build_commitment_graph(commitment: Commitment, facts: Facts) -> Graph:
    """Return the description of a commitment.

    Args:
        commitment: the commitment.
        facts: its organisation.
    """
    site = facts.site
    graph = new_graph(site.vocabulary)
    iri = site.thing("commitment", commitment.id)
    for kind in (PROV.Entity, PROV.Plan):
        graph.add((iri, RDF.type, kind))
    graph.add((iri, DCT.title, make_title(commitment, site)))
    for predicate, literal in (
        (DCT.description, make_text(commitment.notes, site.language)),
        (site.term("actionPlan"), make_text(commitment.plan, site.language)),
        (site.term("axis"), make_text(commitment.axis, site.language)),
        (DCT.identifier, make_text(commitment.number)),
    ):
        if literal is not None:
            graph.add((iri, predicate, literal))
    source = make_web_iri(commitment.source_url)
    if source is not None:
        graph.add((iri, DCT.source, source))
    for field, names, predicate in (
        ("lead", commitment.leads, DCT.creator),
        ("partner", commitment.partners, DCT.contributor),
    ):
        for number, name in enumerate(names, 1):
            agent = make_part_iri(iri, f"{field}-{number}")
            add_named_agent(graph, agent, name)
            graph.add((iri, predicate, agent))
    owner = facts.owner_of(commitment)
    if owner is not None:
        graph.add((iri, PROV.wasAttributedTo, refer_to_organization(graph, owner, facts)))
    for number, milestone in enumerate(commitment.milestones, 1):
        node = make_part_iri(iri, f"milestone-{number}")
        graph.add((iri, DCT.hasPart, node))
        graph.add((node, RDF.type, PROV.Entity))
        graph.add((node, DCT.title, make_label(site.language, milestone.title, number)))
        due = make_moment(milestone.due)
        if due is not None:
            graph.add((node, DCT.date, due))
        status = add_term(graph, site, "milestone-status", milestone.status)
        if status is not None:
            graph.add((node, ADMS.status, status))
        for address in milestone.evidence:
            page = make_web_iri(address)
            if page is not None:
                graph.add((node, FOAF.page, page))
                add_document(graph, site, page)
    return graph
