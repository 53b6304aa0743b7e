"""Workshops, ideas and data needs as they stood when a period was over; public ones only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from ckan import model
from sqlalchemy.orm import aliased

from ckanext.marathon import visibility
from ckanext.marathon.domain.dates import Period
from ckanext.marathon.model import about, cells, published, records
from ckanext.marathon.model.about import GIVEN_UP, package
from ckanext.marathon.model.link import Link, Predicate
from ckanext.marathon.model.transition import Transition
from ckanext.marathon.records.record import Idea, Workshop


class HeldWorkshop(NamedTuple):
    """A workshop and its first day."""

    workshop: Workshop
    day: date


class EnteredIdea(NamedTuple):
    """An idea that was there when the period was over.

    Attributes:
        status: that it had then.
        entered: when it came in, with its first step.
    """

    idea: Idea
    status: str
    entered: datetime


class Step(NamedTuple):
    """A change of an idea's status in the period."""

    idea: Idea
    at: datetime
    status: str
    reason: str


class AskedNeed(NamedTuple):
    """A piece of data that an idea asks for."""

    what: str
    idea: Idea
    is_met: bool


def _in(municipality: str) -> sa.ColumnElement[bool]:
    if not municipality:
        return sa.true()
    return package.id.in_(about.talks_about(about.MUNICIPALITY, municipality))


def workshops(municipality: str) -> list[HeldWorkshop]:
    """Return the workshops whose day is known, the last first."""
    query = sa.select(package.id, package.name, package.title, package.extras).where(
        visibility.filter_public(package), package.type == records.WORKSHOP, _in(municipality)
    )
    rows: Any = model.Session.execute(query)
    found = [
        HeldWorkshop(workshop, day)
        for workshop in map(Workshop.from_stored, rows)
        if (day := cells.day(workshop.starts_at))
    ]
    return sorted(found, key=lambda held: (held.day, held.workshop.name), reverse=True)


def ideas(period: Period, municipality: str) -> dict[str, EnteredIdea]:
    """Return id → idea, the newest first.

    One without history counts from when CKAN got it, with the status that it has now.
    """
    ends = period.ends.replace(tzinfo=None)
    history = (
        sa.select(
            Transition.idea_id,
            sa.func.min(Transition.at).label("entered"),
            sa.func.max(Transition.id).filter(Transition.at < ends).label("last_step"),
        )
        .group_by(Transition.idea_id)
        .subquery("history")
    )
    entered = sa.func.coalesce(history.c.entered, package.metadata_created)
    query = (
        sa.select(
            package.id,
            package.name,
            package.title,
            package.extras,
            Transition.status,
            entered.label("entered"),
        )
        .outerjoin(history, history.c.idea_id == package.id)
        .outerjoin(Transition, Transition.id == history.c.last_step)
        .where(
            visibility.filter_public(package),
            package.type == records.IDEA,
            _in(municipality),
            entered < ends,
        )
        .order_by(entered.desc(), package.id)
    )
    rows: Any = model.Session.execute(query)
    return {
        row.id: EnteredIdea(idea, row.status or idea.status, row.entered.replace(tzinfo=UTC))
        for row in rows
        for idea in [Idea.from_stored(row)]
    }


def steps(period: Period, municipality: str, known: Mapping[str, EnteredIdea]) -> list[Step]:
    """Return what became of ideas in the period, the last first; that one came in is no step."""
    earlier = aliased(Transition)
    is_first = ~sa.exists().where(earlier.idea_id == Transition.idea_id, earlier.id < Transition.id)
    query = (
        sa.select(Transition.idea_id, Transition.at, Transition.status, Transition.reason)
        .join(package, package.id == Transition.idea_id)
        .where(
            visibility.filter_public(package),
            _in(municipality),
            _within(period, Transition.at),
            ~is_first,
        )
        .order_by(Transition.id.desc())
    )
    rows: Any = model.Session.execute(query)
    return [
        Step(entered.idea, row.at.replace(tzinfo=UTC), row.status, row.reason)
        for row in rows
        if (entered := known.get(row.idea_id))
    ]


def needs(period: Period, municipality: str, known: Mapping[str, EnteredIdea]) -> list[AskedNeed]:
    """Return the data that ideas ask for; one that was given up asks for nothing.

    A need is met by a dataset that was published before the period was over.
    """
    query = (
        sa.select(
            Link.subject,
            Link.object,
            Link.object.in_(published.meeting(period.ends)).label("is_met"),
        )
        .join(package, package.id == Link.subject)
        .where(
            visibility.filter_public(package),
            _in(municipality),
            Link.predicate == str(Predicate.IDEA_DATA_NEED),
        )
        .order_by(Link.object)
    )
    asking = {id_: idea for id_, idea in known.items() if idea.status != GIVEN_UP}
    return [
        AskedNeed(entered.idea.name_need(row.object), entered.idea, row.is_met)
        for row in model.Session.execute(query)
        if (entered := asking.get(row.subject))
    ]


def codes(pairs: Any, ids: set[str], municipality: str) -> list[tuple[str, str]]:
    """Return the (id, code) of some workshops and ideas, of a query of (subject, object)."""
    found = pairs.subquery("pairs")
    query = sa.select(found.c.subject, found.c.object).distinct()
    if municipality:
        query = query.where(found.c.subject.in_(ids))
    return [pair for pair in model.Session.execute(query).tuples() if pair[0] in ids]


def _within(period: Period, moment: Any) -> sa.ColumnElement[bool]:
    """Return the condition that a time that CKAN keeps in UTC is in the period."""
    before = moment < period.ends.replace(tzinfo=None)
    if period.starts is None:
        return before
    return sa.and_(before, moment >= period.starts.replace(tzinfo=None))
