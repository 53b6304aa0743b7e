"""The data that ideas ask for: how many of each idea, and those that nobody has published."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import sqlalchemy as sa
from ckan import model

from ckanext.marathon.model import about
from ckanext.marathon.model.about import package
from ckanext.marathon.model.kept import until_a_change
from ckanext.marathon.records.record import Idea


class Asked(NamedTuple):
    """Data needs of an idea, and those that a public dataset meets."""

    needs: int
    met: int


def of_ideas(ids: Collection[str]) -> dict[str, Asked]:
    """Return idea id → what it asks for; public ideas alone that ask and were not given up."""
    if not ids:
        return {}
    needed = about.needed().subquery("needed")
    query = (
        sa.select(
            needed.c.idea, sa.func.count(), sa.func.count().filter(needed.c.is_met).label("met")
        )
        .where(needed.c.idea.in_(ids))
        .group_by(needed.c.idea)
    )
    return {idea: Asked(needs, met) for idea, needs, met in model.Session.execute(query)}


class UnmetNeed(NamedTuple):
    """A data need that no public dataset meets, and the idea that has it."""

    id: str
    what: str
    idea: Idea


def unmet(limit: int, kind: str = "", code: str = "") -> list[UnmetNeed]:
    """Return data needs of public ideas that no public dataset meets, newest idea first.

    How many there are in all, figures tell. Kept until a change.

    Args:
        limit: the most to return.
        kind: as in :func:`.figures.by`, for those of one place or problem; ``""`` for all.
        code: of the place or problem.
    """
    asked = (limit, kind, code)
    return until_a_change("unmet needs", asked, lambda: _unmet(limit, kind, code))


def _unmet(limit: int, kind: str, code: str) -> list[UnmetNeed]:
    needed = about.needed().subquery("needed")
    query = (
        sa.select(package.id, package.name, package.title, package.extras, needed.c.need)
        .join(needed, needed.c.idea == package.id)
        .where(~needed.c.is_met)
        .order_by(package.metadata_created.desc(), package.id, needed.c.need)
        .limit(limit)
    )
    if kind:
        query = query.where(package.id.in_(about.talks_about(kind, code)))
    rows: Any = model.Session.execute(query)
    return [
        UnmetNeed(row.need, idea.name_need(row.need), idea)
        for row in rows
        for idea in [Idea.from_stored(row)]
    ]
