"""Calls of actions as a given user, and the errors they raise."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context


def act(action: str, user: str | dict[str, Any] | None = None, **data: Any) -> Any:
    """Call an action with the permissions of this person; ``None`` is an anonymous visitor."""
    name = user["name"] if isinstance(user, dict) else user or ""
    # As the API does: some of CKAN's validators ask whether "ignore_auth" is there at all.
    context = Context(user=name, auth_user_obj=model.User.get(name))
    return tk.get_action(action)(context, data)


def refused(action: str, user: str | dict[str, Any] | None = None, **data: Any) -> dict[str, Any]:
    """Return the errors by field that an action gives this person."""
    try:
        act(action, user, **data)
    except tk.ValidationError as error:
        return {key: value for key, value in error.error_dict.items() if key != "__type"}
    raise AssertionError(f"{action} was not refused")


def stored(shown: dict[str, Any]) -> model.Package:
    """Return a package as the database has it now, without a check of permissions."""
    model.Session.expire_all()
    package = model.Package.get(shown["id"])
    assert package is not None
    return package
