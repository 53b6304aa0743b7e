"""Requests to CKAN's own pages on which its views break."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.lib.navl.dictization_functions import DataError
from ckan.types import Context, Response
from flask import Blueprint, request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import BuildError

from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.logic import unseen
from ckanext.marathon.logic.parameters import check_activity
from ckanext.marathon.visibility import Viewer

from .error_page import error_page
from .gone import refuse_gone_file

odd_requests = Blueprint("marathon_odd_requests", __name__)

_ACTIVITY_PAGE = "activity.package_changes"
_FEEDS_OF_GROUPS = frozenset({"feeds.group", "feeds.organization"})
_PAGES = ("activity.package_activity", "activity.package_history")
_BLUEPRINTS = ("resource", "marathon_form_file", "marathon_delete")
_BLUEPRINTS += tuple(f"{package_type}_resource" for package_type in TYPES)


_MILLISECONDS = re.compile(r"[0-9]{1,12}")

# Fields that CKAN's views look up in a form without asking whether they are there.
_FIELDS = {
    "user.edit": ("email",),
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
    wanted = _FIELDS.get(endpoint, ())
    if endpoint == "user.edit" and _changes_account():
        wanted += ("old_password",)
    missing = [field for field in wanted if field not in request.form]
    if not missing:
        return None
    if endpoint == "user.login":
        tk.h.flash_error(tk._("Login failed. Bad username or password."))
        return tk.redirect_to("user.login")
    return _show_wrong(dict.fromkeys(missing, tk._("Missing value")))


def _changes_account() -> bool:
    """Return whether CKAN asks for the password before it saves a person's own account."""
    form = request.form
    has_new_password = bool(form.get("password1") and form.get("password2"))
    return has_new_password or form.get("email") != getattr(current_user, "email", None)


@odd_requests.before_app_request
def check_remember_me() -> None:
    """Leave "remember me" out of a login where it is no number of milliseconds."""
    if request.endpoint != "user.login" or "remember" not in request.form:
        return
    if not _MILLISECONDS.fullmatch(request.form["remember"]):
        kept = [pair for pair in request.form.items(multi=True) if pair[0] != "remember"]
        # CKAN's view reads the request itself.
        cast(Any, request).form = ImmutableMultiDict(kept)


@odd_requests.before_app_request
def hide_unseen_records() -> Response | None:
    """Answer for a record that the visitor may not see as for one that does not exist.

    CKAN's pages and those of ckanext-activity say 403 for some of the one and 404 for the other.
    Every address that names a ``resource_id`` is meant, whichever plugin it belongs to.
    """
    values = request.view_args or {}
    if request.endpoint == _ACTIVITY_PAGE:
        try:
            check_activity(values.get("id"), current_user.name)
        except tk.ObjectNotFound:
            return tk.abort(404, tk._("Not found"))
        return None
    if "resource_id" in values:
        refuse_gone_file()
        package = unseen.find_package_of_file(values["resource_id"])
    elif "id" in values and _is_page_of_record():
        package = model.Package.get(values["id"]) if is_reference(values["id"]) else None
    else:
        return None
    viewer = Viewer(Context(user=current_user.name, auth_user_obj=current_user))
    if package is None or not viewer.may_see(package):
        return tk.abort(404, tk._("Not found"))
    return None


def _is_page_of_record() -> bool:
    """Return whether it is a page about a record that does not tell itself what is hidden."""
    if request.endpoint in _PAGES:
        return True
    is_of_record = request.blueprint in _BLUEPRINTS or request.blueprint in TYPES
    return is_of_record and not (request.endpoint or "").endswith(".read")


@odd_requests.before_app_request
def hide_deleted_groups() -> Response | None:
    """Answer 404 for CKAN's feed of a deleted organisation or group, as its page does."""
    if request.endpoint not in _FEEDS_OF_GROUPS:
        return None
    if Viewer(Context(user=current_user.name, auth_user_obj=current_user)).is_sysadmin:
        return None
    reference = (request.view_args or {}).get("id")
    group = model.Group.get(reference) if is_reference(reference) else None
    if group is None or group.state != model.State.ACTIVE:
        return tk.abort(404, tk._("Not found"))
    return None


@odd_requests.before_app_request
def guard_list_of_admins() -> Response | None:
    """Show who administrates an organisation or group to those who may see its people."""
    blueprint, _, page = (request.endpoint or "").partition(".")
    if page != "admins" or blueprint not in {"organization", "group"}:
        return None
    context = Context(user=current_user.name, auth_user_obj=current_user)
    asked = {"id": (request.view_args or {}).get("id"), "include_users": True}
    try:
        tk.check_access(f"{blueprint}_show", context, asked)
    except tk.NotAuthorized:
        return tk.abort(403, tk._("Not authorized to see this page"))
    return None


@odd_requests.before_app_request
def refuse_bulk_of_group() -> Response | None:
    """Answer 404 where CKAN has an address and a view that takes organisations alone."""
    if request.endpoint == "group.bulk_process":
        return tk.abort(404, tk._("Not found"))
    return None


@odd_requests.app_errorhandler(BuildError)
@odd_requests.app_errorhandler(FileNotFoundError)
def show_missing_file(fault: FileNotFoundError | BuildError) -> Response:
    """Answer 404 for the download of a resource that has neither file nor web address.

    CKAN takes an address like ``urn:x`` for the name of one of its pages. Anything else stays 500.
    """
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
    """Answer 400 with the fields where a view of CKAN lets an action's errors pass.

    Where many records were to be deleted at once, the page of them is shown again with the reason.
    """
    summary = fault.error_summary or {}
    if request.method == "POST" and (request.endpoint or "").endswith(".bulk_process"):
        tk.h.flash_error(" ".join(summary.values()))
        return tk.redirect_to(tk.h.url_for(request.full_path.rstrip("?")))
    return _show_wrong(summary)


@odd_requests.app_errorhandler(DataError)
def show_wrong_names(_fault: DataError) -> Response:
    """Answer 400 where the names of a form's fields are none that CKAN can take apart."""
    return _show_wrong({})


def _show_wrong(summary: Mapping[str, Any]) -> Response:
    lines = [f"{field}: {text}" for field, text in summary.items()]
    content = " ".join((tk._("What was sent cannot be taken."), *lines))
    return error_page(400, tk._("Not understood"), content)
