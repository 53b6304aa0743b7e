"""Workshops as the agenda lists them and as calendars take them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
from ckan import model
from markupsafe import Markup

from ckanext.marathon.domain import agenda, dates
from ckanext.marathon.feeds import calendar, structured_event
from ckanext.marathon.model import agenda as workshops
from ckanext.marathon.model import records
from ckanext.marathon.rdf import lookups
from ckanext.marathon.vocabulary import territory
from ckanext.marathon.vocabulary.errors import UnknownCode

from .labels import (
    marathon_date,
    marathon_municipality,
    marathon_municipality_names,
    marathon_problem_names,
    marathon_term,
)
from .structured import script


class Meeting(NamedTuple):
    """A workshop in a list.

    Attributes:
        starts: a day, or a moment in Guatemala's time; ``""`` if not known.
        ends: the same.
        municipalities: those that take part, codes and names.
        organization: the one that convenes it: ``id``, ``name`` and ``title``.
        rsvp_by: last day to confirm, where that still matters.
        is_late: whether that day is over.
        ideas: how many came out of it.
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


def meetings(ids: Sequence[str]) -> list[Meeting]:
    """Return workshops, in the order given, for a list; in three queries."""
    found = records.load(ids)
    packages = [found[each] for each in ids if each in found]
    owners = records.organizations(each.owner_org for each in packages)
    ideas = workshops.ideas(ids)
    today = dates.today()
    return [
        _meeting(each, owners.get(each.owner_org or ""), ideas.get(each.id, 0), today)
        for each in packages
    ]


def events(ids: Sequence[str]) -> list[calendar.Event]:
    """Return workshops, in the order given, for a calendar; in two queries."""
    found = records.load(ids)
    packages = [found[each] for each in ids if each in found]
    owners = records.organizations(each.owner_org for each in packages)
    return [_event(each, owners.get(each.owner_org or "")) for each in packages]


def marathon_is_late(workshop: dict[str, Any]) -> bool:
    """Return whether it is too late to confirm for a workshop that is announced."""
    is_open = workshop.get("status") == agenda.ANNOUNCED
    return is_open and agenda.has_passed(workshop.get("rsvp_by") or "", dates.today())


def marathon_event_data(workshop: dict[str, Any]) -> Markup | None:
    """Return a workshop as an event of schema.org, for a script of its page.

    ``None`` if it is not public, or nobody said when it is.
    """
    is_public = workshop.get("state") == model.State.ACTIVE and not workshop.get("private")
    starts, ends = (workshop.get(each) or "" for each in ("starts_at", "ends_at"))
    if not is_public or not agenda.is_time(starts):
        return None
    organization = workshop.get("organization") or {}
    site = lookups.site()
    hosts = [(each["name"], "") for each in workshop.get("organiser") or [] if each.get("name")]
    if organization:
        page = f"{site.url}/organization/{organization['name']}"
        hosts = hosts or [(organization.get("title") or organization["name"], page)]
    found = structured_event.event(
        iri=str(site.thing("workshop", str(workshop["id"]))),
        url=f"{site.url}/workshop/{workshop['name']}",
        title=workshop.get("title") or workshop["name"],
        description=_plain(workshop.get("notes") or ""),
        starts=agenda.local(starts),
        ends=agenda.local(ends) if agenda.is_time(ends) else "",
        is_cancelled=workshop.get("status") == agenda.CANCELLED,
        place=structured_event.place(
            workshop.get("venue") or "",
            _town(workshop.get("venue_municipality") or ""),
            marathon_municipality_names(workshop.get("municipality")),
            _point(workshop.get("latitude"), workshop.get("longitude")),
        ),
        organizers=hosts,
        about=marathon_problem_names(workshop.get("service_problem")),
    )
    return script(found)


