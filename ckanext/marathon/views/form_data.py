"""What a form sent, made ready for CKAN and for showing again: one reading for new and edit."""

from __future__ import annotations

from dataclasses import dataclass, field
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

from ckanext.marathon.logic import inputs

from . import form_rows

Errors = dict[str, Any]
LONGEST_NAME = 90
NEW_IDEA = ("workshop", "title", "service_problem")
# What the form itself sends along; no field of the record.
OWN_INPUTS = ("save", "form_token", "form_version", "form_user")
# Of each field that two people changed: ``form_keep:title``.
CHOICES = ("form_keep", "form_added")


@dataclass
class Form:
    """A form as it was sent.

    Attributes:
        step: value of the button pressed: publish, private, refresh, add-file, add-idea; check
            from the page's script, before it sends the files.
        private: not to be published yet.
        token: see :mod:`.once`.
        values: the fields, as CKAN's own views read them, files included; repeating fields are
            lists of rows.
        own: what the form sends along that is no field of the record, by the names of
            :data:`OWN_INPUTS`, and by those of :data:`CHOICES` a dict by field.
        numbers: of each repeating field, and of ``resources``, the numbers that its rows have on
            the page; a row that was removed there leaves a gap.
    """

    package_type: str
    step: str
    token: str
    private: bool
    values: dict[str, Any]
    own: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, list[int]] = field(default_factory=dict)

    def for_create(self) -> dict[str, Any]:
        """Return the data for ``package_create``, with a name if none was typed."""
        data = self.fields
        data["resources"] = [_named(each) for each in self.resources]
        data["type"] = self.package_type
        data["private"] = self.private
        if not data.get("name"):
            data["name"] = _free_name(_text(data.get("title")) or self.package_type)
        return data

    def for_update(self) -> dict[str, Any]:
        """Return the data for ``package_update``: every field, the emptied ones too."""
        return {**self._emptied(), **self.fields}

    def for_edit_page(self, stored: dict[str, Any]) -> dict[str, Any]:
        """Return the data for showing an edit form again: exactly what was typed, over the rest.

        Args:
            stored: the record, for what the form does not show.
        """
        data = {**stored, **self._emptied(), **self.values}
        for name in ("municipality", "service_problem"):
            if any(value for value in data.get(name) or []):
                data[f"{name}_origin"] = "own"
            elif data.get(f"{name}_origin") in ("idea", "workshop"):
                data[name] = stored.get(name)
        return data

    def for_page(self) -> dict[str, Any]:
        """Return the data for showing the form again: all but the files, which browsers forget."""
        data = {**self.values, "form_token": self.token, "state": "none"}
        data["resources"] = [_without_file(each) for each in self.resources]
        data["files_lost"] = [each["lost"] for each in data["resources"] if each.get("lost")]
        if self.step == "add-file" or not data["resources"]:
            data["resources"].append({})
        return data

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the record, without those of the idea that may be added beside it."""
        return {key: v for key, v in self.values.items() if not key.startswith("new_idea_")}

    def _emptied(self) -> dict[str, Any]:
        """Return the fields that the page shows and the browser sent nothing of, as empty.

        A list whose last member was removed is not sent at all.
        """
        shown = [f for f in _fields(self.package_type) if f.get("form_snippet", "") is not None]
        lists = [f for f in shown if "repeating_subfields" in f or _is_list(f)]
        return {f["field_name"]: [] for f in lists if f["field_name"] not in self.values}

    @property
    def has_resources(self) -> bool:
        """Whether at least one file or link came with it."""
        return bool(self.resources)

    @property
    def resources(self) -> list[dict[str, Any]]:
        """The files and links; what was sent under their name in another shape is none."""
        given = self.values.get("resources")
        return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def read_form(package_type: str, *, is_new: bool = True) -> Form:
    """Read the form of the current request.

    Raises:
        ckan.lib.navl.dictization_functions.DataError: names of fields that CKAN cannot read.
    """
    sent = parse_params(request.form)
    files = {key: each for key, each in request.files.items() if each.filename}
    values = clean_dict(df.unflatten(tuplize_dict({**sent, **files})))
    values.pop(tk.config["WTF_CSRF_FIELD_NAME"], None)
    own: dict[str, Any] = {name: values.pop(name, "") for name in OWN_INPUTS}
    for name in CHOICES:
        keys = [key for key in values if key.startswith(f"{name}:")]
        own[name] = {key.partition(":")[2]: values.pop(key) for key in keys}
    for key, value in values.items():
        if isinstance(value, list):
            values[key] = [each for each in value if each != ""]
    repeating = {f["field_name"] for f in _fields(package_type) if "repeating_subfields" in f}
    numbers = form_rows.gather_rows(values, repeating)
    numbers["resources"] = form_rows.find_resource_numbers([*sent, *files])
    step = _text(own["save"]) or "publish"
    private = step == "private"
    if is_new:
        # Its buttons say it; an edit form has a field for it.
        private = values.pop("private", "") == "true" or private
    return Form(package_type, step, _text(own["form_token"]), private, values, own, numbers)


def _fields(package_type: str) -> list[dict[str, Any]]:
    schema = tk.h.scheming_get_dataset_schema(package_type) or {}
    return schema.get("dataset_fields", [])


def _is_list(schema_field: dict[str, Any]) -> bool:
    """Return whether a field holds several texts, an input each."""
    output = schema_field.get("output_validators", "")
    return "load_json" in output or "multiple_choice" in output


def _text(value: Any) -> str:
    """Return what was sent under a name; of several the last, as the button that was pressed is."""
    given = value[-1] if isinstance(value, list) and value else value
    return given if isinstance(given, str) else ""


def validate_new(context: Context, data: dict[str, Any]) -> Errors:
    """Return the errors that ``package_create`` would raise, without creating anything.

    Raises:
        ckan.plugins.toolkit.NotAuthorized: this person may not create it there.
        ckan.plugins.toolkit.ValidationError: a value has not the shape that its field takes.
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


