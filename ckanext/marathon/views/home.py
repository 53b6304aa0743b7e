"""The home page of ``marathon_site``; CKAN's own needs Solr, this one only the database."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint

from .negotiation import vary_by_accept, wanted_extension

home = Blueprint("marathon_site", __name__)


def index() -> Response | str:
    """Show the home page, or send a program that prefers RDF to the catalogue."""
    extension = wanted_extension()
    if extension:
        answer = tk.redirect_to("dcat.read_catalog", _format=extension)
        answer.status_code = 303
        return answer
    return tk.render("home/index.html")


@home.after_request
def say_that_there_are_other_forms(response: Response) -> Response:
    """Let caches keep the page and the redirect to the catalogue apart."""
    return vary_by_accept(response)


home.add_url_rule("/", view_func=index)
