"""Pages of places and service problems, and the page of the coordinating body.

``/marathon`` has the figures of all municipalities. The coordinating body's page lists the
municipalities of the site and their officers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.types import Context, Response
from flask import Blueprint, make_response, request

from ckanext.marathon.domain import dates
from ckanext.marathon.domain.table import ColumnType
from ckanext.marathon.files.table_schemas import list_schemas_about
from ckanext.marathon.helpers.chain import ListedRecord, find_records, list_records
from ckanext.marathon.helpers.labels import (
    marathon_date,
    marathon_figure_labels,
    marathon_host,
    marathon_municipality_names,
)
from ckanext.marathon.helpers.record import show_organization
from ckanext.marathon.helpers.sharing import Following, find_news, read_following
from ckanext.marathon.model import figures, idea, package
from ckanext.marathon.model import municipality as municipality_model
from ckanext.marathon.model.clock import cache_until_change
from ckanext.marathon.model.figures import Figures
from ckanext.marathon.model.idea import UnmetNeed
from ckanext.marathon.model.link import DEPARTMENT, MUNICIPALITY, PROBLEM
from ckanext.marathon.rdf.lookups import read_site
from ckanext.marathon.search.connection import AWAY
from ckanext.marathon.spreadsheets import Column, Table
from ckanext.marathon.views import answers, form_answers
from ckanext.marathon.views.answers import find_wanted_extension, vary_by_accept
from ckanext.marathon.views.errors import ErrorSentences, explain_errors, is_allowed
from ckanext.marathon.vocabulary import problems, schemes, territory
from ckanext.marathon.vocabulary.codes import UnknownCode, fold_text, pick_label
from ckanext.marathon.vocabulary.problems import ServiceProblem
from ckanext.marathon.vocabulary.territory import Department, Kind, Municipality, PilotEvidence

BY_NAME = "name"
# Field of ``Figures`` → column in files, if the names differ.
_IN_FILES = {"needs": "data_needs", "needs_met": "data_needs_met"}


class FigureRow(NamedTuple):
    """The figures of a place or problem."""

    code: str
    name: str
    href: str
    figures: Figures


class Comparison(NamedTuple):
    """Rows of figures in the requested order.

    Attributes:
        sort: the column by which they are sorted: a field of ``Figures``, ``name``, or ``""`` for
            another order.
        most: the largest number of each column, for the length of bars.
    """

    rows: list[FigureRow]
    sort: str
    most: Figures


def write_as_of() -> str:
    """Return the date of the figures as text."""
    moment = figures.read_time_of_figures().astimezone(dates.GUATEMALA)
    return marathon_date(moment.date().isoformat())


def list_municipality_rows() -> list[FigureRow]:
    """Return figures of the municipalities with any workshop, idea or dataset, by name."""
    found: list[FigureRow] = []
    for code, numbers in figures.read_figures_by(MUNICIPALITY).items():
        try:
            found.append(_make_municipality_row(territory.get_municipality(code), numbers))
        except UnknownCode:
            continue
    return _sort_by_name(found)


def list_rows_of_department(code: str) -> list[FigureRow]:
    """Return figures of all municipalities of a department, by name."""
    numbers = figures.read_figures_by(MUNICIPALITY)
    return _sort_by_name(
        _make_municipality_row(municipality, numbers.get(municipality.code, Figures()))
        for municipality in territory.list_municipalities_of(code)
    )


def list_problem_rows(notations: Iterable[str]) -> list[FigureRow]:
    """Return figures of service problems or areas, in the order given."""
    numbers, lang = figures.read_figures_by(PROBLEM), tk.h.lang()
    return [
        FigureRow(
            notation,
            problems.get_problem(notation).label(lang),
            tk.h.url_for("marathon_place.problem", notation=notation),
            numbers.get(notation, Figures()),
        )
        for notation in notations
    ]


def compare_rows(rows: list[FigureRow], sort: str, otherwise: str = BY_NAME) -> Comparison:
    """Return rows sorted by a column, the largest number first.

    Args:
        rows: rows in their default order.
        sort: the requested column; an unknown one is ignored.
        otherwise: the column of the default order, ``""`` for none.
    """
    most = Figures(*(max(column) for column in zip(*(row.figures for row in rows), strict=True)))
    if sort == BY_NAME:
        return Comparison(_sort_by_name(rows), sort, most)
    if sort in Figures._fields:
        return Comparison(sorted(rows, key=lambda row: -getattr(row.figures, sort)), sort, most)
    return Comparison(rows, otherwise, most)


def tabulate_rows(name: str, title: str, rows: list[FigureRow]) -> Table:
    """Return rows as a table for spreadsheets."""
    labels = marathon_figure_labels()
    columns = [
        Column("code", tk._("Code")),
        Column("name", tk._("Name")),
        *(
            Column(_IN_FILES.get(name, name), labels[name], type=ColumnType.INTEGER)
            for name in labels
        ),
    ]
    return Table(name, title, columns, [(row.code, row.name, *row.figures) for row in rows])


def _make_municipality_row(place: Municipality, numbers: Figures) -> FigureRow:
    href = tk.h.url_for("marathon_place.municipality", code=place.code)
    return FigureRow(place.code, place.name, href, numbers)


def _sort_by_name(rows: Iterable[FigureRow]) -> list[FigureRow]:
    return sorted(rows, key=lambda row: (fold_text(row.name), row.code))


class NewestRecord(NamedTuple):
    """A dataset or idea in a short list; a dataset with its ideas."""

    type: str
    name: str
    title: str
    status: str
    is_example: bool
    places: list[str]
    ideas: list[NewestRecord]


def list_newest(limit: int) -> tuple[list[NewestRecord], list[NewestRecord]]:
    """Return the newest ideas and the newest datasets, at most ``limit`` of each.

    Cached until a public change: CKAN's tables have no index for this query.
    """
    return cache_until_change("newest", limit, lambda: _list_newest(limit))


def _list_newest(limit: int) -> tuple[list[NewestRecord], list[NewestRecord]]:
    ideas, datasets = (
        figures.list_latest(package_type, limit) for package_type in (package.IDEA, package.DATASET)
    )
    codes = figures.list_municipalities_of([record.id for record in (*ideas, *datasets)])
    origins = figures.list_ideas_of_datasets([dataset.id for dataset in datasets])
    return (
        [_make_newest_record(idea, codes) for idea in ideas],
        [_make_newest_record(dataset, codes, origins.get(dataset.id, [])) for dataset in datasets],
    )


def _make_newest_record(
    record: model.Package,
    codes: Mapping[str, list[str]],
    ideas: list[model.Package] | None = None,
) -> NewestRecord:
    return NewestRecord(
        type=record.type,
        name=record.name,
        title=record.title or record.name,
        status=package.read_stored_text(record, "status"),
        is_example=package.read_stored_flag(record, "example"),
        places=marathon_municipality_names(codes.get(record.id, [])),
        ideas=[_make_newest_record(idea, {}) for idea in ideas or []],
    )


country = Blueprint("marathon_country", __name__)

LATEST = 5


@dataclass(frozen=True, kw_only=True)
class CountryPage:
    """The page with the figures of the country.

    Attributes:
        total: the figures of the whole country.
        as_of: the date of the figures, as text.
        comparison: the municipalities, in the requested order.
        ideas: the newest ideas.
        datasets: the newest datasets.
        news: address of the Atom feed of all news.
    """

    total: Figures
    as_of: str
    comparison: Comparison
    ideas: list[NewestRecord]
    datasets: list[NewestRecord]
    news: str


def show_country() -> str:
    """Show the figures of the country; ``sort`` is a field of ``Figures``."""
    return tk.render("marathon/country/index.html", {"page": read_country_page(_read_sort())})


def read_country_page(sort: str) -> CountryPage:
    """Return the content of the country's page, with its municipalities sorted by a figure."""
    ideas, datasets = list_newest(LATEST)
    return CountryPage(
        total=figures.read_total_figures(),
        as_of=write_as_of(),
        comparison=compare_rows(list_municipality_rows(), sort),
        ideas=ideas,
        datasets=datasets,
        news=find_news(),
    )


