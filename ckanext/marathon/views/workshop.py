"""The agenda (coming and past workshops) as page and calendar, and the open invitations.

The page of invitations is for officers: it lists organisations that have not answered, by deadline.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Context, Response
from flask import Blueprint, request
from markupsafe import Markup

from ckanext.marathon.domain import dates
from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.domain.table import ColumnType
from ckanext.marathon.feeds import calendar, schema_org
from ckanext.marathon.helpers.chain import may_add_record, write_today
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
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.rdf import lookups
from ckanext.marathon.records import Workshop
from ckanext.marathon.spreadsheets import Cell, Column, Table
from ckanext.marathon.views import answers
from ckanext.marathon.views.answers import answer_bytes, find_encoding, is_fresh
from ckanext.marathon.views.errors import is_allowed
from ckanext.marathon.vocabulary import problems, schemes, territory
from ckanext.marathon.vocabulary.codes import UnknownCode


class Meeting(NamedTuple):
    """A workshop as an entry of the agenda.

    Attributes:
        starts: a day, or a time in Guatemala's time zone; ``""`` if unknown.
        ends: the same.
        municipalities: codes and names of those that take part.
        organization: its owner: ``id``, ``name`` and ``title``.
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


def describe_event(record: Workshop) -> Markup | None:
    """Return a public workshop as JSON-LD event of schema.org, ``None`` if it has no start."""
    if not workshop_domain.is_time(record.starts_at):
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
        found: dict[str, str] = {}
        if self.municipality:
            found["municipality"] = self.municipality.code
        if self.problem:
            found["problem"] = self.problem.notation
        return found


@dataclass(frozen=True)
class AgendaGroup:
    """One page of a group of workshops: coming, past, or without a date."""

    key: str
    count: int
    meetings: list[Meeting]
    page: int
    pages: int


@dataclass(frozen=True, kw_only=True)
class AgendaPage:
    """The agenda.

    Attributes:
        groups: coming, undated and past workshops.
        municipality: the municipality of the filter.
        problem: the problem of the filter.
        about: the filter as text.
        municipalities: municipalities with workshops, to choose from.
        areas: service areas and problems with workshops, to choose from.
        asked: parameters of the filter.
        calendar: address of the calendar with the same filter.
        may_see_invitations: whether this person may see unanswered invitations.
        may_add: whether there is no coming workshop and this person may add one.
    """

    groups: list[AgendaGroup]
    municipality: territory.Municipality | None
    problem: problems.ServiceProblem | None
    about: str
    municipalities: list[territory.Municipality]
    areas: list[tuple[problems.ServiceProblem, list[problems.ServiceProblem]]]
    asked: dict[str, str]
    calendar: str
    may_see_invitations: bool
    may_add: bool


def show_agenda() -> str:
    """Show the agenda; parameters are the filter and the page of each group."""
    return tk.render("marathon/agenda/index.html", {"page": read_agenda_page(_read_wanted())})


def read_agenda_page(wanted: WantedWorkshops) -> AgendaPage:
    """Return the content of the agenda's page."""
    arranged = workshop_domain.arrange_workshops(_list_times(wanted), dates.get_today())
    return AgendaPage(
        groups=[
            _make_group("coming", arranged.coming),
            _make_group("undated", arranged.undated),
            _make_group("page", arranged.past),
        ],
        municipality=wanted.municipality,
        problem=wanted.problem,
        about=_name_wanted(wanted),
        municipalities=_list_municipalities(wanted.query.get("municipality", "")),
        areas=_list_areas(wanted.problem),
        asked=wanted.query,
        calendar=tk.h.url_for("marathon_agenda.calendar", _external=True, **wanted.query),
        may_see_invitations=bool(tk.h.check_access("marathon_invitation_list")),
        may_add=not arranged.coming and may_add_record("workshop"),
    )


def _name_wanted(wanted: WantedWorkshops) -> str:
    place = wanted.municipality.name if wanted.municipality else ""
    problem = wanted.problem.label(tk.h.lang()) if wanted.problem else ""
    return " · ".join(filter(None, [place, problem]))


def redirect_to_agenda(code: str) -> Response:
    """Redirect to the agenda of a municipality."""
    return tk.redirect_to("marathon_agenda.index", municipality=_find_municipality(code).code)


def show_calendar() -> Response:
    """Return the agenda as iCalendar; the filter is that of the page."""
    wanted = _read_wanted()
    here = tk.h.url_for("marathon_agenda.calendar", _external=True, **wanted.query)
    return _answer_calendar(wanted, here)


def show_calendar_of_municipality(code: str) -> Response:
    """Return the agenda of a municipality as iCalendar."""
    wanted = WantedWorkshops(_find_municipality(code), None)
    own = {"code": wanted.query["municipality"]}
    here = tk.h.url_for("marathon_agenda.calendar_of_municipality", _external=True, **own)
    return _answer_calendar(wanted, here)


