"""CKAN's actions on groups, with texts that all of the site's formats can hold."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan.types import Action, Context

from ckanext.marathon.logic import shapes


@tk.chained_action
def group_create(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Create a group; see CKAN's ``group_create``.

    Raises:
        ValidationError: also at a field whose text cannot be stored.
    """
    shapes.refuse_problems(data_dict)
    return next_(context, data_dict)


@tk.chained_action
def group_update(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Update a group; see CKAN's ``group_update``.

    Raises:
        ValidationError: also at a field whose text cannot be stored.
    """
    shapes.refuse_problems(data_dict)
    return next_(context, data_dict)
