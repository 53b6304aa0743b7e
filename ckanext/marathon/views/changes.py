"""What has changed in the catalogue and its parts, for followers; and news, for people.

News are of a place, a problem, an organisation, a workshop or an idea.
"""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, request
from flask import Response as FlaskResponse

from ckanext.marathon.feeds import atom as atom_feeds
from ckanext.marathon.feeds import changes as changes_feeds
from ckanext.marathon.feeds import log_state
from ckanext.marathon.feeds.log_state import LogNotReady
from ckanext.marathon.feeds.scopes import CataloguePart
from ckanext.marathon.rdf import lookups
from ckanext.marathon.views import catalog
from ckanext.marathon.views.answers import (
    answer_bytes,
    find_encoding,
    is_fresh,
    set_validators,
    share_answer,
    vary_by_accept,
)

changes = Blueprint("marathon_changes", __name__)


def negotiate_changes(part: CataloguePart) -> Response:
    """Return a page of changes in the format that the client prefers, TriG if it has no wish."""
    known = {each.media_type: each.extension for each in changes_feeds.FORMATS.values()}
    wanted = request.accept_mimetypes.best_match(list(known))
    if request.accept_mimetypes and wanted is None:
        return catalog.answer_refusal(
            406, tk._("There is no such format. These exist:"), ", ".join(known)
        )
    extension = known.get(wanted or "", "trig")
    return vary_by_accept(
        _answer_changes(part, extension, f"{catalog.find_part_address(part)}/catalog/changes")
    )


def show_changes(part: CataloguePart, extension: str) -> Response:
    """Return a page of changes after a cursor (``since``) in a format; the newest as Atom."""
    if extension == "atom":
        return _answer_atom(part)
    if extension not in changes_feeds.FORMATS:
        known = ", ".join([*changes_feeds.FORMATS, "atom"])
        return catalog.answer_refusal(404, tk._("There is no such format. These exist:"), known)
    return _answer_changes(
        part, extension, f"{catalog.find_part_address(part)}/catalog/changes.{extension}"
    )


def _answer_changes(part: CataloguePart, extension: str, address: str) -> Response:
    everything = f"{catalog.find_part_address(part)}/catalog/all.ttl"
    try:
        found = changes_feeds.read_changes(part, request.args.get("since", ""))
    except changes_feeds.MalformedCursor:
        message = tk._("since is a cursor, as an earlier answer gave it. The first page:")
        return catalog.answer_refusal(400, message, address)
    except changes_feeds.OutdatedCursor:
        message = tk._(
            "Numbers of changes were lost. Fetch everything again, and follow from there:"
        )
        answer = catalog.answer_refusal(410, message, everything)
        answer.headers["Link"] = f'<{everything}>; rel="start"'
        return answer
    except LogNotReady:
        return catalog.answer_not_ready()
    with found:
        answer = FlaskResponse(status=304)
        answer.set_etag(f"{found.digest}.{extension}.{find_encoding()}")
        share_answer(answer, found.cursor)
        if is_fresh(answer):
            return answer
        written = answer_bytes(
            found.written(address, extension), changes_feeds.FORMATS[extension].media_type
        )
    written.set_etag(answer.get_etag()[0] or "")
    links = [f'<{everything}>; rel="start"', f'<{address}>; rel="first"']
    if not found.is_last:
        links.append(f'<{address}?since={found.cursor}>; rel="next"')
    written.headers["Link"] = ", ".join(links)
    return share_answer(written, found.cursor)


def _answer_atom(part: CataloguePart) -> Response:
    address = f"{catalog.find_part_address(part)}/catalog/changes.atom"
    try:
        state = log_state.require_ready(log_state.read_state())
        answer = FlaskResponse(status=304)
        # Each language has its own words.
        set_validators(answer, state, f"atom.{tk.h.lang()}")
        if is_fresh(answer):
            return answer
        body, cursor = atom_feeds.write_changes_atom(part, address, lookups.read_site().url)
    except LogNotReady:
        return catalog.answer_not_ready()
    written = answer_bytes(body, atom_feeds.MEDIA_TYPE)
    set_validators(written, state, f"atom.{tk.h.lang()}")
    return share_answer(written, cursor)


catalog.add_for_parts(changes, "/catalog/changes", "negotiated", negotiate_changes)
catalog.add_for_parts(changes, "/catalog/changes.<extension>", "page", show_changes)


news = Blueprint("marathon_news", __name__)


def show_news(part: CataloguePart) -> Response:
    """Return the newest news as Atom, in the language of the address."""
    try:
        state = log_state.require_ready(log_state.read_state())
    except LogNotReady:
        return catalog.answer_not_ready()
    answer = FlaskResponse(status=304)
    set_validators(answer, state, f"news.{tk.h.lang()}")
    if is_fresh(answer):
        return answer
    scope = part.scope
    address = tk.h.url_for(
        "marathon_news.atom",
        **({"kind": scope.kind, "code": scope.code} if scope.kind else {}),
        _external=True,
    )
    home = tk.h.url_for("home.index", _external=True).rstrip("/")
    page = f"{home}/{scope.name}" if scope.kind else f"{home}/"
    written = answer_bytes(
        atom_feeds.write_news_atom(part, state, address, page), atom_feeds.MEDIA_TYPE
    )
    set_validators(written, state, f"news.{tk.h.lang()}")
    return share_answer(written, state.cursor)


catalog.add_for_parts(news, "/news.atom", "atom", show_news, whole="/marathon/news.atom")
