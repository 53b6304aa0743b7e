"""Forms of CKAN's own pages that are sent without fields on which its views break."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, request

odd_forms = Blueprint("marathon_odd_forms", __name__)


@odd_forms.before_app_request
def check_login_fields() -> Response | None:
    """Show the login page again where name or password were not sent at all."""
    if request.endpoint != "user.login" or request.method != "POST":
        return None
    if "login" in request.form and "password" in request.form:
        return None
    tk.h.flash_error(tk._("Login failed. Bad username or password."))
    return tk.redirect_to("user.login")
