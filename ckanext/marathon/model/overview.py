"""What the public sees of the whole site, in a fixed number of queries and without Solr."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any, cast

import sqlalchemy as sa
from ckan import model

from ckanext.marathon import visibility
from ckanext.marathon.model import about, records
from ckanext.marathon.model.about import package
from ckanext.marathon.model.kept import until_a_change
from ckanext.marathon.model.link import Link, Predicate


def latest(package_type: str, limit: int) -> list[model.Package]:
    """Return the newest public things of a type, newest first."""
    query = (
        sa.select(model.Package)
        .where(visibility.filter_public(package), package.type == package_type)
        .order_by(package.metadata_created.desc(), package.id)
        .limit(limit)
    )
    return list(model.Session.scalars(query))


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
            visibility.filter_public(package),
        )
        .order_by(package.title, package.id)
    )
    found: dict[str, list[model.Package]] = defaultdict(list)
    for dataset, idea in model.Session.execute(query):
        found[dataset].append(idea)
    return found


def commitments(limit: int) -> list[str]:
    """Return the names of public commitments, at most ``limit``.

    Kept until a change: every page asks, and CKAN has no index of types.
    """
    query = sa.select(package.name).where(
        visibility.filter_public(package), package.type == records.COMMITMENT
    )
    query = query.order_by(package.name).limit(limit)
    return until_a_change("commitments", limit, lambda: list(model.Session.scalars(query)))


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
