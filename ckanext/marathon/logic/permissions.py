"""Permissions beyond CKAN's own rules: the coordinating body (docs/permissions.md).

Members of an organisation with the role ``coordinating_body`` look after the workshops, ideas and
commitments of all organisations, but not after their datasets. The memberships of a person are read
with one query and cached for the request.

The API answers 404 for records that the caller may not see, as CKAN's pages do. CKAN's own API
answers 403 for a private record and 404 for an unknown one, which reveals which ids exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import flask
from ckan import authz, model
from ckan.types import Context, DataDict

from ckanext.marathon.domain import dataset
from ckanext.marathon.domain.dataset import CIVIL_SOCIETY, COORDINATING_BODY, MUNICIPALITY
from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model import unit_of_work
from ckanext.marathon.model.unit_of_work import UnitOfWork
from ckanext.marathon.records import OTHER_TYPES
from ckanext.marathon.visibility import (
    COORDINATION_LABEL,
    Viewer,
    filter_public_organizations,
    is_public_organization,
)

# Roles that the coordinating body may give to an organisation.
ROLES_OF_COORDINATION = (MUNICIPALITY, CIVIL_SOCIETY)

_RANK = {"member": 1, "editor": 2, "admin": 3}
_CACHE = "_marathon_standings"


@dataclass(frozen=True, slots=True)
class Standing:
    """The memberships of a person.

    Attributes:
        capacities: id of an active organisation → capacity.
        coordinating: highest capacity in a coordinating body, "" for non-members.
    """

    capacities: Mapping[str, str]
    coordinating: str


def read_standing(user: str | None) -> Standing:
    """Return a user's memberships, by name or id; none for anonymous, deleted or unknown users."""
    user_id = authz.get_user_id_for_username(user, allow_none=True)
    if not user_id:
        return Standing({}, "")
    if not flask.has_request_context() or _changes_standings():
        return _standing(user_id)
    cache: dict[str, Standing] = flask.g.setdefault(_CACHE, {})
    if user_id not in cache:
        cache[user_id] = _standing(user_id)
    return cache[user_id]


def _standing(user_id: str) -> Standing:
    rows = (
        model.Session.query(
            model.Member.group_id,
            model.Member.capacity,
            cast(Any, model.Group).extras["role"].astext,
        )
        .join(model.Group, model.Group.id == model.Member.group_id)
        .join(model.User, model.User.id == model.Member.table_id)
        .filter(
            model.Member.table_name == "user",
            model.Member.table_id == user_id,
            model.Member.state == model.State.ACTIVE,
            filter_public_organizations(model.Group),
            model.User.state == model.State.ACTIVE,
        )
    )
    capacities: dict[str, str] = {}
    coordinating = ""
    for organization_id, capacity, role in rows:
        capacities[organization_id] = _higher(capacities.get(organization_id, ""), capacity)
        if role == COORDINATING_BODY:
            coordinating = _higher(coordinating, capacity)
    return Standing(capacities, coordinating)


def _higher(one: str, other: str) -> str:
    return max(one, other, key=lambda capacity: _RANK.get(capacity, 0))


class ChangedStandings:
    """Note in a unit of work that changes memberships or roles of organisations."""


def forget_changed_standings(unit: UnitOfWork) -> None:
    """Empty the request's cache of standings, which is not used while a transaction changes them.

    Standings that are read in the transaction are valid only if it is committed.
    """
    written = (*unit.created, *unit.changed, *unit.deleted)
    if any(_is_about_people(record) for record in written):
        unit.get_notes(ChangedStandings)
        if flask.has_request_context():
            flask.g.pop(_CACHE, None)


def _is_about_people(record: object) -> bool:
    """Return whether a record may change somebody's memberships: not a package's organisation."""
    if isinstance(record, model.Member):
        return record.table_name != "package"
    return isinstance(record, model.Group | model.User)


def _changes_standings() -> bool:
    unit = unit_of_work.find_unit()
    return unit is not None and unit.find_notes(ChangedStandings) is not None


def is_coordinator(user: str | None, at_least: str = "editor") -> bool:
    """Return whether a user has at least this capacity in a coordinating body."""
    return _RANK.get(read_standing(user).coordinating, 0) >= _RANK[at_least]


def is_insider(user: str | None, owner_org: str | None) -> bool:
    """Return whether a user may see the internal data of an organisation.

    Internal are exact counts of participants and who changed the status of an idea. Insiders are
    members of the organisation, the coordinating body's editors and sysadmins.
    """
    if not user:
        return False
    return (
        owner_org in read_standing(user).capacities
        or is_coordinator(user)
        or authz.is_sysadmin(user)
    )


