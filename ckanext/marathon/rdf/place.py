"""Places as triples, and back: municipalities, departments, Guatemala, and typed places.

Geometries are WKT because stock ckanext-dcat reads that from ``dcat:bbox`` and ``dcat:centroid``. A
typed geometry is written to ``geosparql:hasGeometry``: DCAT-AP requires ``locn:geometry`` to be a
node, and stock ckanext-dcat 2.4 fails to read such a node.

Source: DCAT-AP 3, Location.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace

from rdflib import Graph, Literal, Namespace, URIRef
from rdflib.term import Node

from ckanext.marathon.rdf.concept import add_authority, add_texts
from ckanext.marathon.rdf.facts import Site, make_part_iri, make_web_iri
from ckanext.marathon.rdf.literals import clean_text, make_geometry, make_text, read_geojson
from ckanext.marathon.rdf.reading import Reader
from ckanext.marathon.records import CoveredPlace
from ckanext.marathon.vocabulary import authorities, territory
from ckanext.marathon.vocabulary.codes import UnknownCode, fold_text
from ckanext.marathon.vocabulary.territory import BoundingBox

from .namespaces import DCAT, DCT, FOAF, GSP, LOCN, RDF, RDFS, SCHEMAS, SKOS

SCHEME_TITLES = {
    "municipality": {"es": "Municipios de Guatemala", "en": "Municipalities of Guatemala"},
    "department": {"es": "Departamentos de Guatemala", "en": "Departments of Guatemala"},
}
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def add_municipality(graph: Graph, site: Site, code: object) -> URIRef | None:
    """Describe a municipality and return its IRI, ``None`` if no municipality has the code."""
    return add_place(graph, site, "municipality", code)


def add_place(graph: Graph, site: Site, kind: str, code: object) -> URIRef | None:
    """Describe a municipality or department and return its IRI.

    Returns:
        ``None`` if none has the code.
    """
    look_up = territory.get_municipality if kind == "municipality" else territory.get_department
    try:
        place = look_up(str(code))
    except UnknownCode:
        return None
    iri = site.concept(kind, place.code)
    for node_type in (DCT.Location, SKOS.Concept):
        graph.add((iri, RDF.type, node_type))
    graph.add((iri, DCT.identifier, Literal(place.code)))
    graph.add((iri, SKOS.prefLabel, Literal(place.name, lang="es")))
    graph.add((iri, SKOS.inScheme, add_place_scheme(graph, site, kind)))
    _add_extent(graph, iri, place.bbox, (place.longitude, place.latitude))
    return iri


def add_place_scheme(graph: Graph, site: Site, kind: str) -> URIRef:
    """Describe the scheme of municipalities or departments and return its IRI."""
    iri = site.scheme(kind)
    graph.add((iri, RDF.type, SKOS.ConceptScheme))
    add_texts(graph, iri, DCT.title, SCHEME_TITLES[kind])
    return iri


def add_country(graph: Graph) -> URIRef:
    """Describe Guatemala and return the EU's IRI for it."""
    country = authorities.find_country("GTM")
    assert country is not None, "the country table always has Guatemala"
    iri = add_authority(graph, country, DCT.Location)
    boxes = [department.bbox for department in territory.list_departments()]
    west, south = min(box.west for box in boxes), min(box.south for box in boxes)
    east, north = max(box.east for box in boxes), max(box.north for box in boxes)
    box = BoundingBox(west, south, east, north)
    _add_extent(graph, iri, box, ((west + east) / 2, (south + north) / 2))
    return iri


