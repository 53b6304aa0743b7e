"""The changes of the catalogue and of its parts, for followers."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, request
from flask import Response as FlaskResponse

from ckanext.marathon.feeds import atom, log_state
from ckanext.marathon.feeds import changes as changes_feeds
from ckanext.marathon.feeds.log_state import LogNotReady
from ckanext.marathon.feeds.scopes import CataloguePart
from ckanext.marathon.rdf import lookups

from . import parts
from .conditional import encoding, is_fresh, share, short, validate
from .negotiation import vary_by_accept

changes = Blueprint("marathon_changes", __name__)


def negotiated(part: CataloguePart) -> Response:
    """Return a page of changes in the format that the client prefers, TriG if it has no wish."""
    known = {each.media_type: each.extension for each in changes_feeds.FORMATS.values()}
    wanted = request.accept_mimetypes.best_match(list(known))
    if request.accept_mimetypes and wanted is None:
        return parts.refusal(406, tk._("There is no such format. These exist:"), ", ".join(known))
    extension = known.get(wanted or "", "trig")
    return vary_by_accept(_page(part, extension, f"{parts.address(part)}/catalog/changes"))


def page(part: CataloguePart, extension: str) -> Response:
    """Return a page of changes after a cursor (``since``) in a format; the newest as Atom."""
    if extension == "atom":
        return _atom(part)
    if extension not in changes_feeds.FORMATS:
        known = ", ".join([*changes_feeds.FORMATS, "atom"])
        return parts.refusal(404, tk._("There is no such format. These exist:"), known)
    return _page(part, extension, f"{parts.address(part)}/catalog/changes.{extension}")


def _page(part: CataloguePart, extension: str, address: str) -> Response:
    everything = f"{parts.address(part)}/catalog/all.ttl"
    try:
        found = changes_feeds.read_changes(part, request.args.get("since", ""))
    except changes_feeds.MalformedCursor:
        message = tk._("since is a cursor, as an earlier answer gave it. The first page:")
        return parts.refusal(400, message, address)
    except changes_feeds.OutdatedCursor:
        message = tk._(
            "Numbers of changes were lost. Fetch everything again, and follow from there:"
        )
        answer = parts.refusal(410, message, everything)
        answer.headers["Link"] = f'<{everything}>; rel="start"'
        return answer
    except LogNotReady:
        return parts.not_ready()
    with found:
        answer = FlaskResponse(status=304)
        answer.set_etag(f"{found.digest}.{extension}.{encoding()}")
        share(answer, found.cursor)
        if is_fresh(answer):
            return answer
        written = short(
            found.written(address, extension), changes_feeds.FORMATS[extension].media_type
        )
    written.set_etag(answer.get_etag()[0] or "")
    links = [f'<{everything}>; rel="start"', f'<{address}>; rel="first"']
    if not found.is_last:
        links.append(f'<{address}?since={found.cursor}>; rel="next"')
    written.headers["Link"] = ", ".join(links)
    return share(written, found.cursor)


def _atom(part: CataloguePart) -> Response:
    address = f"{parts.address(part)}/catalog/changes.atom"
    try:
        state = log_state.require_ready(log_state.read_state())
        answer = FlaskResponse(status=304)
        # Each language has its own words.
        validate(answer, state, f"atom.{tk.h.lang()}")
        if is_fresh(answer):
            return answer
        body, cursor = atom.write_changes_atom(part, address, lookups.read_site().url)
    except LogNotReady:
        return parts.not_ready()
    written = short(body, atom.MEDIA_TYPE)
    validate(written, state, f"atom.{tk.h.lang()}")
    return share(written, cursor)


parts.add(changes, "/catalog/changes", negotiated)
parts.add(changes, "/catalog/changes.<extension>", page)
