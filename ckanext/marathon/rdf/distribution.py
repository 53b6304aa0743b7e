"""A resource as a ``dcat:Distribution``, and back.

Source: DCAT-AP 3, Distribution.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rdflib import Graph, Literal, URIRef
from rdflib.term import Node

from ckanext.marathon.domain import dates, numbers
from ckanext.marathon.domain.addresses import check_resource_address
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.file import ALGORITHMS
from ckanext.marathon.rdf.concept import (
    add_authority,
    add_document,
    add_licence,
    add_licence_named,
    add_statement,
)
from ckanext.marathon.rdf.facts import (
    Site,
    encode_segment,
    make_mail_iri,
    make_part_iri,
    make_web_iri,
)
from ckanext.marathon.rdf.harvested import add_named_nodes, add_set_aside_languages
from ckanext.marathon.rdf.literals import (
    clean_text,
    make_count,
    make_decimal,
    make_duration,
    make_hex_binary,
    make_moment,
    make_stated_moment,
    make_text,
)
from ckanext.marathon.rdf.reading import Reader
from ckanext.marathon.records import REST, Dataset, Resource
from ckanext.marathon.vocabulary import authorities

from .namespaces import ADMS, DC, DCAT, DCATAP, DCT, ELI, FOAF, RDF, RDFS, SCHEMA, SPDX, XSD

IANA = "https://www.iana.org/assignments/media-types/"

# DCAT-AP's shapes require ``https``, though SPDX itself has ``http``.
_ALGORITHM = "https://spdx.org/rdf/terms#checksumAlgorithm_"
_OF_SPDX = re.compile(r"https?://spdx\.org/rdf/terms/?#checksumAlgorithm_(\w+)")


def add_distribution(
    graph: Graph,
    site: Site,
    dataset: Dataset,
    resource: Resource,
    licence: URIRef | None,
    position: int,
) -> URIRef:
    """Describe a resource of a dataset and return its IRI, which this site assigns.

    Args:
        graph: the graph to which triples are added.
        site: the site with the starts of IRIs.
        dataset: the dataset.
        resource: the resource.
        licence: licence of the dataset, for resources without one.
        position: position of the resource in the dataset, from 1. It is published because triples
            have no order; DCAT has no property for it.
    """
    iri = site.own_distribution(dataset.id, resource.id)
    graph.add((iri, RDF.type, DCAT.Distribution))
    for predicate, literal in (
        (DCT.title, make_text(resource.name, site.language)),
        (DCT.description, make_text(resource.description, site.language)),
        (DCAT.byteSize, make_count(resource.size)),
        (SCHEMA.position, Literal(position, datatype=XSD.integer)),
        (DCT.issued, find_time_offered(dataset, resource)),
        (DCT.modified, find_time_modified(dataset, resource)),
    ):
        if literal is not None:
            graph.add((iri, predicate, literal))
    _add_addresses(graph, site, iri, dataset, resource)
    _add_format(graph, iri, resource)
    _add_concepts(graph, iri, resource)
    _add_checksum(graph, iri, resource)
    own = add_licence(graph, resource.license) if resource.license else None
    if own is None:
        # DCAT-AP allows one.
        for stated in resource.set_aside.get("license", ())[:1]:
            own = add_licence_named(graph, iri, stated)
    effective = own or licence
    if effective is not None:
        graph.add((iri, DCT.license, effective))
    add_statement(graph, iri, DCT.rights, DCT.RightsStatement, "rights", resource.rights, site)
    add_links(graph, site, iri, FOAF.page, resource.documentation)
    add_links(graph, site, iri, DCT.conformsTo, resource.conforms_to)
    _add_others(graph, site, iri, resource)
    return iri


def _add_others(graph: Graph, site: Site, iri: URIRef, resource: Resource) -> None:
    """Add properties of a distribution that ckanext-dcat reads and that are not in the schema."""
    for predicate, literal in (
        (DCAT.spatialResolutionInMeters, make_decimal(resource.spatial_resolution)),
        (DCAT.temporalResolution, make_duration(resource.temporal_resolution)),
    ):
        if literal is not None:
            graph.add((iri, predicate, literal))
    aside = resource.set_aside
    for identifier in map(make_text, aside.get("identifier", ())):
        if identifier is not None:
            graph.add((iri, DCT.identifier, identifier))
    for law in filter(None, map(site.foreign, resource.applicable_legislation)):
        graph.add((iri, DCATAP.applicableLegislation, law))
        graph.add((law, RDF.type, ELI.LegalResource))
    for name, predicate, kind in (
        ("documentation", FOAF.page, FOAF.Document),
        ("conforms_to", DCT.conformsTo, DCT.Standard),
    ):
        short = name.replace("_", "-")
        add_named_nodes(graph, site, iri, predicate, short, aside.get(name, ()), kind)
    add_set_aside_languages(graph, site, iri, aside.get("language", ()))


def add_links(
    graph: Graph, site: Site, iri: URIRef, predicate: URIRef, addresses: Iterable[str]
) -> None:
    """Add a list of addresses, with the class that DCAT-AP requires."""
    for other in filter(None, map(make_web_iri, addresses)):
        graph.add((iri, predicate, other))
        if predicate == FOAF.page:
            add_document(graph, site, other)
        elif predicate == DCT.conformsTo:
            graph.add((other, RDF.type, DCT.Standard))


def build_upload_address(site: Site, dataset: str, resource: str) -> str:
    """Return the start of the address of a resource's uploaded file."""
    path = f"{encode_segment(dataset)}/resource/{encode_segment(resource)}"
    return f"{site.url}/dataset/{path}/download/"


