"""Records, organisations and files under their own addresses, as pages and as RDF.

What the RDF of the catalogue names leads to RDF: each address sends a client that prefers it there.
"""

from __future__ import annotations

from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.types import Context, Response
from ckanext.dcat.exceptions import RDFProfileException
from ckanext.dcat.utils import url_to_rdflib_format
from flask import Blueprint, request
from flask import Response as FlaskResponse

from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.feeds import keys
from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.model import feed_log
from ckanext.marathon.rdf.agent import build_organization_graph
from ckanext.marathon.rdf.formats import FORMATS
from ckanext.marathon.rdf.lookups import Lookups
from ckanext.marathon.rdf.profile import (
    build_distribution_graph,
    build_graph_by_profiles,
    build_record_graph,
)
from ckanext.marathon.records.record import Organization
from ckanext.marathon.search.types import list_registered_types

from .gone import is_gone, refuse_gone, show_public
from .negotiation import rdf, vary_by_accept, wanted_extension

things = Blueprint("marathon_thing", __name__)

PAGES = {f"{package_type}.read": package_type for package_type in TYPES}
# ckanext-dcat has an address for datasets too; ours, registered first, knows more formats.
DATA = {f"marathon_thing.{package_type}": package_type for package_type in TYPES}
ORGANIZATION_PAGE, ORGANIZATION_DATA = "organization.read", "marathon_thing.organization"
# Of workshops and ideas no file is a distribution.
FILE_PAGE, FILE_DATA = "dataset_resource.read", "marathon_thing.distribution"
# Of ckanext-dcat, which answers 404 for what was public.
_CROISSANT = "croissant.read_dataset_croissant"
# The names of a form's fields have three, as ``resources__0__url``.
MOST_PARTS = 10


def data(package_type: str, id: str, extension: str) -> Response:
    """Return a thing as RDF: to those who may see it, what all may see.

    ``profiles`` (with commas) asks for a dataset in other profiles of ckanext-dcat. The site's own
    dataset types are datasets, as with ckanext-dcat.
    """
    if extension not in FORMATS:
        return tk.abort(404, tk._("There is no such format"))
    thing = show_public(id)
    if thing is None or _kind(thing) != package_type:
        return tk.abort(404, tk._("Not found"))
    profiles = request.args.get("profiles")
    if package_type != "dataset":
        _refuse_profiles()
    elif profiles:
        try:
            lookups = Lookups.of_this_request(keys.find_site())
            graph = build_graph_by_profiles(thing, lookups, profiles.split(","))
        except RDFProfileException as error:
            return tk.abort(400, str(error))
        # As ckanext-dcat writes it: JSON-LD of others is read by the names of its keys.
        body = graph.serialize(format=url_to_rdflib_format(extension), auto_compact=True)
        return FlaskResponse(body, content_type=FORMATS[extension].media_type)
    return rdf(build_record_graph(thing, Lookups.of_this_request(keys.find_site())), extension)


def organization_data(id: str, extension: str) -> Response:
    """Return an organisation as RDF: what the feed says of it."""
    if extension not in FORMATS:
        return tk.abort(404, tk._("There is no such format"))
    organization = _shown_organization(id)
    if organization is None:
        return tk.abort(404, tk._("Not found"))
    _refuse_profiles()
    return rdf(
        build_organization_graph(keys.find_site(), Organization.from_shown(organization)), extension
    )


def distribution_data(id: str, resource_id: str, extension: str) -> Response:
    """Return a file of a dataset as RDF, with the name of the dataset."""
    if extension not in FORMATS:
        return tk.abort(404, tk._("There is no such format"))
    dataset = show_public(id)
    lookups = Lookups.of_this_request(keys.find_site())
    graph = build_distribution_graph(dataset, resource_id, lookups) if dataset else None
    if graph is None:
        return tk.abort(404, tk._("Not found"))
    _refuse_profiles()
    return rdf(graph, extension)


def _refuse_profiles() -> None:
    """Answer 400 where other profiles are asked for of what has one description.

    An answer in another one than was asked for would be taken for the one that was.
    """
    if request.args.get("profiles"):
        tk.abort(400, tk._("Only datasets and pages of the catalogue have other profiles"))


@things.before_app_request
def refuse_what_no_address_holds() -> Response | None:
    """Answer 400 to a NUL in an address, which PostgreSQL would answer with an error."""
    texts = [request.path, *(text for pair in request.args.items(multi=True) for text in pair)]
    if any("\x00" in text for text in texts):
        return tk.abort(400, tk._("The text contains characters that cannot be stored"))
    return None


@things.before_app_request
def refuse_what_no_form_sends() -> Response | None:
    """Answer 400 to a field that is both a text and a group of fields, on which CKAN breaks.

    It takes ``contact__0__name`` for the name of the first of ``contact``, and so breaks on
    ``contact__0``, too. Taking names of very many parts apart would cost a worker's memory. The API
    takes no names apart, and may get a whole JSON document as the name of a field.
    """
    if request.blueprint == "api":
        return None
    names = {*request.form, *request.files}
    if any(name.count("__") >= MOST_PARTS for name in names):
        return tk.abort(400, tk._("Integrity Error"))
    parts = [name.split("__") for name in names]
    groups = {"__".join(each[:end]) for each in parts for end in range(1, len(each))}
    if groups & names or any(len(each) % 2 == 0 and each[-1].isdecimal() for each in parts):
        return tk.abort(400, tk._("Integrity Error"))
    return None


