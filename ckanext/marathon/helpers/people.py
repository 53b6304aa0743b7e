"""Names of people on pages, for those who may know them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.types import Context


@tk.chained_helper
def linked_user(
    next_helper: Callable[..., Any], user: Any, maxlength: int = 0, avatar: int = 20
) -> Any:
    """Return a link with a user's name; «Somebody» for those who may not see the site's users.

    CKAN prints the name in every activity, also where ``ckan.auth.public_user_details`` is false
    and the link answers 403.
    """
    if not tk.h.check_access("user_show"):
        return tk._("Somebody")
    return next_helper(user, maxlength, avatar)


@tk.chained_helper
def member_count(next_helper: Callable[..., Any], group: str) -> int:
    """Return how many people belong to a group, also for those who may not see who they are."""
    if tk.h.check_access("user_show"):
        return next_helper(group)
    context: Context = {"ignore_auth": True}
    return len(tk.get_action("member_list")(context, {"id": group, "object_type": "user"}))
