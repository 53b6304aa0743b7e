"""What lines of the log say, asked by what they are about."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass

import pyoxigraph

from ckanext.marathon.rdf.namespaces import DCT, FOAF, RDF, RDFS, SCHEMA, SKOS

# Kinds of records that have parts with inner names (``rdf.uris.part``).
_WITH_PARTS = ("dataset", "organization", "idea", "workshop")

Term = pyoxigraph.NamedNode | pyoxigraph.Literal


@dataclass(frozen=True)
class Concept:
    """A concept with its label, "" for a part of a record that nobody gave a name.

    Attributes:
        is_inner: its IRI is the inner name of a part of a record (``…/dataset/<id>#licence``): no
            label, and no address of a licence or document that somebody stated.
    """

    iri: str
    label: str
    is_inner: bool = False

    @property
    def address(self) -> str:
        """Its IRI, "" for an inner name."""
        return "" if self.is_inner else self.iri

    @property
    def shown(self) -> str:
        """Its address; what it is called where it has none."""
        return self.address or self.label


class Said:
    """Lines of N-Triples by what they are about."""

    def __init__(self, lines: Iterable[bytes], language: str, base: str = "") -> None:
        """Take them in; texts in ``language`` are preferred, ``base`` is where our IRIs start."""
        self._language = language
        self._starts = tuple(f"{base}/{kind}/" for kind in _WITH_PARTS) if base else ()
        self._found: dict[str, dict[str, list[Term]]] = {}
        self._records: dict[str, str] = {}
        triples = b"\n".join(lines)
        for each in pyoxigraph.parse(triples, format=pyoxigraph.RdfFormat.N_TRIPLES):
            about = self._found.setdefault(each.subject.value, {})
            about.setdefault(each.predicate.value, []).append(each.object)
            if each.predicate.value == str(FOAF.primaryTopic):
                self._records[each.object.value] = each.subject.value

    def values(self, subject: str, predicate: str) -> list[str]:
        """Return the IRIs and texts that are said, in alphabetical order; ``#a-2`` before ``-10``.

        What a thing has several of is numbered (``…#period-1``) in the order of the record.
        """
        found = (each.value for each in self._found.get(subject, {}).get(str(predicate), ()))
        return sorted(found, key=_by_number)

    def value(self, subject: str, predicate: str) -> str:
        """Return the first of them; "" for none."""
        found = self.values(subject, predicate)
        return found[0] if found else ""

    def text(self, subject: str, *predicates: str) -> str:
        """Return the text of the first of these properties, in the preferred language if it is."""
        for predicate in predicates:
            texts = [
                each
                for each in self._found.get(subject, {}).get(str(predicate), ())
                if isinstance(each, pyoxigraph.Literal)
            ]
            if texts:
                return min(texts, key=self._order).value
        return ""

    def _order(self, text: pyoxigraph.Literal) -> tuple[bool, bool, str]:
        return text.language != self._language, text.language is not None, text.value

    def statements(self, subject: str, predicate: str) -> tuple[str, ...]:
        """Return the texts of statements; of one that is described elsewhere its address."""
        found = (self.text(each, RDFS.label) or each for each in self.values(subject, predicate))
        return tuple(dict.fromkeys(found))

    def in_order(self, subject: str, predicate: str) -> list[str]:
        """Return what has places among its like in their order, the rest after it."""

        def place(iri: str) -> int:
            stated = self.value(iri, SCHEMA.position)
            return int(stated) if stated.isdecimal() else sys.maxsize

        return sorted(self.values(subject, predicate), key=place)

    def concept(self, iri: str) -> Concept:
        """Return something with a name, else with its IRI for one unless that is an inner name."""
        label = self.text(iri, SKOS.prefLabel, DCT.title, FOAF.name, RDFS.label)
        is_inner = "#" in iri and iri.startswith(self._starts)
        return Concept(iri, label or ("" if is_inner else iri), is_inner)

    def concepts(self, subject: str, predicate: str) -> tuple[Concept, ...]:
        """Return what is named, with labels."""
        return tuple(self.concept(each) for each in self.values(subject, predicate))

    def record_of(self, subject: str) -> str:
        """Return the catalogue's record of something, "" if none is described."""
        return self._records.get(subject, "")

    def has(self, subject: str) -> bool:
        """Return whether anything is said of it."""
        return subject in self._found

    def subjects(self, kind: str) -> list[str]:
        """Return what is of a class, in alphabetical order."""
        return sorted(each for each in self._found if kind in self.values(each, RDF.type))


def _by_number(value: str) -> tuple[tuple[int, str], ...]:
    return tuple(
        (len(part) if part.isdecimal() else 0, part) for part in re.split(r"([0-9]+)$", value)
    )
