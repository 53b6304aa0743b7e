"""What a workshop must be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from ckanext.marathon.domain import counts, personal
from ckanext.marathon.domain.dates import first_instant, local_day, readable
from ckanext.marathon.domain.faults import N_, At, Fault, Path, at


def check(workshop: Mapping[str, Any], today: date) -> list[At]:
    """Return what is wrong with a workshop whose fields can all be read.

    Args:
        workshop: its fields; counts as int, dates as ISO text, ``organiser`` and ``invitation``
            as lists of dicts.
        today: the day it is in Guatemala.
    """
    return [
        *counts.check({name: workshop.get(name) for name in counts.FIELDS}),
        *_check_times(workshop),
        *_check_held(workshop, today),
        *_check_invitations(workshop.get("invitation") or []),
        *_check_point(workshop),
        *personal.check(_texts_about_people(workshop)),
    ]


def _check_times(workshop: Mapping[str, Any]) -> Iterator[At]:
    starts, ends, rsvp_by = (
        readable(workshop.get(each)) for each in ("starts_at", "ends_at", "rsvp_by")
    )
    if ends and not starts:
        yield at("starts_at", N_("A workshop that ends has a start"))
    elif starts and ends and _is_before(ends, starts):
        yield at("ends_at", N_("It ends before it starts"))
    if starts and rsvp_by and local_day(rsvp_by) > local_day(starts):
        yield at("rsvp_by", N_("The day to confirm by is after the workshop starts"))


def _check_held(workshop: Mapping[str, Any], today: date) -> Iterator[At]:
    # By day: who closes the list of participants early in the afternoon is not lying.
    starts = readable(workshop.get("starts_at"))
    if workshop.get("status") == "held" and starts and local_day(starts) > today:
        message = N_("It starts on {day}, which is still to come: until then it is not held")
        yield at("status", message, day=local_day(starts).isoformat())


def _is_before(one: str, other: str) -> bool:
    """Compare by day where one of them has no hour."""
    if "T" in one and "T" in other:
        return first_instant(one) < first_instant(other)
    return local_day(one) < local_day(other)


def _check_invitations(invitations: list[Mapping[str, Any]]) -> Iterator[At]:
    for row, invitation in enumerate(invitations):
        invited, answered = (
            readable(invitation.get(f"{each}_on")) for each in ("invited", "answered")
        )
        if invited and answered and local_day(answered) < local_day(invited):
            fault = Fault(N_("The answer is older than the invitation"))
            yield At(("invitation", row, "answered_on"), fault)
        if answered and invitation.get("answer") in {None, "", "no_answer"}:
            fault = Fault(N_("There is a date of the answer, but no answer"))
            yield At(("invitation", row, "answer"), fault)


def _check_point(workshop: Mapping[str, Any]) -> Iterator[At]:
    message = N_("A point needs both latitude and longitude")
    for field, other in (("latitude", "longitude"), ("longitude", "latitude")):
        if workshop.get(other) and not workshop.get(field):
            yield at(field, message)


def _texts_about_people(workshop: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for field in ("venue", "participants_note"):
        yield (field,), workshop.get(field) or ""
    for field, name in (("organiser", "name"), ("invitation", "organisation")):
        for row, each in enumerate(workshop.get(field) or []):
            yield (field, row, name), each.get(name) or ""
