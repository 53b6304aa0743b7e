"""Organisations, municipalities and groups, with our rules around CKAN's actions.

Group actions refuse organisations: in CKAN they work on organisations too, without the rules of the
organisation actions.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckan.types import Action, ActionResult, Context, DataDict

from ckanext.marathon.domain.dataset import MUNICIPALITY
from ckanext.marathon.domain.texts import is_json_object, is_reference, is_storable, quote_value
from ckanext.marathon.logic import deletion, edits, inputs, messages, permissions, schema, unkept
from ckanext.marathon.model import audit
from ckanext.marathon.model import municipality as municipality_model
from ckanext.marathon.model import package as package_model
from ckanext.marathon.records import DATASET
from ckanext.marathon.search.connection import AWAY
from ckanext.marathon.visibility import Viewer, filter_public, is_public_organization
from ckanext.marathon.vocabulary import territory
from ckanext.marathon.vocabulary.codes import MalformedCode, UnknownCode
from ckanext.marathon.vocabulary.territory import Municipality


@tk.chained_action
def group_create(next_: Action, context: Context, data_dict: DataDict) -> ActionResult.GroupCreate:
    """Create a group; see CKAN's ``group_create``.

    Raises:
        ValidationError: at ``type``, for an organisation; at ``is_organization`` or ``state``; at a
            field whose text cannot be stored.
    """
    data = dict(data_dict)
    if data.get("type") in inputs.list_organization_types():
        message = tk._("An organisation is made with organization_create")
        raise tk.ValidationError({"type": [message]})
    _refuse_unstorable(data)
    inputs.check_group(context, data, None, is_organization=False)
    return next_(context, data)


@tk.chained_action
def group_update(next_: Action, context: Context, data_dict: DataDict) -> ActionResult.GroupUpdate:
    """Update a group; see CKAN's ``group_update``.

    Raises:
        ObjectNotFound: it is an organisation.
        ValidationError: at ``is_organization`` or ``state``; at a field whose text cannot be
            stored.
    """
    data = dict(data_dict)
    _refuse_unstorable(data)
    inputs.check_group(context, data, _refuse_organization(data_dict), is_organization=False)
    return next_(context, data)


@tk.chained_action
def group_delete(next_: Action, context: Context, data_dict: DataDict) -> None:
    """Delete a group; see CKAN's ``group_delete``.

    Raises:
        ObjectNotFound: it is an organisation.
    """
    _refuse_organization(data_dict)
    return next_(context, data_dict)


@tk.chained_action
def group_purge(next_: Action, context: Context, data_dict: DataDict) -> None:
    """Purge a group; see CKAN's ``group_purge``.

    Raises:
        ObjectNotFound: it is an organisation.
    """
    _refuse_organization(data_dict)
    return next_(context, data_dict)


def _refuse_unstorable(data: dict[str, Any]) -> None:
    """Refuse texts that cannot be stored, and files in fields that store none."""
    inputs.refuse_problems(data)
    if errors := unkept.find_misplaced_files(data, "image_upload"):
        raise tk.ValidationError(errors)


def _refuse_organization(data_dict: DataDict) -> model.Group | None:
    reference = data_dict.get("id")
    group = model.Group.get(reference) if is_reference(reference) else None
    if group is not None and group.is_organization:
        raise tk.ObjectNotFound(tk._("Group was not found."))
    return group


# CKAN workaround: member-create
@tk.chained_action
def member_create(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.MemberCreate:
    """Add a member to a group; see CKAN's ``member_create``.

    Raises:
        ObjectNotFound: the member is a record that the person may not see.
        NotAuthorized: the member is a record and the group an organisation: records belong to an
            organisation by their ``owner_org``.
    """
    package = _find_package(data_dict)
    if package is not None and not context.get("ignore_auth"):
        if not Viewer(context).may_see(package):
            # CKAN's message for a missing package.
            raise tk.ObjectNotFound("Package was not found.")
        group = _find_group(data_dict)
        is_sysadmin = authz.is_sysadmin(context.get("user"))
        if group is not None and group.is_organization and not is_sysadmin:
            raise tk.NotAuthorized(tk._("Change the organisation of the record instead"))
    return next_(context, data_dict)


def _find_group(data_dict: DataDict) -> model.Group | None:
    reference = data_dict.get("id")
    return model.Group.get(reference) if is_reference(reference) else None


def _find_package(data_dict: DataDict) -> model.Package | None:
    reference = data_dict.get("object")
    if data_dict.get("object_type") != "package" or not is_reference(reference):
        return None
    return model.Package.get(reference)


@tk.chained_action
def organization_create(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.OrganizationCreate:
    """Create an organisation; see CKAN's ``organization_create``.

    CKAN makes the creator of an organisation its admin. A member of the coordinating body who adds
    a municipality does not become its admin, because they may not edit its datasets.
    """
    audit.note_actor(context.get("user"))
    with messages.collect_notices(context) as collected:
        data = inputs.check_organization(context, data_dict)
        unknown = inputs.find_unknown_organization_fields(data)
        created = next_(context, data)
        unkept.add_unknown_notice(context, unknown, created)
        edits.add_organization_notices(context, data_dict, {}, created)
        unkept.add_dropped_notice(context, "users", data_dict.get("users"), created)
        collected.deliver(created)
    user, organization = context.get("user"), context.get("group")
    if (
        isinstance(organization, model.Group)
        and permissions.is_municipality(organization)
        and permissions.is_coordinator(user)
        and not authz.is_sysadmin(user)
    ):
        leave_organization(organization.id, user)
        if not context.get("defer_commit"):
            model.repo.commit()
    return created


@tk.chained_action
def organization_update(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.OrganizationUpdate:
    """Update an organisation; see CKAN's ``organization_update``.

    ``marathon_notices`` in the result tells which values were corrected or not stored. When the
    coordinating body turns an organisation into a municipality, members of the coordinating body
    lose their membership, because they may not edit the datasets of a municipality.
    """
    audit.note_actor(context.get("user"))
    stored = _find_organization(data_dict)
    was_municipality = stored is not None and permissions.is_municipality(stored)
    if stored is None:
        _refuse_group(data_dict)
    with messages.collect_notices(context) as collected:
        data = inputs.check_organization(context, data_dict, stored)
        unknown = inputs.find_unknown_organization_fields(data)
        reference = stored.id if stored else None
        before = edits.read_organization_before(context, data_dict, reference)
        updated = next_(context, data)
        if stored and not was_municipality:
            _remove_coordinators(context, stored)
        unkept.add_unknown_notice(context, unknown, updated)
        edits.add_organization_notices(context, data_dict, before, updated)
        unkept.add_dropped_notice(context, "users", data_dict.get("users"), updated)
        collected.deliver(updated)
        return updated


def _remove_coordinators(context: Context, organization: model.Group) -> None:
    user = context.get("user")
    if (
        context.get("ignore_auth")
        or authz.is_sysadmin(user)
        or not permissions.is_coordinator(user)
        or not permissions.is_municipality(organization)
    ):
        return
    for person in permissions.list_coordinating_members(organization):
        leave_organization(organization.id, person.name)
    if not context.get("defer_commit"):
        model.repo.commit()


def _refuse_group(data_dict: DataDict) -> None:
    """Refuse to update a group as if it were an organisation.

    Raises:
        ObjectNotFound: it is a group.
    """
    reference = data_dict.get("id")
    if is_reference(reference) and model.Group.get(reference):
        raise tk.ObjectNotFound(tk._("Organization was not found."))


def _find_organization(data_dict: DataDict) -> model.Group | None:
    reference = data_dict.get("id")
    found = model.Group.get(reference) if is_reference(reference) else None
    return found if found and found.is_organization else None


@tk.chained_action
@tk.side_effect_free
def organization_show(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.OrganizationShow:
    """Return an organisation; see CKAN's ``organization_show``.

    While Solr is away, the public datasets are counted in the database: every page of a dataset
    shows its organisation, and would fail only because of this number.
    """
    reference = data_dict.get("id")
    if isinstance(reference, str) and not is_storable(reference):
        raise tk.ObjectNotFound(tk._("Not found"))
    try:
        return next_(context, data_dict)
    except AWAY:
        if tk.asbool(data_dict.get("include_datasets", False)):
            raise
    # For ``include_groups`` CKAN would ask Solr too.
    without = {"include_dataset_count": False, "include_groups": False}
    shown = next_(context, {**data_dict, **without})
    if is_json_object(shown) and tk.asbool(data_dict.get("include_dataset_count", True)):
        shown["package_count"] = _count_public_datasets(shown["id"])
    return shown


@tk.chained_action
@tk.side_effect_free
def organization_list_for_user(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.OrganizationListForUser:
    """Return a user's organisations; see CKAN's ``organization_list_for_user``.

    For another user than the caller, only organisations whose members the caller may see. CKAN
    shows everybody the memberships and roles of all users.
    """
    found = next_(context, data_dict)
    reference, user = data_dict.get("id"), context.get("user") or ""
    if not reference or context.get("ignore_auth") or authz.is_sysadmin(user):
        return found
    asked = model.User.get(reference)
    if asked is not None and user and asked.id == authz.get_user_id_for_username(user):
        return found
    return [
        organization
        for organization in found
        if authz.is_authorized_boolean(
            "organization_show",
            Context(user=user, auth_user_obj=context.get("auth_user_obj")),
            {"id": organization["id"], "include_users": True},
        )
    ]


def _count_public_datasets(organization_id: str) -> int:
    return (
        model.Session.query(model.Package)
        .filter_by(owner_org=organization_id, type=DATASET)
        .filter(filter_public(model.Package))
        .count()
    )


def leave_organization(organization_id: str, user: str | None) -> None:
    """End a user's membership of an organisation, without committing."""
    # CKAN's session has no autoflush: without this, a membership of this transaction is not found.
    model.Session.flush()
    members = model.Session.query(model.Member).filter_by(
        group_id=organization_id,
        table_name="user",
        table_id=authz.get_user_id_for_username(user, allow_none=True),
        state=model.State.ACTIVE,
    )
    for member in members:
        member.delete()
    model.Session.flush()


