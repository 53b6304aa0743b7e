"""Ideas: who adds one while filling in a dataset, and who is offered which to choose from."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz
from ckan.types import AuthResult, Context

from ckanext.marathon.logic import permissions


def marathon_idea_quick_create(context: Context, _data_dict: dict[str, Any]) -> AuthResult:
    """Let editors of any organisation try; whose idea it becomes decides ``package_create``."""
    user = context.get("user")
    return {
        "success": permissions.is_coordinator(user)
        or authz.has_user_permission_for_some_org(user, "create_dataset")
    }


@tk.auth_allow_anonymous_access
def marathon_idea_choices(_context: Context, _data_dict: dict[str, Any]) -> AuthResult:
    """Let everybody ask: only ideas that they may see are listed."""
    return {"success": True}
