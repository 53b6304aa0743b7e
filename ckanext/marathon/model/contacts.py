"""Whom the public can ask: institutions, never persons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import sqlalchemy as sa
from ckan import model

from ckanext.marathon.domain.idea import StoryContact
from ckanext.marathon.model import overview
from ckanext.marathon.model.place import Place
from ckanext.marathon.records.record import Organization


def of_municipalities(codes: Sequence[str]) -> list[StoryContact]:
    """Return the active organisations that are these municipalities, in the order of the codes."""
    group = cast(Any, model.Group)
    query = (
        sa.select(Place.municipality_code, model.Group)
        .join(model.Group, group.id == Place.organization_id)
        .where(Place.municipality_code.in_(codes), group.state == model.State.ACTIVE)
    )
    found = dict(model.Session.execute(query).tuples().all())
    return [_contact(found[code]) for code in codes if code in found]


def with_role(role: str) -> list[StoryContact]:
    """Return the oldest active organisation that has a role in the marathons, if there is one."""
    return [_contact(each) for each in overview.with_role(role, 1)]


def _contact(group: model.Group) -> StoryContact:
    organization = Organization.from_stored(group)
    return StoryContact(
        name=organization.name,
        title=organization.label,
        email=organization.contact_email,
        homepage=organization.homepage,
    )
