"""Invitations: of people (officers) to an organisation, and of organisations to workshops.

An officer needs an account, a membership, and the link of the invitation. CKAN's own action fails
if the link cannot be mailed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model
from ckan.lib import mailer
from ckan.lib.mailer import MailerException
from ckan.lib.munge import munge_name

# CKAN has no public function for this name.
from ckan.logic.action.create import (
    _get_random_username_from_email,  # pyright: ignore[reportPrivateUsage]
)
from ckan.logic.schema import create_user_for_user_invite_schema
from ckan.types import Action, ActionResult, Context, DataDict

from ckanext.marathon.domain import dataset, dates
from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.domain.texts import remove_hidden
from ckanext.marathon.logic import permissions, schema
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model import workshop as workshop_model
from ckanext.marathon.records import Workshop

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inviter:
    """The person who invites; ``unasked``: permissions are not checked (command line)."""

    name: str | None
    unasked: bool

    @property
    def is_unrestricted(self) -> bool:
        """Whether they may do everything."""
        return self.unasked or authz.is_sysadmin(self.name)

    def may_invite_to(self, organization: model.Group) -> bool:
        """Return whether they may invite to an organisation."""
        return self.is_unrestricted or permissions.may_manage_officers(self.name, organization)

    def is_admin_of(self, organization: model.Group) -> bool:
        """Return whether they are an admin of the organisation itself, or unrestricted."""
        return self.is_unrestricted or authz.has_user_permission_for_group_or_org(
            organization.id, self.name, "membership"
        )


def invite_officer(
    user: str | None, organization: model.Group, *, email: str, role: str, in_own_name: bool
) -> dict[str, Any]:
    """Invite a person to an organisation; see ``marathon_officer_invite``.

    Args:
        user: name of the person who invites.
        organization: the organisation.
        email: address of the invited person.
        role: CKAN's capacity.
        in_own_name: whether the permissions of ``user`` are not checked.
    """
    inviter = Inviter(user, in_own_name)
    # Concurrent invitations of one address must not create two accounts.
    model.Session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(email.lower()))))
    account = _find_account(email)
    if account and not inviter.is_admin_of(organization):
        _refuse_own_people(inviter, account)
    if account is None:
        account = _create_account(email)
    link = ""
    if account.state == model.State.PENDING:
        account.reset_key = mailer.make_key()
        link = mailer.get_reset_link(account)
    role = _ensure_membership(account, organization, role)
    subject, body = _write_message(account, organization, role, link)
    model.repo.commit()

    sent = _send_mail(account, subject, body)
    to_hand_over = link if link and not sent and _may_have_link(inviter, account) else None
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
        "notice": _write_notice(sent, link, to_hand_over),
    }


def _find_account(email: str) -> model.User | None:
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
    if own or permissions.read_standing(account.name).coordinating:
        text = tk._(
            "People of the coordinating body do not become officers of a municipality by its own "
            "invitation; a system administrator can add them."
        )
        raise tk.ValidationError({"email": [text]})


def _create_account(email: str) -> model.User:
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


def _ensure_membership(account: model.User, organization: model.Group, role: str) -> str:
    """Add a member unless they are one already; return their role in the organisation."""
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


def _may_have_link(inviter: Inviter, account: model.User) -> bool:
    """Return whether the inviter may get the link: they may invite to all of its organisations.

    With the link one can choose the password of the account, and other organisations may have
    invited it too.
    """
    if inviter.is_unrestricted:
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
    return not account.sysadmin and all(inviter.may_invite_to(o) for o in organizations)


def _write_message(
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
    return subject, tk.render("emails/marathon_officer_invite.txt", variables)


def _send_mail(account: model.User, subject: str, body: str) -> bool:
    # CKAN's mailer does nothing, without an error, if there is neither a server nor a notifier.
    # This plugin is a notifier too, but sends no mails.
    notifiers = list(p.PluginImplementations(p.INotifier))
    if not tk.config.get("smtp.server") and all(n.name == "marathon" for n in notifiers):
        return False
    try:
        mailer.mail_user(account, subject, body)
    except Exception as fault:
        # Any exception: CKAN's mailer raises AttributeError without smtp.mail_from and
        # AssertionError for other settings, and notifiers may raise others. The inviter gets the
        # link to hand over.
        log.warning("An invitation was not mailed: %r", fault)
        return False
    return True


def _write_notice(sent: bool, link: str, to_hand_over: str | None) -> str:
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


@tk.validate_action_data(schema.marathon_officer_invite)
def marathon_officer_invite(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Invite a person to an organisation by e-mail.

    A person without an account gets one, also if the mail cannot be sent; a person with an account
    becomes a member. A second invitation renews the link. If no mail can be sent, the inviter gets
    the one-time link to hand over.

    Args:
        context: as CKAN's.
        data_dict: ``email``; ``organization`` (name or id); ``role`` (``editor``, the default,
            ``admin`` or ``member``).

    Returns:
        ``organization`` (``id``, ``name``, ``title``), ``email``, ``role``, ``mail_sent`` (bool),
        ``link`` (text to hand over; ``None`` if a mail was sent, or if other organisations, to
        which the inviter may not invite, have invited the person) and ``notice`` (text: what to do
        next).

    Raises:
        NotAuthorized: neither sysadmin, nor admin of the organisation, nor (for a municipality)
            admin of a coordinating body.
        ValidationError: at ``email``, ``organization`` or ``role``.
    """
    tk.check_access("marathon_officer_invite", context, data_dict)
    organization = model.Group.get(data_dict["organization"])
    if organization is None or not organization.is_organization:
        raise tk.ValidationError({"organization": [tk._("There is no such organisation.")]})
    return invite_officer(
        context.get("user"),
        organization,
        email=data_dict["email"].strip(),
        role=data_dict["role"],
        in_own_name=bool(context.get("ignore_auth")),
    )


