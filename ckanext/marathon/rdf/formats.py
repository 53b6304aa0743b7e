"""The formats in which our RDF is written, and the writing.

Everything passes through pyoxigraph, which refuses bad IRIs.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyoxigraph
from rdflib import Graph

from .jsonld import write_jsonld

__all__ = ["FORMATS", "Format", "serialise"]


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write RDF: the extension of its addresses and its media type."""

    extension: str
    media_type: str
    writer: pyoxigraph.RdfFormat


_ALL = (
    Format("ttl", "text/turtle", pyoxigraph.RdfFormat.TURTLE),
    Format("jsonld", "application/ld+json", pyoxigraph.RdfFormat.JSON_LD),
    Format("rdf", "application/rdf+xml", pyoxigraph.RdfFormat.RDF_XML),
    Format("xml", "application/rdf+xml", pyoxigraph.RdfFormat.RDF_XML),
    Format("nt", "application/n-triples", pyoxigraph.RdfFormat.N_TRIPLES),
    Format("n3", "text/n3", pyoxigraph.RdfFormat.N3),
)
FORMATS: dict[str, Format] = {each.extension: each for each in _ALL}


def serialise(graph: Graph, extension: str) -> bytes:
    """Return a graph as UTF-8 text, subjects in alphabetical order.

    Args:
        graph: without blank nodes.
        extension: a key of :data:`FORMATS`.

    Raises:
        KeyError: no such format.
        SyntaxError: the graph holds an invalid IRI; ours never do.
    """
    lines = sorted(graph.serialize(format="nt11", encoding="utf-8").splitlines())
    triples = pyoxigraph.parse(b"\n".join(lines), format=pyoxigraph.RdfFormat.N_TRIPLES)
    prefixes = {name: str(iri) for name, iri in graph.namespaces() if name not in ("", "xml")}
    used = {name: iri for name, iri in prefixes.items() if f"<{iri}".encode() in b"".join(lines)}
    if FORMATS[extension].writer == pyoxigraph.RdfFormat.JSON_LD:
        return write_jsonld(triples, used)
    written = pyoxigraph.serialize(
        (each.triple for each in triples), format=FORMATS[extension].writer, prefixes=used
    )
    assert written is not None, "written to memory"
    return written
