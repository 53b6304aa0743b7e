"""Requests to CKAN's own pages on which its views break."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, request

from .error_page import error_page

odd_requests = Blueprint("marathon_odd_requests", __name__)


@odd_requests.before_app_request
def check_login_fields() -> Response | None:
    """Show the login page again where name or password were not sent at all."""
    if request.endpoint != "user.login" or request.method != "POST":
        return None
    if "login" in request.form and "password" in request.form:
        return None
    tk.h.flash_error(tk._("Login failed. Bad username or password."))
    return tk.redirect_to("user.login")


@odd_requests.app_errorhandler(FileNotFoundError)
def show_missing_file(fault: FileNotFoundError) -> Response:
    """Answer 404 for a resource that says it has a file and has none; anything else stays 500."""
    if not (request.endpoint or "").endswith("resource.download"):
        raise fault
    content = tk._("This file is not on the site.")
    return error_page(404, tk._("There is no such page"), content)
