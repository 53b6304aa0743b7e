"""Public workshops by time, place and problem, from the database and not from Solr."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.marathon import visibility
from ckanext.marathon.domain import workshop
from ckanext.marathon.domain.workshop import WorkshopTimes
from ckanext.marathon.model import package
from ckanext.marathon.model.clock import cache_until_change
from ckanext.marathon.model.link import PACKAGE, Link, Predicate


def list_workshop_times(
    municipality: str = "", problems: Collection[str] = ()
) -> list[WorkshopTimes]:
    """Return the times of public workshops, newest record first.

    Cached until something public changes.

    Args:
        municipality: code; only workshops in which it takes part.
        problems: notations; only workshops about one of them.
    """
    arguments = (municipality, tuple(problems))
    return cache_until_change("times", arguments, lambda: _times(municipality, problems))


def list_times_of(workshops: Collection[str]) -> list[WorkshopTimes]:
    """Return the times of the workshops with these ids, public or not, newest record first."""
    if not workshops:
        return []
    return [WorkshopTimes(*row) for row in model.Session.execute(_of(PACKAGE.id.in_(workshops)))]


def _of(condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return (
        sa.select(PACKAGE.id, _field("starts_at"), _field("ends_at"), _field("status"))
        .where(condition, PACKAGE.type == package.WORKSHOP)
        .order_by(PACKAGE.metadata_created.desc(), PACKAGE.id)
    )


def _times(municipality: str, problems: Collection[str]) -> list[WorkshopTimes]:
    query = _of(visibility.filter_public(PACKAGE))
    if municipality:
        query = query.where(_linked(Predicate.WORKSHOP_MUNICIPALITY, [municipality]))
    if problems:
        query = query.where(_linked(Predicate.WORKSHOP_PROBLEM, problems))
    return [WorkshopTimes(*row) for row in model.Session.execute(query)]


def list_coming_workshops(
    municipalities: Collection[str], today: date, limit: int
) -> list[model.Package]:
    """Return the next announced public workshops of municipalities (codes), soonest first."""
    announced = {
        times.id: times
        for code in municipalities
        for times in list_workshop_times(code)
        if times.status == workshop.ANNOUNCED
    }
    next_ones = workshop.arrange_workshops(announced.values(), today).coming[:limit]
    found = package.load_packages(next_ones)
    return [found[id_] for id_ in next_ones if id_ in found]


def list_workshop_filters(predicate: Predicate) -> list[str]:
    """Return the municipalities (codes) or problems (notations) of public workshops, in order.

    Cached until something public changes.
    """
    return cache_until_change("filters of workshops", predicate, lambda: _filters(predicate))


def _filters(predicate: Predicate) -> list[str]:
    query = (
        sa.select(Link.object.distinct())
        .join(PACKAGE, PACKAGE.id == Link.subject)
        .where(
            visibility.filter_public(PACKAGE),
            PACKAGE.type == package.WORKSHOP,
            Link.predicate == str(predicate),
        )
    )
    return sorted(model.Session.scalars(query))


def count_ideas_of_workshops(workshops: Collection[str]) -> dict[str, int]:
    """Return workshop id → number of its public ideas, without workshops that have none."""
    if not workshops:
        return {}
    query = (
        sa.select(Link.object, sa.func.count())
        .join(PACKAGE, PACKAGE.id == Link.subject)
        .where(
            Link.object.in_(workshops),
            Link.predicate == str(Predicate.IDEA_WORKSHOP),
            visibility.filter_public(PACKAGE),
        )
        .group_by(Link.object)
    )
    return dict(model.Session.execute(query).tuples().all())


def find_workshop_with_start(reference: str) -> model.Package | None:
    """Return a public workshop by id or name, ``None`` if there is none or it has no date."""
    query = sa.select(model.Package).where(
        visibility.filter_public(PACKAGE),
        PACKAGE.type == package.WORKSHOP,
        sa.or_(PACKAGE.id == reference, PACKAGE.name == reference),
    )
    found = model.Session.scalars(query.limit(1)).first()
    return (
        found if found and workshop.is_time(package.read_stored_text(found, "starts_at")) else None
    )


def list_inviting_workshops(owners: Collection[str] | None) -> list[model.Package]:
    """Return the announced workshops with invitations, private ones too, by title.

    Args:
        owners: ids of their organisations; ``None`` for all.
    """
    query = sa.select(model.Package).where(
        PACKAGE.type == package.WORKSHOP,
        PACKAGE.state == model.State.ACTIVE,
        _field("status") == workshop.ANNOUNCED,
        _field("invitation").not_in(("", "[]")),
    )
    if owners is not None:
        query = query.where(PACKAGE.owner_org.in_(owners))
    return list(model.Session.scalars(query.order_by(PACKAGE.title, PACKAGE.id)))


def _field(name: str) -> Any:
    return sa.func.coalesce(PACKAGE.extras[name].astext, "")


def _linked(predicate: Predicate, objects: Collection[str]) -> sa.ColumnElement[bool]:
    return (
        sa.select(Link.subject)
        .where(
            Link.subject == PACKAGE.id,
            Link.predicate == str(predicate),
            Link.object.in_(objects),
        )
        .exists()
    )
