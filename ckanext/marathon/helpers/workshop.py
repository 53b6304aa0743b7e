"""Workshops as entries of the agenda and as events of calendars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
from markupsafe import Markup

from ckanext.marathon.domain import dates
from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.feeds import calendar, schema_org
from ckanext.marathon.helpers.labels import (
    marathon_date,
    marathon_municipality,
    marathon_municipality_names,
    marathon_problem_names,
    marathon_term,
)
from ckanext.marathon.helpers.sharing import write_script
from ckanext.marathon.model import package
from ckanext.marathon.model import workshop as workshop_model
from ckanext.marathon.rdf import lookups
from ckanext.marathon.records import Workshop
from ckanext.marathon.visibility import is_shown_public
from ckanext.marathon.vocabulary import territory
from ckanext.marathon.vocabulary.codes import UnknownCode


class Meeting(NamedTuple):
    """A workshop as an entry of the agenda.

    Attributes:
        starts: a day, or a moment in Guatemala's time; ``""`` if not known.
        ends: the same.
        municipalities: those that take part, codes and names.
        organization: the one that convenes it: ``id``, ``name`` and ``title``.
        rsvp_by: last day to confirm, if the workshop is announced.
        is_late: whether that day is past.
        ideas: number of its ideas.
    """

    name: str
    title: str
    kind: str
    status: str
    starts: str
    ends: str
    place: str
    municipalities: list[tuple[str, str]]
    organization: dict[str, str] | None
    rsvp_by: str
    is_late: bool
    ideas: int
    is_example: bool


def list_meetings(ids: Sequence[str]) -> list[Meeting]:
    """Return workshops as entries of the agenda, in the order given; three queries."""
    found, owners = _load_workshops(ids)
    ideas = workshop_model.count_ideas_of_workshops(ids)
    today = dates.get_today()
    return [
        _make_meeting(workshop, owners.get(workshop.owner_id), ideas.get(workshop.id, 0), today)
        for workshop in found
    ]


def list_events(ids: Sequence[str]) -> list[calendar.CalendarEvent]:
    """Return workshops as events of a calendar, in the order given; two queries."""
    found, owners = _load_workshops(ids)
    return [_make_event(workshop, owners.get(workshop.owner_id)) for workshop in found]


def _load_workshops(ids: Sequence[str]) -> tuple[list[Workshop], dict[str, dict[str, str]]]:
    """Return workshops, in the order given, and their organisations by id; in two queries."""
    packages = package.load_packages(ids)
    found = [Workshop.from_stored(packages[id_]) for id_ in ids if id_ in packages]
    return found, package.read_organization_titles(workshop.owner_id for workshop in found)


def marathon_is_late(workshop: dict[str, Any]) -> bool:
    """Return whether the deadline to confirm of an announced workshop has passed."""
    is_open = workshop.get("status") == workshop_domain.ANNOUNCED
    return is_open and workshop_domain.has_day_passed(
        workshop.get("rsvp_by") or "", dates.get_today()
    )


def marathon_event_data(workshop: dict[str, Any]) -> Markup | None:
    """Return a workshop as an event of schema.org, for a script element of its page.

    ``None`` if it is not public or has no date.
    """
    record = Workshop.from_shown(workshop)
    if not is_shown_public(workshop) or not workshop_domain.is_time(record.starts_at):
        return None
    site = lookups.read_site()
    hosts = [(organiser.name, "") for organiser in record.organisers if organiser.name]
    if record.owner:
        page = f"{site.url}/organization/{record.owner.name}"
        hosts = hosts or [(record.owner.label, page)]
    found = schema_org.describe_event(
        iri=str(site.thing("workshop", record.id)),
        url=f"{site.url}/workshop/{record.name}",
        title=record.label,
        description=_strip_markdown(record.notes),
        starts=_write_local(record.starts_at),
        ends=_write_local(record.ends_at),
        is_cancelled=record.status == workshop_domain.CANCELLED,
        place=schema_org.describe_event_place(
            record.venue,
            _find_town(record.venue_municipality),
            marathon_municipality_names(record.municipalities),
            _find_point(record),
        ),
        organizers=hosts,
        about=marathon_problem_names(record.problems),
    )
    return write_script(found)


def _make_meeting(
    workshop: Workshop, owner: dict[str, str] | None, ideas: int, today: date
) -> Meeting:
    known = [(code, marathon_municipality(code)) for code in workshop.municipalities]
    town = _find_town(workshop.venue_municipality)
    return Meeting(
        name=workshop.name,
        title=workshop.label,
        kind=workshop.kind,
        status=workshop.status,
        starts=_write_local(workshop.starts_at),
        ends=_write_local(workshop.ends_at),
        place=_join_parts(workshop.venue, town.name if town else ""),
        municipalities=[(code, place.name) for code, place in known if place],
        organization=owner,
        rsvp_by=workshop.rsvp_by if workshop.status == workshop_domain.ANNOUNCED else "",
        is_late=workshop_domain.has_day_passed(workshop.rsvp_by, today),
        ideas=ideas,
        is_example=workshop.is_example,
    )


def _make_event(workshop: Workshop, owner: dict[str, str] | None) -> calendar.CalendarEvent:
    is_cancelled = workshop.status == workshop_domain.CANCELLED
    title = workshop.label
    confirm_by = workshop.rsvp_by if workshop.status == workshop_domain.ANNOUNCED else ""
    url = tk.h.url_for("workshop.read", id=workshop.name, _external=True)
    town = _find_town(workshop.venue_municipality)
    assert workshop.created_at, "CKAN writes it"
    assert workshop.saved_at, "CKAN writes it"
    return calendar.CalendarEvent(
        iri=str(lookups.read_site().thing("workshop", workshop.id)),
        url=url,
        title=tk._("Cancelled: {title}").format(title=title) if is_cancelled else title,
        starts=workshop.starts_at,
        ends=workshop.ends_at,
        is_cancelled=is_cancelled,
        location=_join_parts(workshop.venue, _write_address(town)),
        point=_find_point(workshop),
        categories=(
            *([marathon_term("workshop-kind", workshop.kind)] if workshop.kind else []),
            *marathon_problem_names(workshop.problems),
        ),
        description=_describe_workshop(workshop, owner, confirm_by, url),
        created=workshop.created_at,
        modified=workshop.saved_at,
        confirm_by=confirm_by,
        confirm_title=tk._("Last day to confirm: {title}").format(title=title),
    )


def _describe_workshop(
    workshop: Workshop, owner: dict[str, str] | None, confirm_by: str, url: str
) -> str:
    names = marathon_municipality_names(workshop.municipalities)
    facts = (
        (tk._("Confirm by"), marathon_date(confirm_by)),
        (tk._("Municipalities"), ", ".join(names)),
        (tk._("Convened by"), owner["title"] if owner else ""),
    )
    lines = [f"{label}: {value}" for label, value in facts if value]
    if workshop.is_example:
        lines.insert(0, tk._("This is not real: it shows how the site works."))
    return "\n".join(
        [*lines, *filter(None, ["", _strip_markdown(workshop.notes)]), "", url]
    ).strip()


@lru_cache(maxsize=2_000)
def _strip_markdown(markdown: str) -> str:
    return Markup(tk.h.render_markdown(markdown)).striptags() if markdown else ""  # noqa: S704 - its tags are taken out, never shown


def _write_local(text: str) -> str:
    return workshop_domain.localize_moment(text) if workshop_domain.is_time(text) else ""


def _find_town(code: str) -> territory.Municipality | None:
    return marathon_municipality(code) if code else None


def _write_address(town: territory.Municipality | None) -> str:
    if town is None:
        return ""
    try:
        department = territory.get_department(town.department_code).name
    except UnknownCode:
        department = ""
    return _join_parts(town.name, department if department != town.name else "", "Guatemala")


def _join_parts(*parts: str) -> str:
    return ", ".join(dict.fromkeys(filter(None, parts)))


def _find_point(workshop: Workshop) -> tuple[float, float] | None:
    latitude, longitude = workshop.latitude, workshop.longitude
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return latitude, longitude
