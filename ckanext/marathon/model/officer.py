"""Officers: the members of organisations, since when they are it, and the end of a membership."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.marathon.domain.officer import ADMIN, Membership
from ckanext.marathon.model import audit
from ckanext.marathon.model.audit import AuditEntry

_member: Any = model.Member
_user: Any = model.User


def read_membership(user: model.User, organization_id: str) -> Membership:
    """Return the facts of an officer that decide what ends when they leave."""
    roles = {
        row.group_id: row.capacity
        for row in model.Session.execute(
            sa.select(_member.group_id, _member.capacity)
            .join(model.Group, model.Group.id == _member.group_id)
            .where(
                _is_active_member(user.id),
                model.Group.is_organization.is_(True),
                model.Group.state == model.State.ACTIVE,
            )
        )
    }
    return Membership(
        role=roles.get(organization_id, ""),
        is_sysadmin=bool(user.sysadmin),
        has_other_organization=bool(roles.keys() - {organization_id}),
        other_admins=count_admins(organization_id, without=user.id),
        # CKAN writes the local time of the machine.
        account_created=user.created.astimezone(UTC) if user.created else None,
        joined=_read_joined(user.id, organization_id),
    )


def count_admins(organization_id: str, without: str = "", *, with_invited: bool = False) -> int:
    """Return the number of an organisation's admins.

    Args:
        organization_id: id of the organisation.
        without: id of an account that is not counted.
        with_invited: whether to count those who have not accepted their invitation.
    """
    states = [model.State.ACTIVE, *([model.State.PENDING] if with_invited else [])]
    query = (
        sa.select(sa.func.count(sa.distinct(_user.id)))
        .join(_member, _member.table_id == _user.id)
        .where(
            _member.group_id == organization_id,
            _member.table_name == "user",
            _member.state == model.State.ACTIVE,
            _member.capacity == ADMIN,
            _user.state.in_(states),
            _user.id != without,
            # CKAN's own account, with which commands create organisations.
            _user.name != tk.config.get("ckan.site_id"),
        )
    )
    return model.Session.scalar(query) or 0


def end_membership(user: model.User, organization_id: str) -> None:
    """End the membership, and what else lets an account edit records of the organisation.

    Commits nothing.
    """
    members = model.Session.query(model.Member).filter(
        _is_active_member(user.id), _member.group_id == organization_id
    )
    collaborations = (
        model.Session.query(model.PackageMember)
        .join(model.Package, model.Package.id == model.PackageMember.package_id)
        .filter(model.PackageMember.user_id == user.id, model.Package.owner_org == organization_id)
    )
    for member in members.all():
        member.delete()
    for collaboration in collaborations.all():
        model.Session.delete(collaboration)
    model.Session.flush()


def close_account(user: model.User) -> None:
    """Close an account as CKAN's ``user_delete`` does, without its commit."""
    user.delete()
    for member in model.Session.query(model.Member).filter(_is_active_member(user.id)).all():
        member.delete()
    of_user = model.PackageMember.user_id == user.id
    for collaboration in model.Session.query(model.PackageMember).filter(of_user).all():
        model.Session.delete(collaboration)
    model.Session.flush()


def _is_active_member(user_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        _member.table_name == "user",
        _member.table_id == user_id,
        _member.state == model.State.ACTIVE,
    )


def _read_joined(user_id: str, organization_id: str) -> datetime | None:
    """Return when an account became a member; ``None`` if it is not in the record of changes."""
    entry = AuditEntry
    return model.Session.scalar(
        sa.select(sa.func.max(entry.at)).where(
            entry.kind == audit.MEMBER,
            entry.record == user_id,
            entry.parent == organization_id,
            entry.action.in_((audit.CREATED, audit.RESTORED)),
        )
    )


class PendingOfficer(NamedTuple):
    """A person who has not accepted the invitation to an organisation yet."""

    user: model.User
    organization: model.Group


def list_pending_officers(organizations: Collection[str]) -> list[PendingOfficer]:
    """Return the people who have not accepted the invitation to these organisations (ids)."""
    if not organizations:
        return []
    query = (
        sa.select(model.User, model.Group)
        .join(_member, _member.table_id == _user.id)
        .join(model.Group, model.Group.id == _member.group_id)
        .where(
            _member.table_name == "user",
            _member.state == model.State.ACTIVE,
            _member.group_id.in_(organizations),
            _user.state == model.State.PENDING,
        )
        .order_by(model.Group.title, _user.email)
    )
    return [PendingOfficer(user, group) for user, group in model.Session.execute(query)]
