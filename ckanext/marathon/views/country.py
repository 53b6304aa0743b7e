"""``/marathon``: how much there is in the whole country, and municipality by municipality."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, request

from ckanext.marathon.helpers import overview
from ckanext.marathon.model import figures

from . import tables

country = Blueprint("marathon_country", __name__)

LATEST = 5


def index() -> str:
    """Show the country at a glance; ``sort`` is a field of ``Figures``."""
    ideas, datasets = overview.list_newest(LATEST)
    rows = overview.list_municipality_rows()
    return tk.render(
        "marathon/country/index.html",
        {
            "total": figures.read_total_figures(),
            "as_of": overview.write_as_of(),
            "comparison": overview.compare_rows(rows, request.args.get("sort", "")),
            "ideas": ideas,
            "datasets": datasets,
        },
    )


def municipalities() -> Response:
    """Return the figures of the municipalities as CSV."""
    title = tk._("The idea marathons by municipality")
    return tables.csv(
        overview.tabulate_rows("municipalities", title, overview.list_municipality_rows())
    )


country.add_url_rule("/marathon", view_func=index)
country.add_url_rule("/marathon/municipalities.csv", view_func=municipalities)
