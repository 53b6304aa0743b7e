"""CKAN's lists of tags, formats and members, without what hidden packages alone have.

These ask the database, where those of private packages, drafts and deleted ones are too.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model
from ckan.types import Action, Context

from ckanext.marathon.logic.inputs import LARGEST
from ckanext.marathon.visibility import Viewer

_PAGE = ("limit", "offset")


@tk.chained_action
@tk.side_effect_free
def tag_list(next_: Action, context: Context, data_dict: dict[str, Any]) -> list[Any]:
    """Return the tags of what the person may see; see CKAN's ``tag_list``."""
    if _is_open(context, data_dict):
        return next_(context, data_dict)
    whole = {key: value for key, value in data_dict.items() if key not in _PAGE}
    found = next_(context, whole)
    return _page(_visible(context, found), data_dict, None)


@tk.chained_action
@tk.side_effect_free
def tag_search(next_: Action, context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return the tags of what the person may see that have a text; see CKAN's ``tag_search``."""
    if _is_open(context, data_dict):
        return next_(context, data_dict)
    whole = {key: value for key, value in data_dict.items() if key not in _PAGE}
    found = _visible(context, next_(context, whole)["results"])
    return {"count": len(found), "results": _page(found, data_dict, None)}


@tk.chained_action
@tk.side_effect_free
def tag_autocomplete(next_: Action, context: Context, data_dict: dict[str, Any]) -> list[str]:
    """Return tags of what the person may see to choose from; see CKAN's ``tag_autocomplete``."""
    if _is_open(context, data_dict):
        return next_(context, data_dict)
    whole = {**data_dict, "limit": LARGEST, "offset": 0}
    return _page(_visible(context, next_(context, whole)), data_dict, 10)


@tk.chained_action
@tk.side_effect_free
def format_autocomplete(next_: Action, context: Context, data_dict: dict[str, Any]) -> list[str]:
    """Return formats of files that the person may see; see CKAN's ``format_autocomplete``."""
    if context.get("ignore_auth"):
        return next_(context, data_dict)
    found = next_(context, {**data_dict, "limit": LARGEST})
    package, file = model.package_table.c, model.resource_table.c
    known = sa.func.lower(file.format)
    query = (
        sa.select(known)
        .join_from(model.resource_table, model.package_table, package.id == file.package_id)
        .where(known.in_(found), file.state == model.State.ACTIVE, Viewer(context).filter_visible())
    )
    visible = set(model.Session.scalars(query))
    return _page([each for each in found if each in visible], data_dict, 5)


@tk.chained_action
@tk.side_effect_free
def member_list(next_: Action, context: Context, data_dict: dict[str, Any]) -> list[Any]:
    """Return a group's members that the person may see; see CKAN's ``member_list``.

    CKAN names the ids of its private packages, drafts and deleted ones, and those of its users
    where ``ckan.auth.public_user_details`` is false, to everybody.
    """
    members = next_(context, data_dict)
    if context.get("ignore_auth"):
        return members
    packages = _visible_packages(context, [id_ for id_, kind, _ in members if kind == "package"])
    users = authz.is_authorized_boolean("user_show", Context(context), {})
    return [
        (id_, kind, capacity)
        for id_, kind, capacity in members
        if (kind != "package" or id_ in packages) and (kind != "user" or users)
    ]


def _is_open(context: Context, data_dict: dict[str, Any]) -> bool:
    """Return whether nothing is left out: in CKAN's own name, and of the site's vocabularies."""
    return bool(context.get("ignore_auth") or data_dict.get("vocabulary_id"))


def _visible(context: Context, found: list[Any]) -> list[Any]:
    names = [tag["name"] if isinstance(tag, dict) else tag for tag in found]
    package, used, tag = model.package_table.c, model.package_tag_table.c, model.tag_table.c
    query = (
        sa.select(tag.name)
        .join_from(model.tag_table, model.package_tag_table, used.tag_id == tag.id)
        .join(model.package_table, package.id == used.package_id)
        .where(tag.name.in_(names), tag.vocabulary_id.is_(None), used.state == model.State.ACTIVE)
        .where(Viewer(context).filter_visible())
    )
    visible = set(model.Session.scalars(query))
    return [each for name, each in zip(names, found, strict=True) if name in visible]


def _visible_packages(context: Context, ids: Collection[str]) -> set[str]:
    if not ids:
        return set()
    package = model.package_table.c
    query = sa.select(package.id).where(package.id.in_(ids), Viewer(context).filter_visible())
    return set(model.Session.scalars(query))


def _page(found: list[Any], data_dict: dict[str, Any], usual: int | None) -> list[Any]:
    limit, start = data_dict.get("limit"), data_dict.get("offset") or 0
    start = min(int(start), LARGEST)
    length = usual if limit in (None, "") else min(int(limit), LARGEST)
    return found[start:] if length is None else found[start : start + length]
