"""Small questions to a graph: the text of this, the addresses of that, always in one order."""

from __future__ import annotations

import json
import re
import tokenize
from collections.abc import Iterable, Mapping
from typing import Any

from geomet import wkt
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.term import Node

from ckanext.marathon.domain.texts import load_json
from ckanext.marathon.vocabulary import authorities

from .literals import PARAGRAPH
from .namespaces import DCT, FOAF, GSP, RDF, RDFS, SCHEMAS, SKOS, TIME, VCARD

__all__ = ["Reader", "geojson"]


# What geomet raises for a text that is no WKT. It takes texts apart with Python's own tokenizer,
# which has errors for quotation marks and line continuations that do not end, and reads
# collections within collections by calling itself.
_NOT_WKT = (
    *(ValueError, TypeError, AttributeError, KeyError, StopIteration),
    *(SyntaxError, tokenize.TokenError, RecursionError),
)


# What tells a reader in words what a node is, in the order in which it is asked for.
_WORDS = (RDFS.label, DCT.description, DCT.title, SKOS.prefLabel, FOAF.name)
# Where a node that has no name of its own keeps its value.
_VALUES = (VCARD.hasValue, RDF.value, SKOS.notation, *_WORDS, FOAF.homepage, FOAF.page)
_VALUES += tuple(schema[name] for schema in SCHEMAS for name in ("name", "url"))


# The names that we give to nameless parts name nothing beyond their dataset (:mod:`.others`).
_PART = re.compile(r"#(?:other-|licence)")


# Properties of OWL Time's descriptions of durations, and their letters in ISO 8601.
_UNITS_OF_DATE = {"years": "Y", "months": "M", "weeks": "W", "days": "D"}
_UNITS_OF_TIME = {"hours": "H", "minutes": "M", "seconds": "S"}

# Geographic systems of EPSG, in degrees within two metres of WGS 84 (4326): ETRS89, NAD83, SIRGAS
# 2000. The axis order is that of EPSG's register.
_LATITUDE_FIRST = re.compile(
    r"(?:https?|urn):.*\bEPSG\b.*[/:](?:4326|4258|4269|4674)", re.IGNORECASE
)


