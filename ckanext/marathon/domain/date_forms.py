"""Dates and times as Guatemalans, programs and spreadsheets write them, kept as ISO 8601.

These are all forms of a date that the site takes, from a form, the API, an import or a harvest:

| written | kept | |
|---|---|---|
| ``2024`` | ``2024`` | a year stays a year |
| ``2024-05`` | ``2024-05`` | a month stays a month |
| ``2024-05-06`` | ``2024-05-06`` | a day stays a day, without a zone |
| ``2024-05-06T10:00:00`` | ``2024-05-06T10:00:00-06:00`` | without an offset it is Guatemala's |
| ``2024-05-06T16:00:00Z`` | ``2024-05-06T16:00:00+00:00`` | with one, that instant |
| ``06/05/2024``, ``6-5-2024``, ``6.5.2024`` | ``2024-05-06`` | day/month/year, told in a notice |
| ``05/2024``, ``2024/05/06``, ``2024-5-6`` | ``2024-05``, ``2024-05-06`` | likewise |
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from typing import Any, NamedTuple

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.faults import N_
from ckanext.marathon.domain.texts import shown

# Guatemala has one time zone and no summer time.
GUATEMALA = timezone(timedelta(hours=-6))
# Other years are slips: 0217, 20177, or a number of something else.
EARLIEST, LATEST = 1000, 2200
# Source: XML Schema 1.1 part 2, timezone fragments.
_FARTHEST = timedelta(hours=14)
_DAY = timedelta(days=1)


class Form(StrEnum):
    """How exact a date is."""

    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    MOMENT = "moment"


class Reading(NamedTuple):
    """A date as it is kept.

    Attributes:
        text: ISO 8601: a year, month or day without a zone, or a moment with its offset.
        form: how exact it is.
        is_repaired: it was written in a way that others could read in another way, or lost
            something: the person who sent it is told.
    """

    text: str
    form: Form
    is_repaired: bool


_ZONE = r"(?P<offset>Z|z|[+-]\d{2}(?::?\d{2})?)?"
# A year with a zone (XML Schema) must not be taken for a month.
_DAY_ZONE = r"(?P<zone>Z|z|[+-]\d{2}:\d{2})?"
_TIME = (
    r"(?:[Tt]|\s+)\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})"
    rf"(?::(?P<second>\d{{2}})(?:\.(?P<fraction>\d{{1,9}}))?)?\s*{_ZONE}"
)
_ISO_DAY = r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})"
_LOCAL_DAY = r"(?P<day>\d{1,2})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<year>\d{4})"
_FORMS = tuple(
    (form, re.compile(pattern))
    for form, pattern in (
        (Form.YEAR, rf"(?P<year>\d{{4}}){_DAY_ZONE}"),
        (Form.MONTH, rf"(?P<year>\d{{4}})[-/](?P<month>\d{{1,2}}){_DAY_ZONE}"),
        (Form.MONTH, r"(?P<month>\d{1,2})[-/](?P<year>\d{4})"),
        (Form.DAY, rf"{_ISO_DAY}{_DAY_ZONE}"),
        (Form.DAY, _LOCAL_DAY),
        (Form.MOMENT, rf"{_ISO_DAY}{_TIME}"),
        (Form.MOMENT, rf"{_LOCAL_DAY}{_TIME}"),
    )
)
_STRICT_DAY = re.compile(r"\d{4}(?:-\d{2}){0,2}")


def read(value: Any) -> Reading:
    """Return a date in any of the forms.

    Args:
        value: text, a year as a number, or a date of Python's, as YAML and spreadsheets give them.

    Raises:
        Malformed: it is in none of them, there is no such day, month or hour, or its year is none
            that is accepted.
    """
    found = _match(value)
    if found is None:
        raise Malformed(
            N_(
                "“{value}” is not a date: write a year (2024), a month (2024-05), a day "
                "(2024-05-06 or 06/05/2024) or a day and its hour (2024-05-06 10:00)"
            ),
            value=shown(value),
        )
    form, parts, text = found
    reading = _reading(form, parts, text)
    if reading is None:
        raise Malformed(
            N_(
                "“{value}” does not exist: there is no such day, month or hour. A day is written "
                "year-month-day (2024-05-06) or day/month/year (06/05/2024)"
            ),
            value=shown(value),
        )
    return reading


def _match(value: Any) -> tuple[Form, dict[str, str | None], str] | None:
    """Return form and parts of a text that looks like a date, and the text."""
    if isinstance(value, datetime | date):
        value = value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > 60 or not value.isascii():
        return None
    text = value.strip()
    for form, pattern in _FORMS:
        match = pattern.fullmatch(text)
        if match:
            return form, match.groupdict(), text
    return None


def _reading(form: Form, parts: dict[str, str | None], text: str) -> Reading | None:
    year, month, day_ = (int(parts.get(name) or 1) for name in ("year", "month", "day"))
    _check_year(year, text)
    try:
        first = date(year, month, day_)
    except ValueError:
        return None
    if form != Form.MOMENT:
        length = {Form.YEAR: 4, Form.MONTH: 7, Form.DAY: 10}[form]
        return Reading(first.isoformat()[:length], form, not _STRICT_DAY.fullmatch(text))
    found = _moment(first, parts)
    if found is None:
        return None
    # 24:00 is of the next day, and another zone may have another year.
    for zone in (found.tzinfo, GUATEMALA):
        _check_year(found.astimezone(zone).year, text)
    return Reading(_written(found), form, not text.startswith(first.isoformat()))


def _check_year(year: int, text: str) -> None:
    if not EARLIEST <= year <= LATEST:
        raise Malformed(
            N_("“{value}”: years from {earliest} to {latest} are accepted, in Guatemala's time"),
            value=shown(text),
            earliest=EARLIEST,
            latest=LATEST,
        )


def _moment(day_: date, parts: dict[str, str | None]) -> datetime | None:
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    fraction = int((parts["fraction"] or "0").ljust(6, "0")[:6])
    # Source: XML Schema 1.1 part 2, 24:00:00 is the first instant of the next day.
    if hour == 24 and not (minute or second or fraction):
        day_, hour = day_ + _DAY, 0
    try:
        zone = _offset(parts["offset"])
        return datetime.combine(day_, time(hour, minute, second, fraction), zone)
    except ValueError:
        return None


def _offset(text: str | None) -> timezone:
    if text is None:
        return GUATEMALA
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[3:].removeprefix(":") or 0)
    away = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or away > _FARTHEST:
        raise ValueError(text)
    return timezone(-away if text[0] == "-" else away)


def _written(moment_: datetime) -> str:
    """Return ISO 8601 to the second, and with the fraction of it where there is one."""
    text = moment_.isoformat()
    if not moment_.microsecond:
        return text
    seconds, fraction = text[:19], f"{moment_.microsecond:06}".rstrip("0")
    return f"{seconds}.{fraction}{text[26:]}"
