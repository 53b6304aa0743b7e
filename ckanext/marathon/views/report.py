"""Reports on one Letter-size page, of the country and of a municipality, and as a workbook."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import ckan.plugins.toolkit as tk
import segno
from ckan.types import Response
from flask import Blueprint, make_response, request
from flask import Response as FlaskResponse
from markupsafe import Markup

from ckanext.marathon.domain import dates
from ckanext.marathon.domain.dates import FIRST_PARAMETER, LAST_PARAMETER, Period
from ckanext.marathon.logic import messages
from ckanext.marathon.model import report
from ckanext.marathon.operations import report_sheets
from ckanext.marathon.rdf import lookups
from ckanext.marathon.spreadsheets.table import XLSX, write_workbook
from ckanext.marathon.vocabulary import paths, territory
from ckanext.marathon.vocabulary.errors import UnknownCode
from ckanext.marathon.vocabulary.territory import Municipality

reports = Blueprint("marathon_report", __name__)

# What fits on a page; all of it is in the workbook and in the lists of the site.
SHOWN = {"workshops": 5, "steps": 5, "datasets": 5, "parts": 7, "milestones": 4}


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
    try:
        period = _read_period()
    except dates.UnclearPeriod as error:
        return _show_page(
            place, 400, errors={k: messages.write_fault(v) for k, v in error.faults.items()}
        )
    found = report.read_report(period, place.code if place else "", SHOWN["datasets"])
    address = _find_address(place, period)
    # Nothing of a reader's is in it but days and a code that exists.
    qr = Markup(segno.make_qr(address, error="m").svg_inline(omitsize=True, border=0))  # noqa: S704 - SVG drawn by segno
    return _show_page(
        place,
        200,
        report=found,
        period=period,
        as_of=report_sheets.write_as_of(found).isoformat(),
        figures=report_sheets.tabulate_figures(found),
        part_figures=report_sheets.list_part_figures(),
        part_name=report_sheets.name_part,
        definitions=report_sheets.tabulate_definitions(),
        sources=report_sheets.tabulate_sources(),
        shown=SHOWN,
        address=address,
        workbook_address=_find_address(place, period, ".xlsx"),
        qr=qr,
    )


def _show_page(place: Municipality | None, status: int, **more: Any) -> Response:
    page = tk.render(
        "marathon/report/report.html",
        {
            "place": place,
            "title": _write_title(place),
            "asked": {
                name: request.args.get(name, "") for name in (FIRST_PARAMETER, LAST_PARAMETER)
            },
            "errors": {},
            "report": None,
            **more,
        },
    )
    return make_response(page, status)


def _show_workbook(place: Municipality | None) -> Response:
    try:
        period = _read_period()
    except dates.UnclearPeriod:
        return _show_report(place)
    found = report.read_report(period, place.code if place else "")
    body = write_workbook(
        report_sheets.tabulate_report(
            found, period, _write_title(place), _find_address(place, period)
        )
    )
    answer = FlaskResponse(body, content_type=XLSX)
    name = "-".join(filter(None, ("informe", place and place.code, period.last.isoformat())))
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return answer


def _read_period() -> Period:
    """Return the period that the request asks for.

    Raises:
        Unclear: it asks for none.
    """
    first, last = (request.args.get(name, "") for name in (FIRST_PARAMETER, LAST_PARAMETER))
    return dates.read_period(first, last, dates.get_today())


def _write_title(place: Municipality | None) -> str:
    if place:
        return tk._("Report on the idea marathons in {name}").format(name=place.name)
    return tk._("Report on the idea marathons in Guatemala")


def _find_address(place: Municipality | None, period: Period, ending: str = "") -> str:
    """Return where the same report is to be had, also later: with its last day."""
    path = f"municipality/{place.code}" if place else "marathon"
    days = {LAST_PARAMETER: period.last.isoformat()}
    if period.first:
        days = {FIRST_PARAMETER: period.first.isoformat(), **days}
    return f"{lookups.read_site().url}/{path}/report{ending}?{urlencode(days)}"


def _redirect_code(code: str, endpoint: str) -> Response:
    """Send on to the municipality that the code means, else to the page that says what exists."""
    meant = paths.repair_concept_code("municipality", code)
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
