"""Parsing of forms, for CKAN's actions and for showing the form again.

Rows of repeating fields are read from the inputs of a form, and errors get the numbers of the rows
on the page. Unedited values are replaced by the stored ones. Names and values of inputs are
translated to labels.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any
from urllib.parse import urlsplit

import ckan.lib.navl.dictization_functions as df
import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.lib import plugins as lib_plugins
from ckan.lib.munge import munge_title_to_name
from ckan.logic import clean_dict, parse_params, tuplize_dict
from ckan.types import Context
from flask import request
from werkzeug.datastructures import FileStorage, MultiDict

from ckanext.marathon.domain.errors import N_
from ckanext.marathon.domain.texts import is_json_list, is_json_object
from ckanext.marathon.helpers.form import marathon_chosen, marathon_typed_date
from ckanext.marathon.helpers.labels import (
    Listed,
    marathon_municipality_names,
    marathon_problem_names,
)
from ckanext.marathon.logic import inputs, personal_data, resource
from ckanext.marathon.model import audit
from ckanext.marathon.records import DATASET
from ckanext.marathon.views.errors import FormCall, call_for_form
from ckanext.marathon.visibility import is_public, is_shown_public

# ``resources__3__name``: the input of one field of one file or link.
RESOURCE_INPUT = re.compile(r"resources__(?P<number>\d{1,6})(?:__(?P<inner>.+))?", re.S)
# ``invitation-3-answer``: the input of one field of one row.
ROW_INPUT = re.compile(r"(?P<name>\w+)-(?P<number>\d{1,6}|REPEATING-INDEX0)-(?P<inner>.+)", re.S)


def renumber_errors(
    numbers: Mapping[str, list[int]], names: dict[str, list[str]]
) -> dict[str, list[str]]:
    """Return name of input → errors, with the numbers that the rows have on the page.

    Args:
        numbers: repeating field → the numbers of its rows on the page.
        names: name of input → errors, with the numbers of the rows in the sent list.
    """
    return {_name_on_page(numbers, name): texts for name, texts in names.items()}


def _name_on_page(numbers: Mapping[str, list[int]], name: str) -> str:
    separator = "__" if name.startswith("resources__") else "-"
    parts = name.split(separator)
    places = numbers.get(parts[0], [])
    if len(parts) > 2 and parts[1].isdigit() and int(parts[1]) < len(places):
        parts[1] = str(places[int(parts[1])])
    return separator.join(parts)


# CKAN workaround: row-order
def gather_rows(values: dict[str, Any], repeating: set[str]) -> dict[str, list[int]]:
    """Convert the inputs of repeating fields to lists of rows, in place.

    The rows have the order of the page; CKAN itself sorts row 10 before row 2.

    Returns:
        field → the numbers of its rows on the page.
    """
    rows: dict[str, dict[int, dict[str, Any]]] = {}
    for key in [key for key in values if "-" in key]:
        match = ROW_INPUT.fullmatch(key)
        if not match or match["name"] not in repeating or match["name"] in values:
            continue
        value = values.pop(key)
        # Without scripts, browsers also send the hidden row that the script would copy.
        if match["number"].isdigit():
            row = rows.setdefault(match["name"], {}).setdefault(int(match["number"]), {})
            row[match["inner"]] = value
    for name, found in rows.items():
        values[name] = [found[number] for number in sorted(found)]
    return {name: sorted(found) for name, found in rows.items()}


def find_resource_numbers(names: list[str]) -> list[int]:
    """Return the numbers that resources have on the page, from the names of their inputs."""
    found = (RESOURCE_INPUT.fullmatch(name) for name in names)
    return sorted({int(match["number"]) for match in found if match})


# Names of fields that are the same for all kinds of records.
FIELD_NAMES = {
    "owner_org": N_("Organization"),
    "private": N_("Visibility"),
    "state": N_("State"),
    "capacity": N_("Role"),
    "sysadmin": N_("System administrator"),
    "tags": N_("Keywords"),
    "api_tokens": N_("API tokens"),
    "successor": N_("Successor"),
}
# Names of columns that are in no schema.
COLUMN_NAMES = {
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
# Input of CKAN's forms → the differently named field that stores it.
_INPUTS = {"tag_string": N_("Keywords"), "notes": N_("Description"), "about": N_("About")}


def name_field(kind: str, name: str) -> str:
    """Return the label of a field, else a name for CKAN's column."""
    if name in FIELD_NAMES:
        return tk._(FIELD_NAMES[name])
    label = find_field(kind, name).get("label")
    if label:
        return tk.h.scheming_language_text(label)
    return tk._(COLUMN_NAMES[name]) if name in COLUMN_NAMES else name


