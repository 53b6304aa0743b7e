"""``/catalog`` and that of each part: for engineers of portals, what feeds there are."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, make_response

from ckanext.marathon.feeds import catalogue, changes, log_state
from ckanext.marathon.feeds.scopes import CataloguePart
from ckanext.marathon.model import clock
from ckanext.marathon.rdf import lookups

from . import parts
from .negotiation import vary_by_accept, wanted_extension

portal = Blueprint("marathon_portal", __name__)


def index(part: CataloguePart) -> Response:
    """Say what feeds there are and what can be relied on; send on whoever wants RDF."""
    extension = wanted_extension()
    root = parts.address(part)
    if extension:
        answer = tk.redirect_to(f"{root}/catalog.{extension}")
        answer.status_code = 303
        return vary_by_accept(answer)
    state = log_state.read_state()
    page = tk.render(
        "marathon/portal/index.html",
        {
            "root": root,
            "site_url": lookups.read_site().url,
            "name": part.titles.get(tk.h.lang()) or part.titles.get("es") or "",
            "kind": part.scope.kind,
            "state": state,
            "page_size": clock.read_clock().page_size,
            "public": log_state.count_public_datasets(part.scope.name),
            "changes_a_page": changes.SIZE,
            "formats": [
                each for each in catalogue.RDF_DOCUMENTS.values() if each.extension != "xml"
            ],
            "change_formats": changes.FORMATS.values(),
            "contact": tk.config.get("email_to") or "",
        },
    )
    return vary_by_accept(make_response(page))


parts.add(portal, "/catalog", index)