@things.before_app_request
def send_to_the_right_address() -> Response | None:
    """Send on what is asked for as another type than it is, and to RDF who prefers it.

    CKAN's ``/dataset/<id>`` answers with any type. What the visitor may not see is left to CKAN,
    which answers as if it did not exist.
    """
    endpoint, values = request.endpoint, request.view_args or {}
    asked = PAGES.get(endpoint or "") or DATA.get(endpoint or "")
    if asked is None or request.method not in {"GET", "HEAD"}:
        return None
    reference, extension = values.get("id") or "", values.get("extension")
    package = model.Package.get(reference)
    actual = package.type if package else None
    if actual is not None and actual not in list_registered_types() and extension is None:
        # From before the plugin, or of a plugin that is gone: CKAN would break on its address.
        return tk.abort(404, tk._("Not found"))
    if actual in TYPES and actual != asked and show_public(reference):
        return _redirect(_address(actual, reference, extension), 301)
    if is_gone(package, reference):
        return refuse_gone()
    preferred = wanted_extension() if endpoint in PAGES else None
    if preferred and package and show_public(reference):
        return _see_other(_address(asked, package.id, preferred))
    return None


@things.before_app_request
def send_to_organization_data() -> Response | None:
    """Send to RDF who prefers it to the page of an organisation; 410 for one that was public."""
    endpoint = request.endpoint
    if endpoint not in {ORGANIZATION_PAGE, ORGANIZATION_DATA}:
        return None
    reference = (request.view_args or {}).get("id") or ""
    group = model.Group.get(reference)
    is_public = group and group.is_organization and group.state == model.State.ACTIVE
    known = group.id if group else reference
    if not is_public and feed_log.was_public(known) and not _shown_organization(reference):
        return refuse_gone()
    preferred = wanted_extension() if endpoint == ORGANIZATION_PAGE else None
    if preferred and group and _shown_organization(reference):
        return _see_other(tk.h.url_for(ORGANIZATION_DATA, id=group.id, extension=preferred))
    return None


@things.before_app_request
def send_to_distribution_data() -> Response | None:
    """Send to RDF who prefers it to the page of a file."""
    values = request.view_args or {}
    preferred = wanted_extension() if request.endpoint == FILE_PAGE else None
    dataset = show_public(values["id"]) if preferred else None
    resource_id = values.get("resource_id") or ""
    if dataset and _kind(dataset) == "dataset" and _has_file(dataset, resource_id):
        address = tk.h.url_for(
            FILE_DATA, id=dataset["id"], resource_id=resource_id, extension=preferred
        )
        return _see_other(address)
    return None


@things.before_app_request
def refuse_gone_croissant() -> Response | None:
    """Answer 410 for the Croissant of a dataset that was public, as its other documents do."""
    reference = (request.view_args or {}).get("_id") if request.endpoint == _CROISSANT else None
    if is_reference(reference) and is_gone(model.Package.get(reference), reference):
        return refuse_gone()
    return None


@things.after_app_request
def say_that_there_are_other_forms(response: Response) -> Response:
    """Let caches keep the page and the RDF of one address apart."""
    has_others = request.endpoint in {*PAGES, ORGANIZATION_PAGE, FILE_PAGE}
    return vary_by_accept(response) if has_others else response


def _kind(package: dict[str, Any]) -> str:
    return keys.find_kind(package["type"]) or "dataset"


def _has_file(dataset: dict[str, Any], resource_id: str) -> bool:
    return any(each["id"] == resource_id for each in dataset["resources"])


def _shown_organization(reference: str) -> dict[str, Any] | None:
    context = {"user": current_user.name, "auth_user_obj": current_user}
    nothing_else = dict.fromkeys(
        ("include_dataset_count", "include_users", "include_groups", "include_followers"), False
    )
    try:
        return tk.get_action("organization_show")(
            cast(Context, context), {"id": reference, **nothing_else}
        )
    except (tk.ObjectNotFound, tk.NotAuthorized):
        return None


def _address(package_type: str, reference: str, extension: str | None) -> str:
    if extension is None:
        return tk.h.url_for(f"{package_type}.read", id=reference)
    return tk.h.url_for(f"marathon_thing.{package_type}", id=reference, extension=extension)


def _redirect(address: str, status: int) -> Response:
    answer = tk.redirect_to(address)
    answer.status_code = status
    return answer


def _see_other(address: str) -> Response:
    return vary_by_accept(_redirect(address, 303))


for package_type in TYPES:
    things.add_url_rule(
        f"/{package_type}/<id>.<extension>",
        endpoint=package_type,
        view_func=data,
        defaults={"package_type": package_type},
    )
things.add_url_rule(
    "/organization/<id>.<extension>", endpoint="organization", view_func=organization_data
)
things.add_url_rule(
    "/dataset/<id>/resource/<resource_id>.<extension>",
    endpoint="distribution",
    view_func=distribution_data,
)
