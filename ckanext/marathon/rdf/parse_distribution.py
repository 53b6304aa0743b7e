"""Back from triples to the dict of a resource."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rdflib import URIRef
from rdflib.term import Node

from ckanext.marathon.domain import numbers
from ckanext.marathon.domain.addresses import check_resource_address
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.vocabulary import authorities

from .distribution import ALGORITHMS, resource_page, upload_address
from .extras import REST
from .iri import web
from .literals import count
from .namespaces import ADMS, DC, DCAT, DCATAP, DCT, FOAF, RDF, RDFS, SPDX, XSD
from .reading import Reader
from .uris import Site

__all__ = ["read_resource", "read_texts", "single"]

# A word that is neither a path nor a host: no address, though CKAN would put ``http://`` before it.
_WORD = re.compile(r"(?!www\.)[^:/\\]+", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[a-z]+/[\w!#$&^.+-]+(?:\s*;.*)?", re.IGNORECASE)

_TEXTS = {
    "name": (DCT.title, RDFS.label),
    "description": (DCT.description,),
    "issued": (DCT.issued,),
    "modified": (DCT.modified,),
}


def read_resource(reader: Reader, site: Site, dataset: Node, node: Node) -> dict[str, Any]:
    """Return the fields of a resource.

    Args:
        reader: of the graph.
        site: that reads; the resource's id is taken only from an IRI of its own.
        dataset: that it belongs to.
        node: the distribution.
    """
    found = read_texts(reader, node, _TEXTS)
    found |= _addresses(reader, site, node)
    found |= _formats(reader, node)
    found |= _sizes(reader, node)
    for field, scheme, predicate in (
        ("availability", "planned-availability", DCATAP.availability),
        ("status", "distribution-status", ADMS.status),
    ):
        found |= single(field, reader.concepts(scheme, node, predicate))
    found["language"] = reader.concepts("language", node, DCT.language)
    for name, predicate in (("documentation", FOAF.page), ("conforms_to", DCT.conformsTo)):
        found[name] = reader.addresses(node, predicate)
        found[f"{name}_label{REST}"] = reader.words_beside(node, predicate)
    found["identifier" + REST] = reader.values(node, DCT.identifier, ADMS.identifier)
    # The dataset's note is repeated on each of its distributions.
    found["rights"] = reader.statements(node, DCT.rights, without=dataset)
    found |= _licence(reader, dataset, node)
    found |= _checksum(reader, node)
    found |= _identity(site, dataset, node)
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def read_texts(
    reader: Reader, node: Node, fields: Mapping[str, tuple[URIRef, ...]]
) -> dict[str, Any]:
    """Return the text of each field, and beside it what else is said without a language.

    A text in several languages says the same; several without one do not.
    """
    found: dict[str, Any] = {}
    for name, predicates in fields.items():
        found[name] = reader.text(node, *predicates)
        others = [each for each in reader.untagged(node, *predicates) if each != found[name]]
        found |= {name + REST: others} if others else {}
    return found


def single(field: str, values: list[str]) -> dict[str, Any]:
    """Return the first value as that of the field, and the others beside it."""
    return {field: values[0], field + REST: values[1:]} if values else {}


def _licence(reader: Reader, dataset: Node, node: Node) -> dict[str, Any]:
    """Return the licence unless it is the dataset's, which then is in a table of ours.

    DCAT-AP takes one: others stay beside it.
    """
    of_dataset = reader.nodes(dataset, DCT.license)
    known = [each for each in of_dataset if authorities.find_stated_licence(str(each))]
    known += [each for each in of_dataset if str(each).startswith(f"{dataset}#")]
    own = [each for each in reader.nodes(node, DCT.license) if each not in known]
    given = [each for each in dict.fromkeys(map(reader.address, own)) if each]
    # The field takes addresses.
    given.sort(key=lambda each: web(each) is None)
    labels = reader.words_beside(node, DCT.license)
    return {**single("license", given), f"license_label{REST}": labels}


def _sizes(reader: Reader, node: Node) -> dict[str, Any]:
    """Return the size in bytes; what else is said of it beside the field, as it was written.

    What is typed as a number is one. A text is read as at every other door (``domain/numbers.py``):
    ``12,345`` is read, ``12.345`` may be either.
    """
    sizes: list[int] = []
    others = []
    for literal in reader.literals(node, DCAT.byteSize):
        written = str(literal).strip()
        exact = count(written) if literal.datatype not in (None, XSD.string) else None
        try:
            reading = numbers.read_count(written if exact is None else str(exact))
        except Malformed:
            others.append(written)
            continue
        is_new = int(reading.text) not in sizes
        others += [written] if reading.notice or (sizes and is_new) else []
        sizes.append(int(reading.text))
    return {"size": sizes[0] if sizes else None, "size" + REST: [e for e in others if e]}


def _identity(site: Site, dataset: Node, node: Node) -> dict[str, str]:
    """Return the id of a resource of ours; the IRI of another's, by which a harvester finds it."""
    start = f"{dataset}/resource/"
    if site.id_of("dataset", str(dataset)) and str(node).startswith(start):
        return {"id": str(node).removeprefix(start)}
    return {"uri": str(node)} if isinstance(node, URIRef) else {}


