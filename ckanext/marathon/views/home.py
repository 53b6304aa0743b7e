"""The home page of ``marathon_site``, and the files and figures of its map.

CKAN's own home page needs Solr, this one only the database. The map loads Leaflet, boundaries and
figures from this site.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, request
from flask import Response as FlaskResponse
from werkzeug.datastructures import Headers

from ckanext.marathon.feeds import log_state
from ckanext.marathon.helpers import site
from ckanext.marathon.model import figures, idea, link
from ckanext.marathon.views.answers import (
    add_charset,
    answer_bytes,
    find_encoding,
    find_wanted_extension,
    is_fresh,
    set_validators,
    vary_by_accept,
)
from ckanext.marathon.views.place import (
    FigureRow,
    NewestRecord,
    list_municipality_rows,
    list_newest,
    list_problem_rows,
)
from ckanext.marathon.vocabulary import problems

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

map_ = Blueprint("marathon_map", __name__)

YEAR = 365 * 24 * 60 * 60


class KeptResponse(FlaskResponse):
    """An answer that browsers may cache for a year; CKAN sets other headers for all answers."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """Return the headers, with a Cache-Control that replaces CKAN's."""
        headers = super().get_wsgi_headers(environ)
        headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
        return headers


def show_map_file(name: str) -> Response:
    """Return Leaflet or the boundaries (TopoJSON); cached for a year if ``v`` is its version."""
    if name not in site.MEDIA_TYPES:
        return tk.abort(404, tk._("Not found"))
    found = site.read_map_file(name)
    kind = KeptResponse if request.args.get("v") == found.digest else FlaskResponse
    answer = kind(status=304)
    answer.set_etag(f"{found.digest}.{find_encoding()}")
    answer.vary.add("Accept-Encoding")
    if is_fresh(answer):
        return answer
    answer.status_code = 200
    answer.content_type = add_charset(site.MEDIA_TYPES[name])
    if find_encoding() == "gzip":
        answer.headers["Content-Encoding"] = "gzip"
        answer.set_data(found.zipped)
    else:
        answer.set_data(found.body)
    return answer


def show_map_figures() -> Response:
    """Return INE code → figures, for municipalities that have any, as JSON."""
    state = log_state.read_state()
    answer = FlaskResponse(status=304)
    set_validators(answer, state, "map")
    if is_fresh(answer):
        return answer
    found = {
        code: counts._asdict()
        for code, counts in figures.read_figures_by(link.MUNICIPALITY).items()
    }
    answer = answer_bytes(json.dumps(found).encode(), "application/json")
    set_validators(answer, state, "map")
    return answer


map_.add_url_rule("/marathon/map.json", endpoint="numbers", view_func=show_map_figures)
map_.add_url_rule("/marathon/map/<name>", endpoint="part", view_func=show_map_file)


home = Blueprint("marathon_site", __name__)


LATEST = 5
# Municipalities in the list of the home page.
MOST_MUNICIPALITIES = 12


@dataclass(frozen=True, kw_only=True)
class HomePage:
    """The figures and lists of the home page: public records only, from the database.

    Attributes:
        municipalities: the municipalities with most workshops, ideas and datasets.
        municipality_count: the number of municipalities that have any.
        areas: service areas with their figures.
        needs: data needs that no dataset meets.
        ideas: the newest ideas.
        datasets: the newest datasets.
        may_publish: whether this person may publish a dataset.
    """

    figures: figures.Figures
    municipalities: list[FigureRow]
    municipality_count: int
    areas: list[FigureRow]
    needs: list[idea.UnmetNeed]
    ideas: list[NewestRecord]
    datasets: list[NewestRecord]
    may_publish: bool


def read_home_page() -> HomePage:
    """Return the content of the home page."""
    places = list_municipality_rows()
    most = sorted(places, key=lambda row: -row.figures.things)
    ideas, datasets = list_newest(LATEST)
    return HomePage(
        figures=figures.read_total_figures(),
        municipalities=most[:MOST_MUNICIPALITIES],
        municipality_count=len(places),
        areas=list_problem_rows(area.notation for area in problems.list_areas()),
        needs=idea.list_unmet_needs(LATEST),
        ideas=ideas,
        datasets=datasets,
        may_publish=site.marathon_may_publish(),
    )


def show_home() -> Response | str:
    """Show the home page, or redirect a client that prefers RDF to the catalogue."""
    extension = find_wanted_extension()
    if extension:
        answer = tk.redirect_to("dcat.read_catalog", _format=extension)
        answer.status_code = 303
        return answer
    return tk.render("home/index.html", {"page": read_home_page()})


@home.after_request
def add_vary_to_site_home(response: Response) -> Response:
    """Add ``Vary: Accept``: the address serves the page or redirects to the catalogue."""
    return vary_by_accept(response)


home.add_url_rule("/", endpoint="index", view_func=show_home)
