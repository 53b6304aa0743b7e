"""Invitations to workshops: who sees which are unanswered."""

from __future__ import annotations

from typing import Any

from ckan.types import AuthResult, Context

from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.logic import permissions
from ckanext.marathon.model import package


def marathon_invitation_list(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """Let those who may add workshops see who has not answered: of their own, or of all."""
    user, organization = context.get("user"), data_dict.get("organization")
    if not organization:
        return {"success": bool(permissions.organizations_open_to(user, package.WORKSHOP))}
    known = is_reference(organization)
    return {"success": known and permissions.may_create_in(user, organization, package.WORKSHOP)}
