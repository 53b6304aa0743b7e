"""A fault while publishing does not stop the save: the log lacks it for a while, and is told later.

What may not be shown any more is the exception. Its entry is taken out of the log without
describing anything, and where even that fails the save is refused.
"""

from __future__ import annotations

import logging
from datetime import timedelta

import ckan.plugins.toolkit as tk
import click
from ckan import model
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from ckanext.marathon.feeds import reach
from ckanext.marathon.feeds.publish import Touched, publish, republish, withdraw
from ckanext.marathon.model import clock, feed
from ckanext.marathon.model.feed import SETTINGS, Gap
from ckanext.marathon.model.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

# What could not be published is tried again after this.
RETRY_AFTER = timedelta(minutes=10)


class WithdrawalRefused(tk.ValidationError, click.ClickException):
    """What may not be shown any more cannot be taken out of the feed, so nothing is saved."""

    def __init__(self) -> None:
        """Say what to do: an error of validation for programs, one line on the command line."""
        text = tk._(
            "The feed that portals copy could not be told of this change, so nothing was saved: "
            "portals would go on showing what it withdraws. Try again later. If it lasts, tell "
            "the administrator: the server's log says why."
        )
        tk.ValidationError.__init__(self, {"message": [text]}, {tk._("The feed"): text})
        self.message = text


class OpenedGaps:
    """Noted in a transaction that leaves gaps in the log."""


def publish_or_note(unit: UnitOfWork, touched: Touched) -> None:
    """Publish what a transaction touched; where that fails, note it for later.

    Raises:
        WithdrawalRefused: what may not be shown any more cannot be taken out of the log.
    """
    advance = unit.find_notes(clock.Advance)
    # A savepoint of the connection: one of the session would tell Solr of everything again.
    connection = model.Session.connection()
    try:
        with connection.begin_nested():
            publish(touched)
        return
    except Exception as fault:
        unit.replace_notes(clock.Advance, advance)
        is_lost = isinstance(fault, DBAPIError) and fault.connection_invalidated
        if is_lost or not unit.session.is_active:
            # Nothing can be saved in this transaction any more.
            raise
        log.exception("What was saved could not be published; it is tried again later")
    try:
        with connection.begin_nested():
            withdraw(touched)
            feed.add_gaps(touched.packages, touched.groups, touched.settings)
    except Exception as fault:
        unit.replace_notes(clock.Advance, advance)
        log.exception("What may not be shown any more could not be taken out of the feed")
        raise WithdrawalRefused from fault
    unit.get_notes(OpenedGaps)


def fill_gaps() -> bool:
    """Publish what the log lacks, each record in a transaction of its own; run as a job.

    Returns:
        whether all that was due is published.
    """
    is_filled = True
    model.Session.rollback()
    while gap := feed.claim_gap():
        try:
            _publish_gap(gap)
        except Exception:
            # One record must not keep all others waiting. ``doctor`` says that it waits.
            model.Session.rollback()
            log.exception("The record %s cannot be published", gap.record)
            feed.postpone_gap(gap.id, RETRY_AFTER)
            model.Session.commit()
            is_filled = False
    model.Session.rollback()
    return is_filled


def _publish_gap(gap: Gap) -> None:
    packages = {gap.record} if gap.record and not gap.is_group else set[str]()
    groups = {gap.record} if gap.is_group else set[str]()
    republish(reach.of(packages, groups, gap.record == SETTINGS))
    feed.close_gaps([gap.id])
    model.Session.commit()


def enqueue_filling(unit: UnitOfWork) -> None:
    """Have the gaps that a transaction opened filled by a background job."""
    if unit.find_notes(OpenedGaps) is None:
        return
    try:
        tk.enqueue_job(fill_gaps, title="marathon: gaps of the feed")
    except RedisError as fault:
        # They stay; a web process fills them.
        log.warning("No background job for the gaps of the feed: %s", fault)
