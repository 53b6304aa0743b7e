"""Workarounds for requests and texts on which CKAN's own API, pages and feeds fail.

Parameters of a wrong type are refused before any action runs; forms without a field that CKAN needs
are refused; former versions of files (ckanext-activity) need the same permission as of datasets;
hidden characters stored in the database are removed from pages and Atom feeds.

Each comment ``CKAN workaround``, also in other rooms, is explained in docs/ckan-workarounds.md,
with the issue of CKAN or the text to report.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.types import Context, PFeedFactory, Response
from ckan.views.feed import CKANFeed
from flask import Blueprint, request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.http import parse_date

from ckanext.marathon.domain.texts import is_json_list, is_reference, remove_hidden
from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.logic import parameters, permissions
from ckanext.marathon.logic.parameters import check_activity
from ckanext.marathon.views.errors import (
    API_ERRORS,
    ErrorSentences,
    answer_api_refusal,
    answer_wrong_fields,
    answer_wrong_parameters,
    explain_errors,
    hide_existence,
    refuse_api_call,
)
from ckanext.marathon.views.record import refuse_gone_file
from ckanext.marathon.visibility import Viewer

api_door = Blueprint("marathon_api_door", __name__)


# CKAN workaround: parameter-types
@api_door.before_app_request
def check_parameter_types() -> Response | None:
    """Answer 409 with the parameter's name and the expected type, or ``None`` for a valid call."""
    if request.endpoint != "api.action":
        return None
    name = (request.view_args or {}).get("logic_function", "")
    try:
        action = tk.get_action(name)
    except KeyError:
        return None
    reads = bool(getattr(action, "side_effect_free", False))
    try:
        data = read_request_data(reads)
    except ValueError:
        # CKAN itself reports malformed JSON.
        return None
    except RecursionError:
        return refuse_api_call(
            name, 400, "Bad request", {"message": tk._("The data is nested too deeply")}
        )
    if reads and parameters.has_unstorable_reference(data):
        return answer_api_refusal(name, tk.ObjectNotFound())
    errors = parameters.find_wrong_types(name, data, writes=not reads)
    for field, files in request.files.lists():
        if len(files) > 1:
            # CKAN would use the first value.
            errors[field] = [tk._("One file at a time: send each by itself")]
    if errors:
        return answer_wrong_parameters(name, errors)
    try:
        parameters.check_assumptions(name, data, current_user.name)
    except tuple(API_ERRORS) as fault:
        return answer_api_refusal(name, fault)
    return None


def read_request_data(reads: bool) -> dict[str, Any]:
    """Return the parameters of the request, parsed by CKAN's API."""
    # CKAN loads its views again for each application; the one of this application is listed.
    return sys.modules["ckan.views.api"]._get_request_data(try_url_params=reads)


activity = Blueprint("marathon_activity", __name__)

_FILE_VERSION = "activity.resource_history"


# CKAN workaround: file-version-access
@activity.before_app_request
def check_version_access() -> None:
    """Require for former versions of a file the permission that those of datasets need.

    People who may not see the dataset get 404, as for an unknown dataset.
    """
    if tk.request.endpoint != _FILE_VERSION:
        return
    version: dict[str, Any] = tk.request.view_args or {}
    context = Context(user=tk.current_user.name, auth_user_obj=tk.g.userobj)
    unseen: ErrorSentences = {tk.NotAuthorized: tk._("Unauthorized to view activity data")}
    missing = hide_existence(tk._("Not found"), tk.ObjectNotFound, tk.ValidationError)
    with missing, explain_errors(unseen):
        check_activity(version.get("activity_id"), tk.current_user.name)
        tk.check_access("activity_data_show", context, {"id": version.get("activity_id")})


odd_requests = Blueprint("marathon_odd_requests", __name__)

_ACTIVITY_PAGE = "activity.package_changes"
_FEEDS_OF_GROUPS = frozenset({"feeds.group", "feeds.organization"})
_PAGES = ("activity.package_activity", "activity.package_history")
_BLUEPRINTS = (
    *("resource", "marathon_form_file", "marathon_delete"),
    *(f"{package_type}_resource" for package_type in TYPES),
)


_MILLISECONDS = re.compile(r"[0-9]{1,12}")

# Fields that CKAN's views read from a form without checking that they exist.
_FIELDS = {
    "user.edit": ("email",),
    "user.login": ("login", "password"),
    "group.member_new": ("role",),
    "organization.member_new": ("role",),
}


# Conditions of a request that Werkzeug reads as a date.
_DATED = ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_RANGE")


# CKAN workaround: endless-dates
@odd_requests.before_app_request
def ignore_endless_dates() -> None:
    """Remove conditions of a request whose date has a year or an offset that no date can have.

    Werkzeug reads such a date when a file is served, and raises; RFC 9110 has it ignored.
    """
    for name in _DATED:
        try:
            parse_date(request.environ.get(name))
        except OverflowError:
            del request.environ[name]


# CKAN workaround: form-fields
@odd_requests.before_app_request
def check_fields() -> Response | None:
    """Answer a form without a field that CKAN's view needs."""
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
    return answer_wrong_fields(dict.fromkeys(missing, tk._("Missing value")))


def _changes_account() -> bool:
    """Return whether CKAN requires the password for this change of one's own account."""
    form = request.form
    has_new_password = bool(form.get("password1") and form.get("password2"))
    return has_new_password or form.get("email") != getattr(current_user, "email", None)


# CKAN workaround: remember-me
@odd_requests.before_app_request
def check_remember_me() -> None:
    """Remove ``remember`` from a login if it is no number of milliseconds."""
    if request.endpoint != "user.login" or "remember" not in request.form:
        return
    if not _MILLISECONDS.fullmatch(request.form["remember"]):
        kept = [pair for pair in request.form.items(multi=True) if pair[0] != "remember"]
        # CKAN's view reads the request itself.
        cast(Any, request).form = ImmutableMultiDict(kept)