class Reader:
    """What a graph says of one thing, in the site's language where there is a choice.

    Args:
        graph: that is read.
        language: of the site, as a primary language tag (``es``).
        others: further languages of the site, in its order.
    """

    def __init__(self, graph: Graph, language: str, others: Iterable[str] = ()) -> None:
        self.graph = graph
        self.language = language
        # English is what most catalogues fall back to.
        self._others = tuple(dict.fromkeys([*others, "en"]))

    def nodes(self, subject: Node, *predicates: URIRef) -> list[Node]:
        """Return all objects; parts of a thing come in the order of their numbers."""
        found = {each for name in predicates for each in self.graph.objects(subject, name)}
        return sorted(found, key=_order)

    def iris(self, subject: Node, predicate: URIRef) -> list[str]:
        """Return the objects that are IRIs."""
        return [str(each) for each in self.nodes(subject, predicate) if isinstance(each, URIRef)]

    def text(self, subject: Node, *predicates: URIRef) -> str:
        """Return a literal of the first property that has one, in the language wanted most.

        The site's language comes first, as such (``es``) or of any region (``es-GT``), then what
        has no language, then the site's other languages and English, then any.
        """
        found = self._first_literals(subject, *predicates)
        return str(min(found, key=self._rank)) if found else ""

    def texts(self, subject: Node, predicate: URIRef) -> list[str]:
        """Return all literals as text."""
        return [str(each) for each in self.nodes(subject, predicate) if isinstance(each, Literal)]

    def untagged(self, subject: Node, *predicates: URIRef) -> list[str]:
        """Return the texts without a language of the first property that has a text."""
        found = self._first_literals(subject, *predicates)
        return [str(each) for each in found if not each.language]

    def _first_literals(self, subject: Node, *predicates: URIRef) -> list[Literal]:
        """Return the literals of the first property that has one which is not blank."""
        for predicate in predicates:
            nodes = self.nodes(subject, predicate)
            found = [each for each in nodes if isinstance(each, Literal) and str(each).strip()]
            if found:
                return found
        return []

    def one(self, subject: Node, *predicates: URIRef) -> str:
        """Return the value of the first object that has one, ``""`` if there is none."""
        return next(iter(self.values(subject, *predicates)), "")

    def values(self, subject: Node, *predicates: URIRef) -> list[str]:
        """Return what the objects say; that of a node without a name is where it keeps it."""
        nodes = [each for name in predicates for each in self.nodes(subject, name)]
        found = (self.value(each) for each in nodes)
        return [each for each in dict.fromkeys(found) if each]

    def value(self, node: Node) -> str:
        """Return an IRI or a text, or what a node without a name says; never that node's id."""
        is_part = isinstance(node, URIRef) and bool(_PART.search(node))
        if not isinstance(node, BNode) and not is_part:
            return str(node).strip()
        for name in _VALUES:
            said = self.text(node, name) or next(iter(self.iris(node, name)), "")
            if said:
                return said
        return str(node) if is_part else ""

    def statement(self, node: Node) -> str:
        """Return what a statement says in words, else its IRI, else the text it is."""
        if isinstance(node, Literal):
            return str(node)
        return self.text(node, *_WORDS) or self.value(node)

    def statements(self, subject: Node, predicate: URIRef, without: Node | None = None) -> str:
        """Return all statements, a paragraph each; of one in several languages the best.

        Args:
            subject: of which they are made.
            predicate: which statements.
            without: those that are made of this too are left out.
        """
        nodes = self.nodes(subject, predicate)
        said = [self.text(subject, predicate)]
        said += [self.statement(each) for each in nodes if not isinstance(each, Literal)]
        if without is not None:
            others = self.nodes(without, predicate)
            repeated = {self.statement(each) for each in others} - {""}
            said = [_without(each, repeated) for each in said]
        return PARAGRAPH.join(each for each in dict.fromkeys(said) if each.strip())

    def concepts(self, scheme: str, subject: Node, predicate: URIRef) -> list[str]:
        """Return IRIs of an authority table; what it has not comes after them, as it is given."""
        known, others = [], []
        for node in self.nodes(subject, predicate):
            given = self.value(node)
            spellings = [given, *(self.text(node, name) for name in _VALUES)]
            if scheme == "frequency":
                spellings.append(self._duration(node))
            found = (authorities.concept(scheme, each) for each in spellings if each)
            concept = next(filter(None, found), None)
            if concept is not None:
                known.append(concept.iri)
                continue
            other = authorities.other_language(given) if scheme == "language" else None
            words = self.statement(node) if isinstance(node, BNode) else given
            if said := other.iri if other else words or given:
                others.append(said)
        return list(dict.fromkeys([*known, *others]))

    def _duration(self, node: Node) -> str:
        """Return what OWL Time describes as a duration, as ``P…`` of ISO 8601; ``""`` if none.

        Spain's catalogues give frequencies in this way: the description is the ``rdf:value``.
        """
        for described in (node, *self.nodes(node, RDF.value)):
            date = self._numbers(described, _UNITS_OF_DATE)
            time = self._numbers(described, _UNITS_OF_TIME)
            if date or time:
                return f"P{date}T{time}".removesuffix("T")
        return ""

    def _numbers(self, described: Node, units: Mapping[str, str]) -> str:
        found = ((self.text(described, TIME[unit]), letter) for unit, letter in units.items())
        return "".join(f"{number}{letter}" for number, letter in found if number.isdecimal())

    def geometry(self, subject: Node, *predicates: URIRef) -> str:
        """Return a geometry as GeoJSON text, ``""`` if there is none we can read.

        GeoJSON is preferred: WKT has often been rounded.
        """
        found = self._shapes(subject, *predicates)
        found.sort(key=lambda each: not each.lstrip().startswith("{"))
        return next(filter(None, map(geojson, found)), "")

    def shape_texts(self, subject: Node, *predicates: URIRef) -> list[str]:
        """Return the geometries that are written in a way we cannot read (GML, for example)."""
        return [each for each in self._shapes(subject, *predicates) if not geojson(each)]

    def _shapes(self, subject: Node, *predicates: URIRef) -> list[str]:
        found = []
        for node in self.nodes(subject, *predicates):
            if isinstance(node, Literal):
                found.append(str(node))
            else:
                inner = self.nodes(node, GSP.asWKT, GSP.asGeoJSON, GSP.asGML, RDF.value, RDFS.label)
                found += [str(each) for each in inner if isinstance(each, Literal)]
        return found

    def _rank(self, literal: Literal) -> tuple[Any, ...]:
        tag = (literal.language or "").lower().replace("_", "-")
        wanted = (self.language, "", *self._others)
        primary = tag.partition("-")[0]
        place = wanted.index(primary) if primary in wanted else len(wanted)
        return place, tag != primary, tag, _order(literal)


