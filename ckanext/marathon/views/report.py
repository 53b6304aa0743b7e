"""Reports of the country and of a municipality: one Letter-size page, and a workbook.

The workbook has the same figures as the page, and lists everything that they count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import urlencode

import ckan.plugins.toolkit as tk
import segno
from ckan.types import Response
from flask import Blueprint, make_response, request
from flask import Response as FlaskResponse
from markupsafe import Markup

from ckanext.marathon.domain import dates
from ckanext.marathon.domain.dates import FIRST_PARAMETER, GUATEMALA, LAST_PARAMETER, Period
from ckanext.marathon.domain.table import ColumnType
from ckanext.marathon.logic import messages
from ckanext.marathon.model import figures
from ckanext.marathon.model.dataset import Publication
from ckanext.marathon.model.figures import HeldWorkshop, Promise, Report, ReportPart, StatusStep
from ckanext.marathon.rdf import lookups
from ckanext.marathon.records import Record
from ckanext.marathon.spreadsheets import XLSX, Cell, Column, Table, write_workbook
from ckanext.marathon.vocabulary import problems, schemes, territory
from ckanext.marathon.vocabulary.codes import UnknownCode
from ckanext.marathon.vocabulary.territory import Municipality


def tabulate_figures(report: Report) -> list[tuple[str, int]]:
    """Return the main figures with their names, in the reader's language."""
    return [
        (tk._("Workshops held"), len(report.workshops)),
        (tk._("New ideas"), len(report.new_ideas)),
        (tk._("Ideas at the end"), len(report.ideas)),
        (tk._("Data asked for"), len(report.needs)),
        (tk._("Data met"), report.needs_met),
        (tk._("Datasets published"), report.datasets.count),
    ]


def tabulate_definitions() -> list[tuple[str, str]]:
    """Return what each figure counts, in the reader's language."""
    return [
        (
            tk._("Workshops held"),
            tk._("Those with the status “held” whose first day is in the period."),
        ),
        (
            tk._("Ideas"),
            tk._(
                "Those on the site when the period was over, with the status they had then. An "
                "idea counts from the day it was entered here."
            ),
        ),
        (
            tk._("Data asked for"),
            tk._("The data that those ideas name today; discarded ideas ask for nothing."),
        ),
        (
            tk._("Data met"),
            tk._("A dataset published before the period was over says that it meets the need."),
        ),
        (
            tk._("Datasets published"),
            tk._("Those that the log of the feeds shows as public for the first time."),
        ),
        (
            tk._("Tables"),
            tk._("What is about several municipalities or problems is counted with each of them."),
        ),
        (
            tk._("Left out"),
            tk._("What is not public on the date of the figures, and counts of people."),
        ),
    ]


def tabulate_sources() -> list[tuple[str, str]]:
    """Return the sources of the figures: a name and an address each."""
    here = lookups.read_site().url
    return [
        (tk.config.get("ckan.site_title") or here, here),
        (tk._("Tables of workshops, ideas, data needs and links"), f"{here}/marathon/data"),
        (tk._("Log of the feeds, for the dates of datasets"), f"{here}/catalog/changes"),
    ]


def name_part(code: str) -> str:
    """Return the name of a municipality or problem, the code itself if unknown."""
    try:
        if code.isdigit():
            return territory.get_municipality(code).name
        return problems.get_problem(code).label(tk.h.lang())
    except UnknownCode:
        return code


def find_as_of(report: Report) -> datetime:
    """Return the time of the figures on Guatemala's clocks, in whole seconds."""
    return report.as_of.astimezone(GUATEMALA).replace(microsecond=0)


