"""The workshops to which people of a place can still go."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import sqlalchemy as sa
from ckan import model

from ckanext.marathon.domain.agenda import ANNOUNCED
from ckanext.marathon.model import about, records
from ckanext.marathon.model.about import package
from ckanext.marathon.model.link import Link, Predicate


def workshops(codes: Collection[str], today: date, limit: int) -> list[model.Package]:
    """Return the next announced public workshops of these municipalities, soonest first."""
    if not codes:
        return []
    starts_at = package.extras["starts_at"].astext
    of_place = sa.select(Link.subject).where(
        Link.predicate == str(Predicate.WORKSHOP_MUNICIPALITY), Link.object.in_(codes)
    )
    query = (
        sa.select(model.Package)
        .where(
            package.id.in_(of_place),
            package.type == records.WORKSHOP,
            about.public(package),
            package.extras["status"].astext == ANNOUNCED,
            # Texts of ISO days sort as the days do.
            starts_at >= today.isoformat(),
        )
        .order_by(starts_at, package.id)
        .limit(limit)
    )
    return list(model.Session.scalars(query))
