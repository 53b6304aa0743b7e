"""Places: municipalities, departments, Guatemala, and whatever else people describe.

Source: DCAT-AP 3, Location. Geometries are WKT because stock ckanext-dcat reads that from
``dcat:bbox`` and ``dcat:centroid``. A shape typed in goes to ``geosparql:hasGeometry``: DCAT-AP
wants ``locn:geometry`` to be a node, and on such a node stock ckanext-dcat 2.4 stops reading.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rdflib import Graph, Literal, URIRef

from ckanext.marathon.vocabulary import authorities, territory
from ckanext.marathon.vocabulary.errors import UnknownCode
from ckanext.marathon.vocabulary.territory import BoundingBox
from ckanext.marathon.vocabulary.text import fold_text

from .concept import add_authority, add_texts
from .iri import web
from .literals import clean, geometry, text
from .namespaces import DCAT, DCT, GSP, RDF, SKOS
from .uris import Site, part

__all__ = [
    "SCHEME_TITLES",
    "add_country",
    "add_coverage",
    "add_municipality",
    "add_place",
    "add_place_scheme",
    "code_of_place",
]

SCHEME_TITLES = {
    "municipality": {"es": "Municipios de Guatemala", "en": "Municipalities of Guatemala"},
    "department": {"es": "Departamentos de Guatemala", "en": "Departments of Guatemala"},
}
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_AS_THEY_CAME = (("gml", GSP.asGML, GSP.gmlLiteral), ("wkt", GSP.asWKT, GSP.wktLiteral))


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
    for each in (DCT.Location, SKOS.Concept):
        graph.add((iri, RDF.type, each))
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
    """Describe Guatemala, by the EU's IRI for it, and return that."""
    country = authorities.find_country("GTM")
    assert country is not None, "the country table always has Guatemala"
    iri = add_authority(graph, country, DCT.Location)
    boxes = [each.bbox for each in territory.list_departments()]
    west, south = min(each.west for each in boxes), min(each.south for each in boxes)
    east, north = max(each.east for each in boxes), max(each.north for each in boxes)
    box = BoundingBox(west, south, east, north)
    _add_extent(graph, iri, box, ((west + east) / 2, (south + north) / 2))
    return iri


def add_coverage(
    graph: Graph, site: Site, whole: URIRef, rows: Iterable[Mapping[str, Any]]
) -> list[URIRef]:
    """Describe places that people typed in and return their IRIs.

    Args:
        graph: is added to.
        site: places of our vocabulary are described by it, not by what was typed. A name beside
            one that is not its own is that of another place.
        whole: the dataset they belong to.
        rows: with ``uri``, ``text``, ``geom``, ``bbox``, ``centroid``, all optional; ``gml`` and
            ``wkt`` are shapes that came like this and that nothing here reads.
    """
    found = []
    for number, row in enumerate(rows, 1):
        known = _add_known(graph, site, web(row.get("uri")))
        named = site.foreign(row.get("uri"))
        if known is not None:
            found.append(known)
            row, named = _beside(graph, known, row), None
        iri = named or part(whole, f"place-{number}")
        shape = part(whole, f"geometry-{number}")
        if _add_typed_in(graph, iri, shape, site.language, row) or named is not None:
            graph.add((iri, RDF.type, DCT.Location))
            found.append(iri)
    return found


def code_of_place(site: Site, iri: str, kind: str = "municipality") -> str | None:
    """Return the code in the IRI of a municipality or department of our vocabulary."""
    digits = 4 if kind == "municipality" else 2
    found = re.fullmatch(rf"{re.escape(site.vocabulary)}/{kind}/([0-9]{{{digits}}})", iri)
    return found[1] if found else None


def _add_known(graph: Graph, site: Site, iri: URIRef | None) -> URIRef | None:
    if iri is None:
        return None
    for kind in ("municipality", "department"):
        code = code_of_place(site, iri, kind)
        if code:
            return add_place(graph, site, kind, code)
    country = authorities.find_country(iri)
    return add_country(graph) if country else None


def _beside(graph: Graph, known: URIRef, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row without its known place: empty unless it names another, such as a lake."""
    names = {fold_text(str(each)) for each in graph.objects(known, SKOS.prefLabel)}
    said = row.get("text")
    is_other = isinstance(said, str) and bool(said.strip()) and fold_text(said) not in names
    return {name: value for name, value in row.items() if name != "uri"} if is_other else {}


def _add_typed_in(
    graph: Graph, iri: URIRef, shape: URIRef, lang: str, row: Mapping[str, Any]
) -> bool:
    """Describe a place as it was typed in; tell whether anything was."""
    name = text(row.get("text"), lang)
    geom = geometry(row.get("geom"))
    box = geometry(row.get("bbox")) or (envelope(geom) if geom is not None else None)
    centre = geometry(row.get("centroid"))
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
    as_they_came = [
        (predicate, Literal(clean(row[field]), datatype=kind))
        for field, predicate, kind in _AS_THEY_CAME
        if isinstance(row.get(field), str)
    ]
    for predicate, literal in as_they_came:
        graph.add((iri, GSP.hasGeometry, shape))
        graph.add((shape, RDF.type, GSP.Geometry))
        graph.add((shape, predicate, literal))
    is_empty = name is None and geom is None and box is None and centre is None
    return not is_empty or bool(as_they_came)


def envelope(geom: Literal) -> Literal | None:
    """Return the bounding box of a WKT literal as written by us."""
    numbers = [float(each) for each in _NUMBER.findall(str(geom))]
    west, east, south, north = (
        min(numbers[::2]),
        max(numbers[::2]),
        min(numbers[1::2]),
        max(numbers[1::2]),
    )
    return _box(BoundingBox(west, south, east, north))


def _add_extent(graph: Graph, iri: URIRef, box: BoundingBox, centre: tuple[float, float]) -> None:
    point = geometry({"type": "Point", "coordinates": list(centre)})
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
    return geometry(json.dumps({"type": "Polygon", "coordinates": [ring]}))
