"""data.json: the catalogue in DCAT-US 1.1 and in Argentina's profile.

Fields that the schema of DCAT-US does not have (``byteSize``, ``checksum`` …) are allowed by it and
have the names of DCAT.

Source: DCAT-US Schema v1.1 (Project Open Data, public domain).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import quote

from ckanext.marathon.domain import dates
from ckanext.marathon.feeds.inventory import (
    InventoryDataset,
    InventoryDistribution,
    InventoryPlace,
    drop_empty,
    find_extent,
    list_intervals,
    list_labels,
    list_language_codes,
    strip_markup,
)
from ckanext.marathon.feeds.triples import StatedConcept, Statements
from ckanext.marathon.rdf.facts import read_mail_address
from ckanext.marathon.rdf.namespaces import DCAT, DCT, FOAF, VCARD
from ckanext.marathon.vocabulary import authorities

IRREGULAR = "irregular"
# Limit of DCAT-US for a dataset's rights.
LONGEST_RIGHTS = 255
# RFC 2046: a file of unknown type; DCAT-US requires a media type for each download.
OCTET_STREAM = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[-\w]+/[-\w]+(?:\.[-\w]+)*(?:\+[-\w]+)?")

# The EU's frequencies as repeating durations. "Three times a week" is a duration of a third of it.
# Four of the EU's table have no duration (NEVER, NOT_PLANNED, OTHER, UNKNOWN); these are published
# by their label only.
# Source: ISO 8601, in the list of DCAT-US.
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


class SiteContact(NamedTuple):
    """The contact of the site.

    Attributes:
        name: title of the site.
        email: mail address, "" if none is known that somebody reads.
        page: address of the page about the site.
    """

    name: str
    email: str
    page: str


def make_us_dataset(dataset: InventoryDataset, contact: SiteContact) -> dict[str, object]:
    """Return a dataset in DCAT-US; ``contact`` is used if the dataset names none."""
    publisher = dataset.publisher.label if dataset.publisher else contact.name
    # DCAT-US requires at least one keyword.
    named = (
        dataset.keywords,
        list_labels(dataset.problems),
        list_labels(dataset.themes),
        list_labels(dataset.places),
    )
    keywords = next(filter(None, named), [dataset.title])
    rights = write_rights(dataset)
    temporal, periods = _temporal(dataset), list_intervals(dataset.periods, dataset.period_texts)
    return drop_empty(
        {
            "@type": "dcat:Dataset",
            "identifier": dataset.iri,
            "title": dataset.title,
            "description": strip_markup(dataset.description) or dataset.title,
            "keyword": [*keywords],
            "issued": dataset.issued,
            # Required by DCAT-US. ``modifiedOf`` tells if it is the date of the record only.
            "modified": dataset.modified or dataset.record_modified,
            "modifiedOf": "" if dataset.modified else "dcat:CatalogRecord",
            "publisher": {"@type": "org:Organization", "name": publisher},
            "contactPoint": _make_contact(dataset, contact),
            "accessLevel": ACCESS.get(dataset.access_rights.rsplit("/", 1)[-1], "public"),
            # The rights of the distributions have the whole text.
            "rights": rights
            if len(rights) <= LONGEST_RIGHTS
            else f"{rights[: LONGEST_RIGHTS - 1]}…",
            "license": write_uri(dataset.licence.address) if dataset.licence else "",
            "spatial": _spatial(dataset.places),
            "temporal": temporal,
            # All periods; ``temporal`` of DCAT-US has room for one.
            "temporalCoverage": [] if periods == [temporal] else periods,
            "accrualPeriodicity": _frequency(dataset),
            # Also for frequencies without a duration in ISO 8601.
            "accrualPeriodicityLabel": dataset.frequency.label if dataset.frequency else "",
            "language": list_language_codes(dataset.languages),
            "theme": [
                *dict.fromkeys([*list_labels(dataset.problems), *list_labels(dataset.themes)])
            ],
            "superTheme": [concept.iri.rsplit("/", 1)[-1] for concept in dataset.themes],
            "landingPage": write_uri(dataset.landing_page or dataset.iri),
            "conformsTo": next(iter(list_addresses(dataset.conforms_to)), ""),
            "references": _references(dataset),
            "version": dataset.version,
            "distribution": [make_us_distribution(one) for one in dataset.distributions],
        }
    )


def _make_contact(dataset: InventoryDataset, site: SiteContact) -> dict[str, object]:
    """Return the dataset's contact; if it has no mail address, the site's contact.

    DCAT-US requires a mail address. If the site has none either, ``hasURL`` has a page instead.
    """
    owner = dataset.publisher.label if dataset.publisher else site.name
    name, email, page = dataset.contact or owner, dataset.email, dataset.contact_page
    if not email and site.email:
        name, email = site.name, site.email
    return drop_empty(
        {
            "@type": "vcard:Contact",
            "fn": name,
            "hasEmail": f"mailto:{email}" if email else "",
            "hasURL": write_uri(page or ("" if email else site.page)),
        }
    )


def _frequency(dataset: InventoryDataset) -> str:
    return (
        FREQUENCIES.get(dataset.frequency.iri.rsplit("/", 1)[-1], "") if dataset.frequency else ""
    )


def write_rights(described: InventoryDataset | InventoryDistribution) -> str:
    """Return the statements on rights, after the name of a licence that has no address."""
    licence = described.licence.label if described.licence and not described.licence.address else ""
    return " ".join(filter(None, (licence, *described.rights)))


def _spatial(places: Iterable[InventoryPlace]) -> str:
    """Return the names of places; if none has a name, the extent of the first of them."""
    found = [*places]
    boxes = (str(place.box) for place in found if place.box)
    return ", ".join(list_labels(found)) or next(boxes, "")


def _temporal(dataset: InventoryDataset) -> str:
    """Return the interval from the first start to the last end of all periods.

    For an open end it is a repeating interval (``R/<start>/<duration>``). Its duration is the
    frequency of updates, else the unit of the date (a year, month or day).

    Source: DCAT-US 1.1, ``temporal``: "continually updated … R/2010-01/P1M".
    """
    start, end = find_extent(dataset.periods)
    if start and end:
        if len(start) != len(end):
            # DCAT-US's schema requires both ends in the same form.
            start, end = f"{dates.find_local_day(start)}", f"{dates.find_last_local_day(end)}"
        found = f"{start}/{end}"
    elif start:
        found = f"R/{start}/{_unit(dataset, start)}"
    else:
        found = f"R/{_unit(dataset, end)}/{end}" if end else ""
    return found


def _unit(dataset: InventoryDataset, stated: str) -> str:
    updated = _frequency(dataset).removeprefix("R/")
    return updated if updated.startswith("P") else {4: "P1Y", 7: "P1M"}.get(len(stated), "P1D")


def _references(dataset: InventoryDataset) -> list[str]:
    """Return addresses of documents on a dataset and its files, and of its ideas and workshops."""
    of_files = [document for one in dataset.distributions for document in one.documentation]
    found = list_addresses((*dataset.documentation, *of_files))
    # DCAT-US has room for one standard.
    found += list_addresses(dataset.conforms_to)[1:]
    found += list_addresses((*dataset.ideas, *dataset.workshops))
    return [*dict.fromkeys(found)]


def list_addresses(concepts: Iterable[StatedConcept]) -> list[str]:
    """Return the addresses of the concepts that have one, as URIs."""
    return [write_uri(concept.address) for concept in concepts if concept.address]


def make_us_distribution(distribution: InventoryDistribution) -> dict[str, object]:
    """Return a distribution in DCAT-US."""
    # DCAT-US accepts media types in this form only.
    media_type = distribution.media_type if _MEDIA_TYPE.fullmatch(distribution.media_type) else ""
    checksum = {"@type": "spdx:Checksum", "algorithm": distribution.algorithm}
    return drop_empty(
        {
            "@type": "dcat:Distribution",
            "identifier": distribution.iri,
            "title": distribution.title,
            "description": strip_markup(distribution.description),
            "accessURL": write_uri(distribution.access_url),
            "downloadURL": write_uri(distribution.download_url),
            # Required for a download.
            "mediaType": media_type or (OCTET_STREAM if distribution.download_url else ""),
            "format": distribution.format,
            "byteSize": int(distribution.size) if distribution.size.isdecimal() else None,
            "checksum": {**checksum, "checksumValue": distribution.checksum}
            if distribution.checksum
            else None,
            "issued": distribution.issued,
            "modified": distribution.modified,
            "license": write_uri(distribution.licence.address) if distribution.licence else "",
            "rights": write_rights(distribution),
            "conformsTo": next(iter(list_addresses(distribution.conforms_to)), ""),
            "references": list_addresses(distribution.documentation),
        }
    )


def list_three_letter_codes(iris: Iterable[str]) -> list[str]:
    """Return the ISO 639-3 codes of languages, as Argentina's profile requires."""
    return [
        language.iso_639_3
        for language in map(authorities.find_language, iris)
        if language and language.iso_639_3
    ]


