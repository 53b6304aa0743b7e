"""Drafts: the page's script keeps what is typed into the form of a new record, and offers it again.

The values are sent as the form would send them, without files, and are shown again through the same
parsing as a sent form. The token of the form is the id of its draft.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import ckan.lib.navl.dictization_functions as df
import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Context, Response
from flask import Blueprint, jsonify, make_response, request
from werkzeug.datastructures import MultiDict

from ckanext.marathon.domain.dates import GUATEMALA
from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.logic import draft as draft_logic
from ckanext.marathon.logic.draft import DraftOutdated, DraftRefused
from ckanext.marathon.model import draft as draft_model
from ckanext.marathon.model.draft import Draft
from ckanext.marathon.views import form_data, form_files
from ckanext.marathon.views.errors import is_allowed
from ckanext.marathon.views.form_data import CHOICES, OWN_INPUTS, PackageForm
from ckanext.marathon.views.form_token import is_token_used

drafts = Blueprint("marathon_draft", __name__)

VERSION = "draft_version"
_TOO_LONG, _OUTDATED, _GONE, _WRONG = 413, 409, 410, 400


def save_draft(kind: str, id: str) -> Response:
    """Store the values of a form; answer with the new version and the time of day."""
    if not current_user.is_authenticated:
        return _explain(403, tk._("Log in first"))
    if kind not in TYPES or not _is_token(id):
        return _explain(404, tk._("Not found"))
    if not is_allowed("package_create", Context(user=current_user.name), {"type": kind}):
        return _explain(403, tk._("Not allowed"))
    if is_token_used(id):
        return _explain(_GONE, tk._("This form was already saved."))
    try:
        form_data.parse_form(kind, request.form, {})
    except df.DataError:
        return _explain(_WRONG, tk._("Integrity Error"))
    try:
        version = draft_logic.save_draft(
            id, current_user.id, kind, list_inputs(request.form), read_version(request.form)
        )
    except DraftOutdated as refusal:
        return _explain(_OUTDATED, str(refusal))
    except DraftRefused as refusal:
        return _explain(_TOO_LONG, str(refusal))
    draft = draft_model.find_draft(id, current_user.id)
    saved = draft.saved.astimezone(GUATEMALA).strftime("%H:%M") if draft else ""
    return jsonify(version=version, saved=saved)


def discard_draft(kind: str, id: str) -> Response:
    """Delete a draft and what was sent for it, and go to an empty form."""
    if not current_user.is_authenticated:
        return tk.abort(403, tk._("Log in first"))
    if kind not in TYPES or not _is_token(id):
        return tk.abort(404, tk._("Not found"))
    draft_logic.discard_draft(id, current_user.id)
    tk.h.flash_success(tk._("The draft was discarded."))
    return tk.redirect_to(f"{kind}.new")


def list_inputs(form: MultiDict[str, str]) -> list[tuple[str, str]]:
    """Return what a person has typed into a form, without the inputs of the mechanism."""
    left_out = (*OWN_INPUTS, *CHOICES, tk.config["WTF_CSRF_FIELD_NAME"])
    return draft_logic.drop_inputs(form.items(multi=True), left_out)


def read_version(values: Mapping[str, Any]) -> int:
    """Return the version of the draft that a form knows, 0 if it has none."""
    text = str(values.get(VERSION) or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def open_draft(kind: str, id: str) -> dict[str, Any] | None:
    """Return the data of a form filled with a draft; ``None`` if there is no such draft."""
    draft = draft_model.find_draft(id, current_user.id) if _is_token(id) else None
    if draft is None or draft.kind != kind:
        return None
    form = make_form(draft)
    data = form.for_page()
    data[VERSION] = str(draft.version)
    form_files.describe_files(data["resources"])
    form_files.fill_empty(data)
    return data


def make_form(draft: Draft) -> PackageForm:
    """Return the form that a draft was made of."""
    pairs = [(name, value) for name, value in draft.inputs]
    form = form_data.parse_form(draft.kind, MultiDict(pairs), {})
    form.token = draft.id
    return form


def keep_as_draft(form: PackageForm) -> None:
    """Keep a form that is shown again as a draft, for a browser without the script."""
    if not current_user.is_authenticated or not _is_token(form.token):
        return
    pairs = list_inputs(request.form)
    for number, resource in zip(form.numbers["resources"], form.resources, strict=False):
        if resource.get(form_files.BEGUN):
            name = f"resources__{number}__{form_files.BEGUN}"
            pairs = [(one, value) for one, value in pairs if one != name]
            pairs.append((name, resource[form_files.BEGUN]))
    try:
        version = draft_logic.save_draft(
            form.token, current_user.id, form.package_type, pairs, read_version(form.own)
        )
    except DraftRefused:
        return
    form.own[VERSION] = str(version)


def _is_token(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _explain(status: int, text: str) -> Response:
    return make_response(jsonify(message=text), status)


drafts.add_url_rule("/marathon/draft/<kind>/<id>", view_func=save_draft, methods=["POST"])
drafts.add_url_rule(
    "/marathon/draft/<kind>/<id>/discard", view_func=discard_draft, methods=["POST"]
)
