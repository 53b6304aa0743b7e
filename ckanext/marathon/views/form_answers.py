"""Answers to the POST of a form: a page for browsers, JSON for the page's script.

If two people edit one record, the second save shows both versions to choose from. A hidden input
has a fingerprint of the record at the time when the form was opened. With it, sent and stored
values can be compared field by field, without storing earlier versions.

A form that could not be processed (expired session, unreachable server) is returned filled in with
the values that the browser sent; they are neither validated nor stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.lib.search import SearchIndexError
from ckan.types import Response
from flask import Blueprint, current_app, g, get_flashed_messages, jsonify, make_response, request
from flask_wtf.csrf import (
    generate_csrf,  # pyright: ignore[reportUnknownVariableType]  # its parameters have no types
)
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser

from ckanext.marathon.domain.texts import (
    is_json_list,
    is_json_object,
    is_list_or_tuple,
    load_json,
)
from ckanext.marathon.helpers.form import list_errors_by_input
from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.helpers.site import marathon_fresh_assets
from ckanext.marathon.logic.edits import LastSave
from ckanext.marathon.logic.resource import get_refusal
from ckanext.marathon.model import audit
from ckanext.marathon.search.connection import AWAY
from ckanext.marathon.views.errors import STALE_FORM
from ckanext.marathon.views.form_data import (
    CHOICES,
    OWN_INPUTS,
    PackageForm,
    describe_input,
    renumber_errors,
)

Member = TypeVar("Member")
# Field → digest of its value, or digests of the members of a list. Empty fields are left out.
Fingerprint = dict[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that somebody else changed since the form was opened.

    Attributes:
        field: name of the field.
        mine: sent value.
        theirs: stored value.
        is_contested: whether the form changes it too; otherwise ``theirs`` is used.
        added: members that others added to a list and that the form lacks.
    """

    field: str
    mine: Any
    theirs: Any
    is_contested: bool
    added: tuple[Any, ...] = ()


def make_fingerprint(values: Mapping[str, Any]) -> Fingerprint:
    """Return the fingerprint of a record's fields."""
    found = {name: _fingerprint_of(value) for name, value in values.items()}
    return {name: digest for name, digest in found.items() if digest}


def read_fingerprint(text: str) -> Fingerprint | None:
    """Return the fingerprint sent with a form; ``None`` if it is missing or malformed."""
    try:
        found = load_json(text)
    except ValueError:
        return None
    if not is_json_object(found):
        return None
    return {
        name: [str(member) for member in value] if is_json_list(value) else str(value)
        for name, value in found.items()
    }


def write_fingerprint(fingerprint: Fingerprint) -> str:
    """Return a fingerprint as text for a hidden input."""
    return json.dumps(fingerprint, separators=(",", ":"), sort_keys=True)


