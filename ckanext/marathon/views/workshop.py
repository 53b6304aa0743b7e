"""The agenda (coming and past workshops) as page and calendar, and the open invitations.

The page of invitations is for officers: it lists organisations that have not answered, by deadline.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Context, Response
from flask import Blueprint, request

from ckanext.marathon.domain import dates, workshop
from ckanext.marathon.feeds import calendar
from ckanext.marathon.helpers import labels
from ckanext.marathon.helpers import workshop as workshop_helpers
from ckanext.marathon.model import workshop as workshop_model
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.spreadsheets import Cell, Column, ColumnType, Table
from ckanext.marathon.views import answers
from ckanext.marathon.views.answers import answer_bytes, find_encoding, is_fresh
from ckanext.marathon.views.errors import is_allowed
from ckanext.marathon.vocabulary import paths, problems, territory
from ckanext.marathon.vocabulary.codes import UnknownCode

agenda = Blueprint("marathon_agenda", __name__)

PAGE_SIZE = 20
# Latest workshops in the calendar; older ones are on the page.
MOST_IN_A_CALENDAR = 500


class WantedWorkshops(NamedTuple):
    """The filter of the agenda: a municipality, and a problem or the problems of an area."""

    municipality: territory.Municipality | None
    problem: problems.ServiceProblem | None

    @property
    def notations(self) -> tuple[str, ...]:
        """Notations of the problem and of its narrower ones."""
        return (self.problem.notation, *self.problem.narrower) if self.problem else ()

    @property
    def query(self) -> dict[str, str]:
        """The query string of addresses with this filter."""
        found = {}
        if self.municipality:
            found["municipality"] = self.municipality.code
        if self.problem:
            found["problem"] = self.problem.notation
        return found


class AgendaGroup(NamedTuple):
    """A page of the workshops to come, past or without a date."""

    key: str
    count: int
    meetings: list[workshop_helpers.Meeting]
    page: int
    pages: int


def show_agenda() -> str:
    """Show the agenda; ``municipality``, ``problem``, and the page of each of its groups."""
    wanted = _read_wanted()
    arranged = workshop.arrange_workshops(_list_times(wanted), dates.get_today())
    return tk.render(
        "marathon/agenda/index.html",
        {
            "groups": [
                _make_group("coming", arranged.coming),
                _make_group("undated", arranged.undated),
                _make_group("page", arranged.past),
            ],
            "municipality": wanted.municipality,
            "problem": wanted.problem,
            "municipalities": _list_municipalities(wanted.query.get("municipality", "")),
            "areas": _list_areas(wanted.problem),
            "asked": wanted.query,
        },
    )


def redirect_to_agenda(code: str) -> Response:
    """Redirect to the agenda of a municipality."""
    return tk.redirect_to("marathon_agenda.index", municipality=_find_municipality(code).code)


def show_calendar() -> Response:
    """Return the agenda as a calendar; ``municipality`` and ``problem`` as on the page."""
    wanted = _read_wanted()
    here = tk.h.url_for("marathon_agenda.calendar", _external=True, **wanted.query)
    return _answer_calendar(wanted, here)


def show_calendar_of_municipality(code: str) -> Response:
    """Return the calendar of a municipality."""
    wanted = WantedWorkshops(_find_municipality(code), None)
    own = {"code": wanted.query["municipality"]}
    here = tk.h.url_for("marathon_agenda.calendar_of_municipality", _external=True, **own)
    return _answer_calendar(wanted, here)


def show_event(id: str) -> Response:
    """Return one public workshop as an iCalendar file."""
    found = workshop_model.find_workshop_with_start(id)
    if found is None:
        return tk.abort(404, tk._("There is no such workshop, or nobody said when it is."))
    here = tk.h.url_for("marathon_agenda.event", _external=True, id=found.name)
    title = found.title or found.name
    return _answer_file(
        calendar.write_calendar(title, here, workshop_helpers.list_events([found.id])),
        f"{found.name}.ics",
    )


def _answer_calendar(wanted: WantedWorkshops, here: str) -> Response:
    arranged = workshop.arrange_workshops(_list_times(wanted), dates.get_today())
    latest_first = [*reversed(arranged.coming), *arranged.past][:MOST_IN_A_CALENDAR]
    parts = [
        tk._("Agenda of the idea marathons"),
        wanted.municipality.name if wanted.municipality else "",
        wanted.problem.label(tk.h.lang()) if wanted.problem else "",
    ]
    name = " · ".join(filter(None, parts))
    return _answer_file(
        calendar.write_calendar(name, here, workshop_helpers.list_events(latest_first)),
        "agenda.ics",
    )


def _answer_file(body: bytes, file_name: str) -> Response:
    answer = answer_bytes(body, calendar.MEDIA_TYPE)
    answer.set_etag(f"{hashlib.sha256(body).hexdigest()[:32]}.{find_encoding()}")
    answer.headers["Content-Disposition"] = f'inline; filename="{file_name}"'
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.vary.add("Accept-Encoding")
    if is_fresh(answer):
        answer.status_code = 304
        answer.set_data(b"")
    return answer


def _list_times(wanted: WantedWorkshops) -> list[workshop.WorkshopTimes]:
    return workshop_model.list_workshop_times(
        wanted.query.get("municipality", ""), wanted.notations
    )


def _make_group(key: str, ids: Sequence[str]) -> AgendaGroup:
    """Return the requested page of a group, or the nearest existing one."""
    pages = max(1, -(-len(ids) // PAGE_SIZE))
    given = request.args.get(key, "")
    asked = int(given) if given.isdecimal() and len(given) < 9 else 1
    number = min(max(asked, 1), pages)
    shown = ids[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    return AgendaGroup(key, len(ids), workshop_helpers.list_meetings(shown), number, pages)


def _read_wanted() -> WantedWorkshops:
    code, notation = (request.args.get(each, "").strip() for each in ("municipality", "problem"))
    return WantedWorkshops(
        _find_municipality(code) if code else None, _find_problem(notation) if notation else None
    )


def _find_municipality(code: str) -> territory.Municipality:
    try:
        return territory.get_municipality(paths.repair_concept_code("municipality", code) or code)
    except UnknownCode:
        return tk.abort(404, tk._("No municipality has the code “{code}”.").format(code=code))


def _find_problem(notation: str) -> problems.ServiceProblem:
    try:
        return problems.get_problem(paths.repair_concept_code(problems.KIND, notation) or notation)
    except UnknownCode:
        text = tk._("No service problem has the code “{code}”.")
        return tk.abort(404, text.format(code=notation))


def _list_municipalities(chosen: str) -> list[territory.Municipality]:
    """Return the municipalities with workshops, and the chosen one, by name."""
    codes = {
        *workshop_model.list_workshop_filters(Predicate.WORKSHOP_MUNICIPALITY),
        *filter(None, [chosen]),
    }
    found = (labels.marathon_municipality(each) for each in codes)
    return sorted(filter(None, found), key=lambda each: each.name)


def _list_areas(
    chosen: problems.ServiceProblem | None,
) -> list[tuple[problems.ServiceProblem, list[problems.ServiceProblem]]]:
    """Return the problems with workshops, under their areas."""
    notations = {*workshop_model.list_workshop_filters(Predicate.WORKSHOP_PROBLEM)}
    notations |= {chosen.notation} if chosen else set()
    found = []
    for branch in problems.list_branches():
        inside = [each for each in branch.problems if each.notation in notations]
        if inside or branch.area.notation in notations:
            found.append((branch.area, inside))
    return found


agenda.add_url_rule("/agenda", endpoint="index", view_func=show_agenda)
agenda.add_url_rule("/agenda.ics", endpoint="calendar", view_func=show_calendar)
agenda.add_url_rule(
    "/municipality/<code>/agenda", endpoint="of_municipality", view_func=redirect_to_agenda
)
agenda.add_url_rule(
    "/municipality/<code>/agenda.ics",
    endpoint="calendar_of_municipality",
    view_func=show_calendar_of_municipality,
)
agenda.add_url_rule("/workshop/<id>/event.ics", endpoint="event", view_func=show_event)


invitations = Blueprint("marathon_invitation", __name__)


def list_invitations() -> Response | str:
    """List the organisations that have not answered, workshop by workshop."""
    refused, found = _find_invitations()
    if refused:
        return refused
    return tk.render(
        "marathon/agenda/invitations.html",
        {
            "rows": found,
            "unanswered": sum(len(each["unanswered"]) for each in found),
            "with_past": bool(_read_asked()),
        },
    )


def show_invitation_table() -> Response:
    """Return the list as CSV, an organisation a line."""
    refused, found = _find_invitations()
    if refused:
        return refused
    columns = [
        Column("workshop", tk._("Workshop")),
        Column("workshop_name", tk._("Address on this site")),
        Column("starts_at", tk._("Starts")),
        Column("convened_by", tk._("Convened by")),
        Column("rsvp_by", tk._("Confirm by"), type=ColumnType.DATE),
        Column("overdue", tk._("Overdue")),
        Column("organisation", tk._("Organisation invited")),
        Column("invited_on", tk._("Invited on"), type=ColumnType.DATE),
    ]
    return answers.answer_csv(
        Table("invitations", tk._("Not answered yet"), columns, _list_cells(found))
    )


def _list_cells(found: list[dict[str, Any]]) -> Iterator[list[Cell]]:
    for row in found:
        for each in row["unanswered"]:
            yield [
                row["workshop"]["title"],
                row["workshop"]["name"],
                row["workshop"]["starts_at"],
                row["organization"]["title"] if row["organization"] else "",
                answers.make_day_cell(row["rsvp_by"]),
                "yes" if row["overdue"] else "no",
                each["organisation"],
                answers.make_day_cell(each["invited_on"]),
            ]


def _find_invitations() -> tuple[Response | None, list[dict[str, Any]]]:
    context: Context = {"user": current_user.name, "auth_user_obj": current_user}
    # No cache may keep the redirect that sends a visitor to log in, and give it to an officer.
    request.environ["__no_cache__"] = True
    asked = {"past": _read_asked()}
    if is_allowed("marathon_invitation_list", context, asked):
        return None, tk.get_action("marathon_invitation_list")(context, asked)
    if not current_user.is_authenticated:
        here = tk.h.url_for("marathon_invitation.index")
        return tk.redirect_to("user.login", came_from=here), []
    text = tk._("This page is for those who convene workshops, and for the coordinating body")
    return tk.abort(403, text), []


def _read_asked() -> str:
    return "yes" if request.args.get("past", "") not in ("", "0", "no", "false") else ""


invitations.add_url_rule("/agenda/invitations", endpoint="index", view_func=list_invitations)
invitations.add_url_rule(
    "/agenda/invitations.csv", endpoint="table", view_func=show_invitation_table
)
