"""Where a form or a link asks to go next: only to an address of this site."""

from __future__ import annotations

import re
from typing import Any, cast
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
from flask import Blueprint, request
from werkzeug.datastructures import ImmutableMultiDict

from ckanext.marathon.helpers.labels import TYPES

destinations = Blueprint("marathon_destinations", __name__)

# No address has one of these as it is. A browser drops some, and takes a backslash for a slash.
_NEVER = re.compile(r"[\x00-\x20\x7f\\\\]")
_NAMES = ("came_from", "return_to")
# Whose views go there; elsewhere these words may mean something else.
_BLUEPRINTS = frozenset({"user", "marathon_form_edit", *TYPES})


def is_own_address(text: str) -> bool:
    """Return whether a text is an address of this site, with or without its host.

    CKAN's ``url_is_local`` also takes words for it, which are no address, and line breaks, on which
    the answer breaks.
    """
    if _NEVER.search(text):
        return False
    if text.startswith("/"):
        return not text.startswith("//")
    try:
        return urlsplit(text)[:2] == urlsplit(tk.config["ckan.site_url"])[:2]
    except ValueError:
        return False


@destinations.before_app_request
def forget_other_destinations() -> None:
    """Leave out of the request where it asks to go next, unless that is on this site."""
    if request.blueprint not in _BLUEPRINTS:
        return
    names = (*_NAMES, "next") if request.endpoint == "user.login" else _NAMES
    odd = {
        name
        for name in names
        if not all(text == "" or is_own_address(text) for text in request.args.getlist(name))
    }
    if odd:
        kept = [pair for pair in request.args.items(multi=True) if pair[0] not in odd]
        # CKAN's views read the request themselves.
        cast(Any, request).args = ImmutableMultiDict(kept)
