"""Workshops, ideas, commitments and datasets under their own addresses, as pages and as RDF."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.types import Context, Response
from flask import Blueprint, request
from rdflib import Graph

from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.rdf.commitment import commitment_graph
from ckanext.marathon.rdf.formats import FORMATS
from ckanext.marathon.rdf.idea import idea_graph
from ckanext.marathon.rdf.lookups import Lookups
from ckanext.marathon.rdf.workshop import workshop_graph

from .negotiation import rdf, vary_by_accept, wanted_extension

things = Blueprint("marathon_thing", __name__)

DCAT = "dcat.read_dataset"
PAGES = {f"{package_type}.read": package_type for package_type in TYPES}
GRAPHS: dict[str, Callable[[Lookups, dict[str, Any]], Graph]] = {
    "workshop": lambda lookups, thing: workshop_graph(thing, lookups.workshop_facts(thing)),
    "idea": lambda lookups, thing: idea_graph(thing, lookups.idea_facts(thing)),
    "commitment": lambda lookups, thing: commitment_graph(thing, lookups.commitment_facts(thing)),
}


def data(package_type: str, id: str, extension: str) -> Response:
    """Return a workshop, idea or commitment as RDF, as the visitor may see it."""
    if extension not in FORMATS:
        return tk.abort(404, tk._("There is no such format"))
    thing = _shown(id)
    if thing is None or thing["type"] != package_type:
        return tk.abort(404, tk._("Not found"))
    return rdf(GRAPHS[package_type](Lookups.of_this_request(), thing), extension)


@things.before_app_request
def send_to_the_right_address() -> Response | None:
    """Send on what is asked for as another type than it is, and to RDF who prefers it.

    CKAN's ``/dataset/<id>`` answers with any type, and ckanext-dcat's ``/dataset/<id>.ttl`` would
    publish an idea as a dataset. What the visitor may not see is left to CKAN, which answers as if
    it did not exist.
    """
    endpoint, values = request.endpoint, request.view_args or {}
    asked = PAGES.get(endpoint or "", "dataset" if endpoint == DCAT else None)
    if asked is None or request.method not in {"GET", "HEAD"}:
        return None
    reference = values.get("id") or values.get("_id") or ""
    extension = values.get("_format") or values.get("extension")
    package = model.Package.get(reference)
    actual = package.type if package else None
    if actual in TYPES and actual != asked and _shown(reference):
        return _redirect(_address(actual, reference, extension), 301)
    preferred = wanted_extension() if endpoint in PAGES else None
    if preferred and package and _shown(reference):
        return vary_by_accept(_redirect(_address(asked, package.id, preferred), 303))
    return None


@things.after_app_request
def say_that_there_are_other_forms(response: Response) -> Response:
    """Let caches keep the page and the RDF of one address apart."""
    return vary_by_accept(response) if request.endpoint in PAGES else response


def _shown(reference: str) -> dict[str, Any] | None:
    context: Context = {"user": current_user.name, "auth_user_obj": current_user}
    try:
        return tk.get_action("package_show")(context, {"id": reference})
    except (tk.ObjectNotFound, tk.NotAuthorized):
        return None


def _address(package_type: str, reference: str, extension: str | None) -> str:
    if extension is None:
        return tk.h.url_for(f"{package_type}.read", id=reference)
    if package_type == "dataset":
        return tk.h.url_for(DCAT, _id=reference, _format=extension)
    return tk.h.url_for(f"marathon_thing.{package_type}", id=reference, extension=extension)


def _redirect(address: str, status: int) -> Response:
    answer = tk.redirect_to(address)
    answer.status_code = status
    return answer


for package_type in GRAPHS:
    things.add_url_rule(
        f"/{package_type}/<id>.<extension>",
        endpoint=package_type,
        view_func=data,
        defaults={"package_type": package_type},
    )
