"""A form that could not be taken is given back, filled in: an ended session, a server that is away.

What was typed goes back to the browser that sent it, as hidden inputs of a page with a button that
sends it again. Nothing is stored, neither on the server nor in the browser: on the shared computer
of a municipality nobody finds it later. Only a form that a page of this site sent is given back, so
that no other site can put words into one.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Response
from flask import Blueprint, current_app, g, get_flashed_messages, jsonify, make_response, request
from flask_wtf.csrf import CSRFError, generate_csrf

from ckanext.marathon.helpers.site import marathon_fresh_assets
from ckanext.marathon.logic.room import get_refusal

from .error_page import error_page
from .sent_form import read_sent_form

held = Blueprint("marathon_held", __name__)

LOGIN, STALE, FORBIDDEN, GONE, TOO_LARGE, TOO_MANY, AWAY = (
    "login",
    "stale",
    "forbidden",
    "gone",
    "too-large",
    "too-many",
    "away",
)
KINDS = {401: FORBIDDEN, 403: FORBIDDEN, 404: GONE, 410: GONE, 413: TOO_LARGE, 429: TOO_MANY}
# Their pages ask for a password and little else.
LEFT_ALONE = ("user.login", "user.register", "user.perform_reset", "user.request_reset")
_STALE, _SHOWN = "_marathon_form_is_stale", "_marathon_form_is_shown"
MOST_INPUTS = 20_000


@held.before_app_request
def take_long_forms() -> None:
    """Read forms with more inputs than Werkzeug takes by itself, which are 1,000.

    A workshop with 200 invitations has as many.
    """
    if request.method == "POST":
        request.max_form_parts = MOST_INPUTS


def may_hold() -> bool:
    """Return whether the request is a form of one of this site's pages, with something typed."""
    if request.method != "POST" or request.blueprint == "api":
        return False
    return request.endpoint not in LEFT_ALONE and _is_from_here()


def note_form_shown() -> None:
    """Say that the answer to this request holds the form itself, filled in."""
    setattr(g, _SHOWN, True)


@held.app_errorhandler(CSRFError)
def note_stale_form(fault: CSRFError) -> Response:
    """Answer 400 to a form whose token against forgery is not of this session."""
    setattr(g, _STALE, True)
    return error_page(400, tk._("The form is too old"), fault.description or "")


@held.after_app_request
def give_back_form(response: Response) -> Response:
    """Put what was typed into an answer that says that it could not be taken."""
    kind = _find_kind(response.status_code)
    if not kind or g.get(_SHOWN) or not may_hold():
        return response
    sent = read_sent_form()
    if sent.is_empty:
        return response
    if request.accept_mimetypes.best == "application/json":
        answer = make_response(jsonify(held=kind, message=_explain(kind)), response.status_code)
    else:
        marathon_fresh_assets()
        # CKAN flashes why it stopped; this page says it itself.
        get_flashed_messages()
        shown = {
            "kind": kind,
            "explanation": _explain(kind),
            "sent": sent,
            "action": request.full_path.rstrip("?"),
            "token_name": tk.config["WTF_CSRF_FIELD_NAME"],
            "token": generate_csrf(),
            "is_bare": kind == AWAY,
        }
        answer = make_response(_render(shown), response.status_code)
    if "Retry-After" in response.headers:
        answer.headers["Retry-After"] = response.headers["Retry-After"]
    # Not to be found with the button "back" by whoever sits down next.
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _render(shown: dict[str, Any]) -> str:
    template = "marathon/held/held.html"
    if not shown["is_bare"]:
        return tk.render(template, shown)
    # Neither the site's own frame nor Flask, which gives every template the user: both ask the
    # database, which may be what is away.
    return current_app.jinja_env.get_template(template).render(shown)


def show_session() -> Response:
    """Return who is logged in and a fresh token, for a page whose session ended meanwhile."""
    request.environ["__no_cache__"] = True
    answer = jsonify(user=current_user.name, token=generate_csrf())
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _find_kind(status: int) -> str:
    """Return why the form was not taken, ``""`` where it was or where the page says so itself."""
    if status >= 500:
        return AWAY
    if g.get(_STALE):
        return LOGIN if current_user.is_anonymous else STALE
    kind = KINDS.get(status, "")
    # To nobody a record that is not public is as one that is gone.
    return LOGIN if kind in (FORBIDDEN, GONE) and current_user.is_anonymous else kind


def _explain(kind: str) -> str:
    texts = {
        LOGIN: tk._("Your session has ended. Log in again in another tab, then send it again."),
        STALE: tk._(
            "This page was open for a long time, or you logged in again meanwhile. Send it again."
        ),
        FORBIDDEN: tk._("You are not allowed to do this, or not any more."),
        GONE: tk._("What you were changing is no longer there."),
        TOO_LARGE: tk._("It is too large. Choose a smaller file, or give its web address."),
        TOO_MANY: tk._("The site gets too many requests. Wait a minute, then send it again."),
        AWAY: get_refusal()
        or tk._("The site cannot save at the moment. Wait a minute, then send it again."),
    }
    return texts[kind]


def _is_from_here() -> bool:
    """Return whether a page of this site sent the request, as the browser says."""
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site == "same-origin"
    origin = request.headers.get("Origin", "")
    source = origin if origin not in ("", "null") else request.headers.get("Referer", "")
    return bool(source) and urlsplit(source).netloc == request.host


held.add_url_rule("/marathon/form/session", view_func=show_session)
