"""Odd RDF of other catalogues is read, saved, or refused with errors by field.

Some values of a valid dataset are replaced: by values of another kind, odd texts, addresses that
lead nowhere, nodes that point at each other.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import ckan.plugins.toolkit as tk
import hypothesis
import pytest
from ckan.tests.helpers import call_action
from ckanext.dcat.processors import RDFParser
from hypothesis import strategies as st
from rdflib import RDF, XSD, BNode, Graph, Literal, URIRef
from rdflib.term import Node

from ckanext.marathon.rdf.dataset import build_dataset_graph, read_dataset
from ckanext.marathon.rdf.facts import Site
from ckanext.marathon.rdf.literals import read_geojson
from ckanext.marathon.rdf.namespaces import DCAT, GSP
from ckanext.marathon.records import Dataset
from tests import proving
from tests.factories import NationalBody
from tests.rdf.samples import FACTS, FULL, SITE
from tests.rdf.strategies import ODD_ADDRESSES, ODD_TEXTS

READ = proving.count("graphs of other catalogues, read", 150, 5_000)
SAVED = proving.count("graphs of other catalogues, saved", 15, 2_000)

DATASET = SITE.dataset(FULL["id"])
TRIPLES = sorted(build_dataset_graph(Dataset.from_shown(FULL), FACTS))
NODES: list[Node] = sorted({subject for subject, _, _ in TRIPLES}, key=str)
PREDICATES = sorted({predicate for _, predicate, _ in TRIPLES})
GEOMETRIES = [
    "POINT (1 2)",
    "POINT EMPTY",
    "POINT Z (1 2 3)",
    "<http://www.opengis.net/def/crs/EPSG/0/4326> POINT (1 2)",
    "SRID=4326;POINT (1 2)",
    'POINT """',
    "POINT (1 2) \\",
    "POLYGON ((1 2, nan 4))",
    "(" * 3_000,
    "GEOMETRYCOLLECTION (" * 3_000,
    '{"type": "Point", "coordinates": ' + "[" * 3_000,
    '{"type": "Point", "coordinates": [' + "9" * 400 + ", 1]}",
    '{"type": ["Point"]}',
    '{"coordinates": 5}',
]
NUMBERS = ["INF", "-INF", "NaN", "1e400", "-5", "9" * 5_000, "0x10", "1_0", "²"]

_TEXTS = st.one_of(st.sampled_from([*ODD_TEXTS, *GEOMETRIES, *NUMBERS]), st.text(max_size=20))
_TYPES = [XSD.decimal, XSD.date, XSD.dateTime, XSD.duration, XSD.boolean, XSD.nonNegativeInteger]
_OBJECTS: st.SearchStrategy[Node] = st.one_of(
    _TEXTS.map(Literal),
    st.builds(Literal, _TEXTS, lang=st.sampled_from(["es", "en", "es-GT"])),
    st.builds(Literal, _TEXTS, datatype=st.sampled_from([*_TYPES, GSP.wktLiteral, RDF.HTML])),
    st.sampled_from(ODD_ADDRESSES).map(URIRef),
    st.sampled_from([*NODES, BNode("one"), BNode("two")]),
)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Return a dataset of which some statements are replaced, some taken away and some added."""
    graph = Graph()
    for triple in TRIPLES:
        graph.add(triple)
    for subject, predicate, value in draw(st.lists(st.sampled_from(TRIPLES), max_size=8)):
        if draw(st.booleans()):
            graph.remove((subject, predicate, value))
        graph.add((subject, predicate, draw(_OBJECTS)))
    subjects = st.sampled_from([*NODES, BNode("one")])
    added = st.tuples(subjects, st.sampled_from(PREDICATES), _OBJECTS)
    for triple in draw(st.lists(added, max_size=4)):
        graph.add(triple)
    graph.add((DATASET, RDF.type, DCAT.Dataset))
    return graph


def settings(most: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=most, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )


def check_plain(value: Any) -> None:
    """Check that a value has only JSON's own types: terms of a graph are subclasses of str."""
    assert type(value) in {str, int, bool, list, dict}, value
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            check_plain(inner)


@settings(READ)
@hypothesis.given(graphs())
def test_an_odd_graph_gives_a_plain_dataset_dict(graph: Graph) -> None:
    elsewhere = Site("https://otro.gt", "https://otro.gt/vocabulary", "https://otro.gt", "es")
    for site in (SITE, elsewhere):
        found = read_dataset(graph, DATASET, site)
        json.dumps(found)
        check_plain(found)
    # Ids of another site are never used as ids of this one.
    assert not {"owner_org", "idea", "data_need"} & set(found)
    assert not any("id" in resource for resource in found.get("resources", []))
    hypothesis.target(float(len(found)))


@settings(READ)
@hypothesis.given(_TEXTS | st.lists(st.sampled_from([*GEOMETRIES, "(", '"', "\\\n"])).map("".join))
def test_an_odd_geometry_is_geojson_or_empty(text: str) -> None:
    found = read_geojson(text)
    assert found == "" or "type" in json.loads(found)


@pytest.mark.usefixtures("marathon_site")
def test_an_odd_graph_is_saved_or_refused_with_errors_at_fields() -> None:
    organization = NationalBody()
    tally: Counter[str] = Counter()

    @settings(SAVED)
    @hypothesis.given(graphs())
    def harvest(graph: Graph) -> None:
        parser = RDFParser(profiles=["marathon"], dataset_type="dataset")
        parser.g = graph
        for found in parser.datasets():
            # As ckanext-dcat's harvester saves it.
            name = f"harvested-{sum(tally.values())}"
            found |= {"name": name, "owner_org": organization["id"]}
            for name in ("id", "idea", "data_need"):
                found.pop(name, None)
            try:
                call_action("package_create", **found)
                tally["saved"] += 1
            except tk.ValidationError as fault:
                tally["refused" if fault.error_dict else "refused without a field"] += 1

    harvest()
    assert not tally["refused without a field"]
    proving.NOTES.append(f"of those graphs: {dict(sorted(tally.items()))}")
