"""Lines of N-Triples: joined, looked up by subject, and written in the formats that are served.

A document is a head, any number of parts, and a tail. Parts are written by pyoxigraph, with the
same prefixes each time, and lose the frame that it puts around each; JSON-LD is written by
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
    """Return prefix → namespace, with that of our own properties."""
    return {**PREFIXES, "hydra": HYDRA, "marathon": f"{vocabulary}/def#"}


def find_kept_rdf_format(extension: str) -> str:
    """Return the format that parts of a format are kept in: two names may mean the same bytes.

    Raises:
        KeyError: no such format.
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
    """Return lines of N-Triples, without their ends, as a part of a document; b"" for none."""
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
    """Return the line that says that a catalogue has a dataset."""
    return f"<{catalogue}> <{DCAT.dataset}> <{dataset}> .".encode()


def join_descriptions(bodies: Iterable[bytes]) -> list[bytes]:
    """Return the lines of several descriptions, each once, in alphabetical order.

    Of what DCAT-AP allows once only the first value in alphabetical order is kept, whichever
    description has it, so that a copy made of descriptions comes out the same; what one calls an
    agent and another a licence loses its type, and a dataset that is somebody's document too has
    its own title alone, as ``rdf.profile.join`` does it: people may type in the same IRI and
    disagree about it. ``docs/follow.py`` does the same.
    """
    lines: set[bytes] = set()
    said: dict[tuple[bytes, bytes], bytes] = {}
    agents: set[bytes] = set()
    licences: set[bytes] = set()
    titles: dict[bytes, list[bytes]] = {}
    for line in {line for body in bodies for line in body.splitlines()}:
        subject, predicate, value = line.split(b" ", 2)
        if predicate in _SINGLE:
            said[subject, predicate] = min(value, said.get((subject, predicate), value))
            continue
        if predicate == _TYPE and value.startswith(_AGENT):
            agents.add(subject)
        elif predicate == _TYPE and value.startswith(_LICENCE):
            licences.add(subject)
        elif predicate == _TITLE:
            titles.setdefault(subject, []).append(line)
        lines.add(line)
    for subject in agents & licences:
        said.pop((subject, _KIND), None)
    lines.update(b" ".join((*about, value)) for about, value in said.items())
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


# Kinds of records that have parts with inner names (``rdf.uris.part``).
_WITH_PARTS = ("dataset", "organization", "idea", "workshop")

Term = pyoxigraph.NamedNode | pyoxigraph.Literal


@dataclass(frozen=True)
class StatedConcept:
    """A concept with its label; "" for a dependent node without a name.

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
        """Its address, else its label."""
        return self.address or self.label


class Statements:
    """Lines of N-Triples by subject."""

    def __init__(self, lines: Iterable[bytes], language: str, base: str = "") -> None:
        """Take them in; texts in ``language`` are preferred, ``base`` is where our IRIs start."""
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
        """Return the IRIs and texts that are said, in alphabetical order; ``#a-2`` before ``-10``.

        What a thing has several of is numbered (``…#period-1``) in the order of the record.
        """
        found = (term.value for term in self._found.get(subject, {}).get(str(predicate), ()))
        return sorted(found, key=_by_number)

    def value(self, subject: str, predicate: str) -> str:
        """Return the first of them; "" for none."""
        found = self.values(subject, predicate)
        return found[0] if found else ""

    def text(self, subject: str, *predicates: str) -> str:
        """Return the text of the first of these properties, in the preferred language if it is."""
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
        """Return the texts of statements; of one that is described elsewhere its address."""
        found = (self.text(node, RDFS.label) or node for node in self.values(subject, predicate))
        return tuple(dict.fromkeys(found))

    def in_order(self, subject: str, predicate: str) -> list[str]:
        """Return nodes with a position in its order, then the others."""

        def place(iri: str) -> int:
            stated = self.value(iri, SCHEMA.position)
            return int(stated) if stated.isdecimal() else sys.maxsize

        return sorted(self.values(subject, predicate), key=place)

    def concept(self, iri: str) -> StatedConcept:
        """Return something with a name, else with its IRI for one unless that is an inner name."""
        label = self.text(iri, SKOS.prefLabel, DCT.title, FOAF.name, RDFS.label)
        is_inner = "#" in iri and iri.startswith(self._starts)
        return StatedConcept(iri, label or ("" if is_inner else iri), is_inner)

    def concepts(self, subject: str, predicate: str) -> tuple[StatedConcept, ...]:
        """Return the objects of properties as concepts, with their labels."""
        return tuple(self.concept(iri) for iri in self.values(subject, predicate))

    def record_of(self, subject: str) -> str:
        """Return the catalogue's record of something, "" if none is described."""
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
