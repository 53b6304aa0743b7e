"""Requests to CKAN's own pages on which its views break."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.lib.navl.dictization_functions import DataError
from ckan.types import Response
from flask import Blueprint, request

from .error_page import error_page

odd_requests = Blueprint("marathon_odd_requests", __name__)


# Fields that CKAN's views look up in a form without asking whether they are there.
_FIELDS = {
    "user.login": ("login", "password"),
    "group.member_new": ("role",),
    "organization.member_new": ("role",),
}


@odd_requests.before_app_request
def check_fields() -> Response | None:
    """Answer a form that lacks a field on which CKAN's view breaks."""
    if request.method != "POST":
        return None
    endpoint = request.endpoint or ""
    missing = [field for field in _FIELDS.get(endpoint, ()) if field not in request.form]
    if not missing:
        return None
    if endpoint == "user.login":
        tk.h.flash_error(tk._("Login failed. Bad username or password."))
        return tk.redirect_to("user.login")
    return _show_wrong(dict.fromkeys(missing, tk._("Missing value")))


@odd_requests.app_errorhandler(FileNotFoundError)
def show_missing_file(fault: FileNotFoundError) -> Response:
    """Answer 404 for a resource that says it has a file and has none; anything else stays 500."""
    if not (request.endpoint or "").endswith("resource.download"):
        raise fault
    content = tk._("This file is not on the site.")
    return error_page(404, tk._("There is no such page"), content)


@odd_requests.app_errorhandler(tk.ObjectNotFound)
def show_not_found(_fault: tk.ObjectNotFound) -> Response:
    """Answer 404 where a view of CKAN lets an action's “not found” pass, which ends in a 500."""
    content = tk._("There is nothing at this address.")
    return error_page(404, tk._("There is no such page"), content)


@odd_requests.app_errorhandler(tk.NotAuthorized)
def show_forbidden(_fault: tk.NotAuthorized) -> Response:
    """Answer 403 where a view of CKAN lets an action's refusal pass."""
    content = tk._("This is not for everybody. Log in with an account that may do it.")
    return error_page(403, tk._("Not allowed"), content)


@odd_requests.app_errorhandler(tk.ValidationError)
def show_wrong_values(fault: tk.ValidationError) -> Response:
    """Answer 400 with the fields where a view of CKAN lets an action's errors pass."""
    return _show_wrong(fault.error_summary or {})


@odd_requests.app_errorhandler(DataError)
def show_wrong_names(_fault: DataError) -> Response:
    """Answer 400 where the names of a form's fields are none that CKAN can take apart."""
    return _show_wrong({})


def _show_wrong(summary: Mapping[str, Any]) -> Response:
    lines = [f"{field}: {text}" for field, text in summary.items()]
    content = " ".join((tk._("What was sent cannot be taken."), *lines))
    return error_page(400, tk._("Not understood"), content)
