"""The days that a report speaks of, as readers ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from ckanext.marathon.domain import dates
from ckanext.marathon.domain.dates import GUATEMALA
from ckanext.marathon.domain.errors import Malformed, MarathonError
from ckanext.marathon.domain.faults import N_, Fault

FIRST, LAST = "from", "to"


class Unclear(MarathonError):
    """A period that cannot be read.

    Attributes:
        faults: what is wrong, by field.
    """

    def __init__(self, faults: Mapping[str, Fault]) -> None:
        super().__init__("; ".join(map(str, faults.values())))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Period:
    """Days in Guatemala, both ends included.

    Attributes:
        first: ``None`` is since the beginning.
    """

    first: date | None
    last: date

    def has(self, day: date) -> bool:
        """Return whether a day is one of them."""
        return (self.first is None or self.first <= day) and day <= self.last

    @property
    def starts(self) -> datetime | None:
        """The moment at which it begins, in UTC."""
        return _midnight(self.first) if self.first else None

    @property
    def ends(self) -> datetime:
        """The moment at which it is over, in UTC."""
        return _midnight(self.last + timedelta(days=1))


def read(first: str, last: str, today: date) -> Period:
    """Return the period between two days as people write them; "" is open, until today.

    Raises:
        Unclear: one of them is no day, or the first is after the last.
    """
    found: dict[str, date] = {}
    faults: dict[str, Fault] = {}
    for field, text in ((FIRST, first), (LAST, last)):
        try:
            if text.strip():
                found[field] = date.fromisoformat(dates.read_day(text).text)
        except Malformed as error:
            faults[field] = error.fault
    period = Period(found.get(FIRST), found.get(LAST, today))
    if not faults and period.first and period.first > period.last:
        message = N_("The period ends before it begins: {first} is after {last}")
        values = {"first": period.first.isoformat(), "last": period.last.isoformat()}
        faults[FIRST] = Fault(message, values)
    if faults:
        raise Unclear(faults)
    return period


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), GUATEMALA).astimezone(UTC)
