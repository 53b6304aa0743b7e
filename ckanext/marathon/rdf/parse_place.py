"""Back from triples to the places that a dataset covers."""

from __future__ import annotations

from rdflib import Literal, Namespace, URIRef
from rdflib.term import Node

from ckanext.marathon.vocabulary import territory
from ckanext.marathon.vocabulary.errors import UnknownCode
from ckanext.marathon.vocabulary.text import fold

from .literals import geometry
from .namespaces import DCAT, DCT, FOAF, GSP, LOCN, RDFS, SCHEMAS, SKOS
from .place import envelope
from .reading import Reader, geojson

__all__ = ["is_our_municipality", "read_place"]

_GN = Namespace("http://www.geonames.org/ontology#")
_NAMES = (SKOS.prefLabel, RDFS.label, LOCN.geographicName, _GN.name, FOAF.name, DCT.title)
_NAMES += tuple(schema["name"] for schema in SCHEMAS)
_SHAPES = (GSP.hasGeometry, LOCN.geometry)


def read_place(reader: Reader, whole: Node, node: Node) -> tuple[dict[str, str], list[str]]:
    """Return a place as a row of ``spatial_coverage``, and what of it cannot be read.

    Args:
        reader: of the graph.
        whole: the dataset: an IRI that is a part of its own names nothing beyond it.
        node: the place, which may be just a text: a name or a geometry.
    """
    if isinstance(node, Literal):
        text = str(node).strip()
        shape = geojson(text)
        return ({"geom": shape} if shape else {"text": text}) if text else {}, []
    shape = reader.geometry(node, *_SHAPES)
    box = reader.geometry(node, DCAT.bbox)
    drawn = geometry(shape)
    if drawn is not None and geometry(box) == envelope(drawn):
        box = ""
    foreign = isinstance(node, URIRef) and not node.startswith(f"{whole}#")
    row = {
        "uri": str(node) if foreign else "",
        "text": reader.text(node, *_NAMES) or ("" if foreign else reader.value(node)),
        "geom": shape,
        "bbox": box,
        "centroid": reader.geometry(node, DCAT.centroid),
    }
    row = {name: value for name, value in row.items() if value}
    unread = reader.shape_texts(node, *_SHAPES, DCAT.bbox, DCAT.centroid)
    return row, [] if {"geom", "bbox"} & row.keys() else unread


def is_our_municipality(reader: Reader, node: Node, code: str) -> bool:
    """Return whether a place of another site of ours is a municipality of Guatemala.

    Its IRI may have another base. Other countries have municipalities with such codes too: only the
    name tells.
    """
    if not code or not str(node).endswith(f"/municipality/{code}"):
        return False
    try:
        known = territory.municipality(code)
    except UnknownCode:
        return False
    names = reader.texts(node, SKOS.prefLabel)
    return not {fold(known.name), *map(fold, known.alt_names)}.isdisjoint(map(fold, names))
