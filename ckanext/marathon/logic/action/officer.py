"""Officers: inviting them to an organisation, and who they are."""

from __future__ import annotations

from typing import Any, cast

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model
from ckan.types import Context

from ckanext.marathon.logic import invitations, permissions


def marathon_officer_invite(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Invite somebody to an organisation by e-mail.

    Somebody without an account gets one, which survives a mail that cannot be sent; somebody with
    one becomes a member. Inviting again renews the link. Where no mail goes out, the inviter gets
    the one-time link to hand over.

    Args:
        context: as CKAN's.
        data_dict: ``email``; ``organization`` (name or id); ``role`` (``editor``, the default,
            ``admin`` or ``member``).

    Returns:
        ``organization`` (``id``, ``name``, ``title``), ``email``, ``role``, ``mail_sent`` (bool),
        ``link`` (text to hand over; ``None`` where a mail went out or it is not the inviter's to
        have) and ``notice`` (text: what to do next).

    Raises:
        NotAuthorized: neither sysadmin, nor admin of the organisation, nor (for a municipality)
            admin of a coordinating body.
        ValidationError: at ``email``, ``organization`` or ``role``.
    """
    tk.check_access("marathon_officer_invite", context, data_dict)
    data, errors = tk.navl_validate(data_dict, _schema(), context)
    if errors:
        raise tk.ValidationError(errors)
    organization = model.Group.get(data["organization"])
    if organization is None or not organization.is_organization:
        raise tk.ValidationError({"organization": [tk._("There is no such organisation.")]})
    return invitations.invite(
        context.get("user"),
        organization,
        email=data["email"].strip(),
        role=data["role"],
        in_own_name=bool(context.get("ignore_auth")),
    )


@tk.side_effect_free
def marathon_officer_list(context: Context, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the people of an organisation, or of all municipalities.

    Args:
        context: as CKAN's.
        data_dict: ``organization`` (name or id; optional).

    Returns:
        by organisation and name, dicts with ``organization`` (``id``, ``name``, ``title``,
        ``municipality_code``), ``name``, ``display_name``, ``role``, ``state`` (``active``;
        ``pending`` until the invitation is accepted) and ``email``: that of the invitation while
        pending, ``None`` afterwards, when it is the person's own affair.

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
    reference = data_dict.get("organization")
    if reference:
        organization = model.Group.get(reference)
        query = query.where(model.Group.id == (organization.id if organization else None))
    else:
        role = cast(Any, model.Group).extras["role"].astext
        query = query.where(role == permissions.MUNICIPALITY)
    return [_person(*row) for row in model.Session.execute(query)]


def _person(organization: model.Group, user: model.User, capacity: str) -> dict[str, Any]:
    extras = cast(Any, organization).extras or {}
    return {
        "organization": {
            "id": organization.id,
            "name": organization.name,
            "title": organization.display_name,
            "municipality_code": extras.get("municipality_code") or "",
        },
        "name": user.name,
        "display_name": user.display_name,
        "role": capacity,
        "state": user.state,
        "email": user.email if user.state == model.State.PENDING else None,
    }


def _schema() -> dict[str, Any]:
    get: Any = tk.get_validator
    roles = list(authz.ROLE_PERMISSIONS)
    return {
        "email": [get("not_empty"), get("unicode_safe"), get("email_validator")],
        "organization": [get("not_empty"), get("unicode_safe")],
        "role": [get("default")("editor"), get("one_of")(roles)],
    }
