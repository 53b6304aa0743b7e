"""CKAN's own listings, without workshops, ideas and commitments.

Most of CKAN's listings are searches, which ``search/query.py`` narrows. These ask the database or
Solr directly, so each is put right here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model
from ckan.lib import plugins as lib_plugins
from ckan.lib.dictization.model_dictize import get_group_dataset_counts
from ckan.lib.search.query import solr_literal
from ckan.logic.schema import default_autocomplete_schema, default_pagination_schema
from ckan.types import Action, Context, Schema

from ckanext.marathon.logic.inputs import LARGEST
from ckanext.marathon.logic.search_truth import search_true
from ckanext.marathon.records.record import OTHER_TYPES
from ckanext.marathon.search.query import write_datasets_filter
from ckanext.marathon.visibility import filter_public


@tk.chained_action
@tk.side_effect_free
def package_search(next_: Action, context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Search packages, as the database shows them; see CKAN's ``package_search``.

    Raises:
        ValidationError: at a parameter of a shape on which CKAN breaks.
    """
    errors: dict[str, Any] = {name: [text] for name, text in _unreadable(data_dict)}
    if errors:
        raise tk.ValidationError(errors)
    return search_true(next_, context, _counting_what_is_seen(context, data_dict))


def _counting_what_is_seen(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a search whose filters name no value that nothing found has.

    With ``facet.mincount=0`` Solr lists every value of a field, those of hidden packages too.
    """
    try:
        least = int(data_dict.get("facet.mincount", 1))
    except (TypeError, ValueError):
        # CKAN says what is wrong with it.
        return data_dict
    if least > 0 or _labels(context) is None:
        return data_dict
    return {**data_dict, "facet.mincount": 1}


def _unreadable(data_dict: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("rows", "start", "facet.limit", "facet.mincount"):
        given = data_dict.get(name)
        if name == "rows" and given == "":
            # The one of them that CKAN takes for nothing; it sends that itself.
            continue
        if isinstance(given, list | dict) or (isinstance(given, str) and not given.strip()):
            yield name, tk._("A number is expected")
    for name in ("include_private", "include_drafts", "include_deleted", "use_default_schema"):
        try:
            tk.asbool(data_dict.get(name))
        except ValueError:
            yield name, tk._("It is either true or false")
    fields = data_dict.get("fl")
    fields = fields if isinstance(fields, list) else [fields or ""]
    if not all(isinstance(each, str) for each in fields):
        yield "fl", tk._("A list of texts is expected")


@tk.chained_action
@tk.side_effect_free
def package_list(_next: Action, context: Context, data_dict: dict[str, Any]) -> list[str]:
    """Return the names of the site's public datasets; see CKAN's ``package_list``."""
    # CKAN breaks on a number that is blank.
    data_dict = {name: value for name, value in data_dict.items() if value != ""}
    data_dict = _valid(data_dict, default_pagination_schema(), context)
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
    _next: Action, context: Context, data_dict: dict[str, Any]
) -> list[dict[str, str]]:
    """Return datasets whose name or title contains a text; see CKAN's ``package_autocomplete``."""
    data_dict = _valid(data_dict, default_autocomplete_schema(), context)
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
    return [_match(package, text.lower()) for package in found["results"]]


def _valid(data_dict: dict[str, Any], schema: Schema, context: Context) -> dict[str, Any]:
    valid, errors = tk.navl_validate(data_dict, context.get("schema") or schema, context)
    if errors:
        raise tk.ValidationError(errors)
    return valid


def _match(package: dict[str, Any], text: str) -> dict[str, str]:
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
def organization_list(next_: Action, context: Context, data_dict: dict[str, Any]) -> list[Any]:
    """Return the organisations, counting only datasets; see CKAN's ``organization_list``."""
    return _recounted(next_(context, data_dict), context, "owner_org", "id")


@tk.chained_action
@tk.side_effect_free
def group_list(next_: Action, context: Context, data_dict: dict[str, Any]) -> list[Any]:
    """Return the groups, counting only datasets; see CKAN's ``group_list``."""
    return _recounted(next_(context, data_dict), context, "groups", "name")


def _recounted(groups: list[Any], context: Context, field: str, key: str) -> list[Any]:
    counted = [g for g in groups if isinstance(g, dict) and "package_count" in g]
    if counted:
        labels = _labels(context)
        counts = get_group_dataset_counts(f"+entity_type:package {write_datasets_filter()}", labels)
        for group in counted:
            group["package_count"] = counts[field].get(group[key], 0)
    return groups


def _labels(context: Context) -> list[str] | None:
    user = context.get("auth_user_obj")
    if context.get("ignore_auth") or (user and authz.is_sysadmin(user.name)):
        return None
    return lib_plugins.get_permission_labels().get_user_dataset_labels(user)


@tk.chained_action
@tk.side_effect_free
def tag_show(next_: Action, context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return a tag, of its packages only datasets; see CKAN's ``tag_show``."""
    tag = next_(context, data_dict)
    if "packages" in tag:
        tag["packages"] = [p for p in tag["packages"] if p.get("type") not in OTHER_TYPES]
    return tag


@tk.chained_action
@tk.side_effect_free
def user_show(next_: Action, context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return a user, counting only their datasets; see CKAN's ``user_show``."""
    user = next_(context, data_dict)
    everything = bool(context.get("count_private_and_draft_datasets"))
    _without_ours([user], everything)
    return user


@tk.chained_action
@tk.side_effect_free
def user_list(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Return the users, counting only their datasets; see CKAN's ``user_list``."""
    users = next_(context, data_dict)
    if isinstance(users, list):
        _without_ours(users, everything=False)
    return users


def _without_ours(users: Iterable[Any], everything: bool) -> None:
    counted = [u for u in users if isinstance(u, dict) and u.get("number_created_packages")]
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
