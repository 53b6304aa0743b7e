"""CKAN's actions on who follows a record, for records that the caller may see."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan.types import Action, Context

from ckanext.marathon.logic import unseen


@tk.chained_action
@tk.side_effect_free
def dataset_follower_count(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Return how many follow a record; see CKAN's ``dataset_follower_count``."""
    return next_(context, unseen.replace_unseen(context, data_dict))


@tk.chained_action
@tk.side_effect_free
def am_following_dataset(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Return whether the caller follows a record; see CKAN's ``am_following_dataset``."""
    return next_(context, unseen.replace_unseen(context, data_dict))


@tk.chained_action
def follow_dataset(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Follow a record; see CKAN's ``follow_dataset``."""
    return next_(context, unseen.replace_unseen(context, data_dict))
