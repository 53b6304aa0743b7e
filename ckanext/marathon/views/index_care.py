"""Working off what the search index was not told, where no background job does.

A site without a worker, or whose Valkey was away when a job was to be queued, repairs its index
all the same: a web process looks now and then whether something is overdue.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import flask
from ckan import model
from ckan.types import Response
from flask import Blueprint
from sqlalchemy.exc import DBAPIError

from ckanext.marathon.logic import reindex
from ckanext.marathon.model import index_note

log = logging.getLogger(__name__)

index_care = Blueprint("marathon_index_care", __name__)

# Each web process looks once in so many seconds.
SECONDS_BETWEEN = 15
# What the background job had so long to do, a web process does.
OVERDUE_AFTER = timedelta(seconds=20)
# At once, so that the process does not do it for long.
MOST = 200

_lock = threading.Lock()
_next_look = 0.0


@index_care.after_app_request
def look_after_index(answer: Response) -> Response:
    """Start a repair in the background where something is overdue and it is time to look."""
    global _next_look
    now = time.monotonic()
    if now < _next_look or tk.config.get("testing") or not _lock.acquire(blocking=False):
        return answer
    try:
        _next_look = now + SECONDS_BETWEEN
        app: Any = flask.current_app
        threading.Thread(
            target=repair_overdue, args=(app._get_current_object(),), daemon=True
        ).start()
    finally:
        _lock.release()
    return answer


def repair_overdue(app: flask.Flask) -> int:
    """Work off what is overdue, if anything is; return how many packages were."""
    with app.test_request_context():
        try:
            if not index_note.count_due(OVERDUE_AFTER):
                return 0
            return reindex.work_off(MOST)
        except DBAPIError as fault:
            log.warning("The search index cannot be looked after: %s", fault)
            return 0
        finally:
            model.Session.remove()