def find_field(kind: str, name: str) -> dict[str, Any]:
    """Return a field of the schema of a kind of record, ``{}`` if it has none of that name."""
    return tk.h.scheming_field_by_name(_read_fields(kind), name) or {}


def _read_fields(kind: str) -> list[dict[str, Any]]:
    schema: dict[str, Any]
    if kind == audit.ORGANIZATION:
        schema = tk.h.scheming_get_organization_schema(kind) or {}
        return schema.get("fields") or []
    is_file = kind == audit.RESOURCE
    # Files of other types have a part of these fields.
    schema = tk.h.scheming_get_dataset_schema(DATASET if is_file else kind) or {}
    return schema.get("resource_fields" if is_file else "dataset_fields") or []


def describe_input(kind: str, name: str, value: str) -> tuple[str, str]:
    """Return the label of an input, and its value with codes replaced by names.

    Args:
        kind: kind of record from ``model/audit.py``, "" for other forms.
        name: name of the input: of a field, a subfield (``invitation-0-organisation``) or a file
            (``resources__0__name``).
        value: the sent value.
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
    choices: list[dict[str, Any]] = tk.h.scheming_field_choices(field) or []
    for choice in choices:
        if choice["value"] == value and choice.get("label"):
            return tk.h.scheming_language_text(choice["label"])
    return value


_NAMES_OF_CODES = {
    "municipality": marathon_municipality_names,
    "service_problem": marathon_problem_names,
}


Errors = dict[str, Any]
LONGEST_NAME = 90
NEW_IDEA = ("workshop", "title", "service_problem")
# Inputs of the form mechanism, which are no fields of the record.
OWN_INPUTS = ("save", "form_token", "form_version", "form_user", "draft_version")
# Prefixes of inputs for fields that two people changed: ``form_keep:title``.
# Prefix of inputs with the reason why personal data in a file may be public:
# ``personal_reason:ID`` of a stored file, ``personal_reason:new`` of one that is sent.
REASON = "personal_reason"
CHOICES = ("form_keep", "form_added", REASON)


@dataclass
class PackageForm:
    """A sent form of a record.

    Attributes:
        package_type: type of the record.
        step: value of the pressed button: publish, private, refresh, add-file, add-idea; the page's
            script sends check before it sends files.
        token: identifies the form, so that it is saved once; see :func:`.hold_token`.
        private: whether the record is private.
        values: the fields in the form of CKAN's views, with files; repeating fields are lists of
            rows.
        own: the inputs :data:`OWN_INPUTS`; for the prefixes :data:`CHOICES` a dict by field.
        numbers: repeating field, or ``resources`` → the numbers of its rows on the page; a removed
            row leaves a gap.
    """

    package_type: str
    step: str
    token: str
    private: bool
    values: dict[str, Any]
    own: dict[str, Any] = dataclass_field(default_factory=dict[str, Any])
    numbers: dict[str, list[int]] = dataclass_field(default_factory=dict[str, list[int]])

    def for_create(self, resources: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the data for ``package_create``, with a name if none was typed.

        Args:
            resources: the form's, with their files opened.
        """
        data = self.fields
        data["resources"] = [_name_resource(resource) for resource in resources]
        data["type"] = self.package_type
        data["private"] = self.private
        if not data.get("name"):
            data["name"] = _find_free_name(_read_text(data.get("title")) or self.package_type)
        return data

    def for_update(self) -> dict[str, Any]:
        """Return the data for ``package_update``: all fields, including emptied ones."""
        return {**self._emptied(), **self.fields}

    def for_edit_page(self, stored: dict[str, Any]) -> dict[str, Any]:
        """Return the data for showing an edit form again.

        Args:
            stored: the stored record, whose values are used for other fields.
        """
        data = {**stored, **self._emptied(), **self.values}
        for name in ("municipality", "service_problem"):
            chosen: list[str] = data.get(name) or []
            if any(chosen):
                data[f"{name}_origin"] = "own"
            elif data.get(f"{name}_origin") in ("idea", "workshop"):
                data[name] = stored.get(name)
        return data

    def for_page(self) -> dict[str, Any]:
        """Return the data for showing the form of a new record again, without its files."""
        data = {**self.values, "form_token": self.token, "state": "none"}
        data["draft_version"] = self.own.get("draft_version", "")
        data["resources"] = [_without_file(resource) for resource in self.resources]
        data["files_lost"] = [
            resource["lost"] for resource in data["resources"] if resource.get("lost")
        ]
        if self.step == "add-file" or not data["resources"]:
            data["resources"].append({})
        return data

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the record, without those of the idea that can be added in the form."""
        return {key: v for key, v in self.values.items() if not key.startswith("new_idea_")}

    def _emptied(self) -> dict[str, Any]:
        """Return ``[]`` for list fields of the page that were not sent, because they are empty."""
        shown = [
            f for f in _list_fields(self.package_type) if f.get("form_snippet", "") is not None
        ]
        lists = [f for f in shown if "repeating_subfields" in f or _is_list(f)]
        return {f["field_name"]: [] for f in lists if f["field_name"] not in self.values}

    @property
    def has_resources(self) -> bool:
        """Whether the form has at least one file or link."""
        return bool(self.resources)

    @property
    def resources(self) -> list[dict[str, Any]]:
        """The files and links; values of another type are ignored."""
        given = self.values.get("resources")
        return list(filter(is_json_object, given)) if is_json_list(given) else []


def read_form(package_type: str, *, is_new: bool = True) -> PackageForm:
    """Read the form of the current request.

    Raises:
        ckan.lib.navl.dictization_functions.DataError: names of inputs that CKAN cannot parse.
    """
    files = {key: file for key, file in request.files.items() if file.filename}
    return parse_form(package_type, request.form, files, is_new=is_new)


def parse_form(
    package_type: str,
    inputs: MultiDict[str, str],
    files: Mapping[str, FileStorage],
    *,
    is_new: bool = True,
) -> PackageForm:
    """Return the form that these inputs and files are of.

    Raises:
        ckan.lib.navl.dictization_functions.DataError: names of inputs that CKAN cannot parse.
    """
    sent = parse_params(inputs)
    values = clean_dict(df.unflatten(tuplize_dict({**sent, **files})))
    values.pop(tk.config["WTF_CSRF_FIELD_NAME"], None)
    own: dict[str, Any] = {name: values.pop(name, "") for name in OWN_INPUTS}
    for name in CHOICES:
        keys = [key for key in values if key.startswith(f"{name}:")]
        own[name] = {key.partition(":")[2]: values.pop(key) for key in keys}
    for key, value in values.items():
        if is_json_list(value):
            values[key] = [item for item in value if item != ""]
    repeating = {f["field_name"] for f in _list_fields(package_type) if "repeating_subfields" in f}
    numbers = gather_rows(values, repeating)
    numbers["resources"] = find_resource_numbers([*sent, *files])
    step = _read_text(own["save"]) or "publish"
    private = step == "private"
    if is_new:
        # A new form has buttons for it, an edit form a field.
        private = values.pop("private", "") == "true" or private
    return PackageForm(
        package_type, step, _read_text(own["form_token"]), private, values, own, numbers
    )


def _list_fields(package_type: str) -> list[dict[str, Any]]:
    schema: dict[str, Any] = tk.h.scheming_get_dataset_schema(package_type) or {}
    return schema.get("dataset_fields", [])


def _is_list(schema_field: dict[str, Any]) -> bool:
    """Return whether a field is a list of texts, with one input for each."""
    output = schema_field.get("output_validators", "")
    return "load_json" in output or "multiple_choice" in output


def _read_text(value: Any) -> str:
    """Return the last value of an input: a pressed button comes last."""
    given = value[-1] if is_json_list(value) and value else value
    return given if isinstance(given, str) else ""


def validate_new(context: Context, data: dict[str, Any]) -> Errors:
    """Return the errors that ``package_create`` would raise, without creating anything.

    Raises:
        ckan.plugins.toolkit.NotAuthorized: this person may not create the record.
        ckan.plugins.toolkit.ValidationError: a value has the wrong JSON type for its field.
    """
    plugin = lib_plugins.lookup_package_plugin(data["type"])
    tk.check_access("package_create", context, dict(data))
    _, errors = lib_plugins.plugin_validate(
        plugin,
        context,
        inputs.check_package(context, data),
        plugin.create_package_schema(),
        "package_create",
    )
    model.Session.rollback()
    return errors


def add_file_errors(form: PackageForm, errors: Errors, refused: list[list[str]]) -> None:
    """Add errors of the files: too large, empty, or missing."""
    if any(refused):
        given: list[dict[str, Any]] = errors.get("resources") or [{} for _ in refused]
        errors["resources"] = [
            {**row, "upload": texts} if texts else row
            for row, texts in zip(given, refused, strict=False)
        ]
    if form.package_type == DATASET and not form.private:
        add_publishing_errors(errors, form.values, form.has_resources)


def add_publishing_errors(errors: Errors, values: Mapping[str, Any], has_files: bool) -> None:
    """Add the errors of a dataset that is to become public without a file or a licence."""
    if tk.config["ckan.dataset.create_on_ui_requires_resources"] and not has_files:
        errors["resources"] = [tk._("Choose a file or give a web address.")]
    if not values.get("license_id"):
        text = tk._("Choose a licence: without one nobody knows whether the data may be used.")
        errors.setdefault("license_id", []).append(text)


def find_publishing_errors(
    stored: Mapping[str, Any], values: Mapping[str, Any], reasons: Mapping[str, str], user_id: str
) -> Errors:
    """Return why an edit may not make a dataset public; ``{}`` if it does not or may.

    Reasons for personal data are stored in the transaction of the save.

    Args:
        stored: the record in the form of ``edits.show_package``.
        values: the values of the form.
        reasons: id of a file → why its personal data may be public.
        user_id: of the person who says so.
    """
    errors: Errors = {}
    becomes_public = is_shown_public({**stored, **values, "private": _read_private(stored, values)})
    if stored.get("type") != DATASET or is_shown_public(stored) or not becomes_public:
        return errors
    files: list[dict[str, Any]] = stored.get("resources") or []
    add_publishing_errors(errors, values, any(map(_has_content, files)))
    for file in personal_data.list_unsettled(stored):
        reason = reasons.get(file.resource_id, "").strip()[: personal_data.LONGEST_REASON]
        if reason:
            places = personal_data.list_places(file.personal)
            said = personal_data.Confirmation(file.name, reason, places)
            personal_data.record_for_path(file.path, str(stored["id"]), user_id, said)
        else:
            text = personal_data.explain_unsettled(file.name, file.personal)
            errors.setdefault("resources", []).append(text)
    return errors


def _read_private(stored: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    return str(values.get("private", stored.get("private"))).lower() == "true"


def _has_content(stored: Mapping[str, Any]) -> bool:
    is_upload = stored.get("url_type") == "upload"
    return bool(stored.get("url")) and not (is_upload and stored.get("size") == 0)


def find_file_errors(
    package: model.Package | None,
    file: FileStorage | None,
    address: str,
    reason: str,
    user_id: str,
) -> Errors:
    """Return what is wrong with the file or address of CKAN's form of one file.

    Args:
        package: whose file it is.
        file: as sent.
        address: the web address.
        reason: why personal data in the file may be public; stored in the transaction of the save.
        user_id: of the person who says so.
    """
    if file is None or not file.filename:
        missing = tk._("Choose a file or give a web address.")
        return {} if address.strip() else {"url": [missing]}
    file.stream.seek(0, 2)
    size = file.stream.tell()
    file.stream.seek(0)
    wrong = resource.check_size(file.filename, size)
    if wrong or package is None or package.type != DATASET:
        return {"url": wrong} if wrong else {}
    personal = personal_data.find_in_upload(file)
    if personal and reason:
        places = personal_data.list_places(personal)
        said = personal_data.Confirmation(file.filename, reason, places)
        with personal_data.open_path(file) as path:
            personal_data.record_for_path(path, package.id, user_id, said)
    elif personal and is_public(package):
        return {"url": [personal_data.explain_unsettled(file.filename, personal)]}
    return {}


def add_idea(form: PackageForm) -> Errors:
    """Create the idea typed in the form and select it; return its errors."""
    context: Context = {"user": current_user.name, "auth_user_obj": current_user}
    typed = {key: form.values.get(f"new_idea_{key}", "") for key in NEW_IDEA}
    called = create_idea(context, typed)
    if called.errors is not None:
        return {"new_idea": called.errors}
    for key in NEW_IDEA:
        form.values.pop(f"new_idea_{key}", None)
    chosen: str | list[str] = form.values.get("idea") or []
    form.values["idea"] = [*([chosen] if isinstance(chosen, str) else chosen), called.result["id"]]
    return {}


def create_idea(context: Context, typed: dict[str, Any]) -> FormCall:
    """Create an idea as proposed, from the form of a dataset."""
    forbidden = {"workshop": [tk._("You may not add ideas to this workshop.")]}
    return call_for_form("marathon_idea_quick_create", context, typed, forbidden)


def _name_resource(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a resource, titled by its file name if it has no title."""
    file = getattr(resource.get("upload"), "filename", None)
    last = file or urlsplit(str(resource.get("url") or "")).path.rpartition("/")[2]
    return {**resource, "name": resource.get("name") or last}


