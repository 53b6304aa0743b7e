"""Protection of accounts against guessed passwords, enumeration, stolen sessions and redirects.

Redirects by parameters (``came_from``, ``next``) are limited to addresses of this site.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import mailer
from ckan.types import Response
from ckan.views import identify_user
from flask import (
    Blueprint,
    after_this_request,
    copy_current_request_context,
    flash,
    g,
    has_request_context,
    make_response,
    request,
    session,
)
from flask_login import logout_user
from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from passlib.context import CryptContext
from werkzeug.datastructures import ImmutableMultiDict

from ckanext.marathon.domain.officer import LinkState, find_link_state
from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.model import account as account_model
from ckanext.marathon.views.rate_limit import (
    count_event,
    describe_wait,
    find_address,
    seconds_to_wait,
)

destinations = Blueprint("marathon_destinations", __name__)

# Characters that must be escaped in addresses. Browsers drop some and read a backslash as a slash.
_NEVER = re.compile(r"[\x00-\x20\x7f\\\\]")
_INPUTS_OF_ADDRESSES = ("came_from", "return_to")
# Blueprints whose views redirect to these parameters; elsewhere they may have another meaning.
_BLUEPRINTS = frozenset({"user", "marathon_form_edit", *TYPES})


# CKAN workaround: local-address
def is_own_address(text: str) -> bool:
    """Return whether a text is an address of this site, with or without its host."""
    if _NEVER.search(text):
        return False
    if text.startswith("/"):
        return not text.startswith("//")
    try:
        return urlsplit(text)[:2] == urlsplit(str(tk.config["ckan.site_url"]))[:2]
    except ValueError:
        return False


@destinations.before_app_request
def forget_other_destinations() -> None:
    """Remove redirect targets on other sites from the request."""
    if request.blueprint not in _BLUEPRINTS:
        return
    names = (
        (*_INPUTS_OF_ADDRESSES, "next")
        if request.endpoint == "user.login"
        else _INPUTS_OF_ADDRESSES
    )
    odd = {
        name
        for name in names
        if not all(text == "" or is_own_address(text) for text in request.args.getlist(name))
    }
    if odd:
        kept = [pair for pair in request.args.items(multi=True) if pair[0] not in odd]
        # CKAN's views read the request themselves.
        cast(Any, request).args = ImmutableMultiDict(kept)


account = Blueprint("marathon_account", __name__)

log = logging.getLogger(__name__)

# Failed logins. High enough for an office whose people share one address.
SAME_ACCOUNT_AND_ADDRESS = RateLimitItemPerMinute(10, 15)
SAME_ACCOUNT = RateLimitItemPerHour(100)
SAME_ADDRESS = RateLimitItemPerMinute(100, 15)

# CKAN's hash of passwords, so that an unknown name takes as long to check.
_HASHES = CryptContext(["pbkdf2_sha512"])

_BOUND_TO = "marathon_bound_to"


def is_protected() -> bool:
    """Return whether the protection of accounts is enabled."""
    return tk.config["ckanext.marathon.protect_accounts"]


def _login_limits(login: str) -> list[tuple[Any, tuple[str, ...]]]:
    # A name is counted whether or not there is such an account.
    name, address = login.strip().lower()[:200], find_address()
    return [
        (SAME_ACCOUNT_AND_ADDRESS, ("login", name, address)),
        (SAME_ACCOUNT, ("login", name)),
        (SAME_ADDRESS, ("login-from", address)),
    ]


@account.before_app_request
def refuse_guessing() -> Response | None:
    """Answer 429 after too many failed logins, without checking the password."""
    if request.endpoint != "user.login" or request.method != "POST" or not is_protected():
        return None
    login = request.form.get("login", "")
    waits = [seconds_to_wait(limit, *names) for limit, names in _login_limits(login)]
    wait = max(waits)
    if not wait:
        return None
    flash(describe_wait(tk._("Too many failed logins."), wait), "alert-danger")
    answer = make_response(tk.render("user/login.html", {}), 429)
    answer.headers["Retry-After"] = str(wait)
    return answer


def count_failed_login(login: object) -> None:
    """Count a failed login, and take as long for an unknown name as for a wrong password.

    A receiver of CKAN's signal ``failed_login``, whose sender is the typed name.
    """
    if not is_protected():
        return
    login = login if isinstance(login, str) else ""
    user = model.User.by_name(login) or model.User.by_email(login)
    if user is None or not user.is_active:
        _HASHES.dummy_verify()
    for limit, names in _login_limits(login):
        count_event(limit, *names)


def bind_session(_app: object, user: model.User, **_more: object) -> None:
    """Bind a new session to the password; a receiver of CKAN's signal ``user_logged_in``."""
    session[_BOUND_TO] = _fingerprint(user)


