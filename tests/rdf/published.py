"""Catalogues published by others, and the values lost between two ways of reading them.

The files are read where they are: in the folder that ``MARATHON_PUBLISHED`` names, and in the
installed ckanext-dcat where its wheel has examples. None of them is part of this repository.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax import SAXParseException

from ckan.model.license import LicenseRegister
from ckanext.dcat.processors import RDFParser
from rdflib import RDF, RDFS, SKOS, Graph, Literal, URIRef
from rdflib.exceptions import ParserError

from ckanext.marathon.rdf.facts import read_mail_address
from ckanext.marathon.rdf.literals import read_geojson
from ckanext.marathon.rdf.namespaces import DCAT
from ckanext.marathon.vocabulary import authorities

# The exceptions of rdflib's parsers, which have no common base.
_NO_RDF = (SyntaxError, ValueError, ParserError, SAXParseException)

FOLDER = Path(os.environ.get("MARATHON_PUBLISHED") or "-")
STOCK, OURS = "euro_dcat_ap_3", "marathon"

_FORMS = {
    ".ttl": "turtle",
    ".n3": "n3",
    ".nt": "nt",
    ".rdf": "xml",
    ".xml": "xml",
    ".jsonld": "json-ld",
}
_IANA = re.compile(r"^https?://(?:www\.)?iana\.org/assignments/media-types/")
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

# One text of several languages is chosen. Other tests check which one.
_TEXTS = frozenset({"title", "notes", "name", "description", "provenance", "version_notes"})
_TEXTS |= {"rights", "text"}
# Other names under which the same value is stored.
_ALSO = {
    "access_url": {"url"},
    "download_url": {"url"},
    "url": {"access_url", "download_url"},
    "identifier": {"alternate_identifier", "uri"},
    "format": {"mimetype"},
    "mimetype": {"format"},
    "license": {"license_id"},
    "geom": {"spatial_coverage"},
    "spatial_coverage": {"municipality"},
    "bbox": {"geom"},
    # Published with a more general property, see ``rdf/harvested.py``.
    "source": {"related_resource"},
    "sample": {"related_resource"},
    "is_version_of": {"related_resource"},
    "in_series": {"related_resource"},
}
# Values that ckanext-dcat adds, or uses while it reads.
_NOT_SAID = frozenset({"distribution_ref", "access_service_ref", "homepage", "name_translated"})
_SCHEMES = ("frequency", "language", "data-theme", "access-right", "publisher-type", "file-type")
_SCHEMES += ("distribution-status", "planned-availability", "licence")


@dataclass(frozen=True)
class Published:
    """A file with datasets, and its graph."""

    name: str
    graph: Graph


def published() -> Iterator[Published]:
    """Yield the graphs that have a dataset. Files that are not RDF are left out."""
    installed = Path(str(resources.files("ckanext.dcat")))
    for root in (FOLDER, installed):
        for path in sorted(root.rglob("*")) if root.is_dir() else ():
            form = _FORMS.get(path.suffix)
            graph = _graph(path, form) if form and path.is_file() else None
            if graph is not None and (None, RDF.type, DCAT.Dataset) in graph:
                yield Published(str(path.relative_to(root)), graph)


def read(graph: Graph, profile: str) -> list[dict[str, Any]]:
    """Return the datasets of a graph as a profile reads them, by their IRI or title."""
    parser: Any = RDFParser(profiles=[profile])
    parser.g = graph
    return list(parser.datasets())


def lost(before: Mapping[str, Any], after: Mapping[str, Any], graph: Graph) -> list[str]:
    """Return the values of one reading of a dataset that the other does not have."""
    kept = list(_leaves(after))
    nodes = {str(each) for each in graph.all_nodes() if not hasattr(each, "language")}
    blank = {each for each in nodes if not each.startswith(("http", "mailto:", "urn:"))}
    # The address is stored without its label, because it means the same in every language.
    kept += [(p, str(label)) for p, v in kept for label in _labels(graph, v)]
    # Of an identifier the notation is stored, without the IRI that other catalogues give it.
    kept += [(p, str(e)) for p, v in kept for e in graph.subjects(SKOS.notation, Literal(v))]
    return [
        f"{'.'.join(path)}: {value}"
        for path, value in _leaves(before)
        if not _NOT_SAID & set(path)
        and not _is_node(value, blank)
        and not any(_is_related(path, other) and _same(path, value, v) for other, v in kept)
    ]


def _labels(graph: Graph, value: Any) -> Iterator[Any]:
    if isinstance(value, str) and value.startswith("http") and not set(value) & set(' <>"{}|^`'):
        yield from graph.objects(URIRef(value), RDFS.label)


def node_ids(found: Mapping[str, Any], graph: Graph) -> list[str]:
    """Return the fields in which the id of a blank node was taken for a value."""
    blank = {str(each) for each in graph.all_nodes() if type(each).__name__ == "BNode"}
    return [".".join(path) for path, value in _leaves(found) if str(value) in blank]


def _graph(path: Path, form: str) -> Graph | None:
    text = path.read_text(encoding="utf-8", errors="replace")
    if form == "json-ld" and '"@context": "http' in text:
        # Its meaning is elsewhere, and nothing is fetched here.
        return None
    graph = Graph()
    try:
        for part in _parts(text) if form == "xml" else [text]:
            graph.parse(data=part, format=form)
    except _NO_RDF:
        return None
    return graph


def _parts(text: str) -> list[str]:
    """Return the RDF in a document, which may be an answer of a catalogue service."""
    root = ElementTree.fromstring(text.encode())
    if root.tag == f"{{{_RDF}}}RDF":
        return [text]
    return [ElementTree.tostring(e, "unicode") for e in root.iter(f"{{{_RDF}}}RDF")]


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, str) and value[:1] in "[{" and path[-1:] != ("geom",):
        with contextlib.suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, Mapping) and not _is_geometry(value):
        if set(value) == {"key", "value"}:
            yield from _leaves(value["value"], (str(value["key"]).removeprefix("dcat_"),))
            return
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path)
    elif value not in (None, "", {}):
        yield path or ("",), value


def _is_related(path: tuple[str, ...], other: tuple[str, ...]) -> bool:
    given = [each.removesuffix("_text") for each in path]
    names = {each.removesuffix("_text") for each in other}
    wanted = {given[-1], given[0], *_ALSO.get(given[-1], ()), *_ALSO.get(given[0], ())}
    return bool(names & {*wanted, "_".join(given)})


def _is_node(value: Any, blank: set[str]) -> bool:
    return isinstance(value, str) and value in blank and " " not in value


def _is_geometry(value: Any) -> bool:
    return isinstance(value, Mapping) and "coordinates" in value


def _same(path: tuple[str, ...], one: Any, other: Any) -> bool:
    if path[-1] in _TEXTS:
        return True
    if path[-1] in ("geom", "bbox", "centroid"):
        return _shape(one) == _shape(other)
    a, b = (_plain(each) for each in (one, other))
    if "telephone" in path[0]:
        a, b = (re.sub(r"[^+\d]", "", each) for each in (a, b))
    return a in b or (path[-1] == "hash_algorithm" and b in a) or bool(_codes(a) & _codes(b))


def _shape(value: Any) -> Any:
    found = value if _is_geometry(value) else json.loads(read_geojson(str(value)) or "{}")
    return (found.get("type"), found.get("coordinates")) if found else str(value)


def _plain(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join(read_mail_address(str(value)).casefold().rstrip("?#").split())
    return _IANA.sub("", text)


def _codes(text: str) -> set[str]:
    # A day as people in Guatemala write it, which the site stores as ISO 8601 does.
    if local := re.fullmatch(r"(\d\d)/(\d\d)/(\d{4})", text):
        text = f"{local[3]}-{local[2]}-{local[1]}"
    found = {each.iri for name in _SCHEMES if (each := authorities.find_concept(name, text))}
    other = authorities.find_other_language(text)
    found |= {other.iri} if other else set()
    found |= {key for key, licence in LicenseRegister().items() if text in (key, licence.url)}
    media = authorities.find_media_type_iri(text)
    return (
        found
        | ({media} if media else set())
        | ({text.partition("t")[0]} if text[:2] in ("19", "20") else set())
    )
