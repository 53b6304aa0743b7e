"""CKAN's listings, without workshops, ideas and commitments, and without hidden packages.

Most of CKAN's listings are searches, to which ``search/query.py`` adds filters. The actions here
query the database or Solr directly, so their results are filtered here. CKAN's lists of tags,
formats and members also have those of private, draft and deleted packages.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model
from ckan.lib import plugins as lib_plugins
from ckan.lib.dictization.model_dictize import get_group_dataset_counts
from ckan.lib.search.query import solr_literal
from ckan.logic.schema import default_autocomplete_schema, default_pagination_schema
from ckan.types import Action, ActionResult, Context, DataDict, Schema

from ckanext.marathon.domain.texts import is_json_list, is_json_object
from ckanext.marathon.logic.inputs import LARGEST
from ckanext.marathon.logic.reindex import search_with_corrections
from ckanext.marathon.records import OTHER_TYPES
from ckanext.marathon.search.query import write_datasets_filter
from ckanext.marathon.visibility import Viewer, filter_public


@tk.chained_action
@tk.side_effect_free
def package_search(next_: Action, context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Search packages, with results that agree with the database; see CKAN's ``package_search``.

    Raises:
        ValidationError: at a parameter of a type on which CKAN raises.
    """
    errors: dict[str, Any] = {name: [text] for name, text in _find_faults(data_dict)}
    if errors:
        raise tk.ValidationError(errors)
    return search_with_corrections(next_, context, _require_facet_counts(context, data_dict))


