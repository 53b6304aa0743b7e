"""In whose name somebody acts, and what they may take along."""

from __future__ import annotations

from typing import Any, cast

from ckan import authz, model
from ckan.types import Context

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


def may_take_from(context: Context, package: model.Package) -> bool:
    """Return whether a person may move a package out of the organisation that has it.

    By CKAN's own rules only: sysadmins, editors of that organisation, and its collaborators where
    the site lets those change the organisation.
    """
    user = context.get("user")
    if context.get("ignore_auth") or authz.is_sysadmin(user):
        return True
    if authz.has_user_permission_for_group_or_org(package.owner_org, user, "update_dataset"):
        return True
    user_id = authz.get_user_id_for_username(user, allow_none=True)
    return bool(
        user_id
        and authz.check_config_permission("allow_dataset_collaborators")
        and authz.check_config_permission("allow_collaborators_to_change_owner_org")
        and authz.user_is_collaborator_on_dataset(user_id, package.id, ["admin", "editor"])
    )