def show_municipality_figures() -> Response:
    """Return the figures of the municipalities as CSV."""
    title = tk._("The idea marathons by municipality")
    return answers.answer_csv(tabulate_rows("municipalities", title, list_municipality_rows()))


country.add_url_rule("/marathon", endpoint="index", view_func=show_country)
country.add_url_rule(
    "/marathon/municipalities.csv", endpoint="municipalities", view_func=show_municipality_figures
)


places = Blueprint("marathon_place", __name__)

# Records of a type, and unmet data needs, that a page lists.
SHOWN = 10
# Kind of place or problem → Solr field of its records.
FILTER_FIELDS = {
    MUNICIPALITY: "vocab_municipality",
    DEPARTMENT: "vocab_department",
    PROBLEM: "vocab_service_problem",
}
JSON = {"application/json": "jsonld"}
GEOJSON = {"application/geo+json": "geojson"}


@dataclass(frozen=True)
class TypeSection:
    """The records of one type under a filter: number, latest ones, and address of the search."""

    package_type: str
    count: int
    records: list[ListedRecord]
    all_of_them: str


@dataclass(frozen=True, kw_only=True)
class PlacePage:
    """The common content of the pages of a municipality, a department and a service problem.

    Attributes:
        kind: ``municipality``, ``department`` or ``service-problem``.
        code: INE code or notation.
        name: name of the place, or label of the problem.
        about: the name for use in sentences.
        figures: its figures.
        as_of: the date of the figures, as text.
        needs: data needs that no dataset meets.
        waiting: address of the search for the ideas with these needs.
        sections: its records by type; ``None`` if Solr does not answer.
        feeds: beginning of the addresses of its feeds.
        news: address of its news as Atom.
        may_add: whether this person may publish a dataset.
    """

    kind: str
    code: str
    name: str
    about: str
    figures: Figures
    as_of: str
    needs: list[UnmetNeed]
    waiting: str
    sections: list[TypeSection] | None
    feeds: str
    news: str
    may_add: bool


