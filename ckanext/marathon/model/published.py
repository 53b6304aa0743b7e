"""When datasets were published for the first time, as the feed's log knows it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from ckan import model

from ckanext.marathon.domain.dates import Period
from ckanext.marathon.model import about
from ckanext.marathon.model.about import package
from ckanext.marathon.model.feed import Entry, Kind, Member
from ckanext.marathon.model.link import Link, Predicate
from ckanext.marathon.records.record import Dataset

_group: Any = model.Group
_IS_PUBLIC = sa.and_(Entry.kind == str(Kind.DATASET), Entry.body.is_not(None))


class Publication(NamedTuple):
    """A dataset, the title of its organisation, and when it was published for the first time."""

    dataset: Dataset
    organization: str
    at: datetime


class Published(NamedTuple):
    """How many datasets, how many of them are made up, and the latest."""

    count: int = 0
    examples: int = 0
    latest: tuple[Publication, ...] = ()


def first_published(things: Iterable[str]) -> dict[str, datetime]:
    """Return id in CKAN → when it became public for the first time, of datasets that ever were.

    A dataset that is older than the plugin was public before there was a log; else it is the time
    of the first change that the log has of it.
    """
    # A dataset that got another IRI has an entry under each.
    first = sa.func.min(Entry.first_published)
    query = (
        sa.select(Entry.thing, first.label("first"))
        .where(Entry.kind == str(Kind.DATASET), Entry.thing.in_(list(things)))
        .group_by(Entry.thing)
        .having(first.is_not(None))
    )
    return {row.thing: row.first for row in model.Session.execute(query)}


def datasets(period: Period, municipality: str = "", limit: int | None = None) -> Published:
    """Return the public datasets that were published in a period, the newest first.

    Args:
        period: days in Guatemala.
        municipality: code of the only one, "" for the country.
        limit: of those named; all are counted.
    """
    # Apart, because to count beside the latest would put all of them in order.
    count, examples = model.Session.execute(
        _found(
            period,
            municipality,
            sa.func.count(),
            sa.func.count().filter(package.extras["example"].astext == "true"),
        )
    ).one()
    query = (
        _found(
            period,
            municipality,
            package.id,
            package.name,
            package.title,
            _group.title.label("organization"),
            Entry.first_published.label("at"),
            package.extras,
        )
        .outerjoin(model.Group, _group.id == package.owner_org)
        .order_by(Entry.first_published.desc(), package.id)
        .limit(limit)
    )
    rows: Any = model.Session.execute(query)
    latest = [Publication(Dataset.from_stored(row), row.organization or "", row.at) for row in rows]
    return Published(count, examples, tuple(latest))


def _found(period: Period, municipality: str, *columns: Any) -> Any:
    return (
        sa.select(*columns)
        .select_from(Entry)
        .join(package, package.id == Entry.thing)
        .where(_IS_PUBLIC, _within(period), _in(municipality))
    )


def by_municipality(period: Period) -> dict[str, int]:
    """Return code → datasets published in a period; one about several counts with each."""
    query = (
        sa.select(sa.func.split_part(Member.scope, "/", 2), sa.func.count())
        .join(Entry, Entry.iri == Member.iri)
        .where(Member.scope.like("municipality/%"), Member.current.is_(True), _within(period))
        .group_by(Member.scope)
    )
    return dict(model.Session.execute(query).tuples().all())


def by_problem(period: Period, municipality: str) -> dict[str, int]:
    """Return notation → datasets of a municipality published in a period."""
    of_ideas = about.held(Predicate.IDEA_PROBLEM)
    held = sa.union_all(
        about.held(Predicate.DATASET_PROBLEM),
        about.through(Predicate.DATASET_IDEA, of_ideas, Predicate.DATASET_PROBLEM),
    ).subquery("held")
    ids = sa.select(Entry.thing).where(_IS_PUBLIC, _within(period), _in(municipality))
    pairs = (
        sa.select(held.c.subject, held.c.object).where(held.c.subject.in_(ids)).distinct()
    ).subquery("pairs")
    query = sa.select(pairs.c.object, sa.func.count()).group_by(pairs.c.object)
    return dict(model.Session.execute(query).tuples().all())


def meeting(before: datetime) -> sa.Select:
    """Return the ids of the data needs that a dataset met that was published before a moment."""
    return (
        sa.select(Link.object)
        .join(Entry, Entry.thing == Link.subject)
        .where(
            Link.predicate == str(Predicate.DATASET_DATA_NEED),
            _IS_PUBLIC,
            Entry.first_published < before,
        )
    )


def _within(period: Period) -> sa.ColumnElement[bool]:
    before = Entry.first_published < period.ends
    return (
        before if period.starts is None else sa.and_(before, Entry.first_published >= period.starts)
    )


def _in(municipality: str) -> sa.ColumnElement[bool]:
    if not municipality:
        return sa.true()
    return Entry.iri.in_(
        sa.select(Member.iri).where(
            Member.scope == f"municipality/{municipality}", Member.current.is_(True)
        )
    )
