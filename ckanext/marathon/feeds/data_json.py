"""The inventory as ``data.json``: DCAT-US 1.1, and what Argentina's profile asks for besides.

Sources: DCAT-US Schema v1.1 (Project Open Data); Argentina's "Perfil nacional de metadatos para
datos abiertos", whose codes of ``superTheme`` are those of the EU's data themes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from ckanext.marathon.feeds.inventory import (
    Dataset,
    Distribution,
    Said,
    labels,
    without_nothing,
)
from ckanext.marathon.rdf.namespaces import DCAT, DCT, FOAF, VCARD
from ckanext.marathon.vocabulary import authorities

CONFORMS_TO = "https://project-open-data.cio.gov/v1.1/schema"

# Source: ISO 8601, repeating durations, as DCAT-US lists them.
FREQUENCIES = {
    "DECENNIAL": "R/P10Y",
    "QUADRENNIAL": "R/P4Y",
    "ANNUAL": "R/P1Y",
    "BIMONTHLY": "R/P2M",
    "WEEKLY_2": "R/P3.5D",
    "DAILY": "R/P1D",
    "BIWEEKLY": "R/P2W",
    "ANNUAL_2": "R/P6M",
    "BIENNIAL": "R/P2Y",
    "TRIENNIAL": "R/P3Y",
    "WEEKLY_3": "R/P0.33W",
    "MONTHLY_3": "R/P0.33M",
    "CONT": "R/PT1S",
    "UPDATE_CONT": "R/PT1S",
    "MONTHLY": "R/P1M",
    "QUARTERLY": "R/P3M",
    "MONTHLY_2": "R/P0.5M",
    "ANNUAL_3": "R/P4M",
    "WEEKLY": "R/P1W",
    "HOURLY": "R/PT1H",
    "IRREG": "irregular",
}
ACCESS = {"RESTRICTED": "restricted public", "NON_PUBLIC": "non-public"}


def head(lines: Iterable[bytes], catalogue: str, language: str) -> bytes:
    """Return the beginning of the document, up to the first dataset."""
    said = Said(lines, language)
    publisher, office = (
        said.value(catalogue, DCT.publisher),
        said.value(catalogue, DCAT.contactPoint),
    )
    fields = without_nothing(
        {
            "@context": f"{CONFORMS_TO}/catalog.jsonld",
            "@id": catalogue,
            "@type": "dcat:Catalog",
            "conformsTo": CONFORMS_TO,
            "describedBy": f"{CONFORMS_TO}/catalog.json",
            "title": said.text(catalogue, DCT.title),
            "description": said.text(catalogue, DCT.description),
            "identifier": catalogue,
            "publisher": without_nothing(
                {
                    "name": said.text(publisher, FOAF.name),
                    "mbox": said.value(office, VCARD.hasEmail).removeprefix("mailto:"),
                }
            ),
            "issued": said.value(catalogue, DCT.issued),
            "modified": said.value(catalogue, DCT.modified),
            "language": _languages(said.values(catalogue, DCT.language)),
            "superThemeTaxonomy": "http://datos.gob.ar/superThemeTaxonomy.json",
            "license": said.value(catalogue, DCT.license),
            "homepage": said.value(catalogue, FOAF.homepage),
        }
    )
    return _dumped(fields)[:-1] + b', "dataset": [\n'


TAIL = b"\n]}\n"


def part(datasets: Iterable[Dataset], fallback: str) -> bytes:
    """Return datasets, separated by commas.

    Args:
        datasets: of one page.
        fallback: e-mail address for those whose contact has none: DCAT-US wants one.
    """
    return b",\n".join(_dumped(_dataset(each, fallback)) for each in datasets)


def _dataset(each: Dataset, fallback: str) -> dict[str, object]:
    publisher = each.publisher.label if each.publisher else ""
    # DCAT-US wants at least one.
    email = each.email or fallback
    named = (each.keywords, labels(each.problems), labels(each.themes), labels(each.places))
    keywords = next(filter(None, named), [each.title])
    return without_nothing(
        {
            "@type": "dcat:Dataset",
            "identifier": each.iri,
            "title": each.title,
            "description": each.description,
            "keyword": [*keywords],
            "issued": each.issued,
            # DCAT-US wants one; of what it is said where it is not of the data.
            "modified": each.modified or each.record_modified,
            "modifiedOf": "" if each.modified else "dcat:CatalogRecord",
            "publisher": {"@type": "org:Organization", "name": publisher or each.title},
            "contactPoint": without_nothing(
                {
                    "@type": "vcard:Contact",
                    "fn": each.contact or publisher or each.title,
                    "hasEmail": f"mailto:{email}" if email else "",
                }
            ),
            "accessLevel": ACCESS.get(each.access_rights.rsplit("/", 1)[-1], "public"),
            "license": each.licence,
            "spatial": ", ".join(labels(each.places)),
            "temporal": next((f"{a}/{b}" for a, b in each.periods if a and b), ""),
            "accrualPeriodicity": FREQUENCIES.get(each.frequency.rsplit("/", 1)[-1], ""),
            "language": _languages(each.languages),
            "theme": [*labels(each.problems), *labels(each.themes)],
            "superTheme": [concept.iri.rsplit("/", 1)[-1] for concept in each.themes],
            "landingPage": each.landing_page or each.iri,
            "references": [concept.iri for concept in (*each.ideas, *each.workshops)],
            "distribution": [_distribution(one) for one in each.distributions],
        }
    )


def _distribution(each: Distribution) -> dict[str, object]:
    # A file to be downloaded must say of what type it is.
    is_file = bool(each.download_url and each.media_type)
    return without_nothing(
        {
            "@type": "dcat:Distribution",
            "identifier": each.iri,
            "title": each.title,
            "description": each.description,
            "accessURL": "" if is_file else each.access_url or each.download_url,
            "downloadURL": each.download_url if is_file else "",
            "mediaType": each.media_type,
            "format": each.format,
            "license": each.licence,
        }
    )


def _languages(iris: Iterable[str]) -> list[str]:
    """Return ISO 639-1 codes, as RFC 5646 wants them where there are any."""
    found = [authorities.language(each) for each in iris]
    return [each.iso_639_1 or each.iso_639_3 for each in found if each]


def _dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
