"""Looking up what actions of CKAN 2.12 take for granted, and break without."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model

# Of a record that has been shown before; its id is looked up without asking whether it is there.
_TAKE_AN_OBJECT = {
    "package_create_default_resource_views": "package",
    "resource_create_default_resource_views": "resource",
}

# What RQ takes for the id of a job.
_JOB = re.compile(r"[A-Za-z0-9_-]+")

# Where each names the type of a relationship.
_OF_RELATIONSHIPS = {
    "package_relationship_create": "type",
    "package_relationship_delete": "type",
    "package_relationship_update": "type",
    "package_relationships_list": "rel",
}


def check_assumptions(action: str, data: Mapping[str, Any], user: str) -> None:
    """Look up what an action of CKAN's takes for granted, and breaks without.

    Args:
        action: name of the action.
        data: its parameters, of the right types.
        user: name of the person who calls it; "" for nobody.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: the group or organisation does not exist.
        ckan.plugins.toolkit.NotAuthorized: nobody in particular asks for what only the managers of
            a dataset may see or do, or the dataset or user does not exist, which stays unsaid.
        ckan.plugins.toolkit.ValidationError: there is no such type of owner of files.
    """
    if action in {"group_member_delete", "organization_member_delete"}:
        if model.Group.get(_text_of(data, "id")) is None:
            raise tk.ObjectNotFound(tk._("Not found"))
    elif action in {"job_cancel", "job_show"}:
        if not _JOB.fullmatch(_text_of(data, "id") or ""):
            raise tk.ObjectNotFound(tk._("Not found"))
    elif action in _TAKE_AN_OBJECT:
        _check_object(data, _TAKE_AN_OBJECT[action])
    elif action in {"activity_show", "activity_data_show", "activity_diff"}:
        _check_activity(_text_of(data, "id"))
    elif action == "package_collaborator_list" and not user:
        raise tk.NotAuthorized
    elif action in {"package_collaborator_create", "package_collaborator_delete"}:
        package, other = model.Package.get(_text_of(data, "id")), _text_of(data, "user_id")
        if package is None or model.User.get(other) is None:
            raise tk.NotAuthorized
    elif name := _OF_RELATIONSHIPS.get(action):
        kind = _text_of(data, name)
        if kind and kind not in model.PackageRelationship.get_all_types():
            raise tk.ValidationError({name: [tk._("There is no such type")]})
    elif action == "file_owner_scan" and (owner_type := _text_of(data, "owner_type")):
        functions = authz.auth_functions_list()
        if not {f"{owner_type}_file_scan", f"{owner_type}_update"} & set(functions):
            raise tk.ValidationError({"owner_type": [tk._("There is no such type")]})


def _check_object(data: Mapping[str, Any], name: str) -> None:
    value = data.get(name)
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        raise tk.ValidationError({name: [tk._("An object with an id is expected")]})


def _check_activity(activity_id: str | None) -> None:
    """Raise ``ObjectNotFound`` for an activity of a package that is no more."""
    if activity_id is None or not p.plugin_loaded("activity"):
        return
    activity = sa.table(
        "activity", sa.column("id"), sa.column("object_id"), sa.column("activity_type")
    )
    query = sa.select(activity.c.object_id, activity.c.activity_type)
    row = model.Session.execute(query.where(activity.c.id == activity_id)).first()
    if row and "package" in row.activity_type and model.Package.get(row.object_id) is None:
        raise tk.ObjectNotFound(tk._("Not found"))


def _text_of(data: Mapping[str, Any], name: str) -> str | None:
    value = data.get(name)
    return value if isinstance(value, str) else None
