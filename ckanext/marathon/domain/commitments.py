"""How far a commitment is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from ckanext.marathon.domain.agenda import has_passed
from ckanext.marathon.vocabulary.statuses import MILESTONE_STATUS

COMPLETED = "completed"


def is_overdue(milestone: Mapping[str, Any], today: date) -> bool:
    """Return whether the day by which it was due is over and it is not completed."""
    return milestone.get("status") != COMPLETED and has_passed(milestone.get("due") or "", today)


def progress(milestones: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many milestones have each status, the furthest first.

    ``""`` counts those of which no status is recorded; what none has is left out.
    """
    known = MILESTONE_STATUS.codes
    counted = Counter(
        status if (status := each.get("status") or "") in known else "" for each in milestones
    )
    return {code: counted[code] for code in (*reversed(known), "") if counted[code]}
