"""What the page of an idea tells: its sentence, its way so far and ahead, how to take part."""

from __future__ import annotations

from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
from markupsafe import Markup

from ckanext.marathon.domain import dataset, dates
from ckanext.marathon.domain import idea as idea_domain
from ckanext.marathon.domain.idea import StoryClause, StoryContact
from ckanext.marathon.model import idea as idea_model
from ckanext.marathon.model import municipality
from ckanext.marathon.model import workshop as workshop_model
from ckanext.marathon.records.record import Workshop

from .labels import marathon_as_list, marathon_date, marathon_host

MOST_WORKSHOPS = 3


class Story(NamedTuple):
    """The sentence of an idea, with its links and as plain text, and whom to ask."""

    html: Markup
    text: str
    contact: StoryContact | None


class Point(NamedTuple):
    """A point of the way of an idea: ``kind`` is ``said``, ``step`` or ``ahead``.

    ``date`` is ISO, "" where it is not known; ``status`` a code, "" of ``said``.
    """

    kind: str
    date: str
    status: str = ""
    organization: str = ""
    user: str = ""
    reason: str = ""


def marathon_story(idea: dict[str, Any]) -> Story:
    """Return the sentence with which the page of an idea begins (``domain/idea.py``)."""
    workshop = idea.get("workshop_info") or {}
    history = idea.get("history") or []
    said_on = idea_domain.read_said_on(workshop.get("starts_at") or "", dates.get_today())
    since = idea_domain.find_status_since(idea.get("status") or "", history, said_on)
    contact = _whom_to_ask(idea)
    clauses = idea_domain.write_story(
        idea_domain.StoryFacts(
            title=idea.get("title") or idea["name"],
            status=idea.get("status") or "",
            since=since.day,
            is_since_exact=since.is_exact,
            workshop=workshop.get("title") or "",
            said_on=said_on,
            is_explained=bool(history and history[-1].get("reason")),
            is_evident=bool(idea.get("evidence")),
            contact=contact,
        )
    )
    html = [_linked(each, workshop, contact) for each in clauses]
    text = [_plain(each) for each in clauses]
    return Story(Markup("; ").join(html) + ".", "; ".join(text) + ".", contact)


def _whom_to_ask(thing: dict[str, Any]) -> StoryContact | None:
    """Return the municipality of a thing, else the coordinating body: the first that has contact.

    Both are institutions: their e-mail addresses and web sites, as they are on the site.
    """
    places = municipality.list_municipality_contacts(marathon_as_list(thing.get("municipality")))
    found = idea_domain.find_contact(places)
    if found and (found.email or found.homepage):
        return found
    return idea_domain.find_contact(
        [*places, *municipality.find_contact_with_role(dataset.COORDINATING_BODY)]
    )


def marathon_timeline(idea: dict[str, Any]) -> list[Point]:
    """Return the way of an idea: from its workshop through its steps to the next one."""
    workshop = idea.get("workshop_info") or {}
    said_on = idea_domain.read_said_on(workshop.get("starts_at") or "", dates.get_today())
    points = [Point("said", said_on)] if workshop else []
    for step in idea.get("history") or []:
        organization = step.get("organization") or {}
        points.append(
            Point(
                "step",
                dates.find_local_day(step["at"]).isoformat(),
                step["status"],
                organization.get("title") or organization.get("name") or "",
                step.get("user") or "",
                step.get("reason") or "",
            )
        )
    ahead = idea_domain.find_status_ahead(idea.get("status") or "")
    return [*points, Point("ahead", "", ahead)] if ahead else points


def marathon_coming_workshops(codes: Any) -> list[dict[str, str]]:
    """Return the next announced workshops of municipalities: name, title, starts_at, rsvp_by."""
    found = workshop_model.list_coming_workshops(
        marathon_as_list(codes), dates.get_today(), MOST_WORKSHOPS
    )
    return [
        {
            "name": workshop.name,
            "title": workshop.label,
            "starts_at": workshop.starts_at,
            "rsvp_by": workshop.rsvp_by,
        }
        for workshop in map(Workshop.from_stored, found)
    ]


def marathon_asked(ideas: list[dict[str, Any]]) -> dict[str, str]:
    """Return idea id → in words how many of the data that it asks for there are."""
    found = idea_model.read_asked_needs([each["id"] for each in ideas])
    return {
        idea: tk.ungettext(
            "{met} of {count} dataset asked for is there",
            "{met} of {count} datasets asked for are there",
            asked.needs,
        ).format(met=asked.met, count=asked.needs)
        for idea, asked in found.items()
    }


def _plain(clause: StoryClause) -> str:
    values = dict(clause.values)
    if "date" in values:
        values["date"] = marathon_date(values["date"])
    if "address" in values and tk.h.is_url(values["address"]):
        values["address"] = marathon_host(values["address"])
    return tk._(clause.text).format(**values)


def _linked(clause: StoryClause, workshop: dict[str, str], contact: StoryContact | None) -> Markup:
    values: dict[str, Markup] = {}
    for name, value in clause.values.items():
        if name == "date":
            text = marathon_date(value)
            values[name] = Markup('<time datetime="{}">{}</time>').format(value, text)
        elif name == "workshop":
            href = tk.h.url_for("workshop.read", id=workshop["name"])
            values[name] = Markup('<a href="{}"><bdi>{}</bdi></a>').format(href, value)
        elif name == "organization" and contact:
            href = tk.h.url_for("organization.read", id=contact.name)
            values[name] = Markup('<a href="{}"><bdi>{}</bdi></a>').format(href, value)
        elif name == "address":
            values[name] = _address(value)
        else:
            values[name] = Markup("<bdi>{}</bdi>").format(value)
    return Markup(tk._(clause.text)).format(**values)  # noqa: S704 - a text of the translations


def _address(value: str) -> Markup:
    if tk.h.is_url(value):
        html = '<a href="{}" rel="nofollow noopener noreferrer">{}</a>'
        return Markup(html).format(value, marathon_host(value))  # noqa: S704 - a constant
    return Markup('<a href="mailto:{}">{}</a>').format(value, value)