def is_insider_of(viewer: Viewer, package: model.Package) -> bool:
    """Return whether a person may see the internal data of a package.

    Everybody who may edit the package may: they send all of its fields back.
    """
    if not viewer.user:
        return False
    if is_insider(viewer.user, package.owner_org):
        return True
    context: Context = {"user": viewer.user}
    return authz.is_authorized_boolean("package_update", context, {"id": package.id})


def sees_hidden_links(viewer: Viewer, package: model.Package) -> bool:
    """Return whether a viewer sees, in this record, ids of records that they may not open.

    Editors do: they send all fields back, and a missing id would cut the link.
    """
    return viewer.is_internal or is_insider_of(viewer, package)


def may_create_in(user: str | None, org_id: str | None, package_type: str) -> bool:
    """Return whether a user may create a record of a type in an organisation (id or name).

    Users may who may create datasets there, and the coordinating body's editors except datasets.
    """
    if authz.has_user_permission_for_group_or_org(org_id, user, "create_dataset"):
        return True
    if package_type not in OTHER_TYPES or not is_coordinator(user):
        return False
    return is_public_organization(model.Group.get(org_id))


def list_organizations_open_to(user: str | None, package_type: str) -> list[dict[str, str]]:
    """Return id, name and title of the organisations for which ``may_create_in`` is true."""
    query = model.Session.query(model.Group.id, model.Group.name, model.Group.title).filter(
        filter_public_organizations(model.Group)
    )
    everywhere = authz.is_sysadmin(user) or (package_type in OTHER_TYPES and is_coordinator(user))
    if not everywhere:
        allowed = authz.get_roles_with_permission("create_dataset")
        own = [o for o, capacity in read_standing(user).capacities.items() if capacity in allowed]
        query = query.filter(model.Group.id.in_(own))
    return [
        {"id": id_, "name": name, "title": title or name}
        for id_, name, title in query.order_by(model.Group.title, model.Group.name)
    ]


def may_set_role(context: Context) -> bool:
    """Return whether any role may be set: by sysadmins and with ``ignore_auth``."""
    return bool(context.get("ignore_auth")) or authz.is_sysadmin(context.get("user"))


def may_give_role(context: Context, organization: model.Group | None, role: str) -> bool:
    """Return whether a role may be given to an organisation (``None``: one that is being created).

    Sysadmins may give every role. Admins of a coordinating body may give the role of a municipality
    or of civil society, and only to an unused organisation: they may invite officers to
    municipalities, and so would gain access to an organisation in use.
    """
    if may_set_role(context):
        return True
    if role not in ROLES_OF_COORDINATION or not is_coordinator(context.get("user"), "admin"):
        return False
    return organization is None or is_unused_organization(organization)


def is_unused_organization(organization: model.Group) -> bool:
    """Return whether an organisation has no role, no members and no records.

    Sysadmins and members of a coordinating body are not counted as members, because the creator of
    an organisation is its first admin.
    """
    if read_role(organization) or package_model.list_owned_packages(organization.id):
        return False
    return all(
        user.sysadmin or _standing(user.id).coordinating for user in _people(organization.id)
    )


def list_coordinating_members(organization: model.Group) -> list[model.User]:
    """Return members of an organisation who belong to a coordinating body and are no sysadmins."""
    return [
        user
        for user in _people(organization.id)
        if not user.sysadmin and _standing(user.id).coordinating
    ]


def _people(organization_id: str) -> list[model.User]:
    return (
        model.Session.query(model.User)
        .join(model.Member, model.Member.table_id == model.User.id)
        .filter(
            model.Member.group_id == organization_id,
            model.Member.table_name == "user",
            model.Member.state == model.State.ACTIVE,
            model.User.state != model.State.DELETED,
        )
        .all()
    )


def may_place_organization(context: Context) -> bool:
    """Return whether ``municipality_code`` and ``pilot`` may be set.

    Sysadmins and admins of a coordinating body may, and code that acts with ``ignore_auth``.
    """
    return may_set_role(context) or is_coordinator(context.get("user"), "admin")


