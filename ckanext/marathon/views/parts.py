"""Which part of the catalogue a request is about, and what is answered where there is none."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, request
from flask import Response as FlaskResponse

from ckanext.marathon.feeds import scopes
from ckanext.marathon.feeds.publish import publish_settings
from ckanext.marathon.feeds.scopes import KINDS, PLACES_AND_PROBLEMS, CataloguePart, Scope
from ckanext.marathon.rdf import lookups

View = Callable[..., Response]


def add(blueprint: Blueprint, path: str, view: View, whole: str = "") -> None:
    """Give a view its address in the whole catalogue, and one in each part.

    Args:
        blueprint: that it belongs to.
        path: e.g. ``/catalog.<extension>``.
        view: is called with a :class:`Part` and what else is in the address.
        whole: address in the whole catalogue, where that is not ``path``.
    """
    kinds = ",".join(f'"{kind}"' for kind in KINDS)

    @wraps(view)
    def of_part(kind: str = "", code: str = "", **values: Any) -> Response:
        publish_settings()
        if not kind:
            return view(scopes.THE_WHOLE, **values)
        try:
            return view(scopes.find_catalogue_part(kind, code), **values)
        except scopes.PartElsewhere as found:
            return _redirect(Scope(kind, code), found.scope)
        except scopes.PartGone:
            return refusal(410, tk._("It is no longer public:"), f"{kind}/{code}")
        except scopes.NoPart:
            return _unknown(kind, code)

    blueprint.add_url_rule(whole or path, view_func=of_part)
    blueprint.add_url_rule(f"/<any({kinds}):kind>/<code>{path}", view_func=of_part)


def address(part: CataloguePart) -> str:
    """Return where the addresses of a part start, without a slash at the end."""
    root = lookups.read_site().url
    return f"{root}/{part.scope.name}" if part.scope.kind else root


def refusal(status: int, message: str, detail: str = "") -> Response:
    """Return an error in plain text that says what to do."""
    answer = FlaskResponse(f"{message} {detail}".strip() + "\n", status, mimetype="text/plain")
    # A follower in a page of the web has to see that it must begin anew.
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def busy(message: str, seconds: int) -> Response:
    """Return 503: it will work later."""
    answer = refusal(503, message)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def not_ready() -> Response:
    """Return 503: the log cannot answer yet; it is put together (``views/background_care.py``)."""
    return busy(tk._("The catalogue is being put together. Try again later."), 120)


def _redirect(asked: Scope, found: Scope) -> Response:
    rest = request.full_path.removesuffix("?").split(f"/{asked.code}/", 1)
    # What is encoded in the address may not be found in it as it is.
    tail = rest[1] if len(rest) == 2 else request.full_path.rsplit("/", 1)[1].removesuffix("?")
    return tk.redirect_to(tk.h.url_for(f"/{found.name}/{tail}"))


def _unknown(kind: str, code: str) -> Response:
    site = lookups.read_site().url
    if kind in PLACES_AND_PROBLEMS:
        known = f"{site}/vocabulary/{kind}"
    else:
        known = f"{site}/api/3/action/" + {
            "organization": "organization_list",
            "workshop": "package_search?fq=dataset_type:workshop",
            "idea": "package_search?fq=dataset_type:idea",
        }.get(kind, "")
    return refusal(404, tk._("There is no such part of the catalogue. These exist:"), known)
