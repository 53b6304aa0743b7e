"""Organisations: the coordinating body adds them and keeps the municipalities' details."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.logic.auth import get_group_object
from ckan.types import AuthFunction, AuthResult, Context

from ckanext.marathon.domain import dataset
from ckanext.marathon.logic import permissions


@tk.chained_auth_function
def organization_create(
    next_auth: AuthFunction, context: Context, data_dict: dict[str, Any] | None = None
) -> AuthResult:
    """Let the coordinating body's admins create organisations."""
    result = next_auth(context, data_dict or {})
    if result.get("success") or not permissions.is_coordinator(context.get("user"), "admin"):
        return result
    given = _without_creator(context, data_dict or {})
    return _refusal_of_members(given, None) or {"success": True}


@tk.chained_auth_function
def organization_update(
    next_auth: AuthFunction, context: Context, data_dict: dict[str, Any] | None = None
) -> AuthResult:
    """Let the coordinating body's admins edit municipalities, but not their members or state.

    An organisation without a role counts too: one that was there before it was given its code.
    """
    data_dict = data_dict or {}
    result = next_auth(context, data_dict)
    if result.get("success") or not permissions.is_coordinator(context.get("user"), "admin"):
        return result
    organization = get_group_object(context, data_dict)
    if (
        not organization.is_organization
        or permissions.role_of(organization) not in ("", dataset.MUNICIPALITY)
        or organization.state != model.State.ACTIVE
        or data_dict.get("state", organization.state) != organization.state
    ):
        return result
    return _refusal_of_members(data_dict, organization) or {"success": True}


def _without_creator(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return the data of a new organisation without its creator, who becomes its admin anyway.

    CKAN's form names them.
    """
    creator, given = model.User.get(context.get("user")), data_dict.get("users")
    if creator and given and _members_given(given, "user") == {(creator.id, "admin")}:
        return {key: value for key, value in data_dict.items() if key != "users"}
    return data_dict


def _refusal_of_members(
    data_dict: dict[str, Any], organization: model.Group | None
) -> AuthResult | None:
    """Refuse a change of users or of parents, whose admins CKAN treats as the organisation's."""
    for kind in ("user", "group"):
        given = data_dict.get(f"{kind}s")
        if given is not None and _members_given(given, kind) != _members_now(organization, kind):
            return {
                "success": False,
                "msg": tk._("Members and parent organisations are not yours to change here."),
            }
    return None


def _members_given(given: Any, kind: str) -> set[tuple[str, str]] | None:
    entity = model.User if kind == "user" else model.Group
    members: set[tuple[str, str]] = set()
    for entry in given if isinstance(given, list) else [None]:
        if not isinstance(entry, dict):
            return None
        reference = entry.get("id") or entry.get("name")
        member = entity.get(reference) if isinstance(reference, str) else None
        if member is None:
            return None
        members.add((member.id, entry.get("capacity", "public")))
    return members


def _members_now(organization: model.Group | None, kind: str) -> set[tuple[str, str]]:
    if organization is None:
        return set()
    entity = model.User if kind == "user" else model.Group
    rows = (
        model.Session.query(model.Member.table_id, model.Member.capacity)
        .join(entity, entity.id == model.Member.table_id)
        .filter(
            model.Member.group_id == organization.id,
            model.Member.table_name == kind,
            model.Member.state == model.State.ACTIVE,
            entity.state != model.State.DELETED,
        )
    )
    return {(table_id, capacity) for table_id, capacity in rows}


def marathon_municipality_create(context: Context, _data_dict: dict[str, Any]) -> AuthResult:
    """Let the coordinating body's admins add municipalities."""
    return {"success": permissions.is_coordinator(context.get("user"), "admin")}
