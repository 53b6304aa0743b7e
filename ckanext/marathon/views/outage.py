"""Answers with 503: a server is unreachable, the disk is full, or a backup is being restored.

They are pages, or JSON for the API, without details. A form that could not be saved is returned
filled in. For an unreachable Solr there is a page of its own; CKAN would answer 500.

``/health`` is for monitors, ``/health/live`` for supervisors and load balancers. Before a process
serves anything, it removes taken-down records that a restore has brought back. Web processes also
do overdue work that a background job should have done.
"""

from __future__ import annotations

import functools
import json
import logging
import math
import re
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import flask
from ckan import model
from ckan.common import json as ckan_json
from ckan.types import Response
from flask import Blueprint, request
from flask import Response as FlaskResponse
from redis.exceptions import RedisError
from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import PoolProxiedConnection

from ckanext.marathon.domain.texts import is_json_object, quote_value
from ckanext.marathon.logic import erasing, reindex, resource
from ckanext.marathon.logic.redacting import redact_text
from ckanext.marathon.model import search_index
from ckanext.marathon.operations import backup, feed_job
from ckanext.marathon.operations.health import HealthState, check_all
from ckanext.marathon.search import connection
from ckanext.marathon.views.answers import answer_busy
from ckanext.marathon.views.errors import DATABASE_AWAY, answer_api_outage, is_api_request
from ckanext.marathon.views.workarounds import read_request_data

outage = Blueprint("marathon_outage", __name__)

_FLAG = "marathon_database_failed"

# ``__type`` in CKAN's API for a failed search or a failed update of the index.
_SEARCH_ERRORS = ("Search Error", "Search Index Error", "Search Connection Error")
# ``__type`` for a query that Solr cannot parse or run.
_QUERY_ERRORS = ("Search Error", "Search Query Error")
# Solr's quotation of a part of the query.
_QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")


@event.listens_for(Engine, "handle_error")
def _note_failure(context: ExceptionContext) -> None:
    if flask.has_request_context() and isinstance(context.sqlalchemy_exception, OperationalError):
        setattr(flask.g, _FLAG, True)


@outage.before_app_request
def watch_connections() -> None:
    """Patch the database engine to note in the request when its connection pool is exhausted.

    SQLAlchemy has no event for it, because there is no connection then; and CKAN's API answers 500
    to every other exception of an action.
    """
    engine = model.meta.engine
    if engine is None or hasattr(engine.raw_connection, _FLAG):
        return
    take = engine.raw_connection

    @functools.wraps(take)
    def take_connection() -> PoolProxiedConnection:
        try:
            return take()
        except PoolTimeoutError:
            if flask.has_request_context():
                setattr(flask.g, _FLAG, True)
            raise

    setattr(take_connection, _FLAG, True)
    engine.raw_connection = take_connection


def database_failed() -> bool:
    """Return whether PostgreSQL was unreachable or failed during this web request."""
    return bool(flask.g.get(_FLAG))


@outage.after_app_request
def correct_api_error(answer: Response) -> Response:
    """Turn an error of the API into 503 if a server was unreachable; remove credentials."""
    if answer.status_code < 400 or answer.is_streamed or not is_api_request():
        return answer
    content = answer.get_json(silent=True)
    error = content.get("error") if is_json_object(content) else None
    kind = error.get("__type", "") if is_json_object(error) else ""
    if answer.status_code >= 500 and database_failed():
        return answer_api_outage("Database Connection Error", tk._(DATABASE_AWAY), content)
    if kind in _SEARCH_ERRORS and connection.solr_failed():
        message = tk._(
            "The search engine is away for the moment: nothing can be searched or saved. Try "
            "again in a minute."
        )
        return answer_api_outage("Search Connection Error", message, content)
    if error and kind in _QUERY_ERRORS and connection.get_refusal() is not None:
        error["message"] = _refusal_message(connection.get_refusal() or "")
        answer.set_data(ckan_json.dumps(content))
    text = answer.get_data(as_text=True)
    redacted = redact_text(text)
    if redacted != text:
        answer.set_data(redacted)
    return answer


def _refusal_message(reason: str) -> str:
    """Return a message with the parameters that Solr refused; CKAN would quote its whole query."""
    sent = {name: str(value) for name, value in read_request_data(reads=True).items() if value}
    quoted = max((a or b for a, b in _QUOTED.findall(reason)), key=len, default="")
    named = [name for name, value in sent.items() if quoted and quoted in value]
    message = tk._("The search engine cannot run this search. Look at {parameters}: {reason}")
    return message.format(
        parameters=", ".join(map(quote_value, named or sent)),
        reason=quote_value(reason or tk._("it gives no reason")),
    )


room = Blueprint("marathon_room", __name__)

DISK_RETRY_SECONDS = 300


@room.after_app_request
def set_refusal_status(response: Response) -> Response:
    """Set the status of the answer to a save that was refused for a full disk.

    CKAN's forms and API treat the refusal as a validation error.
    """
    text = resource.get_refusal()
    if text is None or 300 <= response.status_code < 400:
        return response
    response.status_code = 503
    response.headers["Retry-After"] = str(DISK_RETRY_SECONDS)
    if request.path.startswith("/api/"):
        error = {"__type": "Disk Full", "message": text}
        response.set_data(json.dumps({"success": False, "error": error}))
        response.content_type = "application/json;charset=utf-8"
    return response


