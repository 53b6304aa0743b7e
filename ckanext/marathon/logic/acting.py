"""In whose name somebody acts."""

from __future__ import annotations

from typing import Any, cast

from ckan import model

from ckanext.marathon.logic import permissions


def organization_of(user: str | None, owner_org: str | None) -> str | None:
    """Return the id of the organisation in whose name a user changes a record.

    Its own organisation for its members, else the coordinating body that they belong to; none for
    anybody else, that is: a sysadmin.
    """
    capacities = permissions.standing(user).capacities
    if owner_org in capacities:
        return owner_org
    if not permissions.coordinates(user):
        return None
    extras = cast(Any, model.Group).extras
    bodies = (
        model.Session.query(model.Group.id)
        .filter(model.Group.id.in_(capacities))
        .filter(extras["role"].astext == permissions.COORDINATING_BODY)
        .order_by(model.Group.title)
    )
    return next((row.id for row in bodies), None)
