"""Datasets, workshops, ideas, commitments: what the coordinating body may besides CKAN's rules.

Deleting, resources, views, files, patching and revising ask for ``package_update`` in CKAN and so
follow this one.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckan.logic.auth import get_package_object
from ckan.types import AuthFunction, AuthResult, Context

from ckanext.marathon.domain.texts import is_reference, is_storable
from ckanext.marathon.logic import permissions, unseen
from ckanext.marathon.records.record import OTHER_TYPES


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def package_create(
    next_auth: AuthFunction, context: Context, data_dict: dict[str, Any] | None = None
) -> AuthResult:
    """Let the coordinating body's editors create what is ours in any organisation."""
    data_dict = _without_odd_groups(data_dict or {})
    owner = data_dict.get("owner_org")
    if isinstance(owner, str) and not is_storable(owner):
        return {"success": False}
    if not _are_groups(data_dict.get("groups")):
        return {"success": False}
    result = next_auth(context, data_dict)
    if result.get("success"):
        return result
    if permissions.may_create_in(context.get("user"), owner, data_dict.get("type", "")):
        # Everything but the organisation, groups among it, stays CKAN's decision.
        return next_auth(context, {k: v for k, v in data_dict.items() if k != "owner_org"})
    return result


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def package_update(
    next_auth: AuthFunction, context: Context, data_dict: dict[str, Any] | None = None
) -> AuthResult:
    """Let the coordinating body's editors edit and delete what is ours in any organisation."""
    data_dict = _without_odd_groups(data_dict or {})
    if not _are_groups(data_dict.get("groups")):
        return {"success": False}
    result = next_auth(context, data_dict)
    if result.get("success"):
        return result
    package = get_package_object(context, data_dict)
    _hide_unseen(context, package)
    if package.type in OTHER_TYPES and permissions.is_coordinator(context.get("user")):
        groups = {"groups": data_dict.get("groups") or []}
        return authz.is_authorized("package_create", context, groups)
    return result


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def package_show(
    next_auth: AuthFunction, context: Context, data_dict: dict[str, Any] | None = None
) -> AuthResult:
    """Let the API tell nobody that there is a record which they may not see."""
    data_dict = data_dict or {}
    result = next_auth(context, data_dict)
    if not result.get("success"):
        _hide_unseen(context, get_package_object(context, data_dict))
    return result


def _without_odd_groups(data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return what is asked without groups that are no list, on which CKAN breaks.

    The action reads a list from them, or refuses them, and then asks again.
    """
    if isinstance(data_dict.get("groups", []), list):
        return data_dict
    return {key: value for key, value in data_dict.items() if key != "groups"}


def _are_groups(groups: Any) -> bool:
    """Return whether CKAN can look up every group that is named."""
    for group in groups if isinstance(groups, list) else ():
        reference = (group.get("id") or group.get("name")) if isinstance(group, dict) else group
        if not (is_reference(reference) or (isinstance(group, dict) and not reference)):
            return False
    return True


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def package_collaborator_list(
    next_auth: AuthFunction, context: Context, data_dict: dict[str, Any] | None = None
) -> AuthResult:
    """Refuse who is not logged in; CKAN 2.12 takes for granted that somebody is."""
    return next_auth(context, data_dict or {}) if context.get("user") else {"success": False}


def _hide_unseen(context: Context, package: model.Package) -> None:
    """Answer a request of the API for a record that its caller may not see as for none.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: the record is hidden from the caller.
    """
    if unseen.is_unseen(context, package):
        raise tk.ObjectNotFound