class PilotSource(NamedTuple):
    """The source for a municipality being a pilot; ``href`` is ``""`` if it is no web page."""

    href: str
    label: str
    day: str


@dataclass(frozen=True, kw_only=True)
class MunicipalityPage(PlacePage):
    """The page of a municipality.

    Attributes:
        department: its department.
        pilot_sources: sources for it being a pilot.
        organization: its organisation (``id``, ``name``, ``title``); ``None`` without one.
        following: whether this person follows the organisation, see ``Following``.
        may_add_organization: whether this person may create the organisation.
    """

    department: Department
    pilot_sources: list[PilotSource]
    organization: dict[str, str] | None
    following: Following | None
    may_add_organization: bool


@dataclass(frozen=True, kw_only=True)
class DepartmentPage(PlacePage):
    """The page of a department, with its municipalities."""

    iso_3166_2: str
    comparison: Comparison


@dataclass(frozen=True, kw_only=True)
class ProblemPage(PlacePage):
    """The page of a service problem (with its ``area``), or of an area with its problems.

    Attributes:
        tables: table schemas about it, as pairs of name and title.
    """

    definition: str
    area: ServiceProblem | None
    comparison: Comparison
    tables: tuple[tuple[str, str], ...]


def list_municipalities() -> str:
    """List the municipalities that take part, and all of them by department."""
    return tk.render(
        "marathon/place/municipalities.html",
        {
            "active": list_municipality_rows(),
            "may_add_organization": tk.h.check_access("marathon_municipality_create"),
            "departments": [
                (department, territory.list_municipalities_of(department.code))
                for department in territory.list_departments()
            ],
        },
    )


