"""The background job that builds the feed's log if ``feed rebuild`` was not run.

A site that adds the plugin has datasets but no log. Until the log is complete, the whole catalogue,
its changes and its tables get 503. Each process queues the job when it starts, and web processes
check again after requests; only one job is queued at a time.
"""

from __future__ import annotations

import logging
import os
import re
from datetime import datetime

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib import jobs as queues
from redis.exceptions import RedisError
from rq.job import Job, JobStatus
from sqlalchemy.exc import DBAPIError

from ckanext.marathon.feeds.publish import fill_gaps
from ckanext.marathon.feeds.verify import is_rebuild_wanted, rebuild_log
from ckanext.marathon.model import feed
from ckanext.marathon.operations import health

log = logging.getLogger(__name__)

# Seconds; enough for the largest catalogue. An interrupted job is continued by the next.
_SECONDS = 24 * 3600
# Seconds in which a second process does not queue the job again.
_SECONDS_OF_ONE = 10
# Advisory lock: two concurrent rebuilds would do the same work.
_LOCK = 0x6D61726174686F6E
LOCKED = sa.select(sa.func.pg_try_advisory_lock(_LOCK))
UNLOCKED = sa.select(sa.func.pg_advisory_unlock(_LOCK))


def ensure_feed_at_start() -> None:
    """Queue the job at the start of a process, if the site needs it.

    An unreachable server is no error here.
    """
    if tk.config.get("testing"):
        return
    try:
        wanted = health.needs_feed()
    except (DBAPIError, TimeoutError):
        # Missing tables or an unreachable PostgreSQL are reported elsewhere.
        return
    if wanted:
        ensure_feed_queued()


def ensure_feed_queued() -> bool:
    """Queue the job unless it is queued or running; return whether it is now."""
    try:
        return _ensure_queued()
    except RedisError as fault:
        log.warning("The log of the feed cannot be put together yet, Redis is away: %s", fault)
        return False


def _ensure_queued() -> bool:
    queue = queues.get_queue()
    name = _name()
    if is_feed_queued() or not queue.connection.set(_once(), "1", nx=True, ex=_SECONDS_OF_ONE):
        return True
    _forget(name)
    tk.enqueue_job(build, title="Log of the feed", rq_kwargs={"job_id": name, "timeout": _SECONDS})
    return True


def is_feed_queued() -> bool:
    """Return whether the job is queued or running.

    Raises:
        redis.exceptions.RedisError: Redis does not answer.
    """
    job = _find(_name())
    if job is None or job.get_status() not in _WAITING:
        return False
    return job.id not in {job.id for job in health.list_interrupted()}


_WAITING = (JobStatus.QUEUED, JobStatus.STARTED, JobStatus.DEFERRED, JobStatus.SCHEDULED)


def _name() -> str:
    # RQ allows no dot in ids.
    return "marathon-feed-" + re.sub(r"[^A-Za-z0-9_-]", "_", str(tk.config["ckan.site_id"]))


def _once() -> str:
    return f"ckan:{_name()}:once"


def _find(name: str) -> Job | None:
    return queues.get_queue().fetch_job(name)


def _forget(name: str) -> None:
    """Delete the job that ended, failed or was interrupted, so that its id can be used again."""
    job = _find(name)
    if job is not None:
        job.delete()


def ensure_feed_current() -> bool:
    """Queue the job unless the log is complete; return whether it was complete.

    Without a worker or Redis, this process builds the log.
    """
    wanted = is_rebuild_wanted()
    model.Session.commit()
    if not wanted:
        return True
    if not ensure_feed_queued() or not health.count_workers():
        build()
    return False


def build() -> None:
    """Build the log, unless it is complete or another process is building it; run as a job."""
    with model.ensure_engine().connect() as connection:
        locked = connection.scalar(LOCKED)
        # The lock belongs to the connection, so that no transaction stays open meanwhile.
        connection.commit()
        if not locked:
            return
        try:
            if is_rebuild_wanted():
                rebuild_log(os.path.abspath(tk.config["__file__"]))
        finally:
            model.Session.rollback()
            connection.execute(UNLOCKED)
            connection.commit()


def fill_due_gaps() -> bool:
    """Fill the gaps of the log that are due; return ``False``, because new gaps may open.

    A job is queued with the commit that opens a gap. This tries again after a failed job.
    """
    are_due = feed.are_any_due()
    model.Session.commit()
    if are_due:
        fill_gaps()
    return False


def describe_gaps(count: int, since: datetime) -> str:
    """Return the message about the log's gaps for administrators."""
    text = tk._(
        "Publishing failed since {since}: the feed lacks the last change of {count} records, which "
        "is tried again every ten minutes. The server's log says why it failed. To try now: ckan "
        "marathon doctor --fix"
    )
    return text.format(since=since.isoformat(timespec="seconds"), count=count)