def build_resource_page(site: Site, dataset: str, resource: str) -> URIRef:
    """Return the address of the page that shows a resource to people."""
    return URIRef(f"{site.page('dataset', dataset)}/resource/{encode_segment(resource)}")


def _add_addresses(
    graph: Graph, site: Site, iri: URIRef, dataset: Dataset, resource: Resource
) -> None:
    """Add access and download address of a resource.

    ``url`` is used for a missing access or download address. If it is neither of them, it becomes
    ``rdfs:seeAlso``, and so does a mail address. If ``url`` is no web address (``mailto:``, a share
    in a local network), the access address, which DCAT-AP requires, is that of the resource's page.
    """
    url = make_web_iri(resource.url)
    uploaded = resource.url_type == "upload"
    if uploaded and url is None and clean_text(resource.url):
        name = re.split(r"[/\\]", resource.url)[-1]
        start = build_upload_address(site, dataset.id, resource.id)
        url = URIRef(start + encode_segment(name))
    download = make_web_iri(resource.download_url) or (url if uploaded else None)
    given = make_web_iri(resource.access_url)
    page = build_resource_page(site, dataset.id, resource.id)
    graph.add((iri, DCAT.accessURL, given or url or download or page))
    if download is not None:
        graph.add((iri, DCAT.downloadURL, download))
    for name, predicate in (("access_url", DCAT.accessURL), ("download_url", DCAT.downloadURL)):
        for further in filter(None, map(site.foreign, resource.set_aside.get(name, ()))):
            graph.add((iri, predicate, further))
    by_mail = make_mail_iri(resource.url) if url is None else None
    also = by_mail or (url if given is not None else None)
    if also is not None and not uploaded and also != given:
        graph.add((iri, RDFS.seeAlso, also))


def _add_format(graph: Graph, iri: URIRef, resource: Resource) -> None:
    named, typed = clean_text(resource.format), clean_text(resource.mimetype)
    kind = authorities.find_file_type(named) or authorities.find_file_type(typed)
    if kind is not None:
        graph.add((iri, DCT["format"], add_authority(graph, kind, DCT.MediaTypeOrExtent)))
    word = make_text(named)
    if word is not None and authorities.find_file_type(named) is None:
        # DCAT-AP allows only the EU's file types for ``dct:format``. Another format (API, DOCM …)
        # is published as it was written.
        graph.add((iri, DC["format"], word))
    media = authorities.find_media_type_iri(typed) or (kind.media_type if kind else None)
    if media is not None:
        _add_media_type(graph, iri, DCAT.mediaType, media)
    for stated, predicate in (
        (resource.compress_format, DCAT.compressFormat),
        (resource.package_format, DCAT.packageFormat),
    ):
        packed = authorities.find_media_type_iri(clean_text(stated))
        if packed is not None:
            _add_media_type(graph, iri, predicate, packed)


