"""The auth functions of actions, registered through ``collect_auth_functions``.

CKAN checks ``package_update`` also for deleting, resources, views, files, patching and revising.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckan.logic.auth import get_group_object, get_package_object
from ckan.types import AuthFunction, AuthResult, Context, DataDict

from ckanext.marathon.domain import dataset
from ckanext.marathon.domain.texts import is_json_list, is_json_object, is_reference, is_storable
from ckanext.marathon.logic import collect_functions, permissions
from ckanext.marathon.model import package
from ckanext.marathon.records import OTHER_TYPES


def collect_auth_functions() -> dict[str, Any]:
    """Return the auth functions by name."""
    return collect_functions(__name__, "chained_auth_function")


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def package_create(
    next_auth: AuthFunction, context: Context, data_dict: DataDict | None = None
) -> AuthResult:
    """Let the coordinating body's editors create records of our types in any organisation."""
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
        # CKAN decides about everything except the organisation, for example about groups.
        return next_auth(context, {k: v for k, v in data_dict.items() if k != "owner_org"})
    return result


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def package_update(
    next_auth: AuthFunction, context: Context, data_dict: DataDict | None = None
) -> AuthResult:
    """Let the coordinating body's editors edit and delete records of our types anywhere."""
    data_dict = _without_odd_groups(data_dict or {})
    if not _are_groups(data_dict.get("groups")):
        return {"success": False}
    result = next_auth(context, data_dict)
    if result.get("success"):
        return result
    package = get_package_object(context, data_dict)
    _hide_unseen(context, package)
    if package.type in OTHER_TYPES and permissions.is_coordinator(context.get("user")):
        groups: dict[str, Any] = {"groups": data_dict.get("groups") or []}
        return authz.is_authorized("package_create", context, groups)
    return result


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def package_show(
    next_auth: AuthFunction, context: Context, data_dict: DataDict | None = None
) -> AuthResult:
    """Answer 404, as for a missing record, if an API caller may not see a record."""
    data_dict = data_dict or {}
    result = next_auth(context, data_dict)
    if not result.get("success"):
        _hide_unseen(context, get_package_object(context, data_dict))
    return result


# CKAN workaround: odd-groups
def _without_odd_groups(data_dict: DataDict) -> dict[str, Any]:
    """Return the data without a ``groups`` that is not a list, on which CKAN raises.

    The action converts or refuses such groups, and then checks access again.
    """
    if is_json_list(data_dict.get("groups", [])):
        return data_dict
    return {key: value for key, value in data_dict.items() if key != "groups"}


def _are_groups(groups: Any) -> bool:
    """Return whether CKAN can look up every named group."""
    for group in groups if is_json_list(groups) else ():
        reference = (group.get("id") or group.get("name")) if is_json_object(group) else group
        if not (is_reference(reference) or (is_json_object(group) and not reference)):
            return False
    return True


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def package_collaborator_list(
    next_auth: AuthFunction, context: Context, data_dict: DataDict | None = None
) -> AuthResult:
    """Refuse anonymous callers: CKAN 2.12 assumes a logged-in user here."""
    return next_auth(context, data_dict or {}) if context.get("user") else {"success": False}


def _hide_unseen(context: Context, package: model.Package) -> None:
    """Raise the error of a missing record if an API caller may not see the record.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: the record is hidden from the caller.
    """
    if permissions.is_hidden_from_caller(context, package):
        raise tk.ObjectNotFound


@tk.chained_auth_function
def organization_create(
    next_auth: AuthFunction, context: Context, data_dict: DataDict | None = None
) -> AuthResult:
    """Let the coordinating body's admins create organisations."""
    result = next_auth(context, data_dict or {})
    if result.get("success") or not permissions.is_coordinator(context.get("user"), "admin"):
        return result
    given = _without_creator(context, data_dict or {})
    return _refuse_member_changes(given, None) or {"success": True}


