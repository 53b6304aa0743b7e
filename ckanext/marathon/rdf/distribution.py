"""A resource is a ``dcat:Distribution``.

Source: DCAT-AP 3, Distribution.
"""

from __future__ import annotations

import re
from datetime import datetime

from rdflib import Graph, Literal, URIRef

from ckanext.marathon.domain import dates
from ckanext.marathon.domain.file import ALGORITHMS, read_checksum
from ckanext.marathon.records.values import list_texts
from ckanext.marathon.vocabulary import authorities

from .concept import add_authority
from .document import add_document
from .extras import REST
from .facts import Row
from .iri import mail, segment, web
from .licence import add_licence, add_licence_named
from .literals import (
    clean,
    count,
    decimal,
    duration,
    hex_binary,
    moment,
    stated_moment,
    text,
)
from .namespaces import ADMS, DC, DCAT, DCATAP, DCT, ELI, FOAF, RDF, RDFS, SCHEMA, SPDX, XSD
from .others import DOCUMENTATION, STANDARD, add_of_authority, add_texts_of
from .statement import add_statement
from .uris import Site, part

__all__ = [
    "ALGORITHMS",
    "IANA",
    "add_distribution",
    "add_links",
    "first_published",
    "read_checksum",
    "resource_page",
    "time_modified",
    "time_offered",
    "upload_address",
]

IANA = "https://www.iana.org/assignments/media-types/"

# DCAT-AP's shapes want ``https``, though SPDX itself writes ``http``.
_ALGORITHM = "https://spdx.org/rdf/terms#checksumAlgorithm_"
_OF_SPDX = re.compile(r"https?://spdx\.org/rdf/terms/?#checksumAlgorithm_(\w+)")
_MODIFIED = ("last_modified", "metadata_modified")


def add_distribution(
    graph: Graph, site: Site, dataset: Row, resource: Row, licence: URIRef | None, position: int
) -> URIRef:
    """Describe a resource of a dataset, under the IRI that we give it, and return that.

    Args:
        graph: is added to.
        site: where IRIs start.
        dataset: that it belongs to.
        resource: as ``package_show`` gives it.
        licence: of the dataset, for resources that name none.
        position: of the resource among those of the dataset, from 1. RDF has no order, and DCAT
            no word for one.
    """
    iri = site.own_distribution(str(dataset["id"]), str(resource["id"]))
    graph.add((iri, RDF.type, DCAT.Distribution))
    for predicate, literal in (
        (DCT.title, text(resource.get("name"), site.language)),
        (DCT.description, text(resource.get("description"), site.language)),
        (DCAT.byteSize, count(resource.get("size"))),
        (SCHEMA.position, Literal(position, datatype=XSD.integer)),
        (DCT.issued, time_offered(dataset, resource)),
        (DCT.modified, time_modified(dataset, resource)),
    ):
        if literal is not None:
            graph.add((iri, predicate, literal))
    _add_addresses(graph, site, iri, dataset, resource)
    _add_format(graph, iri, resource)
    _add_concepts(graph, iri, resource)
    _add_checksum(graph, iri, resource)
    own = add_licence(graph, resource.get("license")) if resource.get("license") else None
    if own is None:
        # DCAT-AP takes one.
        for said in list_texts(resource.get("license" + REST))[:1]:
            own = add_licence_named(graph, iri, said)
    effective = own or licence
    if effective is not None:
        graph.add((iri, DCT.license, effective))
    add_statement(graph, iri, DCT.rights, DCT.RightsStatement, "rights", resource, site)
    add_links(
        graph, site, iri, resource, {"documentation": FOAF.page, "conforms_to": DCT.conformsTo}
    )
    _add_others(graph, site, iri, resource)
    return iri