def _add_media_type(graph: Graph, iri: URIRef, predicate: URIRef, media: str) -> None:
    node = URIRef(media)
    graph.add((iri, predicate, node))
    graph.add((node, RDF.type, DCT.MediaType))
    # Stock ckanext-dcat reads the label as the media type, and finds CKAN's format by it.
    graph.add((node, RDFS.label, Literal(media.removeprefix(IANA))))


def _add_concepts(graph: Graph, iri: URIRef, resource: Resource) -> None:
    for stated, predicate, find in (
        (resource.availability, DCATAP.availability, authorities.find_availability),
        (resource.status, ADMS.status, authorities.find_distribution_status),
    ):
        concept = find(clean_text(stated))
        if concept is not None:
            graph.add((iri, predicate, add_authority(graph, concept)))
    for value in resource.languages:
        concept = authorities.find_language(value)
        if concept is not None:
            graph.add((iri, DCT.language, add_authority(graph, concept, DCT.LinguisticSystem)))


def _add_checksum(graph: Graph, iri: URIRef, resource: Resource) -> None:
    """Add the checksum, if it is valid: DCAT-AP's shapes allow only SPDX's algorithms."""
    found = resource.checksum
    if found is not None:
        digits, name = make_hex_binary(found.digits), found.algorithm
    else:
        of_spdx = _OF_SPDX.fullmatch(clean_text(resource.hash_algorithm))
        digits, name = (
            make_hex_binary(clean_text(resource.hash)),
            of_spdx[1] if of_spdx else "",
        )
        # Digits of a wrong length for a known algorithm are no checksum.
        name = "" if name in ALGORITHMS else name
    if digits is None or not name:
        return
    algorithm = URIRef(_ALGORITHM + name)
    checksum = make_part_iri(iri, "checksum")
    graph.add((iri, SPDX.checksum, checksum))
    graph.add((checksum, RDF.type, SPDX.Checksum))
    graph.add((checksum, SPDX.checksumValue, digits))
    graph.add((checksum, SPDX.algorithm, algorithm))
    graph.add((algorithm, RDF.type, SPDX.ChecksumAlgorithm))


def find_first_published(dataset: Dataset) -> Literal | None:
    """Return when a dataset became public for the first time; ``None`` if it never was.

    Only ``package_show`` has this time. For a package of a search it is the time of its creation.
    """
    known = dataset.first_published if dataset.knows_publication else dataset.created_at
    return make_moment(known, utc=True)


def find_time_offered(dataset: Dataset, resource: Resource) -> Literal | None:
    """Return since when a file is available: the date in the field, else CKAN's own time."""
    own = _first_offered(dataset, resource)
    return make_stated_moment(resource.issued, "issued" in resource.set_aside, own)


def find_time_modified(dataset: Dataset, resource: Resource) -> Literal | None:
    """Return when a file was changed: the date in the field, else CKAN's own time.

    CKAN's time is never before the file was available: CKAN writes the change a moment before the
    creation of a file, and a draft is changed before it is published.
    """
    saved = make_moment(resource.saved_at, utc=True)
    times = filter(None, (saved, _first_offered(dataset, resource)))
    own = max(times, key=_instant) if saved is not None else None
    return make_stated_moment(resource.modified, "modified" in resource.set_aside, own)


def _first_offered(dataset: Dataset, resource: Resource) -> Literal | None:
    """Return since when a file is available: its creation, or the publication of its dataset."""
    own = make_moment(resource.created_at, utc=True)
    if not dataset.knows_publication or own is None:
        return own
    published = find_first_published(dataset)
    return max(own, published, key=_instant) if published is not None else None


