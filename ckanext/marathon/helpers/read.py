"""What a page shows of a thing and of its files: only what says something."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk

from ckanext.marathon.records.values import says_anything
from ckanext.marathon.vocabulary import authorities

_HOST = re.compile(r"[\w.:-]+")
_MAIL = re.compile(r"(?:mailto:)?([^\s@/:?]+@[^\s@/:?]+)(?:\?|$)", re.IGNORECASE)
# Formats of an address that is looked at or queried, not kept as a file.
_NO_FILES = {"", "html", "api", "wms", "wfs", "wmts", "sparql"}


class Download(NamedTuple):
    """The button of a file, or what its address is where a browser cannot follow it.

    Attributes:
        label: what the button does, or what the address is.
        note: format and size, ``""`` if neither is known.
        is_file: whether the button downloads something.
        href: where it leads; ``""`` is no button.
        address: as it is written, where there is no button.
    """

    label: str
    note: str
    is_file: bool
    href: str
    address: str = ""


def marathon_says(value: Any) -> bool:
    """Return whether a value says something: a row whose every part is empty does not."""
    return says_anything(value)


def marathon_filled(
    fields: Iterable[dict[str, Any]], data: dict[str, Any], skip: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Return the fields of a schema that are filled in and meant to be shown.

    Args:
        fields: of the schema, or the subfields of one.
        data: the thing, or one row of a field.
        skip: names that the page shows elsewhere.
    """
    return [
        field
        for field in fields
        if field["field_name"] not in skip
        and field.get("display_snippet", "") is not None
        and marathon_says(data.get(field["field_name"]))
    ]


def marathon_download(resource: dict[str, Any]) -> Download:
    """Return what the button of a file or link says, and where it leads."""
    url = str(resource.get("url") or "").strip()
    if resource.get("url_type") != "upload" and not _is_web(url):
        return _describe_address(url)
    name = str(resource.get("format") or "")
    is_file = resource.get("url_type") == "upload" or name.lower() not in _NO_FILES
    parts = [name, marathon_size(resource)]
    label = tk._("Download") if is_file else tk._("Open the link")
    return Download(label, ", ".join(part for part in parts if part), is_file, url)


def _is_web(url: str) -> bool:
    """Return whether a browser finds something at an address; blanks and the like it encodes."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return bool(tk.h.is_url(url) and _HOST.fullmatch(host))


def _describe_address(url: str) -> Download:
    """Return what an address is that leads to no page: CKAN makes of each a button."""
    if not url:
        return Download("", "", False, "")
    if written := _MAIL.match(url):
        label = tk._("Ask for it by e-mail")
        return Download(label, written[1], False, f"mailto:{written[1]}")
    if url.startswith(("\\", "//")):
        label = tk._(
            "It is on the internal network of whoever publishes it, which a browser cannot open. "
            "Ask them for a copy. Address there:"
        )
        return Download(label, "", False, "", url)
    scheme, _, rest = url.partition(":")
    if rest.startswith("//") and scheme.lower() not in ("http", "https"):
        label = tk._("A browser cannot open this address; programs for “{scheme}” can:")
        return Download(label.format(scheme=scheme), "", False, "", url)
    label = tk._("What is given as its address is no web address:")
    return Download(label, "", False, "", url)


def marathon_size(resource: dict[str, Any]) -> str:
    """Return the size of a file as people say it, ``""`` if it is not known."""
    size = str(resource.get("size") or "")
    # A site's own schema may keep it as text.
    return tk.h.localised_filesize(int(size)) if size.isdecimal() else size


def marathon_licence_name(licence_id: str | None, otherwise: str | None = "") -> str:
    """Return the one name of a licence, in the visitor's language.

    Args:
        licence_id: CKAN's id or an IRI; empty is the licence that nobody stated.
        otherwise: how to call one that our table does not know.
    """
    known = authorities.find_licence(licence_id or "notspecified")
    return known.label(tk.h.lang()) if known else otherwise or licence_id or ""
