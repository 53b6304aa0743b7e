"""Values of a record and its files for pages: type, licence, address, fields, extras.

Blank values are left out, and fields missing in the schema are shown as extras.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan.types import Context
from ckanext.dcat.utils import field_labels
from flask import g

from ckanext.marathon.domain import addresses
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.texts import is_json_list, load_json
from ckanext.marathon.feeds.source import dataset_uri, find_kind
from ckanext.marathon.helpers.labels import marathon_date
from ckanext.marathon.model.feed import Kind
from ckanext.marathon.rdf.lookups import read_site
from ckanext.marathon.records import OTHER_LANGUAGES, REST, Resource, says_anything
from ckanext.marathon.vocabulary import authorities

# Fields at the top of the page, which the list of all details leaves out.
_EVERYWHERE = {"title", "name", "notes", "owner_org", "example", "tag_string", "license_id"}
_ABOVE = {
    "dataset": {"municipality", "service_problem", "idea", "data_need", "rights_note"},
    "workshop": {
        *("municipality", "service_problem", "kind", "status", "starts_at", "ends_at", "rsvp_by"),
        *("venue", "venue_municipality", "organiser", "invitation", "source_url", "source_note"),
        *("participants", "participants_women", "participants_men", "participants_youth"),
        *("participants_indigenous", "participants_note"),
    },
    "idea": {
        *("municipality", "service_problem", "workshop", "status", "data_need", "evidence"),
        *("summary", "proponent_group", "community", "votes"),
    },
    "commitment": {"plan", "number", "axis", "lead", "partner", "source_url", "milestone"},
}

_PURPOSES = {
    **dict.fromkeys(
        ("breadcrumb", "content tab", "facet label", "main nav", "page title"), "several"
    ),
    **dict.fromkeys(("add link", "create label", "create title"), "add"),
    **dict.fromkeys(("save label", "update label"), "save"),
    **dict.fromkeys(("no description", "no any objects"), "nothing"),
    "edit label": "edit",
    "view label": "view",
    "my label": "mine",
    "search placeholder": "search",
    "delete confirmation": "delete",
}


def list_fields_above(package_type: str) -> set[str]:
    """Return the names of the fields at the top of a page of this type."""
    return _EVERYWHERE | _ABOVE[package_type]


def marathon_type_label(package_type: str) -> str:
    """Return the label of a record type, in the singular."""
    return _name_type(package_type).get("one", tk._("Dataset"))


def show_organization(organization_id: str) -> dict[str, Any]:
    """Return an organisation from ``organization_show``, {} for a missing or hidden one.

    It has no members, followers and counts, which make CKAN's ``h.get_organization`` slow. Cached
    for the request, because CKAN's pages render the side column twice to know whether it is empty.
    """
    kept: dict[str, dict[str, Any]] = g.setdefault("_marathon_organizations", {})
    if organization_id not in kept:
        asked = {"id": organization_id, **dict.fromkeys(_NOT_ASKED, False)}
        try:
            kept[organization_id] = tk.get_action("organization_show")(Context(), asked)
        except (tk.ObjectNotFound, tk.NotAuthorized):
            kept[organization_id] = {}
    return kept[organization_id]


_NOT_ASKED = ("include_users", "include_followers", "include_groups", "include_dataset_count")


@tk.chained_helper
def humanize_entity_type(
    next_helper: Callable[..., str | None], entity_type: str, object_type: str, purpose: str
) -> str | None:
    """Return CKAN's text about a type; for our types whole phrases, for Spanish grammar."""
    words = _name_type(object_type) if entity_type == "package" else {}
    if words:
        return words.get(_PURPOSES.get(purpose, "one"), words["one"])
    return next_helper(entity_type, object_type, purpose)


