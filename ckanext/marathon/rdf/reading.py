"""Small questions to a graph: the text of this, the addresses of that, always in one order."""

from __future__ import annotations

import json
import re
import tokenize
from collections.abc import Iterable
from typing import Any

from geomet import wkt
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.term import Node

from ckanext.marathon.domain.texts import load_json
from ckanext.marathon.vocabulary import authorities

from .iri import address_of_mail
from .namespaces import DCT, FOAF, GSP, RDFS, VCARD

__all__ = ["Reader"]


# What geomet raises for a text that is no WKT. It takes texts apart with Python's own tokenizer,
# which has errors for quotation marks and line continuations that do not end, and reads
# collections within collections by calling itself.
_NOT_WKT = (
    *(ValueError, TypeError, AttributeError, KeyError, StopIteration),
    *(SyntaxError, tokenize.TokenError, RecursionError),
)


class Reader:
    """What a graph says of one thing, in the site's language where there is a choice."""

    def __init__(self, graph: Graph, language: str) -> None:
        self.graph = graph
        self.language = language

    def nodes(self, subject: Node, predicate: URIRef) -> list[Node]:
        """Return all objects; parts of a thing come in the order of their numbers."""
        return sorted(self.graph.objects(subject, predicate), key=_order)

    def iris(self, subject: Node, predicate: URIRef) -> list[str]:
        """Return the objects that are IRIs."""
        return [str(each) for each in self.nodes(subject, predicate) if isinstance(each, URIRef)]

    def text(self, subject: Node, predicate: URIRef) -> str:
        """Return a literal, in the site's language if there is one; else ``""``."""
        found = [each for each in self.nodes(subject, predicate) if isinstance(each, Literal)]
        ours = [each for each in found if each.language == self.language]
        return str(next(iter(ours or found), ""))

    def texts(self, subject: Node, predicate: URIRef) -> list[str]:
        """Return all literals as text."""
        return [str(each) for each in self.nodes(subject, predicate) if isinstance(each, Literal)]

    def one(self, subject: Node, predicate: URIRef) -> str:
        """Return the first object as text, ``""`` if there is none."""
        return next((str(each) for each in self.nodes(subject, predicate)), "")

    def statement(self, node: Node) -> str:
        """Return what a statement says: its label, else its IRI, else the text it is."""
        label = self.text(node, RDFS.label)
        return label or ("" if isinstance(node, BNode) else str(node))

    def concepts(self, scheme: str, subject: Node, predicate: URIRef) -> list[str]:
        """Return IRIs of an authority table; other people's spellings are translated into them."""
        found = []
        for node in self.nodes(subject, predicate):
            concept = authorities.concept(scheme, str(node))
            if concept is not None and concept.iri not in found:
                found.append(concept.iri)
        return found

    def agent(self, whole: Node, node: Node) -> dict[str, str]:
        """Return an organisation as the fields of ``publisher`` and ``creator`` hold it."""
        mailbox = self.one(node, FOAF.mbox) or self.one(node, VCARD.hasEmail)
        kind = authorities.publisher_type(self.one(node, DCT.type))
        return _filled(
            uri=_own_iri(whole, node),
            name=self.text(node, FOAF.name),
            email=address_of_mail(mailbox),
            url=self.one(node, FOAF.homepage),
            type=kind.iri if kind else "",
            identifier=self.one(node, DCT.identifier),
        )

    def contact(self, whole: Node, node: Node) -> dict[str, str]:
        """Return an office as the field ``contact`` holds it."""
        return _filled(
            uri=_own_iri(whole, node),
            name=self.text(node, VCARD.fn),
            email=address_of_mail(self.one(node, VCARD.hasEmail)),
            url=self.one(node, VCARD.hasURL),
            identifier=self.one(node, VCARD.hasUID),
        )

    def geometry(self, subject: Node, predicate: URIRef) -> str:
        """Return a geometry as GeoJSON text, ``""`` if there is none we can read."""
        for node in self.nodes(subject, predicate):
            literals = (
                [node]
                if isinstance(node, Literal)
                else [*self.nodes(node, GSP.asWKT), *self.nodes(node, GSP.asGeoJSON)]
            )
            for literal in literals:
                found = geojson(str(literal))
                if found:
                    return found
        return ""


def geojson(text: str) -> str:
    """Return WKT or GeoJSON as GeoJSON text, ``""`` if it is neither."""
    # A reference system may stand before WKT; without one it is longitude, latitude (GeoSPARQL).
    shape = re.sub(r"^\s*<[^>]*>\s*", "", text)
    try:
        read: Any = load_json(shape) if shape.lstrip().startswith("{") else wkt.loads(shape)
        return json.dumps(read) if isinstance(read, dict) and "type" in read else ""
    except _NOT_WKT:
        return ""


def _filled(**fields: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}


def _own_iri(whole: Node, node: Node) -> str:
    """Return the IRI of a thing that is known beyond the dataset it is described in."""
    known = isinstance(node, URIRef) and not node.startswith(f"{whole}#")
    return str(node) if known else ""


def _order(node: Node) -> tuple[Any, ...]:
    """Sort ``#contact-2`` before ``#contact-10``, whatever else is in a text."""
    parts: Iterable[str] = re.split(r"([0-9]+)", str(node))
    return tuple((len(part) if part.isdecimal() else 0, part) for part in parts)