restoring = Blueprint("marathon_restoring", __name__)

RESTORE_RETRY_SECONDS = 60


@restoring.before_app_request
def refuse_while_restoring() -> Response | None:
    """Answer 503 while a backup is being restored, also after an interrupted restore."""
    if not backup.is_restoring():
        return None
    return answer_busy(
        tk._("The site is being restored from a backup. Try again later."), RESTORE_RETRY_SECONDS
    )


health = Blueprint("marathon_health", __name__)

READY = "/health"
LIVE = "/health/live"


@health.route("/health")
def answer_ready() -> FlaskResponse:
    """Answer 200 if all checks succeed, else 503; the JSON has the result of each check."""
    checks = check_all()
    well = all(state is HealthState.OK for state in checks.values())
    status = "ok" if well else "failing"
    return _as_json(200 if well else 503, {"status": status, "checks": checks})


@health.route("/health/live")
def answer_live() -> FlaskResponse:
    """Answer 200: this process answers requests. No server is checked."""
    return _as_json(200, {"status": "ok"})


def _as_json(code: int, content: dict[str, Any]) -> FlaskResponse:
    body = json.dumps(content) + "\n"
    answer = FlaskResponse(body, code, content_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


_ANSWERS = {READY: answer_ready, LIVE: answer_live}


class HealthMiddleware:
    """Answers the addresses of health checks before Flask does."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        """Store the application."""
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        root = str(tk.config.get("ckan.root_path") or "").replace("/{{LANG}}", "")
        path = str(environ.get("PATH_INFO", "")).removeprefix(root)
        answer = _ANSWERS.get(path) if environ.get("REQUEST_METHOD") in ("GET", "HEAD") else None
        if answer is None:
            return self.application(environ, start_response)
        return answer()(environ, start_response)


log = logging.getLogger(__name__)

background_care = Blueprint("marathon_background_care", __name__)

# Seconds between two checks of a web process.
SECONDS_BETWEEN = 15
# Time after which a web process does the work of a background job.
OVERDUE_AFTER = timedelta(seconds=20)
# Packages that a web process indexes in one go.
MOST_PACKAGES = 200


class OverdueWork:
    """Overdue work of one kind, done by one thread of this process at a time, and not too often.

    Attributes:
        work: does the overdue work; returns whether this process need not check again.
        fault: log message if a server does not answer, with ``%s`` for the reason.
    """

    def __init__(self, work: Callable[[], bool], fault: str) -> None:
        self.work = work
        self.fault = fault
        self._lock = threading.Lock()
        self._next_look = 0.0

    def start_if_due(self, app: flask.Flask) -> None:
        """Do the work in a thread, if it is due and no other thread does it."""
        if time.monotonic() < self._next_look or not self._lock.acquire(blocking=False):
            return
        threading.Thread(target=self._look, args=(app,), daemon=True).start()

    def _look(self, app: flask.Flask) -> None:
        is_done = False
        try:
            with app.test_request_context():
                is_done = self.work()
        except (DBAPIError, RedisError) as reason:
            log.warning(self.fault, reason)
        finally:
            model.Session.remove()
            self._next_look = float("inf") if is_done else time.monotonic() + SECONDS_BETWEEN
            self._lock.release()


def repair_overdue_index() -> int:
    """Index packages that should have been indexed already; return how many."""
    if not search_index.count_due_packages(OVERDUE_AFTER):
        return 0
    return reindex.work_off(MOST_PACKAGES)


def _repair_index() -> bool:
    repair_overdue_index()
    return False


_OVERDUE_WORK = (
    OverdueWork(feed_job.ensure_feed_current, "The log of the feed could not be put together: %s"),
    OverdueWork(feed_job.fill_due_gaps, "The gaps of the feed's log could not be filled: %s"),
    OverdueWork(_repair_index, "The search index cannot be looked after: %s"),
)


@background_care.after_app_request
def look_after_overdue_work(answer: Response) -> Response:
    """Start overdue work in threads; the answer does not wait for it."""
    if not tk.config.get("testing"):
        app: Any = flask.current_app
        for care in _OVERDUE_WORK:
            care.start_if_due(app._get_current_object())
    return answer


enforcing = Blueprint("marathon_enforcing", __name__)


# Seconds between two checks, until a check has succeeded.
SECONDS_BETWEEN_CHECKS = 60


class TakedownCheck:
    """When this process checks the takedown list next; ``due`` is ``None`` after a success."""

    due = 0.0
    lock = threading.Lock()


@enforcing.before_app_request
def enforce_takedowns() -> None:
    """Take down records that a restored backup brought back, and complete interrupted takedowns."""
    if time.monotonic() < TakedownCheck.due:
        return
    with TakedownCheck.lock:
        if time.monotonic() < TakedownCheck.due:
            return
        try:
            done = erasing.enforce_list()
        except SQLAlchemyError:
            # The request itself reports an unreachable database or missing tables.
            log.exception("The takedown list could not be looked at")
            done = False
        finally:
            model.Session.rollback()
        TakedownCheck.due = math.inf if done else time.monotonic() + SECONDS_BETWEEN_CHECKS
