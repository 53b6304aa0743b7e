"""What a record or file has besides the fields of its schema, for its page."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckanext.dcat.utils import field_labels

from ckanext.marathon.domain import addresses
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.texts import load_json
from ckanext.marathon.rdf.extras import REST
from ckanext.marathon.rdf.harvested import OTHER_LANGUAGES

from .labels import marathon_date
from .read import marathon_filled

# Longer texts are folded: a shape or a log in an extra is longer than a phone's page.
LONGEST_SHOWN = 400
# Dates among them, shown as dates.
_DATES = frozenset(
    {"dcat_issued", "dcat_modified", "source_catalog_modified", "temporal_start", "temporal_end"}
    | {"issued", "modified", "created"}
)
# What CKAN keeps of every file, and what it and its plugins add to each when it is read.
_OF_EVERY_FILE = frozenset(
    {"id", "package_id", "revision_id", "position", "state", "created", "last_modified"}
    | {"metadata_modified", "url", "url_type", "name", "description", "format", "size", "hash"}
    | {"mimetype", "cache_last_updated", "datastore_active", "has_views", "on_same_domain"}
    | {"datastore_contains_all_records_of_source_file", "can_be_previewed", "tracking_summary"}
    | {"ckan_url", "upload", "clear_upload", "marathon_notices"}
)


class Text(NamedTuple):
    """One text of an extra; ``href`` is where it leads if it is an address, else ``""``."""

    text: str
    href: str
    is_long: bool


class Extra(NamedTuple):
    """An extra as the page shows it."""

    label: str
    texts: list[Text]


def marathon_extras(
    fields: Iterable[dict[str, Any]], data: dict[str, Any], elsewhere: Collection[str] = ()
) -> list[Extra]:
    """Return what a package has besides the fields of its schema.

    In the order of CKAN's own page, labelled as ckanext-dcat labels them there. What a field did
    not take (``frequency_text``) stands with the field (:func:`marathon_rest`) where the page shows
    that, else it is labelled as the field.

    Args:
        fields: of the schema.
        data: the package.
        elsewhere: names of fields that the page does not show in its list.
    """
    labels = _labels()
    for field in fields:
        if field.get("label"):
            label = str(tk.h.scheming_language_text(field["label"]))
            labels[field["field_name"] + REST] = label
    found: list[Extra] = []
    listed = marathon_filled(fields, data, elsewhere)
    shown = {field["field_name"] + REST for field in listed}
    extras = [
        each
        for each in data.get("extras") or []
        # In which language texts are, is no text for a reader.
        if _says(each.get("value")) and each.get("key") != OTHER_LANGUAGES
    ]
    for key, value in tk.h.sorted_extras(extras):
        if key not in shown:
            found.append(Extra(labels.get(str(key), str(key)), _texts(key, value)))
    return found


def marathon_rest(field_name: str, data: dict[str, Any]) -> list[Text]:
    """Return the texts that the field of a package did not take, for beside its value."""
    key = field_name + REST
    extras = [each for each in data.get("extras") or [] if each.get("key") == key]
    found = [value for _key, value in tk.h.sorted_extras(extras) if _says(value)]
    return [text for value in found for text in _texts(key, value)]


def marathon_file_extras(
    fields: Iterable[dict[str, Any]], resource: Mapping[str, Any]
) -> list[Extra]:
    """Return what a file has that its schema does not know, as CKAN's own page shows it."""
    labels = _labels()
    known = {field["field_name"] for field in fields} | _OF_EVERY_FILE
    return [
        Extra(labels.get(key, key), _texts(key, value))
        for key, value in sorted(resource.items())
        if key not in known and _says(value)
    ]


def marathon_people_of(data: Mapping[str, Any]) -> list[Extra]:
    """Return author and maintainer of a package, as CKAN's own page shows them."""
    found: list[Extra] = []
    for key, label in (("author", tk._("Author")), ("maintainer", tk._("Maintainer"))):
        name, email = (str(data.get(each) or "").strip() for each in (key, f"{key}_email"))
        if name or email:
            href = f"mailto:{email}" if "@" in email else ""
            texts = [Text(name or email, href, False)]
            # What is no address is shown, and nothing is linked.
            texts += [Text(email, "", False)] if name and email and not href else []
            found.append(Extra(label, texts))
    return found


def _labels() -> dict[str, str]:
    """Return the names of what ckanext-harvest and ckanext-dcat write into extras and files."""
    if not tk.asbool(tk.config.get("ckanext.dcat.translate_keys", True)):
        # The site wants the keys themselves.
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


def _texts(key: str, value: Any) -> list[Text]:
    """Return the texts of a value: of a list one an item, of anything else as it is stored."""
    loaded = value
    if isinstance(value, str) and value[:1] == "[":
        try:
            loaded = load_json(value)
        except ValueError:
            loaded = value
    is_list = isinstance(loaded, list) and all(isinstance(each, str) for each in loaded)
    given = loaded if is_list else [value]
    texts = (each if isinstance(each, str) else _as_json(each) for each in given)
    return [_text(key, each.strip()) for each in texts if each.strip()]


def _text(key: str, text: str) -> Text:
    if key in _DATES:
        text = marathon_date(text)
    return Text(text, _address(text), len(text) > LONGEST_SHOWN)


def _address(text: str) -> str:
    try:
        return addresses.read_http_address(text)
    except Malformed:
        return ""


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _says(value: Any) -> bool:
    return value is not None and value not in ([], {}) and str(value).strip() != ""