@tk.side_effect_free
@tk.validate_action_data(schema.marathon_officer_list)
def marathon_officer_list(context: Context, data_dict: DataDict) -> list[dict[str, Any]]:
    """Return the members of an organisation, or of all municipalities.

    Args:
        context: as CKAN's.
        data_dict: ``organization`` (name or id; optional).

    Returns:
        by organisation and name, dicts with ``organization`` (``id``, ``name``, ``title``,
        ``municipality_code``), ``name``, ``display_name``, ``role``, ``state`` (``active``;
        ``pending`` until the invitation is accepted) and ``email`` (that of the invitation while
        pending; ``None`` afterwards, for privacy).

    Raises:
        NotAuthorized: as ``marathon_officer_invite``; for all municipalities, not an admin of a
            coordinating body.
    """
    tk.check_access("marathon_officer_list", context, data_dict)
    query = (
        sa.select(model.Group, model.User, model.Member.capacity)
        .join(model.Member, model.Member.group_id == model.Group.id)
        .join(model.User, model.User.id == model.Member.table_id)
        .where(
            model.Member.table_name == "user",
            model.Member.state == model.State.ACTIVE,
            model.Group.state == model.State.ACTIVE,
            model.Group.is_organization.is_(True),
            model.User.state.in_([model.State.ACTIVE, model.State.PENDING]),
            model.User.name != tk.config.get("ckan.site_id"),  # CKAN's own, nobody
        )
        .order_by(model.Group.title, model.Group.name, model.User.fullname, model.User.name)
    )
    reference = data_dict["organization"]
    if reference:
        organization = model.Group.get(reference)
        query = query.where(model.Group.id == (organization.id if organization else None))
    else:
        role = cast(Any, model.Group).extras["role"].astext
        query = query.where(role == dataset.MUNICIPALITY)
    return [_dictize_officer(*row) for row in model.Session.execute(query)]


def _dictize_officer(organization: model.Group, user: model.User, capacity: str) -> dict[str, Any]:
    return {
        "organization": {
            "id": organization.id,
            "name": organization.name,
            "title": organization.display_name,
            "municipality_code": package_model.read_stored_text(organization, "municipality_code"),
        },
        "name": user.name,
        "display_name": user.display_name,
        "role": capacity,
        "state": user.state,
        "email": user.email if user.state == model.State.PENDING else None,
    }


