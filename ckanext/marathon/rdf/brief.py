"""The least that is said of a thing which cannot be described in full."""

from __future__ import annotations

from rdflib import Graph, Literal

from ckanext.marathon.records.base import Record
from ckanext.marathon.records.organization import Organization

from .agent import add_named_agent
from .document import add_document
from .literals import label, text
from .namespaces import DCAT, DCT, FOAF, PROV, RDF, new_graph
from .uris import Site

__all__ = ["brief_graph"]

_CLASSES = {
    "dataset": DCAT.Dataset,
    "workshop": PROV.Activity,
    "idea": PROV.Entity,
    "commitment": PROV.Plan,
    "organization": FOAF.Organization,
}


def brief_graph(site: Site, kind: str, record: Record, owner: Organization | None) -> Graph:
    """Return title, description, publisher and page of a thing.

    Args:
        site: where IRIs start.
        kind: ``dataset``, ``workshop``, ``idea``, ``commitment`` or ``organization``.
        record: with id, name, title and notes, whatever they hold.
        owner: its organisation, which is named and not described.
    """
    graph = new_graph(site.vocabulary)
    iri, page = site.thing(kind, record.id), site.page(kind, record.id)
    title = label(site.language, record.title, record.name, record.id)
    graph.add((iri, RDF.type, _CLASSES[kind]))
    if kind == "organization":
        add_named_agent(graph, iri, title)
        return graph
    graph.add((iri, DCT.title, title))
    graph.add((iri, DCT.description, text(record.notes, site.language) or title))
    add_document(graph, site, page, title if page != iri else None)
    graph.add((iri, DCAT.landingPage if kind == "dataset" else FOAF.page, page))
    if kind == "dataset":
        graph.add((iri, DCT.identifier, Literal(str(iri))))
    if owner is not None:
        graph.add((iri, DCT.publisher, site.thing("organization", owner.id)))
    return graph
