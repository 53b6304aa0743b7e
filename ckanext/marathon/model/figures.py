"""What there is on the whole site, counted and listed: public records only, without Solr.

Figures by place and by problem, and the newest records, in a fixed number of queries. Answers are
cached until something public changes, which the feed's clock tells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from ckan import model

from ckanext.marathon import visibility
from ckanext.marathon.model import clock, link, package
from ckanext.marathon.model.clock import cache_until_change
from ckanext.marathon.model.feed import Entry, Kind, Member
from ckanext.marathon.model.link import PACKAGE, PROBLEM, Link, Predicate
from ckanext.marathon.vocabulary import problems


class Figures(NamedTuple):
    """Numbers of public things.

    Attributes:
        needs: data that ideas ask for; ideas that were given up ask for nothing.
        needs_met: those of them that a public dataset says it meets.
    """

    workshops: int = 0
    ideas: int = 0
    needs: int = 0
    needs_met: int = 0
    datasets: int = 0

    @property
    def things(self) -> int:
        """How many workshops, ideas and datasets there are together."""
        return self.workshops + self.ideas + self.datasets

    @property
    def needs_unmet(self) -> int:
        """How many of the data that ideas ask for nobody has published."""
        return self.needs - self.needs_met


def read_time_of_figures() -> datetime:
    """Return when something public changed last, which is what figures are as of."""
    return clock.read_clock().published


def read_total_figures() -> Figures:
    """Return the figures of the whole site."""
    return cache_until_change(
        "figures", "", lambda: _figures(_EVERYTHING, {"": _count(_DATASETS)}).get("", Figures())
    )


def read_figures_by(kind: str) -> Mapping[str, Figures]:
    """Return code → figures, of places or problems that have any.

    What is about several is counted with each; a problem's things count for its area, once.

    Args:
        kind: ``MUNICIPALITY``, ``DEPARTMENT`` or ``PROBLEM`` of ``model/link.py``.
    """
    return cache_until_change("figures", kind, lambda: _figures(_talks(kind), _datasets(kind)))


def _figures(talked: sa.Select, datasets: Mapping[str, int]) -> dict[str, Figures]:
    """Return code → figures, of (subject, code) of workshops and ideas, and of datasets."""
    pairs = talked.subquery("pairs")
    needed = link.select_needs().subquery()
    needs = (
        sa.select(
            needed.c.idea,
            sa.func.count().label("asked"),
            sa.func.count().filter(needed.c.is_met).label("met"),
        )
        .group_by(needed.c.idea)
        .subquery("needs")
    )
    query = (
        sa.select(
            pairs.c.code,
            sa.func.count().filter(PACKAGE.type == package.WORKSHOP),
            sa.func.count().filter(PACKAGE.type == package.IDEA),
            sa.func.coalesce(sa.func.sum(needs.c.asked), 0),
            sa.func.coalesce(sa.func.sum(needs.c.met), 0),
        )
        .join(PACKAGE, PACKAGE.id == pairs.c.subject)
        .outerjoin(needs, needs.c.idea == PACKAGE.id)
        .where(
            visibility.filter_public(PACKAGE),
            PACKAGE.type.in_((package.WORKSHOP, package.IDEA)),
        )
        .group_by(pairs.c.code)
    )
    found: dict[str, Figures] = defaultdict(Figures)
    for code, *numbers in model.Session.execute(query):
        found[code] = Figures(*map(int, numbers))
    for code, number in datasets.items():
        found[code] = found[code]._replace(datasets=number)
    return dict(found)


_EVERYTHING = sa.select(PACKAGE.id.label("subject"), sa.literal("").label("code"))


def _talks(kind: str) -> sa.Select:
    """Return (subject, code), each pair once, of workshops and ideas: :func:`read_figures_by`."""
    if kind == PROBLEM:
        held = link.select_links(Predicate.WORKSHOP_PROBLEM, Predicate.IDEA_PROBLEM).subquery(
            "held"
        )
        within = [
            (each, above)
            for area in problems.list_areas()
            for each in (area.notation, *area.narrower)
            for above in {area.notation, each}
        ]
        pairs = sa.values(
            sa.column("notation", sa.UnicodeText), sa.column("code", sa.UnicodeText), name="within"
        ).data(within)
        query = sa.select(held.c.subject, pairs.c.code).join(
            pairs, pairs.c.notation == held.c.object
        )
    else:
        places = link.select_places_of_talks().subquery("places")
        code = link.select_place_of_kind(places.c.object, kind)
        query = sa.select(places.c.subject, code.label("code"))
    return query.distinct()


def _datasets(kind: str) -> dict[str, int]:
    """Return code → public datasets, which the feed's log knows already."""
    query = (
        sa.select(sa.func.split_part(Member.scope, "/", 2), sa.func.count())
        .where(Member.scope.like(f"{kind}/%"), Member.current.is_(True))
        .group_by(Member.scope)
    )
    return dict(model.Session.execute(query).tuples().all())


_DATASETS = sa.select(sa.func.count()).where(
    Entry.kind == str(Kind.DATASET), Entry.body.is_not(None)
)


def _count(query: sa.Select) -> int:
    return model.Session.execute(query).scalar_one()


def list_latest(package_type: str, limit: int) -> list[model.Package]:
    """Return the newest public things of a type, newest first."""
    query = (
        sa.select(model.Package)
        .where(visibility.filter_public(PACKAGE), PACKAGE.type == package_type)
        .order_by(PACKAGE.metadata_created.desc(), PACKAGE.id)
        .limit(limit)
    )
    return list(model.Session.scalars(query))


def list_municipalities_of(ids: Collection[str]) -> dict[str, list[str]]:
    """Return package id → the codes of its municipalities, its own or computed, in order."""
    places = link.select_places().subquery("places")
    query = sa.select(places.c.subject, places.c.object).where(places.c.subject.in_(ids))
    found: dict[str, list[str]] = defaultdict(list)
    for subject, code in sorted(set(model.Session.execute(query).tuples())):
        found[subject].append(code)
    return found


def list_ideas_of_datasets(ids: Collection[str]) -> dict[str, list[model.Package]]:
    """Return dataset id → the public ideas that it names, by title."""
    query = (
        sa.select(Link.subject, model.Package)
        .join(model.Package, PACKAGE.id == Link.object)
        .where(
            Link.subject.in_(ids),
            Link.predicate == str(Predicate.DATASET_IDEA),
            visibility.filter_public(PACKAGE),
        )
        .order_by(PACKAGE.title, PACKAGE.id)
    )
    found: dict[str, list[model.Package]] = defaultdict(list)
    for dataset, idea in model.Session.execute(query):
        found[dataset].append(idea)
    return found


def list_commitment_names(limit: int) -> list[str]:
    """Return the names of public commitments, at most ``limit``.

    Kept until a change: every page asks, and CKAN has no index of types.
    """
    query = sa.select(PACKAGE.name).where(
        visibility.filter_public(PACKAGE), PACKAGE.type == package.COMMITMENT
    )
    query = query.order_by(PACKAGE.name).limit(limit)
    return cache_until_change("commitments", limit, lambda: list(model.Session.scalars(query)))


def list_organizations_with_role(role: str, limit: int) -> list[model.Group]:
    """Return the active organisations that have a role in the marathons, oldest first."""
    group = cast(Any, model.Group)
    query = (
        sa.select(model.Group)
        .where(
            group.is_organization.is_(True),
            group.state == model.State.ACTIVE,
            group.extras["role"].astext == role,
        )
        .order_by(group.created, group.id)
        .limit(limit)
    )
    return list(model.Session.scalars(query))
