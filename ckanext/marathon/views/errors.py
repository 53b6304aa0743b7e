"""One table from exceptions to HTTP answers, for all addresses of the site.

Views let exceptions through. ``ERROR_ANSWERS`` has the status, title and sentence of an exception,
and the function that makes the answer. A view that does otherwise uses one of these functions:

- ``explain_errors``: the status of the table, with a sentence of the page;
- ``hide_existence``: 404 for a missing record and for one that the person may not see;
- ``show_if_visible``, ``is_allowed``: the view goes on without a hidden record or action;
- ``call_for_form``: the form is shown again with the errors.

CKAN's API answers exceptions of actions; ``answer_api_refusal`` makes the same answer for requests
that are refused before an action runs.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.common import json
from ckan.lib import search
from ckan.lib.navl.dictization_functions import DataError
from ckan.lib.search.common import SearchError, SolrConnectionError
from ckan.types import Context, Response
from flask import Blueprint, current_app, g, make_response, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import InternalServerError
from werkzeug.routing import BuildError

from ckanext.marathon.domain.errors import N_
from ckanext.marathon.feeds.log_state import LogNotReady
from ckanext.marathon.logic.resource import NoRoom
from ckanext.marathon.model import disk
from ckanext.marathon.views.answers import answer_busy, answer_error_page

# Set on Flask's ``g`` if the CSRF token of a form was refused.
STALE_FORM = "_marathon_form_is_stale"
SEARCH_RETRY_SECONDS = 60
LOG_RETRY_SECONDS = 120
DATABASE_AWAY = N_(
    "The database is away for the moment. What was already saved is not lost. Try again in a "
    "minute."
)


@dataclass(frozen=True)
class ErrorAnswer:
    """The answer to an exception.

    Attributes:
        status: HTTP status.
        title: title of the page, English; "" if the answer is no page.
        sentence: text of the answer, English.
        make_answer: makes the answer from this entry and the exception.
        retry_after: seconds for the header ``Retry-After``; 0 for no header.
    """

    status: int
    title: str
    sentence: str
    make_answer: Callable[[ErrorAnswer, Any], Any]
    retry_after: int = 0


def _answer_page(entry: ErrorAnswer, _fault: Exception) -> Response:
    answer = answer_error_page(entry.status, tk._(entry.title), tk._(entry.sentence))
    if entry.retry_after:
        answer.headers["Retry-After"] = str(entry.retry_after)
    return answer


def _answer_text(entry: ErrorAnswer, _fault: Exception) -> Response:
    """Answer in plain text, like the feeds."""
    return answer_busy(tk._(entry.sentence), entry.retry_after)


def _answer_wrong_values(entry: ErrorAnswer, fault: tk.ValidationError) -> Response:
    """Answer with the faulty fields if a view of CKAN does not catch an action's errors.

    A bulk deletion shows its page again with the reason.
    """
    summary = fault.error_summary or {}
    if request.method == "POST" and (request.endpoint or "").endswith(".bulk_process"):
        tk.h.flash_error(" ".join(summary.values()))
        return tk.redirect_to(tk.h.url_for(request.full_path.rstrip("?")))
    return answer_wrong_fields(summary)


def answer_wrong_fields(summary: Mapping[str, Any]) -> Response:
    """Answer 400 with the errors of each field."""
    entry = ERROR_ANSWERS[tk.ValidationError]
    lines = [f"{field}: {text}" for field, text in summary.items()]
    content = " ".join((tk._(entry.sentence), *lines))
    return answer_error_page(entry.status, tk._(entry.title), content)


# CKAN workaround: missing-file
def _answer_missing_file(entry: ErrorAnswer, fault: Exception) -> Response:
    """Answer for the download of a resource that has neither file nor web address.

    CKAN passes an address like ``urn:x`` to ``url_for``. Other requests stay 500.
    """
    if not (request.endpoint or "").endswith("resource.download"):
        raise fault
    return _answer_page(entry, fault)


def _answer_search_fault(entry: ErrorAnswer, fault: Exception) -> Response:
    """Answer 400 if Solr is reachable and refused the query, else 503."""
    if not search.is_available():
        return _answer_page(ERROR_ANSWERS[SolrConnectionError], fault)
    return _answer_page(entry, fault)


def _answer_database_away(entry: ErrorAnswer, _fault: Exception) -> Response:
    """Answer without any query: CKAN's layout would need the database."""
    message = tk._(entry.sentence)
    if is_api_request():
        return answer_api_outage("Database Connection Error", message, {})
    # ``flask.render_template`` would load the user from the database.
    template = current_app.jinja_env.get_template("marathon/database_away.html")
    answer = make_response(template.render(message=message), entry.status)
    answer.headers["Retry-After"] = str(entry.retry_after)
    return answer


