"""Rules for workshops, masking of participant counts, and the agenda.

Small counts are masked for outsiders. Masking follows the usual threshold rule of statistical
offices: no count under 5, and none from which such a count could be computed by subtraction.

The agenda has coming, past and undated workshops.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple, cast

from ckanext.marathon.domain import privacy
from ckanext.marathon.domain.dates import (
    GUATEMALA,
    DateForm,
    find_first_instant,
    find_last_local_day,
    find_local_day,
    make_date_sort_key,
    normalize_stored_date,
    read_stored_date,
)
from ckanext.marathon.domain.errors import N_, Fault, FieldFault, Path, make_fault

TOTAL_FIELD = "participants"
SEXES = ("participants_women", "participants_men")
GROUPS = (*SEXES, "participants_youth", "participants_indigenous")
COUNT_FIELDS = (TOTAL_FIELD, *GROUPS)

SMALLEST_SHOWN = 5

Counts = Mapping[str, int | None]


class Masked(NamedTuple):
    """Counts as outsiders see them (``None``: masked or not recorded), and the masked fields."""

    counts: dict[str, int | None]
    masked: list[str]


def check_counts(counts: Counts) -> list[FieldFault]:
    """Return a fault for each group that is larger than the number of participants."""
    total = counts.get(TOTAL_FIELD)
    if total is None:
        return []
    faults = [
        make_fault(
            group, N_("{count} is more than the {total} participants"), count=part, total=total
        )
        for group in GROUPS
        if (part := counts.get(group)) is not None and part > total
    ]
    women, men = (counts.get(sex) for sex in SEXES)
    if not faults and women is not None and men is not None and women + men > total:
        faults += [
            make_fault(
                TOTAL_FIELD,
                N_("{women} women and {men} men are more than the {total} participants"),
                women=women,
                men=men,
                total=total,
            )
        ]
    return faults


def mask_counts(counts: Counts) -> Masked:
    """Return the counts as outsiders may see them."""
    known = {name: value for name in COUNT_FIELDS if (value := counts.get(name)) is not None}
    total = known.get(TOTAL_FIELD)
    masked = {name for name, value in known.items() if value < SMALLEST_SHOWN}
    if total is not None and TOTAL_FIELD not in masked:
        # A number of women that is the total minus one shows that there was one man.
        masked |= {
            name for name in GROUPS if name in known and 0 < total - known[name] < SMALLEST_SHOWN
        }
        if masked.intersection(SEXES):
            masked |= known.keys() & set(SEXES)
    shown = {name: None if name in masked else known.get(name) for name in COUNT_FIELDS}
    return Masked(shown, [name for name in COUNT_FIELDS if name in masked])


ANNOUNCED, HELD, CANCELLED = "announced", "held", "cancelled"
UNANSWERED = ("", "no_answer")


class WorkshopTimes(NamedTuple):
    """The stored times of a workshop.

    Attributes:
        starts: a day (``2017-06-03``) or a moment with its offset, ``""`` if not known; so is
            ``ends``.
        status: ``announced``, ``held`` or ``cancelled``.
    """

    id: str
    starts: str
    ends: str
    status: str


class Agenda(NamedTuple):
    """Ids of workshops.

    Attributes:
        coming: workshops that are not over, the next one first.
        past: workshops that are over, the latest first.
        undated: workshops without a date.
    """

    coming: list[str]
    past: list[str]
    undated: list[str]


def arrange_workshops(workshops: Iterable[WorkshopTimes], today: date) -> Agenda:
    """Sort workshops into coming, past and undated; a workshop held today is past."""
    coming: list[tuple[tuple[date, timedelta], str]] = []
    past: list[tuple[tuple[date, timedelta], str]] = []
    undated: list[str] = []
    for workshop in workshops:
        if not is_time(workshop.starts):
            undated.append(workshop.id)
        elif is_workshop_over(workshop, today):
            past.append((make_date_sort_key(workshop.starts), workshop.id))
        else:
            coming.append((make_date_sort_key(workshop.starts), workshop.id))
    return Agenda(
        coming=[id_ for _time, id_ in sorted(coming)],
        past=[id_ for _time, id_ in sorted(past, reverse=True)],
        undated=undated,
    )


def is_workshop_over(times: WorkshopTimes, today: date) -> bool:
    """Return whether a workshop is over; a workshop without a date is not."""
    days = find_day_span(times.starts, times.ends)
    return days is not None and (times.status == HELD or days[1] < today)


def find_day_span(starts: str, ends: str) -> tuple[date, date] | None:
    """Return the first and the last day in Guatemala, ``None`` if there is no date."""
    if not is_time(starts):
        return None
    first = _day(starts)
    last = find_last_local_day(ends if is_time(ends) else starts)
    return first, max(first, last)


def is_time(text: str) -> bool:
    """Return whether a text is a date or time; records older than the plugin may have any text."""
    try:
        find_first_instant(text).astimezone(GUATEMALA)
    except ValueError:
        return False
    return True


def localize_moment(text: str) -> str:
    """Convert a stored instant to Guatemala's time; return any other text unchanged."""
    reading = read_stored_date(text)
    if reading is None or reading.form != DateForm.MOMENT:
        return text
    return find_first_instant(reading.text).astimezone(GUATEMALA).isoformat(timespec="seconds")


