"""Municipalities: the organisation with a municipality's code, and its contact.

A code belongs to one organisation. Contacts are institutions, never people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.marathon.domain.errors import Taken
from ckanext.marathon.domain.idea import StoryContact
from ckanext.marathon.model import figures
from ckanext.marathon.model.package import claim_row
from ckanext.marathon.records import Organization


class MunicipalityClaim(tk.BaseModel):
    """The claim of an organisation to a municipality's code."""

    __tablename__ = "marathon_place"

    municipality_code: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    organization_id: Mapped[str] = mapped_column(sa.UnicodeText, unique=True)


def find_municipality(code: str) -> str | None:
    """Return the id of the active organisation with a municipality's code, ``None`` if none."""
    return model.Session.scalar(
        sa.select(MunicipalityClaim.organization_id)
        .join(model.Group, model.Group.id == MunicipalityClaim.organization_id)
        .where(MunicipalityClaim.municipality_code == code, model.Group.state == model.State.ACTIVE)
    )


def find_municipalities(codes: list[str]) -> dict[str, str]:
    """Return code → id of the active organisation with this code."""
    rows = model.Session.execute(
        sa.select(MunicipalityClaim.municipality_code, MunicipalityClaim.organization_id)
        .join(model.Group, model.Group.id == MunicipalityClaim.organization_id)
        .where(
            MunicipalityClaim.municipality_code.in_(codes), model.Group.state == model.State.ACTIVE
        )
    )
    return {row.municipality_code: row.organization_id for row in rows}


def assign_municipality(organization_id: str, code: str | None) -> None:
    """Give an organisation this code and remove its other one; ``None`` or ``""`` for no code.

    The code of a deleted or purged organisation is taken over.

    Raises:
        Taken: an active organisation has the code; ``holder`` is its id.
    """
    own = MunicipalityClaim.organization_id == organization_id
    stale = own if not code else sa.and_(own, MunicipalityClaim.municipality_code != code)
    model.Session.execute(sa.delete(MunicipalityClaim).where(stale))
    if not code or _is_held_by(code, organization_id):
        return
    current = model.Session.scalar(
        sa.select(MunicipalityClaim.organization_id)
        .where(MunicipalityClaim.municipality_code == code)
        .with_for_update()
    )
    if current is not None:
        if find_municipality(code) is not None:
            raise Taken(code, current)
        model.Session.execute(
            sa.delete(MunicipalityClaim).where(MunicipalityClaim.municipality_code == code)
        )
    row = insert(MunicipalityClaim).values(municipality_code=code, organization_id=organization_id)
    claim_row(row, code)


def _is_held_by(code: str, organization_id: str) -> bool:
    query = sa.select(MunicipalityClaim.municipality_code).where(
        MunicipalityClaim.municipality_code == code,
        MunicipalityClaim.organization_id == organization_id,
    )
    return model.Session.scalar(query) is not None


def list_municipality_contacts(codes: Sequence[str]) -> list[StoryContact]:
    """Return the contacts of the active organisations with these codes, in the given order."""
    group = cast(Any, model.Group)
    query = (
        sa.select(MunicipalityClaim.municipality_code, model.Group)
        .join(model.Group, group.id == MunicipalityClaim.organization_id)
        .where(MunicipalityClaim.municipality_code.in_(codes), group.state == model.State.ACTIVE)
    )
    found = dict(model.Session.execute(query).tuples().all())
    return [_contact(found[code]) for code in codes if code in found]


def find_contact_with_role(role: str) -> list[StoryContact]:
    """Return the contact of the oldest active organisation with a role; ``[]`` if none has it."""
    return [
        _contact(organization) for organization in figures.list_organizations_with_role(role, 1)
    ]


def _contact(group: model.Group) -> StoryContact:
    organization = Organization.from_stored(group)
    return StoryContact(
        name=organization.name,
        title=organization.label,
        email=organization.contact_email,
        homepage=organization.homepage,
    )
