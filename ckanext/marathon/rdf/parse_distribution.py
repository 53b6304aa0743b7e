"""Back from triples to the dict of a resource."""

from __future__ import annotations

from typing import Any

from rdflib import URIRef
from rdflib.term import Node

from ckanext.marathon.domain.addresses import resource_address
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.vocabulary import authorities

from .distribution import ALGORITHMS, IANA, resource_page, upload_address
from .literals import count
from .namespaces import ADMS, DC, DCAT, DCATAP, DCT, FOAF, RDFS, SPDX
from .reading import Reader
from .uris import Site

__all__ = ["read_resource"]

_TEXTS = {
    "name": DCT.title,
    "description": DCT.description,
    "issued": DCT.issued,
    "modified": DCT.modified,
}


def read_resource(reader: Reader, site: Site, dataset: URIRef, node: Node) -> dict[str, Any]:
    """Return the fields of a resource.

    Args:
        reader: of the graph.
        site: that reads; the resource's id is taken only from an IRI of its own.
        dataset: that it belongs to.
        node: the distribution.
    """
    found: dict[str, Any] = {name: reader.text(node, each) for name, each in _TEXTS.items()}
    found |= _addresses(reader, site, node)
    found |= _formats(reader, node)
    size = count(reader.text(node, DCAT.byteSize))
    found["size"] = int(size) if size is not None else None
    availability = reader.concepts("planned-availability", node, DCATAP.availability)
    found["availability"] = next(iter(availability), "")
    status = reader.concepts("distribution-status", node, ADMS.status)
    found["status"] = next(iter(status), "")
    found["language"] = reader.concepts("language", node, DCT.language)
    found["documentation"] = reader.iris(node, FOAF.page)
    found["conforms_to"] = reader.iris(node, DCT.conformsTo)
    found["rights"] = next(
        (
            reader.statement(each)
            for each in reader.nodes(node, DCT.rights)
            # The dataset's note is repeated on each of its distributions.
            if (dataset, DCT.rights, each) not in reader.graph
        ),
        "",
    )
    of_dataset = reader.iris(dataset, DCT.license)
    own = [each for each in reader.iris(node, DCT.license) if each not in of_dataset]
    found["license"] = next(iter(own), "")
    found |= _checksum(reader, node)
    found |= _identity(site, dataset, node)
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def _identity(site: Site, dataset: URIRef, node: Node) -> dict[str, str]:
    """Return the id of a resource of ours; the IRI of another's, by which a harvester finds it."""
    start = f"{dataset}/resource/"
    if site.id_of("dataset", str(dataset)) and str(node).startswith(start):
        return {"id": str(node).removeprefix(start)}
    return {"uri": str(node)} if isinstance(node, URIRef) else {}


def _addresses(reader: Reader, site: Site, node: Node) -> dict[str, str]:
    access, download, also = (
        _address(reader.one(node, each))
        for each in (DCAT.accessURL, DCAT.downloadURL, RDFS.seeAlso)
    )
    _, _, resource = str(node).rpartition("/resource/")
    dataset = site.id_of("dataset", str(node).removesuffix(f"/resource/{resource}"))
    if dataset and access == str(resource_page(site, dataset, resource)):
        # What stands in for an address is none that somebody gave.
        access = ""
    if also:
        return {"url": also, "access_url": access, "download_url": download}
    uploads = upload_address(site, dataset, resource) if dataset else None
    if uploads and download.startswith(uploads):
        return {"url": download, "access_url": access if access != download else ""}
    return {"url": access or download, "download_url": download}


def _address(value: str) -> str:
    """Return an address that a resource may have, "" for another: the rest is kept without it."""
    try:
        return resource_address(value)
    except Malformed:
        return ""


def _formats(reader: Reader, node: Node) -> dict[str, str]:
    kind = authorities.file_type(reader.one(node, DCT["format"]))
    found = {"format": reader.text(node, DC["format"]) or (kind.code if kind else "")}
    for field, predicate in (
        ("mimetype", DCAT.mediaType),
        ("compress_format", DCAT.compressFormat),
        ("package_format", DCAT.packageFormat),
    ):
        media = authorities.media_type(reader.one(node, predicate)) or ""
        found[field] = media.removeprefix(IANA)
    return found


def _checksum(reader: Reader, node: Node) -> dict[str, str]:
    for checksum in reader.nodes(node, SPDX.checksum):
        stated = reader.one(checksum, SPDX.algorithm).rpartition("_")[2].lower()
        value = reader.one(checksum, SPDX.checksumValue)
        if stated in ALGORITHMS and value:
            return {"hash": value, "hash_algorithm": stated}
    return {}
