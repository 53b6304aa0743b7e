"""A sheet for the wall: a thing in a sentence, with its short address and QR code."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from flask import Blueprint
from markupsafe import Markup

from ckanext.marathon.domain import dates
from ckanext.marathon.helpers.sharing import LETTERS, list_poster_lines, marathon_share

from . import public
from .short import drawn

posters = Blueprint("marathon_poster", __name__)


def poster(package_type: str, id: str) -> str:
    """Show one Letter page to print, of what everybody may see."""
    thing = public.shown(package_type, id)
    share = marathon_share(thing)
    return tk.render(
        "marathon/poster.html",
        {
            "thing": thing,
            "lines": list_poster_lines(thing),
            "share": share,
            "today": dates.get_today().isoformat(),
            # In the page itself, so that it is there when the browser prints.
            "qr": Markup(drawn(package_type, share.code).decode()) if share and share.code else "",  # noqa: S704 - SVG drawn by segno
        },
    )


for package_type in LETTERS:
    posters.add_url_rule(
        f"/{package_type}/<id>/poster",
        endpoint=package_type,
        view_func=poster,
        defaults={"package_type": package_type},
    )
