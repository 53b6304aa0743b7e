"""CKAN's own actions on the files of a package and their views, with our rules around them."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Action, Context

from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.logic import inputs, messages, unseen


@tk.chained_action
def resource_create(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Add a resource; see CKAN's ``resource_create``, and ``package_create`` for the notices."""
    with messages.collect_notices(context) as collected:
        created = next_(context, data_dict)
        collected.deliver(created)
        return created


@tk.chained_action
def resource_update(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Update a resource; see CKAN's ``resource_update``, and ``package_create`` for the notices."""
    with messages.collect_notices(context) as collected:
        updated = next_(context, unseen.replace_unseen_file(context, data_dict))
        collected.deliver(updated)
        return updated


@tk.chained_action
def resource_delete(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Delete a resource; see CKAN's ``resource_delete``.

    CKAN looks for the fault among the resources only, and breaks where the dataset has it.
    """
    try:
        return next_(context, data_dict)
    except (KeyError, IndexError) as broken:
        if isinstance(broken.__context__, tk.ValidationError):
            raise broken.__context__ from None
        raise


@tk.chained_action
def resource_view_update(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Update a view of a resource; see CKAN's ``resource_view_update``.

    Whose view it is, not which resource the caller names, decides who may; it stays where it is.
    """
    inputs.refuse_problems(data_dict)
    reference = data_dict.get("id")
    view = model.ResourceView.get(reference) if is_reference(reference) else None
    return next_(context, {**data_dict, "resource_id": view.resource_id} if view else data_dict)
