"""CKAN's group actions, kept to groups.

CKAN lets them work on organisations too, past the rules that hold for those.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Action, Context

from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.logic import input_rules, kept, shapes


@tk.chained_action
def group_create(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Create a group; see CKAN's ``group_create``.

    Raises:
        ValidationError: at ``type``, for an organisation; at ``is_organization`` or ``state``; at a
            field whose text cannot be stored.
    """
    data = dict(data_dict)
    if data.get("type") in input_rules.organization_types():
        message = tk._("An organisation is made with organization_create")
        raise tk.ValidationError({"type": [message]})
    _refuse_lost(data)
    input_rules.check_group(context, data, None, is_organization=False)
    return next_(context, data)


@tk.chained_action
def group_update(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Update a group; see CKAN's ``group_update``.

    Raises:
        ObjectNotFound: it is an organisation.
        ValidationError: at ``is_organization`` or ``state``; at a field whose text cannot be
            stored.
    """
    data = dict(data_dict)
    _refuse_lost(data)
    input_rules.check_group(context, data, _group(data_dict), is_organization=False)
    return next_(context, data)


@tk.chained_action
def group_delete(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Delete a group; see CKAN's ``group_delete``.

    Raises:
        ObjectNotFound: it is an organisation, which others may depend on.
    """
    _group(data_dict)
    return next_(context, data_dict)


@tk.chained_action
def group_purge(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Purge a group; see CKAN's ``group_purge``.

    Raises:
        ObjectNotFound: it is an organisation, which others may depend on.
    """
    _group(data_dict)
    return next_(context, data_dict)


def _refuse_lost(data: dict[str, Any]) -> None:
    """Refuse texts that cannot be stored, and files that nothing would store."""
    shapes.refuse_problems(data)
    if errors := kept.find_files(data, "image_upload"):
        raise tk.ValidationError(errors)


def _group(data_dict: dict[str, Any]) -> model.Group | None:
    reference = data_dict.get("id")
    group = model.Group.get(reference) if is_reference(reference) else None
    if group is not None and group.is_organization:
        raise tk.ObjectNotFound(tk._("Group was not found."))
    return group