def _add_others(graph: Graph, site: Site, iri: URIRef, resource: Row) -> None:
    """Add what ckanext-dcat reads of a distribution and has no field of ours."""
    for predicate, literal in (
        (DCAT.spatialResolutionInMeters, decimal(resource.get("spatial_resolution_in_meters"))),
        (DCAT.temporalResolution, duration(resource.get("temporal_resolution"))),
    ):
        if literal is not None:
            graph.add((iri, predicate, literal))
    for said in map(text, list_texts(resource.get("identifier" + REST))):
        if said is not None:
            graph.add((iri, DCT.identifier, said))
    for law in filter(None, map(site.foreign, list_texts(resource.get("applicable_legislation")))):
        graph.add((iri, DCATAP.applicableLegislation, law))
        graph.add((law, RDF.type, ELI.LegalResource))
    names = {"documentation": DOCUMENTATION, "conforms_to": STANDARD}
    add_texts_of(graph, site, iri, resource, names)
    add_of_authority(graph, site, iri, DCT.language, "language", resource, DCT.LinguisticSystem)


def add_links(graph: Graph, site: Site, iri: URIRef, row: Row, fields: dict[str, URIRef]) -> None:
    """Add fields that hold lists of addresses, each typed as DCAT-AP wants it."""
    for field, predicate in fields.items():
        for address in list_texts(row.get(field)):
            other = web(address)
            if other is None:
                continue
            graph.add((iri, predicate, other))
            if predicate == FOAF.page:
                add_document(graph, site, other)
            elif predicate == DCT.conformsTo:
                graph.add((other, RDF.type, DCT.Standard))


def upload_address(site: Site, dataset: str, resource: str) -> str:
    """Return what the addresses of a resource's uploaded files start with."""
    return f"{site.url}/dataset/{segment(dataset)}/resource/{segment(resource)}/download/"


def resource_page(site: Site, dataset: str, resource: str) -> URIRef:
    """Return the address of the page that shows a resource to people."""
    return URIRef(f"{site.page('dataset', dataset)}/resource/{segment(resource)}")


def _add_addresses(graph: Graph, site: Site, iri: URIRef, dataset: Row, resource: Row) -> None:
    """Add where a resource is to be had.

    ``url`` stands in for whichever of access and download address is missing; where it is
    neither of them, ``rdfs:seeAlso`` keeps it. Where there is no address of the web (``mailto:``, a
    share in somebody's network) the access address, which DCAT-AP wants, is the page that shows
    what was written; ``rdfs:seeAlso`` keeps a mail address.
    """
    url = web(resource.get("url"))
    uploaded = resource.get("url_type") == "upload"
    if uploaded and url is None and clean(resource.get("url")):
        name = re.split(r"[/\\]", str(resource["url"]))[-1]
        start = upload_address(site, str(dataset["id"]), str(resource["id"]))
        url = URIRef(start + segment(name))
    download = web(resource.get("download_url")) or (url if uploaded else None)
    given = web(resource.get("access_url"))
    page = resource_page(site, str(dataset["id"]), str(resource["id"]))
    graph.add((iri, DCAT.accessURL, given or url or download or page))
    if download is not None:
        graph.add((iri, DCAT.downloadURL, download))
    for field, predicate in (("access_url", DCAT.accessURL), ("download_url", DCAT.downloadURL)):
        for further in filter(None, map(site.foreign, list_texts(resource.get(field + REST)))):
            graph.add((iri, predicate, further))
    by_mail = mail(resource.get("url")) if url is None else None
    also = by_mail or (url if given is not None else None)
    if also is not None and not uploaded and also != given:
        graph.add((iri, RDFS.seeAlso, also))


def _add_format(graph: Graph, iri: URIRef, resource: Row) -> None:
    named, typed = clean(resource.get("format")), clean(resource.get("mimetype"))
    kind = authorities.find_file_type(named) or authorities.find_file_type(typed)
    if kind is not None:
        graph.add((iri, DCT["format"], add_authority(graph, kind, DCT.MediaTypeOrExtent)))
    word = text(named)
    if word is not None and authorities.find_file_type(named) is None:
        # DCAT-AP takes none but the EU's file types for ``dct:format``; of a format that is not
        # among them (API, DOCM …) the word stays as it was written.
        graph.add((iri, DC["format"], word))
    media = authorities.find_media_type_iri(typed) or (kind.media_type if kind else None)
    if media is not None:
        _add_media_type(graph, iri, DCAT.mediaType, media)
    for field, predicate in (
        ("compress_format", DCAT.compressFormat),
        ("package_format", DCAT.packageFormat),
    ):
        packed = authorities.find_media_type_iri(clean(resource.get(field)))
        if packed is not None:
            _add_media_type(graph, iri, predicate, packed)