def may_manage_officers(user: str | None, organization: model.Group) -> bool:
    """Return whether a user may invite officers to an organisation and list them.

    The organisation's admins may; admins of a coordinating body may for municipalities. They can
    also give an INE code to an organisation without a role, which alone does not give them access.
    """
    if authz.has_user_permission_for_group_or_org(organization.id, user, "membership"):
        return True
    if not is_municipality(organization) or not is_coordinator(user, "admin"):
        return False
    return read_role(organization) == MUNICIPALITY or is_unused_organization(organization)


def is_municipality(organization: model.Group) -> bool:
    """Return whether an organisation is an active municipality: by its role, or its code alone."""
    code = package_model.read_stored_text(organization, "municipality_code")
    role = read_role(organization) or (MUNICIPALITY if code else "")
    return is_public_organization(organization) and role == MUNICIPALITY


def read_role(organization: model.Group) -> str:
    """Return an organisation's role in the marathons, "" for none."""
    return package_model.read_stored_text(organization, "role")


def add_user_labels(user_obj: model.User | None, labels: list[str]) -> list[str]:
    """Return the permission labels of a user, with the one of coordinators if they are one."""
    if user_obj and not user_obj.is_anonymous and is_coordinator(user_obj.name):
        return [*labels, COORDINATION_LABEL]
    return labels


def find_acting_organization(user: str | None, owner_org: str | None) -> str | None:
    """Return the id of the organisation for which a user changes a record.

    This is the record's organisation for its members, else the coordinating body of the user, else
    ``None`` (sysadmins).
    """
    capacities = read_standing(user).capacities
    if owner_org in capacities:
        return owner_org
    if not is_coordinator(user):
        return None
    extras = cast(Any, model.Group).extras
    bodies = (
        model.Session.query(model.Group.id)
        .filter(model.Group.id.in_(capacities))
        .filter(extras["role"].astext == dataset.COORDINATING_BODY)
        .order_by(model.Group.title)
    )
    return next((row.id for row in bodies), None)


def may_move_package(context: Context, package: model.Package) -> bool:
    """Return whether a person may move a package to another organisation.

    CKAN's own rules apply: sysadmins may, editors of its organisation, and its collaborators if the
    site's settings allow it.
    """
    user = context.get("user")
    if context.get("ignore_auth") or authz.is_sysadmin(user):
        return True
    if authz.has_user_permission_for_group_or_org(package.owner_org, user, "update_dataset"):
        return True
    user_id = authz.get_user_id_for_username(user, allow_none=True)
    return bool(
        user_id
        and authz.check_config_permission("allow_dataset_collaborators")
        and authz.check_config_permission("allow_collaborators_to_change_owner_org")
        and authz.user_is_collaborator_on_dataset(user_id, package.id, ["admin", "editor"])
    )


# An id that no record can have: it is not a valid UUID of any version.
UNKNOWN = "00000000-0000-0000-0000-000000000000"

# Actions that filter a list by whether the caller may see each record.
_CHOOSING = frozenset({"dataset_followee_list", "followee_list"})


def is_hidden_from_caller(context: Context, package: model.Package | None) -> bool:
    """Return whether an API request is for a record that its caller may not see.

    False for inner actions that are called with ``ignore_auth``.
    """
    is_api = flask.has_request_context() and flask.request.endpoint == "api.action"
    is_api = is_api and not context.get("ignore_auth")
    if is_api and (flask.request.view_args or {}).get("logic_function") in _CHOOSING:
        return False
    return bool(is_api and package is not None and not Viewer(context).may_see(package))


def replace_hidden_id(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Return the data of an action with an unknown ``id`` if the record is hidden from the caller.

    The action then gives the same answer as for a record that does not exist.
    """
    reference = data_dict.get("id") or data_dict.get("name")
    package = model.Package.get(reference) if is_reference(reference) else None
    return {**data_dict, "id": UNKNOWN} if is_hidden_from_caller(context, package) else data_dict


def find_package_of_file(reference: object) -> model.Package | None:
    """Return the package of a resource; ``None`` if there is no such resource or it is deleted."""
    file = model.Resource.get(reference) if is_reference(reference) else None
    package = model.Package.get(file.package_id) if file else None
    # The resources of a deleted package are still shown to people who may see the package.
    is_gone = file and package and file.state != model.State.ACTIVE == package.state
    return None if is_gone else package


def replace_hidden_file_id(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Do the same as :func:`replace_hidden_id` for the ``id`` of a resource."""
    package = find_package_of_file(data_dict.get("id"))
    return {**data_dict, "id": UNKNOWN} if is_hidden_from_caller(context, package) else data_dict
