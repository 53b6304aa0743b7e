"""Back from triples to the dict of a resource."""

from __future__ import annotations

import re
from typing import Any

from rdflib import URIRef
from rdflib.term import Node

from ckanext.marathon.domain.addresses import resource_address
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.vocabulary import authorities

from .distribution import ALGORITHMS, resource_page, upload_address
from .extras import REST
from .literals import count
from .namespaces import ADMS, DC, DCAT, DCATAP, DCT, FOAF, RDF, RDFS, SPDX
from .reading import Reader
from .uris import Site

__all__ = ["read_resource"]

_IANA = re.compile(r"^https?://(?:www\.)?iana\.org/assignments/media-types/", re.IGNORECASE)

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
    found: dict[str, Any] = {name: reader.text(node, *each) for name, each in _TEXTS.items()}
    found |= _addresses(reader, site, node)
    found |= _formats(reader, node)
    size = count(reader.text(node, DCAT.byteSize))
    found["size"] = int(size) if size is not None else None
    for field, scheme, predicate in (
        ("availability", "planned-availability", DCATAP.availability),
        ("status", "distribution-status", ADMS.status),
    ):
        found[field] = next(iter(reader.concepts(scheme, node, predicate)), "")
    found["language"] = reader.concepts("language", node, DCT.language)
    found["documentation"] = reader.values(node, FOAF.page)
    found["conforms_to"] = reader.values(node, DCT.conformsTo)
    # The dataset's note is repeated on each of its distributions.
    found["rights"] = reader.statements(node, DCT.rights, without=dataset)
    found["license"] = _licence(reader, dataset, node)
    found |= _checksum(reader, node)
    found |= _identity(site, dataset, node)
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def _licence(reader: Reader, dataset: Node, node: Node) -> str:
    """Return the licence unless it is the dataset's, which then is in a table of ours."""
    of_dataset = reader.nodes(dataset, DCT.license)
    known = [each for each in of_dataset if authorities.licence(str(each))]
    known += [each for each in of_dataset if str(each).startswith(f"{dataset}#")]
    own = [each for each in reader.nodes(node, DCT.license) if each not in known]
    return next(filter(None, (reader.value(each) for each in own)), "")


def _identity(site: Site, dataset: Node, node: Node) -> dict[str, str]:
    """Return the id of a resource of ours; the IRI of another's, by which a harvester finds it."""
    start = f"{dataset}/resource/"
    if site.id_of("dataset", str(dataset)) and str(node).startswith(start):
        return {"id": str(node).removeprefix(start)}
    return {"uri": str(node)} if isinstance(node, URIRef) else {}


def _addresses(reader: Reader, site: Site, node: Node) -> dict[str, Any]:
    given = {
        name: reader.one(node, predicate)
        for name, predicate in (("access", DCAT.accessURL), ("download", DCAT.downloadURL))
    }
    access, download, also = (
        _address(each) for each in (*given.values(), reader.one(node, RDFS.seeAlso))
    )
    refused = [each for each in given.values() if each and not _address(each)]
    rest = {"url_text": refused} if refused else {}
    _, _, resource = str(node).rpartition("/resource/")
    dataset = site.id_of("dataset", str(node).removesuffix(f"/resource/{resource}"))
    if dataset and access == str(resource_page(site, dataset, resource)):
        # What stands in for an address is none that somebody gave.
        access = ""
    if also:
        return {"url": also, "access_url": access, "download_url": download, **rest}
    uploads = upload_address(site, dataset, resource) if dataset else None
    if uploads and download.startswith(uploads):
        return {"url": download, "access_url": access if access != download else "", **rest}
    return {"url": access or download, "download_url": download, **rest}


def _address(value: str) -> str:
    """Return an address that a resource may have, "" for another: the rest is kept without it."""
    try:
        return resource_address(value)
    except Malformed:
        return ""


def _formats(reader: Reader, node: Node) -> dict[str, Any]:
    """Return format and media types, by our tables where they have them, else as they are given.

    Other people give them as concepts, as media types (``dct:IMT`` and ``dct:MediaType`` with
    ``rdf:value`` or a label), as addresses of IANA's list or as texts.
    """
    spellings = [
        each
        for kind in reader.nodes(node, DCT["format"])
        for each in (
            reader.text(kind, RDFS.label),
            reader.text(kind, RDF.value),
            reader.value(kind),
        )
        if each
    ]
    kind = next(filter(None, map(authorities.file_type, spellings)), None)
    types = [each for each in spellings if _is_media_type(each)]
    named = [each for each in spellings if each not in types]
    found: dict[str, Any] = {"format": reader.text(node, DC["format"])}
    found["format"] = found["format"] or (kind.code if kind else next(iter(named), ""))
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
        chosen = next(filter(None, map(authorities.media_type, given)), "")
        if kind and kind.media_type in map(authorities.media_type, given):
            # Of several the one that the format has.
            chosen = kind.media_type or chosen
        chosen = chosen or next(iter(given), "")
        found[field] = _IANA.sub("", chosen)
        others = [each for each in given if (authorities.media_type(each) or each) != chosen]
        found |= {field + REST: list(dict.fromkeys(others))} if others else {}
    if not found["format"]:
        kind = authorities.file_type(found["mimetype"])
        found["format"] = kind.code if kind else ""
    return found


def _is_media_type(text: str) -> bool:
    return bool(_IANA.match(text) or re.fullmatch(r"[a-z]+/[\w!#$&^.+-]+(?:\s*;.*)?", text.lower()))


def _checksum(reader: Reader, node: Node) -> dict[str, str]:
    """Return the checksum; of several one whose algorithm we know."""
    others: dict[str, str] = {}
    for checksum in reader.nodes(node, SPDX.checksum):
        given = reader.one(checksum, SPDX.algorithm)
        stated = given.rpartition("_")[2].lower()
        value = reader.one(checksum, SPDX.checksumValue)
        if stated in ALGORITHMS and value:
            return {"hash": value, "hash_algorithm": stated}
        others = others or {"hash": value, "hash_algorithm": given}
    return others