def _addresses(reader: Reader, site: Site, node: Node) -> dict[str, Any]:
    _, _, resource = str(node).rpartition("/resource/")
    dataset = site.id_of("dataset", str(node).removesuffix(f"/resource/{resource}"))
    # What stands in for an address is none that somebody gave.
    page = str(resource_page(site, dataset, resource)) if dataset else ""
    rest: dict[str, list[str]] = {"url" + REST: []}
    taken: dict[str, str] = {}
    for name, predicate in (("access_url", DCAT.accessURL), ("download_url", DCAT.downloadURL)):
        given = [each for each in reader.addresses(node, predicate) if each != page]
        fit = list(dict.fromkeys(each for value in given if (each := _address(value))))
        taken[name] = next(iter(fit), "")
        rest[name + REST] = fit[1:]
        rest["url" + REST] += [each for each in given if not _address(each)]
    access, download = taken["access_url"], taken["download_url"]
    also = _address(reader.one(node, RDFS.seeAlso))
    if also:
        return {"url": also, "access_url": access, "download_url": download, **rest}
    uploads = upload_address(site, dataset, resource) if dataset else None
    if uploads and download.startswith(uploads):
        return {"url": download, "access_url": access if access != download else "", **rest}
    return {"url": access or download, "download_url": download, **rest}


def _address(value: str) -> str:
    """Return an address that a resource may have, "" for another: the rest is kept without it."""
    if _WORD.fullmatch(value):
        return ""
    try:
        return check_resource_address(value)
    except Malformed:
        return ""


def _formats(reader: Reader, node: Node) -> dict[str, Any]:
    """Return format and media types, by our tables where they have them, else as they are given.

    Other people give them as concepts, as media types (``dct:IMT`` and ``dct:MediaType`` with
    ``rdf:value`` or a label), as addresses of IANA's list or as texts. Of several the first that
    our table has is the format; the others stay beside it.
    """
    of_formats, types, named = [], [], []
    for format_ in reader.nodes(node, DCT["format"]):
        texts = (reader.text(format_, RDFS.label), reader.text(format_, RDF.value))
        said = [each for each in (*texts, reader.value(format_)) if each]
        words = [each for each in said if not _is_media_type(each)]
        types += [each for each in said if each not in words]
        named += words[:1]
        of_formats.append((next(filter(None, map(authorities.find_file_type, said)), None), words))
    kind = next((each for each, _ in of_formats if each), None)
    word = reader.text(node, DC["format"])
    found: dict[str, Any] = {"format": word or (kind.code if kind else next(iter(named), ""))}
    others = [words[0] for other, words in of_formats if words and other != kind]
    if kind and authorities.find_file_type(word) not in (None, kind):
        others.append(kind.code)
    found["format" + REST] = others if word or kind else named[1:]
    for field, predicate in (
        ("mimetype", DCAT.mediaType),
        ("compress_format", DCAT.compressFormat),
        ("package_format", DCAT.packageFormat),
    ):
        given = [
            each
            for media in reader.nodes(node, predicate)
            for each in (reader.value(media), reader.text(media, RDFS.label, RDF.value))
            if each
        ]
        given += types if field == "mimetype" else []
        known = {each: authorities.find_media_type_iri(each) for each in given}
        chosen = next(filter(None, known.values()), "") or next(iter(given), "")
        if kind and kind.media_type in known.values():
            # Of several the one that the format has.
            chosen = kind.media_type or chosen
        found[field] = authorities.read_iana_name(chosen) or chosen
        found[field + REST] = [each for each, iri in known.items() if (iri or each) != chosen]
    if not found["format"]:
        kind = authorities.find_file_type(found["mimetype"])
        found["format"] = kind.code if kind else ""
    return found


def _is_media_type(text: str) -> bool:
    return bool(authorities.read_iana_name(text) or _MEDIA_TYPE.fullmatch(text))


def _checksum(reader: Reader, node: Node) -> dict[str, Any]:
    """Return the checksum; of several one whose algorithm we know, the others beside it."""
    rows: list[tuple[bool, str, str]] = []
    for checksum in reader.nodes(node, SPDX.checksum):
        given = reader.one(checksum, SPDX.algorithm)
        stated = given.rpartition("_")[2].lower()
        value = reader.one(checksum, SPDX.checksumValue)
        is_known = stated in ALGORITHMS and bool(value)
        rows += [(is_known, stated if is_known else given, value)] if given or value else []
    rows.sort(key=lambda row: not row[0])
    if not rows:
        return {}
    (_, algorithm, value), *others = rows
    rest = [f"{each}: {digits}" for _, each, digits in others]
    return {"hash": value, "hash_algorithm": algorithm, "hash" + REST: rest}