def add_coverage(
    graph: Graph, site: Site, whole: URIRef, places: Iterable[CoveredPlace]
) -> list[URIRef]:
    """Describe places that people typed in and return their IRIs.

    A place with an IRI of the site's vocabulary is described by the vocabulary. If the typed name
    is that of another place, this becomes a place of its own.

    Args:
        graph: the graph to which triples are added.
        site: the site with the starts of IRIs.
        whole: IRI of the dataset.
        places: the typed places.
    """
    found: list[URIRef] = []
    for number, given in enumerate(places, 1):
        place = given
        known = _add_known(graph, site, make_web_iri(place.uri))
        named = site.foreign(place.uri)
        if known is not None:
            found.append(known)
            place, named = _drop_known(graph, known, place), None
        iri = named or make_part_iri(whole, f"place-{number}")
        shape = make_part_iri(whole, f"geometry-{number}")
        if _add_typed_in(graph, iri, shape, site.language, place) or named is not None:
            graph.add((iri, RDF.type, DCT.Location))
            found.append(iri)
    return found


def read_place_code(site: Site, iri: str, kind: str = "municipality") -> str | None:
    """Return the code in the IRI of a municipality or department, ``None`` for another IRI."""
    digits = 4 if kind == "municipality" else 2
    found = re.fullmatch(rf"{re.escape(site.vocabulary)}/{kind}/([0-9]{{{digits}}})", iri)
    return found[1] if found else None


def _add_known(graph: Graph, site: Site, iri: URIRef | None) -> URIRef | None:
    if iri is None:
        return None
    for kind in ("municipality", "department"):
        code = read_place_code(site, iri, kind)
        if code:
            return add_place(graph, site, kind, code)
    country = authorities.find_country(iri)
    return add_country(graph) if country else None


def _drop_known(graph: Graph, known: URIRef, place: CoveredPlace) -> CoveredPlace:
    """Return the rest of a row without the known place: another place that its text names.

    An example is a lake beside the IRI of a municipality. The rest is empty if the text is a name
    of the known place.
    """
    names = {fold_text(str(label)) for label in graph.objects(known, SKOS.prefLabel)}
    is_other = bool(place.text.strip()) and fold_text(place.text) not in names
    return replace(place, uri="") if is_other else CoveredPlace()


def _add_typed_in(graph: Graph, iri: URIRef, shape: URIRef, lang: str, place: CoveredPlace) -> bool:
    """Describe a typed place; return whether the row has any content."""
    name = make_text(place.text, lang)
    geom = make_geometry(place.geom)
    box = make_geometry(place.bbox) or (find_bounding_box(geom) if geom is not None else None)
    centre = make_geometry(place.centroid)
    if name is not None:
        graph.add((iri, SKOS.prefLabel, name))
    for predicate, literal in ((DCAT.bbox, box), (DCAT.centroid, centre)):
        # The same place may be typed in twice; DCAT-AP allows one box and one centre.
        if literal is not None and (iri, predicate, None) not in graph:
            graph.add((iri, predicate, literal))
    if geom is not None:
        graph.add((iri, GSP.hasGeometry, shape))
        graph.add((shape, RDF.type, GSP.Geometry))
        graph.add((shape, GSP.asWKT, geom))
    unparsed = [
        (predicate, Literal(clean_text(text), datatype=kind))
        for text, predicate, kind in (
            (place.gml, GSP.asGML, GSP.gmlLiteral),
            (place.wkt, GSP.asWKT, GSP.wktLiteral),
        )
        if text
    ]
    for predicate, literal in unparsed:
        graph.add((iri, GSP.hasGeometry, shape))
        graph.add((shape, RDF.type, GSP.Geometry))
        graph.add((shape, predicate, literal))
    is_empty = name is None and geom is None and box is None and centre is None
    return not is_empty or bool(unparsed)


def find_bounding_box(geom: Literal) -> Literal | None:
    """Return the bounding box of a WKT literal of :func:`.make_geometry` as WKT, if possible."""
    numbers = [float(digits) for digits in _NUMBER.findall(str(geom))]
    west, east, south, north = (
        min(numbers[::2]),
        max(numbers[::2]),
        min(numbers[1::2]),
        max(numbers[1::2]),
    )
    return _box(BoundingBox(west, south, east, north))


