"""Public commitments, and the public things that prove them."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from ckan import model

from ckanext.marathon import visibility
from ckanext.marathon.model import records
from ckanext.marathon.model.about import package
from ckanext.marathon.records.record import Commitment

# An action plan has some twenty.
MOST = 100


def list_public() -> list[Commitment]:
    """Return the public commitments, by title."""
    query = (
        sa.select(model.Package)
        .where(visibility.filter_public(package), package.type == records.COMMITMENT)
        .order_by(package.title, package.id)
        .limit(MOST)
    )
    return [Commitment.from_stored(row) for row in model.Session.scalars(query)]


def evidence(references: Collection[str], types: Collection[str]) -> dict[str, model.Package]:
    """Return reference → public thing, of the names and ids that are things of these types."""
    if not references:
        return {}
    query = sa.select(model.Package).where(
        visibility.filter_public(package),
        package.type.in_(types),
        sa.or_(package.id.in_(references), package.name.in_(references)),
    )
    found = list(model.Session.scalars(query))
    return {each.name: each for each in found} | {each.id: each for each in found}
