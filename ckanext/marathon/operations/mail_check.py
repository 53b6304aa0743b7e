"""Whether mails of the site reach somebody: invitations, news, and what the site itself reports."""

from __future__ import annotations

import smtplib
from typing import Any, cast

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib.mailer import _parse_smtp_server

from ckanext.marathon.domain.addresses import is_reachable
from ckanext.marathon.operations.finding import Findings, make_good, make_warning

_SECONDS = 5


def mail() -> Findings:
    """Check that mails can be sent, and that what is set makes them arrive."""
    yield from _check_server()
    yield from _check_recipient()
    yield from _check_news()


def _check_server() -> Findings:
    server = tk.config.get("smtp.server") or ""
    if not server:
        yield make_warning(
            tk._("No mail server (smtp.server): invitations give a link to hand over instead.")
        )
        return
    host, port = _parse_smtp_server(server)
    try:
        with smtplib.SMTP(host or "", port, timeout=_SECONDS):
            pass
    except OSError:
        text = tk._(
            "The mail server {server} does not answer: invitations give a link to hand over "
            "instead."
        )
        yield make_warning(text.format(server=server))
    else:
        yield make_good(tk._("The mail server {server} answers.").format(server=server))
    sender = str(tk.config.get("smtp.mail_from") or "")
    if not sender:
        text = tk._(
            "smtp.mail_from is not set: no mail can be sent, and a forgotten password ends in an "
            "error of the server. Set it to the address that mails come from."
        )
        yield make_warning(text)
    # Nobody has to read a sender's box, but its host has to exist.
    elif not is_reachable(f"datos@{sender.rpartition('@')[2]}"):
        text = tk._(
            "smtp.mail_from is {address}, at a host that the internet does not know: many mail "
            "servers refuse what comes from there. Set it to an address of your own domain."
        )
        yield make_warning(text.format(address=sender))


def _check_recipient() -> Findings:
    """Look for whom the site tells of its errors, and whom portals can ask."""
    recipient = str(tk.config.get("email_to") or "")
    if not recipient:
        text = tk._(
            "email_to is not set: nobody is told of errors of the site, and portals are given no "
            "address of the site to ask. Set email_to to an address that somebody reads, together "
            "with error_email_from."
        )
        yield make_warning(text)
        return
    if not is_reachable(recipient):
        text = tk._(
            "email_to is {address}, where nobody reads letters: nobody is told of errors of the "
            "site, and portals are given no address of the site to ask. Set it to an address that "
            "somebody reads."
        )
        yield make_warning(text.format(address=recipient))
    if not tk.config.get("error_email_from"):
        text = tk._(
            "error_email_from is not set: mails about errors of the site say that they come from "
            "“None”, and mail servers refuse them. Set it to the address that mails come from."
        )
        yield make_warning(text)


def _check_news() -> Findings:
    """Look whether people wait for news by mail that the site does not send."""
    if tk.config.get("ckan.activity_streams_email_notifications"):
        return
    user = cast(Any, model.User)
    waiting = model.Session.scalar(
        sa.select(sa.func.count()).where(
            user.state == model.State.ACTIVE, user.activity_streams_email_notifications.is_(True)
        )
    )
    if waiting:
        text = tk._(
            "{count} people want news by e-mail, and none are sent. Set "
            "ckan.activity_streams_email_notifications = true, and run ckan marathon notify every "
            "day."
        )
        yield make_warning(text.format(count=waiting))
