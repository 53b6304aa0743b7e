"""Everything about a municipality, a department or a service problem, for visitors."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, make_response, request

from ckanext.marathon.helpers import overview
from ckanext.marathon.helpers.chain import find_records
from ckanext.marathon.model import figures, idea
from ckanext.marathon.model import municipality as municipality_model
from ckanext.marathon.model.figures import Figures
from ckanext.marathon.model.link import DEPARTMENT, MUNICIPALITY, PROBLEM
from ckanext.marathon.rdf.lookups import read_site
from ckanext.marathon.search.connection import AWAY
from ckanext.marathon.vocabulary import paths, territory
from ckanext.marathon.vocabulary import problems as problems_vocabulary
from ckanext.marathon.vocabulary.errors import UnknownCode
from ckanext.marathon.vocabulary.territory import Kind

from . import tables
from .negotiation import vary_by_accept, wanted_extension

places = Blueprint("marathon_place", __name__)

# Of each type of things, and of the data that are missing.
SHOWN = 10
# By which a search finds what there is of each.
FIELDS = {
    MUNICIPALITY: "vocab_municipality",
    DEPARTMENT: "vocab_department",
    PROBLEM: "vocab_service_problem",
}
JSON = {"application/json": "jsonld"}
GEOJSON = {"application/geo+json": "geojson"}


class Part(NamedTuple):
    """The things of one type under a filter: how many, the latest, and where all of them are."""

    package_type: str
    count: int
    things: list[dict[str, Any]]
    all_of_them: str


def municipalities() -> str:
    """List the municipalities that take part, and all of them by department."""
    return tk.render(
        "marathon/place/municipalities.html",
        {
            "active": overview.list_municipality_rows(),
            "departments": [
                (each, territory.list_municipalities_of(each.code))
                for each in territory.list_departments()
            ],
        },
    )


def municipality(code: str) -> Response:
    """Show what there is of a municipality."""
    try:
        found = territory.get_municipality(code)
    except UnknownCode:
        return _gone(MUNICIPALITY, code)
    return _as_data(MUNICIPALITY, code, JSON | GEOJSON) or _page(
        MUNICIPALITY,
        code,
        "marathon/place/municipality.html",
        place=found,
        department=territory.get_department(found.department_code),
        evidence=[each for each in territory.read_pilot_evidence() if each.code == code],
        organization=_organization(code),
    )


def department(code: str) -> Response:
    """Show what there is of a department, and compare its municipalities."""
    try:
        found = territory.get_department(code)
    except UnknownCode:
        return _gone(DEPARTMENT, code)
    return _as_data(DEPARTMENT, code, JSON | GEOJSON) or _page(
        DEPARTMENT,
        code,
        "marathon/place/department.html",
        place=found,
        comparison=overview.compare_rows(overview.list_rows_of_department(code), _sort()),
    )


def department_figures(code: str) -> Response:
    """Return the figures of a department's municipalities as CSV."""
    try:
        found = territory.get_department(code)
    except UnknownCode:
        return tk.abort(404, tk._("Not found"))
    rows = overview.list_rows_of_department(code)
    return tables.csv(overview.tabulate_rows(f"department-{code}", found.name, rows))


def problems() -> str:
    """List the service problems with their definitions and what there is of each."""
    counts = {code: each.things for code, each in figures.read_figures_by(PROBLEM).items()}
    return tk.render(
        "marathon/place/problems.html",
        {"branches": problems_vocabulary.list_branches(), "counts": counts},
    )


def problem(notation: str) -> Response:
    """Show what there is of a service problem; of an area, compare its problems."""
    try:
        found = problems_vocabulary.get_problem(notation)
    except UnknownCode:
        return _gone(PROBLEM, notation)
    return _as_data(PROBLEM, notation, JSON) or _page(
        PROBLEM,
        notation,
        "marathon/place/problem.html",
        problem=found,
        area=problems_vocabulary.get_problem(found.broader) if found.broader else None,
        comparison=overview.compare_rows(overview.list_problem_rows(found.narrower), _sort(), ""),
    )


def problem_figures(notation: str) -> Response:
    """Return the figures of an area's problems, or of a problem, as CSV."""
    try:
        found = problems_vocabulary.get_problem(notation)
    except UnknownCode:
        return tk.abort(404, tk._("Not found"))
    rows = overview.list_problem_rows(found.narrower or (notation,))
    title = found.label(tk.h.lang())
    return tables.csv(overview.tabulate_rows(f"service-problem-{notation}", title, rows))


def _page(kind: str, code: str, template: str, **values: Any) -> Response:
    """Return the page of a place or problem, with what all of them have."""
    field = FIELDS[kind]
    everything = {
        "kind": kind,
        "code": code,
        "figures": figures.read_figures_by(kind).get(code, Figures()),
        "as_of": overview.write_as_of(),
        "needs": idea.list_unmet_needs(SHOWN, kind, code),
        "waiting": tk.h.url_for("idea.search", **{field: code, "vocab_data_needs": "unmet"}),
        "parts": _parts(field, code),
        "feeds": f"{read_site().url}/{kind}/{code}",
        **values,
    }
    return vary_by_accept(make_response(tk.render(template, everything)))


def _as_data(kind: str, code: str, others: dict[str, str]) -> Response | None:
    """Send on whoever prefers data to what the vocabulary says of a place or problem."""
    extension = wanted_extension(others)
    if extension is None:
        return None
    answer = tk.redirect_to(
        "marathon_vocabulary.concept_data", kind=kind, code=code, extension=extension
    )
    answer.status_code = 303
    return vary_by_accept(answer)


def _sort() -> str:
    return request.args.get("sort", "")


def _organization(code: str) -> dict[str, Any] | None:
    holder = municipality_model.find_municipality(code)
    return tk.h.marathon_organization(holder) if holder else None


def _parts(field: str, value: str) -> list[Part] | None:
    """Return what there is under a filter; ``None`` while Solr is away."""
    try:
        return [_part(each, field, value) for each in ("workshop", "idea", "dataset")]
    except AWAY:
        return None


def _part(package_type: str, field: str, value: str) -> Part:
    found = find_records(package_type, f'+{field}:"{value}"', SHOWN)
    address = tk.h.url_for(f"{package_type}.search", **{field: value})
    return Part(package_type, found["count"], found["things"], address)


def _gone(kind: Kind | Literal["service-problem"], code: str) -> Response:
    """Send on to the place or problem that the code means as spreadsheets write it.

    Where it means none, the vocabulary's page says what exists instead.
    """
    meant = paths.repair_concept_code(kind, code)
    if meant and meant != code:
        if kind == "service-problem":
            answer = tk.redirect_to("marathon_place.problem", notation=meant)
        else:
            answer = tk.redirect_to(f"marathon_place.{kind}", code=meant)
        answer.status_code = 301
        return answer
    return tk.redirect_to("marathon_vocabulary.concept", kind=kind, code=code)


places.add_url_rule("/municipality", view_func=municipalities)
places.add_url_rule("/municipality/<code>", view_func=municipality)
places.add_url_rule("/department/<code>", view_func=department)
places.add_url_rule("/department/<code>/figures.csv", view_func=department_figures)
places.add_url_rule("/service-problem", view_func=problems)
places.add_url_rule("/service-problem/<notation>", view_func=problem)
places.add_url_rule("/service-problem/<notation>/figures.csv", view_func=problem_figures)
