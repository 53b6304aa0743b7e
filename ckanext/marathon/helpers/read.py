"""What a page shows of a thing and of its files: only what says something."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckanext.dcat.utils import field_labels

from ckanext.marathon.rdf.extras import REST
from ckanext.marathon.rdf.languages import OTHER_LANGUAGES
from ckanext.marathon.vocabulary import authorities

# Formats of an address that is looked at or queried, not kept as a file.
_NO_FILES = {"", "html", "api", "wms", "wfs", "wmts", "sparql"}


class Download(NamedTuple):
    """The button of a file: what it does, and the format and size, ``""`` if neither is known."""

    label: str
    note: str
    is_file: bool


def marathon_says(value: Any) -> bool:
    """Return whether a value says something: a row whose every part is empty does not."""
    if isinstance(value, dict):
        return any(marathon_says(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(marathon_says(each) for each in value)
    return value is not None and value is not False and str(value).strip() != ""


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


def marathon_extras(
    fields: Iterable[dict[str, Any]], data: dict[str, Any]
) -> list[tuple[str, str]]:
    """Return (label, text) of what a package has besides the fields of its schema.

    They are in the order of CKAN's own page, and labelled as ckanext-dcat labels them there; what a
    field did not take (``frequency_text``) is labelled as the field.
    """
    labels: dict[str, str] = {}
    if p.plugin_loaded("dcat") and tk.asbool(tk.config.get("ckanext.dcat.translate_keys", True)):
        labels |= {name: str(label) for name, label in field_labels().items()}
    for field in fields:
        if field.get("label"):
            name = field["field_name"] + REST
            labels[name] = str(tk.h.scheming_language_text(field["label"]))
    extras = [
        each
        for each in data.get("extras") or []
        # In which language texts are, is no text for a reader.
        if marathon_says(each.get("value")) and each.get("key") != OTHER_LANGUAGES
    ]
    return tk.h.sorted_extras(extras, subs=labels)


def marathon_download(resource: dict[str, Any]) -> Download:
    """Return what the button of a file or link says."""
    name = str(resource.get("format") or "")
    is_file = resource.get("url_type") == "upload" or name.lower() not in _NO_FILES
    parts = [name, marathon_size(resource)]
    label = tk._("Download") if is_file else tk._("Open the link")
    return Download(label, ", ".join(part for part in parts if part), is_file)


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
    known = authorities.licence(licence_id or "notspecified")
    return known.label(tk.h.lang()) if known else otherwise or licence_id or ""
