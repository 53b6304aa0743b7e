"""What is new, for people who follow a place, a problem, an organisation, a workshop or an idea."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint
from flask import Response as FlaskResponse

from ckanext.marathon.feeds import atom as atom_feeds
from ckanext.marathon.feeds import log_state
from ckanext.marathon.feeds.log_state import LogNotReady
from ckanext.marathon.feeds.scopes import CataloguePart

from . import parts
from .conditional import is_fresh, share, short, validate

news = Blueprint("marathon_news", __name__)


def atom(part: CataloguePart) -> Response:
    """Return the newest news as Atom, in the language of the address."""
    try:
        state = log_state.require_ready(log_state.read_state())
    except LogNotReady:
        return parts.not_ready()
    answer = FlaskResponse(status=304)
    validate(answer, state, f"news.{tk.h.lang()}")
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
    written = short(atom_feeds.write_news_atom(part, state, address, page), atom_feeds.MEDIA_TYPE)
    validate(written, state, f"news.{tk.h.lang()}")
    return share(written, state.cursor)


parts.add(news, "/news.atom", atom, whole="/marathon/news.atom")
