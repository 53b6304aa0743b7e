"""Sent values that would not be stored: reported in a notice, or refused if a row would be lost.

CKAN silently drops unknown fields. An unknown field of a record gets a notice and is not refused,
because harvesters and other plugins send fields of their own sites. A row without any known field
is refused, because it was certainly meant to be stored.

A stored row may have subfields that its schema lacks: they are older than the plugin, or a later
schema dropped them. CKAN shows them as ``__extras`` of the row, and a save would lose them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context, Schema
from werkzeug.datastructures import FileStorage

from ckanext.marathon.domain.texts import is_blank, is_json_list, is_json_object, quote_value
from ckanext.marathon.logic import messages
from ckanext.marathon.model import disk
from ckanext.marathon.model import package as package_model

# Source: ckan.lib.navl.validators.default_schema_or_keep_extras, "keep_extras".
EXTRAS_KEY = "__extras"

Field = Mapping[str, Any]


def lift_subfields(record: dict[str, Any], fields: Iterable[Field]) -> None:
    """Move subfields that the schema lacks from ``__extras`` of a row into the row.

    Args:
        record: from ``package_show``, or sent by a client; its rows are changed.
        fields: the fields of its schema.
    """
    for field in fields:
        rows = record.get(field["field_name"]) if "repeating_subfields" in field else None
        for row in rows if is_json_list(rows) else ():
            if is_json_object(row) and is_json_object(row.get(EXTRAS_KEY)):
                found = row.pop(EXTRAS_KEY)
                row.update({name: value for name, value in found.items() if name not in row})


def list_stored_subfields(package: model.Package | None, field: str) -> set[str]:
    """Return the names of all subfields that the stored rows of a field have."""
    return {name for row in package_model.read_stored_rows(package, field) for name in row}


Rows = list[dict[str, Any]]

# Names that CKAN's forms and actions use and that are no fields.
CONTROLS = frozenset(
    {
        *("save", "return_to", "return_id_only", "pkg_name", "_ckan_phase", "plugin_data"),
        *("use_default_schema", "include_tracking", "tracking_summary", "for_edit", "update"),
        *("image_upload", "clear_upload", "is_organization", messages.NOTICES_KEY),
    }
)
# Names in the rows of CKAN's own lists, stored or shown.
CORE_ROWS: Mapping[str, Collection[str]] = {
    "tags": ("name", "vocabulary_id", "id", "display_name", "state", "revision_timestamp"),
    "extras": (
        *("key", "value", "id", "package_id", "group_id", "state", "deleted"),
        "revision_timestamp",
    ),
}

_MOST_NAMED = 10
_JSON = (str, int, float, bool, list, dict)

# CKAN's validation keeps values that it cannot place under these names.
RESERVED = ("__before", "__junk", "__extras", "__after")


def check_rows(
    context: Context, field: str, rows: Rows, known: Collection[str]
) -> list[dict[str, list[str]]]:
    """Return the errors of rows without any known subfield, row by row; ``[]`` if there are none.

    Unknown subfields of other rows become notices.

    Args:
        context: of the action.
        field: name of the list.
        rows: the sent rows.
        known: the names that a row may have.
    """
    errors: list[dict[str, list[str]]] = []
    refusal = tk._("A row of “{field}” has nothing called {names}. These names exist: {known}")
    lost: dict[tuple[str, ...], list[int]] = {}
    for number, row in enumerate(rows, start=1):
        unknown = [name for name, value in row.items() if name not in known and has_content(value)]
        is_lost = unknown and not any(has_content(row.get(name)) for name in known)
        errors.append(
            {name: [_about_row(refusal, field, [name], known)] for name in unknown}
            if is_lost
            else {}
        )
        if unknown and not is_lost:
            lost.setdefault(tuple(unknown), []).append(number)
    for names, numbers in lost.items():
        message = tk._(
            "Not kept of “{field}”, row {rows}, which has nothing called {names}. "
            "These names exist: {known}"
        )
        shown_rows = ", ".join(map(str, numbers[:_MOST_NAMED]))
        more = " …" if len(numbers) > _MOST_NAMED else ""
        text = message.replace("{rows}", shown_rows + more)
        messages.add_notice(context, _about_row(text, field, names, known))
    return errors if any(errors) else []


def find_misplaced_files(data: Mapping[str, Any], accepted: str = "") -> dict[str, Any]:
    """Return errors for sent files that no field accepts, and for texts in file fields.

    Args:
        data: the sent data of a record, or of one of its resources.
        accepted: name of the file field, ``""`` if there is none.
    """
    errors: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, FileStorage) and name != accepted:
            text = tk._("A file is sent as “{name}” here").format(name=accepted)
            errors[name] = [text if accepted else _how_to_send()]
        elif isinstance(value, FileStorage) and value.filename and not disk.keeps_files():
            text = tk._("This site cannot keep files: set ckan.storage_path in its configuration.")
            errors[name] = [text]
        elif name == accepted and is_filled(value) and isinstance(value, _JSON):
            errors[name] = [tk._("A file is expected here, sent as multipart/form-data")]
    return errors


def _how_to_send() -> str:
    return tk._(
        "Files are not stored with the record. Send each by itself: with resource_create "
        "(package_id and upload), or to replace one with resource_patch (id and upload), as "
        "multipart/form-data"
    )


def drop_reserved_fields(
    context: Context, data: dict[str, Any], file_number: int | None = None
) -> None:
    """Remove fields named like CKAN's validation keys, and add notices.

    CKAN 2.12 answers 500 to a ``__junk`` that is not a dict.

    Args:
        context: of the action.
        data: a record, an organisation or a resource; changed.
        file_number: the number of the resource, from 0.
    """
    found = [name for name in RESERVED if name in data]
    for name in found:
        del data[name]
    if found and not messages.is_page():
        _note_unknown_names(context, found, file_number)


def has_content(value: object) -> bool:
    """Return whether a sent value is neither empty nor blank nor a file without a name."""
    if isinstance(value, FileStorage):
        return bool(value.filename)
    return not is_blank(value) if isinstance(value, str) else is_filled(value)


def find_unknown_fields(
    data: Mapping[str, Any], fields: Iterable[str], core_schemas: Iterable[Schema]
) -> list[str]:
    """Return the sent names that neither CKAN nor the schema of the record has.

    Args:
        data: the sent data.
        fields: names of the fields of the schema.
        core_schemas: CKAN's own schemas for records of this type.
    """
    known = {*fields, *CONTROLS, *(name for schema in core_schemas for name in schema)}
    return [
        name
        for name, value in data.items()
        if name not in known and not name.startswith("__") and is_filled(value)
    ]


def add_unknown_notice(context: Context, unknown: Iterable[str], answer: object) -> None:
    """Add a notice about unknown fields, except those in the answer: a plugin stored these."""
    if messages.is_page() or not is_json_object(answer):
        # A person does not choose the names that a form sends.
        return
    lost = [name for name in unknown if name not in answer]
    if lost:
        _note_unknown_names(context, lost)


def _note_unknown_names(
    context: Context, names: Iterable[str], file_number: int | None = None
) -> None:
    message = tk._("Not kept, as there are no such fields: {names}")
    text = message.format(names=list_names(names))
    messages.add_notice(context, messages.name_file(file_number, text))


def check_groups(groups: Rows) -> list[dict[str, list[str]]]:
    """Return the errors of groups without id and name, row by row; CKAN would ignore them."""
    message = tk._("A group is named by its id or name")
    names = ("id", "name")
    errors = [
        {"name": [message]} if row and not any(is_filled(row.get(n)) for n in names) else {}
        for row in groups
    ]
    return errors if any(errors) else []


def add_dropped_notice(context: Context, field: str, sent: object, answer: object) -> None:
    """Add a notice about sent groups or users that CKAN silently dropped.

    The notice is the same for a missing and for a hidden group or user.

    Args:
        context: of the action.
        field: ``groups`` or ``users``.
        sent: the value sent for the field.
        answer: the saved record.
    """
    found = answer.get(field) if is_json_object(answer) else None
    if messages.is_page() or not is_json_list(found) or not is_json_list(sent):
        return
    got = {row.get(name) for row in found for name in ("id", "name")}
    wanted = [row.get("id") or row.get("name") for row in sent if is_json_object(row)]
    # An id may be sent as an object.
    lost = [str(reference) for reference in wanted if reference and str(reference) not in got]
    if lost:
        message = tk._("“{field}”: not kept, as there are none such for you: {names}")
        messages.add_notice(context, message.format(field=field, names=list_names(lost)))


def _about_row(message: str, field: str, names: Iterable[str], known: Iterable[str]) -> str:
    return message.format(field=field, names=list_names(names), known=", ".join(known))


def list_names(names: Iterable[str]) -> str:
    """Return sent names as a quoted list; of a long list only the first ones."""
    quoted = [f"“{quote_value(name)}”" for name in names]
    return ", ".join(quoted[:_MOST_NAMED]) + (" …" if len(quoted) > _MOST_NAMED else "")


def is_filled(value: object) -> bool:
    """Return whether a value is not blank."""
    return value is not None and value not in ("", [], {})