def write_uri(iri: str) -> str:
    """Return an IRI as a URI (RFC 3987, section 3.1), because both profiles require URIs.

    Characters that are percent-encoded already stay as they are.
    """
    return quote(iri, safe="%:/?#[]@!$&'()*+,;=~")


# The profile's frequency without a duration; every dataset must have a frequency.
EVENTUAL = "eventual"


def make_argentine_dataset(dataset: InventoryDataset, contact: SiteContact) -> dict[str, object]:
    """Return a dataset in Argentina's profile, which differs from DCAT-US in these points.

    Mail addresses have no ``mailto:``. A frequency that is unknown or has no duration is
    ``eventual``. Languages have three letters. Each distribution has a title and both addresses.
    Dates are days: the first of a month or year.
    """
    found = make_us_dataset(dataset, contact)
    person: Any = found["contactPoint"]
    if "hasEmail" in person:
        person = {**person, "hasEmail": person["hasEmail"].removeprefix("mailto:")}
    frequency = found.get("accrualPeriodicity", IRREGULAR)
    return {
        **found,
        **drop_empty(
            {
                "contactPoint": person,
                "rights": write_rights(dataset),
                "language": list_three_letter_codes(dataset.languages),
                "issued": _whole_day(dataset.issued),
                "modified": _whole_day(dataset.modified or dataset.record_modified),
            }
        ),
        "accrualPeriodicity": EVENTUAL if frequency == IRREGULAR else frequency,
        "superTheme": found.get("superTheme", []),
        "distribution": [
            _make_argentine_distribution(one, dataset.title) for one in dataset.distributions
        ],
    }