def _name_type(package_type: str) -> dict[str, str]:
    if package_type == "workshop":
        return {
            "one": tk._("Workshop"),
            "several": tk._("Workshops"),
            "mine": tk._("My workshops"),
            "add": tk._("Add a workshop"),
            "edit": tk._("Edit the workshop"),
            "view": tk._("View the workshop"),
            "save": tk._("Save the workshop"),
            "search": tk._("Search workshops…"),
            "delete": tk._("Delete this workshop?"),
            "nothing": tk._("There is no description of this workshop."),
        }
    if package_type == "idea":
        return {
            "one": tk._("Idea"),
            "several": tk._("Ideas"),
            "mine": tk._("My ideas"),
            "add": tk._("Add an idea"),
            "edit": tk._("Edit the idea"),
            "view": tk._("View the idea"),
            "save": tk._("Save the idea"),
            "search": tk._("Search ideas…"),
            "delete": tk._("Delete this idea?"),
            "nothing": tk._("There is no description of this idea."),
        }
    if package_type == "commitment":
        return {
            "one": tk._("Commitment"),
            "several": tk._("Commitments"),
            "mine": tk._("My commitments"),
            "add": tk._("Add a commitment"),
            "edit": tk._("Edit the commitment"),
            "view": tk._("View the commitment"),
            "save": tk._("Save the commitment"),
            "search": tk._("Search commitments…"),
            "delete": tk._("Delete this commitment?"),
            "nothing": tk._("There is no description of this commitment."),
        }
    return {}


def explain_licence_doubt(licence_id: str) -> str:
    """Return a warning about reuse under a licence, ``""`` if the licence is open."""
    known = authorities.find_licence(licence_id or "notspecified")
    if known is None or known.is_open:
        return ""
    name = known.label(tk.h.lang())
    if known.is_open is None:
        return tk._("{name}. Ask whoever publishes it before you reuse it.").format(name=name)
    return tk._("{name} is not an open licence.").format(name=name)


def find_iri(shown: dict[str, Any]) -> str:
    """Return the IRI of a dataset, workshop, idea or commitment."""
    if find_kind(shown["type"]) == Kind.DATASET:
        return str(dataset_uri(shown))
    return str(read_site().thing(shown["type"], shown["id"]))


def name_language(iri: str) -> str:
    """Return the name of a language by IRI or code."""
    found = _find_language(iri)
    return found.label(tk.h.lang()).capitalize() if found else iri


def find_language_tag(iri: str) -> str:
    """Return a language's tag for HTML's ``lang``, ``""`` (unknown) if there is none."""
    found = _find_language(iri)
    if isinstance(found, authorities.Language):
        return found.iso_639_1 or found.iso_639_3
    return found.code if found else ""


def _find_language(value: str) -> authorities.SpokenLanguage | authorities.Language | None:
    return authorities.find_spoken_language(value) or authorities.find_language(value)


_HOST_NAME = re.compile(r"[\w.:-]+")
_MAIL = re.compile(r"(?:mailto:)?([^\s@/:?]+@[^\s@/:?]+)(?:\?|$)", re.IGNORECASE)
# Formats of addresses that are viewed or queried, not downloaded.
_NO_FILES = {"", "html", "api", "wms", "wfs", "wmts", "sparql"}


class Download(NamedTuple):
    """The button of a file, or a description of an address that browsers cannot open.

    Attributes:
        label: label of the button, or description of the address.
        note: format and size, ``""`` if neither is known.
        is_file: whether the button downloads a file.
        href: target of the button; ``""`` for no button.
        address: the stored text, if there is no button.
    """

    label: str
    note: str
    is_file: bool
    href: str
    address: str = ""


def marathon_says(value: object) -> bool:
    """Return whether a value is not blank; a row with only blank subfields is blank."""
    return says_anything(value)


