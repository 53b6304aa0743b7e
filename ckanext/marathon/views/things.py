"""Workshops, ideas, commitments and datasets under their own addresses, as pages and as RDF."""

from __future__ import annotations

from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.types import Context, Response
from ckanext.dcat.exceptions import RDFProfileException
from ckanext.dcat.processors import RDFSerializer
from flask import Blueprint, request
from flask import Response as FlaskResponse

from ckanext.marathon.feeds.keys import kind_of
from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.logic import viewing
from ckanext.marathon.model import log
from ckanext.marathon.rdf.formats import FORMATS
from ckanext.marathon.rdf.lookups import Lookups
from ckanext.marathon.rdf.profile import graph_of
from ckanext.marathon.search.types import registered

from .negotiation import rdf, vary_by_accept, wanted_extension

things = Blueprint("marathon_thing", __name__)

PAGES = {f"{package_type}.read": package_type for package_type in TYPES}
# ckanext-dcat has an address for datasets too; ours, registered first, knows more formats.
DATA = {f"marathon_thing.{package_type}": package_type for package_type in TYPES}
# The names of a form's fields have three, as ``resources__0__url``.
MOST_PARTS = 10


def data(package_type: str, id: str, extension: str) -> Response:
    """Return a thing as RDF: to those who may see it, what all may see.

    ``profiles`` (with commas) asks for a dataset in other profiles of ckanext-dcat. The site's own
    dataset types are datasets, as with ckanext-dcat.
    """
    if extension not in FORMATS:
        return tk.abort(404, tk._("There is no such format"))
    thing = _shown(id)
    if thing is None or (kind_of(thing["type"]) or "dataset") != package_type:
        return tk.abort(404, tk._("Not found"))
    profiles = request.args.get("profiles")
    if profiles and package_type == "dataset":
        try:
            serializer = RDFSerializer(profiles=profiles.split(","))
        except RDFProfileException as error:
            return tk.abort(400, str(error))
        body = serializer.serialize_dataset(thing, _format=extension)
        return FlaskResponse(body, content_type=FORMATS[extension].media_type)
    return rdf(graph_of(thing, Lookups.of_this_request()), extension)


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
    if actual is not None and actual not in registered() and extension is None:
        # From before the plugin, or of a plugin that is gone: CKAN would break on its address.
        return tk.abort(404, tk._("Not found"))
    if actual in TYPES and actual != asked and _shown(reference):
        return _redirect(_address(actual, reference, extension), 301)
    is_public = package and package.state == model.State.ACTIVE and not package.private
    known = package.id if package else reference
    # To see it is to read all of it, which for what everybody sees would be in vain.
    if not is_public and log.was_public(known) and not _shown(reference):
        # Programs that copied it delete it; 404 might be a mistake.
        return tk.abort(410, tk._("It is no longer public"))
    preferred = wanted_extension() if endpoint in PAGES else None
    if preferred and package and _shown(reference):
        return vary_by_accept(_redirect(_address(asked, package.id, preferred), 303))
    return None


@things.after_app_request
def say_that_there_are_other_forms(response: Response) -> Response:
    """Let caches keep the page and the RDF of one address apart."""
    return vary_by_accept(response) if request.endpoint in PAGES else response


def _shown(reference: str) -> dict[str, Any] | None:
    # Copies travel: what is masked for the public is masked in them for everybody.
    context = {
        "user": current_user.name,
        "auth_user_obj": current_user,
        "use_cache": False,
        viewing.OUTSIDER: True,
    }
    try:
        return tk.get_action("package_show")(cast(Context, context), {"id": reference})
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


for package_type in TYPES:
    things.add_url_rule(
        f"/{package_type}/<id>.<extension>",
        endpoint=package_type,
        view_func=data,
        defaults={"package_type": package_type},
    )
