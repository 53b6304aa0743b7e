"""What the map of ``marathon_site`` is drawn from: Leaflet, boundaries, figures; all from here."""

from __future__ import annotations

import json
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, request
from flask import Response as FlaskResponse

from ckanext.marathon.feeds import log_state
from ckanext.marathon.helpers import site
from ckanext.marathon.model import figures, link

from .conditional import encoding, is_fresh, short, validate, with_charset

map_ = Blueprint("marathon_map", __name__)

YEAR = 365 * 24 * 60 * 60


class Kept(FlaskResponse):
    """An answer that need not be asked for again; CKAN says of all others that they must."""

    def get_wsgi_headers(self, environ: Any) -> Any:
        """Return the headers as they are sent, after CKAN has written its own."""
        headers = super().get_wsgi_headers(environ)
        headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
        return headers


def part(name: str) -> Response:
    """Return Leaflet, or the boundaries as TopoJSON; for a year if ``v`` names this version."""
    if name not in site.MEDIA_TYPES:
        return tk.abort(404, tk._("Not found"))
    found = site.read_map_file(name)
    kind = Kept if request.args.get("v") == found.digest else FlaskResponse
    answer = kind(status=304)
    answer.set_etag(f"{found.digest}.{encoding()}")
    answer.vary.add("Accept-Encoding")
    if is_fresh(answer):
        return answer
    answer.status_code = 200
    answer.content_type = with_charset(site.MEDIA_TYPES[name])
    if encoding() == "gzip":
        answer.headers["Content-Encoding"] = "gzip"
        answer.set_data(found.zipped)
    else:
        answer.set_data(found.body)
    return answer


def numbers() -> Response:
    """Return code → figures of the municipalities that have any, as JSON."""
    state = log_state.read_state()
    answer = FlaskResponse(status=304)
    validate(answer, state, "map")
    if is_fresh(answer):
        return answer
    found = {
        code: each._asdict() for code, each in figures.read_figures_by(link.MUNICIPALITY).items()
    }
    answer = short(json.dumps(found).encode(), "application/json")
    validate(answer, state, "map")
    return answer


map_.add_url_rule("/marathon/map.json", view_func=numbers)
map_.add_url_rule("/marathon/map/<name>", view_func=part)