def compare_versions(
    base: Fingerprint, mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> list[Difference]:
    """Return the fields that others changed since the form was opened, in the order of the fields.

    Args:
        base: fingerprint of the record at the time when the form was opened.
        mine: the fields that the form would store.
        theirs: the stored fields.

    Returns:
        a difference for each field that others changed, unless both values are equal now.
    """
    found: list[Difference] = []
    for name, stored in theirs.items():
        sent = mine.get(name)
        before, here, there = base.get(name, ""), _fingerprint_of(sent), _fingerprint_of(stored)
        if here == there or there == before:
            continue
        added = _find_added(stored, before, here) if is_json_list(stored) else ()
        found.append(Difference(name, sent, stored, here != before, added))
    return found


def merge_members(
    mine: Sequence[Member], added: Sequence[str], theirs: Sequence[Member]
) -> list[Member]:
    """Return ``mine`` followed by the stored members whose digests are in ``added``."""
    return [*mine, *(member for member in theirs if compute_digest(member) in set(added))]


def compute_digest(value: object) -> str:
    """Return a digest of a value, ``""`` for an empty one.

    It is the same for different line ends, and for a number or flag and its text.
    """
    plain = _simplify(value)
    if plain in ("", [], {}):
        return ""
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _fingerprint_of(value: Any) -> str | list[str]:
    if is_list_or_tuple(value):
        return [digest for member in value if (digest := compute_digest(member))] or ""
    return compute_digest(value)


def _find_added(stored: Sequence[Any], before: Any, here: Any) -> tuple[Any, ...]:
    known = {*(before or ()), *(here or ())}
    digests = ((member, compute_digest(member)) for member in stored)
    return tuple(member for member, digest in digests if digest and digest not in known)


def _simplify(value: Any) -> Any:
    if is_json_object(value):
        members = {str(key): _simplify(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member not in ("", [], {})}
    if is_list_or_tuple(value):
        members = [_simplify(member) for member in value]
        return [member for member in members if member not in ("", [], {})]
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).replace("\r\n", "\n").replace("\r", "\n").strip()


Errors = dict[str, Any]
Values = dict[str, Any]

# Exceptions of a save while Solr is unreachable: CKAN indexes before it commits.
SEARCH_AWAY = (SearchIndexError, *AWAY)
UNAVAILABLE = 503
WRONG = 422
CONFLICT = 409


def wants_json() -> bool:
    """Return whether the page's script sent the form."""
    return request.accept_mimetypes.best == "application/json"


def answer_saved(url: str) -> Response:
    """Redirect to the page of the saved record, or send its address to the page's script."""
    return jsonify(url=url) if wants_json() else tk.redirect_to(url)


def answer_errors(
    schema: Mapping[str, Any], errors: Errors, form: PackageForm | None = None, status: int = WRONG
) -> Response:
    """Return errors as JSON for the page's script.

    Args:
        schema: with ``dataset_fields`` (for organisations too), in the order of the page.
        errors: CKAN's ``error_dict``.
        form: the sent form, for the numbers of its rows.
        status: HTTP status.
    """
    numbers = form.numbers if form else {}
    values = {"schema": schema, "errors": errors, "numbers": numbers}
    names = list_errors_by_input(errors)
    names = renumber_errors(numbers, names)
    summary = tk.render("marathon/form/errors.html", values)
    # Input that confirms saving a form opened by another account.
    own = {"form_user": current_user.name}
    return make_response(jsonify(errors=names, summary=summary, set=own), status)


def answer_conflict() -> Response:
    """Return 409 for the page's script: somebody else has saved the record."""
    return make_response(jsonify(conflict=True), CONFLICT)


def describe_search_away() -> Errors:
    """Return the error of a save that failed because Solr does not answer."""
    text = tk._(
        "The search engine does not answer, so nothing was saved. "
        "All that you typed is still here: try again in a minute."
    )
    return {"": [text]}


def find_other_person(sent: Mapping[str, Any]) -> Errors:
    """Return an error if another account opened the form than the one that is logged in now.

    On a shared computer a second person may log in, in another tab, and press the button of the
    first person's form. A second press of the button saves it.
    """
    opened_by = sent.get("form_user")
    if not opened_by or not isinstance(opened_by, str) or opened_by == current_user.name:
        return {}
    text = tk._(
        "This form was opened by “{opened_by}” and you are logged in as “{you}”. To save it under "
        "your name press the button again. Otherwise log in as “{opened_by}” first."
    )
    return {"": [text.format(opened_by=opened_by, you=current_user.name)]}


# Choices for a contested field; any other value means the person's own version.
THEIRS, BOTH = "theirs", "both"


@dataclass(frozen=True)
class Conflict:
    """A conflict of a form with a save by somebody else, for the page.

    Attributes:
        last: the last save.
        contested: fields that both changed, for the person to choose.
        taken: fields that only others changed; the form already shows their values.
        version: fingerprint of the stored record, for the form's hidden input.
        added: contested field → digests of the members that others added, joined by commas.
    """

    last: LastSave
    contested: list[Difference]
    taken: list[Difference]
    version: str
    added: Mapping[str, str] = field(default_factory=dict[str, str])


def make_version(comparable: Mapping[str, Any]) -> str:
    """Return the fingerprint of a record as text for the hidden input ``form_version``."""
    return write_fingerprint(make_fingerprint(comparable))


def apply_choices(values: Values, own: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    """Apply the choices of an earlier conflict to the form's values, in place.

    Args:
        values: the sent values.
        own: from ``take_own_inputs``: ``form_keep`` has the choice for each contested field,
            ``form_added`` the digests of the members that others added.
        stored: the stored record, in the form in which it would be sent.
    """
    keep, added = own["form_keep"], own["form_added"]
    for name, choice in keep.items():
        if name not in stored:
            continue
        if choice == THEIRS:
            values[name] = stored[name]
        elif choice == BOTH:
            wanted = str(added.get(name) or "").split(",")
            values[name] = _merge(values.get(name), wanted, stored[name])


def find_conflict(
    sent_version: object,
    theirs: Mapping[str, Any],
    read_mine: Callable[[], Mapping[str, Any]],
    find_last_save: Callable[[], LastSave],
) -> Conflict | None:
    """Return the conflict of a form with a save since it was opened.

    Args:
        sent_version: the form's hidden input; without it there is no conflict.
        theirs: the stored fields, read under a lock.
        read_mine: returns the fields that the form would store; called if the record has changed.
        find_last_save: returns the last save; called if there is a conflict.

    Returns:
        ``None`` if the record has not changed, or only to the values of the form.
    """
    base = read_fingerprint(sent_version) if isinstance(sent_version, str) else None
    now: Fingerprint = make_fingerprint(theirs)
    if base is None or base == now:
        return None
    differences = compare_versions(base, read_mine(), theirs)
    if not differences:
        return None
    contested = [difference for difference in differences if difference.is_contested]
    return Conflict(
        last=find_last_save(),
        contested=contested,
        taken=[difference for difference in differences if not difference.is_contested],
        version=write_fingerprint(now),
        added={
            difference.field: ",".join(compute_digest(member) for member in difference.added)
            for difference in contested
            if difference.added
        },
    )


def _merge(mine: Any, wanted: list[str], stored: Any) -> Any:
    if isinstance(stored, str):
        # Tags, which are one text in the form.
        tags = [tag.strip() for tag in stored.split(",")]
        own = [tag.strip() for tag in str(mine or "").split(",") if tag.strip()]
        return ", ".join(merge_members(own, wanted, tags))
    own = [mine] if isinstance(mine, str) and mine else list(mine or [])
    return merge_members(own, wanted, stored or [])


# Bytes of texts that are read from a form with a file that is too large.
MOST_TEXT = 2 * 2**20
LARGEST_BODY = 2**31
# Blueprints of the forms of files and of organisations.
_OF_FILES = ("marathon_form_file", *(f"{package_type}_resource" for package_type in TYPES))
_OF_ORGANIZATIONS = ("marathon_form_organization", "organization")
# Fields chosen by name and sent as an id, which is not shown to people.
_CHOSEN_BY_ID = ("owner_org", "idea", "workshop", "data_need")


@dataclass
class SentForm:
    """The values that a browser sent with a form.

    Attributes:
        values: pairs of name and text, without the CSRF token and passwords.
        typed: label and text of inputs that a person filled in, for showing them.
        files: name of the input → name of the file, which must be chosen again.
        passwords: names of inputs that must be filled in again.
        is_empty: nothing was filled in, chosen or attached.
    """

    values: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    typed: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    files: dict[str, str] = field(default_factory=dict[str, str])
    passwords: list[str] = field(default_factory=list[str])
    is_empty: bool = True


def read_sent_form() -> SentForm:
    """Return the form of this request, even if it is larger than the site accepts."""
    form, files = _read_body()
    sent, kind = SentForm(), _find_kind_of_record()
    token = tk.config["WTF_CSRF_FIELD_NAME"]
    for name, value in form.items(multi=True):
        if name == token:
            continue
        if "password" in name.lower():
            sent.passwords.append(name)
            continue
        sent.values.append((name, value))
        is_own = name.partition(":")[0] in (*OWN_INPUTS, *CHOICES, "submit")
        if not value.strip() or is_own:
            continue
        sent.is_empty = False
        if name not in _CHOSEN_BY_ID:
            sent.typed.append(describe_input(kind, name, value))
    sent.files = dict(_named_files(files))
    sent.is_empty = sent.is_empty and not sent.files
    return sent


def _find_kind_of_record() -> str:
    """Return the kind of record that the form is about, from ``model/audit.py``, else ""."""
    values, blueprint = request.view_args or {}, request.blueprint or ""
    if "resource_id" in values or blueprint in _OF_FILES:
        return audit.RESOURCE
    if blueprint in _OF_ORGANIZATIONS:
        return audit.ORGANIZATION
    named = (values.get("package_type"), blueprint, (request.endpoint or "").rpartition(".")[2])
    return next((name for name in named if name in TYPES), "")


def _read_body() -> tuple[MultiDict[str, str], MultiDict[str, Any]]:
    try:
        return request.form, request.files
    except HTTPException:
        # Werkzeug refused the form because of its size.
        return _read_without_files()


def _read_without_files() -> tuple[MultiDict[str, str], MultiDict[str, Any]]:
    """Return the texts of a form that is too large, and the names of its files.

    Browsers read the answer only after they have sent everything, so all of it is read. The content
    of the files is discarded.
    """
    size = request.content_length
    if size is None or size > LARGEST_BODY:
        return MultiDict(), MultiDict()
    parser = FormDataParser(
        stream_factory=_DiscardedFile.make, max_form_memory_size=MOST_TEXT, silent=True
    )
    try:
        _, form, files = parser.parse(
            request.environ["wsgi.input"], request.mimetype, size, request.mimetype_params
        )
    except HTTPException:
        return MultiDict(), MultiDict()
    return form, files


class _DiscardedFile:
    """A file that discards what is written to it."""

    @classmethod
    def make(cls, *_facts: Any, **_more: Any) -> Any:
        return cls()

    def write(self, data: bytes) -> int:
        return len(data)

    def seek(self, *_where: int) -> int:
        return 0

    def close(self) -> None:
        """Do nothing."""


def _named_files(files: MultiDict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, file in files.items(multi=True):
        if file.filename:
            yield name, file.filename


held = Blueprint("marathon_held", __name__)

LOGIN, STALE, FORBIDDEN, GONE, TOO_LARGE, TOO_MANY, SERVER_AWAY = (
    "login",
    "stale",
    "forbidden",
    "gone",
    "too-large",
    "too-many",
    "away",
)
KINDS = {401: FORBIDDEN, 403: FORBIDDEN, 404: GONE, 410: GONE, 413: TOO_LARGE, 429: TOO_MANY}
# Forms that have little more than a password.
LEFT_ALONE = ("user.login", "user.register", "user.perform_reset", "user.request_reset")
_SHOWN = "_marathon_form_is_shown"
MOST_INPUTS = 20_000


@held.before_app_request
def take_long_forms() -> None:
    """Raise Werkzeug's limit of 1,000 inputs: a workshop with 200 invitations exceeds it."""
    if request.method == "POST":
        request.max_form_parts = MOST_INPUTS


def may_hold() -> bool:
    """Return whether the request is a form of this site that is returned if it is refused."""
    if request.method != "POST" or request.blueprint == "api":
        return False
    return request.endpoint not in LEFT_ALONE and _is_from_here()


def note_form_shown() -> None:
    """Note that the answer to this request already contains the filled-in form."""
    setattr(g, _SHOWN, True)


@held.after_app_request
def give_back_form(response: Response) -> Response:
    """Replace an answer that refuses a form by a page with the filled-in form."""
    kind = _find_kind(response.status_code)
    if not kind or g.get(_SHOWN) or not may_hold():
        return response
    sent = read_sent_form()
    if sent.is_empty:
        return response
    if request.accept_mimetypes.best == "application/json":
        answer = make_response(jsonify(held=kind, message=_explain(kind)), response.status_code)
    else:
        marathon_fresh_assets()
        # Discarded: CKAN flashes the reason, and this page has its own sentence.
        get_flashed_messages()
        shown = {
            "kind": kind,
            "explanation": _explain(kind),
            "sent": sent,
            "action": request.full_path.rstrip("?"),
            "token_name": tk.config["WTF_CSRF_FIELD_NAME"],
            "token": generate_csrf(),
            "is_bare": kind == SERVER_AWAY,
        }
        answer = make_response(_render(shown), response.status_code)
    if "Retry-After" in response.headers:
        answer.headers["Retry-After"] = response.headers["Retry-After"]
    # So that the next user of a shared computer does not see it with the button "back".
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _render(shown: dict[str, Any]) -> str:
    template = "marathon/held/held.html"
    if not shown["is_bare"]:
        return tk.render(template, shown)
    # Rendered without the site's layout and Flask's context (which loads the user): both query the
    # database, which may be unreachable.
    return current_app.jinja_env.get_template(template).render(shown)


def show_session() -> Response:
    """Return the user and a new CSRF token, for a page whose session has ended."""
    request.environ["__no_cache__"] = True
    answer = jsonify(user=current_user.name, token=generate_csrf())
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _find_kind(status: int) -> str:
    """Return why a form was refused, ``""`` if it was not."""
    if status >= 500:
        return SERVER_AWAY
    if g.get(STALE_FORM):
        return LOGIN if current_user.is_anonymous else STALE
    kind = KINDS.get(status, "")
    # For visitors a private record is the same as a missing one.
    return LOGIN if kind in (FORBIDDEN, GONE) and current_user.is_anonymous else kind


def _explain(kind: str) -> str:
    texts = {
        LOGIN: tk._("Your session has ended. Log in again in another tab, then send it again."),
        STALE: tk._(
            "This page was open for a long time, or you logged in again meanwhile. Send it again."
        ),
        FORBIDDEN: tk._("You are not allowed to do this, or not any more."),
        GONE: tk._("What you were changing is no longer there."),
        TOO_LARGE: tk._("It is too large. Choose a smaller file, or give its web address."),
        TOO_MANY: tk._("The site gets too many requests. Wait a minute, then send it again."),
        SERVER_AWAY: get_refusal()
        or tk._("The site cannot save at the moment. Wait a minute, then send it again."),
    }
    return texts[kind]


def _is_from_here() -> bool:
    """Return whether a page of this site sent the request, by the browser's headers."""
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site == "same-origin"
    origin = request.headers.get("Origin", "")
    source = origin if origin not in ("", "null") else request.headers.get("Referer", "")
    return bool(source) and urlsplit(source).netloc == request.host


held.add_url_rule("/marathon/form/session", view_func=show_session)
