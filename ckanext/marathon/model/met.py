"""Which data needs are met by public datasets, and whose they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

import sqlalchemy as sa
from ckan import model

from ckanext.marathon.model import about
from ckanext.marathon.model.about import package
from ckanext.marathon.model.link import Link, Predicate


class Meets(NamedTuple):
    """What a dataset does for ideas: whether everybody may see it, and which needs it meets."""

    is_public: bool = False
    needs: frozenset[str] = frozenset()


def by_datasets(ids: Collection[str]) -> dict[str, Meets]:
    """Return dataset id → what it does for ideas, as the database has it in this transaction."""
    query = (
        sa.select(package.id, about.public(package).label("is_public"), Link.object)
        .outerjoin(
            Link,
            sa.and_(Link.subject == package.id, Link.predicate == str(Predicate.DATASET_DATA_NEED)),
        )
        .where(package.id.in_(ids))
    )
    needs: dict[tuple[str, bool], set[str]] = defaultdict(set)
    # Rows without objects, so that nothing is flushed or refreshed by asking.
    for row in model.Session.connection().execute(query):
        needs[row.id, bool(row.is_public)] |= {row.object} if row.object else set()
    known = {id_: Meets(is_public, frozenset(all_)) for (id_, is_public), all_ in needs.items()}
    return {id_: known.get(id_, Meets()) for id_ in ids}


def met(needs: Collection[str]) -> set[str]:
    """Return those of these needs that a public dataset says it meets."""
    if not needs:
        return set()
    query = (
        sa.select(Link.object)
        .join(package, package.id == Link.subject)
        .where(
            Link.object.in_(needs),
            Link.predicate == str(Predicate.DATASET_DATA_NEED),
            about.public(package),
        )
    )
    return set(model.Session.scalars(query))


def asking(needs: Collection[str]) -> list[str]:
    """Return the ids of the ideas that have these needs."""
    if not needs:
        return []
    query = sa.select(Link.subject.distinct()).where(
        Link.object.in_(needs), Link.predicate == str(Predicate.IDEA_DATA_NEED)
    )
    return sorted(model.Session.scalars(query))
