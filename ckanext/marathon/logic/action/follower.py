"""CKAN's actions on who follows a record, for records that the caller may see."""

from __future__ import annotations

from typing import Any, cast

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
@tk.side_effect_free
def dataset_followee_list(next_: Action, context: Context, data_dict: dict[str, Any]) -> list[Any]:
    """Return the records that somebody follows; see CKAN's ``dataset_followee_list``.

    Each as ``package_show`` gives it to the caller. CKAN returns what is stored: small counts, and
    ids of hidden ideas.
    """
    return [_show(context, each["id"]) for each in next_(Context(context), data_dict)]


@tk.chained_action
@tk.side_effect_free
def followee_list(next_: Action, context: Context, data_dict: dict[str, Any]) -> list[Any]:
    """Return all that somebody follows, records as above; see CKAN's ``followee_list``."""
    # CKAN goes on with the context as if it acted in the site's own name.
    found = next_(Context(context), data_dict)
    return [
        {**each, "dict": _show(context, each["dict"]["id"])} if each["type"] == "dataset" else each
        for each in found
    ]


def _show(context: Context, id_: str) -> dict[str, Any]:
    reader = {key: value for key, value in context.items() if key in _OF_READER}
    return tk.get_action("package_show")(cast(Context, reader), {"id": id_})


_OF_READER = frozenset({"user", "auth_user_obj", "ignore_auth"})


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
