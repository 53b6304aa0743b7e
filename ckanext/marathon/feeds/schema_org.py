"""Datasets and workshops in schema.org, for search engines.

Datasets follow the guidelines of Google Dataset Search; workshops are events.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from ckanext.marathon.domain.file import OWN_ALGORITHM
from ckanext.marathon.feeds.catalogue import parse_datasets
from ckanext.marathon.feeds.inventory import (
    Box,
    InventoryDataset,
    InventoryDistribution,
    InventoryPlace,
    drop_empty,
    list_intervals,
    list_labels,
    list_language_codes,
    strip_markup,
)
from ckanext.marathon.feeds.log_state import open_snapshot
from ckanext.marathon.feeds.triples import StatedConcept
from ckanext.marathon.model import feed_log
from ckanext.marathon.vocabulary.territory import Municipality

SCHEMA = "https://schema.org"
SHORTEST, LONGEST = 50, 5_000
_ENDS = (".", "!", "?", "…", ":", ";")


def describe_dataset(
    iri: str, catalogue: str, vocabulary: str, title: str
) -> dict[str, object] | None:
    """Return a public dataset; ``None`` for one that is not public.

    Args:
        iri: IRI of the dataset.
        catalogue: IRI of the catalogue.
        vocabulary: start of the IRIs of concepts.
        title: title of the catalogue.
    """
    with open_snapshot() as connection:
        found = feed_log.describe_things(connection, [iri])
    lines = [line for record in found for line in record.body.splitlines()]
    return describe_dataset_lines(lines, iri, catalogue, vocabulary, title)


def describe_dataset_lines(
    lines: Sequence[bytes], iri: str, catalogue: str, vocabulary: str, title: str
) -> dict[str, object] | None:
    """Return a dataset from lines of N-Triples, as :func:`describe_dataset` does."""
    for dataset in parse_datasets(lines, vocabulary, catalogue):
        if dataset.iri == iri:
            return _dataset(dataset, catalogue, title)
    return None


def _dataset(dataset: InventoryDataset, catalogue: str, title: str) -> dict[str, object]:
    """Return a dataset; unknown values are left out."""
    periods = list_intervals(dataset.periods, dataset.period_texts)
    return drop_empty(
        {
            "@context": f"{SCHEMA}/",
            "@type": "Dataset",
            "@id": dataset.iri,
            "url": dataset.iri,
            "identifier": dataset.iri,
            "name": dataset.title,
            "description": _description(dataset),
            "inLanguage": list_language_codes(dataset.languages),
            "keywords": [*dataset.keywords],
            "about": list_labels(dataset.problems),
            "version": dataset.version,
            "license": _licence(dataset.licence),
            "usageInfo": [_statement(text) for text in dataset.rights],
            "isAccessibleForFree": True if dataset.access_rights.endswith("/PUBLIC") else None,
            "datePublished": dataset.issued,
            "dateModified": dataset.modified,
            "temporalCoverage": periods[0] if len(periods) == 1 else periods,
            "spatialCoverage": [_place(place) for place in dataset.places],
            "creator": [_organization(one) for one in dataset.creators],
            "publisher": _publisher(dataset),
            "isBasedOn": [
                {"@type": "CreativeWork", "@id": idea.iri, "name": idea.label}
                for idea in dataset.ideas
            ],
            "subjectOf": [_work(page) for page in dataset.documentation],
            "includedInDataCatalog": {"@type": "DataCatalog", "@id": catalogue, "name": title},
            "distribution": [_distribution(one) for one in dataset.distributions],
        }
    )


def _description(dataset: InventoryDataset) -> str:
    """Return a description of the length that search engines accept, extended if too short."""
    texts = [strip_markup(dataset.description)]
    if len(texts[0]) < SHORTEST:
        texts += [dataset.title, *list_labels(dataset.problems), *list_labels(dataset.places)]
        texts += [dataset.publisher.label] if dataset.publisher else []
    found = list(dict.fromkeys(filter(None, texts)))
    ended = [part if part.endswith(_ENDS) else f"{part}." for part in found[:-1]]
    return " ".join([*ended, *found[-1:]])[:LONGEST]


def _place(place: InventoryPlace) -> dict[str, Any]:
    found = {"@type": "Place", "@id": place.iri, "name": place.label}
    return drop_empty({**found, "geo": _geo(place.box) if place.box else None})


def _geo(box: Box) -> dict[str, Any]:
    if box.is_point:
        return {"@type": "GeoCoordinates", "latitude": box.south, "longitude": box.west}
    # South, west, north, east.
    shape = f"{box.south} {box.west} {box.north} {box.east}"
    return {"@type": "GeoShape", "box": shape}


def _licence(licence: StatedConcept | None) -> object:
    """Return the address of a licence; for one without an address, a work with its name."""
    if licence is None or licence.address:
        return licence.address if licence else ""
    return _work(licence) if licence.label else ""


def _work(document: StatedConcept) -> dict[str, object]:
    name = "url" if document.address else "name"
    return {"@type": "CreativeWork", name: document.shown}


def _organization(one: StatedConcept) -> dict[str, object]:
    return {"@type": "Organization", "@id": one.iri, "name": one.label}


def _publisher(dataset: InventoryDataset) -> dict[str, object] | None:
    """Return the publisher with the dataset's contact, which may be another organisation's."""
    if dataset.publisher is None:
        return None
    contact = drop_empty(
        {"name": dataset.contact, "email": dataset.email, "url": dataset.contact_page}
    )
    point = {"contactPoint": {"@type": "ContactPoint", **contact}} if contact else {}
    return {**_organization(dataset.publisher), **point}


def _statement(text: str) -> dict[str, object]:
    return {"@type": "CreativeWork", ("url" if _WEB.match(text) else "text"): text}


_WEB = re.compile("https?://[^ ]+$")


def _distribution(distribution: InventoryDistribution) -> dict[str, object]:
    # A resource without an address has that of its own page, from which no data can be downloaded.
    is_page = urlsplit(distribution.access_url).path == urlsplit(distribution.iri).path
    address = distribution.download_url or distribution.access_url
    return drop_empty(
        {
            "@type": "DataDownload",
            "@id": distribution.iri,
            "name": distribution.title,
            "description": strip_markup(distribution.description),
            "url" if is_page and not distribution.download_url else "contentUrl": address,
            "encodingFormat": distribution.media_type or distribution.format,
            "contentSize": f"{distribution.size} B" if distribution.size else "",
            "sha256": distribution.checksum if distribution.algorithm == OWN_ALGORITHM else "",
            "license": _licence(distribution.licence),
            "usageInfo": [_statement(text) for text in distribution.rights],
            "datePublished": distribution.issued,
            "dateModified": distribution.modified,
        }
    )


COUNTRY = "GT"


def describe_event(
    *,
    iri: str,
    url: str,
    title: str,
    description: str,
    starts: str,
    ends: str,
    is_cancelled: bool,
    place: dict[str, object],
    organizers: Sequence[tuple[str, str]],
    about: Sequence[str],
) -> dict[str, object]:
    """Return a workshop as an event.

    Args:
        iri: IRI of the workshop.
        url: address of its page.
        title: title of the workshop.
        description: plain text.
        starts: a day, or a moment with its offset.
        ends: a day, or a moment with its offset; ``""`` if not known.
        is_cancelled: whether the workshop was cancelled.
        place: the result of :func:`describe_event_place`.
        organizers: names of organisations, and their web addresses or ``""``.
        about: names of service problems.
    """
    return drop_empty(
        {
            "@context": f"{SCHEMA}/",
            "@type": "Event",
            "@id": iri,
            "url": url,
            "name": title,
            "description": description[:5_000],
            "startDate": starts,
            "endDate": ends,
            "eventStatus": f"{SCHEMA}/{'EventCancelled' if is_cancelled else 'EventScheduled'}",
            "eventAttendanceMode": f"{SCHEMA}/OfflineEventAttendanceMode",
            "location": place,
            "organizer": [
                drop_empty({"@type": "Organization", "name": name, "url": page})
                for name, page in organizers
            ],
            "about": list(about),
        }
    )


def describe_event_place(
    venue: str,
    town: Municipality | None,
    municipalities: Sequence[str],
    point: tuple[float, float] | None,
) -> dict[str, object]:
    """Return the place of a workshop.

    Args:
        venue: name of the venue.
        town: municipality of the venue, which need not take part in the workshop.
        municipalities: names of the municipalities that take part; used if the venue is unknown.
        point: latitude and longitude of the venue.
    """
    address: dict[str, Any] = {"@type": "PostalAddress", "addressCountry": COUNTRY}
    if town:
        address["addressLocality"] = town.name
    name = venue or (town.name if town else ", ".join(municipalities)) or "Guatemala"
    geo = (
        {"@type": "GeoCoordinates", "latitude": point[0], "longitude": point[1]} if point else None
    )
    return drop_empty({"@type": "Place", "name": name, "address": address, "geo": geo})
