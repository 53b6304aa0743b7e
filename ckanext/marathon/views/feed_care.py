"""Having the feed's log put together, also where no worker does background jobs."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import ckan.plugins.toolkit as tk
import flask
from ckan import model
from ckan.types import Response
from flask import Blueprint
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from ckanext.marathon.operations import feed_job

log = logging.getLogger(__name__)

feed_care = Blueprint("marathon_feed_care", __name__)

# Each web process looks once in so many seconds, until it has found the log complete.
SECONDS_BETWEEN = 15

_lock = threading.Lock()
_next_look = 0.0


@feed_care.after_app_request
def look_after_feed(answer: Response) -> Response:
    """Look in the background whether the log is complete, where it is time to."""
    global _next_look
    now = time.monotonic()
    if now < _next_look or tk.config.get("testing") or not _lock.acquire(blocking=False):
        return answer
    app: Any = flask.current_app
    threading.Thread(target=_look, args=(app._get_current_object(),), daemon=True).start()
    return answer


def _look(app: flask.Flask) -> None:
    global _next_look
    complete = False
    try:
        with app.test_request_context():
            complete = feed_job.care()
    except (DBAPIError, RedisError) as fault:
        log.warning("The log of the feed could not be put together: %s", fault)
    finally:
        model.Session.remove()
        _next_look = float("inf") if complete else time.monotonic() + SECONDS_BETWEEN
        _lock.release()
