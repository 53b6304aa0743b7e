"""What is to come, what is past, and which answers are still waited for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from ckanext.marathon.domain.dates import (
    GUATEMALA,
    Form,
    first_instant,
    kept,
    last_local_day,
    sort_key,
)

ANNOUNCED, HELD, CANCELLED = "announced", "held", "cancelled"
UNANSWERED = ("", "no_answer")


class Times(NamedTuple):
    """When a workshop is, as it is stored.

    Attributes:
        starts: a day (``2017-06-03``) or a moment with its offset, ``""`` if not known.
        ends: the same.
        status: ``announced``, ``held`` or ``cancelled``.
    """

    id: str
    starts: str
    ends: str
    status: str


class Agenda(NamedTuple):
    """Ids of workshops.

    Attributes:
        coming: those not over yet, the next one first.
        past: those that are over, the latest first.
        undated: those of which nobody said when.
    """

    coming: list[str]
    past: list[str]
    undated: list[str]


def arranged(workshops: Iterable[Times], today: date) -> Agenda:
    """Return workshops by when they are; what is held today is past already."""
    coming, past, undated = [], [], []
    for each in workshops:
        if not is_time(each.starts):
            undated.append(each.id)
        elif is_over(each, today):
            past.append((sort_key(each.starts), each.id))
        else:
            coming.append((sort_key(each.starts), each.id))
    return Agenda(
        coming=[id_ for _time, id_ in sorted(coming)],
        past=[id_ for _time, id_ in sorted(past, reverse=True)],
        undated=undated,
    )


def is_over(times: Times, today: date) -> bool:
    """Return whether a workshop is over; one without a date is not."""
    days = span(times.starts, times.ends)
    return days is not None and (times.status == HELD or days[1] < today)


def span(starts: str, ends: str) -> tuple[date, date] | None:
    """Return the first and the last day in Guatemala, ``None`` if there is no date."""
    if not is_time(starts):
        return None
    first = _day(starts)
    last = last_local_day(ends if is_time(ends) else starts)
    return first, max(first, last)


def is_time(text: str) -> bool:
    """Return whether a text is a date or moment; sites may have had anything in the field."""
    try:
        first_instant(text).astimezone(GUATEMALA)
    except ValueError:
        return False
    return True


def local(text: str) -> str:
    """Return a stored moment in Guatemala's time, and everything else as it is."""
    reading = kept(text)
    if reading is None or reading.form != Form.MOMENT:
        return text
    return first_instant(reading.text).astimezone(GUATEMALA).isoformat(timespec="seconds")


def has_passed(deadline: str, today: date) -> bool:
    """Return whether the last day of something is over; of ``2017`` it is the 31 December."""
    return bool(deadline) and is_time(deadline) and last_local_day(deadline) < today


def _day(text: str) -> date:
    return first_instant(text).astimezone(GUATEMALA).date()
