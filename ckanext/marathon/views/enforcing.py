"""Before a process serves anything: what was taken down is not there, whatever was restored."""

from __future__ import annotations

import logging
import threading
import time

from ckan import model
from flask import Blueprint
from sqlalchemy.exc import SQLAlchemyError

from ckanext.marathon.logic import erasing

enforcing = Blueprint("marathon_enforcing", __name__)

log = logging.getLogger(__name__)

# Until everything is as the list says; afterwards nobody looks again.
SECONDS = 60


class _Check:
    """When this process looks at the takedown list: at its first request, and after a failure."""

    due: float | None = 0.0
    lock = threading.Lock()


def forget_check() -> None:
    """Look again at the next request, as a process that has just started."""
    _Check.due = 0.0


@enforcing.before_app_request
def enforce_takedowns() -> None:
    """Take down what a restored backup brought back, and finish what was cut off."""
    if _Check.due is None:
        return
    with _Check.lock:
        if _Check.due is None or time.monotonic() < _Check.due:
            return
        try:
            done = erasing.enforce_list()
        except SQLAlchemyError:
            # The request itself will say that the database is away, or has no tables yet.
            log.exception("The takedown list could not be looked at")
            done = False
        finally:
            model.Session.rollback()
        _Check.due = None if done else time.monotonic() + SECONDS