def _instant(literal: Literal) -> datetime:
    return dates.find_first_instant(str(literal))


# A single word is no address, though CKAN would put ``http://`` before it.
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
        reader: reader of the graph.
        site: this site; only an IRI of this site gives the resource its id.
        dataset: the dataset.
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
        found |= keep_first_value(field, reader.concepts(scheme, node, predicate))
    found["language"] = reader.concepts("language", node, DCT.language)
    for name, predicate in (("documentation", FOAF.page), ("conforms_to", DCT.conformsTo)):
        found[name] = reader.addresses(node, predicate)
        found[f"{name}_label{REST}"] = reader.labels_of_addresses(node, predicate)
    found["identifier" + REST] = reader.values(node, DCT.identifier, ADMS.identifier)
    # Each distribution repeats the dataset's note.
    found["rights"] = reader.statements(node, DCT.rights, without=dataset)
    found |= _licence(reader, dataset, node)
    found |= _checksum(reader, node)
    found |= _identity(site, dataset, node)
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def read_texts(
    reader: Reader, node: Node, fields: Mapping[str, tuple[URIRef, ...]]
) -> dict[str, str | list[str]]:
    """Return the text of each field, and further texts without a language tag as ``<field>_text``.

    Texts in several languages count as translations of one; several texts without a tag do not.
    """
    found: dict[str, str | list[str]] = {}
    for name, predicates in fields.items():
        found[name] = reader.text(node, *predicates)
        others = [text for text in reader.untagged(node, *predicates) if text != found[name]]
        found |= {name + REST: others} if others else {}
    return found


def keep_first_value(field: str, values: list[str]) -> dict[str, str | list[str]]:
    """Return the first value for the field, and the others for ``<field>_text``."""
    return {field: values[0], field + REST: values[1:]} if values else {}


def _licence(reader: Reader, dataset: Node, node: Node) -> dict[str, Any]:
    """Return the licence of a file, unless it is that of the dataset.

    DCAT-AP allows one licence; further ones are stored as ``license_text``.
    """
    of_dataset = reader.nodes(dataset, DCT.license)
    known = [licence for licence in of_dataset if authorities.find_stated_licence(str(licence))]
    known += [licence for licence in of_dataset if str(licence).startswith(f"{dataset}#")]
    own = [licence for licence in reader.nodes(node, DCT.license) if licence not in known]
    given = [address for address in dict.fromkeys(map(reader.address, own)) if address]
    # The field accepts only addresses.
    given.sort(key=lambda address: make_web_iri(address) is None)
    labels = reader.labels_of_addresses(node, DCT.license)
    return {**keep_first_value("license", given), f"license_label{REST}": labels}


def _sizes(reader: Reader, node: Node) -> dict[str, Any]:
    """Return the size in bytes, and values that cannot be parsed as ``size_text``.

    A literal with a numeric datatype needs no parsing. For a text the rules for all numbers apply
    (``domain/numbers.py``): ``12,345`` is accepted, ``12.345`` is ambiguous and refused.
    """
    sizes: list[int] = []
    others: list[str] = []
    for literal in reader.literals(node, DCAT.byteSize):
        written = str(literal).strip()
        exact = make_count(written) if literal.datatype not in (None, XSD.string) else None
        if exact is not None:
            size, notice = int(exact), None
        else:
            try:
                reading = numbers.read_count(written)
            except Malformed:
                others.append(written)
                continue
            size, notice = int(reading.text), reading.notice
        is_new = size not in sizes
        others += [written] if notice or (sizes and is_new) else []
        sizes.append(size)
    return {"size": sizes[0] if sizes else None, "size" + REST: [e for e in others if e]}


def _identity(site: Site, dataset: Node, node: Node) -> dict[str, str]:
    """Return ``id`` of a resource of this site, else ``uri``, by which harvesters recognise it."""
    start = f"{dataset}/resource/"
    if site.id_of("dataset", str(dataset)) and str(node).startswith(start):
        return {"id": str(node).removeprefix(start)}
    return {"uri": str(node)} if isinstance(node, URIRef) else {}