def _make_argentine_distribution(
    distribution: InventoryDistribution, title: str
) -> dict[str, object]:
    found = make_us_distribution(distribution)
    address = str(found.get("accessURL") or found.get("downloadURL") or "")
    return {
        **found,
        "title": distribution.title or distribution.format or title,
        "accessURL": address,
        # The profile requires it for pages and services, too.
        "downloadURL": found.get("downloadURL", address),
        **drop_empty(
            {
                "issued": _whole_day(distribution.issued),
                "modified": _whole_day(distribution.modified),
            }
        ),
    }


def _whole_day(moment: str) -> str:
    return f"{moment}-01-01"[:10] if re.fullmatch(r"[0-9]{4}(-[0-9]{2})?", moment) else moment


US, ARGENTINA = "us", "ar"
PROFILES = (US, ARGENTINA)
CONFORMS_TO = "https://project-open-data.cio.gov/v1.1/schema"


def write_data_json_head(
    lines: Iterable[bytes], catalogue: str, language: str, contact: SiteContact, profile: str = US
) -> bytes:
    """Return the head of the document, up to the first dataset.

    Args:
        lines: N-Triples of the catalogue's description.
        catalogue: IRI of the catalogue.
        language: preferred language of texts.
        contact: used if the catalogue has no contact.
        profile: one of :data:`PROFILES`.
    """
    statements = Statements(lines, language)
    publisher, office = (
        statements.value(catalogue, DCT.publisher),
        statements.value(catalogue, DCAT.contactPoint),
    )
    is_us = profile == US
    email = read_mail_address(statements.value(office, VCARD.hasEmail)) or contact.email
    spoken = statements.values(catalogue, DCT.language)
    fields = drop_empty(
        {
            "@context": f"{CONFORMS_TO}/catalog.jsonld" if is_us else "",
            "@id": catalogue,
            "@type": "dcat:Catalog",
            "conformsTo": CONFORMS_TO if is_us else "",
            "describedBy": f"{CONFORMS_TO}/catalog.json" if is_us else "",
            "title": statements.text(catalogue, DCT.title),
            "description": strip_markup(statements.text(catalogue, DCT.description)),
            "identifier": catalogue,
            "publisher": drop_empty({"name": statements.text(publisher, FOAF.name), "mbox": email}),
            "issued": statements.value(catalogue, DCT.issued),
            "modified": statements.value(catalogue, DCT.modified),
            "language": list_language_codes(spoken) if is_us else list_three_letter_codes(spoken),
            "superThemeTaxonomy": "http://datos.gob.ar/superThemeTaxonomy.json",
            "license": write_uri(statements.value(catalogue, DCT.license)),
            "homepage": write_uri(statements.value(catalogue, FOAF.homepage)),
        }
    )
    return _dump_json(fields)[:-1] + b', "dataset": [\n'


TAIL = b"\n]}\n"


def write_data_json_part(
    datasets: Iterable[InventoryDataset], contact: SiteContact, profile: str = US
) -> bytes:
    """Return datasets, separated by commas.

    Args:
        datasets: the datasets of one page.
        contact: used for datasets without a contact.
        profile: one of :data:`PROFILES`.
    """
    write = make_us_dataset if profile == US else make_argentine_dataset
    return b",\n".join(_dump_json(write(dataset, contact)) for dataset in datasets)


def _dump_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