OURS = (package_model.WORKSHOP, package_model.IDEA, package_model.COMMITMENT)


@tk.chained_action
def organization_delete(next_: Action, context: Context, data_dict: DataDict) -> None:
    """Delete an organisation without records; see CKAN's ``organization_delete``.

    If the site allows datasets without an organisation, it may have datasets. They lose the
    organisation, and it is stored as their publisher.

    Raises:
        ValidationError: it has records; ``obstacles`` has those that the person may see.
    """
    organization = _find_organization(data_dict)
    if organization is None:
        return next_(context, data_dict)
    tk.check_access("organization_delete", context, data_dict)
    package_model.lock_organization(organization.id)
    owned = package_model.list_owned_packages(organization.id)
    if authz.check_config_permission("ckan.auth.create_unowned_dataset"):
        owned = [package for package in owned if package.type in OURS]
    deletion.refuse_delete(owned, context)
    _keep_publisher(organization)
    return next_(context, data_dict)


@tk.chained_action
def organization_purge(next_: Action, context: Context, data_dict: DataDict) -> None:
    """Purge an organisation and release its municipality; see CKAN's ``organization_purge``.

    If the site allows datasets without an organisation, its records lose the organisation, and it
    is stored as publisher of its datasets.

    Raises:
        ValidationError: it has records, and the site does not allow them without an organisation.
    """
    organization = _find_organization(data_dict)
    if organization is None:
        return next_(context, data_dict)
    tk.check_access("organization_purge", context, data_dict)
    organization_id = organization.id
    if authz.check_config_permission("ckan.auth.create_unowned_dataset"):
        _keep_publisher(organization)
        for package in package_model.list_owned_packages(organization_id):
            if package.type in OURS:
                own = Context(user=context.get("user", ""), ignore_auth=True, defer_commit=True)
                tk.get_action("package_owner_org_update")(
                    own, {"id": package.id, "organization_id": None}
                )
        # CKAN queries the remaining datasets.
        model.Session.flush()
    else:
        deletion.refuse_delete(package_model.list_owned_packages(organization_id), context)
    municipality_model.assign_municipality(organization_id, None)
    return next_(context, data_dict)