def marathon_filled(
    fields: Iterable[dict[str, Any]], data: dict[str, Any], skip: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Return the fields of a schema that have a value and are shown on pages.

    Args:
        fields: fields of a schema, or subfields of a field.
        data: a record, or a row of a field.
        skip: names of fields that the page shows elsewhere.
    """
    return [
        field
        for field in fields
        if field["field_name"] not in skip
        and field.get("display_snippet", "") is not None
        and marathon_says(data.get(field["field_name"]))
    ]


def marathon_download(resource: dict[str, Any]) -> Download:
    """Return the button of a file or link."""
    file = Resource.from_shown(resource)
    url, is_upload = file.url.strip(), file.url_type == "upload"
    if not is_upload and not _is_web(url):
        return _describe_address(url)
    is_file = is_upload or file.format.lower() not in _NO_FILES
    parts = [file.format, marathon_size(resource)]
    label = tk._("Download") if is_file else tk._("Open the link")
    return Download(label, ", ".join(part for part in parts if part), is_file, url)


def _is_web(url: str) -> bool:
    """Return whether browsers can open an address (they encode blanks and similar characters)."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return bool(tk.h.is_url(url) and _HOST_NAME.fullmatch(host))


def _describe_address(url: str) -> Download:
    """Return a description of an address that browsers cannot open."""
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
    """Return the size of a file as text (``2 KiB``), ``""`` if it is unknown."""
    size = str(resource.get("size") or "")
    # A site's own schema may store it as text.
    return tk.h.localised_filesize(int(size)) if size.isdecimal() else size


def marathon_licence_name(licence_id: str | None, otherwise: str | None = "") -> str:
    """Return the name of a licence in the visitor's language.

    Args:
        licence_id: CKAN's id or an IRI; empty means not specified.
        otherwise: name for a licence that is missing in our table.
    """
    known = authorities.find_licence(licence_id or "notspecified")
    return known.label(tk.h.lang()) if known else otherwise or licence_id or ""


# Longer texts are folded, such as a geometry or a log in an extra.
LONGEST_SHOWN = 400
# Extras with dates.
_DATES = frozenset(
    {"dcat_issued", "dcat_modified", "source_catalog_modified", "temporal_start", "temporal_end"}
    | {"issued", "modified", "created"}
)
# Fields that CKAN and its plugins store or add for every file.
_OF_EVERY_FILE = frozenset(
    {"id", "package_id", "revision_id", "position", "state", "created", "last_modified"}
    | {"metadata_modified", "url", "url_type", "name", "description", "format", "size", "hash"}
    | {"mimetype", "cache_last_updated", "datastore_active", "has_views", "on_same_domain"}
    | {"datastore_contains_all_records_of_source_file", "can_be_previewed", "tracking_summary"}
    | {"ckan_url", "upload", "clear_upload", "marathon_notices"}
)


class ExtraText(NamedTuple):
    """One text of an extra; ``href`` is its target if it is an address, else ``""``."""

    text: str
    href: str
    is_long: bool


class Extra(NamedTuple):
    """An extra as the page shows it."""

    label: str
    texts: list[ExtraText]


def marathon_extras(
    fields: Iterable[dict[str, Any]], data: dict[str, Any], elsewhere: Collection[str] = ()
) -> list[Extra]:
    """Return the extras of a package, which are no fields of its schema.

    They have the order of CKAN's own page and the labels of ckanext-dcat. Values that a field
    refused (``frequency_text``) are shown beside the field (:func:`marathon_rest`) if the page
    lists it, else here with the field's label.

    Args:
        fields: the fields of the schema.
        data: the package.
        elsewhere: names of fields that the page does not list.
    """
    labels = _labels()
    for field in fields:
        if field.get("label"):
            label = str(tk.h.scheming_language_text(field["label"]))
            labels[field["field_name"] + REST] = label
    found: list[Extra] = []
    listed = marathon_filled(fields, data, elsewhere)
    shown = {field["field_name"] + REST for field in listed}
    given: list[dict[str, Any]] = data.get("extras") or []
    extras = [
        extra
        for extra in given
        # The languages of other extras are no text for readers.
        if _says(extra.get("value")) and extra.get("key") != OTHER_LANGUAGES
    ]
    for key, value in tk.h.sorted_extras(extras):
        if key not in shown:
            found.append(Extra(labels.get(str(key), str(key)), _texts(key, value)))
    return found


def marathon_rest(field_name: str, data: dict[str, Any]) -> list[ExtraText]:
    """Return the values that a field of a package refused, for showing them beside its value."""
    key = field_name + REST
    given: list[dict[str, Any]] = data.get("extras") or []
    extras = [extra for extra in given if extra.get("key") == key]
    found = [value for _key, value in tk.h.sorted_extras(extras) if _says(value)]
    return [text for value in found for text in _texts(key, value)]


def marathon_file_extras(
    fields: Iterable[dict[str, Any]], resource: Mapping[str, Any]
) -> list[Extra]:
    """Return the fields of a resource that its schema lacks, which CKAN's own page shows too."""
    labels = _labels()
    known = {field["field_name"] for field in fields} | _OF_EVERY_FILE
    return [
        Extra(labels.get(key, key), _texts(key, value))
        for key, value in sorted(resource.items())
        if key not in known and _says(value)
    ]


def marathon_people_of(data: Mapping[str, Any]) -> list[Extra]:
    """Return author and maintainer of a package, which CKAN's own page shows too."""
    found: list[Extra] = []
    for key, label in (("author", tk._("Author")), ("maintainer", tk._("Maintainer"))):
        name, email = (str(data.get(part) or "").strip() for part in (key, f"{key}_email"))
        if name or email:
            href = f"mailto:{email}" if "@" in email else ""
            texts = [ExtraText(name or email, href, False)]
            # An invalid address is shown as text.
            texts += [ExtraText(email, "", False)] if name and email and not href else []
            found.append(Extra(label, texts))
    return found


def _labels() -> dict[str, str]:
    """Return labels of the extras and file fields that ckanext-harvest and ckanext-dcat write."""
    if not tk.asbool(tk.config.get("ckanext.dcat.translate_keys", True)):
        # The site is configured to show the keys.
        return {}
    of_dcat = field_labels() if p.plugin_loaded("dcat") else {}
    own = {
        "author_email": tk._("Author Email"),
        "maintainer_email": tk._("Maintainer Email"),
        "harvest_source_id": tk._("Harvest source (identifier)"),
        "harvest_source_title": tk._("Harvest source"),
        "harvest_object_id": tk._("Harvested record (identifier)"),
        "dcat_issued": tk._("Issued at its source"),
        "dcat_modified": tk._("Modified at its source"),
        "dcat_publisher_name": tk._("Publisher at its source"),
        "dcat_publisher_email": tk._("Publisher at its source (e-mail)"),
        "dcat_publisher_id": tk._("Publisher at its source (identifier)"),
        "dcat_creator_name": tk._("Creator at its source"),
        "dcat_creator_email": tk._("Creator at its source (e-mail)"),
        "dcat_creator_id": tk._("Creator at its source (identifier)"),
        "dcat_type": tk._("Type of dataset"),
        "dcat_version": tk._("Version"),
        "source_catalog_title": tk._("Catalogue it comes from"),
        "source_catalog_description": tk._("Catalogue it comes from: description"),
        "source_catalog_homepage": tk._("Catalogue it comes from: address"),
        "source_catalog_language": tk._("Catalogue it comes from: language"),
        "source_catalog_modified": tk._("Catalogue it comes from: last change"),
        "source_catalog_publisher": tk._("Catalogue it comes from: publisher"),
        "spatial": tk._("Area covered (GeoJSON)"),
        "spatial_text": tk._("Place covered"),
        "spatial_bbox": tk._("Bounding box (GeoJSON)"),
        "spatial_centroid": tk._("Centre (GeoJSON)"),
        "contact_identifier": tk._("Contact identifier"),
        "homepage": tk._("Homepage"),
        "is_version_of": tk._("Version of"),
        "source": tk._("Source"),
        "sample": tk._("Sample"),
        "qualified_attribution": tk._("Attribution"),
        "qualified_relation": tk._("Related resource"),
        "hvd_category": tk._("High-value dataset category"),
        "in_series": tk._("Series"),
        "resource_type": tk._("Kind of file"),
        "mimetype_inner": tk._("Media type inside"),
        "cache_url": tk._("Copy"),
        "access_services": tk._("Data services"),
        "distribution_ref": tk._("IRI at its source"),
    }
    return {**own, **{name: str(label) for name, label in of_dcat.items()}}


def _texts(key: str, value: Any) -> list[ExtraText]:
    """Return the texts of a value: one for each item of a list, else the stored value."""
    loaded: Any = value
    if isinstance(value, str) and value[:1] == "[":
        try:
            loaded = load_json(value)
        except ValueError:
            loaded = value
    given: list[Any] = [value]
    if is_json_list(loaded) and all(isinstance(item, str) for item in loaded):
        given = loaded
    texts = (item if isinstance(item, str) else _as_json(item) for item in given)
    return [_text(key, text.strip()) for text in texts if text.strip()]


def _text(key: str, text: str) -> ExtraText:
    if key in _DATES:
        text = marathon_date(text)
    return ExtraText(text, _address(text), len(text) > LONGEST_SHOWN)


def _address(text: str) -> str:
    try:
        return addresses.read_http_address(text)
    except Malformed:
        return ""


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _says(value: Any) -> bool:
    return value is not None and value not in ([], {}) and str(value).strip() != ""
