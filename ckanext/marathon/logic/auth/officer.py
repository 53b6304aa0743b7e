"""Officers: who invites them and who sees them listed."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.types import AuthResult, Context

from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.logic import permissions


def marathon_officer_invite(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """Let an organisation's own admins invite; the coordinating body's, to municipalities."""
    return _may_manage(context, data_dict)


def marathon_officer_list(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """Let those who may invite see the officers.

    Without an organisation: of all municipalities, for the coordinating body's admins.
    """
    if not data_dict.get("organization"):
        return {"success": permissions.coordinates(context.get("user"), "admin")}
    return _may_manage(context, data_dict)


def _may_manage(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    reference = data_dict.get("organization")
    organization = model.Group.get(reference) if is_reference(reference) else None
    if organization is None or not organization.is_organization:
        return {"success": False}
    user = context.get("user")
    return {"success": permissions.may_manage_officers(user, organization)}
