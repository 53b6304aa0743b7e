"""Parsing dates, times and periods of people, programs and spreadsheets into ISO 8601.

The site accepts these notations of a date in forms, the API, imports and harvests:

| written | stored | |
|---|---|---|
| ``2024`` | ``2024`` | a year stays a year |
| ``2024-05`` | ``2024-05`` | a month stays a month |
| ``2024-05-06`` | ``2024-05-06`` | a day stays a day, without a zone |
| ``2024-05-06T10:00:00`` | ``2024-05-06T10:00:00-06:00`` | Guatemala's time without an offset |
| ``2024-05-06T16:00:00Z`` | ``2024-05-06T16:00:00+00:00`` | a time with an offset |
| ``06/05/2024``, ``6-5-2024``, ``6.5.2024`` | ``2024-05-06`` | day/month/year, with a notice |
| ``05/2024``, ``2024/05/06``, ``2024-5-6`` | ``2024-05``, ``2024-05-06`` | with a notice |

The module also has readers for fields that accept only some of these forms, functions that compute
with stored dates, and the period of a report.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from typing import Any, NamedTuple

from ckanext.marathon.domain.errors import N_, Fault, Malformed, MarathonError
from ckanext.marathon.domain.texts import quote_value

# Guatemala has one time zone and no summer time.
GUATEMALA = timezone(timedelta(hours=-6))
# Other years are typing errors (0217, 20177) or no years.
EARLIEST, LATEST = 1000, 2200
# Source: XML Schema 1.1 part 2, timezone fragments.
_FARTHEST = timedelta(hours=14)
_DAY = timedelta(days=1)


class DateForm(StrEnum):
    """The precision of a date."""

    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    MOMENT = "moment"


class DateReading(NamedTuple):
    """A parsed date.

    Attributes:
        text: ISO 8601: a year, month or day without a zone, or a moment with its offset.
        form: the precision.
        is_repaired: whether the person must get a notice, because the date was written in another
            notation or lost its zone.
    """

    text: str
    form: DateForm
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
        (DateForm.YEAR, rf"(?P<year>\d{{4}}){_DAY_ZONE}"),
        (DateForm.MONTH, rf"(?P<year>\d{{4}})[-/](?P<month>\d{{1,2}}){_DAY_ZONE}"),
        (DateForm.MONTH, r"(?P<month>\d{1,2})[-/](?P<year>\d{4})"),
        (DateForm.DAY, rf"{_ISO_DAY}{_DAY_ZONE}"),
        (DateForm.DAY, _LOCAL_DAY),
        (DateForm.MOMENT, rf"{_ISO_DAY}{_TIME}"),
        (DateForm.MOMENT, rf"{_LOCAL_DAY}{_TIME}"),
    )
)
_STRICT_DAY = re.compile(r"\d{4}(?:-\d{2}){0,2}")


def read_date(value: object) -> DateReading:
    """Parse a date in any of the notations.

    Args:
        value: text, a year as a number, or a ``date`` or ``datetime`` from YAML or a spreadsheet.

    Raises:
        Malformed: the value is no date, does not exist (a 31 June), or its year is not accepted.
    """
    found = _match(value)
    if found is None:
        raise Malformed(
            N_(
                "“{value}” is not a date: write a year (2024), a month (2024-05), a day "
                "(2024-05-06 or 06/05/2024) or a day and its hour (2024-05-06 10:00)"
            ),
            value=quote_value(value),
        )
    form, parts, text = found
    reading = _reading(form, parts, text)
    if reading is None:
        raise Malformed(
            N_(
                "“{value}” does not exist: there is no such day, month or hour. A day is written "
                "year-month-day (2024-05-06) or day/month/year (06/05/2024)"
            ),
            value=quote_value(value),
        )
    return reading


def _match(value: Any) -> tuple[DateForm, dict[str, str | None], str] | None:
    """Return the form of a text that looks like a date, its parts, and the text; else ``None``."""
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


def _reading(form: DateForm, parts: dict[str, str | None], text: str) -> DateReading | None:
    year, month, day_ = (int(parts.get(name) or 1) for name in ("year", "month", "day"))
    _check_year(year, text)
    try:
        first = date(year, month, day_)
    except ValueError:
        return None
    if form != DateForm.MOMENT:
        length = {DateForm.YEAR: 4, DateForm.MONTH: 7, DateForm.DAY: 10}[form]
        return DateReading(first.isoformat()[:length], form, not _STRICT_DAY.fullmatch(text))
    found = _moment(first, parts)
    if found is None:
        return None
    # 24:00 is the next day, and in another zone the year may be another.
    for zone in (found.tzinfo, GUATEMALA):
        _check_year(found.astimezone(zone).year, text)
    return DateReading(_written(found), form, not text.startswith(first.isoformat()))


def _check_year(year: int, text: str) -> None:
    if not EARLIEST <= year <= LATEST:
        raise Malformed(
            N_("“{value}”: years from {earliest} to {latest} are accepted, in Guatemala's time"),
            value=quote_value(text),
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
    """Return ISO 8601 to the second, with a fraction if it is not zero."""
    text = moment_.isoformat()
    if not moment_.microsecond:
        return text
    seconds, fraction = text[:19], f"{moment_.microsecond:06}".rstrip("0")
    return f"{seconds}.{fraction}{text[26:]}"


_SPREADSHEET_MIDNIGHT = time()
_ONE_DAY = timedelta(days=1)
_DURATION = re.compile(
    r"P(?=.)(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?"
)


def read_day(value: object) -> DateReading:
    """Parse a full date; the midnight that spreadsheets add is dropped.

    Raises:
        Malformed: the value is no date, or has no day, or has an hour.
    """
    reading = read_date(value)
    if reading.form == DateForm.MOMENT:
        moment = datetime.fromisoformat(reading.text)
        if moment.time() == _SPREADSHEET_MIDNIGHT:
            return DateReading(moment.date().isoformat(), DateForm.DAY, reading.is_repaired)
    if reading.form != DateForm.DAY:
        raise Malformed(
            N_(
                "“{value}” is not a day, which is needed here: write year-month-day, for example "
                "2017-06-03, or 03/06/2017"
            ),
            value=quote_value(value),
        )
    return reading


def read_moment(value: object) -> DateReading:
    """Parse a full date with or without an hour.

    Raises:
        Malformed: the value is no date, or has no day, or does not exist.
    """
    reading = read_date(value)
    if reading.form not in {DateForm.DAY, DateForm.MOMENT}:
        raise Malformed(
            N_(
                "“{value}” does not say the day, which is needed here: write for example "
                "2016-10-17, 2016-10-17T09:00 or 17/10/2016 9:00"
            ),
            value=quote_value(value),
        )
    return reading


def read_duration(value: object) -> str:
    """Parse an ISO 8601 duration such as ``P1Y`` or ``PT15M``.

    Raises:
        Malformed: the value is not a duration.
    """
    text = value.strip().upper() if isinstance(value, str) and len(value) < 60 else ""
    if not _DURATION.fullmatch(text):
        raise Malformed(
            N_("“{value}” is not a duration: write for example P1Y (a year), P1D (a day) or PT1H"),
            value=quote_value(value),
        )
    return text


def read_stored_date(value: object) -> DateReading | None:
    """Return a stored date, parsed; ``None`` if the value is not a date.

    Records that are older than the plugin may have any text in a field.
    """
    try:
        return read_date(value)
    except Malformed:
        return None


def normalize_stored_date(value: object) -> str:
    """Return a stored date in its normal form, "" if it is malformed."""
    reading = read_stored_date(value)
    return reading.text if reading else ""


def find_first_instant(text: str) -> datetime:
    """Return the first instant of a stored date; years, months and days are Guatemala's.

    Raises:
        ValueError: the text is not a date.
    """
    reading = _stored(text)
    if reading.form == DateForm.MOMENT:
        return datetime.fromisoformat(reading.text)
    return datetime.combine(_first_day(reading.text), time(), GUATEMALA)


def find_last_instant(text: str) -> datetime:
    """Return the last instant of a stored date; years, months and days are Guatemala's.

    Raises:
        ValueError: the text is not a date.
    """
    reading = _stored(text)
    if reading.form == DateForm.MOMENT:
        return datetime.fromisoformat(reading.text)
    after = datetime.combine(_last_day(reading.text) + _ONE_DAY, time(), GUATEMALA)
    return after - timedelta(microseconds=1)


def find_local_day(text: str) -> date:
    """Return the day in Guatemala of a stored date; the first day of a year or month.

    Raises:
        ValueError: the text is not a date.
    """
    return find_first_instant(text).astimezone(GUATEMALA).date()


def find_last_local_day(text: str) -> date:
    """Return the last day in Guatemala of a stored date, for example 31 December of ``2018``.

    Raises:
        ValueError: the text is not a date.
    """
    return find_last_instant(text).astimezone(GUATEMALA).date()


def make_date_sort_key(text: str) -> tuple[date, timedelta]:
    """Return a key that sorts stored dates by their first instant in Guatemala.

    A day without an hour sorts before its hours, and values that are not dates before all dates.
    The texts do not sort in this way: in Guatemala, ``2017-06-03T01:00:00+00:00`` is the second of
    June.
    """
    reading = read_stored_date(text)
    if reading is None:
        return date.min, timedelta(0)
    moment = find_first_instant(reading.text).astimezone(GUATEMALA)
    if reading.form != DateForm.MOMENT:
        return moment.date(), timedelta(-1)
    return moment.date(), timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second)


def drop_hour(text: str) -> str:
    """Return the day in Guatemala of a stored instant; any other text is returned unchanged."""
    reading = read_stored_date(text)
    if reading is None:
        return text
    return (
        find_local_day(reading.text).isoformat()
        if reading.form == DateForm.MOMENT
        else reading.text
    )


def get_today() -> date:
    """Return the present day in Guatemala."""
    return datetime.now(GUATEMALA).date()


def _stored(text: str) -> DateReading:
    try:
        return read_date(text)
    except Malformed as error:
        raise ValueError(text) from error


def _first_day(text: str) -> date:
    year, month, day_ = (*map(int, text.split("-")), 1, 1)[:3]
    return date(year, month, day_)


def _last_day(text: str) -> date:
    year, *rest = map(int, text.split("-"))
    month = rest[0] if rest else 12
    return date(year, month, rest[1] if len(rest) > 1 else monthrange(year, month)[1])


FIRST_PARAMETER, LAST_PARAMETER = "from", "to"


class UnclearPeriod(MarathonError):
    """A period is malformed.

    Attributes:
        faults: parameter → fault.
    """

    def __init__(self, faults: Mapping[str, Fault]) -> None:
        super().__init__("; ".join(map(str, faults.values())))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Period:
    """A period of days in Guatemala, both ends included.

    Attributes:
        first: the first day; ``None`` for a period without a beginning.
    """

    first: date | None
    last: date

    def has(self, day: date) -> bool:
        """Return whether a day is in the period."""
        return (self.first is None or self.first <= day) and day <= self.last

    @property
    def starts(self) -> datetime | None:
        """The first instant, in UTC; ``None`` for a period without a beginning."""
        return _midnight(self.first) if self.first else None

    @property
    def ends(self) -> datetime:
        """The first instant after the period, in UTC."""
        return _midnight(self.last + timedelta(days=1))


def read_period(first: str, last: str, today: date) -> Period:
    """Parse a period from two days.

    Args:
        first: first day; "" for a period without a beginning.
        last: last day; "" for ``today``.
        today: the present day in Guatemala.

    Raises:
        UnclearPeriod: a day is malformed, or the first is after the last.
    """
    found: dict[str, date] = {}
    faults: dict[str, Fault] = {}
    for field, text in ((FIRST_PARAMETER, first), (LAST_PARAMETER, last)):
        try:
            if text.strip():
                found[field] = date.fromisoformat(read_day(text).text)
        except Malformed as error:
            faults[field] = error.fault
    period = Period(found.get(FIRST_PARAMETER), found.get(LAST_PARAMETER, today))
    if not faults and period.first and period.first > period.last:
        message = N_("The period ends before it begins: {first} is after {last}")
        values = {"first": period.first.isoformat(), "last": period.last.isoformat()}
        faults[FIRST_PARAMETER] = Fault(message, values)
    if faults:
        raise UnclearPeriod(faults)
    return period


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), GUATEMALA).astimezone(UTC)
