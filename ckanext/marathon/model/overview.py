"""What the public sees of the whole site, in a fixed number of queries and without Solr."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from ckan import model

from ckanext.marathon.model import about, records
from ckanext.marathon.model.link import Link, Predicate

DATASET, IDEA, WORKSHOP = records.DATASET, records.IDEA, records.WORKSHOP
TYPES = (DATASET, IDEA, WORKSHOP)

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
        .where(about.public(package), package.type.in_(TYPES))
        .group_by(package.type)
    )
    found = dict(model.Session.execute(query).tuples().all())
    return {each: found.get(each, 0) for each in TYPES}


def latest(package_type: str, limit: int) -> list[model.Package]:
    """Return the newest public things of a type, newest first."""
    query = (
        sa.select(model.Package)
        .where(about.public(package), package.type == package_type)
        .order_by(package.metadata_created.desc(), package.id)
        .limit(limit)
    )
    return list(model.Session.scalars(query))


def unmet_needs(limit: int) -> Needs:
    """Return the data needs of public ideas that no public dataset meets, newest idea first."""
    needed = about.needed().subquery("needed")
    query = (
        sa.select(model.Package, needed.c.need, sa.func.count().over())
        .join(needed, needed.c.idea == package.id)
        .where(~needed.c.is_met)
        .order_by(package.metadata_created.desc(), package.id, needed.c.need)
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
    own = about.held(Predicate.WORKSHOP_PROBLEM, Predicate.IDEA_PROBLEM, Predicate.DATASET_PROBLEM)
    of_idea = sa.select(Link.subject, Link.object).where(
        Link.predicate == str(Predicate.IDEA_PROBLEM)
    )
    held = sa.union_all(
        own, about.through(Predicate.DATASET_IDEA, of_idea, Predicate.DATASET_PROBLEM)
    )
    held = held.subquery("held")
    # Distinct here: `count(DISTINCT …)` would sort, which takes seconds for a country's datasets.
    in_area = (
        sa.select(held.c.subject, area.c.area)
        .join(area, area.c.notation == held.c.object)
        .distinct()
        .subquery("in_area")
    )
    query = (
        sa.select(in_area.c.area, package.type, sa.func.count())
        .join(package, package.id == in_area.c.subject)
        .where(about.public(package), package.type.in_(TYPES))
        .group_by(in_area.c.area, package.type)
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for notation, package_type, number in model.Session.execute(query):
        found[notation][package_type] = number
    return found


def municipalities() -> list[str]:
    """Return the codes of the municipalities that public workshops, ideas or datasets are about."""
    # What a dataset has from a public idea, that idea has too: of 100,000 datasets it would be
    # looked up in vain.
    places = about.places(only_hidden_ideas=True).subquery("places")
    query = (
        sa.select(places.c.object.distinct())
        .join(package, package.id == places.c.subject)
        .where(about.public(package), package.type.in_(TYPES))
    )
    return sorted(model.Session.scalars(query))


def municipalities_of(ids: Collection[str]) -> dict[str, list[str]]:
    """Return package id → the codes of its municipalities, its own or computed, in order."""
    places = about.places().subquery("places")
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
            Link.subject.in_(ids),
            Link.predicate == str(Predicate.DATASET_IDEA),
            about.public(package),
        )
        .order_by(package.title, package.id)
    )
    found: dict[str, list[model.Package]] = defaultdict(list)
    for dataset, idea in model.Session.execute(query):
        found[dataset].append(idea)
    return found


def commitments(limit: int) -> list[str]:
    """Return the names of public commitments, at most ``limit``."""
    query = sa.select(package.name).where(about.public(package), package.type == records.COMMITMENT)
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
