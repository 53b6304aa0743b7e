"""Public commitments, and the public things that prove them."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from ckan import model

from ckanext.marathon import visibility
from ckanext.marathon.model import package
from ckanext.marathon.model.link import PACKAGE
from ckanext.marathon.records.record import Commitment

# An action plan has some twenty.
MOST = 100


def list_public_commitments() -> list[Commitment]:
    """Return the public commitments, by title."""
    query = (
        sa.select(model.Package)
        .where(visibility.filter_public(PACKAGE), PACKAGE.type == package.COMMITMENT)
        .order_by(PACKAGE.title, PACKAGE.id)
        .limit(MOST)
    )
    return [Commitment.from_stored(row) for row in model.Session.scalars(query)]


def find_evidence(references: Collection[str], types: Collection[str]) -> dict[str, model.Package]:
    """Return reference → public thing, of the names and ids that are things of these types."""
    if not references:
        return {}
    query = sa.select(model.Package).where(
        visibility.filter_public(PACKAGE),
        PACKAGE.type.in_(types),
        sa.or_(PACKAGE.id.in_(references), PACKAGE.name.in_(references)),
    )
    found = list(model.Session.scalars(query))
    return {each.name: each for each in found} | {each.id: each for each in found}