def end_sessions(_app: object, user: object, **_more: object) -> None:
    """End all sessions of an account; a receiver of CKAN's signal ``user_logged_out``."""
    session.pop(_BOUND_TO, None)
    stored = model.User.get(getattr(user, "id", None))
    if stored is None or not is_protected() or g.get("marathon_ending_session"):
        return
    account_model.end_all_sessions(stored)
    model.Session.commit()


@account.before_app_request
def refuse_reset_link() -> Response | None:
    """Give the same answer for a reset link with an unknown account and with a wrong key."""
    if request.endpoint != "user.perform_reset" or not is_protected():
        return None
    user = model.User.get((request.view_args or {}).get("id"))
    if user is not None and mailer.verify_reset_link(user, request.args.get("key")):
        return None
    return tk.abort(403, tk._("Invalid reset key. Please try again."))


@account.before_app_request
def refuse_ended_invitation() -> Response | None:
    """Refuse the link of an invitation after its last day, to the person who has the link."""
    if request.endpoint != "user.perform_reset":
        return None
    user = model.User.get((request.view_args or {}).get("id"))
    if user is None or not mailer.verify_reset_link(user, request.args.get("key")):
        return None
    until = account_model.read_invitation_end(user)
    if find_link_state(until, datetime.now(UTC)) != LinkState.ENDED:
        return None
    text = tk._(
        "This invitation has ended. Ask the person who invited you to invite you again: that "
        "makes a new link."
    )
    return tk.abort(403, text)


@account.before_app_request
def refuse_stale_session() -> None:
    """Log out a session that was ended, or that is older than the password of its account."""
    g.marathon_session_of = None
    if "_user_id" not in session or not is_protected():
        return
    user: Any = tk.current_user
    if not user.is_authenticated:
        return
    known = session.get(_BOUND_TO)
    if isinstance(known, str) and hmac.compare_digest(known, _fingerprint(user)):
        g.marathon_session_of = user.id, account_model.read_session_number(user)
        return
    g.marathon_ending_session = True
    logout_user()
    # CKAN has stored the user on Flask's ``g`` before this hook.
    identify_user()


@account.after_app_request
def keep_own_session(answer: Response) -> Response:
    """Bind the session of a person who has just changed their password to the new one.

    A session that was ended in the same request, for example by leaving an organisation, stays
    ended.
    """
    user_id, number = g.pop("marathon_session_of", None) or ("", "")
    if user_id and request.method == "POST" and "_user_id" in session:
        user = model.Session.get(model.User, user_id)
        if user is None or account_model.read_session_number(user) != number:
            return answer
        if session.get(_BOUND_TO) != _fingerprint(user):
            session[_BOUND_TO] = _fingerprint(user)
    return answer


def _fingerprint(user: Any) -> str:
    number = account_model.read_session_number(user)
    text = f"{user.id}\n{user.password}\n{number}"
    key = tk.config["SECRET_KEY"].encode()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def send_reset_link_later(topic: str, details: dict[str, Any]) -> bool:
    """Send the mail for a new password after the answer.

    So neither the content nor the time of the answer depends on whether the account exists and
    whether the mail server answers.

    Returns:
        ``True`` if the mail will be sent by this function, ``False`` if CKAN sends it.
    """
    if topic != "request_password_reset" or not is_protected() or not has_request_context():
        return False
    send = copy_current_request_context(_send_reset_link)
    user_id = details["user"].id
    after_this_request(lambda answer: _call_when_sent(answer, lambda: send(user_id)))
    return True


def _call_when_sent(answer: Response, do: Callable[[], None]) -> Response:
    answer.call_on_close(do)
    return answer


def _send_reset_link(user_id: str) -> None:
    user = model.User.get(user_id)
    if user is None or not user.email:
        return
    try:
        mailer.send_reset_link(user)
    except mailer.MailerException:
        log.exception("A link for a new password could not be sent")
    finally:
        model.Session.remove()
