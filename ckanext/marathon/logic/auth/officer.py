"""Officers and invitations: who invites, who sees them listed, who sees what is unanswered."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.types import AuthResult, Context

from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.logic import permissions
from ckanext.marathon.model import package


def marathon_officer_invite(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """Let an organisation's own admins invite; the coordinating body's, to municipalities."""
    return _may_manage(context, data_dict)


def marathon_officer_list(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """Let those who may invite see the officers.

    Without an organisation: of all municipalities, for the coordinating body's admins.
    """
    if not data_dict.get("organization"):
        return {"success": permissions.is_coordinator(context.get("user"), "admin")}
    return _may_manage(context, data_dict)


def _may_manage(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    reference = data_dict.get("organization")
    organization = model.Group.get(reference) if is_reference(reference) else None
    if organization is None or not organization.is_organization:
        return {"success": False}
    user = context.get("user")
    return {"success": permissions.may_manage_officers(user, organization)}


def marathon_invitation_list(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """Let those who may add workshops see who has not answered: of their own, or of all."""
    user, organization = context.get("user"), data_dict.get("organization")
    if not organization:
        return {"success": bool(permissions.organizations_open_to(user, package.WORKSHOP))}
    known = is_reference(organization)
    return {"success": known and permissions.may_create_in(user, organization, package.WORKSHOP)}
