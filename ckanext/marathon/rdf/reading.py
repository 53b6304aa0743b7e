"""Reading single values of a graph (texts, addresses, concepts) in a stable order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rdflib import BNode, Graph, Literal, URIRef
from rdflib.term import Node

from ckanext.marathon.rdf.facts import make_web_iri
from ckanext.marathon.rdf.literals import PARAGRAPH, read_geojson
from ckanext.marathon.vocabulary import authorities

from .namespaces import DCAT, DCT, FOAF, GSP, RDF, RDFS, SCHEMAS, SKOS, TIME, VCARD

# Properties with the label of a node, in order of preference.
_WORDS = (RDFS.label, DCT.description, DCT.title, SKOS.prefLabel, FOAF.name, RDFS.comment)
# Properties with the value of a node without an IRI. vCard's ontology has ``hasValue`` and
# ``value``.
_VALUES = (
    *(VCARD.hasValue, VCARD.value, RDF.value, SKOS.notation, *_WORDS, FOAF.homepage, FOAF.page),
    *(schema[name] for schema in SCHEMAS for name in ("name", "url")),
)

# Properties with the address of a node without an IRI.
_ADDRESSES = (
    *(VCARD.hasValue, VCARD.value, RDF.value, FOAF.homepage, FOAF.page),
    *(*(schema.url for schema in SCHEMAS), DCAT.landingPage, DCT.identifier, RDFS.seeAlso),
)


# IRIs that this extension gives to parts without an IRI (:mod:`.harvested`, :mod:`.concept`).
_PART = re.compile(r"#(?:other-|licence|rights|provenance)")


# Properties of a duration in OWL Time → their letters in ISO 8601.
_UNITS_OF_DATE = {"years": "Y", "months": "M", "weeks": "W", "days": "D"}
_UNITS_OF_TIME = {"hours": "H", "minutes": "M", "seconds": "S"}


class Reader:
    """Reads values of a graph; texts in the site's language are preferred.

    Args:
        graph: the graph.
        language: primary language tag of the site (``es``).
        others: further languages of the site, in order of preference.
    """

    def __init__(self, graph: Graph, language: str, others: Iterable[str] = ()) -> None:
        self.graph = graph
        self.language = language
        # Most catalogues have texts in English.
        self._others = tuple(dict.fromkeys([*others, "en"]))

    def nodes(self, subject: Node, *predicates: URIRef) -> list[Node]:
        """Return all objects; numbers in their IRIs are sorted as numbers."""
        found = {node for name in predicates for node in self.graph.objects(subject, name)}
        return sorted(found, key=_order)

    def iris(self, subject: Node, predicate: URIRef) -> list[str]:
        """Return the objects that are IRIs."""
        return [str(node) for node in self.nodes(subject, predicate) if isinstance(node, URIRef)]

    def text(self, subject: Node, *predicates: URIRef) -> str:
        """Return a literal of the first property that has one, in the most preferred language.

        The site's language comes first, with or without a region (``es``, ``es-GT``), then literals
        without a language, then the site's other languages and English, then any language.
        """
        found = self._first_literals(subject, *predicates)
        return str(min(found, key=self._rank)) if found else ""

    def literals(self, subject: Node, predicate: URIRef) -> list[Literal]:
        """Return all literals."""
        return [node for node in self.nodes(subject, predicate) if isinstance(node, Literal)]

    def texts(self, subject: Node, predicate: URIRef) -> list[str]:
        """Return all literals as text."""
        return list(map(str, self.literals(subject, predicate)))

    def untagged(self, subject: Node, *predicates: URIRef) -> list[str]:
        """Return the texts without a language tag of the first property that has a text."""
        found = self._first_literals(subject, *predicates)
        return [str(literal) for literal in found if not literal.language]

    def _first_literals(self, subject: Node, *predicates: URIRef) -> list[Literal]:
        """Return the literals of the first property that has one which is not blank."""
        for predicate in predicates:
            nodes = self.nodes(subject, predicate)
            found = [node for node in nodes if isinstance(node, Literal) and str(node).strip()]
            if found:
                return found
        return []

    def one(self, subject: Node, *predicates: URIRef) -> str:
        """Return the first value of :meth:`values`, ``""`` if there is none."""
        return next(iter(self.values(subject, *predicates)), "")

    def values(self, subject: Node, *predicates: URIRef) -> list[str]:
        """Return the :meth:`value` of each object."""
        nodes = [node for name in predicates for node in self.nodes(subject, name)]
        found = (self.value(node) for node in nodes)
        return [value for value in dict.fromkeys(found) if value]

    def value(self, node: Node) -> str:
        """Return an IRI or a text; for a blank node its value or label, never its id."""
        if not self.is_nameless(node):
            return str(node).strip()
        for name in _VALUES:
            found = self.text(node, name) or next(iter(self.iris(node, name)), "")
            if found:
                return found
        return str(node) if isinstance(node, URIRef) else ""

    def is_nameless(self, node: Node) -> bool:
        """Return whether a node is blank or has the IRI of a part of a dataset."""
        return isinstance(node, BNode) or (isinstance(node, URIRef) and bool(_PART.search(node)))

    def address(self, node: Node) -> str:
        """Return the address of a node, else its value; for fields of addresses.

        A blank node may have both an address and a label, of which :meth:`value` is the label.
        """
        if self.is_nameless(node):
            for name in _ADDRESSES:
                texts = (str(value).strip() for value in self.nodes(node, name))
                if found := next(filter(make_web_iri, texts), ""):
                    return found
        return self.value(node)

    def addresses(self, subject: Node, *predicates: URIRef) -> list[str]:
        """Return the :meth:`address` of each object."""
        nodes = [node for name in predicates for node in self.nodes(subject, name)]
        return [address for address in dict.fromkeys(map(self.address, nodes)) if address]

    def labels_of_addresses(self, subject: Node, *predicates: URIRef) -> list[str]:
        """Return the labels of objects that have an address as well."""
        nodes = [node for name in predicates for node in self.nodes(subject, name)]
        found = (self.text(e, *_WORDS) for e in nodes if self.address(e) != self.value(e))
        return [text for text in dict.fromkeys(found) if text]

    def statement(self, node: Node) -> str:
        """Return the text of a statement, else its IRI, else the literal itself."""
        if isinstance(node, Literal):
            return str(node)
        return self.text(node, *_WORDS) or self.value(node)

    def statements(self, subject: Node, predicate: URIRef, without: Node | None = None) -> str:
        """Return all statements of a property as one text with a paragraph for each.

        Args:
            subject: the subject.
            predicate: the property.
            without: statements that this other subject has too are left out.
        """
        nodes = self.nodes(subject, predicate)
        texts = [self.text(subject, predicate)]
        texts += [self._paragraph(node) for node in nodes if not isinstance(node, Literal)]
        if without is not None:
            others = self.nodes(without, predicate)
            repeated = {self._paragraph(node) for node in others} - {""}
            texts = [_without(text, repeated) for text in texts]
        return PARAGRAPH.join(text for text in dict.fromkeys(texts) if text.strip())

    def _paragraph(self, node: Node) -> str:
        """Return the text of a statement, followed by its address if it has one."""
        text = self.statement(node)
        is_named = isinstance(node, URIRef) and not self.is_nameless(node) and text != str(node)
        return f"{text} ({node})" if is_named else text

    def concepts(self, scheme: str, subject: Node, predicate: URIRef) -> list[str]:
        """Return the IRIs of objects in an authority table, then values that are not in it."""
        known: list[str] = []
        others: list[str] = []
        for node in self.nodes(subject, predicate):
            given = self.value(node)
            spellings = [given, *(self.text(node, name) for name in _VALUES)]
            if scheme == "frequency":
                spellings.append(self._duration(node))
            found = (
                authorities.find_concept(scheme, spelling) for spelling in spellings if spelling
            )
            concept = next(filter(None, found), None)
            if concept is not None:
                known.append(concept.iri)
                continue
            other = authorities.find_other_language(given) if scheme == "language" else None
            words = self.statement(node) if isinstance(node, BNode) else given
            if value := other.iri if other else words or given:
                others.append(value)
        return list(dict.fromkeys([*known, *others]))

    def _duration(self, node: Node) -> str:
        """Return a duration in OWL Time as ISO 8601 (``P…``), ``""`` if there is none.

        Spain's catalogues write frequencies in this way, as ``rdf:value`` of a node.
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
        """Return a geometry as GeoJSON text, ``""`` if none can be parsed.

        GeoJSON is preferred, because WKT is often rounded.
        """
        found = self._shapes(subject, *predicates)
        found.sort(key=lambda text: not text.lstrip().startswith("{"))
        shapes = (read_geojson(text) for text in found)
        return next(filter(None, shapes), "")

    def shape_texts(self, subject: Node, *predicates: URIRef) -> list[str]:
        """Return the texts of geometries that cannot be parsed (GML, for example)."""
        return [text for text in self._shapes(subject, *predicates) if not read_geojson(text)]

    def _shapes(self, subject: Node, *predicates: URIRef) -> list[str]:
        found: list[str] = []
        for node in self.nodes(subject, *predicates):
            if isinstance(node, Literal):
                found.append(str(node))
            else:
                inner = self.nodes(node, GSP.asWKT, GSP.asGeoJSON, GSP.asGML, RDF.value, RDFS.label)
                found += [str(node) for node in inner if isinstance(node, Literal)]
        return found

    def _rank(self, literal: Literal) -> tuple[Any, ...]:
        tag = (literal.language or "").lower().replace("_", "-")
        wanted = (self.language, "", *self._others)
        primary = tag.partition("-")[0]
        place = wanted.index(primary) if primary in wanted else len(wanted)
        return place, tag != primary, tag, _order(literal)


def _without(text: str, repeated: Iterable[str]) -> str:
    """Return a text without a repeated statement at its end, where ``add_note`` writes it."""
    if text in repeated:
        return ""
    ends = (f"{PARAGRAPH}{statement}" for statement in repeated)
    return text.removesuffix(next(filter(text.endswith, ends), ""))


def _order(node: Node) -> tuple[Any, ...]:
    """Return a sort key that puts ``#contact-2`` before ``#contact-10``."""
    parts: Iterable[str] = re.split(r"([0-9]+)", str(node))
    return tuple((len(part) if part.isdecimal() else 0, part) for part in parts)
