"""Which data needs are met by public datasets, and whose they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import sqlalchemy as sa
from ckan import model

from ckanext.marathon.model import about
from ckanext.marathon.model.link import Link, Predicate


def by_datasets(ids: Collection[str]) -> dict[str, set[str]]:
    """Return dataset id → the needs that it meets, as the database has it in this transaction.

    Of each of these datasets; one that not everybody may see meets none.
    """
    pairs = about.meeting().subquery()
    query = sa.select(pairs.c.dataset, pairs.c.need).where(pairs.c.dataset.in_(ids))
    found: dict[str, set[str]] = defaultdict(set)
    # On the connection, so that nothing is flushed or refreshed by asking.
    for dataset, need in model.Session.connection().execute(query):
        found[dataset].add(need)
    return {id_: found[id_] for id_ in ids}


def met(needs: Collection[str]) -> set[str]:
    """Return those of these needs that a public dataset says it meets."""
    if not needs:
        return set()
    pairs = about.meeting().subquery()
    return set(model.Session.scalars(sa.select(pairs.c.need).where(pairs.c.need.in_(needs))))


def asking(needs: Collection[str]) -> list[str]:
    """Return the ids of the ideas that have these needs."""
    if not needs:
        return []
    query = sa.select(Link.subject.distinct()).where(
        Link.object.in_(needs), Link.predicate == str(Predicate.IDEA_DATA_NEED)
    )
    return sorted(model.Session.scalars(query))