def _keep_publisher(organization: model.Group) -> None:
    """Store the organisation as publisher of its datasets."""
    for package in package_model.list_owned_packages(organization.id):
        if package.type == package_model.DATASET:
            deletion.keep_publisher(package, organization)


@tk.validate_action_data(schema.marathon_municipality_create)
def marathon_municipality_create(context: Context, data_dict: DataDict) -> list[dict[str, Any]]:
    """Create the organisations of municipalities that have none yet; idempotent.

    A code that fails does not affect the others. The organisations have no members; officers are
    invited afterwards.

    Args:
        context: as CKAN's.
        data_dict: ``codes``, a list of INE codes or text with spaces or commas between them;
            ``501`` is read as ``0501``.

    Returns:
        a dict for each code, in their order: ``code`` (corrected), ``status`` (``created``,
        ``existed`` or ``failed``), ``organization`` (``id``, ``name``, ``title``; ``None`` if
        failed), ``notice`` and ``error`` (text, "" for none).

    Raises:
        NotAuthorized: neither sysadmin nor admin of a coordinating body.
        ValidationError: no codes.
    """
    tk.check_access("marathon_municipality_create", context, data_dict)
    return [_add_municipality(context, code) for code in data_dict["codes"]]


def _add_municipality(context: Context, given: Any) -> dict[str, Any]:
    try:
        repaired = territory.repair_code(given)
    except MalformedCode:
        return _describe_failure(quote_value(given), messages.explain_malformed_code(given))
    try:
        municipality = territory.get_municipality(repaired.code)
    except UnknownCode:
        text = tk._("No municipality of Guatemala has the INE code {code}.")
        return _describe_failure(repaired.code, text.format(code=repaired.code))
    notice = ""
    if repaired.repaired:
        notice = tk._("{given} was read as {code}.").format(given=given, code=repaired.code)
    return {**_ensure_organization(context, municipality), "notice": notice}


