"""Back from triples to the places that a dataset covers."""

from __future__ import annotations

import json
import re

from rdflib import Literal, Namespace, URIRef
from rdflib.term import Node

from ckanext.marathon.vocabulary import territory
from ckanext.marathon.vocabulary.errors import UnknownCode
from ckanext.marathon.vocabulary.text import fold_text

from .geometries import geojson
from .literals import geometry
from .namespaces import DCAT, DCT, FOAF, GSP, LOCN, RDFS, SCHEMAS, SKOS
from .place import envelope
from .reading import Reader

__all__ = ["is_our_municipality", "read_place"]

_GN = Namespace("http://www.geonames.org/ontology#")
_NAMES = (SKOS.prefLabel, RDFS.label, LOCN.geographicName, _GN.name, FOAF.name, DCT.title)
_NAMES += tuple(schema["name"] for schema in SCHEMAS)
_SHAPES = (GSP.hasGeometry, LOCN.geometry)

# Shapes of schema.org, and points of the W3C's basic vocabulary, are numbers: latitude first.
_WGS = Namespace("http://www.w3.org/2003/01/geo/wgs84_pos#")
_DRAWN = (*(schema.geo for schema in SCHEMAS), _WGS.location)
_BOXES = tuple(schema.box for schema in SCHEMAS)
_POLYGONS = tuple(schema.polygon for schema in SCHEMAS)
_LATITUDES = (_WGS.lat, *(schema.latitude for schema in SCHEMAS))
_LONGITUDES = (_WGS.long, *(schema.longitude for schema in SCHEMAS))
_NUMBERS = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?")
_BETWEEN = re.compile(r"[\s,;]+")


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
    plain, texts = _plain_shapes(reader, node)
    row = {
        "uri": str(node) if foreign else "",
        "text": reader.text(node, *_NAMES) or ("" if foreign else reader.value(node)),
        "geom": shape or plain.get("geom", ""),
        "bbox": box or plain.get("bbox", ""),
        "centroid": reader.geometry(node, DCAT.centroid) or plain.get("centroid", ""),
    }
    row = {name: value for name, value in row.items() if value}
    unread = reader.shape_texts(node, *_SHAPES, DCAT.bbox, DCAT.centroid)
    return row, [] if {"geom", "bbox"} & row.keys() else [*unread, *texts]


def _plain_shapes(reader: Reader, node: Node) -> tuple[dict[str, str], list[str]]:
    """Return shapes that are written as numbers, by field as GeoJSON, and texts that are none."""
    found: dict[str, str] = {}
    unread: list[str] = []
    for each in (node, *(e for e in reader.nodes(node, *_DRAWN) if not isinstance(e, Literal))):
        centre = (reader.text(each, *_LATITUDES), reader.text(each, *_LONGITUDES))
        for field, text in (
            ("bbox", reader.text(each, *_BOXES)),
            ("geom", reader.text(each, *_POLYGONS)),
            ("centroid", " ".join(centre).strip()),
        ):
            if not text:
                continue
            shape = _shape(field, text)
            if shape:
                found.setdefault(field, shape)
            else:
                unread.append(text)
    return found, unread


def _shape(field: str, text: str) -> str:
    """Return a box, polygon or point of latitudes and longitudes as GeoJSON, ``""`` if it is none.

    Source: schema.org, ``box`` (lower, then upper corner) and ``polygon``.
    """
    given = [each for each in _BETWEEN.split(text.strip()) if each]
    if len(given) % 2 or not all(map(_NUMBERS.fullmatch, given)):
        return ""
    numbers = list(map(float, given))
    latitudes, longitudes = numbers[::2], numbers[1::2]
    if not all(abs(each) <= 90 for each in latitudes):
        return ""
    if not all(abs(each) <= 180 for each in longitudes):
        return ""
    positions = [list(each) for each in zip(longitudes, latitudes, strict=True)]
    if field == "centroid":
        return _geojson("Point", positions[0]) if len(positions) == 1 else ""
    if field == "bbox":
        if len(positions) != 2:
            return ""
        west, east = sorted(longitudes)
        south, north = sorted(latitudes)
        positions = [[west, south], [east, south], [east, north], [west, north]]
    if positions[0] != positions[-1]:
        positions.append(positions[0])
    return _geojson("Polygon", [positions]) if len(positions) > 3 else ""


def _geojson(kind: str, coordinates: object) -> str:
    return json.dumps({"type": kind, "coordinates": coordinates})


def is_our_municipality(reader: Reader, node: Node, code: str) -> bool:
    """Return whether a place of another site of ours is a municipality of Guatemala.

    Its IRI may have another base. Other countries have municipalities with such codes too: only the
    name tells.
    """
    if not code or not str(node).endswith(f"/municipality/{code}"):
        return False
    try:
        known = territory.get_municipality(code)
    except UnknownCode:
        return False
    names = reader.texts(node, SKOS.prefLabel)
    return not {fold_text(known.name), *map(fold_text, known.alt_names)}.isdisjoint(
        map(fold_text, names)
    )
