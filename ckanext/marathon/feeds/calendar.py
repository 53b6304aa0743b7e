"""Workshops as an iCalendar file, to which calendar programs subscribe.

Source: RFC 5545 (iCalendar), RFC 7986 (NAME, REFRESH-INTERVAL, SOURCE).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

import icalendar

from ckanext.marathon.domain import workshop
from ckanext.marathon.domain.dates import GUATEMALA, find_first_instant, find_last_local_day
from ckanext.marathon.domain.texts import remove_hidden

MEDIA_TYPE = "text/calendar"
PRODUCT = "-//ckanext-marathon//Idea marathons//ES"
ZONE = "America/Guatemala"
REFRESH = timedelta(hours=6)
_DAY = timedelta(days=1)


class CalendarEvent(NamedTuple):
    """A workshop in a calendar.

    Attributes:
        iri: IRI of the workshop.
        url: address of its page.
        starts: a day or a moment, as stored.
        ends: a day or a moment, as stored; ``""`` if not known.
        point: latitude and longitude of the venue.
        created: when the record was created, in UTC and without an offset.
        modified: when the record was changed last, in UTC and without an offset.
        confirm_by: last day to confirm, ``""`` if there is none or it is over.
        confirm_title: title of the event for that day.
    """

    iri: str
    url: str
    title: str
    starts: str
    ends: str
    is_cancelled: bool
    location: str
    point: tuple[float, float] | None
    categories: tuple[str, ...]
    description: str
    created: datetime
    modified: datetime
    confirm_by: str
    confirm_title: str


def write_calendar(name: str, source: str, events: Iterable[CalendarEvent]) -> bytes:
    """Return a calendar.

    Args:
        name: name of the calendar.
        source: address of the calendar.
        events: workshops; those without a readable start are left out.
    """
    whole = icalendar.Calendar()
    whole.add("prodid", PRODUCT)
    whole.add("version", "2.0")
    whole.add("calscale", "GREGORIAN")
    whole.add("method", "PUBLISH")
    for known_as in ("name", "x-wr-calname"):
        # icalendar escapes only properties that it knows to be text, and NAME is not among them.
        whole.add(known_as, icalendar.vText(_line(name)))
    whole.add("x-wr-timezone", ZONE)
    whole.add("source", source, parameters={"VALUE": "URI"})
    whole.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    whole.add("x-published-ttl", icalendar.vDuration(REFRESH))
    whole.add_component(_zone())
    head, end = whole.to_ical(), b"END:VCALENDAR\r\n"
    known = (event for event in events if workshop.is_time(event.starts))
    return b"".join((head.removesuffix(end), *map(_written, known), end))


def make_uid(iri: str, part: str = "") -> str:
    """Return the ``UID`` of an event, made of the record's IRI, which never changes."""
    split = urlsplit(iri)
    return f"{split.path.rsplit('/', 1)[-1]}{part}@{split.hostname or 'localhost'}"


# Writing an event takes milliseconds, and subscribed programs request it often.
@lru_cache(maxsize=2_000)
def _written(event: CalendarEvent) -> bytes:
    written = _workshop(event).to_ical()
    return written + _deadline(event).to_ical() if workshop.is_time(event.confirm_by) else written


def _workshop(event: CalendarEvent) -> icalendar.Event:
    made = _base(event, make_uid(event.iri), event.title)
    first, last = _times(event.starts, event.ends)
    for name, when in (("dtstart", first), ("dtend", last)):
        if when is not None:
            in_zone = {"TZID": ZONE} if isinstance(when, datetime) else {}
            made.add(name, when, parameters=in_zone)
    made.add("status", "CANCELLED" if event.is_cancelled else "CONFIRMED")
    if event.location:
        made.add("location", _line(event.location))
    if event.point:
        made.add("geo", event.point)
    if event.categories:
        made.add("categories", [_line(category) for category in event.categories])
    made.add("description", _text(event.description))
    return made


def _deadline(event: CalendarEvent) -> icalendar.Event:
    """Return the last day to confirm, as an all-day event of its own."""
    made = _base(event, make_uid(event.iri, ".confirm"), event.confirm_title)
    day = find_last_local_day(event.confirm_by)
    made.add("dtstart", day)
    made.add("dtend", day + _DAY)
    made.add("status", "CONFIRMED")
    made.add("related-to", make_uid(event.iri))
    return made


def _base(event: CalendarEvent, identifier: str, title: str) -> icalendar.Event:
    created, modified = (moment.replace(tzinfo=UTC) for moment in (event.created, event.modified))
    made = icalendar.Event()
    made.add("uid", identifier)
    made.add("dtstamp", modified)
    made.add("created", created)
    made.add("last-modified", modified)
    # The number must grow with each change, and CKAN does not count changes.
    made.add("sequence", max(0, int((modified - created).total_seconds())))
    made.add("summary", _line(title))
    made.add("url", event.url)
    # The event does not make its reader busy: a subscriber need not take part.
    made.add("transp", "TRANSPARENT")
    return made


def _times(starts: str, ends: str) -> tuple[date | datetime, date | datetime | None]:
    """Return start and end of an event; an unknown end is ``None``.

    For days, the end is the day after the last. If only the start has an hour, the end is midnight
    after the last day, because RFC 5545 requires both to be of one type.
    """
    if "T" not in starts:
        days = workshop.find_day_span(starts, ends)
        assert days, "there is a start"
        return days[0], days[1] + _DAY
    first = _moment(starts)
    last = None
    if workshop.is_time(ends):
        over = datetime.combine(find_last_local_day(ends) + _DAY, time())
        last = _moment(ends) if "T" in ends else over
    return first, last if last and last > first else None


def _moment(text: str) -> datetime:
    """Return the local time in Guatemala without an offset; ``TZID`` has the zone."""
    return find_first_instant(text).astimezone(GUATEMALA).replace(tzinfo=None)


def _zone() -> icalendar.Timezone:
    """Return Guatemala's time zone: UTC-6, since 2006 without summer time."""
    zone = icalendar.Timezone()
    zone.add("tzid", ZONE)
    standard = icalendar.TimezoneStandard()
    standard.add("dtstart", datetime(1970, 1, 1))
    offset = GUATEMALA.utcoffset(None)
    standard.add("tzoffsetfrom", offset)
    standard.add("tzoffsetto", offset)
    standard.add("tzname", "CST")
    zone.add_component(standard)
    return zone


def _line(text: str) -> str:
    return " ".join(_text(text).split())


def _text(text: str) -> str:
    """Return a text without characters that iCalendar does not allow."""
    lines = remove_hidden(text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        character
        for character in lines
        if character == "\n" or unicodedata.category(character) != "Cc"
    )
