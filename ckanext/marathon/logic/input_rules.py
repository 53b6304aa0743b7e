"""Values by which a client could get past a rule: states, flags, types and reserved extras."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context

from ckanext.marathon.domain.texts import quote_value
from ckanext.marathon.logic import permissions, shapes
from ckanext.marathon.records.record import DATASET, OTHER_TYPES

# What a client may say of the state of one of ours. Creating something deleted is for restores.
STATES_OF_CREATION = ("active", "draft")
STATES_OF_UPDATE = (*STATES_OF_CREATION, "deleted")
STATES_OF_GROUPS = ("active", "deleted")
OUR_TYPES = (DATASET, *OTHER_TYPES)

ORGANIZATION_RESERVED = ("role", "municipality_code", "pilot")


def organization_types() -> list[str]:
    """Return every type that organisations of this site may have."""
    plugins = [each for each in p.PluginImplementations(p.IGroupForm) if _makes_organizations(each)]
    return sorted({"organization", *(each for plugin in plugins for each in plugin.group_types())})


def _makes_organizations(plugin: Any) -> bool:
    return bool(getattr(plugin, "is_organization", False))


def check_group(
    context: Context, data: dict[str, Any], stored: model.Group | None, is_organization: bool
) -> None:
    """Refuse to turn a group into an organisation or back, and states that mean nothing.

    CKAN saves ``is_organization`` as it is sent. A group whose admin anybody can be would become an
    organisation with the role that its extras name.

    Args:
        context: of the action.
        data: of an action on a group or organisation; without ``is_organization`` afterwards.
        stored: the group as it is, ``None`` for a new one.
        is_organization: what a new one is.

    Raises:
        ckan.plugins.toolkit.ValidationError: at ``is_organization`` or ``state``.
        ckan.plugins.toolkit.NotAuthorized: it was deleted, and the person may not delete it.
    """
    now = stored.is_organization if stored else is_organization
    if "is_organization" in data and shapes.read_flag(data.pop("is_organization")) is not now:
        message = tk._("A group stays a group and an organisation an organisation")
        raise tk.ValidationError({"is_organization": [message]})
    check_state(data, (*STATES_OF_GROUPS, stored.state if stored else model.State.ACTIVE))
    if stored is None or data.get("state", stored.state) == stored.state:
        return
    deletion = "organization_delete" if now else "group_delete"
    if data["state"] == model.State.DELETED:
        # Who may edit it may not always delete it, and others may depend on it.
        message = tk._("It is deleted with {action}").format(action=deletion)
        raise tk.ValidationError({"state": [message]})
    tk.check_access(deletion, context, {"id": stored.id})


def refuse_reserved_extras(context: Context, data: Mapping[str, Any]) -> None:
    """Refuse free extras under the names of fields that only some may set.

    Scheming does so for organisations of our schema; others would carry them past its rules.
    """
    extras = data.get("extras")
    if permissions.may_set_role(context) or not isinstance(extras, list):
        return
    keys = [extra.get("key") for extra in extras if isinstance(extra, dict)]
    for name in ORGANIZATION_RESERVED:
        if name in keys:
            message = tk._("“{name}” is a field of its own and not yours to set among the extras")
            raise tk.ValidationError({"extras": [{"key": [message.format(name=name)]}]})


def check_state(data: dict[str, Any], accepted: Collection[str]) -> None:
    """Refuse a state that cannot be set, and drop an empty one.

    Raises:
        ckan.plugins.toolkit.ValidationError: at ``state``.
    """
    if data.get("state") in (None, ""):
        # CKAN would store an empty state, which neither lists nor the trash would show.
        data.pop("state", None)
        return
    if data["state"] not in accepted:
        message = tk._("“{value}” is no state that can be set here. These are: {known}").format(
            value=quote_value(data["state"]), known=", ".join(dict.fromkeys(accepted))
        )
        raise tk.ValidationError({"state": [message]})


def read_private(data: dict[str, Any], errors: shapes.Errors) -> None:
    """Make a truth value of ``private``; CKAN publishes what it cannot read."""
    given = data.get("private")
    if given is None:
        data.pop("private", None)
        return
    found = shapes.read_flag(given)
    if found is None:
        errors["private"] = [shapes.not_a_flag(given)]
    else:
        data["private"] = found
