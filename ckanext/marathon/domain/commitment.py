"""How far a commitment is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date

from ckanext.marathon.domain.workshop import has_day_passed
from ckanext.marathon.vocabulary.statuses import MILESTONE_STATUS

COMPLETED = "completed"


def is_milestone_overdue(status: str, due: str, today: date) -> bool:
    """Return whether the day by which a milestone was due is over and it is not completed."""
    return status != COMPLETED and has_day_passed(due, today)


def count_milestones_by_status(found: Iterable[str]) -> dict[str, int]:
    """Return how many milestones, given by their statuses, have each one, the furthest first.

    ``""`` counts those of which no status is recorded; what none has is left out.
    """
    known = MILESTONE_STATUS.codes
    counted = Counter(status if status in known else "" for status in found)
    return {code: counted[code] for code in (*reversed(known), "") if counted[code]}
