"""Dates of a record: which of the forms of ``date_forms.py`` a field takes, and what they mean."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime, time, timedelta
from typing import Any

from ckanext.marathon.domain.date_forms import GUATEMALA, Form, Reading, read
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.faults import N_
from ckanext.marathon.domain.texts import shown

__all__ = [
    "GUATEMALA",
    "Form",
    "Reading",
    "duration",
    "first_instant",
    "kept",
    "last_instant",
    "last_local_day",
    "local_day",
    "read",
    "read_day",
    "read_moment",
    "readable",
    "sort_key",
    "today",
    "without_hour",
]

_SPREADSHEET_MIDNIGHT = time()
_DAY = timedelta(days=1)
_DURATION = re.compile(
    r"P(?=.)(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?"
)


def read_day(value: Any) -> Reading:
    """Return a full date; a spreadsheet's midnight is dropped.

    Raises:
        Malformed: it is no date, or no full one.
    """
    reading = read(value)
    if reading.form == Form.MOMENT:
        moment = datetime.fromisoformat(reading.text)
        if moment.time() == _SPREADSHEET_MIDNIGHT:
            return Reading(moment.date().isoformat(), Form.DAY, reading.is_repaired)
    if reading.form != Form.DAY:
        raise Malformed(
            N_(
                "“{value}” is not a day, which is needed here: write year-month-day, for example "
                "2017-06-03, or 03/06/2017"
            ),
            value=shown(value),
        )
    return reading


def read_moment(value: Any) -> Reading:
    """Return a date and time, or a full date: where the hour is not known, none is made up.

    Raises:
        Malformed: it is no date, or a year or month only, or the hour does not exist.
    """
    reading = read(value)
    if reading.form not in {Form.DAY, Form.MOMENT}:
        raise Malformed(
            N_(
                "“{value}” does not say the day, which is needed here: write for example "
                "2016-10-17, 2016-10-17T09:00 or 17/10/2016 9:00"
            ),
            value=shown(value),
        )
    return reading


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


def kept(value: Any) -> Reading | None:
    """Return a stored date as it is understood; ``None`` for what is none.

    Fields of older records may hold anything; nothing but what :func:`read` takes has a meaning.
    """
    try:
        return read(value)
    except Malformed:
        return None


def readable(value: Any) -> str:
    """Return a stored date as it is understood, "" for what is none: it is said of it elsewhere."""
    reading = kept(value)
    return reading.text if reading else ""


def first_instant(text: str) -> datetime:
    """Return when a stored date begins, with its offset; years, months and days in Guatemala.

    Raises:
        ValueError: it is no date.
    """
    reading = _stored(text)
    if reading.form == Form.MOMENT:
        return datetime.fromisoformat(reading.text)
    return datetime.combine(_first_day(reading.text), time(), GUATEMALA)


def last_instant(text: str) -> datetime:
    """Return when a stored date ends, with its offset; a moment ends when it begins.

    Raises:
        ValueError: it is no date.
    """
    reading = _stored(text)
    if reading.form == Form.MOMENT:
        return datetime.fromisoformat(reading.text)
    after = datetime.combine(_last_day(reading.text) + _DAY, time(), GUATEMALA)
    return after - timedelta(microseconds=1)


def local_day(text: str) -> date:
    """Return the day in Guatemala of a stored date; of a year or month its first.

    Raises:
        ValueError: it is no date.
    """
    return first_instant(text).astimezone(GUATEMALA).date()


def last_local_day(text: str) -> date:
    """Return the last day in Guatemala of a stored date: of ``2018`` the 31 December.

    Raises:
        ValueError: it is no date.
    """
    return last_instant(text).astimezone(GUATEMALA).date()


def sort_key(text: str) -> tuple[date, timedelta]:
    """Return what sorts stored dates by when they begin in Guatemala.

    A day without an hour comes before its hours, and what is no date before all dates. The texts
    themselves do not sort so: ``2017-06-03T01:00:00+00:00`` is still the second of June.
    """
    reading = kept(text)
    if reading is None:
        return date.min, timedelta(0)
    moment = first_instant(reading.text).astimezone(GUATEMALA)
    if reading.form != Form.MOMENT:
        return moment.date(), timedelta(-1)
    return moment.date(), timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second)


def without_hour(text: str) -> str:
    """Return a stored year, month or day as it is, of a moment its day in Guatemala.

    What is no date is returned as it is: nobody knows better than who wrote it.
    """
    reading = kept(text)
    if reading is None:
        return text
    return local_day(reading.text).isoformat() if reading.form == Form.MOMENT else reading.text


def today() -> date:
    """Return the day it is in Guatemala."""
    return datetime.now(GUATEMALA).date()


def _stored(text: str) -> Reading:
    try:
        return read(text)
    except Malformed as error:
        raise ValueError(text) from error


def _first_day(text: str) -> date:
    year, month, day_ = (*map(int, text.split("-")), 1, 1)[:3]
    return date(year, month, day_)


def _last_day(text: str) -> date:
    year, *rest = map(int, text.split("-"))
    month = rest[0] if rest else 12
    return date(year, month, rest[1] if len(rest) > 1 else monthrange(year, month)[1])