def _ensure_organization(context: Context, municipality: Municipality) -> dict[str, Any]:
    existing = municipality_model.find_municipality(municipality.code)
    if existing:
        return _describe_success(municipality.code, "existed", existing)
    name = municipality.slug
    taken = model.Group.get(name)
    if is_public_organization(taken):
        text = tk._(
            "The organisation «{title}» has the address «{name}» but no INE code. Give it the "
            "code, or change its address."
        )
        return _describe_failure(
            municipality.code, text.format(title=taken.display_name, name=name)
        )
    if taken:
        name = f"{name}-{municipality.code}"
    try:
        return _describe_success(
            municipality.code, "created", _create_organization(context, municipality, name)
        )
    except tk.ValidationError as fault:
        # A concurrent request may have added it.
        existing = municipality_model.find_municipality(municipality.code)
        if existing:
            return _describe_success(municipality.code, "existed", existing)
        return _describe_failure(municipality.code, "; ".join(fault.error_summary.values()))


def _create_organization(context: Context, municipality: Municipality, name: str) -> str:
    person = model.User.get(context.get("user"))
    user = person.name if person else _site_user()
    created = tk.get_action("organization_create")(
        Context(user=user, ignore_auth=True, defer_commit=True),
        {
            "name": name,
            "title": f"Municipalidad de {municipality.name}",
            "municipality_code": municipality.code,
            "role": MUNICIPALITY,
        },
    )
    leave_organization(created["id"], user)
    model.repo.commit()
    return created["id"]


def _site_user() -> str:
    return tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]


def _describe_success(code: str, status: str, organization_id: str) -> dict[str, Any]:
    organization = model.Group.get(organization_id)
    assert organization
    shown = {
        "id": organization.id,
        "name": organization.name,
        "title": organization.display_name,
    }
    return {"code": code, "status": status, "organization": shown, "notice": "", "error": ""}


def _describe_failure(code: str, error: str) -> dict[str, Any]:
    return {"code": code, "status": "failed", "organization": None, "notice": "", "error": error}
