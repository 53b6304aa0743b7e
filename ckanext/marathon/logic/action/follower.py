"""CKAN's actions on who follows a record, for records that the caller may see."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Action, Context

from ckanext.marathon.domain.texts import is_reference
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


@tk.chained_action
def unfollow_dataset(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Follow a record no more; see CKAN's ``unfollow_dataset``.

    Who followed it before it was hidden from them knows of it, and can leave it.
    """
    user = context.get("auth_user_obj")
    reference = data_dict.get("id")
    package = model.Package.get(reference) if is_reference(reference) else None
    if package and user and model.UserFollowingDataset.is_following(user.id, package.id):
        return next_(context, data_dict)
    return next_(context, unseen.replace_unseen(context, data_dict))
