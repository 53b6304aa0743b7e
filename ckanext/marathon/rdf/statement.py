"""Statements of rights and provenance: free text, or the address of one.

Source: DCAT-AP 3, Rights Statement and Provenance Statement.
"""

from __future__ import annotations

from rdflib import RDFS, Graph, Literal, URIRef

from .facts import Row
from .iri import web
from .literals import PARAGRAPH, text
from .namespaces import DCT, RDF
from .uris import Site, part

__all__ = ["add_note", "add_statement"]


def add_statement(
    graph: Graph, iri: URIRef, predicate: URIRef, kind: URIRef, field: str, row: Row, site: Site
) -> URIRef | None:
    """Add a field of free text as a labelled statement; an address is a statement itself."""
    given = row.get(field)
    address, said = web(given), text(given, site.language)
    statement = address or part(iri, field.replace("_", "-"))
    if said is None:
        return None
    graph.add((iri, predicate, statement))
    graph.add((statement, RDF.type, kind))
    if address is None:
        graph.add((statement, RDFS.label, said))
    return statement


def add_note(graph: Graph, site: Site, distribution: URIRef, note: URIRef) -> None:
    """Add a dataset's statement of rights to a distribution.

    Where the distribution has a statement of its own, one says both, a paragraph each: DCAT-AP,
    DCAT-US and others allow one, and harvesters read any one of two.
    """
    own = graph.value(distribution, DCT.rights)
    if own is not None and own != note:
        statements = (own, note)
        texts = [str(graph.value(each, RDFS.label) or each) for each in statements]
        both = part(distribution, "rights")
        graph.remove((distribution, DCT.rights, own))
        graph.remove((both, RDFS.label, None))
        graph.add((both, RDF.type, DCT.RightsStatement))
        label = PARAGRAPH.join(dict.fromkeys(texts))
        graph.add((both, RDFS.label, Literal(label, lang=site.language)))
        for address in statements:
            # One that is an address stays one that programs can follow.
            if (address, RDFS.label, None) not in graph and address != both:
                graph.add((both, RDFS.seeAlso, address))
        note = both
    graph.add((distribution, DCT.rights, note))
