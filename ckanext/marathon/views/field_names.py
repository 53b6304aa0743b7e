"""What fields and the inputs of forms are called, and what was chosen in these, in words."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.marathon.domain.errors import N_
from ckanext.marathon.helpers.labels import marathon_municipality_names, marathon_problem_names
from ckanext.marathon.model import audit
from ckanext.marathon.records.record import DATASET

from .form_rows import RESOURCE_INPUT, ROW_INPUT

# The same in every form, or in none.
FIELDS = {
    "owner_org": N_("Organization"),
    "private": N_("Visibility"),
    "state": N_("State"),
    "capacity": N_("Role"),
    "sysadmin": N_("System administrator"),
    "tags": N_("Keywords"),
}
# Columns of CKAN's tables that no form of the schemas shows.
COLUMNS = {
    "name": N_("Name in addresses"),
    "title": N_("Title"),
    "description": N_("Description"),
    "image_url": N_("Image"),
    "position": N_("Order"),
    "url": N_("Address"),
    "url_type": N_("Where the file is kept"),
    "resource_type": N_("Kind of file"),
    "mimetype_inner": N_("Media type inside an archive"),
    "cache_url": N_("Address of a copy"),
    "cache_last_updated": N_("Date of the copy"),
    "version": N_("Version"),
    "author": N_("Author"),
    "author_email": N_("Author’s e-mail"),
    "maintainer": N_("Maintainer"),
    "maintainer_email": N_("Maintainer’s e-mail"),
    "creator_user_id": N_("Created by"),
    "plugin_data": N_("Data of plugins"),
    "license_id": N_("Licence"),
    "created": N_("Created on"),
    "value": N_("Value"),
    "approval_status": N_("Approval"),
}
# Inputs of CKAN's forms that are called otherwise than what they are stored in.
_INPUTS = {"tag_string": N_("Keywords"), "notes": N_("Description"), "about": N_("About")}


def name_field(kind: str, name: str) -> str:
    """Return what a field is called: in its form, else by the meaning of CKAN's column."""
    if name in FIELDS:
        return tk._(FIELDS[name])
    label = find_field(kind, name).get("label")
    if label:
        return tk.h.scheming_language_text(label)
    return tk._(COLUMNS[name]) if name in COLUMNS else name


def find_field(kind: str, name: str) -> dict[str, Any]:
    """Return a field of a kind's form, an empty one if the form has none of that name."""
    return tk.h.scheming_field_by_name(_read_fields(kind), name) or {}


def _read_fields(kind: str) -> list[dict[str, Any]]:
    schema: dict[str, Any]
    if kind == audit.ORGANIZATION:
        schema = tk.h.scheming_get_organization_schema(kind) or {}
        return schema.get("fields") or []
    is_file = kind == audit.RESOURCE
    # The forms of files of other types have a part of a dataset's fields.
    schema = tk.h.scheming_get_dataset_schema(DATASET if is_file else kind) or {}
    return schema.get("resource_fields" if is_file else "dataset_fields") or []


def describe_input(kind: str, name: str, value: str) -> tuple[str, str]:
    """Return what the input of a form is called on its page, and what was sent by it in words.

    Args:
        kind: a type of record, or "" if the form is of something else.
        name: of the input: of a field, of one in a row (``invitation-0-organisation``), of a file
            (``resources__0__name``).
        value: that was sent; a code becomes what it stands for, a text stays as it is.
    """
    file, row = RESOURCE_INPUT.fullmatch(name), ROW_INPUT.fullmatch(name)
    if file and file["inner"]:
        label = name_field(audit.RESOURCE, file["inner"])
        field = find_field(audit.RESOURCE, file["inner"])
        return f"{tk._('File')} {int(file['number']) + 1}: {label}", _name_choice(field, value)
    inner = find_field(kind, row["name"]).get("repeating_subfields") if row else None
    field = tk.h.scheming_field_by_name(inner, row["inner"]) if row and inner else None
    if row and field and field.get("label") and row["number"].isdigit():
        label = tk.h.scheming_language_text(field["label"])
        rows = name_field(kind, row["name"])
        return f"{rows} {int(row['number']) + 1}: {label}", _name_choice(field, value)
    label = tk._(_INPUTS[name]) if name in _INPUTS else name_field(kind, name)
    if name in _NAMES_OF_CODES:
        return label, ", ".join(_NAMES_OF_CODES[name](value)) or value
    return label, _name_choice(field or find_field(kind, name), value)


def _name_choice(field: dict[str, Any], value: str) -> str:
    for each in tk.h.scheming_field_choices(field) or []:
        if each["value"] == value and each.get("label"):
            return tk.h.scheming_language_text(each["label"])
    return value


_NAMES_OF_CODES = {
    "municipality": marathon_municipality_names,
    "service_problem": marathon_problem_names,
}
