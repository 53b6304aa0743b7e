"""A commitment of an action plan is a ``prov:Plan`` with its milestones.

Source: PROV-O (a plan is what agents intend to do).
"""

from __future__ import annotations

from rdflib import Graph

from ckanext.marathon.records.values import list_rows, list_texts

from .agent import add_named_agent
from .concept import add_term
from .document import add_document
from .facts import Facts, Row
from .iri import web
from .literals import label, moment, text
from .namespaces import ADMS, DCT, FOAF, PROV, RDF, new_graph
from .uris import part
from .workshop import refer_to_organization, title_of

__all__ = ["commitment_graph"]


def commitment_graph(commitment: Row, facts: Facts) -> Graph:
    """Return all that is said of a commitment.

    Args:
        commitment: as ``package_show`` gives it.
        facts: its organisation.
    """
    site = facts.site
    graph = new_graph(site.vocabulary)
    iri = site.thing("commitment", str(commitment["id"]))
    for each in (PROV.Entity, PROV.Plan):
        graph.add((iri, RDF.type, each))
    graph.add((iri, DCT.title, title_of(commitment, site)))
    for predicate, literal in (
        (DCT.description, text(commitment.get("notes"), site.language)),
        (site.term("actionPlan"), text(commitment.get("plan"), site.language)),
        (site.term("axis"), text(commitment.get("axis"), site.language)),
        (DCT.identifier, text(commitment.get("number"))),
    ):
        if literal is not None:
            graph.add((iri, predicate, literal))
    source = web(commitment.get("source_url"))
    if source is not None:
        graph.add((iri, DCT.source, source))
    for field, predicate in (("lead", DCT.creator), ("partner", DCT.contributor)):
        for number, name in enumerate(list_texts(commitment.get(field)), 1):
            agent = part(iri, f"{field}-{number}")
            add_named_agent(graph, agent, name)
            graph.add((iri, predicate, agent))
    owner = facts.owner_of(commitment)
    if owner is not None:
        graph.add((iri, PROV.wasAttributedTo, refer_to_organization(graph, owner, facts)))
    for number, row in enumerate(list_rows(commitment.get("milestone")), 1):
        milestone = part(iri, f"milestone-{number}")
        graph.add((iri, DCT.hasPart, milestone))
        graph.add((milestone, RDF.type, PROV.Entity))
        graph.add((milestone, DCT.title, label(site.language, row.get("title"), number)))
        due = moment(row.get("due"))
        if due is not None:
            graph.add((milestone, DCT.date, due))
        status = add_term(graph, site, "milestone-status", row.get("status"))
        if status is not None:
            graph.add((milestone, ADMS.status, status))
        for address in list_texts(row.get("evidence")):
            page = web(address)
            if page is not None:
                graph.add((milestone, FOAF.page, page))
                add_document(graph, site, page)
    return graph