def show_event(id: str) -> Response:
    """Return a public workshop as iCalendar."""
    found = workshop_model.find_workshop_with_start(id)
    if found is None:
        return tk.abort(404, tk._("There is no such workshop, or nobody said when it is."))
    here = tk.h.url_for("marathon_agenda.event", _external=True, id=found.name)
    title = found.title or found.name
    return _answer_file(
        calendar.write_calendar(title, here, list_events([found.id])),
        f"{found.name}.ics",
    )


def _answer_calendar(wanted: WantedWorkshops, here: str) -> Response:
    arranged = workshop_domain.arrange_workshops(_list_times(wanted), dates.get_today())
    latest_first = [*reversed(arranged.coming), *arranged.past][:MOST_IN_A_CALENDAR]
    name = " · ".join(filter(None, [tk._("Agenda of the idea marathons"), _name_wanted(wanted)]))
    return _answer_file(
        calendar.write_calendar(name, here, list_events(latest_first)),
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


def _list_times(wanted: WantedWorkshops) -> list[workshop_domain.WorkshopTimes]:
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
    return AgendaGroup(key, len(ids), list_meetings(shown), number, pages)


def _read_wanted() -> WantedWorkshops:
    code, notation = (request.args.get(name, "").strip() for name in ("municipality", "problem"))
    return WantedWorkshops(
        _find_municipality(code) if code else None, _find_problem(notation) if notation else None
    )


def _find_municipality(code: str) -> territory.Municipality:
    try:
        return territory.get_municipality(schemes.repair_concept_code("municipality", code) or code)
    except UnknownCode:
        return tk.abort(404, tk._("No municipality has the code “{code}”.").format(code=code))


def _find_problem(notation: str) -> problems.ServiceProblem:
    try:
        return problems.get_problem(
            schemes.repair_concept_code(problems.KIND, notation) or notation
        )
    except UnknownCode:
        text = tk._("No service problem has the code “{code}”.")
        return tk.abort(404, text.format(code=notation))


def _list_municipalities(chosen: str) -> list[territory.Municipality]:
    """Return the municipalities with workshops, and the chosen one, by name."""
    codes = {
        *workshop_model.list_workshop_filters(Predicate.WORKSHOP_MUNICIPALITY),
        *filter(None, [chosen]),
    }
    found = (marathon_municipality(code) for code in codes)
    return sorted(filter(None, found), key=lambda place: place.name)


def _list_areas(
    chosen: problems.ServiceProblem | None,
) -> list[tuple[problems.ServiceProblem, list[problems.ServiceProblem]]]:
    """Return the problems with workshops, under their areas."""
    notations = {*workshop_model.list_workshop_filters(Predicate.WORKSHOP_PROBLEM)}
    notations |= {chosen.notation} if chosen else set()
    found: list[tuple[problems.ServiceProblem, list[problems.ServiceProblem]]] = []
    for branch in problems.list_branches():
        inside = [problem for problem in branch.problems if problem.notation in notations]
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


@dataclass(frozen=True, kw_only=True)
class InvitationsPage:
    """Unanswered invitations: rows of ``marathon_invitation_list``.

    Attributes:
        rows: workshops with their unanswered invitations.
        unanswered: number of unanswered invitations.
        with_past: whether past workshops are included.
        as_of: today, as text.
    """

    rows: list[dict[str, Any]]
    unanswered: int
    with_past: bool
    as_of: str


def list_invitations() -> Response | str:
    """List the organisations that have not answered, workshop by workshop."""
    refused, found = _find_invitations()
    if refused:
        return refused
    page = InvitationsPage(
        rows=found,
        unanswered=sum(len(row["unanswered"]) for row in found),
        with_past=bool(_read_asked()),
        as_of=write_today(),
    )
    return tk.render("marathon/agenda/invitations.html", {"page": page})


def show_invitation_table() -> Response:
    """Return the list as CSV, with one line for each unanswered invitation."""
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
        for invitation in row["unanswered"]:
            yield [
                row["workshop"]["title"],
                row["workshop"]["name"],
                row["workshop"]["starts_at"],
                row["organization"]["title"] if row["organization"] else "",
                answers.make_day_cell(row["rsvp_by"]),
                "yes" if row["overdue"] else "no",
                invitation["organisation"],
                answers.make_day_cell(invitation["invited_on"]),
            ]


def _find_invitations() -> tuple[Response | None, list[dict[str, Any]]]:
    context: Context = {"user": current_user.name, "auth_user_obj": current_user}
    # Otherwise a cache may store the redirect to the login and return it to an officer.
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
