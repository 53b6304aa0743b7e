"""``/marathon``: how much there is in the whole country, and municipality by municipality."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, request

from ckanext.marathon.helpers import comparison, newest
from ckanext.marathon.model import figures

from . import tables

country = Blueprint("marathon_country", __name__)

LATEST = 5


def index() -> str:
    """Show the country at a glance; ``sort`` is a field of ``Figures``."""
    ideas, datasets = newest.ideas_and_datasets(LATEST)
    rows = comparison.municipalities()
    return tk.render(
        "marathon/country/index.html",
        {
            "total": figures.read_total_figures(),
            "as_of": comparison.as_of(),
            "comparison": comparison.compare(rows, request.args.get("sort", "")),
            "ideas": ideas,
            "datasets": datasets,
        },
    )


def municipalities() -> Response:
    """Return the figures of the municipalities as CSV."""
    title = tk._("The idea marathons by municipality")
    return tables.csv(comparison.table("municipalities", title, comparison.municipalities()))


country.add_url_rule("/marathon", view_func=index)
country.add_url_rule("/marathon/municipalities.csv", view_func=municipalities)
