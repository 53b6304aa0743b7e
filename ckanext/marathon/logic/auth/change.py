"""Who changed what and when: who may read it."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.types import AuthResult, Context

from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.logic import permissions


def marathon_change_list(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """Let members read what changed of their organisation, and the coordinating body of all.

    What each of them sees of it is decided entry by entry.
    """
    user, organization = context.get("user"), data_dict.get("organization")
    if not organization:
        return {"success": bool(permissions.read_standing(user).capacities)}
    found = model.Group.get(organization) if is_reference(organization) else None
    return {"success": found is not None and permissions.is_insider(user, found.id)}
