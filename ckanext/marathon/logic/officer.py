"""The guard of the last admin: an organisation is not left without anybody who may invite others.

It holds for all ways to end a membership or to lower a role: CKAN's pages and API, a list of
members in an update of the organisation, and the handover.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model

from ckanext.marathon.domain.officer import ADMIN
from ckanext.marathon.logic import permissions
from ckanext.marathon.model import audit, officer
from ckanext.marathon.model.unit_of_work import SaveRefused, UnitOfWork
from ckanext.marathon.visibility import is_public_organization


@dataclass
class EndedAdmins:
    """Note in a unit of work: ids of organisations with an admin who ceases to be one."""

    organizations: set[str] = field(default_factory=set[str])


def note_ended_admins(unit: UnitOfWork) -> None:
    """Note the organisations of which the flush ends an admin's membership or lowers the role."""
    for record in (*unit.changed, *unit.deleted):
        if isinstance(record, model.Member) and record.table_name == "user" and record.group_id:
            was_admin = (_read_before(record, "capacity"), _read_before(record, "state")) == (
                ADMIN,
                model.State.ACTIVE,
            )
            is_admin = (record.capacity, record.state) == (ADMIN, model.State.ACTIVE)
            if was_admin and (not is_admin or record in unit.deleted):
                unit.get_notes(EndedAdmins).organizations.add(record.group_id)


def refuse_without_admin(unit: UnitOfWork) -> None:
    """Refuse a transaction after which an organisation would have no admin.

    System administrators and commands may do it, and the coordinating body's admins with a
    municipality, because they can invite another admin. An admin who has been invited counts.

    Raises:
        SaveRefused: it would be left without one.
    """
    notes = unit.find_notes(EndedAdmins)
    actor = audit.find_actor(unit)["user_name"] if notes else None
    if notes is None or not actor or authz.is_sysadmin(actor):
        return
    for organization_id in sorted(notes.organizations):
        organization = unit.session.get(model.Group, organization_id)
        if not is_public_organization(organization):
            continue
        if permissions.is_municipality(organization) and permissions.is_coordinator(actor, ADMIN):
            continue
        # Two admins who end each other's membership at the same instant: the second one waits, and
        # then counts without the first. The lock does not wait for memberships that are added.
        unit.session.execute(
            sa.select(model.Group.id)
            .where(model.Group.id == organization_id)
            .with_for_update(key_share=True)
        )
        if not officer.count_admins(organization_id, with_invited=True):
            raise SaveRefused(
                tk._("Members"),
                tk._(
                    "The organisation would have no admin left. Invite a successor with the page "
                    "“People and handover” of the organisation, in the same step."
                ),
            )


def _read_before(record: model.Member, name: str) -> Any:
    """Return the value of an attribute before the flush."""
    inspected: Any = sa.inspect(record)
    history = inspected.attrs[name].history
    return history.deleted[0] if history.deleted else getattr(record, name)