def tabulate_report(report: Report, period: Period, title: str, address: str) -> list[Table]:
    """Return the sheets of a report.

    Args:
        report: with complete lists.
        period: of the report.
        title: of the report.
        address: of the report's page.
    """
    return [
        _table(
            tk._("Report"),
            [(tk._("Figure"), ColumnType.STRING), (tk._("Value"), ColumnType.INTEGER)],
            _summary(report, period, title, address),
        ),
        _table(
            tk._("Workshops"),
            [
                (tk._("Day"), ColumnType.DATE),
                *_texts(tk._("Workshop"), tk._("Kind"), tk._("Address")),
            ],
            (
                (
                    held.day,
                    held.workshop.label,
                    _term("workshop-kind", held.workshop.kind),
                    _page("workshop", held.workshop),
                )
                for held in report.workshops
            ),
        ),
        _table(
            tk._("Ideas"),
            _texts(tk._("Idea"), tk._("Status"), tk._("Entered"), tk._("Address")),
            (
                (
                    entered.idea.label,
                    _status(entered.status),
                    _local(entered.entered),
                    _page("idea", entered.idea),
                )
                for entered in report.ideas
            ),
        ),
        _table(
            tk._("Changes"),
            _texts(tk._("When"), tk._("Idea"), tk._("Status"), tk._("Reason"), tk._("Address")),
            (
                (
                    _local(step.at),
                    step.idea.label,
                    _status(step.status),
                    step.reason,
                    _page("idea", step.idea),
                )
                for step in report.steps
            ),
        ),
        _table(
            tk._("Data needs"),
            _texts(tk._("Data"), tk._("Idea"), tk._("Met"), tk._("Address")),
            (
                (
                    need.what,
                    need.idea.label,
                    _yes(need.is_met),
                    _page("idea", need.idea),
                )
                for need in report.needs
            ),
        ),
        _table(
            tk._("Datasets"),
            _texts(tk._("Published"), tk._("Dataset"), tk._("Organization"), tk._("Address")),
            (
                (
                    _local(publication.at),
                    publication.dataset.label,
                    publication.organization,
                    _page("dataset", publication.dataset),
                )
                for publication in report.datasets.latest
            ),
        ),
        _table(
            tk._("By place or problem"),
            [
                *_texts(tk._("Code"), tk._("Name")),
                *((name, ColumnType.INTEGER) for name in list_part_figures()),
            ],
            ((each.code, name_part(each.code), *each[1:]) for each in report.parts),
        ),
        *([_milestones(report.milestones)] if report.milestones else []),
        _table(
            tk._("Sources"),
            _texts(tk._("What"), tk._("Where, and how it is counted")),
            [*tabulate_sources(), *tabulate_definitions()],
        ),
    ]


def list_part_figures() -> list[str]:
    """Return the names of the figures of a part, in the order of ``ReportPart``."""
    names = [
        tk._("Workshops held"),
        tk._("Ideas"),
        tk._("Data asked for"),
        tk._("Data met"),
        tk._("Datasets published"),
    ]
    assert len(names) == len(ReportPart._fields) - 1
    return names


def _summary(
    report: Report, period: Period, title: str, address: str
) -> Iterable[tuple[Cell, Cell]]:
    yield title, address
    yield tk._("From"), period.first
    yield tk._("To"), period.last
    yield tk._("Figures as of"), find_as_of(report).isoformat()
    yield from tabulate_figures(report)
    yield tk._("Announced, not known to have been held"), report.announced
    for status in schemes.IDEA_STATUS.terms:
        name = tk._("Ideas: {status}").format(status=status.label(tk.h.lang()))
        yield name, report.by_status[status.code]
    yield tk._("Examples among them, not real"), report.examples


def _milestones(found: Sequence[Promise]) -> Table:
    return _table(
        tk._("Milestones"),
        _texts(tk._("Commitment"), tk._("Milestone"), tk._("Due"), tk._("Status")),
        (
            (
                promise.commitment.label,
                promise.milestone.title,
                promise.milestone.due,
                _term("milestone-status", promise.milestone.status),
            )
            for promise in found
        ),
    )


def _table(
    title: str, columns: Sequence[tuple[str, ColumnType]], rows: Iterable[Sequence[Cell]]
) -> Table:
    return Table(title, title, [Column(name, name, type=type_) for name, type_ in columns], rows)


def _texts(*names: str) -> list[tuple[str, ColumnType]]:
    return [(name, ColumnType.STRING) for name in names]


def _page(kind: str, record: Record) -> str:
    return str(lookups.read_site().page(kind, record.name))


def _status(code: str) -> str:
    return _term("idea-status", code)


def _term(terms: str, code: str) -> str:
    try:
        return schemes.get_term_list(terms).term(code).label(tk.h.lang())
    except UnknownCode:
        return code


def _local(moment: datetime) -> str:
    return moment.astimezone(GUATEMALA).isoformat(sep=" ", timespec="minutes")[:16]


def _yes(truth: bool) -> str:
    return tk._("yes") if truth else tk._("no")


