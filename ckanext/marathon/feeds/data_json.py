"""The inventory as ``data.json``: DCAT-US 1.1, or Argentina's profile.

The two contradict each other (``mailto:``, ``irregular``), so there is a document of each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from ckanext.marathon.feeds import data_json_ar, data_json_us
from ckanext.marathon.feeds.data_json_us import Contact, three_letters, uri
from ckanext.marathon.feeds.inventory import Dataset, language_codes, without_nothing
from ckanext.marathon.feeds.plain import plain
from ckanext.marathon.feeds.said import Said
from ckanext.marathon.rdf.iri import read_mail_address
from ckanext.marathon.rdf.namespaces import DCAT, DCT, FOAF, VCARD

US, ARGENTINA = "us", "ar"
PROFILES = (US, ARGENTINA)
CONFORMS_TO = "https://project-open-data.cio.gov/v1.1/schema"


def head(
    lines: Iterable[bytes], catalogue: str, language: str, contact: Contact, profile: str = US
) -> bytes:
    """Return the beginning of the document, up to the first dataset.

    Args:
        lines: N-Triples of what the catalogue says of itself.
        catalogue: its IRI.
        language: of texts where there are several.
        contact: for a catalogue that names none.
        profile: one of :data:`PROFILES`.
    """
    said = Said(lines, language)
    publisher, office = (
        said.value(catalogue, DCT.publisher),
        said.value(catalogue, DCAT.contactPoint),
    )
    is_us = profile == US
    email = read_mail_address(said.value(office, VCARD.hasEmail)) or contact.email
    spoken = said.values(catalogue, DCT.language)
    fields = without_nothing(
        {
            "@context": f"{CONFORMS_TO}/catalog.jsonld" if is_us else "",
            "@id": catalogue,
            "@type": "dcat:Catalog",
            "conformsTo": CONFORMS_TO if is_us else "",
            "describedBy": f"{CONFORMS_TO}/catalog.json" if is_us else "",
            "title": said.text(catalogue, DCT.title),
            "description": plain(said.text(catalogue, DCT.description)),
            "identifier": catalogue,
            "publisher": without_nothing({"name": said.text(publisher, FOAF.name), "mbox": email}),
            "issued": said.value(catalogue, DCT.issued),
            "modified": said.value(catalogue, DCT.modified),
            "language": language_codes(spoken) if is_us else three_letters(spoken),
            "superThemeTaxonomy": "http://datos.gob.ar/superThemeTaxonomy.json",
            "license": uri(said.value(catalogue, DCT.license)),
            "homepage": uri(said.value(catalogue, FOAF.homepage)),
        }
    )
    return _dumped(fields)[:-1] + b', "dataset": [\n'


TAIL = b"\n]}\n"


def part(datasets: Iterable[Dataset], contact: Contact, profile: str = US) -> bytes:
    """Return datasets, separated by commas.

    Args:
        datasets: of one page.
        contact: for those that nobody is named for.
        profile: one of :data:`PROFILES`.
    """
    write = data_json_us.dataset_of if profile == US else data_json_ar.dataset_of
    return b",\n".join(_dumped(write(each, contact)) for each in datasets)


def _dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
