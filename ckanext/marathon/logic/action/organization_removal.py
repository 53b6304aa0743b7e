"""Deleting and purging organisations that own workshops, ideas, datasets."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckan.types import Action, Context

from ckanext.marathon.logic import cutting, guards
from ckanext.marathon.model import municipality
from ckanext.marathon.model import package as package_model

OURS = (package_model.WORKSHOP, package_model.IDEA, package_model.COMMITMENT)


@tk.chained_action
def organization_delete(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Delete an organisation that owns nothing any more; see CKAN's ``organization_delete``.

    Raises:
        ValidationError: it owns records; ``obstacles`` names those that the person may see.
            Where the site allows datasets without organisation, CKAN leaves its datasets so. They
            go on naming it as who published them.
    """
    organization = _organization(data_dict)
    if organization is None:
        return next_(context, data_dict)
    tk.check_access("organization_delete", context, data_dict)
    package_model.lock_organization(organization.id)
    owned = package_model.list_owned_packages(organization.id)
    if authz.check_config_permission("ckan.auth.create_unowned_dataset"):
        owned = [each for each in owned if each.type in OURS]
    guards.refuse_delete(owned, context)
    _keep_publisher(organization)
    return next_(context, data_dict)


@tk.chained_action
def organization_purge(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Purge an organisation and give back its municipality; see CKAN's ``organization_purge``.

    Its workshops and ideas stay, without an organisation, and its datasets go on naming it as who
    published them. CKAN itself refuses where it has datasets and the site does not allow those
    without an organisation.
    """
    organization = _organization(data_dict)
    if organization is None:
        return next_(context, data_dict)
    tk.check_access("organization_purge", context, data_dict)
    organization_id = organization.id
    if authz.check_config_permission("ckan.auth.create_unowned_dataset"):
        _keep_publisher(organization)
        for package in package_model.list_owned_packages(organization_id):
            if package.type in OURS:
                own = Context(user=context.get("user", ""), ignore_auth=True, defer_commit=True)
                tk.get_action("package_owner_org_update")(
                    own, {"id": package.id, "organization_id": None}
                )
        # CKAN looks for the datasets left in the database.
        model.Session.flush()
    else:
        guards.refuse_delete(package_model.list_owned_packages(organization_id), context)
    municipality.assign_municipality(organization_id, None)
    return next_(context, data_dict)


def _keep_publisher(organization: model.Group) -> None:
    """Name the organisation in the datasets that it leaves behind."""
    for package in package_model.list_owned_packages(organization.id):
        if package.type == package_model.DATASET:
            cutting.keep_publisher(package, organization)


def _organization(data_dict: dict[str, Any]) -> model.Group | None:
    reference = data_dict.get("id")
    found = model.Group.get(reference) if isinstance(reference, str) else None
    return found if found and found.is_organization else None