def _without_file(resource: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in resource.items() if key != "upload"}
    name = getattr(resource.get("upload"), "filename", None)
    return {**kept, "lost": name} if name else kept


def _find_free_name(title: str) -> str:
    base = munge_title_to_name(title)[:LONGEST_NAME]
    if len(base) < 2:
        base = f"{base}-datos".strip("-")
    name, number = base, 1
    while model.Package.get(name) is not None:
        number += 1
        name = f"{base}-{number}"
    return name


Field = Mapping[str, Any]
# Snippets that show choices in an order of their own.
_CHOICES = frozenset(
    f"marathon_{name}.html"
    for name in ("choices", "data_need", "idea", "municipality", "service_problem")
)

_LICENCE, _NO_LICENCE = "marathon_licence.html", "notspecified"


def restore_untouched(
    values: dict[str, Any], stored: Mapping[str, Any], fields: Iterable[Field]
) -> None:
    """Replace unedited values by the stored ones, in place.

    Args:
        values: field → sent value; changed.
        stored: the record in the form of ``edits.show_package``.
        fields: the fields of its schema.
    """
    for field in fields:
        name = field["field_name"]
        if name in values:
            values[name] = _restore(values[name], stored.get(name), field)


def _restore(sent: Any, stored: Any, field: Field) -> Any:
    if field.get("form_snippet") in _CHOICES:
        return order_as_stored(sent, stored, field)
    if "repeating_subfields" in field:
        rows = list(filter(is_json_object, stored or []))
        return _restore_rows(sent, rows, field) if is_json_list(sent) else sent
    if field.get("form_snippet") == _LICENCE and not stored:
        # A missing licence is shown as the licence ``notspecified``.
        return "" if sent == _NO_LICENCE else sent
    if is_json_list(sent):
        texts = stored if is_json_list(stored) else [stored]
        return [next((text for text in texts if is_shown_as(text, one)), one) for one in sent]
    return stored if is_shown_as(stored, sent) else sent


