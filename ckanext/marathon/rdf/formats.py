"""The formats in which RDF is written.

Everything passes through pyoxigraph, which refuses invalid IRIs. It can write JSON-LD only in the
expanded form, so JSON-LD is written here, in a form that people can read: compact IRIs, one node
per line, and the context within the document, so that readers need not fetch it.

Source: JSON-LD 1.1, sections 4.1.5 (compact IRIs), 4.2.3 (coercion) and 4.9 (named graphs).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyoxigraph
from rdflib import RDF, XSD, Graph

from ckanext.marathon.domain.texts import is_json_list

_TYPE = str(RDF.type)
_STRING = str(XSD.string)
# JSON-LD accepts a prefix only if its namespace ends with one of these.
_ENDS = (":", "/", "?", "#", "[", "]", "@")

Node = dict[str, Any]


class _Names(NamedTuple):
    """The names of one document.

    Attributes:
        prefixes: prefix → namespace.
        coerced: IRI of a property → type of its values, stated once: ``@id`` or a datatype.
    """

    prefixes: Mapping[str, str]
    coerced: Mapping[str, str]

    def shorten(self, iri: str) -> str:
        """Return a compact IRI, or the IRI unchanged if no prefix fits."""
        for prefix, namespace in self.prefixes.items():
            # ``prefix://…`` would be read as an IRI with the prefix as its scheme.
            if iri.startswith(namespace) and not iri.startswith("//", len(namespace)):
                return f"{prefix}:{iri[len(namespace) :]}"
        return iri

    def context(self) -> Node:
        """Return the context of the document."""
        kinds = {
            self.shorten(name): {"@type": kind if kind == "@id" else self.shorten(kind)}
            for name, kind in self.coerced.items()
        }
        return {**self.prefixes, **kinds}

    def value(self, predicate: str, value: object) -> Any:
        """Return a value of a property in JSON-LD."""
        kind = self.coerced.get(predicate)
        if not isinstance(value, pyoxigraph.Literal):
            return _name(value) if kind == "@id" else {"@id": _name(value)}
        if value.language:
            return {"@language": value.language, "@value": value.value}
        datatype = value.datatype.value
        if datatype == (kind or _STRING):
            return value.value
        if datatype == _STRING:
            return {"@value": value.value}
        return {"@type": self.shorten(datatype), "@value": value.value}


def write_jsonld(
    quads: Iterable[pyoxigraph.Quad],
    prefixes: Mapping[str, str],
    coerced: Mapping[str, str] | None = None,
) -> bytes:
    """Return triples, or quads in named graphs, as compact JSON-LD in UTF-8.

    Args:
        quads: in the order in which their subjects are written.
        prefixes: prefix → namespace. A prefix that is the scheme of an IRI in the document is left
            out.
        coerced: IRI of a property → ``@id`` if its values are IRIs, else their datatype. Values of
            another type are written in full.
    """
    everything = list(quads)
    names = _Names(_usable(_readable(prefixes), everything), coerced or {})
    return _begin(names) + _dump_nodes(_nodes(everything, names)) + JSONLD_END


def begin_jsonld(prefixes: Mapping[str, str]) -> bytes:
    """Return the beginning of a document.

    After it come the results of :func:`write_nodes`, separated by commas, and :data:`JSONLD_END`.
    """
    return _begin(_Names(_readable(prefixes), {}))


def write_nodes(quads: Iterable[pyoxigraph.Quad], prefixes: Mapping[str, str]) -> bytes:
    """Return triples as nodes of a document that was begun with the same prefixes.

    When the context is written, the nodes are not known yet. If a prefix is the scheme of an IRI in
    these nodes, their own context removes the prefix.
    """
    everything = list(quads)
    readable = _readable(prefixes)
    names = _Names(_usable(readable, everything), {})
    removed = dict.fromkeys(readable.keys() - names.prefixes.keys())
    local = {"@context": removed} if removed else {}
    return _dump_nodes({**local, **node} for node in _nodes(everything, names))


JSONLD_END = b"\n]}\n"


def _begin(names: _Names) -> bytes:
    return f'{{"@context": {_dump(names.context())},\n"@graph": [\n'.encode()


def _nodes(quads: Iterable[pyoxigraph.Quad], names: _Names) -> Iterator[Node]:
    """Yield the nodes of the default graph; nodes of a named graph are within the graph's node."""
    graphs: dict[str | None, dict[str, Node]] = {None: {}}
    for quad in quads:
        is_default = isinstance(quad.graph_name, pyoxigraph.DefaultGraph)
        graph = graphs.setdefault(None if is_default else _name(quad.graph_name), {})
        subject, predicate = _name(quad.subject), quad.predicate.value
        node = graph.setdefault(subject, {"@id": subject})
        if predicate == _TYPE and not isinstance(quad.object, pyoxigraph.Literal):
            node.setdefault("@type", []).append(names.shorten(_name(quad.object)))
        else:
            found = names.value(predicate, quad.object)
            node.setdefault(names.shorten(predicate), []).append(found)
    nodes = graphs.pop(None)
    for name, graph in graphs.items():
        node = nodes.setdefault(str(name), {"@id": name})
        node["@graph"] = [_single(member) for member in graph.values()]
    return map(_single, nodes.values())


