"""Workshops and meetings to come and held, as a page and as a calendar."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, request

from ckanext.marathon.domain import dates, workshop
from ckanext.marathon.feeds import calendar as calendar_feeds
from ckanext.marathon.helpers import labels
from ckanext.marathon.helpers import workshop as workshop_helpers
from ckanext.marathon.model import workshop as workshop_model
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.vocabulary import paths, problems, territory
from ckanext.marathon.vocabulary.errors import UnknownCode

from .conditional import encoding, is_fresh, short

agenda = Blueprint("marathon_agenda", __name__)

PAGE_SIZE = 20
# Of the newest: who subscribes looks ahead, and what is older is on the page.
MOST_IN_A_CALENDAR = 500


class Wanted(NamedTuple):
    """Which workshops: of a municipality, about a problem (or what is narrower)."""

    municipality: territory.Municipality | None
    problem: problems.ServiceProblem | None

    @property
    def notations(self) -> tuple[str, ...]:
        """Notations that workshops may have."""
        return (self.problem.notation, *self.problem.narrower) if self.problem else ()

    @property
    def query(self) -> dict[str, str]:
        """What is after the question mark of its addresses."""
        found = {}
        if self.municipality:
            found["municipality"] = self.municipality.code
        if self.problem:
            found["problem"] = self.problem.notation
        return found


class Group(NamedTuple):
    """A page of the workshops to come, past or without a date."""

    key: str
    count: int
    meetings: list[workshop_helpers.Meeting]
    page: int
    pages: int


def index() -> str:
    """Show the agenda; ``municipality``, ``problem``, and the page of each of its groups."""
    wanted = _wanted()
    arranged = workshop.arrange_workshops(_times(wanted), dates.get_today())
    return tk.render(
        "marathon/agenda/index.html",
        {
            "groups": [
                _group("coming", arranged.coming),
                _group("undated", arranged.undated),
                _group("page", arranged.past),
            ],
            "municipality": wanted.municipality,
            "problem": wanted.problem,
            "municipalities": _municipalities(wanted.query.get("municipality", "")),
            "areas": _areas(wanted.problem),
            "asked": wanted.query,
        },
    )


def of_municipality(code: str) -> Response:
    """Send on to the agenda of a municipality."""
    return tk.redirect_to("marathon_agenda.index", municipality=_municipality(code).code)


def calendar() -> Response:
    """Return the agenda as a calendar; ``municipality`` and ``problem`` as on the page."""
    wanted = _wanted()
    here = tk.h.url_for("marathon_agenda.calendar", _external=True, **wanted.query)
    return _calendar(wanted, here)


def calendar_of_municipality(code: str) -> Response:
    """Return the calendar of a municipality."""
    wanted = Wanted(_municipality(code), None)
    own = {"code": wanted.query["municipality"]}
    here = tk.h.url_for("marathon_agenda.calendar_of_municipality", _external=True, **own)
    return _calendar(wanted, here)


def event(id: str) -> Response:
    """Return one public workshop as a calendar, to keep."""
    found = workshop_model.find_workshop_with_start(id)
    if found is None:
        return tk.abort(404, tk._("There is no such workshop, or nobody said when it is."))
    here = tk.h.url_for("marathon_agenda.event", _external=True, id=found.name)
    title = found.title or found.name
    return _answer(
        calendar_feeds.write_calendar(title, here, workshop_helpers.list_events([found.id])),
        f"{found.name}.ics",
    )


def _calendar(wanted: Wanted, here: str) -> Response:
    arranged = workshop.arrange_workshops(_times(wanted), dates.get_today())
    latest_first = [*reversed(arranged.coming), *arranged.past][:MOST_IN_A_CALENDAR]
    parts = [
        tk._("Agenda of the idea marathons"),
        wanted.municipality.name if wanted.municipality else "",
        wanted.problem.label(tk.h.lang()) if wanted.problem else "",
    ]
    name = " · ".join(filter(None, parts))
    return _answer(
        calendar_feeds.write_calendar(name, here, workshop_helpers.list_events(latest_first)),
        "agenda.ics",
    )


def _answer(body: bytes, file_name: str) -> Response:
    answer = short(body, calendar_feeds.MEDIA_TYPE)
    answer.set_etag(f"{hashlib.sha256(body).hexdigest()[:32]}.{encoding()}")
    answer.headers["Content-Disposition"] = f'inline; filename="{file_name}"'
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.vary.add("Accept-Encoding")
    if is_fresh(answer):
        answer.status_code = 304
        answer.set_data(b"")
    return answer


def _times(wanted: Wanted) -> list[workshop.WorkshopTimes]:
    return workshop_model.list_workshop_times(
        wanted.query.get("municipality", ""), wanted.notations
    )


def _group(key: str, ids: Sequence[str]) -> Group:
    """Return the page that is asked for, or the nearest that there is."""
    pages = max(1, -(-len(ids) // PAGE_SIZE))
    given = request.args.get(key, "")
    asked = int(given) if given.isdecimal() and len(given) < 9 else 1
    number = min(max(asked, 1), pages)
    shown = ids[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    return Group(key, len(ids), workshop_helpers.list_meetings(shown), number, pages)


def _wanted() -> Wanted:
    code, notation = (request.args.get(each, "").strip() for each in ("municipality", "problem"))
    return Wanted(_municipality(code) if code else None, _problem(notation) if notation else None)


def _municipality(code: str) -> territory.Municipality:
    try:
        return territory.get_municipality(paths.repair_concept_code("municipality", code) or code)
    except UnknownCode:
        return tk.abort(404, tk._("No municipality has the code “{code}”.").format(code=code))


def _problem(notation: str) -> problems.ServiceProblem:
    try:
        return problems.get_problem(paths.repair_concept_code(problems.KIND, notation) or notation)
    except UnknownCode:
        text = tk._("No service problem has the code “{code}”.")
        return tk.abort(404, text.format(code=notation))


def _municipalities(chosen: str) -> list[territory.Municipality]:
    """Return those that there are workshops of, and the one that is chosen, by name."""
    codes = {
        *workshop_model.list_workshop_filters(Predicate.WORKSHOP_MUNICIPALITY),
        *filter(None, [chosen]),
    }
    found = (labels.marathon_municipality(each) for each in codes)
    return sorted(filter(None, found), key=lambda each: each.name)


def _areas(
    chosen: problems.ServiceProblem | None,
) -> list[tuple[problems.ServiceProblem, list[problems.ServiceProblem]]]:
    """Return the problems that there are workshops about, under their areas."""
    notations = {*workshop_model.list_workshop_filters(Predicate.WORKSHOP_PROBLEM)}
    notations |= {chosen.notation} if chosen else set()
    found = []
    for branch in problems.list_branches():
        inside = [each for each in branch.problems if each.notation in notations]
        if inside or branch.area.notation in notations:
            found.append((branch.area, inside))
    return found


agenda.add_url_rule("/agenda", view_func=index)
agenda.add_url_rule("/agenda.ics", view_func=calendar)
agenda.add_url_rule("/municipality/<code>/agenda", view_func=of_municipality)
agenda.add_url_rule("/municipality/<code>/agenda.ics", view_func=calendar_of_municipality)
agenda.add_url_rule("/workshop/<id>/event.ics", view_func=event)