def show_municipality(code: str) -> Response:
    """Show the page of a municipality."""
    try:
        found = territory.get_municipality(code)
    except UnknownCode:
        return _redirect_code(MUNICIPALITY, code)
    return _redirect_to_data(MUNICIPALITY, code, JSON | GEOJSON) or _show_page(
        "marathon/place/municipality.html", read_municipality_page(found)
    )


def read_municipality_page(municipality: Municipality) -> MunicipalityPage:
    """Return the content of a municipality's page for this person."""
    organization = _find_organization(municipality.code)
    return MunicipalityPage(
        **_read_shared(MUNICIPALITY, municipality.code, municipality.name, municipality.name),
        department=territory.get_department(municipality.department_code),
        pilot_sources=[
            _describe_source(evidence)
            for evidence in territory.read_pilot_evidence()
            if evidence.code == municipality.code
        ],
        organization=organization,
        following=read_following("organization", organization["id"]) if organization else None,
        may_add_organization=not organization and tk.h.check_access("marathon_municipality_create"),
    )


def _describe_source(evidence: PilotEvidence) -> PilotSource:
    day = marathon_date(evidence.source_date)
    if tk.h.is_url(evidence.source):
        return PilotSource(evidence.source, marathon_host(evidence.source), day)
    return PilotSource("", evidence.source_label(tk.h.lang()), day)


def show_department(code: str) -> Response:
    """Show the page of a department, which compares its municipalities."""
    try:
        found = territory.get_department(code)
    except UnknownCode:
        return _redirect_code(DEPARTMENT, code)
    return _redirect_to_data(DEPARTMENT, code, JSON | GEOJSON) or _show_page(
        "marathon/place/department.html", read_department_page(found, _read_sort())
    )


def read_department_page(department: Department, sort: str) -> DepartmentPage:
    """Return the content of a department's page, with its municipalities sorted by a figure."""
    return DepartmentPage(
        **_read_shared(DEPARTMENT, department.code, department.name, department.name),
        iso_3166_2=department.iso_3166_2,
        comparison=compare_rows(list_rows_of_department(department.code), sort),
    )


def show_department_figures(code: str) -> Response:
    """Return the figures of a department's municipalities as CSV."""
    try:
        found = territory.get_department(code)
    except UnknownCode:
        return tk.abort(404, tk._("Not found"))
    rows = list_rows_of_department(code)
    return answers.answer_csv(tabulate_rows(f"department-{code}", found.name, rows))


def list_problems() -> str:
    """List the service problems with their definitions and figures."""
    counts = {code: counts.things for code, counts in figures.read_figures_by(PROBLEM).items()}
    return tk.render(
        "marathon/place/problems.html",
        {"branches": problems.list_branches(), "counts": counts},
    )


def show_problem(notation: str) -> Response:
    """Show the page of a service problem, or of an area, which compares its problems."""
    try:
        found = problems.get_problem(notation)
    except UnknownCode:
        return _redirect_code(PROBLEM, notation)
    return _redirect_to_data(PROBLEM, notation, JSON) or _show_page(
        "marathon/place/problem.html", read_problem_page(found, _read_sort())
    )


def read_problem_page(problem: ServiceProblem, sort: str) -> ProblemPage:
    """Return the content of a problem's or area's page, with problems sorted by a figure."""
    name = problem.label(tk.h.lang())
    return ProblemPage(
        **_read_shared(PROBLEM, problem.notation, name, f"“{name}”"),
        definition=problem.definition.get(tk.h.lang()) or problem.definition.get("es", ""),
        area=problems.get_problem(problem.broader) if problem.broader else None,
        tables=tuple(
            (schema.name, pick_label(schema.title, tk.h.lang()))
            for schema in list_schemas_about([problem.notation])
        ),
        comparison=compare_rows(list_problem_rows(problem.narrower), sort, ""),
    )


