"""A dataset for search engines: schema.org, as Google Dataset Search wants it.

Source: Google Search Central, "Dataset structured data": name and a description of 50 to 5,000
characters; distributions with address and media type; licence, place and period.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from ckanext.marathon.domain.file import OWN_ALGORITHM
from ckanext.marathon.feeds.coverage import Box, intervals
from ckanext.marathon.feeds.documents import datasets
from ckanext.marathon.feeds.inventory import (
    Concept,
    Dataset,
    Distribution,
    Place,
    labels,
    language_codes,
    without_nothing,
)
from ckanext.marathon.feeds.plain import plain
from ckanext.marathon.feeds.snapshot import one_moment
from ckanext.marathon.model import feed_log

SCHEMA = "https://schema.org"
SHORTEST, LONGEST = 50, 5_000
_ENDS = (".", "!", "?", "…", ":", ";")


def of(iri: str, catalogue: str, vocabulary: str, title: str) -> dict[str, object] | None:
    """Return a public dataset; ``None`` for one that is not public.

    Args:
        iri: the dataset's.
        catalogue: IRI of the catalogue.
        vocabulary: start of the IRIs of our concepts.
        title: of the catalogue.
    """
    with one_moment() as connection:
        found = feed_log.describe_things(connection, [iri])
    lines = [line for each in found for line in each.body.splitlines()]
    return of_lines(lines, iri, catalogue, vocabulary, title)


def of_lines(
    lines: Sequence[bytes], iri: str, catalogue: str, vocabulary: str, title: str
) -> dict[str, object] | None:
    """Return the dataset that lines of N-Triples describe, as :func:`of` does."""
    for each in datasets(lines, vocabulary, catalogue):
        if each.iri == iri:
            return _dataset(each, catalogue, title)
    return None


def _dataset(each: Dataset, catalogue: str, title: str) -> dict[str, object]:
    """Return a dataset; what is not known is not told: whether it is free, in which language."""
    periods = intervals(each.periods, each.period_texts)
    return without_nothing(
        {
            "@context": f"{SCHEMA}/",
            "@type": "Dataset",
            "@id": each.iri,
            "url": each.iri,
            "identifier": each.iri,
            "name": each.title,
            "description": _description(each),
            "inLanguage": language_codes(each.languages),
            "keywords": [*each.keywords],
            "about": labels(each.problems),
            "version": each.version,
            "license": _licence(each.licence),
            "usageInfo": [_statement(text) for text in each.rights],
            "isAccessibleForFree": True if each.access_rights.endswith("/PUBLIC") else None,
            "datePublished": each.issued,
            "dateModified": each.modified,
            "temporalCoverage": periods[0] if len(periods) == 1 else periods,
            "spatialCoverage": [_place(place) for place in each.places],
            "creator": [_organization(one) for one in each.creators],
            "publisher": _publisher(each),
            "isBasedOn": [
                {"@type": "CreativeWork", "@id": idea.iri, "name": idea.label}
                for idea in each.ideas
            ],
            "subjectOf": [_work(page) for page in each.documentation],
            "includedInDataCatalog": {"@type": "DataCatalog", "@id": catalogue, "name": title},
            "distribution": [_distribution(one) for one in each.distributions],
        }
    )


def _description(each: Dataset) -> str:
    """Return a description of the length that search engines take, from what is known."""
    told = [plain(each.description)]
    if len(told[0]) < SHORTEST:
        told += [each.title, *labels(each.problems), *labels(each.places)]
        told += [each.publisher.label] if each.publisher else []
    found = list(dict.fromkeys(filter(None, told)))
    ended = [part if part.endswith(_ENDS) else f"{part}." for part in found[:-1]]
    return " ".join([*ended, *found[-1:]])[:LONGEST]


def _place(place: Place) -> dict[str, Any]:
    found = {"@type": "Place", "@id": place.iri, "name": place.label}
    return without_nothing({**found, "geo": _geo(place.box) if place.box else None})


def _geo(box: Box) -> dict[str, Any]:
    if box.is_point:
        return {"@type": "GeoCoordinates", "latitude": box.south, "longitude": box.west}
    # South, west, north, east.
    shape = f"{box.south} {box.west} {box.north} {box.east}"
    return {"@type": "GeoShape", "box": shape}


def _licence(licence: Concept | None) -> object:
    """Return the address of a licence; one that has none is called by its name."""
    if licence is None or licence.address:
        return licence.address if licence else ""
    return _work(licence) if licence.label else ""


def _work(document: Concept) -> dict[str, object]:
    name = "url" if document.address else "name"
    return {"@type": "CreativeWork", name: document.shown}


def _organization(one: Concept) -> dict[str, object]:
    return {"@type": "Organization", "@id": one.iri, "name": one.label}


def _publisher(each: Dataset) -> dict[str, object] | None:
    """Return the publisher, with the office to write to, which may be another's."""
    if each.publisher is None:
        return None
    contact = without_nothing({"name": each.contact, "email": each.email, "url": each.contact_page})
    point = {"contactPoint": {"@type": "ContactPoint", **contact}} if contact else {}
    return {**_organization(each.publisher), **point}


def _statement(text: str) -> dict[str, object]:
    return {"@type": "CreativeWork", ("url" if _WEB.match(text) else "text"): text}


_WEB = re.compile("https?://[^ ]+$")


def _distribution(each: Distribution) -> dict[str, object]:
    # The page of a resource stands in where there is no address: nothing is to be had there.
    is_page = urlsplit(each.access_url).path == urlsplit(each.iri).path
    address = each.download_url or each.access_url
    return without_nothing(
        {
            "@type": "DataDownload",
            "@id": each.iri,
            "name": each.title,
            "description": plain(each.description),
            "url" if is_page and not each.download_url else "contentUrl": address,
            "encodingFormat": each.media_type or each.format,
            "contentSize": f"{each.size} B" if each.size else "",
            "sha256": each.checksum if each.algorithm == OWN_ALGORITHM else "",
            "license": _licence(each.licence),
            "usageInfo": [_statement(text) for text in each.rights],
            "datePublished": each.issued,
            "dateModified": each.modified,
        }
    )
