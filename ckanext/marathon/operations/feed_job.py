"""The feed's log is put together by a background job where nobody has had it done.

A site that adds the plugin has datasets before it has a log, and until the log is complete all of
the catalogue at once, its changes and its tables cannot be answered. A process that starts and a
request that cannot be answered both see to it that a job waits: one, however many they are.
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
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from sqlalchemy.exc import DBAPIError

from ckanext.marathon.feeds.publish import fill_gaps
from ckanext.marathon.feeds.verify import is_rebuild_wanted, rebuild_log
from ckanext.marathon.model import feed
from ckanext.marathon.operations import health

log = logging.getLogger(__name__)

# Ends with the log of the largest catalogue; what is interrupted goes on where it was.
_SECONDS = 24 * 3600
# Two that start at the same instant.
_SECONDS_OF_ONE = 10
# Of two that rebuild at the same time one would be in vain.
_LOCK = 0x6D61726174686F6E
LOCKED = sa.select(sa.func.pg_try_advisory_lock(_LOCK))
UNLOCKED = sa.select(sa.func.pg_advisory_unlock(_LOCK))


def ensure_feed_at_start() -> None:
    """Queue the job as a process starts, if the site needs it; with no fault where it cannot."""
    if tk.config.get("testing"):
        return
    try:
        wanted = health.needs_feed()
    except (DBAPIError, TimeoutError):
        # The tables are not there yet, or PostgreSQL is not: others say so.
        return
    if wanted:
        ensure_feed_queued()


def ensure_feed_queued() -> bool:
    """Queue the job unless one waits or is being done; return whether one does now."""
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
    """Return whether the job waits or is being done.

    Raises:
        redis.exceptions.RedisError: Redis does not answer.
    """
    job = _find(_name())
    if job is None or job.get_status() not in _WAITING:
        return False
    return job.id not in {each.id for each in health.list_interrupted()}


_WAITING = (JobStatus.QUEUED, JobStatus.STARTED, JobStatus.DEFERRED, JobStatus.SCHEDULED)


def _name() -> str:
    # RQ takes no dot.
    return "marathon-feed-" + re.sub(r"[^A-Za-z0-9_-]", "_", str(tk.config["ckan.site_id"]))


def _once() -> str:
    return f"ckan:{_name()}:once"


def _find(name: str) -> Job | None:
    try:
        connection = queues.get_queue().connection
        # rq gives its parameter ``serializer`` no type.
        return Job.fetch(name, connection=connection)  # pyright: ignore[reportUnknownMemberType]
    except NoSuchJobError:
        return None


def _forget(name: str) -> None:
    """Remove leftovers of a job that ended, failed or was interrupted."""
    job = _find(name)
    if job is not None:
        job.delete()


def ensure_feed_current() -> bool:
    """See to it that the log is put together; return whether it is.

    Where no worker does jobs, this process does it.
    """
    wanted = is_rebuild_wanted()
    model.Session.commit()
    if not wanted:
        return True
    if not ensure_feed_queued() or not health.count_workers():
        build()
    return False


def build() -> None:
    """Put the log together, unless it is or somebody does so right now; run as a job."""
    with model.ensure_engine().connect() as connection:
        locked = connection.scalar(LOCKED)
        # The lock is the connection's, and no transaction stays open for as long as this takes.
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


def care_for_gaps() -> bool:
    """Fill the gaps of the log that are due, where no job has done it; return that more may open.

    A job is queued with the commit that opens a gap. One that failed has it tried again later.
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
