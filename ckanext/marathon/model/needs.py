"""How many data each idea asks for, and how many of them there are."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import sqlalchemy as sa
from ckan import model

from ckanext.marathon.model import about


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
