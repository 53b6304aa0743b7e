"""How somebody becomes an officer: an account, a membership, and a link that reaches them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, cast

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model
from ckan.lib import mailer
from ckan.lib.munge import munge_name
from ckan.logic.action.create import _get_random_username_from_email
from ckan.logic.schema import create_user_for_user_invite_schema
from ckan.types import Context

from ckanext.marathon.domain.texts import remove_hidden
from ckanext.marathon.logic import permissions

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inviter:
    """Who invites; ``unasked`` in the site's own name, as the command line does."""

    name: str | None
    unasked: bool

    @property
    def is_free(self) -> bool:
        """Whether nothing has to be asked of them."""
        return self.unasked or authz.is_sysadmin(self.name)

    def governs(self, organization: model.Group) -> bool:
        """Return whether they may invite to an organisation."""
        return self.is_free or permissions.may_manage_officers(self.name, organization)

    def belongs_to(self, organization: model.Group) -> bool:
        """Return whether they are the organisation's own admin."""
        return self.is_free or authz.has_user_permission_for_group_or_org(
            organization.id, self.name, "membership"
        )


def invite(
    user: str | None, organization: model.Group, *, email: str, role: str, in_own_name: bool
) -> dict[str, Any]:
    """Give somebody a membership, and an account if need be; see ``marathon_officer_invite``."""
    inviter = Inviter(user, in_own_name)
    # Two invitations of one address at the same instant must not make two accounts.
    model.Session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(email.lower()))))
    account = _account_of(email)
    if account and not inviter.belongs_to(organization):
        _refuse_own_people(inviter, account)
    if account is None:
        account = _new_account(email)
    link = ""
    if account.state == model.State.PENDING:
        account.reset_key = mailer.make_key()
        link = mailer.get_reset_link(account)
    role = _membership(account, organization, role)
    subject, body = _message(account, organization, role, link)
    model.repo.commit()

    sent = _mailed(account, subject, body)
    to_hand_over = link if link and not sent and _is_theirs_to_have(inviter, account) else None
    return {
        "organization": {
            "id": organization.id,
            "name": organization.name,
            "title": organization.display_name,
        },
        "email": email,
        "role": role,
        "mail_sent": sent,
        "link": to_hand_over,
        "notice": _notice(sent, link, to_hand_over),
    }


def _account_of(email: str) -> model.User | None:
    return (
        model.Session.query(model.User)
        .filter(
            sa.func.lower(model.User.email) == email.lower(),
            model.User.state.in_([model.State.ACTIVE, model.State.PENDING]),
        )
        .order_by(model.User.state, model.User.created)  # "active" before "pending"
        .first()
    )


def _refuse_own_people(inviter: Inviter, account: model.User) -> None:
    own = authz.get_user_id_for_username(inviter.name, allow_none=True) == account.id
    if own or permissions.standing(account.name).coordinating:
        text = tk._(
            "People of the coordinating body do not become officers of a municipality by its own "
            "invitation; a system administrator can add them."
        )
        raise tk.ValidationError({"email": [text]})


def _new_account(email: str) -> model.User:
    name = munge_name(email.split("@")[0]).strip("-_") or "oficial"
    context = Context(
        ignore_auth=True, defer_commit=True, schema=create_user_for_user_invite_schema()
    )
    created = tk.get_action("user_create")(
        context,
        {
            "name": _get_random_username_from_email(f"{name}@"),
            "email": email,
            "state": model.State.PENDING,
        },
    )
    account = model.User.get(created["id"])
    assert account
    return account


def _membership(account: model.User, organization: model.Group, role: str) -> str:
    """Make somebody a member unless they are one; return the role they have from now on."""
    present = model.Session.scalar(
        sa.select(model.Member.capacity).where(
            model.Member.table_name == "user",
            model.Member.table_id == account.id,
            model.Member.group_id == organization.id,
            model.Member.state == model.State.ACTIVE,
        )
    )
    if present:
        return present
    tk.get_action("member_create")(
        Context(ignore_auth=True, defer_commit=True, user=""),
        {
            "id": organization.id,
            "object": account.id,
            "object_type": "user",
            "capacity": role,
        },
    )
    return role


def _is_theirs_to_have(inviter: Inviter, account: model.User) -> bool:
    """Return whether whoever holds the link gains no more than the inviter could give.

    A pending account may have been invited by other organisations too.
    """
    if inviter.is_free:
        return True
    organizations = (
        model.Session.query(model.Group)
        .join(model.Member, model.Member.group_id == model.Group.id)
        .filter(
            model.Member.table_name == "user",
            model.Member.table_id == account.id,
            model.Member.state == model.State.ACTIVE,
        )
    )
    return not account.sysadmin and all(inviter.governs(o) for o in organizations)


def _message(
    account: model.User, organization: model.Group, role: str, link: str
) -> tuple[str, str]:
    variables = {
        "organization": remove_hidden(organization.display_name),
        "role": role,
        "link": link,
        "user_name": account.name,
        "login_url": tk.url_for("user.login", _external=True),
        "site_title": tk.config.get("ckan.site_title"),
        "site_url": tk.config.get("ckan.site_url"),
    }
    subject = "Invitación a {0} / Invitation to {0}".format(variables["site_title"])
    return subject, cast(str, tk.render("emails/marathon_officer_invite.txt", variables))


def _mailed(account: model.User, subject: str, body: str) -> bool:
    # CKAN's mailer says nothing where neither a server nor a notifier is there. This plugin is a
    # notifier too, but sends nothing itself.
    notifiers = list(p.PluginImplementations(p.INotifier))
    if not tk.config.get("smtp.server") and all(n.name == "marathon" for n in notifiers):
        return False
    try:
        mailer.mail_user(account, subject, body)
    except Exception as fault:
        # Any: without smtp.mail_from CKAN's mailer breaks on None, other settings fail its
        # assertions, and a notifier raises what it likes. The link is there to hand over.
        log.warning("An invitation was not mailed: %r", fault)
        return False
    return True


def _notice(sent: bool, link: str, to_hand_over: str | None) -> str:
    if sent:
        return tk._("The invitation is on its way by e-mail.")
    if to_hand_over:
        return tk._(
            "No e-mail could be sent. Hand this link over yourself: it works once, and whoever has "
            "it can choose the password."
        )
    if link:
        return tk._(
            "No e-mail could be sent. Other organisations have invited this person too, so a "
            "system administrator has to hand over the link."
        )
    return tk._("No e-mail could be sent. Tell them to log in with the account they have.")
