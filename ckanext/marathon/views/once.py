"""A form that is sent twice is saved once: double clicks, and retries on a bad line."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.redis import connect_to_redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# As long as somebody may leave a tab open and press the button again.
REMEMBERED = 24 * 3600
# Longer than the slowest upload that is still being saved.
LONGEST = 600


@dataclass
class Saved:
    """What came of a form: the id of the dataset it created, ``""`` if none yet."""

    id: str = ""

    @property
    def package(self) -> model.Package | None:
        """The dataset, unless it was deleted meanwhile."""
        found = model.Package.get(self.id) if self.id else None
        return found if found and found.state != model.State.DELETED else None


@contextmanager
def saving(token: str) -> Iterator[Saved]:
    """Hold the form's token while it is being saved; a second sending waits for the first.

    While Valkey is away the form is saved all the same: losing what somebody typed is worse than
    the rare second copy of a form that was sent twice in those minutes.

    Args:
        token: from the form's hidden field; an empty one holds nothing.

    Yields:
        What an earlier sending of the same form created. Set its ``id`` to remember it.
    """
    if not token:
        yield Saved()
        return
    redis = connect_to_redis()
    key = f"ckan:{tk.config['ckan.site_id']}:marathon:form:{token}"
    lock = redis.lock(f"{key}:lock", timeout=LONGEST, blocking_timeout=LONGEST)
    try:
        lock.acquire()
        before = cast("bytes | None", redis.get(key))
    except RedisError as fault:
        log.warning("A form is saved without a guard against double sending: %s", type(fault))
        yield Saved()
        return
    saved = Saved(before.decode() if before else "")
    try:
        yield saved
    finally:
        try:
            if saved.id:
                redis.set(key, saved.id, ex=REMEMBERED)
            lock.release()
        except RedisError as fault:
            log.warning("What became of a form could not be remembered: %s", type(fault))
