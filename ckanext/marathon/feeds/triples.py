"""Lines of N-Triples: joined, looked up by subject, and written in the RDF formats.

A document is a head, any number of parts, and a tail. Each part is written by pyoxigraph with the
same prefixes, and the head and tail that pyoxigraph adds are cut off. JSON-LD is written by
:mod:`ckanext.marathon.rdf.formats`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass

import pyoxigraph

from ckanext.marathon.rdf.formats import FORMATS, JSONLD_END, begin_jsonld, write_nodes
from ckanext.marathon.rdf.namespaces import (
    DCAT,
    DCT,
    FOAF,
    PREFIXES,
    RDF,
    RDFS,
    SCHEMA,
    SINGLE_VALUED,
    SKOS,
)

HYDRA = "http://www.w3.org/ns/hydra/core#"

_TYPE = f"<{RDF.type}>".encode()
_LICENCE, _AGENT = f"<{DCT.LicenseDocument}>".encode(), f"<{FOAF.Agent}>".encode()
_KIND = f"<{DCT.type}>".encode()
_TITLE = f"<{DCT.title}>".encode()
_WITH_LANGUAGE = re.compile(rb'"@[A-Za-z0-9-]+ \.\Z')
_SINGLE = frozenset(f"<{predicate}>".encode() for predicate in SINGLE_VALUED)


@dataclass(frozen=True)
class RdfFrame:
    """Head, separator and tail of a document."""

    head: bytes
    between: bytes
    tail: bytes


def list_prefixes(vocabulary: str) -> dict[str, str]:
    """Return prefix → namespace, including the properties of this extension."""
    return {**PREFIXES, "hydra": HYDRA, "marathon": f"{vocabulary}/def#"}


def find_kept_rdf_format(extension: str) -> str:
    """Return the name under which pages of a format are stored.

    Two extensions with the same bytes share a name.

    Raises:
        KeyError: there is no such format.
    """
    writer = FORMATS[extension].writer
    return {pyoxigraph.RdfFormat.N3: "ttl", pyoxigraph.RdfFormat.RDF_XML: "rdf"}.get(
        writer, extension
    )


def make_rdf_frame(extension: str, vocabulary: str) -> RdfFrame:
    """Return the frame of a document in a format of :data:`.FORMATS`."""
    names = sorted(list_prefixes(vocabulary).items())
    kind = find_kept_rdf_format(extension)
    if kind == "jsonld":
        return RdfFrame(begin_jsonld(list_prefixes(vocabulary)), b",\n", JSONLD_END)
    if kind == "nt":
        return RdfFrame(b"", b"", b"")
    if kind == "ttl":
        lines = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in names)
        return RdfFrame(lines.encode(), b"\n", b"")
    spaces = "".join(f'\n  xmlns:{name}="{iri}"' for name, iri in names)
    return RdfFrame(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rdf:RDF{spaces}>\n'.encode(),
        b"",
        b"</rdf:RDF>\n",
    )


def write_rdf_part(lines: Iterable[bytes], extension: str, vocabulary: str) -> bytes:
    """Return N-Triples as a part of a document; b"" if there are none.

    Args:
        lines: N-Triples without line breaks.
        extension: a key of :data:`.FORMATS`.
        vocabulary: start of the IRIs of concepts.
    """
    triples = b"".join(line + b"\n" for line in lines)
    kind = find_kept_rdf_format(extension)
    if kind == "nt" or not triples:
        return triples
    parsed = pyoxigraph.parse(triples, format=pyoxigraph.RdfFormat.N_TRIPLES)
    if kind == "jsonld":
        return write_nodes(parsed, list_prefixes(vocabulary))
    written = pyoxigraph.serialize(
        (quad.triple for quad in parsed),
        format=FORMATS[kind].writer,
        prefixes=list_prefixes(vocabulary),
    )
    assert written is not None, "written to memory"
    if kind == "ttl":
        return _HEAD.sub(b"", written, count=1)
    return written[written.index(b"\n", written.index(b"<rdf:RDF")) + 1 : written.rindex(b"</rdf:")]


_HEAD = re.compile(rb"\A(?:@prefix [^\n]*\n)+")


def write_dataset_link(catalogue: str, dataset: str) -> bytes:
    """Return the ``dcat:dataset`` triple from a catalogue to a dataset."""
    return f"<{catalogue}> <{DCAT.dataset}> <{dataset}> .".encode()


def join_descriptions(bodies: Iterable[bytes]) -> list[bytes]:
    """Return the lines of several descriptions, each once, sorted.

    Descriptions may disagree about an IRI, because people may type in the same one. Conflicts are
    resolved as in :func:`.rdf.profile.join_graphs`: of a property that DCAT-AP allows once, the
    first value in alphabetical order stays; the type of an IRI that is an agent in one description
    and a licence in another is dropped; and a dataset that is a document of another record has only
    its own title. ``docs/follow.py`` does the same, so that a copy equals the original.
    """
    lines: set[bytes] = set()
    single: dict[tuple[bytes, bytes], bytes] = {}
    agents: set[bytes] = set()
    licences: set[bytes] = set()
    titles: dict[bytes, list[bytes]] = {}
    for line in {line for body in bodies for line in body.splitlines()}:
        subject, predicate, value = line.split(b" ", 2)
        if predicate in _SINGLE:
            single[subject, predicate] = min(value, single.get((subject, predicate), value))
            continue
        if predicate == _TYPE and value.startswith(_AGENT):
            agents.add(subject)
        elif predicate == _TYPE and value.startswith(_LICENCE):
            licences.add(subject)
        elif predicate == _TITLE:
            titles.setdefault(subject, []).append(line)
        lines.add(line)
    for subject in agents & licences:
        single.pop((subject, _KIND), None)
    lines.update(b" ".join((*about, value)) for about, value in single.items())
    for same in titles.values():
        if len(same) > 1 and any(map(_WITH_LANGUAGE.search, same)):
            lines.difference_update(line for line in same if not _WITH_LANGUAGE.search(line))
    return sort_lines(lines)


def list_reached_lines(start: str, lines: Iterable[bytes]) -> set[bytes]:
    """Return the lines about an IRI and, recursively, about the nodes that they name."""
    by_subject: dict[bytes, set[bytes]] = {}
    for line in lines:
        by_subject.setdefault(line.split(b" ", 1)[0], set()).add(line)
    found: set[bytes] = set()
    waiting = [f"<{start}>".encode()]
    while waiting:
        about = by_subject.pop(waiting.pop(), set())
        found |= about
        waiting += [line.rsplit(b" ", 2)[1] for line in about]
    return found


def sort_lines(lines: Iterable[bytes]) -> list[bytes]:
    """Sort lines by subject, ``rdf:type`` first."""
    return sorted(lines, key=lambda line: line.replace(_TYPE, b"", 1))


# Kinds of records with parts that are named by a fragment (``rdf.facts.make_part_iri``).
_WITH_PARTS = ("dataset", "organization", "idea", "workshop")

Term = pyoxigraph.NamedNode | pyoxigraph.Literal


@dataclass(frozen=True)
class StatedConcept:
    """A concept and its label; the label of a part of a record that has no name is "".

    Attributes:
        is_inner: whether the IRI is that of a part of a record (``…/dataset/<id>#licence``). Such
            an IRI is neither a label nor the address of a licence or document.
    """

    iri: str
    label: str
    is_inner: bool = False

    @property
    def address(self) -> str:
        """The IRI, "" for that of a part of a record."""
        return "" if self.is_inner else self.iri

    @property
    def shown(self) -> str:
        """The address, else the label."""
        return self.address or self.label


class Statements:
    """Lines of N-Triples by subject."""

    def __init__(self, lines: Iterable[bytes], language: str, base: str = "") -> None:
        """Parse N-Triples.

        Args:
            lines: N-Triples without line breaks.
            language: preferred language of texts.
            base: start of the IRIs of records; "" if no concepts are read.
        """
        self._language = language
        self._starts = tuple(f"{base}/{kind}/" for kind in _WITH_PARTS) if base else ()
        self._found: dict[str, dict[str, list[Term]]] = {}
        self._records: dict[str, str] = {}
        triples = b"\n".join(lines)
        for quad in pyoxigraph.parse(triples, format=pyoxigraph.RdfFormat.N_TRIPLES):
            about = self._found.setdefault(quad.subject.value, {})
            about.setdefault(quad.predicate.value, []).append(quad.object)
            if quad.predicate.value == str(FOAF.primaryTopic):
                self._records[quad.object.value] = quad.subject.value

    def values(self, subject: str, predicate: str) -> list[str]:
        """Return the values of a property, in alphabetical order.

        Numbers at the end are compared as numbers, so that parts (``…#period-2``, ``…#period-10``)
        come in the order of the record.
        """
        found = (term.value for term in self._found.get(subject, {}).get(str(predicate), ()))
        return sorted(found, key=_by_number)

    def value(self, subject: str, predicate: str) -> str:
        """Return the first value of a property; "" if there is none."""
        found = self.values(subject, predicate)
        return found[0] if found else ""

    def text(self, subject: str, *predicates: str) -> str:
        """Return a text of the first property that has one, in the preferred language if possible.

        Texts without a language come next; "" if no property has a text.
        """
        for predicate in predicates:
            texts = [
                term
                for term in self._found.get(subject, {}).get(str(predicate), ())
                if isinstance(term, pyoxigraph.Literal)
            ]
            if texts:
                return min(texts, key=self._order).value
        return ""

    def _order(self, text: pyoxigraph.Literal) -> tuple[bool, bool, str]:
        return text.language != self._language, text.language is not None, text.value

    def statements(self, subject: str, predicate: str) -> tuple[str, ...]:
        """Return the labels of the values of a property; for a value without a label, its IRI."""
        found = (self.text(node, RDFS.label) or node for node in self.values(subject, predicate))
        return tuple(dict.fromkeys(found))

    def in_order(self, subject: str, predicate: str) -> list[str]:
        """Return the values of a property by their ``schema:position``, then those without."""

        def place(iri: str) -> int:
            stated = self.value(iri, SCHEMA.position)
            return int(stated) if stated.isdecimal() else sys.maxsize

        return sorted(self.values(subject, predicate), key=place)

    def concept(self, iri: str) -> StatedConcept:
        """Return a node with its label; a node without one has its IRI as its label.

        The IRI of a part of a record is no label.
        """
        label = self.text(iri, SKOS.prefLabel, DCT.title, FOAF.name, RDFS.label)
        is_inner = "#" in iri and iri.startswith(self._starts)
        return StatedConcept(iri, label or ("" if is_inner else iri), is_inner)

    def concepts(self, subject: str, predicate: str) -> tuple[StatedConcept, ...]:
        """Return the values of a property as concepts, with their labels."""
        return tuple(self.concept(iri) for iri in self.values(subject, predicate))

    def record_of(self, subject: str) -> str:
        """Return the ``dcat:CatalogRecord`` of a subject, "" if there is none."""
        return self._records.get(subject, "")

    def has(self, subject: str) -> bool:
        """Return whether a subject has any statement."""
        return subject in self._found

    def subjects(self, kind: str) -> list[str]:
        """Return the subjects of a class, in alphabetical order."""
        return sorted(subject for subject in self._found if kind in self.values(subject, RDF.type))


def _by_number(value: str) -> tuple[tuple[int, str], ...]:
    return tuple(
        (len(part) if part.isdecimal() else 0, part) for part in re.split(r"([0-9]+)$", value)
    )
