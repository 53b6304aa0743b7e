"""Looking up what actions of CKAN 2.12 take for granted, and break without."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model
from ckan.types import Context

from ckanext.marathon.logic import activity, unseen

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

# Parameters by which actions look up a record, a file or a view of one before, or without, asking
# whether the caller may see it. What they answer tells whether it exists.
_OF_RECORDS = {
    **dict.fromkeys(
        (name for name, field in _OF_RELATIONSHIPS.items() if field == "type"),
        ("subject", "object"),
    ),
    **dict.fromkeys(
        (
            "package_collaborator_create",
            "package_collaborator_delete",
            "package_collaborator_list",
        ),
        ("id",),
    ),
}
_OF_FILES = {
    "resource_view_create": "resource_id",
    **dict.fromkeys(
        (
            "resource_delete",
            "resource_patch",
            "resource_show",
            "resource_update",
            "resource_view_list",
            "resource_view_reorder",
        ),
        "id",
    ),
}
_OF_VIEWS = ("resource_view_delete", "resource_view_show", "resource_view_update")
# Parameters by which actions look up an account before, or without, asking whether the caller may
# see the site's users.
_OF_ACCOUNTS = {
    **dict.fromkeys(
        (
            "am_following_user",
            "dataset_followee_count",
            "followee_count",
            "followee_list",
            "group_followee_count",
            "organization_followee_count",
            "organization_list_for_user",
            "user_followee_count",
            "user_follower_count",
            "user_patch",
            "user_update",
        ),
        ("id",),
    ),
    "group_member_delete": ("user_id", "username"),
    "organization_member_delete": ("user_id", "username"),
    "member_create": ("object",),
    "member_delete": ("object",),
}
_OF_ACTIVITIES = ("activity_data_show", "activity_diff", "activity_show")


def check_assumptions(action: str, data: Mapping[str, Any], user: str) -> None:
    """Look up what an action of CKAN's takes for granted, and breaks without.

    Args:
        action: name of the action.
        data: its parameters, of the right types.
        user: name of the person who calls it; "" for nobody.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: the group or organisation does not exist; the record,
            file, view or activity does not exist, or not for this person.
        ckan.plugins.toolkit.NotAuthorized: nobody in particular asks for what only the managers of
            a dataset may see or do, or about an account, or the user does not exist, which stays
            unsaid.
        ckan.plugins.toolkit.ValidationError: there is no such type of owner of files.
    """
    if action.startswith("package_collaborator_") and action in _OF_RECORDS and not user:
        raise tk.NotAuthorized
    _check_accounts(action, data, user)
    _check_seen(action, data, user)
    if action in {"group_member_delete", "organization_member_delete"}:
        if model.Group.get(_text_of(data, "id")) is None:
            raise tk.ObjectNotFound(tk._("Not found"))
    elif action in {"job_cancel", "job_show"}:
        if not _JOB.fullmatch(_text_of(data, "id") or ""):
            raise tk.ObjectNotFound(tk._("Not found"))
    elif action in _TAKE_AN_OBJECT:
        _check_object(data, _TAKE_AN_OBJECT[action])
    elif action in _OF_ACTIVITIES:
        check_activity(_text_of(data, "id"), user)
    elif action in {"package_collaborator_create", "package_collaborator_delete"}:
        if model.User.get(_text_of(data, "user_id")) is None:
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


def _check_accounts(action: str, data: Mapping[str, Any], user: str) -> None:
    """Refuse who may not see the site's users, whether or not the account exists."""
    if not any(data.get(name) for name in _OF_ACCOUNTS.get(action, ())):
        return
    if action in {"member_create", "member_delete"} and data.get("object_type") != "user":
        return
    if action in {"user_update", "user_patch"} and data.get("reset_key"):
        # CKAN lets whoever has the key of a mail choose a new password.
        return
    if not authz.is_authorized_boolean("user_show", Context(user=user), {}):
        raise tk.NotAuthorized


def _check_seen(action: str, data: Mapping[str, Any], user: str) -> None:
    """Answer for what the caller may not see as for what does not exist, in the same words."""
    for name in _OF_RECORDS.get(action, ()):
        _refuse_unseen(model.Package.get(_text_of(data, name)), user)
    file_id = _text_of(data, _OF_FILES[action]) if action in _OF_FILES else None
    if action in _OF_VIEWS:
        view = model.ResourceView.get(_text_of(data, "id") or "")
        file_id = view.resource_id if view else None
    if action in _OF_FILES or action in _OF_VIEWS:
        _refuse_unseen(unseen.find_package_of_file(file_id), user)


def _refuse_unseen(package: model.Package | None, user: str) -> None:
    if package is None or unseen.is_unseen(Context(user=user), package):
        raise tk.ObjectNotFound(tk._("Not found"))


def check_activity(activity_id: str | None, user: str) -> None:
    """Look up an activity for somebody.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: there is none, or its package is no more or hidden.
    """
    if activity_id is None or not p.plugin_loaded("activity"):
        return
    columns = ("id", "object_id", "activity_type", "permission_labels")
    table = sa.table("activity", *map(sa.column, columns))
    row = model.Session.execute(sa.select(table).where(table.c.id == activity_id)).first()
    if row is None:
        raise tk.ObjectNotFound(tk._("Not found"))
    if "package" not in (row.activity_type or ""):
        return
    is_gone = model.Package.get(row.object_id) is None
    if is_gone or not activity.may_read(Context(user=user), row._asdict()):
        raise tk.ObjectNotFound(tk._("Not found"))


def _text_of(data: Mapping[str, Any], name: str) -> str | None:
    value = data.get(name)
    return value if isinstance(value, str) else None