def show_problem_figures(notation: str) -> Response:
    """Return the figures of an area's problems, or of a problem, as CSV."""
    try:
        found = problems.get_problem(notation)
    except UnknownCode:
        return tk.abort(404, tk._("Not found"))
    rows = list_problem_rows(found.narrower or (notation,))
    title = found.label(tk.h.lang())
    return answers.answer_csv(tabulate_rows(f"service-problem-{notation}", title, rows))


def _show_page(template: str, page: PlacePage) -> Response:
    return vary_by_accept(make_response(tk.render(template, {"page": page})))


def _read_shared(kind: str, code: str, name: str, about: str) -> dict[str, Any]:
    """Return the fields of ``PlacePage``."""
    field = FILTER_FIELDS[kind]
    return {
        "kind": kind,
        "code": code,
        "name": name,
        "about": about,
        "figures": figures.read_figures_by(kind).get(code, Figures()),
        "as_of": write_as_of(),
        "needs": idea.list_unmet_needs(SHOWN, kind, code),
        "waiting": tk.h.url_for("idea.search", **{field: code, "vocab_data_needs": "unmet"}),
        "sections": _list_sections(field, code),
        "feeds": f"{read_site().url}/{kind}/{code}",
        "news": find_news(kind, code),
        "may_add": tk.h.check_access("package_create"),
    }


def _redirect_to_data(kind: str, code: str, others: dict[str, str]) -> Response | None:
    """Redirect clients that prefer RDF or GeoJSON to the concept of the vocabulary."""
    extension = find_wanted_extension(others)
    if extension is None:
        return None
    answer = tk.redirect_to(
        "marathon_vocabulary.concept_data", kind=kind, code=code, extension=extension
    )
    answer.status_code = 303
    return vary_by_accept(answer)


def _read_sort() -> str:
    return request.args.get("sort", "")


def _find_organization(code: str) -> dict[str, str] | None:
    holder = municipality_model.find_municipality(code)
    return package.read_organization_titles([holder]).get(holder) if holder else None


def _list_sections(field: str, value: str) -> list[TypeSection] | None:
    """Return the records that a filter finds, by type; ``None`` if Solr does not answer."""
    try:
        return [
            _make_section(package_type, field, value)
            for package_type in ("workshop", "idea", "dataset")
        ]
    except AWAY:
        return None


def _make_section(package_type: str, field: str, value: str) -> TypeSection:
    found = find_records(package_type, f'+{field}:"{value}"', SHOWN)
    address = tk.h.url_for(f"{package_type}.search", **{field: value})
    records = list_records(found["things"])
    return TypeSection(package_type, found["count"], records, address)


def _redirect_code(kind: Kind | Literal["service-problem"], code: str) -> Response:
    """Redirect a code that lost its zero in a spreadsheet (``501``) to the right one (``0501``).

    Other codes are redirected to the vocabulary's page, which answers 404 with similar ones.
    """
    meant = schemes.repair_concept_code(kind, code)
    if meant and meant != code:
        if kind == "service-problem":
            answer = tk.redirect_to("marathon_place.problem", notation=meant)
        else:
            answer = tk.redirect_to(f"marathon_place.{kind}", code=meant)
        answer.status_code = 301
        return answer
    return tk.redirect_to("marathon_vocabulary.concept", kind=kind, code=code)


places.add_url_rule("/municipality", endpoint="municipalities", view_func=list_municipalities)
places.add_url_rule("/municipality/<code>", endpoint="municipality", view_func=show_municipality)
places.add_url_rule("/department/<code>", endpoint="department", view_func=show_department)
places.add_url_rule(
    "/department/<code>/figures.csv",
    endpoint="department_figures",
    view_func=show_department_figures,
)
places.add_url_rule("/service-problem", endpoint="problems", view_func=list_problems)
places.add_url_rule("/service-problem/<notation>", endpoint="problem", view_func=show_problem)
places.add_url_rule(
    "/service-problem/<notation>/figures.csv",
    endpoint="problem_figures",
    view_func=show_problem_figures,
)