def _dump_nodes(nodes: Iterable[Node]) -> bytes:
    return ",\n".join(map(_dump, nodes)).encode()


def _readable(prefixes: Mapping[str, str]) -> dict[str, str]:
    """Return the prefixes that a JSON-LD reader accepts: their namespace ends in a delimiter."""
    return {name: str(iri) for name, iri in prefixes.items() if str(iri).endswith(_ENDS)}


def _usable(prefixes: Mapping[str, str], quads: Iterable[pyoxigraph.Quad]) -> dict[str, str]:
    """Return the prefixes that are not the scheme of an IRI in the document.

    An IRI ``<dct:title>`` would be taken for a compact IRI with the prefix ``dct``.
    """
    schemes: set[str] = set()
    for quad in quads:
        for term in (quad.subject, quad.predicate, quad.object, quad.graph_name):
            iri = term.datatype if isinstance(term, pyoxigraph.Literal) else term
            schemes.add(getattr(iri, "value", "").partition(":")[0])
    return {name: namespace for name, namespace in prefixes.items() if name not in schemes}


def _name(term: Any) -> str:
    return f"_:{term.value}" if isinstance(term, pyoxigraph.BlankNode) else term.value


def _single(node: Node) -> Node:
    """Return a node in which properties with one value have no list around it."""
    return {
        name: value[0] if is_json_list(value) and len(value) == 1 and name != "@graph" else value
        for name, value in node.items()
    }


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class GraphFormat:
    """A way to write RDF: the extension of its addresses and its media type."""

    extension: str
    media_type: str
    writer: pyoxigraph.RdfFormat


_ALL = (
    GraphFormat("ttl", "text/turtle", pyoxigraph.RdfFormat.TURTLE),
    GraphFormat("jsonld", "application/ld+json", pyoxigraph.RdfFormat.JSON_LD),
    GraphFormat("rdf", "application/rdf+xml", pyoxigraph.RdfFormat.RDF_XML),
    GraphFormat("xml", "application/rdf+xml", pyoxigraph.RdfFormat.RDF_XML),
    GraphFormat("nt", "application/n-triples", pyoxigraph.RdfFormat.N_TRIPLES),
    GraphFormat("n3", "text/n3", pyoxigraph.RdfFormat.N3),
)
FORMATS: dict[str, GraphFormat] = {graph_format.extension: graph_format for graph_format in _ALL}


def serialise_graph(graph: Graph, extension: str) -> bytes:
    """Return a graph as UTF-8 text, subjects in alphabetical order.

    Args:
        graph: a graph without blank nodes.
        extension: a key of :data:`FORMATS`.

    Raises:
        KeyError: there is no such format.
        SyntaxError: the graph has an invalid IRI.
    """
    lines = sorted(graph.serialize(format="nt11", encoding="utf-8").splitlines())
    triples = pyoxigraph.parse(b"\n".join(lines), format=pyoxigraph.RdfFormat.N_TRIPLES)
    prefixes = {name: str(iri) for name, iri in graph.namespaces() if name not in ("", "xml")}
    used = {name: iri for name, iri in prefixes.items() if f"<{iri}".encode() in b"".join(lines)}
    if FORMATS[extension].writer == pyoxigraph.RdfFormat.JSON_LD:
        return write_jsonld(triples, used)
    written = pyoxigraph.serialize(
        (quad.triple for quad in triples), format=FORMATS[extension].writer, prefixes=used
    )
    assert written is not None, "written to memory"
    return written