@tk.side_effect_free
@tk.validate_action_data(schema.marathon_invitation_list)
def marathon_invitation_list(context: Context, data_dict: DataDict) -> list[dict[str, Any]]:
    """Return workshops with unanswered invitations, by deadline.

    The list has the workshops of organisations of which the user is an editor, and all workshops
    for the coordinating body's editors.

    Args:
        context: as CKAN's.
        data_dict: ``organization`` (id or name): only its workshops; ``past``: also workshops that
            are over.

    Returns:
        a dict for each workshop: ``workshop`` (``id``, ``name``, ``title``, ``starts_at``,
        ``private``), ``organization`` (``id``, ``name``, ``title``), ``rsvp_by`` (``None`` without
        a deadline), ``overdue``, ``invited`` (number of organisations) and ``unanswered`` (dicts
        of ``organisation`` and ``invited_on``). Workshops without a deadline come last.

    Raises:
        NotAuthorized: not an editor of the organisation, of any, or of a coordinating body.
        ValidationError: ``past`` is neither true nor false.
    """
    tk.check_access("marathon_invitation_list", context, data_dict)
    today = dates.get_today()
    found: list[tuple[Workshop, bool]] = []
    for package in workshop_model.list_inviting_workshops(
        _find_owners(context, data_dict["organization"])
    ):
        workshop = Workshop.from_stored(package)
        if workshop.unanswered and (
            data_dict["past"] or not workshop_domain.is_workshop_over(workshop.times, today)
        ):
            found.append((workshop, bool(package.private)))
    owners = package_model.read_organization_titles(
        workshop.owner_id for workshop, _is_private in found
    )
    listed = [
        _dictize_workshop(workshop, is_private, owners.get(workshop.owner_id))
        for workshop, is_private in found
    ]
    return sorted(listed, key=_make_sort_key)


def _make_sort_key(row: Mapping[str, Any]) -> tuple[bool, Any, Any]:
    deadline = row["rsvp_by"] or ""
    starts_at = row["workshop"]["starts_at"]
    return not deadline, dates.make_date_sort_key(deadline), dates.make_date_sort_key(starts_at)


def _find_owners(context: Context, organization: str | None) -> list[str] | None:
    """Return the ids of the organisations whose workshops are listed, ``None`` for all."""
    if organization:
        found = model.Group.get(organization)
        return [found.id] if found else []
    user = context.get("user")
    if context.get("ignore_auth") or authz.is_sysadmin(user) or permissions.is_coordinator(user):
        return None
    return [
        organization["id"]
        for organization in permissions.list_organizations_open_to(user, package_model.WORKSHOP)
    ]


def _dictize_workshop(
    workshop: Workshop, is_private: bool, organization: dict[str, str] | None
) -> dict[str, Any]:
    return {
        "workshop": {
            "id": workshop.id,
            "name": workshop.name,
            "title": workshop.label,
            "starts_at": workshop.starts_at,
            "private": is_private,
        },
        "organization": organization,
        "rsvp_by": workshop.rsvp_by or None,
        "overdue": workshop_domain.has_day_passed(workshop.rsvp_by, dates.get_today()),
        "invited": len(workshop.invitations),
        "unanswered": [
            {"organisation": invitation.organisation, "invited_on": invitation.invited_on or None}
            for invitation in workshop.unanswered
        ],
    }


@tk.chained_action
def user_invite(next_: Action, context: Context, data_dict: DataDict) -> ActionResult.UserInvite:
    """Invite a person to a group or organisation; see CKAN's ``user_invite``.

    If the mail cannot be sent, CKAN tries to delete the new account with the permissions of the
    inviter. That fails, the account stays, and the page ends with an error.

    Raises:
        ValidationError: also at ``email``, if the mail cannot be sent; no account stays.
    """
    email = data_dict.get("email")
    before = set(_list_accounts(email))
    try:
        return next_(context, data_dict)
    except (tk.NotAuthorized, tk.ValidationError) as refused:
        if not _follows_failed_mail(refused):
            raise
        model.Session.rollback()
        for user_id in set(_list_accounts(email)) - before:
            _delete_account(user_id)
        model.repo.commit()
        message = tk._(
            "The invitation could not be mailed, so no account was made. The page “Municipalities "
            "and officers” gives a link to hand over instead; or ask the administrator to set up "
            "a mail server."
        )
        raise tk.ValidationError({"email": [message]}) from None


def _follows_failed_mail(fault: BaseException) -> bool:
    earlier = fault.__context__
    while earlier is not None and not isinstance(earlier, MailerException | OSError):
        earlier = earlier.__context__
    return earlier is not None


def _list_accounts(email: Any) -> list[str]:
    if not isinstance(email, str):
        return []
    wanted = sa.func.lower(model.User.email) == email.strip().lower()
    return list(model.Session.scalars(sa.select(model.User.id).where(wanted)))


def _delete_account(user_id: str) -> None:
    members = model.Session.query(model.Member).filter_by(table_name="user", table_id=user_id)
    for member in members:
        model.Session.delete(member)
    if user := model.User.get(user_id):
        model.Session.delete(user)
