"""Officers: invitations and handover to a successor; also organisations invited to workshops.

An officer needs an account, a membership, and the link of the invitation. CKAN's own action fails
if the link cannot be mailed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import flask
import sqlalchemy as sa
from babel.dates import format_date
from ckan import authz, model
from ckan.lib import mailer
from ckan.lib.mailer import MailerException
from ckan.lib.munge import munge_name

# CKAN has no public function for this name.
from ckan.logic.action.create import (
    _get_random_username_from_email,  # pyright: ignore[reportPrivateUsage]
)
from ckan.logic.schema import create_user_for_user_invite_schema, default_user_invite_schema
from ckan.types import Action, ActionResult, Context, DataDict

from ckanext.marathon.domain import dataset, dates
from ckanext.marathon.domain import officer as officer_domain
from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.domain.officer import RANKS, Departure, Membership
from ckanext.marathon.domain.texts import is_reference, remove_hidden
from ckanext.marathon.logic import messages, permissions, schema
from ckanext.marathon.model import account as account_model
from ckanext.marathon.model import audit
from ckanext.marathon.model import officer as officer_model
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


@dataclass(frozen=True)
class Invitation:
    """An invitation that is stored and not yet sent.

    Attributes:
        account: the account of the invited person.
        role: their capacity in the organisation.
        link: one-time link, ``""`` for an account that has a password.
        until: until when the link opens, ``None`` without a link.
        may_have_link: whether the inviter may get the link to hand it over.
    """

    organization: model.Group
    account: model.User
    email: str
    role: str
    link: str
    until: datetime | None
    may_have_link: bool


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
    lock_address(email)
    invitation = store_invitation(inviter, organization, email, role)
    model.repo.commit()
    return send_invitation(inviter, invitation)


def lock_address(email: str) -> None:
    """Let concurrent invitations of one address wait, so that they do not create two accounts."""
    model.Session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(email.lower()))))


def store_invitation(
    inviter: Inviter,
    organization: model.Group,
    email: str,
    role: str,
    *,
    is_role_raised: bool = False,
) -> Invitation:
    """Store account, membership and link of an invited person; commits nothing.

    The address must be locked.

    Args:
        inviter: the person who invites.
        organization: the organisation.
        email: address of the invited person.
        role: CKAN's capacity.
        is_role_raised: whether a member with a lower capacity gets this one.

    Raises:
        ValidationError: at ``email``, for people of the coordinating body.
    """
    account = find_account(email)
    if account and not inviter.is_admin_of(organization):
        _refuse_own_people(inviter, account)
    if account is None:
        account = _create_account(email)
    link, until = "", None
    if account.state == model.State.PENDING:
        account.reset_key = mailer.make_key()
        until = _find_end_of_link()
        account_model.write_invitation_end(account, until)
        link = mailer.get_reset_link(account)
    role = _ensure_membership(account, organization, role, is_role_raised=is_role_raised)
    may_have_link = bool(link) and _may_have_link(inviter, account)
    return Invitation(organization, account, email, role, link, until, may_have_link)


def send_invitation(inviter: Inviter, invitation: Invitation) -> dict[str, Any]:
    """Mail an invitation that is committed; return the answer of ``marathon_officer_invite``."""
    sent = _send_mail(invitation.account, *_write_message(inviter, invitation))
    to_hand_over = invitation.link if invitation.may_have_link and not sent else None
    return {
        "organization": dictize_organization(invitation.organization),
        "email": invitation.email,
        "role": invitation.role,
        "mail_sent": sent,
        "link": to_hand_over,
        # Not in the answer of a sent mail: it would tell that there was no account yet.
        "until": invitation.until.isoformat() if to_hand_over and invitation.until else None,
        "notice": _write_notice(sent, invitation.link, to_hand_over),
    }


def dictize_organization(organization: model.Group) -> dict[str, str]:
    """Return ``id``, ``name`` and ``title`` of an organisation."""
    return {
        "id": organization.id,
        "name": organization.name,
        "title": organization.display_name,
    }


def _find_end_of_link() -> datetime:
    days = tk.config["ckanext.marathon.invitation_days"]
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)


def find_account(email: str) -> model.User | None:
    """Return the account of an address that is not closed, ``None`` if there is none."""
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


def _ensure_membership(
    account: model.User, organization: model.Group, role: str, *, is_role_raised: bool
) -> str:
    """Add a member unless they are one already; return their role in the organisation."""
    present = model.Session.scalar(
        sa.select(model.Member.capacity).where(
            model.Member.table_name == "user",
            model.Member.table_id == account.id,
            model.Member.group_id == organization.id,
            model.Member.state == model.State.ACTIVE,
        )
    )
    is_enough = not is_role_raised or RANKS.get(present or "", 0) >= RANKS[role]
    if present and is_enough:
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


def _write_message(inviter: Inviter, invitation: Invitation) -> tuple[str, str]:
    organization = _write_line(invitation.organization.display_name)
    site_title = _write_line(str(tk.config.get("ckan.site_title")))
    variables = {
        "organization": organization,
        "inviter": _name_inviter(inviter),
        "role": invitation.role,
        "link": invitation.link,
        "user_name": invitation.account.name,
        "login_url": tk.url_for("user.login", _external=True),
        "site_title": site_title,
        "site_url": tk.config.get("ckan.site_url"),
        **_write_days(invitation.until),
    }
    subject = f"Invitación a {site_title} / Invitation to {site_title}"
    return subject, tk.render("emails/marathon_officer_invite.txt", variables)


def _write_days(until: datetime | None) -> dict[str, str]:
    """Return the last day of a link in both languages of the mail, ``""`` without a link."""
    day = until.astimezone(dates.GUATEMALA).date() if until else None
    return {
        f"until_{lang}": format_date(day, format="long", locale=lang) if day else ""
        for lang in ("es", "en")
    }


def _name_inviter(inviter: Inviter) -> str:
    """Return the name of the person who invites, ``""`` for the site itself."""
    user = model.User.get(inviter.name) if inviter.name else None
    if user is None or user.name == tk.config.get("ckan.site_id"):
        return ""
    return _write_line(user.display_name)


def _write_line(text: str) -> str:
    """Return a text as one short line, as a heading of a mail needs it."""
    return " ".join(remove_hidden(text).split())[:200]


def _send_mail(
    account: model.User, subject: str, body: str, otherwise: str = "An invitation was not mailed"
) -> bool:
    """Return whether a mail was sent; the log has the reason if not."""
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
        log.warning("%s: %r", otherwise, fault)
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
        which the inviter may not invite, have invited the person), ``until`` (when the link ends)
        and ``notice`` (text: what to do next).

    Raises:
        NotAuthorized: neither sysadmin, nor admin of the organisation, nor (for a municipality)
            admin of a coordinating body.
        ValidationError: at ``email``, ``organization`` or ``role``.
    """
    tk.check_access("marathon_officer_invite", context, data_dict)
    return invite_officer(
        context.get("user"),
        _require_organization(data_dict["organization"]),
        email=data_dict["email"].strip(),
        role=data_dict["role"],
        in_own_name=bool(context.get("ignore_auth")),
    )


