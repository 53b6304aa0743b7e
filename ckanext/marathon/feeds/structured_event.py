"""A workshop for search engines: an event of schema.org.

Source: Google Search Central, "Event structured data": required are ``name``, ``startDate`` and
``location`` with an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ckanext.marathon.feeds.inventory import without_nothing
from ckanext.marathon.vocabulary.territory import Municipality

COUNTRY = "GT"
SCHEMA = "https://schema.org"


def event(
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
    """Return an event.

    Args:
        iri: its permanent address.
        url: its page.
        title: what it is called.
        description: plain text.
        starts: a day, or a moment with its offset.
        ends: the same, ``""`` if not known.
        is_cancelled: whether it will not take place.
        place: of :func:`place`.
        organizers: names of organisations, and their pages or ``""``.
        about: what it speaks of.
    """
    return without_nothing(
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
                without_nothing({"@type": "Organization", "name": name, "url": page})
                for name, page in organizers
            ],
            "about": list(about),
        }
    )


def place(
    venue: str,
    town: Municipality | None,
    municipalities: Sequence[str],
    point: tuple[float, float] | None,
) -> dict[str, object]:
    """Return where it is.

    Args:
        venue: its name.
        town: the municipality of the venue, which need not be one of those taking part.
        municipalities: names of those taking part; they stand for the place if nothing else does.
        point: latitude and longitude.
    """
    address: dict[str, Any] = {"@type": "PostalAddress", "addressCountry": COUNTRY}
    if town:
        address["addressLocality"] = town.name
    name = venue or (town.name if town else ", ".join(municipalities)) or "Guatemala"
    geo = (
        {"@type": "GeoCoordinates", "latitude": point[0], "longitude": point[1]} if point else None
    )
    return without_nothing({"@type": "Place", "name": name, "address": address, "geo": geo})
