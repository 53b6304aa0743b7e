"""A dataset for search engines: schema.org, as Google Dataset Search wants it.

Source: Google Search Central, "Dataset structured data": name and a description of 50 to 5,000
characters; distributions with address and media type; licence, place and period.
"""

from __future__ import annotations

from typing import Any

from ckanext.marathon.feeds.documents import datasets, language
from ckanext.marathon.feeds.inventory import (
    Concept,
    Dataset,
    Distribution,
    labels,
    without_nothing,
)
from ckanext.marathon.feeds.snapshot import one_moment
from ckanext.marathon.model import descriptions
from ckanext.marathon.vocabulary import territory
from ckanext.marathon.vocabulary.errors import UnknownCode

SHORTEST, LONGEST = 50, 5_000


def of(iri: str, catalogue: str, title: str) -> dict[str, object] | None:
    """Return a public dataset; ``None`` for one that is not public.

    Args:
        iri: the dataset's.
        catalogue: IRI of the catalogue.
        title: of the catalogue.
    """
    with one_moment() as connection:
        found = descriptions.described(connection, [iri])
    lines = [line for each in found for line in each.body.splitlines()]
    for each in datasets(lines):
        if each.iri == iri:
            return _dataset(each, catalogue, title)
    return None


def _dataset(each: Dataset, catalogue: str, title: str) -> dict[str, object]:
    publisher = each.publisher
    return without_nothing(
        {
            "@context": "https://schema.org/",
            "@type": "Dataset",
            "@id": each.iri,
            "url": each.iri,
            "identifier": each.iri,
            "name": each.title,
            "description": _description(each),
            "inLanguage": language(),
            "keywords": [*each.keywords],
            "about": labels(each.problems),
            "license": each.licence,
            "isAccessibleForFree": True,
            "datePublished": each.issued,
            "dateModified": each.modified,
            "temporalCoverage": next((f"{a or '..'}/{b or '..'}" for a, b in each.periods), ""),
            "spatialCoverage": [_place(place) for place in each.places],
            "creator": _organization(publisher, each.email) if publisher else None,
            "isBasedOn": [
                {"@type": "CreativeWork", "@id": idea.iri, "name": idea.label}
                for idea in each.ideas
            ],
            "includedInDataCatalog": {"@type": "DataCatalog", "@id": catalogue, "name": title},
            "distribution": [_distribution(one) for one in each.distributions],
        }
    )


def _description(each: Dataset) -> str:
    """Return a description of the length that search engines take, from what is known."""
    told = [each.description]
    if len(each.description) < SHORTEST:
        told += [each.title, *labels(each.problems), *labels(each.places)]
        told += [each.publisher.label] if each.publisher else []
    return ". ".join(dict.fromkeys(filter(None, told)))[:LONGEST]


def _place(place: Concept) -> dict[str, Any]:
    found: dict[str, Any] = {"@type": "Place", "@id": place.iri, "name": place.label}
    kind, _, code = place.iri.rpartition("/")
    look_up = territory.municipality if kind.endswith("/municipality") else territory.department
    try:
        box = look_up(code).bbox
    except UnknownCode:
        return found
    # South, west, north, east.
    shape = f"{box.south} {box.west} {box.north} {box.east}"
    return {**found, "geo": {"@type": "GeoShape", "box": shape}}


def _organization(publisher: Concept, email: str) -> dict[str, object]:
    return without_nothing(
        {
            "@type": "Organization",
            "@id": publisher.iri,
            "name": publisher.label,
            "email": email,
        }
    )


def _distribution(each: Distribution) -> dict[str, object]:
    return without_nothing(
        {
            "@type": "DataDownload",
            "@id": each.iri,
            "name": each.title,
            "contentUrl": each.download_url or each.access_url,
            "encodingFormat": each.media_type or each.format,
            "contentSize": f"{each.size} B" if each.size else "",
            "license": each.licence,
        }
    )