def _require_organization(reference: str) -> model.Group:
    organization = model.Group.get(reference)
    if organization is None or not organization.is_organization:
        raise tk.ValidationError({"organization": [tk._("There is no such organisation.")]})
    return organization


@tk.validate_action_data(schema.marathon_officer_handover)
def marathon_officer_handover(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """End an officer's membership of an organisation and invite a successor, in one step.

    With the membership end the person's sessions and API tokens, and the account if it belongs to
    no other organisation (``marathon_officer_departure_show`` tells beforehand). What they
    published stays. Either everything is done or nothing.

    Args:
        context: as CKAN's.
        data_dict: ``organization`` (name or id); ``user`` (name or id of the person who leaves);
            ``email`` of the successor (optional unless the last admin leaves); ``role`` of the
            successor (by default that of the person who leaves).

    Returns:
        ``organization`` (``id``, ``name``, ``title``), ``user`` (name), ``account_closed`` (bool),
        ``sessions_ended`` (bool), ``tokens_revoked`` (number) and ``invitation``: the answer of
        ``marathon_officer_invite``, ``None`` without a successor.

    Raises:
        NotAuthorized: neither sysadmin nor admin of the organisation.
        ValidationError: at ``user``, who does not belong to the organisation; at ``email``, for
            the address of the person who leaves, or without a successor of the last admin; at
            ``role``, if the successor of the last admin would be none.
    """
    tk.check_access("marathon_officer_handover", context, data_dict)
    organization = _require_organization(data_dict["organization"])
    inviter = Inviter(context.get("user"), bool(context.get("ignore_auth")))
    email = data_dict["email"].strip()
    # Locks in the order: address, organisation, accounts.
    if email:
        lock_address(email)
    package_model.lock_organization(organization.id)
    # The person may have lost the right to do this while they waited for the lock.
    tk.check_access("marathon_officer_handover", context, data_dict)
    leaving, officer = _find_officer(organization, data_dict["user"], email)
    role = data_dict["role"] or officer.role
    successor = find_account(email) if email else None
    is_same = successor is not None and successor.id == leaving.id
    faults = officer_domain.check_departure(officer, email, role, is_same_person=is_same)
    if faults:
        messages.refuse_faults(*faults)

    invitation = None
    if email:
        invitation = store_invitation(inviter, organization, email, role, is_role_raised=True)
    departure = officer_domain.plan_departure(officer)
    # Nobody is told about an invitation that is withdrawn, or about what they did themselves.
    is_told = leaving.state == model.State.ACTIVE and inviter.name != leaving.name
    revoked = _end_officer(leaving, organization, departure)
    changes: dict[str, list[object] | None] = {"api_tokens": [str(revoked), "0"]} if revoked else {}
    if invitation is not None:
        changes["successor"] = [None, invitation.account.name]
    audit.note_member_changes(leaving.id, organization.id, changes)
    farewell = _write_farewell(inviter, leaving, organization, departure)
    model.repo.commit()

    sent = send_invitation(inviter, invitation) if invitation is not None else None
    if is_told:
        _send_mail(leaving, *farewell, otherwise="The end of a membership was not mailed")
    return {
        "organization": dictize_organization(organization),
        "user": leaving.name,
        "account_closed": departure.closes_account,
        "sessions_ended": departure.ends_sessions,
        "tokens_revoked": revoked,
        "invitation": sent,
    }


@tk.side_effect_free
@tk.validate_action_data(schema.marathon_officer_departure_show)
def marathon_officer_departure_show(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Return what would end if an officer left an organisation.

    Args:
        context: as CKAN's.
        data_dict: ``organization`` (name or id) and ``user`` (name or id).

    Returns:
        ``organization`` (``id``, ``name``, ``title``), ``user`` (``name``, ``display_name``,
        ``state``), ``role``, ``is_last_admin`` (bool: a successor must be named), ``account``
        (``closed``; or why it stays open: ``other_organization``, ``sysadmin``, ``older`` than the
        membership), ``ends_sessions`` (bool) and ``tokens`` (number of API tokens to revoke).

    Raises:
        NotAuthorized: as ``marathon_officer_handover``.
        ValidationError: at ``user``, who does not belong to the organisation.
    """
    tk.check_access("marathon_officer_departure_show", context, data_dict)
    organization = _require_organization(data_dict["organization"])
    leaving, officer = _find_officer(organization, data_dict["user"], is_locked=False)
    departure = officer_domain.plan_departure(officer)
    tokens = 0
    if departure.revokes_tokens:
        tokens = account_model.count_tokens(leaving.id, departure.tokens_since)
    return {
        "organization": dictize_organization(organization),
        "user": {
            "name": leaving.name,
            "display_name": leaving.display_name,
            "state": leaving.state,
        },
        "role": officer.role,
        "is_last_admin": officer.is_last_admin,
        "account": str(departure.account),
        "ends_sessions": departure.ends_sessions,
        "tokens": tokens,
    }


def _find_officer(
    organization: model.Group, reference: str, successor: str = "", *, is_locked: bool = True
) -> tuple[model.User, Membership]:
    """Return an account and its membership, locked together with the account of the successor.

    Raises:
        ValidationError: at ``user``, the same for an unknown account as for somebody else's.
    """
    found = model.User.get(reference)
    if found is not None and is_locked:
        other = find_account(successor) if successor else None
        found = account_model.lock_accounts({found.id, *([other.id] if other else [])}).get(
            found.id
        )
    is_open = found is not None and found.state != model.State.DELETED
    membership = (
        officer_model.read_membership(found, organization.id) if found and is_open else None
    )
    if found is None or membership is None or not membership.role:
        nobody = Membership(role="")
        faults = officer_domain.check_departure(nobody, "", "", is_same_person=False)
        messages.refuse_faults(*faults)
    return found, membership


def _end_officer(leaving: model.User, organization: model.Group, departure: Departure) -> int:
    """End what a departure ends; return the number of revoked tokens; commits nothing."""
    revoked = 0
    if departure.revokes_tokens:
        revoked = account_model.revoke_tokens(leaving.id, departure.tokens_since)
    if departure.ends_sessions:
        account_model.end_all_sessions(leaving)
    officer_model.end_membership(leaving, organization.id)
    if departure.closes_account:
        # A link to set a password must not open the account again.
        leaving.reset_key = ""
        officer_model.close_account(leaving)
    return revoked


def _write_farewell(
    inviter: Inviter, leaving: model.User, organization: model.Group, departure: Departure
) -> tuple[str, str]:
    site_title = _write_line(str(tk.config.get("ckan.site_title")))
    variables = {
        "organization": _write_line(organization.display_name),
        "inviter": _name_inviter(inviter),
        "is_closed": departure.closes_account,
        "user_name": leaving.name,
        "site_title": site_title,
        "site_url": tk.config.get("ckan.site_url"),
    }
    subject = f"Su acceso a {site_title} / Your access to {site_title}"
    return subject, tk.render("emails/marathon_officer_left.txt", variables)


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
        ``pending`` until the invitation is accepted), ``email`` (that of the invitation while
        pending; ``None`` afterwards, for privacy) and ``until`` (end of the invitation's link;
        ``None`` for no link, or one without an end).

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
    until = account_model.read_invitation_end(user)
    return {
        "organization": {
            **dictize_organization(organization),
            "municipality_code": package_model.read_stored_text(organization, "municipality_code"),
        },
        "name": user.name,
        "display_name": user.display_name,
        "role": capacity,
        "state": user.state,
        "email": user.email if user.state == model.State.PENDING else None,
        "until": until.isoformat() if until else None,
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

    An invitation to an organisation is that of ``marathon_officer_invite``, whose answer is in
    ``marathon_invitation``: CKAN's own is lost without a mail server. For a group, CKAN tries to
    delete the new account with the permissions of the inviter if the mail fails. That fails, the
    account stays, and the page ends with an error.

    Raises:
        ValidationError: also at ``email``, if the mail to a member of a group cannot be sent; no
            account stays.
    """
    reference = data_dict.get("group_id")
    group = model.Group.get(reference) if is_reference(reference) else None
    if group is not None and group.is_organization:
        return _invite_as_officer(context, data_dict, group)
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
            "The invitation could not be mailed, so no account was made. Ask the administrator to "
            "set up a mail server."
        )
        raise tk.ValidationError({"email": [message]}) from None


def _invite_as_officer(
    context: Context, data_dict: DataDict, organization: model.Group
) -> dict[str, Any]:
    tk.check_access("user_invite", context, data_dict)
    given, found = tk.navl_validate(dict(data_dict), default_user_invite_schema(), context)
    errors: dict[str, Any] = dict(found)
    if not errors and given["role"] not in RANKS:
        choices = ", ".join(RANKS)
        errors = {"role": [tk._("One of these is expected: {}").format(choices)]}
    if errors:
        raise tk.ValidationError(errors)
    invited = invite_officer(
        context.get("user"),
        organization,
        email=given["email"].strip(),
        role=given["role"],
        in_own_name=bool(context.get("ignore_auth")),
    )
    if flask.has_request_context():
        flask.g.marathon_invited = invited
    account = find_account(invited["email"])
    assert account
    shown = tk.get_action("user_show")(Context(ignore_auth=True), {"id": account.id})
    return {
        **{name: shown[name] for name in ("id", "name", "display_name", "state")},
        "email": invited["email"],
        "marathon_invitation": invited,
    }


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