# CKAN workaround: unseen-records
@odd_requests.before_app_request
def hide_unseen_records() -> Response | None:
    """Answer 404 for records that the visitor may not see, as for unknown ones.

    CKAN's pages and those of ckanext-activity answer 403 for some hidden records. This covers every
    address with a ``resource_id``, of any plugin.
    """
    values = request.view_args or {}
    if request.endpoint == _ACTIVITY_PAGE:
        with explain_errors({tk.ObjectNotFound: tk._("Not found")}):
            check_activity(values.get("id"), current_user.name)
        return None
    if "resource_id" in values:
        refuse_gone_file()
        package = permissions.find_package_of_file(values["resource_id"])
    elif "id" in values and _is_page_of_record():
        package = model.Package.get(values["id"]) if is_reference(values["id"]) else None
    else:
        return None
    viewer = Viewer(Context(user=current_user.name, auth_user_obj=current_user))
    if package is None or not viewer.may_see(package):
        return tk.abort(404, tk._("Not found"))
    return None


def _is_page_of_record() -> bool:
    """Return whether the page is about a record and does not hide its existence by itself."""
    if request.endpoint in _PAGES:
        return True
    is_of_record = request.blueprint in _BLUEPRINTS or request.blueprint in TYPES
    return is_of_record and not (request.endpoint or "").endswith(".read")


# CKAN workaround: deleted-group-feed
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


# CKAN workaround: list-of-admins
@odd_requests.before_app_request
def guard_list_of_admins() -> None:
    """Show the admins of an organisation or group only to people who may see its members."""
    blueprint, _, page = (request.endpoint or "").partition(".")
    if page != "admins" or blueprint not in {"organization", "group"}:
        return
    context = Context(user=current_user.name, auth_user_obj=current_user)
    asked = {"id": (request.view_args or {}).get("id"), "include_users": True}
    with explain_errors({tk.NotAuthorized: tk._("Not authorized to see this page")}):
        tk.check_access(f"{blueprint}_show", context, asked)


# CKAN workaround: group-bulk-process
@odd_requests.before_app_request
def refuse_bulk_of_group() -> Response | None:
    """Answer 404 for bulk processing of a group: CKAN's view supports organisations only."""
    if request.endpoint == "group.bulk_process":
        return tk.abort(404, tk._("Not found"))
    return None


# Hooks run in the order of the names of blueprints: those that answer every request, as during a
# restore, come first.
odd_texts = Blueprint("marathon_texts", __name__)

# Parts of the name of an input, of which forms have three: ``resources__0__url``.
MOST_PARTS = 10


# CKAN workaround: nul-in-url
@odd_texts.before_app_request
def reject_nul_in_url() -> Response | None:
    """Answer 400 to a NUL in an address, which PostgreSQL refuses with an error."""
    texts = [request.path, *(text for pair in request.args.items(multi=True) for text in pair)]
    if any("\x00" in text for text in texts):
        return tk.abort(400, tk._("The text contains characters that cannot be stored"))
    return None


# CKAN workaround: mixed-field
@odd_texts.before_app_request
def reject_mixed_field() -> Response | None:
    """Answer 400 to a field that is both a text and a group of fields, on which CKAN fails.

    CKAN parses ``contact__0__name`` as the name of the first contact and fails if ``contact__0`` is
    sent too. No form has names with more than :data:`MOST_PARTS` parts. The API does not parse
    names, and may get a whole JSON document as the name of a field.
    """
    if request.blueprint == "api":
        return None
    names = {*request.form, *request.files}
    if any(name.count("__") >= MOST_PARTS for name in names):
        return tk.abort(400, tk._("Integrity Error"))
    parts = [name.split("__") for name in names]
    groups = {"__".join(segments[:end]) for segments in parts for end in range(1, len(segments))}
    if groups & names or any(
        len(segments) % 2 == 0 and segments[-1].isdecimal() for segments in parts
    ):
        return tk.abort(400, tk._("Integrity Error"))
    return None


plain_pages = Blueprint("marathon_plain_pages", __name__)


@plain_pages.after_app_request
def leave_out_hidden(answer: Response) -> Response:
    """Remove hidden characters from a page."""
    if answer.mimetype != "text/html" or answer.is_streamed or answer.content_encoding:
        return answer
    text = answer.get_data(as_text=True)
    plain = remove_hidden(text)
    if plain != text:
        answer.set_data(plain)
    return answer


# CKAN workaround: feed-characters
def make_feed_class(others: list[PFeedFactory]) -> PFeedFactory:
    """Return a class of feeds that removes invalid characters from all texts.

    Args:
        others: the classes of other plugins, of which CKAN uses the last; without any, CKAN's own
            class is the base.
    """
    # These are classes, although CKAN's type says only that they can be called.
    return _make_clean_class(cast(type[CKANFeed], others[-1]) if others else CKANFeed)


@cache
def _make_clean_class(base: type[CKANFeed]) -> PFeedFactory:
    class CleaningFeed(base):
        """A feed without characters that are invalid in XML."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(
                *map(_clean_value, args), **{k: _clean_value(v) for k, v in kwargs.items()}
            )

        def add_item(self, **kwargs: Any) -> None:
            super().add_item(**{name: _clean_value(value) for name, value in kwargs.items()})

    return CleaningFeed


def _clean_value(value: Any) -> Any:
    if is_json_list(value):
        return [_clean_value(item) for item in value]
    # An enclosure is a str with attributes of its own.
    return remove_hidden(value) if type(value) is str else value
