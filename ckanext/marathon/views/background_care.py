"""Work that a background job should have done, looked after by the web processes.

A site without a worker, or whose Valkey was away when a job was to be queued, gets the log of its
feed and a repaired search index all the same: now and then, after an answer, a web process looks in
a thread whether something is overdue.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import flask
from ckan import model
from ckan.types import Response
from flask import Blueprint
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from ckanext.marathon.logic import reindex
from ckanext.marathon.model import search_index
from ckanext.marathon.operations import feed_job

log = logging.getLogger(__name__)

background_care = Blueprint("marathon_background_care", __name__)

# Each web process looks once in so many seconds.
SECONDS_BETWEEN = 15
# What the background job had so long to do, a web process does.
OVERDUE_AFTER = timedelta(seconds=20)
# Packages indexed at once, so that the process does not do it for long.
MOST_PACKAGES = 200


class Care:
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


_CARES = (
    Care(feed_job.ensure_feed_current, "The log of the feed could not be put together: %s"),
    Care(feed_job.care_for_gaps, "The gaps of the feed's log could not be filled: %s"),
    Care(_repair_index, "The search index cannot be looked after: %s"),
)


@background_care.after_app_request
def look_after_overdue_work(answer: Response) -> Response:
    """Have overdue work done in the background; the answer does not wait for it."""
    if not tk.config.get("testing"):
        app: Any = flask.current_app
        for care in _CARES:
            care.start_if_due(app._get_current_object())
    return answer
