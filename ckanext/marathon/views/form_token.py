"""The token of a form: a form that is sent twice is saved once.

Which record a form has created is remembered in Valkey for a day.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.redis import connect_to_redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# Seconds for which a saved form is remembered.
REMEMBERED = 24 * 3600
# Seconds after which the lock of a form expires: longer than the slowest upload.
LONGEST = 600


@dataclass
class SavedForm:
    """The id of the record that a form has created, ``""`` if none yet."""

    id: str = ""

    @property
    def package(self) -> model.Package | None:
        """The record, unless it was deleted since."""
        found = model.Package.get(self.id) if self.id else None
        return found if found and found.state != model.State.DELETED else None


@contextmanager
def hold_token(token: str, remembered: int = REMEMBERED) -> Generator[SavedForm]:
    """Lock the token of a form while it is saved; a second request waits for the first.

    Without Valkey the form is saved without a lock: a form that is saved twice is better than lost
    values.

    Args:
        token: from the form's hidden input; an empty one locks nothing.
        remembered: seconds for which ``id`` is remembered.

    Yields:
        the record created by an earlier request of the same form. Set its ``id`` to remember it.
    """
    if not token:
        yield SavedForm()
        return
    redis = connect_to_redis()
    key = _make_key(token)
    lock = redis.lock(f"{key}:lock", timeout=LONGEST, blocking_timeout=LONGEST)
    try:
        lock.acquire()
        before = cast("bytes | None", redis.get(key))
    except RedisError as fault:
        log.warning("A form is saved without a guard against double sending: %s", type(fault))
        yield SavedForm()
        return
    saved = SavedForm(before.decode() if before else "")
    try:
        yield saved
    finally:
        try:
            if saved.id:
                redis.set(key, saved.id, ex=remembered)
            lock.release()
        except RedisError as fault:
            log.warning("What became of a form could not be remembered: %s", type(fault))


def is_token_used(token: str) -> bool:
    """Return whether a form with this token was saved; ``False`` if that is unknown."""
    try:
        return bool(connect_to_redis().exists(_make_key(token)))
    except RedisError:
        return False


def _make_key(token: str) -> str:
    return f"ckan:{tk.config['ckan.site_id']}:marathon:form:{token}"