def has_day_passed(deadline: str, today: date) -> bool:
    """Return whether the last day of a date is over; that of ``2017`` is the 31 December."""
    return bool(deadline) and is_time(deadline) and find_last_local_day(deadline) < today


def _day(text: str) -> date:
    return find_first_instant(text).astimezone(GUATEMALA).date()


def check_workshop(workshop: Mapping[str, object], today: date) -> list[FieldFault]:
    """Return the faults of a workshop whose fields are all valid by themselves.

    Args:
        workshop: the fields; counts as ``int``, dates as ISO 8601, ``organiser`` and ``invitation``
            as lists of dicts.
        today: the present day in Guatemala.
    """
    return [
        *check_counts({name: cast("int | None", workshop.get(name)) for name in COUNT_FIELDS}),
        *_check_times(workshop),
        *_check_held(workshop, today),
        *_check_invitations(_list_rows(workshop, "invitation")),
        *_check_point(workshop),
        *privacy.check_personal_data(_texts_about_people(workshop)),
    ]


def _list_rows(workshop: Mapping[str, object], field: str) -> list[Mapping[str, str | None]]:
    return cast(list[Mapping[str, str | None]], workshop.get(field) or [])


def _check_times(workshop: Mapping[str, object]) -> Iterator[FieldFault]:
    starts, ends, rsvp_by = (
        normalize_stored_date(workshop.get(name)) for name in ("starts_at", "ends_at", "rsvp_by")
    )
    if ends and not starts:
        yield make_fault("starts_at", N_("A workshop that ends has a start"))
    elif starts and ends and _is_before(ends, starts):
        yield make_fault("ends_at", N_("It ends before it starts"))
    if starts and rsvp_by and find_local_day(rsvp_by) > find_local_day(starts):
        yield make_fault("rsvp_by", N_("The day to confirm by is after the workshop starts"))


def _check_held(workshop: Mapping[str, object], today: date) -> Iterator[FieldFault]:
    # Days are compared, not hours: a workshop may be recorded as held before its last hour is over.
    starts = normalize_stored_date(workshop.get("starts_at"))
    if workshop.get("status") == "held" and starts and find_local_day(starts) > today:
        message = N_("It starts on {day}, which is still to come: until then it is not held")
        yield make_fault("status", message, day=find_local_day(starts).isoformat())


def _is_before(one: str, other: str) -> bool:
    """Return whether one date is before another; without hours, days are compared."""
    if "T" in one and "T" in other:
        return find_first_instant(one) < find_first_instant(other)
    return find_local_day(one) < find_local_day(other)


def _check_invitations(invitations: list[Mapping[str, str | None]]) -> Iterator[FieldFault]:
    for row, invitation in enumerate(invitations):
        invited, answered = (
            normalize_stored_date(invitation.get(f"{name}_on")) for name in ("invited", "answered")
        )
        if invited and answered and find_local_day(answered) < find_local_day(invited):
            fault = Fault(N_("The answer is older than the invitation"))
            yield FieldFault(("invitation", row, "answered_on"), fault)
        if answered and invitation.get("answer") in {None, "", "no_answer"}:
            fault = Fault(N_("There is a date of the answer, but no answer"))
            yield FieldFault(("invitation", row, "answer"), fault)


def _check_point(workshop: Mapping[str, object]) -> Iterator[FieldFault]:
    message = N_("A point needs both latitude and longitude")
    for field, other in (("latitude", "longitude"), ("longitude", "latitude")):
        if workshop.get(other) and not workshop.get(field):
            yield make_fault(field, message)


def _texts_about_people(workshop: Mapping[str, object]) -> Iterator[tuple[Path, str]]:
    for field in ("venue", "participants_note"):
        yield (field,), str(workshop.get(field) or "")
    for field, name in (("organiser", "name"), ("invitation", "organisation")):
        for number, row in enumerate(_list_rows(workshop, field)):
            yield (field, number, name), row.get(name) or ""