def geojson(text: str) -> str:
    """Return WKT or GeoJSON as GeoJSON text in longitude, latitude, ``""`` if it is neither.

    A reference system may stand before WKT; without one, longitude comes first (GeoSPARQL 1.0). In
    those of :data:`_LATITUDE_FIRST` latitude does, and a text that says so and does not follow it,
    as its numbers show, is read as it is meant. Other systems are not read: their numbers may not
    even be degrees.
    """
    before, _, after = text.strip().partition(">")
    system, shape = (before[1:], after.strip()) if before.startswith("<") else ("", text.strip())
    has_latitude_first = bool(_LATITUDE_FIRST.fullmatch(system))
    if system and not (has_latitude_first or system.endswith("/CRS84")):
        return ""
    try:
        read: Any = load_json(shape) if shape.startswith("{") else wkt.loads(shape)
        if not isinstance(read, dict) or "type" not in read:
            return ""
        if has_latitude_first and _is_on_earth(turned := _turn_axes(read)):
            read = turned
        return json.dumps(read)
    except _NOT_WKT:
        return ""


def _turn_axes(value: Any) -> Any:
    """Return a geometry with the first two numbers of each of its positions exchanged."""
    if isinstance(value, dict):
        parts = ("coordinates", "geometries")
        return {key: _turn_axes(each) if key in parts else each for key, each in value.items()}
    if not isinstance(value, list):
        return value
    if len(value) > 1 and all(isinstance(each, int | float) for each in value):
        return [value[1], value[0], *value[2:]]
    return [_turn_axes(each) for each in value]


def _is_on_earth(value: Any) -> bool:
    """Return whether all positions of a geometry can be longitude and latitude in degrees."""
    if isinstance(value, dict):
        return all(map(_is_on_earth, (value.get("coordinates"), value.get("geometries"))))
    if not isinstance(value, list):
        return True
    if len(value) > 1 and all(isinstance(each, int | float) for each in value):
        return abs(value[0]) <= 180 and abs(value[1]) <= 90
    return all(map(_is_on_earth, value))


def _without(text: str, repeated: Iterable[str]) -> str:
    """Return a text without a statement that it is or ends with, as ``add_note`` writes it."""
    if text in repeated:
        return ""
    ends = (f"{PARAGRAPH}{each}" for each in repeated)
    return text.removesuffix(next(filter(text.endswith, ends), ""))


def _order(node: Node) -> tuple[Any, ...]:
    """Sort ``#contact-2`` before ``#contact-10``, whatever else is in a text."""
    parts: Iterable[str] = re.split(r"([0-9]+)", str(node))
    return tuple((len(part) if part.isdecimal() else 0, part) for part in parts)