def add_file_errors(form: Form, errors: Errors, refused: list[list[str]]) -> None:
    """Add what is wrong with the files: too large, empty, or none at all."""
    if any(refused):
        given = errors.get("resources") or [{} for _ in refused]
        errors["resources"] = [
            {**each, "upload": texts} if texts else each
            for each, texts in zip(given, refused, strict=False)
        ]
    required = tk.config["ckan.dataset.create_on_ui_requires_resources"]
    is_dataset = form.package_type == "dataset"
    if is_dataset and required and not form.private and not form.has_resources:
        errors["resources"] = [tk._("Choose a file or give a web address.")]


def add_idea(form: Form) -> Errors:
    """Create the idea typed in the form and tick it; return its errors."""
    context: Context = {"user": current_user.name, "auth_user_obj": current_user}
    typed = {key: form.values.get(f"new_idea_{key}", "") for key in NEW_IDEA}
    try:
        idea = tk.get_action("marathon_idea_quick_create")(context, typed)
    except tk.ValidationError as error:
        return {"new_idea": error.error_dict}
    except tk.NotAuthorized:
        return {"new_idea": {"workshop": [tk._("You may not add ideas to this workshop.")]}}
    for key in NEW_IDEA:
        form.values.pop(f"new_idea_{key}", None)
    chosen = form.values.get("idea") or []
    form.values["idea"] = [*([chosen] if isinstance(chosen, str) else chosen), idea["id"]]
    return {}


def _named(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a resource; one without title is called as its file."""
    file = getattr(resource.get("upload"), "filename", None)
    last = file or urlsplit(str(resource.get("url") or "")).path.rpartition("/")[2]
    return {**resource, "name": resource.get("name") or last}


def _without_file(resource: dict[str, Any]) -> dict[str, Any]:
    kept = {key: each for key, each in resource.items() if key != "upload"}
    name = getattr(resource.get("upload"), "filename", None)
    return {**kept, "lost": name} if name else kept


def _free_name(title: str) -> str:
    base = munge_title_to_name(title)[:LONGEST_NAME]
    if len(base) < 2:
        base = f"{base}-datos".strip("-")
    name, number = base, 1
    while model.Package.get(name) is not None:
        number += 1
        name = f"{base}-{number}"
    return name