reports = Blueprint("marathon_report", __name__)

# What fits on a page; all of it is in the workbook and in the lists of the site.
SHOWN = {"workshops": 5, "steps": 5, "datasets": 5, "parts": 7, "milestones": 4}

T = TypeVar("T")


@dataclass(frozen=True)
class ShortList(Generic[T]):
    """The first records of a list, and the address of all of them.

    Attributes:
        left: number of further records; 0 or less if there are none.
        all_of_them: address of the whole list.
    """

    records: Sequence[T]
    left: int
    all_of_them: str


class PartRow(NamedTuple):
    """A municipality or service problem, with its figures in the order of ``part_figures``."""

    name: str
    href: str
    figures: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class PrintedReport:
    """A report as its page prints it.

    Attributes:
        as_of: time of the figures in ISO format.
        examples: number of the counted records that are examples.
        qr: its address as a QR code in SVG.
        figures: name and number of each figure.
        statuses: code of each status and number of ideas with it.
        announced: number of workshops that were announced and are not known to have been held.
        part_figures: names of the figures of ``parts``.
        definitions: what each figure counts.
        sources: name and address of each source.
        address: permanent address of the report.
        workbook: address of its workbook.
    """

    period: Period
    as_of: str
    examples: int
    qr: Markup
    figures: list[tuple[str, int]]
    workshops: ShortList[HeldWorkshop]
    announced: int
    statuses: list[tuple[str, int]]
    steps: ShortList[StatusStep]
    datasets: ShortList[Publication]
    part_figures: list[str]
    parts: ShortList[PartRow]
    milestones: ShortList[Promise]
    definitions: list[tuple[str, str]]
    sources: list[tuple[str, str]]
    address: str
    workbook: str


@dataclass(frozen=True, kw_only=True)
class ReportPage:
    """The page of a report: a form for its period, and the report.

    Attributes:
        place: the municipality, ``None`` for the whole country.
        asked: first and last day as they were typed, by parameter.
        errors: error messages by parameter.
        report: ``None`` if there are errors.
    """

    place: Municipality | None
    title: str
    asked: dict[str, str]
    errors: dict[str, str]
    report: PrintedReport | None


def show_country_report() -> Response:
    """Show the report of the country."""
    return _show_report(None)


def show_municipality_report(code: str) -> Response:
    """Show the report of a municipality."""
    try:
        return _show_report(territory.get_municipality(code))
    except UnknownCode:
        return _redirect_code(code, "marathon_report.municipality")


def show_country_workbook() -> Response:
    """Return the report of the country as a workbook, with everything that it counts."""
    return _show_workbook(None)


def show_municipality_workbook(code: str) -> Response:
    """Return the report of a municipality as a workbook."""
    try:
        return _show_workbook(territory.get_municipality(code))
    except UnknownCode:
        return _redirect_code(code, "marathon_report.municipality_xlsx")


def _show_report(place: Municipality | None) -> Response:
    page = read_report_page(place)
    answer = tk.render("marathon/report/report.html", {"page": page})
    return make_response(answer, 400 if page.errors else 200)


def read_report_page(place: Municipality | None) -> ReportPage:
    """Return the content of the page of a report, for the period of the request."""
    report, errors = None, {}
    try:
        report = _read_printed_report(place, _read_period())
    except dates.UnclearPeriod as error:
        errors = {name: messages.write_fault(fault) for name, fault in error.faults.items()}
    return ReportPage(
        place=place,
        title=_write_title(place),
        asked={name: request.args.get(name, "") for name in (FIRST_PARAMETER, LAST_PARAMETER)},
        errors=errors,
        report=report,
    )


