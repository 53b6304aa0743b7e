"""Public commitments: how far they are, and the public records that prove them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date

import sqlalchemy as sa
from ckan import model

from ckanext.marathon import visibility
from ckanext.marathon.domain.workshop import has_day_passed
from ckanext.marathon.model import package
from ckanext.marathon.model.link import PACKAGE
from ckanext.marathon.records import Commitment
from ckanext.marathon.vocabulary.statuses import MILESTONE_STATUS

COMPLETED = "completed"


def is_milestone_overdue(status: str, due: str, today: date) -> bool:
    """Return whether the day by which a milestone was due is over and it is not completed."""
    return status != COMPLETED and has_day_passed(due, today)


def count_milestones_by_status(found: Iterable[str]) -> dict[str, int]:
    """Count milestones by status, the most advanced status first.

    ``""`` counts those of which no status is recorded; what none has is left out.
    """
    known = MILESTONE_STATUS.codes
    counted = Counter(status if status in known else "" for status in found)
    return {code: counted[code] for code in (*reversed(known), "") if counted[code]}


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
    """Return public records of these types by the name or id by which they are referred to."""
    if not references:
        return {}
    query = sa.select(model.Package).where(
        visibility.filter_public(PACKAGE),
        PACKAGE.type.in_(types),
        sa.or_(PACKAGE.id.in_(references), PACKAGE.name.in_(references)),
    )
    found = list(model.Session.scalars(query))
    return {each.name: each for each in found} | {each.id: each for each in found}
