"""The health of the site: its two addresses, takedowns that are enforced, overdue work.

``/health`` is for monitors, ``/health/live`` for what restarts or balances web servers. Before a
process serves anything, what was taken down is not there, whatever was restored. Work that a
background job should have done is looked after by the web processes.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import flask
from ckan import model
from ckan.types import Response
from flask import Blueprint
from flask import Response as FlaskResponse
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ckanext.marathon.logic import erasing, reindex
from ckanext.marathon.model import search_index
from ckanext.marathon.operations import feed_job
from ckanext.marathon.operations.health import HealthState, check_all

health = Blueprint("marathon_health", __name__)

READY = "/health"
LIVE = "/health/live"


@health.route("/health")
def answer_ready() -> FlaskResponse:
    """Answer 200 where the site can do all of its work, else 503 and what cannot be done."""
    checks = check_all()
    well = all(state is HealthState.OK for state in checks.values())
    status = "ok" if well else "failing"
    return _as_json(200 if well else 503, {"status": status, "checks": checks})


@health.route("/health/live")
def answer_live() -> FlaskResponse:
    """Answer 200 for as long as this process answers requests; no server is asked."""
    return _as_json(200, {"status": "ok"})


def _as_json(code: int, content: dict[str, Any]) -> FlaskResponse:
    body = json.dumps(content) + "\n"
    answer = FlaskResponse(body, code, content_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


_ANSWERS = {READY: answer_ready, LIVE: answer_live}


class HealthMiddleware:
    """Answers the two addresses and passes everything else on."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        """Keep the application."""
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

# Each web process looks once in so many seconds.
SECONDS_BETWEEN = 15
# What the background job had so long to do, a web process does.
OVERDUE_AFTER = timedelta(seconds=20)
# Packages indexed at once, so that the process does not do it for long.
MOST_PACKAGES = 200


class OverdueWork:
    """One kind of work, looked after in a thread: by one at a time, and not too often.

    Attributes:
        work: does what is overdue; returns whether nothing is left to look after in this process.
        fault: what the log says, with ``%s`` for the reason, where a server does not answer.
    """

    def __init__(self, work: Callable[[], bool], fault: str) -> None:
        self.work = work
        self.fault = fault
        self._lock = threading.Lock()
        self._next_look = 0.0

    def start_if_due(self, app: flask.Flask) -> None:
        """Look in the background, if it is time to and no other thread of ours does."""
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
    """Index the packages that are overdue; return how many there were."""
    if not search_index.count_due_packages(OVERDUE_AFTER):
        return 0
    return reindex.work_off(MOST_PACKAGES)


def _repair_index() -> bool:
    repair_overdue_index()
    return False


_OVERDUE_WORK = (
    OverdueWork(feed_job.ensure_feed_current, "The log of the feed could not be put together: %s"),
    OverdueWork(feed_job.care_for_gaps, "The gaps of the feed's log could not be filled: %s"),
    OverdueWork(_repair_index, "The search index cannot be looked after: %s"),
)


@background_care.after_app_request
def look_after_overdue_work(answer: Response) -> Response:
    """Have overdue work done in the background; the answer does not wait for it."""
    if not tk.config.get("testing"):
        app: Any = flask.current_app
        for care in _OVERDUE_WORK:
            care.start_if_due(app._get_current_object())
    return answer


enforcing = Blueprint("marathon_enforcing", __name__)


# Until everything is as the list says; afterwards nobody looks again.
SECONDS_BETWEEN_CHECKS = 60


class _TakedownCheck:
    """When this process looks at the takedown list: at its first request, and after a failure."""

    due: float | None = 0.0
    lock = threading.Lock()


def forget_takedown_check() -> None:
    """Look again at the next request, as a process that has just started."""
    _TakedownCheck.due = 0.0


@enforcing.before_app_request
def enforce_takedowns() -> None:
    """Take down what a restored backup brought back, and finish what was cut off."""
    if _TakedownCheck.due is None:
        return
    with _TakedownCheck.lock:
        if _TakedownCheck.due is None or time.monotonic() < _TakedownCheck.due:
            return
        try:
            done = erasing.enforce_list()
        except SQLAlchemyError:
            # The request itself will say that the database is away, or has no tables yet.
            log.exception("The takedown list could not be looked at")
            done = False
        finally:
            model.Session.rollback()
        _TakedownCheck.due = None if done else time.monotonic() + SECONDS_BETWEEN_CHECKS
