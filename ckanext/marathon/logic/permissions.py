"""Who may do what, beyond CKAN's own rules: the coordinating body (docs/permissions.md).

An organisation with the role ``coordinating_body`` looks after the workshops, ideas and commitments
of everybody, and after nobody else's datasets. What somebody is in which organisation is one query,
kept for the rest of the request. A change is noted in the name of the organisation of the person.

To callers of the API, records that they may not see do not exist. CKAN's pages answer so. Its API
says 403 for a private record and 404 for an unknown one, from which anybody could find out which
ids exist. Within the site the two stay apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import flask
from ckan import authz, model
from ckan.types import Context

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

# What the coordinating body may say of an organisation that it brings in.
ROLES_OF_COORDINATION = (MUNICIPALITY, CIVIL_SOCIETY)

_RANK = {"member": 1, "editor": 2, "admin": 3}
_CACHE = "_marathon_standings"


@dataclass(frozen=True, slots=True)
class Standing:
    """A person's capacity in each active organisation, by its id.

    ``coordinating`` is the highest of their capacities in a coordinating body, "" outside of it.
    """

    capacities: Mapping[str, str]
    coordinating: str


def read_standing(user: str | None) -> Standing:
    """Return a user's roles by name or id; none for anonymous, deleted and unknown users."""
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
    """Set in a unit of work that changes memberships or roles of organisations."""


def forget_changed_standings(unit: UnitOfWork) -> None:
    """Do not cache standings in the request while a transaction changes them.

    Values read meanwhile are valid only if the transaction is committed.
    """
    written = (*unit.created, *unit.changed, *unit.deleted)
    if any(isinstance(record, model.Member | model.Group | model.User) for record in written):
        unit.get_notes(ChangedStandings)
        if flask.has_request_context():
            flask.g.pop(_CACHE, None)


def _changes_standings() -> bool:
    unit = unit_of_work.find_unit()
    return unit is not None and unit.find_notes(ChangedStandings) is not None


def is_coordinator(user: str | None, at_least: str = "editor") -> bool:
    """Return whether a user has at least this capacity in a coordinating body."""
    return _RANK.get(read_standing(user).coordinating, 0) >= _RANK[at_least]


def is_insider(user: str | None, owner_org: str | None) -> bool:
    """Return whether a user may see the internal data of an organisation.

    That is: exact counts of participants and who changed an idea's status. Its members may, the
    coordinating body's editors and sysadmins.
    """
    if not user:
        return False
    return (
        owner_org in read_standing(user).capacities
        or is_coordinator(user)
        or authz.is_sysadmin(user)
    )


def is_insider_of(viewer: Viewer, package: model.Package) -> bool:
    """Return whether a person may see the internal data of the package's organisation.

    Whoever may edit it may: nobody could send back what they were not shown.
    """
    if not viewer.user:
        return False
    if is_insider(viewer.user, package.owner_org):
        return True
    context: Context = {"user": viewer.user}
    return authz.is_authorized_boolean("package_update", context, {"id": package.id})


def sees_hidden_links(viewer: Viewer, package: model.Package) -> bool:
    """Return whether a person sees ids of records that they may not open in this record.

    For those who write it back: dropping an id that they cannot see would cut the link.
    """
    return viewer.is_internal or is_insider_of(viewer, package)


def may_create_in(user: str | None, org_id: str | None, package_type: str) -> bool:
    """Return whether a user may give an organisation (id or name) something of a type.

    Whoever may create datasets there may; the coordinating body's editors may too, except datasets.
    """
    if authz.has_user_permission_for_group_or_org(org_id, user, "create_dataset"):
        return True
    if package_type not in OTHER_TYPES or not is_coordinator(user):
        return False
    return is_public_organization(model.Group.get(org_id))


def list_organizations_open_to(user: str | None, package_type: str) -> list[dict[str, str]]:
    """Return the organisations (id, name, title) for which ``may_create_in`` is true, by title."""
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
    """Return whether the role of an organisation may be set: by sysadmins, and in our own name."""
    return bool(context.get("ignore_auth")) or authz.is_sysadmin(context.get("user"))