def _answer_no_room(entry: ErrorAnswer, refusal: NoRoom) -> Response:
    """Answer a save that was refused for a full disk, outside of forms."""
    return answer_error_page(entry.status, tk._(entry.title), refusal.text)


def _answer_file_fault(_entry: ErrorAnswer, fault: OSError) -> Any:
    """Answer a full disk; CKAN answers other ``OSError``."""
    if disk.is_disk_full(fault):
        return answer_error(NoRoom())
    handler: Any = current_app.error_handler_spec[None][None].get(Exception)
    if handler is None:
        raise fault
    return handler(fault)


def _answer_stale_form(entry: ErrorAnswer, fault: CSRFError) -> Response:
    """Answer a form whose CSRF token belongs to another session."""
    setattr(g, STALE_FORM, True)
    return answer_error_page(entry.status, tk._(entry.title), fault.description or "")


# CKAN's views do not catch the first six, so that they would end as 500.
# CKAN workaround: uncaught-errors
ERROR_ANSWERS: dict[type[Exception], ErrorAnswer] = {
    tk.ObjectNotFound: ErrorAnswer(
        404,
        N_("There is no such page"),
        N_("There is nothing at this address."),
        _answer_page,
    ),
    tk.NotAuthorized: ErrorAnswer(
        403,
        N_("Not allowed"),
        N_("This is not for everybody. Log in with an account that may do it."),
        _answer_page,
    ),
    tk.ValidationError: ErrorAnswer(
        400, N_("Not understood"), N_("What was sent cannot be taken."), _answer_wrong_values
    ),
    # The names of a form's inputs that CKAN cannot parse.
    DataError: ErrorAnswer(
        400, N_("Not understood"), N_("What was sent cannot be taken."), _answer_page
    ),
    BuildError: ErrorAnswer(
        404,
        N_("There is no such page"),
        N_("This file is not on the site."),
        _answer_missing_file,
    ),
    FileNotFoundError: ErrorAnswer(
        404,
        N_("There is no such page"),
        N_("This file is not on the site."),
        _answer_missing_file,
    ),
    SolrConnectionError: ErrorAnswer(
        503,
        N_("Search does not answer"),
        N_(
            "The search engine is away for the moment. Nothing is lost: the pages of single "
            "datasets, ideas and workshops still open. Try this one again in a minute."
        ),
        _answer_page,
        SEARCH_RETRY_SECONDS,
    ),
    SearchError: ErrorAnswer(
        400,
        N_("Not understood"),
        N_("The search cannot be understood. Check its quotation marks and parentheses."),
        _answer_search_fault,
    ),
    OperationalError: ErrorAnswer(
        503, "", DATABASE_AWAY, _answer_database_away, SEARCH_RETRY_SECONDS
    ),
    PoolTimeoutError: ErrorAnswer(
        503, "", DATABASE_AWAY, _answer_database_away, SEARCH_RETRY_SECONDS
    ),
    LogNotReady: ErrorAnswer(
        503,
        "",
        # ``look_after_overdue_work`` starts building it.
        N_("The catalogue is being put together. Try again later."),
        _answer_text,
        LOG_RETRY_SECONDS,
    ),
    NoRoom: ErrorAnswer(503, N_("Disk full"), "", _answer_no_room),
    OSError: ErrorAnswer(503, N_("Disk full"), "", _answer_file_fault),
    CSRFError: ErrorAnswer(400, N_("The form is too old"), "", _answer_stale_form),
}


def find_error_answer(fault: Exception) -> ErrorAnswer:
    """Return the entry of an exception's own class, or of the nearest class above.

    Raises:
        KeyError: the table has none.
    """
    found = next((kind for kind in type(fault).__mro__ if kind in ERROR_ANSWERS), type(fault))
    return ERROR_ANSWERS[found]


def answer_error(fault: Exception) -> Response | str:
    """Return the answer to an exception of the table."""
    entry = find_error_answer(fault)
    return entry.make_answer(entry, fault)


errors = Blueprint("marathon_errors", __name__)

for kind_of_error in ERROR_ANSWERS:
    errors.app_errorhandler(kind_of_error)(answer_error)


# CKAN workaround: search-page-500
def watch_pages(_sender: object, blueprint: Blueprint, **_more: object) -> None:
    """Handle the 500 with which CKAN's search page of a dataset type hides the exception."""
    blueprint.register_error_handler(500, _answer_aborted)


def _answer_aborted(fault: InternalServerError) -> Any:
    if isinstance(fault.__context__, SolrConnectionError):
        return answer_error(fault.__context__)
    ckans_own: Any = current_app.error_handler_spec[None][500][InternalServerError]
    return ckans_own(fault)