def _require_facet_counts(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Return the parameters of a search with a ``facet.mincount`` of at least 1.

    With 0, Solr lists all values of a field, also those of hidden packages.
    """
    try:
        least = int(data_dict.get("facet.mincount", 1))
    except (TypeError, ValueError):
        # CKAN refuses it.
        return data_dict
    if least > 0 or _find_labels(context) is None:
        return data_dict
    return {**data_dict, "facet.mincount": 1}


def _find_faults(data_dict: DataDict) -> Iterator[tuple[str, str]]:
    for name in ("rows", "start", "facet.limit", "facet.mincount"):
        given = data_dict.get(name)
        if name == "rows" and given == "":
            # CKAN accepts an empty ``rows``, which its own pages send.
            continue
        if isinstance(given, list | dict) or (isinstance(given, str) and not given.strip()):
            yield name, tk._("A number is expected")
    for name in ("include_private", "include_drafts", "include_deleted", "use_default_schema"):
        try:
            tk.asbool(data_dict.get(name))
        except ValueError:
            yield name, tk._("It is either true or false")
    fields = data_dict.get("fl")
    fields = fields if is_json_list(fields) else [fields or ""]
    if not all(isinstance(name, str) for name in fields):
        yield "fl", tk._("A list of texts is expected")


@tk.chained_action
@tk.side_effect_free
def package_list(_next: Action, context: Context, data_dict: DataDict) -> list[str]:
    """Return the names of the site's public datasets; see CKAN's ``package_list``."""
    # CKAN workaround: blank-number
    data_dict = {name: value for name, value in data_dict.items() if value != ""}
    data_dict = _validate(data_dict, default_pagination_schema(), context)
    tk.check_access("package_list", context, data_dict)
    column = model.Package.id if context.get("api_version") == 2 else model.Package.name
    query = (
        sa.select(column)
        .where(
            filter_public(model.Package),
            model.Package.type.not_in(OTHER_TYPES),
        )
        .order_by(column)
    )
    limit, offset = (min(data_dict.get(name) or 0, LARGEST) for name in ("limit", "offset"))
    return list(model.Session.scalars(query.limit(limit or None).offset(offset)))


@tk.chained_action
@tk.side_effect_free
def package_autocomplete(
    _next: Action, context: Context, data_dict: DataDict
) -> list[dict[str, str]]:
    """Return datasets whose name or title contains a text; see CKAN's ``package_autocomplete``."""
    data_dict = _validate(data_dict, default_autocomplete_schema(), context)
    tk.check_access("package_autocomplete", context, data_dict)
    text = data_dict["q"]
    literal = solr_literal(text.replace("\\", " "))
    fields = ("name_ngram", "title_ngram", "name", "title")
    found = tk.get_action("package_search")(
        context,
        {
            "q": " OR ".join(f"{field}:{literal}" for field in fields),
            "fl": ["name", "title"],
            "rows": data_dict.get("limit", 10),
            "include_private": True,
        },
    )
    return [_dictize_match(package, text.lower()) for package in found["results"]]


def _validate(data_dict: DataDict, schema: Schema, context: Context) -> dict[str, Any]:
    valid, errors = tk.navl_validate(data_dict, context.get("schema") or schema, context)
    if errors:
        raise tk.ValidationError(errors)
    return valid


def _dictize_match(package: dict[str, Any], text: str) -> dict[str, str]:
    name, title = package["name"], package.get("title") or package["name"]
    in_name = text in name
    return {
        "name": name,
        "title": title,
        "match_field": "name" if in_name else "title",
        "match_displayed": name if in_name else f"{title} ({name})",
    }


@tk.chained_action
@tk.side_effect_free
def organization_list(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.OrganizationList:
    """Return the organisations, counting only datasets; see CKAN's ``organization_list``."""
    return _count_datasets(next_(context, data_dict), context, "owner_org", "id")


@tk.chained_action
@tk.side_effect_free
def group_list(next_: Action, context: Context, data_dict: DataDict) -> ActionResult.GroupList:
    """Return the groups, counting only datasets; see CKAN's ``group_list``."""
    return _count_datasets(next_(context, data_dict), context, "groups", "name")


def _count_datasets(groups: list[Any], context: Context, field: str, key: str) -> list[Any]:
    counted = [g for g in groups if is_json_object(g) and "package_count" in g]
    if counted:
        labels = _find_labels(context)
        counts = get_group_dataset_counts(f"+entity_type:package {write_datasets_filter()}", labels)
        for group in counted:
            group["package_count"] = counts[field].get(group[key], 0)
    return groups


def _find_labels(context: Context) -> list[str] | None:
    user = context.get("auth_user_obj")
    if context.get("ignore_auth") or (user and authz.is_sysadmin(user.name)):
        return None
    return lib_plugins.get_permission_labels().get_user_dataset_labels(user)


@tk.chained_action
@tk.side_effect_free
def tag_show(next_: Action, context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Return a tag, with only the datasets of its packages; see CKAN's ``tag_show``."""
    tag = next_(context, data_dict)
    if "packages" in tag:
        tag["packages"] = [p for p in tag["packages"] if p.get("type") not in OTHER_TYPES]
    return tag


@tk.chained_action
@tk.side_effect_free
def user_show(next_: Action, context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Return a user, counting only their datasets; see CKAN's ``user_show``."""
    user = next_(context, data_dict)
    everything = bool(context.get("count_private_and_draft_datasets"))
    _subtract_other_types([user], everything)
    return user


@tk.chained_action
@tk.side_effect_free
def user_list(next_: Action, context: Context, data_dict: DataDict) -> ActionResult.UserList:
    """Return the users, counting only their datasets; see CKAN's ``user_list``."""
    users = next_(context, data_dict)
    if is_json_list(users):
        _subtract_other_types(users, everything=False)
    return users


def _subtract_other_types(users: Iterable[Any], everything: bool) -> None:
    counted = [u for u in users if is_json_object(u) and u.get("number_created_packages")]
    if not counted:
        return
    query = (
        sa.select(model.Package.creator_user_id, sa.func.count())
        .where(
            model.Package.creator_user_id.in_([user["id"] for user in counted]),
            model.Package.type.in_(OTHER_TYPES),
        )
        .group_by(model.Package.creator_user_id)
    )
    if everything:
        query = query.where(model.Package.state != model.State.DELETED)
    else:
        query = query.where(filter_public(model.Package))
    # Not dict(result): a result has keys(), so dict() would take it for a mapping.
    ours = dict(model.Session.execute(query).tuples().all())
    for user in counted:
        user["number_created_packages"] -= ours.get(user["id"], 0)


_PAGE = ("limit", "offset")


@tk.chained_action
@tk.side_effect_free
def tag_list(next_: Action, context: Context, data_dict: DataDict) -> ActionResult.TagList:
    """Return the tags of packages that the person may see; see CKAN's ``tag_list``."""
    if _is_open(context, data_dict):
        return next_(context, data_dict)
    whole = {key: value for key, value in data_dict.items() if key not in _PAGE}
    found = next_(context, whole)
    return _cut_page(_filter_tags(context, found), data_dict, None)


@tk.chained_action
@tk.side_effect_free
def tag_search(next_: Action, context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Search the tags of packages that the person may see; see CKAN's ``tag_search``."""
    if _is_open(context, data_dict):
        return next_(context, data_dict)
    whole = {key: value for key, value in data_dict.items() if key not in _PAGE}
    found = _filter_tags(context, next_(context, whole)["results"])
    return {"count": len(found), "results": _cut_page(found, data_dict, None)}


@tk.chained_action
@tk.side_effect_free
def tag_autocomplete(next_: Action, context: Context, data_dict: DataDict) -> list[str]:
    """Complete tags of packages that the person may see; see CKAN's ``tag_autocomplete``."""
    if _is_open(context, data_dict):
        return next_(context, data_dict)
    whole = {**data_dict, "limit": LARGEST, "offset": 0}
    return _cut_page(_filter_tags(context, next_(context, whole)), data_dict, 10)


@tk.chained_action
@tk.side_effect_free
def format_autocomplete(next_: Action, context: Context, data_dict: DataDict) -> list[str]:
    """Complete formats of resources that the person may see; see CKAN's ``format_autocomplete``."""
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
    return _cut_page([name for name in found if name in visible], data_dict, 5)


# CKAN workaround: member-list
@tk.chained_action
@tk.side_effect_free
def member_list(next_: Action, context: Context, data_dict: DataDict) -> ActionResult.MemberList:
    """Return a group's members that the person may see; see CKAN's ``member_list``.

    Whether users are listed depends on ``ckan.auth.public_user_details``.
    """
    members = next_(context, data_dict)
    if context.get("ignore_auth"):
        return members
    packages = _filter_packages(context, [id_ for id_, kind, _ in members if kind == "package"])
    users = authz.is_authorized_boolean("user_show", Context(context), {})
    return [
        (id_, kind, capacity)
        for id_, kind, capacity in members
        if (kind != "package" or id_ in packages) and (kind != "user" or users)
    ]


def _is_open(context: Context, data_dict: DataDict) -> bool:
    """Return whether a list of tags is not filtered: with ``ignore_auth`` or of a vocabulary."""
    return bool(context.get("ignore_auth") or data_dict.get("vocabulary_id"))


def _filter_tags(context: Context, found: list[Any]) -> list[Any]:
    names = [tag["name"] if is_json_object(tag) else tag for tag in found]
    package, used, tag = model.package_table.c, model.package_tag_table.c, model.tag_table.c
    query = (
        sa.select(tag.name)
        .join_from(model.tag_table, model.package_tag_table, used.tag_id == tag.id)
        .join(model.package_table, package.id == used.package_id)
        .where(tag.name.in_(names), tag.vocabulary_id.is_(None), used.state == model.State.ACTIVE)
        .where(Viewer(context).filter_visible())
    )
    visible = set(model.Session.scalars(query))
    return [tag for name, tag in zip(names, found, strict=True) if name in visible]


def _filter_packages(context: Context, ids: Collection[str]) -> set[str]:
    if not ids:
        return set()
    package = model.package_table.c
    query = sa.select(package.id).where(package.id.in_(ids), Viewer(context).filter_visible())
    return set(model.Session.scalars(query))


def _cut_page(found: list[Any], data_dict: DataDict, usual: int | None) -> list[Any]:
    limit, start = data_dict.get("limit"), data_dict.get("offset") or 0
    start = min(int(start), LARGEST)
    length = usual if limit in (None, "") else min(int(limit), LARGEST)
    return found[start:] if length is None else found[start : start + length]


# CKAN workaround: chained-help
@tk.chained_action
@tk.side_effect_free
def help_show(next_: Action, context: Context, data_dict: DataDict) -> str | None:
    """Return CKAN's help of an action, followed by that of the functions chained to it.

    CKAN chains actions with ``functools.partial``, and returns the docstring of that class.
    """
    text = next_(context, data_dict)
    return _join_docstrings(tk.get_action(data_dict["name"])) or text


def _join_docstrings(action: Any) -> str:
    """Return the docstrings of a chain of functions, CKAN's own first; "" without a chain."""
    function = getattr(action, "__wrapped__", None)
    texts: list[str] = []
    while isinstance(function, functools.partial):
        texts.insert(0, inspect.getdoc(function.func) or "")
        function = function.args[0]
    if not texts:
        return ""
    return "\n\n".join(filter(None, [inspect.getdoc(function), *texts]))
