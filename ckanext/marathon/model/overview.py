"""What the public sees of the whole site, in a fixed number of queries and without Solr."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from ckan import model
from sqlalchemy.orm import aliased

from ckanext.marathon.model import records
from ckanext.marathon.model.link import Link, Predicate

DATASET, IDEA, WORKSHOP = records.DATASET, records.IDEA, records.WORKSHOP
TYPES = (DATASET, IDEA, WORKSHOP)
# An idea that was given up needs no data any more.
GIVEN_UP = "discarded"

package = cast(Any, model.Package)


class Need(NamedTuple):
    """A data need that no public dataset meets, and the idea that has it."""

    id: str
    what: str
    idea: model.Package


class Needs(NamedTuple):
    """How many data needs are unmet, and some of them."""

    count: int
    latest: list[Need]


def counts() -> dict[str, int]:
    """Return how many datasets, ideas and workshops are public, by type."""
    query = (
        sa.select(package.type, sa.func.count())
        .where(_public(package), package.type.in_(TYPES))
        .group_by(package.type)
    )
    found = dict(model.Session.execute(query).tuples().all())
    return {each: found.get(each, 0) for each in TYPES}


def latest(package_type: str, limit: int) -> list[model.Package]:
    """Return the newest public things of a type, newest first."""
    query = (
        sa.select(model.Package)
        .where(_public(package), package.type == package_type)
        .order_by(package.metadata_created.desc(), package.id)
        .limit(limit)
    )
    return list(model.Session.scalars(query))


def unmet_needs(limit: int) -> Needs:
    """Return the data needs of public ideas that no public dataset meets, newest idea first."""
    met, dataset = aliased(Link), aliased(package)
    is_met = (
        sa.select(met.subject)
        .join(dataset, dataset.id == met.subject)
        .where(
            met.object == Link.object,
            met.predicate == str(Predicate.DATASET_DATA_NEED),
            _public(dataset),
        )
        .exists()
    )
    query = (
        sa.select(model.Package, Link.object, sa.func.count().over())
        .join(Link, Link.subject == package.id)
        .where(
            _public(package),
            Link.predicate == str(Predicate.IDEA_DATA_NEED),
            sa.func.coalesce(package.extras["status"].astext, "") != GIVEN_UP,
            ~is_met,
        )
        .order_by(package.metadata_created.desc(), package.id, Link.object)
        .limit(limit)
    )
    rows = model.Session.execute(query).all()
    needs = []
    for idea, need, _count in rows:
        texts = {each.get("id"): each.get("what") for each in records.rows(idea, "data_need")}
        needs.append(Need(need, texts.get(need) or "", idea))
    return Needs(rows[0][2] if rows else 0, needs)


def by_area(areas: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Return how many public things of each type are about an area.

    Args:
        areas: notation of a problem or area → notation of its area.

    Returns:
        area → type → number; a dataset without problems of its own has those of its ideas. What is
        about two problems of an area is counted once.
    """
    area = sa.values(
        sa.column("notation", sa.UnicodeText), sa.column("area", sa.UnicodeText), name="area"
    ).data(list(areas.items()))
    own = _held(Predicate.WORKSHOP_PROBLEM, Predicate.IDEA_PROBLEM, Predicate.DATASET_PROBLEM)
    of_idea = sa.select(Link.subject, Link.object).where(
        Link.predicate == str(Predicate.IDEA_PROBLEM)
    )
    held = sa.union_all(own, _through(Predicate.DATASET_IDEA, of_idea, Predicate.DATASET_PROBLEM))
    held = held.subquery("held")
    # Distinct here: `count(DISTINCT …)` would sort, which takes seconds for a country's datasets.
    about = (
        sa.select(held.c.subject, area.c.area)
        .join(area, area.c.notation == held.c.object)
        .distinct()
        .subquery("about")
    )
    query = (
        sa.select(about.c.area, package.type, sa.func.count())
        .join(package, package.id == about.c.subject)
        .where(_public(package), package.type.in_(TYPES))
        .group_by(about.c.area, package.type)
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for notation, package_type, number in model.Session.execute(query):
        found[notation][package_type] = number
    return found


def municipalities() -> list[str]:
    """Return the codes of the municipalities that public workshops, ideas or datasets are about."""
    # What a dataset has from a public idea, that idea has too: of 100,000 datasets it would be
    # looked up in vain.
    places = _places(only_hidden_ideas=True).subquery("places")
    query = (
        sa.select(places.c.object.distinct())
        .join(package, package.id == places.c.subject)
        .where(_public(package), package.type.in_(TYPES))
    )
    return sorted(model.Session.scalars(query))


def municipalities_of(ids: Collection[str]) -> dict[str, list[str]]:
    """Return package id → the codes of its municipalities, its own or computed, in order."""
    places = _places().subquery("places")
    query = sa.select(places.c.subject, places.c.object).where(places.c.subject.in_(ids))
    found: dict[str, list[str]] = defaultdict(list)
    for subject, code in sorted(set(model.Session.execute(query).tuples())):
        found[subject].append(code)
    return found


def ideas_of(ids: Collection[str]) -> dict[str, list[model.Package]]:
    """Return dataset id → the public ideas that it names, by title."""
    query = (
        sa.select(Link.subject, model.Package)
        .join(model.Package, package.id == Link.object)
        .where(
            Link.subject.in_(ids), Link.predicate == str(Predicate.DATASET_IDEA), _public(package)
        )
        .order_by(package.title, package.id)
    )
    found: dict[str, list[model.Package]] = defaultdict(list)
    for dataset, idea in model.Session.execute(query):
        found[dataset].append(idea)
    return found


def commitments(limit: int) -> list[str]:
    """Return the names of public commitments, at most ``limit``."""
    query = sa.select(package.name).where(_public(package), package.type == records.COMMITMENT)
    return list(model.Session.scalars(query.order_by(package.name).limit(limit)))


def with_role(role: str, limit: int) -> list[model.Group]:
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


def _public(thing: Any) -> sa.ColumnElement[bool]:
    return sa.and_(thing.state == model.State.ACTIVE, thing.private.is_(False))


def _places(only_hidden_ideas: bool = False) -> sa.CompoundSelect:
    """Return (subject, object) of every package's municipalities, computed ones included.

    ``only_hidden_ideas``: of datasets, leave out what they have from public ideas.
    """
    of_workshop = _held(Predicate.WORKSHOP_MUNICIPALITY)
    of_idea = sa.union_all(
        _held(Predicate.IDEA_MUNICIPALITY),
        _through(Predicate.IDEA_WORKSHOP, of_workshop, Predicate.IDEA_MUNICIPALITY),
    )
    places = sa.select(of_idea.subquery("idea_places"))
    return sa.union_all(
        of_workshop,
        places,
        _held(Predicate.DATASET_MUNICIPALITY),
        _through(Predicate.DATASET_IDEA, places, Predicate.DATASET_MUNICIPALITY, only_hidden_ideas),
    )


def _held(*predicates: Predicate) -> sa.Select:
    return sa.select(Link.subject, Link.object).where(
        Link.predicate.in_([str(each) for each in predicates])
    )


def _through(
    step: Predicate, beyond: sa.Select, own: Predicate, only_hidden: bool = False
) -> sa.Select:
    """Return what subjects have through what they link to, if they have none of their own."""
    first, mine, middle = aliased(Link), aliased(Link), aliased(package)
    further = beyond.subquery()
    has_own = (
        sa.select(mine.subject)
        .where(mine.subject == first.subject, mine.predicate == str(own))
        .exists()
    )
    query = (
        sa.select(first.subject, further.c.object)
        .join(further, further.c.subject == first.object)
        .where(first.predicate == str(step), ~has_own)
    )
    if only_hidden:
        query = query.join(middle, middle.id == first.object).where(~_public(middle))
    return query