@tk.chained_auth_function
def organization_update(
    next_auth: AuthFunction, context: Context, data_dict: DataDict | None = None
) -> AuthResult:
    """Let the coordinating body's admins edit municipalities, but not their members or state.

    This includes organisations without a role: such an organisation may be given an INE code.
    """
    data_dict = data_dict or {}
    result = next_auth(context, data_dict)
    if result.get("success") or not permissions.is_coordinator(context.get("user"), "admin"):
        return result
    organization = get_group_object(context, data_dict)
    if (
        not organization.is_organization
        or permissions.read_role(organization) not in ("", dataset.MUNICIPALITY)
        or organization.state != model.State.ACTIVE
        or data_dict.get("state", organization.state) != organization.state
    ):
        return result
    return _refuse_member_changes(data_dict, organization) or {"success": True}


def _without_creator(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Return the data of a new organisation without its creator as admin.

    CKAN's form sends the creator, who becomes admin anyway.
    """
    creator, given = model.User.get(context.get("user")), data_dict.get("users")
    if creator and given and _read_sent_members(given, "user") == {(creator.id, "admin")}:
        return {key: value for key, value in data_dict.items() if key != "users"}
    return data_dict


def _refuse_member_changes(
    data_dict: DataDict, organization: model.Group | None
) -> AuthResult | None:
    """Refuse changes of users and parents: admins of a parent are admins of the organisation."""
    for kind in ("user", "group"):
        given = data_dict.get(f"{kind}s")
        if given is not None and _read_sent_members(given, kind) != _read_stored_members(
            organization, kind
        ):
            return {
                "success": False,
                "msg": tk._("Members and parent organisations are not yours to change here."),
            }
    return None


def _read_sent_members(given: Any, kind: str) -> set[tuple[str, str]] | None:
    entity = model.User if kind == "user" else model.Group
    members: set[tuple[str, str]] = set()
    for entry in given if is_json_list(given) else [None]:
        if not is_json_object(entry):
            return None
        reference = entry.get("id") or entry.get("name")
        member = entity.get(reference) if isinstance(reference, str) else None
        if member is None:
            return None
        members.add((member.id, entry.get("capacity", "public")))
    return members


def _read_stored_members(organization: model.Group | None, kind: str) -> set[tuple[str, str]]:
    if organization is None:
        return set()
    entity = model.User if kind == "user" else model.Group
    rows = (
        model.Session.query(model.Member.table_id, model.Member.capacity)
        .join(entity, entity.id == model.Member.table_id)
        .filter(
            model.Member.group_id == organization.id,
            model.Member.table_name == kind,
            model.Member.state == model.State.ACTIVE,
            entity.state != model.State.DELETED,
        )
    )
    return {(table_id, capacity) for table_id, capacity in rows}


def marathon_municipality_create(context: Context, _data_dict: DataDict) -> AuthResult:
    """Let the coordinating body's admins add municipalities."""
    return {"success": permissions.is_coordinator(context.get("user"), "admin")}


def marathon_idea_quick_create(context: Context, _data_dict: DataDict) -> AuthResult:
    """Let editors of any organisation; ``package_create`` checks the idea's organisation."""
    user = context.get("user")
    return {
        "success": permissions.is_coordinator(user)
        or authz.has_user_permission_for_some_org(user, "create_dataset")
    }


@tk.auth_allow_anonymous_access
def marathon_idea_choices(_context: Context, _data_dict: DataDict) -> AuthResult:
    """Let everybody: the action lists only ideas that the caller may see."""
    return {"success": True}


def marathon_change_list(context: Context, data_dict: DataDict) -> AuthResult:
    """Let members read the changes of their organisation, and the coordinating body those of all.

    The action then filters the entries for the caller.
    """
    user, organization = context.get("user"), data_dict.get("organization")
    if not organization:
        return {"success": bool(permissions.read_standing(user).capacities)}
    found = model.Group.get(organization) if is_reference(organization) else None
    return {"success": found is not None and permissions.is_insider(user, found.id)}


def marathon_officer_invite(context: Context, data_dict: DataDict) -> AuthResult:
    """Let admins invite to their organisation, the coordinating body's also to municipalities."""
    return _may_manage(context, data_dict)


def marathon_officer_list(context: Context, data_dict: DataDict) -> AuthResult:
    """Let people who may invite list the officers of an organisation.

    Without an organisation the list is of all municipalities, for the coordinating body's admins.
    """
    if not data_dict.get("organization"):
        return {"success": permissions.is_coordinator(context.get("user"), "admin")}
    return _may_manage(context, data_dict)


def marathon_officer_handover(context: Context, data_dict: DataDict) -> AuthResult:
    """Let admins end memberships of their own organisation; not the coordinating body."""
    return _may_end(context, data_dict)


def marathon_officer_departure_show(context: Context, data_dict: DataDict) -> AuthResult:
    """Let people who may end a membership see what would end with it."""
    return _may_end(context, data_dict)


def _may_end(context: Context, data_dict: DataDict) -> AuthResult:
    organization = _find_organization(data_dict)
    user = context.get("user")
    return {
        "success": organization is not None
        and authz.has_user_permission_for_group_or_org(organization.id, user, "membership")
    }


def _find_organization(data_dict: DataDict) -> model.Group | None:
    reference = data_dict.get("organization")
    found = model.Group.get(reference) if is_reference(reference) else None
    return found if found is not None and found.is_organization else None


def _may_manage(context: Context, data_dict: DataDict) -> AuthResult:
    organization = _find_organization(data_dict)
    if organization is None:
        return {"success": False}
    user = context.get("user")
    return {"success": permissions.may_manage_officers(user, organization)}


def marathon_invitation_list(context: Context, data_dict: DataDict) -> AuthResult:
    """Let people who may add workshops list unanswered invitations."""
    user, organization = context.get("user"), data_dict.get("organization")
    if not organization:
        return {"success": bool(permissions.list_organizations_open_to(user, package.WORKSHOP))}
    known = is_reference(organization)
    return {"success": known and permissions.may_create_in(user, organization, package.WORKSHOP)}


def marathon_import_create(context: Context, data_dict: DataDict) -> AuthResult:
    """Let people who may add records of any kind import; rows are checked one by one."""
    user, organization = context.get("user"), data_dict.get("organization")
    if not user:
        return {"success": False}
    if organization:
        known = is_reference(organization)
        return {"success": known and permissions.may_create_in(user, organization, package.IDEA)}
    return {"success": bool(permissions.list_organizations_open_to(user, package.IDEA))}


def marathon_import_list(context: Context, _data_dict: DataDict) -> AuthResult:
    """Let people who are logged in list their own imports."""
    return {"success": bool(context.get("user"))}


def marathon_import_show(context: Context, _data_dict: DataDict) -> AuthResult:
    """Let people who are logged in ask for an import; the action finds only their own."""
    return {"success": bool(context.get("user"))}


def marathon_takedown(_context: Context, _data_dict: DataDict) -> AuthResult:
    """Let only sysadmins, for whom CKAN does not call this function."""
    return {"success": False}


def marathon_takedown_list(_context: Context, _data_dict: DataDict) -> AuthResult:
    """Let only sysadmins: a reason may repeat the content that was taken down."""
    return {"success": False}


def marathon_takedown_apply(_context: Context, _data_dict: DataDict) -> AuthResult:
    """Let only sysadmins."""
    return {"success": False}


def marathon_file_replace(context: Context, data_dict: DataDict) -> AuthResult:
    """Let people who may edit the record of a file."""
    return authz.is_authorized("resource_update", context, {"id": data_dict.get("id")})


@tk.auth_allow_anonymous_access
def marathon_file_version_list(context: Context, data_dict: DataDict) -> AuthResult:
    """Let people who may see the file today."""
    return authz.is_authorized("resource_show", context, {"id": data_dict.get("id")})


@tk.auth_allow_anonymous_access
def marathon_table_show(context: Context, data_dict: DataDict) -> AuthResult:
    """Let people who may see the file."""
    return authz.is_authorized("resource_show", context, {"id": data_dict.get("id")})
