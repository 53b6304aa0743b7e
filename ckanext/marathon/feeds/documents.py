"""In which formats the catalogue is written, and of what their documents are put together.

A document is a head, any number of parts, and a tail. Parts are kept compressed and follow each
other as they are.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk

from ckanext.marathon.domain.addresses import is_mail_reachable
from ckanext.marathon.feeds import data_json, inventory, sheet, write
from ckanext.marathon.feeds.inventory import Dataset
from ckanext.marathon.rdf import lookups
from ckanext.marathon.rdf.formats import FORMATS as RDF_FORMATS


class Format(NamedTuple):
    """A format: the extension of its addresses and its media type."""

    extension: str
    media_type: str


RDF = {each.extension: Format(each.extension, each.media_type) for each in RDF_FORMATS.values()}
# data.json → which profile of it; what is kept and tagged tells them apart by these names.
DATA_JSON = {"json": data_json.US, "json-ar": data_json.ARGENTINA}
INVENTORY = {
    **{each: Format(each, "application/json") for each in DATA_JSON},
    "csv": Format("csv", "text/csv"),
}
FORMATS = {**RDF, **INVENTORY}
# Of how the inventory is written. Another number, and pages that were kept are written anew.
EDITION = 3
# The same of RDF: pages that earlier versions kept in another form are not put together with ours.
_KEPT_ANEW = {"jsonld": "-compact"}


class Frame(NamedTuple):
    """What stands before the first part, between the parts, and at the end."""

    first: bytes
    between: bytes
    tail: bytes


def kept_as(extension: str) -> str:
    """Return the format that parts of a format are kept in: two names may mean the same bytes.

    What is in the words of settings is kept for these alone.

    Raises:
        KeyError: no such format.
    """
    if extension in INVENTORY:
        return f"{extension}{worded(extension)}"
    found = write.kept_as(extension)
    return f"{found}{_KEPT_ANEW.get(found, '')}"


def worded(extension: str) -> str:
    """Return what tells documents under other settings apart; "" for RDF, which has no others."""
    if extension in RDF:
        return ""
    return f"-{zlib.crc32(repr((EDITION, language(), *_contact())).encode()):08x}"


def frame(extension: str, vocabulary: str) -> Frame:
    """Return what stands around the parts of a document in a format of :data:`FORMATS`."""
    if extension in DATA_JSON:
        return Frame(b"", b",\n", data_json.TAIL)
    if extension == "csv":
        return Frame(b"", b"", b"")
    found = write.frame(extension, vocabulary)
    return Frame(found.between, found.between, found.tail)


def head(lines: Sequence[bytes], catalogue: str, extension: str, vocabulary: str) -> bytes:
    """Return the beginning of a document.

    Args:
        lines: N-Triples of what the catalogue says of itself.
        catalogue: its IRI.
        extension: a key of :data:`FORMATS`.
        vocabulary: start of the IRIs of concepts.
    """
    if extension in DATA_JSON:
        profile = DATA_JSON[extension]
        return data_json.head(lines, catalogue, language(), _contact(), profile)
    if extension == "csv":
        return sheet.head()
    begin = write.frame(extension, vocabulary).head
    return begin + write.part(lines, extension, vocabulary)


def part(lines: Sequence[bytes], extension: str, vocabulary: str, base: str) -> bytes:
    """Return lines of N-Triples, without their ends, as a part of a document; b"" for none."""
    if extension in DATA_JSON:
        found = datasets(lines, vocabulary, base)
        return data_json.part(found, _contact(), DATA_JSON[extension])
    if extension == "csv":
        return sheet.part(datasets(lines, vocabulary, base))
    return write.part(lines, extension, vocabulary)


def datasets(lines: Sequence[bytes], vocabulary: str, base: str) -> Sequence[Dataset]:
    """Return the datasets of a page, as those want them who do not read RDF."""
    return inventory.datasets(lines, language(), vocabulary, base)


def language() -> str:
    """Return the language in which texts are given where there are several."""
    locale: Any = tk.config.get("ckan.locale_default") or "es"
    return str(locale).partition("_")[0].lower()


def _contact() -> data_json.Contact:
    """Return whom to ask where a dataset and its organisation name nobody.

    CKAN's sender of mail is often nobody: ``no-responder@localhost`` reaches no one.
    """
    given = (tk.config.get("email_to"), tk.config.get("smtp.mail_from"))
    email = next(filter(is_mail_reachable, map(str, filter(None, given))), "")
    site = lookups.read_site().url
    return data_json.Contact(str(tk.config.get("ckan.site_title") or site), email, f"{site}/about")
