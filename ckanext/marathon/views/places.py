"""Everything about a municipality, a department or a service problem, for visitors."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Response
from flask import Blueprint

from ckanext.marathon.model import overview, place
from ckanext.marathon.search.away import AWAY
from ckanext.marathon.vocabulary import paths, territory
from ckanext.marathon.vocabulary import problems as taxonomy
from ckanext.marathon.vocabulary.errors import UnknownCode
from ckanext.marathon.vocabulary.territory import Kind

places = Blueprint("marathon_place", __name__)

SHOWN = 10
MUNICIPALITY, DEPARTMENT, PROBLEM = (
    "vocab_municipality",
    "vocab_department",
    "vocab_service_problem",
)


class Part(NamedTuple):
    """The things of one type under a filter: how many, the latest, and where all of them are."""

    package_type: str
    count: int
    things: list[dict[str, Any]]
    all_of_them: str


def municipalities() -> str:
    """List the municipalities that take part, and all of them by department."""
    busy = _counts(MUNICIPALITY)
    codes = overview.municipalities() if busy is None else sorted(busy)
    active = [territory.municipality(code) for code in codes if _known(code)]
    return tk.render(
        "marathon/place/municipalities.html",
        {
            "active": sorted(active, key=lambda each: each.name),
            "counts": busy or {},
            "departments": [
                (each, territory.municipalities_of(each.code)) for each in territory.departments()
            ],
        },
    )


def municipality(code: str) -> Response | str:
    """Show what there is of a municipality."""
    try:
        found = territory.municipality(code)
    except UnknownCode:
        return _gone("municipality", code)
    holder = place.holder(code)
    return tk.render(
        "marathon/place/municipality.html",
        {
            "place": found,
            "department": territory.department(found.department_code),
            "evidence": [each for each in territory.pilot_evidence() if each.code == code],
            "organization": tk.h.get_organization(holder) if holder else None,
            "parts": _parts(MUNICIPALITY, code),
        },
    )


def department(code: str) -> Response | str:
    """Show what there is of a department."""
    try:
        found = territory.department(code)
    except UnknownCode:
        return _gone("department", code)
    return tk.render(
        "marathon/place/department.html",
        {
            "place": found,
            "municipalities": territory.municipalities_of(code),
            "counts": _counts(MUNICIPALITY) or {},
            "parts": _parts(DEPARTMENT, code),
        },
    )


def problems() -> str:
    """List the service problems with their definitions and what there is of each."""
    return tk.render(
        "marathon/place/problems.html",
        {"branches": taxonomy.tree(), "counts": _counts(PROBLEM) or {}},
    )


def problem(notation: str) -> Response | str:
    """Show what there is of a service problem; of an area, what there is of its problems too."""
    try:
        found = taxonomy.problem(notation)
    except UnknownCode:
        return _gone("service-problem", notation)
    return tk.render(
        "marathon/place/problem.html",
        {
            "problem": found,
            "area": taxonomy.problem(found.broader) if found.broader else None,
            "narrower": [taxonomy.problem(each) for each in found.narrower],
            "counts": _counts(PROBLEM) or {},
            "parts": _parts(PROBLEM, notation),
        },
    )


def _parts(field: str, value: str) -> list[Part] | None:
    """Return what there is under a filter; ``None`` while Solr is away."""
    try:
        return [_part(each, field, value) for each in ("workshop", "idea", "dataset")]
    except AWAY:
        return None


def _part(package_type: str, field: str, value: str) -> Part:
    found = _search(
        {
            "fq": f'+dataset_type:{package_type} +{field}:"{value}"',
            "rows": SHOWN,
            "sort": "metadata_modified desc",
        }
    )
    address = tk.h.url_for(f"{package_type}.search", **{field: value})
    return Part(package_type, found["count"], found["results"], address)


def _counts(field: str) -> dict[str, int] | None:
    """Return value of a field → number of public workshops, ideas and datasets that have it.

    ``None`` while Solr is away.
    """
    try:
        found = _search(
            {
                "fq": "+dataset_type:(workshop OR idea OR dataset)",
                "rows": 0,
                "facet.field": [field],
                "facet.limit": -1,
                "facet.mincount": 1,
            }
        )
    except AWAY:
        return None
    return found["facets"].get(field, {})


def _search(query: dict[str, Any]) -> dict[str, Any]:
    return tk.get_action("package_search")({"user": current_user.name}, query)


def _known(code: str) -> bool:
    try:
        territory.municipality(code)
    except UnknownCode:
        return False
    return True


def _gone(kind: Kind | Literal["service-problem"], code: str) -> Response:
    """Send on to the place or problem that the code means as spreadsheets write it.

    Where it means none, the vocabulary's page says what exists instead.
    """
    meant = paths.meant(kind, code)
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
places.add_url_rule("/service-problem", view_func=problems)
places.add_url_rule("/service-problem/<notation>", view_func=problem)