def _meeting(
    package: model.Package, owner: dict[str, str] | None, ideas: int, today: Any
) -> Meeting:
    status, rsvp_by = (records.text(package, each) for each in ("status", "rsvp_by"))
    codes = records.items(package, "municipality")
    known = [(each, marathon_municipality(each)) for each in codes]
    town = _town(records.text(package, "venue_municipality"))
    return Meeting(
        name=package.name,
        title=package.title or package.name,
        kind=records.text(package, "kind"),
        status=status,
        starts=_local(package, "starts_at"),
        ends=_local(package, "ends_at"),
        place=_joined(records.text(package, "venue"), town.name if town else ""),
        municipalities=[(code, place.name) for code, place in known if place],
        organization=owner,
        rsvp_by=rsvp_by if status == agenda.ANNOUNCED else "",
        is_late=agenda.has_passed(rsvp_by, today),
        ideas=ideas,
        is_example=records.flag(package, "example"),
    )


def _event(package: model.Package, owner: dict[str, str] | None) -> calendar.Event:
    site = lookups.site()
    title, status = package.title or package.name, records.text(package, "status")
    is_cancelled = status == agenda.CANCELLED
    confirm_by = records.text(package, "rsvp_by") if status == agenda.ANNOUNCED else ""
    url = tk.h.url_for("workshop.read", id=package.name, _external=True)
    kind = records.text(package, "kind")
    town = _town(records.text(package, "venue_municipality"))
    return calendar.Event(
        iri=str(site.thing("workshop", package.id)),
        url=url,
        title=tk._("Cancelled: {title}").format(title=title) if is_cancelled else title,
        starts=records.text(package, "starts_at"),
        ends=records.text(package, "ends_at"),
        is_cancelled=is_cancelled,
        location=_joined(records.text(package, "venue"), _address(town)),
        point=_point(records.text(package, "latitude"), records.text(package, "longitude")),
        categories=(
            *([marathon_term("workshop-kind", kind)] if kind else []),
            *marathon_problem_names(records.items(package, "service_problem")),
        ),
        description=_description(package, owner, confirm_by, url),
        created=package.metadata_created,
        modified=package.metadata_modified,
        confirm_by=confirm_by,
        confirm_title=tk._("Last day to confirm: {title}").format(title=title),
    )


def _description(
    package: model.Package, owner: dict[str, str] | None, confirm_by: str, url: str
) -> str:
    names = marathon_municipality_names(records.items(package, "municipality"))
    facts = (
        (tk._("Confirm by"), marathon_date(confirm_by)),
        (tk._("Municipalities"), ", ".join(names)),
        (tk._("Convened by"), owner["title"] if owner else ""),
    )
    lines = [f"{label}: {value}" for label, value in facts if value]
    if records.flag(package, "example"):
        lines.insert(0, tk._("This is not real: it shows how the site works."))
    return "\n".join([*lines, *filter(None, ["", _plain(package.notes or "")]), "", url]).strip()


@lru_cache(maxsize=2_000)
def _plain(markdown: str) -> str:
    return Markup(tk.h.render_markdown(markdown)).striptags() if markdown else ""  # noqa: S704 - its tags are taken out, never shown


def _local(package: model.Package, field: str) -> str:
    text = records.text(package, field)
    return agenda.local(text) if agenda.is_time(text) else ""


def _town(code: str) -> territory.Municipality | None:
    return marathon_municipality(code) if code else None


def _address(town: territory.Municipality | None) -> str:
    if town is None:
        return ""
    try:
        department = territory.department(town.department_code).name
    except UnknownCode:
        department = ""
    return _joined(town.name, department if department != town.name else "", "Guatemala")


def _joined(*parts: str) -> str:
    return ", ".join(dict.fromkeys(filter(None, parts)))


def _point(latitude: Any, longitude: Any) -> tuple[float, float] | None:
    try:
        point = float(latitude), float(longitude)
    except (TypeError, ValueError):
        return None
    return point if abs(point[0]) <= 90 and abs(point[1]) <= 180 else None