def _add_media_type(graph: Graph, iri: URIRef, predicate: URIRef, media: str) -> None:
    node = URIRef(media)
    graph.add((iri, predicate, node))
    graph.add((node, RDF.type, DCT.MediaType))
    # Stock ckanext-dcat takes the label for the media type, and finds CKAN's format by it.
    graph.add((node, RDFS.label, Literal(media.removeprefix(IANA))))


def _add_concepts(graph: Graph, iri: URIRef, resource: Row) -> None:
    for field, predicate, find in (
        ("availability", DCATAP.availability, authorities.find_availability),
        ("status", ADMS.status, authorities.find_distribution_status),
    ):
        concept = find(clean(resource.get(field)))
        if concept is not None:
            graph.add((iri, predicate, add_authority(graph, concept)))
    for value in list_texts(resource.get("language")):
        concept = authorities.find_language(value)
        if concept is not None:
            graph.add((iri, DCT.language, add_authority(graph, concept, DCT.LinguisticSystem)))


def _add_checksum(graph: Graph, iri: URIRef, resource: Row) -> None:
    """Add the checksum, if it is one: DCAT-AP's shapes take SPDX's algorithms only."""
    found = read_checksum(resource)
    if found is not None:
        digits, name = hex_binary(found.digits), found.algorithm
    else:
        of_spdx = _OF_SPDX.fullmatch(clean(resource.get("hash_algorithm")))
        digits, name = hex_binary(clean(resource.get("hash"))), of_spdx[1] if of_spdx else ""
        # Digits that do not fit an algorithm of our list are a checksum of nothing.
        name = "" if name in ALGORITHMS else name
    if digits is None or not name:
        return
    algorithm = URIRef(_ALGORITHM + name)
    checksum = part(iri, "checksum")
    graph.add((iri, SPDX.checksum, checksum))
    graph.add((checksum, RDF.type, SPDX.Checksum))
    graph.add((checksum, SPDX.checksumValue, digits))
    graph.add((checksum, SPDX.algorithm, algorithm))
    graph.add((algorithm, RDF.type, SPDX.ChecksumAlgorithm))


def first_published(dataset: Row) -> Literal | None:
    """Return when a dataset became public for the first time; ``None`` if it never was.

    ``package_show`` says so. Of a dataset from elsewhere, as of a search, only its beginning is
    known.
    """
    field = "first_published" if "first_published" in dataset else "metadata_created"
    return moment(dataset.get(field), utc=True)


def time_offered(dataset: Row, resource: Row) -> Literal | None:
    """Return since when there is a file: as somebody stated, else as the site knows."""
    return stated_moment(resource, "issued", _first_offered(dataset, resource))


def time_modified(dataset: Row, resource: Row) -> Literal | None:
    """Return when a file was changed: as stated, else as the site knows, not before it was there.

    CKAN notes the change a moment before the file itself, and drafts are changed unpublished.
    """
    known = (moment(resource.get(name), utc=True) for name in _MODIFIED)
    own = next(filter(None, known), None)
    times = [each for each in (own, _first_offered(dataset, resource)) if each is not None]
    return stated_moment(resource, "modified", max(times, key=_instant) if own else None)


def _first_offered(dataset: Row, resource: Row) -> Literal | None:
    """Return when a file could first be had: not before its dataset was public."""
    own = moment(resource.get("created"), utc=True)
    if "first_published" not in dataset or own is None:
        return own
    published = first_published(dataset)
    return max(own, published, key=_instant) if published is not None else None


def _instant(literal: Literal) -> datetime:
    return dates.find_first_instant(str(literal))