def may_give_role(context: Context, organization: model.Group | None, role: str) -> bool:
    """Return whether a role may be given to an organisation (``None``: one that is being created).

    Sysadmins may give every role. Admins of a coordinating body say what an organisation is that
    they bring in, a municipality or civil society; never that it is another coordinating body, and
    nothing about an organisation that has a role, people or records of its own: as a municipality
    it would be theirs to invite officers to.
    """
    if may_set_role(context):
        return True
    if role not in ROLES_OF_COORDINATION or not is_coordinator(context.get("user"), "admin"):
        return False
    return organization is None or is_unused_organization(organization)


def is_unused_organization(organization: model.Group) -> bool:
    """Return whether an organisation is unused: it has no role, no members and no records.

    Members who belong to a coordinating body, and sysadmins, do not count: the creator of an
    organisation is its admin at first.
    """
    if read_role(organization) or package_model.list_owned_packages(organization.id):
        return False
    return all(
        user.sysadmin or _standing(user.id).coordinating for user in _people(organization.id)
    )


def list_coordinating_members(organization: model.Group) -> list[model.User]:
    """Return members of an organisation who also belong to a coordinating body, no sysadmins."""
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

    By sysadmins, admins of a coordinating body, and in our own name.
    """
    return may_set_role(context) or is_coordinator(context.get("user"), "admin")


def may_manage_officers(user: str | None, organization: model.Group) -> bool:
    """Return whether a user may invite officers to an organisation and list them.

    Its own admins may; admins of a coordinating body may for municipalities. They can give a code
    to an organisation that has no role, which alone must not open that organisation to them.
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
    """Return the permission labels that a user can read; ``None`` is an anonymous visitor."""
    if user_obj and not user_obj.is_anonymous and is_coordinator(user_obj.name):
        return [*labels, COORDINATION_LABEL]
    return labels


def find_acting_organization(user: str | None, owner_org: str | None) -> str | None:
    """Return the id of the organisation in whose name a user changes a record.

    Its own organisation for its members, else the coordinating body that they belong to; none for
    anybody else, that is: a sysadmin.
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
    """Return whether a person may move a package out of the organisation that has it.

    By CKAN's own rules only: sysadmins, editors of that organisation, and its collaborators where
    the site lets those change the organisation.
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


# A record cannot have it: it is no UUID of any version.
UNKNOWN = "00000000-0000-0000-0000-000000000000"

# Actions that ask of each of many records whether it may be seen, and leave out the others.
_CHOOSING = frozenset({"dataset_followee_list", "followee_list"})


def is_hidden_from_caller(context: Context, package: model.Package | None) -> bool:
    """Return whether a request of the API is for a record that its caller may not see.

    What an action does in the site's own name meanwhile (``ignore_auth``) is not.
    """
    is_api = flask.has_request_context() and flask.request.endpoint == "api.action"
    is_api = is_api and not context.get("ignore_auth")
    if is_api and (flask.request.view_args or {}).get("logic_function") in _CHOOSING:
        return False
    return bool(is_api and package is not None and not Viewer(context).may_see(package))


def replace_hidden_id(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return the data of an action on a record, ``id``, with an unknown one for one not to be seen.

    What the action answers is then what it answers for one that does not exist, by whatever way.
    """
    reference = data_dict.get("id") or data_dict.get("name")
    package = model.Package.get(reference) if is_reference(reference) else None
    return {**data_dict, "id": UNKNOWN} if is_hidden_from_caller(context, package) else data_dict


def find_package_of_file(reference: object) -> model.Package | None:
    """Return the package that has a file; ``None`` if there is no such file, or no more."""
    file = model.Resource.get(reference) if is_reference(reference) else None
    package = model.Package.get(file.package_id) if file else None
    # The files of a deleted package are still shown to those who may see it.
    is_gone = file and package and file.state != model.State.ACTIVE == package.state
    return None if is_gone else package


def replace_hidden_file_id(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return the data of an action on a file, ``id``; see :func:`replace_hidden_id`."""
    package = find_package_of_file(data_dict.get("id"))
    return {**data_dict, "id": UNKNOWN} if is_hidden_from_caller(context, package) else data_dict