office = Blueprint("marathon_office", __name__)

MOST_FOUND = 20


def show_office() -> Response | str:
    """Show the coordinating body's page: municipalities, officers, and municipalities to add."""
    refused = _refuse_visitor()
    return refused if refused else _show_office()


def add_municipalities() -> Response | str:
    """Add the municipalities with the sent codes."""
    refused = _refuse_visitor()
    if refused:
        return refused
    sent = {"codes": request.form.getlist("code")}
    try:
        results = tk.get_action("marathon_municipality_create")(_make_context(), sent)
    except tk.ValidationError as error:
        return _show_office(errors=error.error_dict, status=400)
    return _show_office(results=results)


def invite_officer() -> Response | str:
    """Invite an officer.

    If no mail was sent, the page shows once the link for choosing a password: for a new account,
    and to somebody who may have it.
    """
    refused = _refuse_visitor()
    if refused:
        return refused
    sent = {key: request.form.get(key, "").strip() for key in ("organization", "email", "role")}
    refusal: ErrorSentences = {
        tk.NotAuthorized: tk._("Only the coordinating body invites officers here")
    }
    try:
        with explain_errors(refusal):
            invited = tk.get_action("marathon_officer_invite")(_make_context(), sent)
    except tk.ValidationError as error:
        return _show_office(invitation=sent, invitation_errors=error.error_dict, status=400)
    return _show_office(invited=invited)


def _show_office(status: int = 200, **extra: Any) -> Response:
    context = _make_context()
    officers = tk.get_action("marathon_officer_list")(context, {})
    wanted = request.values.get("q", "").strip()
    found = territory.search_municipalities(wanted, limit=MOST_FOUND) if wanted else ()
    refused = {
        result["code"]: result["error"] for result in extra.get("results", []) if result["error"]
    }
    holders = municipality_model.find_municipalities(
        [municipality.code for municipality in territory.list_municipalities()]
    )
    page = tk.render(
        "marathon/office/municipalities.html",
        {
            "q": wanted,
            "found": [
                (municipality, holders.get(municipality.code), refused.get(municipality.code))
                for municipality in found
            ],
            "rows": [
                _make_row(municipality, holders, officers)
                for municipality in _list_on_the_site(holders)
            ],
            **extra,
        },
    )
    return make_response(page, status)


def _list_on_the_site(holders: dict[str, str]) -> list[Municipality]:
    return sorted(
        (territory.get_municipality(code) for code in holders),
        key=lambda municipality: municipality.name,
    )


def _make_row(
    municipality: Municipality, holders: dict[str, str], officers: list[dict[str, Any]]
) -> dict[str, Any]:
    organization_id = holders[municipality.code]
    people = [officer for officer in officers if officer["organization"]["id"] == organization_id]
    return {
        "municipality": municipality,
        "organization": show_organization(organization_id),
        "officers": people,
        "pending": [person for person in people if person["state"] == "pending"],
    }


def _refuse_visitor() -> Response | None:
    if is_allowed("marathon_municipality_create", _make_context(), {}):
        return None
    if not current_user.is_authenticated and not form_answers.may_hold():
        return tk.redirect_to(
            "user.login", came_from=tk.h.url_for("marathon_office.municipalities")
        )
    return tk.abort(403, tk._("This page is for administrators of the coordinating body"))


def _make_context() -> Context:
    return {"user": current_user.name, "auth_user_obj": current_user}


office.add_url_rule("/marathon/municipality", endpoint="municipalities", view_func=show_office)
office.add_url_rule(
    "/marathon/municipality/add", endpoint="add", view_func=add_municipalities, methods=["POST"]
)
office.add_url_rule(
    "/marathon/municipality/invite", endpoint="invite", view_func=invite_officer, methods=["POST"]
)
