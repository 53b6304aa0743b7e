"""Compact JSON-LD has the same triples as its source, without fetching a context."""

from __future__ import annotations

import json
from typing import Any

import pyoxigraph
import pytest
import rdflib
from pyld import jsonld

from ckanext.marathon.rdf.formats import (
    JSONLD_END,
    begin_jsonld,
    serialise_graph,
    write_jsonld,
    write_nodes,
)
from ckanext.marathon.rdf.namespaces import DCT, PREFIXES, XSD, new_graph

AS = "https://www.w3.org/ns/activitystreams#"
NAMES = {**PREFIXES, "as": AS, "broken": "https://datos.example.gt/no-end"}
COERCED = {f"{AS}object": "@id", f"{AS}published": str(XSD.dateTime)}
A, G = "<https://datos.example.gt/a>", "<https://datos.example.gt/g>"


def quad(predicate: str, value: str, graph: str = "") -> str:
    return f"{A} <{predicate}> {value} {graph} ."


ODD = [
    quad(f"{rdflib.RDF.type}", f"<{PREFIXES['dcat']}Dataset>", G),
    quad(f"{rdflib.RDF.type}", '"no IRI"', G),
    quad(f"{DCT.title}", '"Pozos de «agua»"@es', G),
    quad(f"{DCT.title}", '"Wells"@en', G),
    quad(f"{DCT.title}", '"@id"', G),
    quad(f"{DCT.issued}", f'"2024"^^<{XSD.gYear}>', G),
    quad(f"{DCT.extent}", f'"01"^^<{XSD.integer}>', G),
    quad(f"{DCT.extent}", f'"true"^^<{XSD.boolean}>', G),
    quad(f"{DCT.extent}", '"x"^^<urn:kind:of-mine>', G),
    quad(f"{DCT.relation}", "<urn:x:y>", G),
    quad(f"{DCT.relation}", "<info:doi/1>", G),
    # With the prefix these would be something else.
    quad(f"{DCT.relation}", "<dcat:Dataset>", G),
    quad("foaf:name", '"x"', G),
    quad(f"{PREFIXES['dcat']}//x", f"<{PREFIXES['dcat']}//y>", G),
    quad(PREFIXES["dcat"], f"<{PREFIXES['skos']}>", G),
    quad("https://datos.example.gt/no-end/x", '"x"', G),
    f"{G} <{AS}object> {A} .",
    f'{G} <{AS}object> "a text" .',
    f'{G} <{AS}published> "2026-01-01T00:00:00Z"^^<{XSD.dateTime}> .',
    f'{G} <{AS}published> "2026-01-01T00:00:00Z" .',
    f"{G} <{AS}published> {A} .",
    f'{A} <{DCT.title}> "In the default graph" .',
]


def parsed(lines: list[str]) -> set[pyoxigraph.Quad]:
    return set(pyoxigraph.parse("\n".join(lines), format=pyoxigraph.RdfFormat.N_QUADS))


def refuse(address: str, _options: Any = None) -> Any:
    raise AssertionError(f"{address} is asked for")


def by_pyld(document: bytes) -> set[pyoxigraph.Quad]:
    options = {"format": "application/n-quads", "documentLoader": refuse}
    return parsed([str(jsonld.to_rdf(json.loads(document), options))])


def by_rdflib(document: bytes, name: str) -> set[Any]:
    found = rdflib.Dataset().parse(data=document, format=name)
    return {(s, p, o, str(graph)) for s, p, o, graph in found.quads()}


def test_three_readers_read_the_same_triples() -> None:
    quads = parsed(ODD)
    assert len(quads) == len(ODD)
    written = write_jsonld(quads, NAMES, COERCED)
    assert set(pyoxigraph.parse(written, format=pyoxigraph.RdfFormat.JSON_LD)) == quads
    assert by_pyld(written) == quads
    nquads = "\n".join(ODD).encode()
    assert by_rdflib(written, "json-ld") == by_rdflib(nquads, "nquads")


@pytest.mark.parametrize("line", ODD)
def test_each_triple_alone_is_read_back(line: str) -> None:
    written = write_jsonld(parsed([line]), NAMES, COERCED)
    assert set(pyoxigraph.parse(written, format=pyoxigraph.RdfFormat.JSON_LD)) == parsed([line])
    assert by_pyld(written) == parsed([line])


def test_names_are_compact_and_named_graphs_are_nested() -> None:
    written = json.loads(write_jsonld(parsed([ODD[0], ODD[2], ODD[16], ODD[18]]), NAMES, COERCED))
    assert written["@graph"] == [
        {
            "@id": "https://datos.example.gt/g",
            "as:object": "https://datos.example.gt/a",
            "as:published": "2026-01-01T00:00:00Z",
            "@graph": [
                {
                    "@id": "https://datos.example.gt/a",
                    "@type": "dcat:Dataset",
                    "dct:title": {"@language": "es", "@value": "Pozos de «agua»"},
                }
            ],
        }
    ]
    assert written["@context"]["as:object"] == {"@type": "@id"}
    assert written["@context"]["as:published"] == {"@type": "xsd:dateTime"}
    assert "broken" not in written["@context"]


def in_parts(lines: list[str]) -> bytes:
    """Return a document in which each line is a part of its own, written without the others."""
    parts = [write_nodes(parsed([line]), NAMES) for line in lines]
    return begin_jsonld(NAMES) + b",\n".join(parts) + JSONLD_END


TRIPLES = [line.replace(f" {G} .", " .") for line in ODD]


def test_separately_written_parts_join_to_a_document() -> None:
    written = in_parts(TRIPLES)
    assert json.loads(written)["@context"]["dct"] == str(DCT)
    assert set(pyoxigraph.parse(written, format=pyoxigraph.RdfFormat.JSON_LD)) == parsed(TRIPLES)
    assert by_pyld(written) == parsed(TRIPLES)
    nquads = "\n".join(TRIPLES).encode()
    assert by_rdflib(written, "json-ld") == by_rdflib(nquads, "nquads")


@pytest.mark.parametrize("line", TRIPLES)
def test_each_part_alone_is_read_back(line: str) -> None:
    written = in_parts([line])
    assert set(pyoxigraph.parse(written, format=pyoxigraph.RdfFormat.JSON_LD)) == parsed([line])
    assert by_pyld(written) == parsed([line])


def test_an_empty_graph_is_a_document() -> None:
    assert json.loads(write_jsonld([], NAMES))["@graph"] == []


def test_a_graph_of_one_subject_has_only_the_context_it_needs() -> None:
    graph = new_graph("https://datos.example.gt/vocabulary")
    iri = rdflib.URIRef("https://datos.example.gt/a")
    graph.add((iri, DCT.title, rdflib.Literal("Pozos", "es")))
    written = json.loads(serialise_graph(graph, "jsonld"))
    assert written["@context"] == {"dct": str(DCT)}
    assert written["@graph"][0]["dct:title"] == {"@language": "es", "@value": "Pozos"}
