"""Lines of N-Triples in the formats in which the catalogue is served, in parts to be put together.

A document is a head, any number of parts, and a tail. Parts are written by pyoxigraph, with the
same prefixes each time, and lose the frame that it puts around each; JSON-LD is written by
:mod:`ckanext.marathon.rdf.formats`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pyoxigraph

from ckanext.marathon.rdf.formats import FORMATS, JSONLD_END, begin_jsonld, write_nodes
from ckanext.marathon.rdf.namespaces import DCAT, DCT, FOAF, PREFIXES, RDF, SINGLE_VALUED

HYDRA = "http://www.w3.org/ns/hydra/core#"

_TYPE = f"<{RDF.type}>".encode()
_LICENCE, _AGENT = f"<{DCT.LicenseDocument}>".encode(), f"<{FOAF.Agent}>".encode()
_KIND = f"<{DCT.type}>".encode()
_TITLE = f"<{DCT.title}>".encode()
_WITH_LANGUAGE = re.compile(rb'"@[A-Za-z0-9-]+ \.\Z')
_SINGLE = frozenset(f"<{each}>".encode() for each in SINGLE_VALUED)


@dataclass(frozen=True)
class Frame:
    """What stands around and between the parts of a document."""

    head: bytes
    between: bytes
    tail: bytes


def prefixes(vocabulary: str) -> dict[str, str]:
    """Return prefix → namespace, with that of our own properties."""
    return {**PREFIXES, "hydra": HYDRA, "marathon": f"{vocabulary}/def#"}


def kept_as(extension: str) -> str:
    """Return the format that parts of a format are kept in: two names may mean the same bytes.

    Raises:
        KeyError: no such format.
    """
    writer = FORMATS[extension].writer
    return {pyoxigraph.RdfFormat.N3: "ttl", pyoxigraph.RdfFormat.RDF_XML: "rdf"}.get(
        writer, extension
    )


def frame(extension: str, vocabulary: str) -> Frame:
    """Return the frame of a document in a format of :data:`.FORMATS`."""
    names = sorted(prefixes(vocabulary).items())
    kind = kept_as(extension)
    if kind == "jsonld":
        return Frame(begin_jsonld(prefixes(vocabulary)), b",\n", JSONLD_END)
    if kind == "nt":
        return Frame(b"", b"", b"")
    if kind == "ttl":
        lines = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in names)
        return Frame(lines.encode(), b"\n", b"")
    spaces = "".join(f'\n  xmlns:{name}="{iri}"' for name, iri in names)
    return Frame(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rdf:RDF{spaces}>\n'.encode(),
        b"",
        b"</rdf:RDF>\n",
    )


def part(lines: Iterable[bytes], extension: str, vocabulary: str) -> bytes:
    """Return lines of N-Triples, without their ends, as a part of a document; b"" for none."""
    triples = b"".join(line + b"\n" for line in lines)
    kind = kept_as(extension)
    if kind == "nt" or not triples:
        return triples
    parsed = pyoxigraph.parse(triples, format=pyoxigraph.RdfFormat.N_TRIPLES)
    if kind == "jsonld":
        return write_nodes(parsed, prefixes(vocabulary))
    written = pyoxigraph.serialize(
        (each.triple for each in parsed),
        format=FORMATS[kind].writer,
        prefixes=prefixes(vocabulary),
    )
    assert written is not None, "written to memory"
    if kind == "ttl":
        return _HEAD.sub(b"", written, count=1)
    return written[written.index(b"\n", written.index(b"<rdf:RDF")) + 1 : written.rindex(b"</rdf:")]


_HEAD = re.compile(rb"\A(?:@prefix [^\n]*\n)+")


def held(catalogue: str, dataset: str) -> bytes:
    """Return the line that says that a catalogue has a dataset."""
    return f"<{catalogue}> <{DCAT.dataset}> <{dataset}> .".encode()


def joined(bodies: Iterable[bytes]) -> list[bytes]:
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
            lines.difference_update(each for each in same if not _WITH_LANGUAGE.search(each))
    return ordered(lines)


def reached(start: str, lines: Iterable[bytes]) -> set[bytes]:
    """Return the lines about an IRI, and about what they lead to."""
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


def ordered(lines: Iterable[bytes]) -> list[bytes]:
    """Return lines by subject, what each is before what is said of it."""
    return sorted(lines, key=lambda line: line.replace(_TYPE, b"", 1))