def _addresses(reader: Reader, site: Site, node: Node) -> dict[str, Any]:
    _, _, resource = str(node).rpartition("/resource/")
    dataset = site.id_of("dataset", str(node).removesuffix(f"/resource/{resource}"))
    # The page is published for a resource without an address; it is no address of the resource.
    page = str(build_resource_page(site, dataset, resource)) if dataset else ""
    rest: dict[str, list[str]] = {"url" + REST: []}
    taken: dict[str, str] = {}
    for name, predicate in (("access_url", DCAT.accessURL), ("download_url", DCAT.downloadURL)):
        given = [value for value in reader.addresses(node, predicate) if value != page]
        fit = list(dict.fromkeys(address for value in given if (address := _address(value))))
        taken[name] = next(iter(fit), "")
        rest[name + REST] = fit[1:]
        rest["url" + REST] += [value for value in given if not _address(value)]
    access, download = taken["access_url"], taken["download_url"]
    also = _address(reader.one(node, RDFS.seeAlso))
    if also:
        return {"url": also, "access_url": access, "download_url": download, **rest}
    uploads = build_upload_address(site, dataset, resource) if dataset else None
    if uploads and download.startswith(uploads):
        return {"url": download, "access_url": access if access != download else "", **rest}
    return {"url": access or download, "download_url": download, **rest}


def _address(value: str) -> str:
    """Return an address, ``""`` for a word or a refused address (``javascript:``)."""
    if _WORD.fullmatch(value):
        return ""
    try:
        return check_resource_address(value)
    except Malformed:
        return ""


def _formats(reader: Reader, node: Node) -> dict[str, Any]:
    """Return format and media types, as codes of the tables if possible, else unchanged.

    Other catalogues have them as concepts, as media types (``dct:IMT`` and ``dct:MediaType`` with
    ``rdf:value`` or a label), as addresses of IANA's list or as texts. The first format in the
    table becomes the format; others are stored as text.
    """
    of_formats: list[tuple[authorities.FileType | None, list[str]]] = []
    types: list[str] = []
    named: list[str] = []
    for format_ in reader.nodes(node, DCT["format"]):
        texts = (reader.text(format_, RDFS.label), reader.text(format_, RDF.value))
        spellings = [text for text in (*texts, reader.value(format_)) if text]
        words = [text for text in spellings if not _is_media_type(text)]
        types += [text for text in spellings if text not in words]
        named += words[:1]
        kinds = (authorities.find_file_type(text) for text in spellings)
        of_formats.append((next(filter(None, kinds), None), words))
    kind = next((known for known, _ in of_formats if known), None)
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
            text
            for media in reader.nodes(node, predicate)
            for text in (reader.value(media), reader.text(media, RDFS.label, RDF.value))
            if text
        ]
        given += types if field == "mimetype" else []
        known = {text: authorities.find_media_type_iri(text) for text in given}
        chosen = next(filter(None, known.values()), "") or next(iter(given), "")
        if kind and kind.media_type in known.values():
            # Of several media types, that of the format.
            chosen = kind.media_type or chosen
        found[field] = authorities.read_iana_name(chosen) or chosen
        found[field + REST] = [text for text, iri in known.items() if (iri or text) != chosen]
    if not found["format"]:
        kind = authorities.find_file_type(found["mimetype"])
        found["format"] = kind.code if kind else ""
    return found


def _is_media_type(text: str) -> bool:
    return bool(authorities.read_iana_name(text) or _MEDIA_TYPE.fullmatch(text))


def _checksum(reader: Reader, node: Node) -> dict[str, Any]:
    """Return the checksum with a known algorithm, and the other checksums as text."""
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
    rest = [f"{name}: {digits}" for _, name, digits in others]
    return {"hash": value, "hash_algorithm": algorithm, "hash" + REST: rest}