def _restore_rows(sent: list[Any], stored: list[dict[str, Any]], field: Field) -> list[Any]:
    """Return the rows of a form, completed with stored subfields that the form does not show.

    A row is matched by its values, else by ``id`` or ``uri``, else by its position.
    """
    names = [subfield["field_name"] for subfield in field["repeating_subfields"]]
    rows = [_restore_row(row, stored, field) for row in sent]
    left = dict(enumerate(stored))
    found: dict[int, dict[str, Any]] = {}
    for is_same in (_says_same, _has_same_id, _has_same_place):
        for place, row in enumerate(rows):
            if place in found or not is_json_object(row):
                continue
            here = (n for n, other in left.items() if is_same((place, row), (n, other), names))
            number = next(here, None)
            if number is not None:
                found[place] = left.pop(number)
    unknown = {
        place: {name: value for name, value in row.items() if name not in names}
        for place, row in found.items()
    }
    return [{**unknown[n], **row} if n in unknown else row for n, row in enumerate(rows)]


Placed = tuple[int, Mapping[str, Any]]


def _says_same(one: Placed, other: Placed, names: Collection[str]) -> bool:
    return _list_filled(one[1], names) == _list_filled(other[1], names)


def _has_same_id(one: Placed, other: Placed, names: Collection[str]) -> bool:
    ids = [name for name in ("id", "uri") if name in names]
    return any(one[1].get(name) and one[1].get(name) == other[1].get(name) for name in ids)


