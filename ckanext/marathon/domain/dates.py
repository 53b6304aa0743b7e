"""Dates and times as Guatemalans, programs and spreadsheets write them, kept as ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.faults import N_
from ckanext.marathon.domain.texts import shown

# Guatemala has one time zone and no summer time.
GUATEMALA = timezone(timedelta(hours=-6))
EARLIEST, LATEST = 1800, 2200

_ISO = r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
_LOCAL = r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})"
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d{1,9})?)?"
_OFFSET = r"\s*(?P<offset>Z|z|[+-]\d{2}:?\d{2})?"
_FORMS = [re.compile(rf"{day}(?:[Tt ]\s*{_TIME}{_OFFSET})?") for day in (_ISO, _LOCAL)]
_DURATION = re.compile(
    r"P(?=.)(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?"
)


def day(value: Any) -> str:
    """Return a date as ``YYYY-MM-DD``; ``dd/mm/yyyy`` is read too, and a midnight is dropped.

    Raises:
        Malformed: it is no full date.
    """
    parts = _parts(value)
    if parts:
        moment = _moment(parts)
        if moment and not (moment.hour or moment.minute or moment.second):
            return moment.date().isoformat()
    raise Malformed(
        N_("“{value}” is not a date: write year-month-day, for example 2017-06-03, or 03/06/2017"),
        value=shown(value),
    )


def moment(value: Any) -> str:
    """Return a date and time with an offset, ``2016-10-17T09:00:00-06:00``.

    Without an offset it is Guatemala's. A date alone stays a date: where the hour is not known,
    none is made up.

    Raises:
        Malformed: it is no date, or the hour does not exist.
    """
    parts = _parts(value)
    found = _moment(parts) if parts else None
    if not parts or not found:
        raise Malformed(
            N_("“{value}” is not a date and time: for example 2016-10-17T09:00 or 17/10/2016 9:00"),
            value=shown(value),
        )
    if parts["hour"] is None:
        return found.date().isoformat()
    return found.isoformat(timespec="seconds")


def duration(value: Any) -> str:
    """Return an ISO 8601 duration such as ``P1Y`` or ``PT15M``.

    Raises:
        Malformed: it is none.
    """
    text = value.strip().upper() if isinstance(value, str) and len(value) < 60 else ""
    if not _DURATION.fullmatch(text):
        raise Malformed(
            N_("“{value}” is not a duration: write for example P1Y (a year), P1D (a day) or PT1H"),
            value=shown(value),
        )
    return text


def first_instant(text: str) -> datetime:
    """Return when a stored date or time begins, with its offset; a date begins in Guatemala."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=GUATEMALA)


def local_day(text: str) -> date:
    """Return the day on which a stored date or time falls in Guatemala."""
    return first_instant(text).astimezone(GUATEMALA).date()


def today() -> date:
    """Return the day it is in Guatemala."""
    return datetime.now(GUATEMALA).date()


def _parts(value: Any) -> dict[str, str | None] | None:
    if isinstance(value, datetime | date):
        value = value.isoformat()
    if not isinstance(value, str) or len(value) > 60:
        return None
    text = value.strip()
    found = next((match for form in _FORMS if (match := form.fullmatch(text))), None)
    return found.groupdict() if found and text.isascii() else None


def _moment(parts: dict[str, str | None]) -> datetime | None:
    numbers = [
        int(parts[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")
    ]
    if not EARLIEST <= numbers[0] <= LATEST:
        return None
    try:
        return datetime(*numbers, tzinfo=_offset(parts["offset"]))
    except ValueError:
        return None


def _offset(text: str | None) -> timezone:
    if text is None:
        return GUATEMALA
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if minutes > 59:
        raise ValueError(text)
    away = timedelta(hours=hours, minutes=minutes)
    return timezone(-away if text[0] == "-" else away)
