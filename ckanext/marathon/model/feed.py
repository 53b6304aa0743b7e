"""The tables of the feed's log: public records, the order of their changes, and gaps.

The log is written in the transaction of the change itself (``feeds/publish.py``), which locks the
clock. All times have an offset; numbers begin with 1.

A row of ``FeedGap`` means that the last change of a record is not in the log, because publishing
failed. Saves only add rows, so that no save waits for another one here; a row is deleted when its
record has been published.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

# Slots per page of a new clock; the first publication sets ``ckanext.dcat.datasets_per_page``.
PAGE_SIZE = 100


def read_description(body: bytes) -> bytes:
    """Return the N-Triples of an entry's body; b"" if it is damaged.

    So a damaged body does not prevent its page; ``feed verify`` reports it.
    """
    try:
        return zlib.decompress(body)
    except zlib.error:
        return b""


class Kind(StrEnum):
    """The kind of a record in the log."""

    CATALOG = "catalog"
    DATASET = "dataset"
    WORKSHOP = "workshop"
    IDEA = "idea"
    COMMITMENT = "commitment"
    ORGANIZATION = "organization"


class Activity(StrEnum):
    """The kind of a change of a record.

    Source: Activity Streams 2.0, as DCAT-AP Feeds uses it.
    """

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"


class Entry(tk.BaseModel):
    """A record that is or was public; an entry without a body is a tombstone.

    Attributes:
        thing: id of the record in CKAN; "" for the catalogue.
        slot: position of a dataset in the whole catalogue, which never changes; ``None`` for other
            records.
        body: description: N-Triples in alphabetical order, compressed by zlib.
        digest: SHA-256 of name, parts and uncompressed body, see ``feeds/port.py``.
        refs: IRIs of the neighbours that the description names and does not describe.
        degraded: whether the record could not be described in full.
        changed: number of the record's last change.
        first_published: when a dataset became public for the first time; ``None`` for others.
    """

    __tablename__ = "marathon_feed_entry"

    iri: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.UnicodeText)
    thing: Mapped[str] = mapped_column(sa.UnicodeText)
    slot: Mapped[int | None] = mapped_column(sa.BigInteger, unique=True)
    body: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    digest: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    refs: Mapped[list[str]] = mapped_column(ARRAY(sa.UnicodeText))
    degraded: Mapped[bool] = mapped_column(sa.Boolean)
    changed: Mapped[int] = mapped_column(sa.BigInteger)
    first_published: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))

    __table_args__ = (
        # Not unique: a dataset that got another IRI has a tombstone for the former one.
        sa.Index("idx_marathon_feed_entry_thing", "thing", "kind"),
        sa.Index("idx_marathon_feed_entry_refs", "refs", postgresql_using="gin"),
        sa.Index("idx_marathon_feed_entry_changed", "changed"),
        sa.CheckConstraint("(body IS NULL) = (digest IS NULL)", name="marathon_feed_entry_body"),
    )


class Member(tk.BaseModel):
    """A dataset that is or was in a part of the catalogue (``feeds/source.py``).

    Attributes:
        scope: name of the part, for example ``municipality/2105``.
        place: position of the dataset in the part, from 1, which never changes.
        current: whether it is in the part now; a dataset that has left keeps its place.
        entered: number of the change with which it entered the part last.
        changed: number of its last change in this part; for one that has left, of its leaving.
    """

    __tablename__ = "marathon_feed_member"

    scope: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    place: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    iri: Mapped[str] = mapped_column(sa.UnicodeText)
    current: Mapped[bool] = mapped_column(sa.Boolean)
    entered: Mapped[int] = mapped_column(sa.BigInteger)
    changed: Mapped[int] = mapped_column(sa.BigInteger)

    __table_args__ = (
        sa.Index("idx_marathon_feed_member_iri", "iri", "scope", unique=True),
        sa.Index("idx_marathon_feed_member_changed", "scope", "changed"),
    )


class Change(tk.BaseModel):
    """One change of public content. Rows are added and never changed.

    Attributes:
        mark: 63 random bits. After an older database was restored, another change may get the same
            number, but it has another mark.
    """

    __tablename__ = "marathon_feed_change"

    number: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    iri: Mapped[str] = mapped_column(sa.UnicodeText)
    activity: Mapped[str] = mapped_column(sa.UnicodeText)
    published: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    mark: Mapped[int] = mapped_column(sa.BigInteger)


class Clock(tk.BaseModel):
    """The one row that numbers changes; a transaction that publishes locks it until its commit.

    Attributes:
        epoch: a UUID; a new one after numbers were lost, for example by restoring a backup.
        number: number of the last change; 0 before the first.
        mark: mark of the last change; random before the first.
        unmarked: versions without marks gave out cursors up to this number; 0 if there are none.
        published: time of the last change; like ``number`` it only grows.
        slots: number of slots given to datasets.
        base: start of the IRIs of records, fixed by the first publication; "" before it.
        vocabulary: start of the IRIs of concepts, fixed in the same way.
        page_size: slots per page, fixed in the same way, so that no dataset moves to another page.
        began: when the epoch began.
        home: PostgreSQL's id (oid) of this table, by which a restored copy is recognised.
        complete: whether everything public is in the log; before, the catalogue is not served.
        lost: number of the last published change, if the epoch began because an older database
            without it was restored; else ``None``.
        lost_mark: mark of that change.
    """

    __tablename__ = "marathon_feed_clock"

    singleton: Mapped[bool] = mapped_column(
        sa.Boolean, sa.CheckConstraint("singleton"), primary_key=True, default=True
    )
    epoch: Mapped[str] = mapped_column(sa.UnicodeText)
    number: Mapped[int] = mapped_column(sa.BigInteger)
    published: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    slots: Mapped[int] = mapped_column(sa.BigInteger)
    base: Mapped[str] = mapped_column(sa.UnicodeText)
    vocabulary: Mapped[str] = mapped_column(sa.UnicodeText)
    page_size: Mapped[int] = mapped_column(sa.Integer)
    began: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    home: Mapped[int] = mapped_column(sa.BigInteger)
    complete: Mapped[bool] = mapped_column(sa.Boolean)
    mark: Mapped[int] = mapped_column(sa.BigInteger)
    unmarked: Mapped[int] = mapped_column(sa.BigInteger)
    lost: Mapped[int | None] = mapped_column(sa.BigInteger)
    lost_mark: Mapped[int | None] = mapped_column(sa.BigInteger)


class Window(tk.BaseModel):
    """A page of the whole catalogue: the slots from ``(number - 1) * page_size + 1``.

    Attributes:
        live: number of its datasets that are public.
        changed: number of the last change of one of its datasets or of their neighbours.
    """

    __tablename__ = "marathon_feed_window"

    number: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    live: Mapped[int] = mapped_column(sa.Integer)
    changed: Mapped[int] = mapped_column(sa.BigInteger)


class Rendering(tk.BaseModel):
    """A window written in a format; it is valid while ``changed`` is that of the window.

    Attributes:
        body: deflated, without a last block, so that renderings can be concatenated.
        size: number of bytes before compression.
        crc: CRC-32 of the bytes before compression.
    """

    __tablename__ = "marathon_feed_rendering"

    window: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    format: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    changed: Mapped[int] = mapped_column(sa.BigInteger)
    body: Mapped[bytes] = mapped_column(sa.LargeBinary)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    crc: Mapped[int] = mapped_column(sa.BigInteger)


# The record of a gap that stands for the settings of the site.
SETTINGS = ""


class FeedGap(tk.BaseModel):
    """A record whose last change is not in the feed's log.

    Attributes:
        record: id of the record in CKAN; :data:`SETTINGS` for the settings of the site.
        is_group: whether the record is an organisation or a group, not a package.
        since: when publishing failed.
        due: time from which publishing is tried again.
    """

    __tablename__ = "marathon_feed_gap"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    record: Mapped[str] = mapped_column(sa.UnicodeText)
    is_group: Mapped[bool] = mapped_column(sa.Boolean)
    since: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    due: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), index=True)


# Whether everything public is in the log; for connections outside of the session.
IS_LOG_COMPLETE = sa.select(sa.and_(Clock.complete, ~sa.exists(sa.select(FeedGap.id))))


class Gap(NamedTuple):
    """A row of the table."""

    id: int
    record: str
    is_group: bool


def add_gaps(packages: Collection[str], groups: Collection[str], settings: bool) -> None:
    """Add gaps for records that could not be published, due at once; commits nothing."""
    rows = [{"record": id_, "is_group": False} for id_ in sorted(packages)]
    rows += [{"record": id_, "is_group": True} for id_ in sorted(groups)]
    rows += [{"record": SETTINGS, "is_group": False}] if settings else []
    now = sa.func.clock_timestamp()
    if rows:
        model.Session.execute(sa.insert(FeedGap).values(since=now, due=now), rows)


def claim_gap() -> Gap | None:
    """Return a due gap, locked until the session's commit; ``None`` if there is none."""
    row = model.Session.execute(
        sa.select(FeedGap.id, FeedGap.record, FeedGap.is_group)
        .where(FeedGap.due <= sa.func.clock_timestamp())
        .order_by(FeedGap.due, FeedGap.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    return Gap(*row) if row else None


def list_gap_ids() -> list[int]:
    """Return the ids of all gaps."""
    return list(model.Session.scalars(sa.select(FeedGap.id)))


def close_gaps(ids: Collection[int]) -> None:
    """Delete gaps whose records were published; nothing is committed."""
    model.Session.execute(sa.delete(FeedGap).where(FeedGap.id.in_(ids)))


def postpone_gap(id_: int, delay: timedelta) -> None:
    """Postpone the next try of a gap; commits nothing."""
    later = sa.func.clock_timestamp() + delay
    model.Session.execute(sa.update(FeedGap).where(FeedGap.id == id_).values({"due": later}))


def make_all_due() -> None:
    """Make every gap due now; commits nothing."""
    model.Session.execute(sa.update(FeedGap).values({"due": sa.func.clock_timestamp()}))


def are_any_due() -> bool:
    """Return whether a gap is due."""
    due = sa.exists().where(FeedGap.due <= sa.func.clock_timestamp())
    return bool(model.Session.scalar(sa.select(due)))


def read_gaps() -> tuple[int, datetime | None]:
    """Return the number of records with a gap, and when the oldest gap was opened."""
    records = sa.func.count(sa.distinct(FeedGap.record))
    row = model.Session.execute(sa.select(records, sa.func.min(FeedGap.since))).one()
    return row[0], row[1]
