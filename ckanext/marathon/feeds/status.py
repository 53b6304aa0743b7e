"""How the log is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from ckan import model

from ckanext.marathon.model import clock, feed
from ckanext.marathon.model.feed import Entry, Kind, Member, Rendering, Window
from ckanext.marathon.rdf import lookups


@dataclass(frozen=True)
class Status:
    """How the log is.

    Attributes:
        epoch: another one after numbers were lost.
        began: when the epoch began.
        number: of the last change.
        published: when that was, ``None`` before the first.
        mark: of the last change.
        complete: everything public was written into it, and its last change.
        gaps: how many records it lacks changes of, because publishing these failed.
        gaps_since: when that began, ``None`` if there are none.
        base: start of the IRIs of things; "" before the first publication.
        base_now: what the settings say now.
        public: kind → how many are public.
        tombstones: kind → how many were public.
        degraded: IRIs of those that could not be described in full.
        body_bytes: of the descriptions, compressed.
        kept_bytes: of the pages that are kept rendered.
    """

    epoch: str
    began: datetime
    number: int
    mark: int
    published: datetime | None
    complete: bool
    gaps: int
    gaps_since: datetime | None
    base: str
    base_now: str
    public: dict[str, int]
    tombstones: dict[str, int]
    degraded: list[str]
    body_bytes: int
    kept_bytes: int


def status() -> Status:
    """Return how the log is."""
    row = clock.read_clock()
    gaps, gaps_since = feed.read_gaps()
    is_public = Entry.digest.is_not(None)
    counts: dict[bool, dict[str, int]] = {True: {}, False: {}}
    query = sa.select(is_public, Entry.kind, sa.func.count()).group_by(is_public, Entry.kind)
    for public, kind, number in model.Session.execute(query):
        counts[public][Kind(kind).value] = number
    degraded = model.Session.scalars(sa.select(Entry.iri).where(Entry.degraded).order_by(Entry.iri))
    size = sa.func.coalesce(sa.func.sum(sa.func.length(Entry.body)), 0)
    kept = sa.func.coalesce(sa.func.sum(sa.func.length(Rendering.body)), 0)
    return Status(
        epoch=row.epoch,
        began=row.began,
        number=row.number,
        mark=row.mark,
        published=row.published if row.number else None,
        complete=row.complete and not gaps,
        gaps=gaps,
        gaps_since=gaps_since,
        base=row.base,
        base_now=lookups.read_site().base,
        public=counts[True],
        tombstones=counts[False],
        degraded=list(degraded),
        body_bytes=model.Session.scalar(sa.select(size)) or 0,
        kept_bytes=model.Session.scalar(sa.select(kept)) or 0,
    )


def datasets(scope: str = "") -> int:
    """Return how many datasets are public, of a part of the catalogue or ("") of the whole."""
    if scope:
        query = sa.select(sa.func.count()).where(Member.scope == scope, Member.current)
    else:
        query = sa.select(sa.func.coalesce(sa.func.sum(Window.live), 0))
    return model.Session.scalar(query) or 0
