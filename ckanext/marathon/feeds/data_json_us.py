"""Datasets as DCAT-US 1.1 wants them in data.json.

Fields that the schema does not know (``byteSize``, ``checksum`` …) are allowed by it, and named as
DCAT names them.

Source: DCAT-US Schema v1.1 (Project Open Data, public domain).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote

from ckanext.marathon.domain import dates
from ckanext.marathon.feeds.coverage import extent_of, intervals
from ckanext.marathon.feeds.inventory import (
    Dataset,
    Distribution,
    Place,
    labels,
    language_codes,
    without_nothing,
)
from ckanext.marathon.feeds.plain import plain
from ckanext.marathon.feeds.said import Concept
from ckanext.marathon.vocabulary import authorities

IRREGULAR = "irregular"
# DCAT-US takes no more of a dataset's rights.
LONGEST_RIGHTS = 255
# What RFC 2046 has for a file of which no type is known; DCAT-US wants one for each download.
OCTET_STREAM = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[-\w]+/[-\w]+(?:\.[-\w]+)*(?:\+[-\w]+)?")

# Source: ISO 8601, repeating durations, as DCAT-US lists them. How often something happens a
# period is a duration of its share of it. Four of the EU's table are no period at all (NEVER,
# NOT_PLANNED, OTHER, UNKNOWN): of these only the label is told.
FREQUENCIES = {
    "TRIDECENNIAL": "R/P30Y",
    "BIDECENNIAL": "R/P20Y",
    "DECENNIAL": "R/P10Y",
    "QUINQUENNIAL": "R/P5Y",
    "QUADRENNIAL": "R/P4Y",
    "TRIENNIAL": "R/P3Y",
    "BIENNIAL": "R/P2Y",
    "ANNUAL": "R/P1Y",
    "ANNUAL_2": "R/P6M",
    "ANNUAL_3": "R/P4M",
    "QUARTERLY": "R/P3M",
    "BIMONTHLY": "R/P2M",
    "MONTHLY": "R/P1M",
    "BIWEEKLY": "R/P2W",
    "MONTHLY_2": "R/P0.5M",
    "MONTHLY_3": "R/P0.33M",
    "WEEKLY": "R/P1W",
    "WEEKLY_2": "R/P3.5D",
    "WEEKLY_3": "R/P0.33W",
    "DAILY": "R/P1D",
    "DAILY_2": "R/PT12H",
    "12HRS": "R/PT12H",
    "TRIHOURLY": "R/PT3H",
    "BIHOURLY": "R/PT2H",
    "HOURLY": "R/PT1H",
    "30MIN": "R/PT30M",
    "15MIN": "R/PT15M",
    "10MIN": "R/PT10M",
    "5MIN": "R/PT5M",
    "1MIN": "R/PT1M",
    "CONT": "R/PT1S",
    "UPDATE_CONT": "R/PT1S",
    "AS_NEEDED": IRREGULAR,
    "IRREG": IRREGULAR,
}
ACCESS = {"RESTRICTED": "restricted public", "NON_PUBLIC": "non-public"}


class Contact(NamedTuple):
    """Who answers for the site.

    Attributes:
        name: of the site.
        email: "" if none is known that a letter would reach.
        page: address of a page that says who runs the site.
    """

    name: str
    email: str
    page: str


def dataset_of(each: Dataset, contact: Contact) -> dict[str, object]:
    """Return a dataset; ``contact`` stands in where nobody is named."""
    publisher = each.publisher.label if each.publisher else contact.name
    # DCAT-US wants at least one.
    named = (each.keywords, labels(each.problems), labels(each.themes), labels(each.places))
    keywords = next(filter(None, named), [each.title])
    rights = rights_of(each)
    temporal, periods = _temporal(each), intervals(each.periods, each.period_texts)
    return without_nothing(
        {
            "@type": "dcat:Dataset",
            "identifier": each.iri,
            "title": each.title,
            "description": plain(each.description) or each.title,
            "keyword": [*keywords],
            "issued": each.issued,
            # DCAT-US wants one; of what it is said where it is not of the data.
            "modified": each.modified or each.record_modified,
            "modifiedOf": "" if each.modified else "dcat:CatalogRecord",
            "publisher": {"@type": "org:Organization", "name": publisher},
            "contactPoint": _contact(each, contact),
            "accessLevel": ACCESS.get(each.access_rights.rsplit("/", 1)[-1], "public"),
            # All of it is in the files' own.
            "rights": rights
            if len(rights) <= LONGEST_RIGHTS
            else f"{rights[: LONGEST_RIGHTS - 1]}…",
            "license": uri(each.licence.address) if each.licence else "",
            "spatial": _spatial(each.places),
            "temporal": temporal,
            # DCAT-US has room for one period, which has two ends.
            "temporalCoverage": [] if periods == [temporal] else periods,
            "accrualPeriodicity": _frequency(each),
            # Also of those that ISO 8601 has no period for.
            "accrualPeriodicityLabel": each.frequency.label if each.frequency else "",
            "language": language_codes(each.languages),
            "theme": [*dict.fromkeys([*labels(each.problems), *labels(each.themes)])],
            "superTheme": [concept.iri.rsplit("/", 1)[-1] for concept in each.themes],
            "landingPage": uri(each.landing_page or each.iri),
            "conformsTo": next(iter(addresses(each.conforms_to)), ""),
            "references": _references(each),
            "version": each.version,
            "distribution": [distribution_of(one) for one in each.distributions],
        }
    )


def _contact(each: Dataset, site: Contact) -> dict[str, object]:
    """Return whom to ask: who is named, else the site in its own name, never in another's.

    DCAT-US wants a mail address. Where none is known none is made up: a page says whom to ask.
    """
    owner = each.publisher.label if each.publisher else site.name
    name, email, page = each.contact or owner, each.email, each.contact_page
    if not email and site.email:
        name, email = site.name, site.email
    return without_nothing(
        {
            "@type": "vcard:Contact",
            "fn": name,
            "hasEmail": f"mailto:{email}" if email else "",
            "hasURL": uri(page or ("" if email else site.page)),
        }
    )


def _frequency(each: Dataset) -> str:
    return FREQUENCIES.get(each.frequency.iri.rsplit("/", 1)[-1], "") if each.frequency else ""


def rights_of(each: Dataset | Distribution) -> str:
    """Return what is said of the rights, with a licence that has only a name."""
    licence = each.licence.label if each.licence and not each.licence.address else ""
    return " ".join(filter(None, (licence, *each.rights)))


def _spatial(places: Iterable[Place]) -> str:
    """Return the names of places; where none has one, where the first of them is."""
    found = [*places]
    boxes = (str(each.box) for each in found if each.box)
    return ", ".join(labels(found)) or next(boxes, "")


def _temporal(each: Dataset) -> str:
    """Return from when to when the periods are, as one interval.

    One without an end, or without a beginning, repeats a period that follows the last, or came
    before: that with which the data are updated, else the unit in which the date is stated.

    Source: DCAT-US 1.1, ``temporal``: "continually updated … R/2010-01/P1M".
    """
    start, end = extent_of(each.periods)
    if start and end:
        if len(start) != len(end):
            # DCAT-US's schema takes both ends in one form alone.
            start, end = f"{dates.find_local_day(start)}", f"{dates.find_last_local_day(end)}"
        found = f"{start}/{end}"
    elif start:
        found = f"R/{start}/{_unit(each, start)}"
    else:
        found = f"R/{_unit(each, end)}/{end}" if end else ""
    return found


def _unit(each: Dataset, stated: str) -> str:
    updated = _frequency(each).removeprefix("R/")
    return updated if updated.startswith("P") else {4: "P1Y", 7: "P1M"}.get(len(stated), "P1D")


def _references(each: Dataset) -> list[str]:
    """Return documents about a dataset and its files, and the ideas and workshops it came from."""
    of_files = [document for one in each.distributions for document in one.documentation]
    found = addresses((*each.documentation, *of_files))
    # DCAT-US has room for one standard.
    found += addresses(each.conforms_to)[1:]
    found += addresses((*each.ideas, *each.workshops))
    return [*dict.fromkeys(found)]


def addresses(concepts: Iterable[Concept]) -> list[str]:
    """Return the addresses of those that have one, as URIs."""
    return [uri(each.address) for each in concepts if each.address]


def distribution_of(each: Distribution) -> dict[str, object]:
    """Return a file or service of a dataset."""
    # DCAT-US takes a media type in this form alone.
    media_type = each.media_type if _MEDIA_TYPE.fullmatch(each.media_type) else ""
    checksum = {"@type": "spdx:Checksum", "algorithm": each.algorithm}
    return without_nothing(
        {
            "@type": "dcat:Distribution",
            "identifier": each.iri,
            "title": each.title,
            "description": plain(each.description),
            "accessURL": uri(each.access_url),
            "downloadURL": uri(each.download_url),
            # A file to be downloaded must say of what type it is.
            "mediaType": media_type or (OCTET_STREAM if each.download_url else ""),
            "format": each.format,
            "byteSize": int(each.size) if each.size.isdecimal() else None,
            "checksum": {**checksum, "checksumValue": each.checksum} if each.checksum else None,
            "issued": each.issued,
            "modified": each.modified,
            "license": uri(each.licence.address) if each.licence else "",
            "rights": rights_of(each),
            "conformsTo": next(iter(addresses(each.conforms_to)), ""),
            "references": addresses(each.documentation),
        }
    )


def three_letters(iris: Iterable[str]) -> list[str]:
    """Return ISO 639-3 codes, as Argentina's profile wants them."""
    return [
        each.iso_639_3 for each in map(authorities.find_language, iris) if each and each.iso_639_3
    ]


def uri(iri: str) -> str:
    """Return an IRI as the URI that it maps to (RFC 3987, section 3.1): both profiles take no IRI.

    What is encoded already stays as it is.
    """
    return quote(iri, safe="%:/?#[]@!$&'()*+,;=~")