def _add_extent(graph: Graph, iri: URIRef, box: BoundingBox, centre: tuple[float, float]) -> None:
    point = make_geometry({"type": "Point", "coordinates": list(centre)})
    for predicate, literal in ((DCAT.bbox, _box(box)), (DCAT.centroid, point)):
        if literal is not None:
            graph.add((iri, predicate, literal))


def _box(box: BoundingBox) -> Literal | None:
    ring = [
        [box.west, box.south],
        [box.east, box.south],
        [box.east, box.north],
        [box.west, box.north],
        [box.west, box.south],
    ]
    return make_geometry(json.dumps({"type": "Polygon", "coordinates": [ring]}))


_GN = Namespace("http://www.geonames.org/ontology#")
_NAMES = (
    *(SKOS.prefLabel, RDFS.label, LOCN.geographicName, _GN.name, FOAF.name, DCT.title),
    *(schema["name"] for schema in SCHEMAS),
)
_SHAPES = (GSP.hasGeometry, LOCN.geometry)

# Geometries of schema.org, and points of the W3C's basic vocabulary, are numbers, latitude first.
_WGS = Namespace("http://www.w3.org/2003/01/geo/wgs84_pos#")
_DRAWN = (*(schema.geo for schema in SCHEMAS), _WGS.location)
_BOXES = tuple(schema.box for schema in SCHEMAS)
_POLYGONS = tuple(schema.polygon for schema in SCHEMAS)
_LATITUDES = (_WGS.lat, *(schema.latitude for schema in SCHEMAS))
_LONGITUDES = (_WGS.long, *(schema.longitude for schema in SCHEMAS))
_NUMBERS = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?")
_BETWEEN = re.compile(r"[\s,;]+")


def read_place(reader: Reader, whole: Node, node: Node) -> tuple[dict[str, str], list[str]]:
    """Return a place as a row of ``spatial_coverage``, and texts that cannot be parsed.

    Args:
        reader: reader of the graph.
        whole: the dataset; the IRI of a part of it is not kept.
        node: the place, which may be a literal: a name or a geometry.
    """
    if isinstance(node, Literal):
        text = str(node).strip()
        shape = read_geojson(text)
        return ({"geom": shape} if shape else {"text": text}) if text else {}, []
    shape = reader.geometry(node, *_SHAPES)
    box = reader.geometry(node, DCAT.bbox)
    drawn = make_geometry(shape)
    if drawn is not None and make_geometry(box) == find_bounding_box(drawn):
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
    """Return field → GeoJSON for geometries written as numbers, and malformed texts."""
    found: dict[str, str] = {}
    unread: list[str] = []
    for holder in (node, *(e for e in reader.nodes(node, *_DRAWN) if not isinstance(e, Literal))):
        centre = (reader.text(holder, *_LATITUDES), reader.text(holder, *_LONGITUDES))
        for field, text in (
            ("bbox", reader.text(holder, *_BOXES)),
            ("geom", reader.text(holder, *_POLYGONS)),
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
    """Return a box, polygon or point of latitudes and longitudes as GeoJSON, ``""`` if malformed.

    Source: schema.org, ``box`` (lower, then upper corner) and ``polygon``.
    """
    given = [number for number in _BETWEEN.split(text.strip()) if number]
    if len(given) % 2 or not all(map(_NUMBERS.fullmatch, given)):
        return ""
    numbers = list(map(float, given))
    latitudes, longitudes = numbers[::2], numbers[1::2]
    if not all(abs(latitude) <= 90 for latitude in latitudes):
        return ""
    if not all(abs(longitude) <= 180 for longitude in longitudes):
        return ""
    positions = [list(position) for position in zip(longitudes, latitudes, strict=True)]
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
    """Return whether a place of another site with this extension is a municipality of Guatemala.

    Its IRI may have another base. Other countries have municipalities with the same codes, so the
    name must agree too.
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