def _read_printed_report(place: Municipality | None, period: Period) -> PrintedReport:
    found = figures.read_report(period, place.code if place else "", SHOWN["datasets"])
    address, workbook = (_find_address(place, period, ending) for ending in ("", ".xlsx"))
    latest, promises = found.datasets.latest, found.milestones
    return PrintedReport(
        period=period,
        as_of=find_as_of(found).isoformat(),
        examples=found.examples,
        # The address has only days and a valid code, no other text of the request.
        qr=Markup(segno.make_qr(address, error="m").svg_inline(omitsize=True, border=0)),  # noqa: S704 - SVG drawn by segno
        figures=tabulate_figures(found),
        workshops=_shorten("workshops", found.workshops, _find_search("workshop", place)),
        announced=found.announced,
        statuses=[(term.code, found.by_status[term.code]) for term in schemes.IDEA_STATUS.terms],
        steps=_shorten("steps", found.steps, workbook),
        datasets=ShortList(
            latest, found.datasets.count - len(latest), _find_search("dataset", place)
        ),
        part_figures=list_part_figures(),
        parts=ShortList(
            [_make_part_row(part) for part in found.parts[: SHOWN["parts"]]],
            len(found.parts) - SHOWN["parts"],
            workbook,
        ),
        milestones=_shorten("milestones", promises, _find_commitment(promises)),
        definitions=tabulate_definitions(),
        sources=tabulate_sources(),
        address=address,
        workbook=workbook,
    )


def _shorten(name: str, records: Sequence[T], all_of_them: str) -> ShortList[T]:
    most = SHOWN[name]
    return ShortList(records[:most], len(records) - most, all_of_them)


def _make_part_row(part: ReportPart) -> PartRow:
    if part.code.isdigit():
        href = tk.h.url_for("marathon_place.municipality", code=part.code)
    else:
        href = tk.h.url_for("marathon_place.problem", notation=part.code)
    return PartRow(name_part(part.code), href, part[1:])


def _find_search(package_type: str, place: Municipality | None) -> str:
    chosen = {"vocab_municipality": place.code} if place else {}
    return tk.h.url_for(f"{package_type}.search", _external=True, **chosen)


def _find_commitment(promises: Sequence[Promise]) -> str:
    """Return the address of the commitment that has the first of some milestones."""
    if not promises:
        return ""
    return tk.h.url_for("commitment.read", id=promises[0].commitment.name, _external=True)


def _show_workbook(place: Municipality | None) -> Response:
    try:
        period = _read_period()
    except dates.UnclearPeriod:
        return _show_report(place)
    found = figures.read_report(period, place.code if place else "")
    body = write_workbook(
        tabulate_report(found, period, _write_title(place), _find_address(place, period))
    )
    answer = FlaskResponse(body, content_type=XLSX)
    name = "-".join(filter(None, ("informe", place and place.code, period.last.isoformat())))
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return answer


def _read_period() -> Period:
    """Return the period that the request asks for.

    Raises:
        UnclearPeriod: ``from`` or ``to`` is malformed, or ``from`` is after ``to``.
    """
    first, last = (request.args.get(name, "") for name in (FIRST_PARAMETER, LAST_PARAMETER))
    return dates.read_period(first, last, dates.get_today())


def _write_title(place: Municipality | None) -> str:
    if place:
        return tk._("Report on the idea marathons in {name}").format(name=place.name)
    return tk._("Report on the idea marathons in Guatemala")


def _find_address(place: Municipality | None, period: Period, ending: str = "") -> str:
    """Return the permanent address of the report, which has its last day."""
    path = f"municipality/{place.code}" if place else "marathon"
    days = {LAST_PARAMETER: period.last.isoformat()}
    if period.first:
        days = {FIRST_PARAMETER: period.first.isoformat(), **days}
    return f"{lookups.read_site().url}/{path}/report{ending}?{urlencode(days)}"


def _redirect_code(code: str, endpoint: str) -> Response:
    """Redirect a code as spreadsheets write it; for an unknown one to the list of codes."""
    meant = schemes.repair_concept_code("municipality", code)
    if not meant or meant == code:
        return tk.redirect_to("marathon_vocabulary.concept", kind="municipality", code=code)
    days = {
        name: request.args[name]
        for name in (FIRST_PARAMETER, LAST_PARAMETER)
        if name in request.args
    }
    answer = tk.redirect_to(endpoint, code=meant, **days)
    answer.status_code = 301
    return answer


reports.add_url_rule("/marathon/report", endpoint="country", view_func=show_country_report)
reports.add_url_rule(
    "/marathon/report.xlsx", endpoint="country_xlsx", view_func=show_country_workbook
)
reports.add_url_rule(
    "/municipality/<code>/report", endpoint="municipality", view_func=show_municipality_report
)
reports.add_url_rule(
    "/municipality/<code>/report.xlsx",
    endpoint="municipality_xlsx",
    view_func=show_municipality_workbook,
)