ErrorSentences = Mapping[type[Exception], str]


@contextmanager
def explain_errors(sentences: ErrorSentences) -> Generator[None]:
    """Abort at these exceptions, with the status of the table and a sentence of the page."""
    try:
        yield
    except tuple(sentences) as fault:
        kind = next(kind for kind in sentences if isinstance(fault, kind))
        tk.abort(ERROR_ANSWERS[kind].status, sentences[kind])


@contextmanager
def hide_existence(sentence: str, *exceptions: type[Exception]) -> Generator[None]:
    """Answer 404 both for missing records and for records that this person may not see.

    Args:
        sentence: text of the page.
        exceptions: the exceptions to answer, by default ObjectNotFound and NotAuthorized.
    """
    hidden = exceptions or (tk.ObjectNotFound, tk.NotAuthorized)
    try:
        yield
    except hidden:
        tk.abort(ERROR_ANSWERS[tk.ObjectNotFound].status, sentence)


def show_if_visible(action: str, context: Context, data: dict[str, Any]) -> dict[str, Any] | None:
    """Return the result of an action, ``None`` for a missing or hidden record."""
    try:
        return tk.get_action(action)(context, data)
    except (tk.ObjectNotFound, tk.NotAuthorized):
        return None


def is_allowed(action: str, context: Context, data: dict[str, Any]) -> bool:
    """Return whether a person may call an action; ``False`` also for a missing record."""
    try:
        return tk.check_access(action, context, data)
    except (tk.ObjectNotFound, tk.NotAuthorized):
        return False


@dataclass(frozen=True)
class FormCall:
    """The result of an action called by a form, or its errors and their HTTP status."""

    result: Any = None
    errors: dict[str, Any] | None = None
    status: int = 200


def call_for_form(
    action: str, context: Context, data: dict[str, Any], forbidden: dict[str, Any]
) -> FormCall:
    """Call an action for a form that is shown again if the action raises.

    Args:
        action: name of the action.
        context: of the action.
        data: the typed values.
        forbidden: the errors that the form shows if the action is not authorised.
    """
    try:
        return FormCall(tk.get_action(action)(context, data))
    except tk.ValidationError as error:
        return FormCall(errors=error.error_dict, status=422)
    except tk.NotAuthorized:
        return FormCall(errors=forbidden, status=ERROR_ANSWERS[tk.NotAuthorized].status)


def is_api_request() -> bool:
    """Return whether the request is for CKAN's API, which answers with JSON."""
    return request.blueprint == "api" or request.path.startswith("/api/")


def answer_api_outage(kind: str, message: str, original: object) -> Response:
    """Return 503 in the form of CKAN's API, with the ``help`` of the original answer, if any."""
    body: dict[str, Any] = {"success": False, "error": {"__type": kind, "message": message}}
    if isinstance(original, dict) and "help" in original:
        body["help"] = original["help"]
    answer = _answer_json(body, 503)
    answer.headers["Retry-After"] = str(SEARCH_RETRY_SECONDS)
    return answer


# Exception → status, ``__type`` and message in CKAN's API.
API_ERRORS: dict[type[Exception], tuple[int, str, str]] = {
    tk.ValidationError: (409, "Validation Error", ""),
    tk.ObjectNotFound: (404, "Not Found Error", N_("Not found")),
    tk.NotAuthorized: (403, "Authorization Error", N_("Access denied")),
}


def answer_api_refusal(action: str, fault: Exception) -> Response:
    """Answer an exception of ``API_ERRORS`` in the form of CKAN's API."""
    if isinstance(fault, tk.ValidationError):
        return answer_wrong_parameters(action, fault.error_dict)
    status, name, message = next(
        entry for kind, entry in API_ERRORS.items() if isinstance(fault, kind)
    )
    return refuse_api_call(action, status, name, {"message": tk._(message)})


def answer_wrong_parameters(action: str, errors: dict[str, Any]) -> Response:
    """Answer wrong parameters in the form of CKAN's API; ``errors`` has texts by parameter."""
    status, name, _message = API_ERRORS[tk.ValidationError]
    return refuse_api_call(action, status, name, errors)


def refuse_api_call(action: str, status: int, kind: str, error: dict[str, Any]) -> Response:
    """Return an error in the form of CKAN's API."""
    help_ = tk.h.url_for(
        "api.action", logic_function="help_show", ver=3, name=action, _external=True
    )
    body = {"help": help_, "success": False, "error": {**error, "__type": kind}}
    return _answer_json(body, status)


def _answer_json(body: dict[str, Any], status: int) -> Response:
    answer = make_response(json.dumps(body), status)
    answer.headers["Content-Type"] = "application/json;charset=utf-8"
    return answer