def _has_same_place(one: Placed, other: Placed, names: Collection[str]) -> bool:
    # A row with all inputs emptied counts as removed.
    return one[0] == other[0] and bool(_list_filled(one[1], names))


def _list_filled(row: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: row[name] for name in names if row.get(name) not in (None, "", [])}


def _restore_row(row: Any, rows: list[dict[str, Any]], field: Field) -> Any:
    """Return a row of a form with unedited texts replaced by those of any stored row."""
    if not is_json_object(row):
        return row
    found = dict(row)
    for subfield in field["repeating_subfields"]:
        name = subfield["field_name"]
        if name in found:
            restored = (_restore(found[name], row.get(name), subfield) for row in rows)
            found[name] = next((value for value in restored if value != found[name]), found[name])
    return found


def order_as_stored(sent: object, stored: Listed, field: Field) -> object:
    """Return the choices of a list in their stored order, followed by the new ones."""
    before = marathon_chosen(field, stored)
    if not is_json_list(sent):
        return sent
    kept = [item for item in before if item in sent]
    return [*kept, *(item for item in sent if item not in kept)]


def is_shown_as(stored: object, sent: object) -> bool:
    """Return whether a browser sends this text for the stored one if it was not edited."""
    if not isinstance(stored, str) or not isinstance(sent, str) or not stored:
        return False
    # Source: HTML. The value of an ``input`` has no line breaks, that of a ``textarea`` has CR LF
    # without a first line break.
    shown = {stored, marathon_typed_date(stored)}
    return (
        any(_write_plain(item) == _write_plain(sent) for item in shown)
        or _join_text(stored) == sent
    )


def _write_plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\n")


def _join_text(text: str) -> str:
    return text.replace("\r", "").replace("\n", "")
