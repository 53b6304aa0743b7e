"""What the feed's log lacks because publishing it failed, kept until it was published.

A row says that a record was saved and that the log was not told. Rows are only added by saves, so
that no save waits for another one here, and deleted by whoever has published the record.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

# The record of a gap that stands for the settings of the site.
SETTINGS = ""


class FeedGap(tk.BaseModel):
    """A record whose last change is not in the feed's log.

    Attributes:
        record: its id in CKAN; :data:`SETTINGS` for the settings of the site.
        is_group: whether it is an organisation or a group, and no package.
        since: when publishing failed.
        due: when it is tried again.
    """

    __tablename__ = "marathon_feed_gap"

    id = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)
    record = sa.Column(sa.UnicodeText, nullable=False)
    is_group = sa.Column(sa.Boolean, nullable=False)
    since = sa.Column(sa.DateTime(timezone=True), nullable=False)
    due = sa.Column(sa.DateTime(timezone=True), nullable=False, index=True)


class Gap(NamedTuple):
    """A row of the table."""

    id: int
    record: str
    is_group: bool


def add_gaps(packages: Collection[str], groups: Collection[str], settings: bool) -> None:
    """Note what the log lacks with the session's transaction, to be published after its commit."""
    rows = [{"record": id_, "is_group": False} for id_ in sorted(packages)]
    rows += [{"record": id_, "is_group": True} for id_ in sorted(groups)]
    rows += [{"record": SETTINGS, "is_group": False}] if settings else []
    now = sa.func.clock_timestamp()
    if rows:
        model.Session.execute(sa.insert(FeedGap).values(since=now, due=now), rows)


def claim_gap() -> Gap | None:
    """Return a gap that is due, locked until the session's commit, ``None`` if there is none."""
    row = model.Session.execute(
        sa.select(FeedGap.id, FeedGap.record, FeedGap.is_group)
        .where(FeedGap.due <= sa.func.clock_timestamp())
        .order_by(FeedGap.due, FeedGap.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    return Gap(*row) if row else None


def list_gap_ids() -> list[int]:
    """Return the numbers of all gaps."""
    return list(model.Session.scalars(sa.select(FeedGap.id)))


def close_gaps(ids: Collection[int]) -> None:
    """Delete gaps whose records were published; nothing is committed."""
    model.Session.execute(sa.delete(FeedGap).where(FeedGap.id.in_(ids)))


def postpone_gap(id_: int, delay: timedelta) -> None:
    """Have a gap tried again later; nothing is committed."""
    later = sa.func.clock_timestamp() + delay
    model.Session.execute(sa.update(FeedGap).where(FeedGap.id == id_).values({"due": later}))


def make_all_due() -> None:
    """Have every gap tried again now; nothing is committed."""
    model.Session.execute(sa.update(FeedGap).values({"due": sa.func.clock_timestamp()}))


def are_any_due() -> bool:
    """Return whether a gap is to be tried again by now."""
    due = sa.exists().where(FeedGap.due <= sa.func.clock_timestamp())
    return bool(model.Session.scalar(sa.select(due)))


def read_gaps() -> tuple[int, datetime | None]:
    """Return how many records the log lacks changes of, and since when."""
    records = sa.func.count(sa.distinct(FeedGap.record))
    row = model.Session.execute(sa.select(records, sa.func.min(FeedGap.since))).one()
    return row[0], row[1]
