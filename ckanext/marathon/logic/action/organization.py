"""CKAN's organisation actions, as far as the coordinating body uses them."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckan.types import Action, Context

from ckanext.marathon.domain.texts import is_reference, is_storable
from ckanext.marathon.logic import inputs, kept, notices, overruled, permissions
from ckanext.marathon.model import audit
from ckanext.marathon.records.record import DATASET
from ckanext.marathon.search.connection import AWAY
from ckanext.marathon.visibility import filter_public


@tk.chained_action
def organization_create(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Create an organisation; see CKAN's ``organization_create``.

    CKAN makes whoever creates an organisation its admin. Somebody of the coordinating body who adds
    a municipality would thereby come to edit its datasets, so they stay outside.
    """
    audit.note_actor(context.get("user"))
    with notices.collecting(context) as collected:
        data = inputs.checked_organization(context, data_dict)
        unknown = inputs.find_unknown_of_organization(data)
        created = next_(context, data)
        kept.note_unknown(context, unknown, created)
        overruled.note_organization(context, data_dict, {}, created)
        kept.note_strangers(context, "users", data_dict.get("users"), created)
        collected.deliver(created)
    user, organization = context.get("user"), context.get("group")
    if (
        isinstance(organization, model.Group)
        and permissions.is_municipality(organization)
        and permissions.coordinates(user)
        and not authz.is_sysadmin(user)
    ):
        leave(organization.id, user)
        if not context.get("defer_commit"):
            model.repo.commit()
    return created


@tk.chained_action
def organization_update(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Update an organisation; see CKAN's ``organization_update``.

    ``marathon_notices`` in the result says what was put right in what was sent. Where the
    coordinating body turns an organisation into a municipality, its own people leave it: they
    would come to edit the municipality's datasets.
    """
    audit.note_actor(context.get("user"))
    stored = _organization(data_dict)
    was_municipality = stored is not None and permissions.is_municipality(stored)
    if stored is None:
        _refuse_group(data_dict)
    with notices.collecting(context) as collected:
        data = inputs.checked_organization(context, data_dict, stored)
        unknown = inputs.find_unknown_of_organization(data)
        reference = stored.id if stored else None
        before = overruled.read_organization_before(context, data_dict, reference)
        updated = next_(context, data)
        if stored and not was_municipality:
            _send_coordination_away(context, stored)
        kept.note_unknown(context, unknown, updated)
        overruled.note_organization(context, data_dict, before, updated)
        kept.note_strangers(context, "users", data_dict.get("users"), updated)
        collected.deliver(updated)
        return updated


def _send_coordination_away(context: Context, organization: model.Group) -> None:
    user = context.get("user")
    if (
        context.get("ignore_auth")
        or authz.is_sysadmin(user)
        or not permissions.coordinates(user)
        or not permissions.is_municipality(organization)
    ):
        return
    for person in permissions.people_of_coordination(organization):
        leave(organization.id, person.name)
    if not context.get("defer_commit"):
        model.repo.commit()


def _refuse_group(data_dict: dict[str, Any]) -> None:
    """Refuse to update a group as if it were an organisation.

    Raises:
        ObjectNotFound: it is a group.
    """
    reference = data_dict.get("id")
    if is_reference(reference) and model.Group.get(reference):
        raise tk.ObjectNotFound(tk._("Organization was not found."))


def _organization(data_dict: dict[str, Any]) -> model.Group | None:
    reference = data_dict.get("id")
    found = model.Group.get(reference) if is_reference(reference) else None
    return found if found and found.is_organization else None


@tk.chained_action
@tk.side_effect_free
def organization_show(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Return an organisation; see CKAN's ``organization_show``.

    While Solr is away its public datasets are counted in the database: every page of a dataset
    asks for its organisation, and would break on nothing but a number.
    """
    reference = data_dict.get("id")
    if isinstance(reference, str) and not is_storable(reference):
        raise tk.ObjectNotFound(tk._("Not found"))
    try:
        return next_(context, data_dict)
    except AWAY:
        if tk.asbool(data_dict.get("include_datasets", False)):
            raise
    # The groups are counted one by one too.
    without = {"include_dataset_count": False, "include_groups": False}
    shown = next_(context, {**data_dict, **without})
    if isinstance(shown, dict) and tk.asbool(data_dict.get("include_dataset_count", True)):
        shown["package_count"] = _public_datasets(shown["id"])
    return shown


@tk.chained_action
@tk.side_effect_free
def organization_list_for_user(
    next_: Action, context: Context, data_dict: dict[str, Any]
) -> list[Any]:
    """Return somebody's organisations; see CKAN's ``organization_list_for_user``.

    Of another account only those whose people the caller may see. CKAN tells everybody who belongs
    to which organisation, and in which role.
    """
    found = next_(context, data_dict)
    reference, user = data_dict.get("id"), context.get("user") or ""
    if not reference or context.get("ignore_auth") or authz.is_sysadmin(user):
        return found
    asked = model.User.get(reference)
    if asked is not None and user and asked.id == authz.get_user_id_for_username(user):
        return found
    return [
        each
        for each in found
        if authz.is_authorized_boolean(
            "organization_show",
            Context(user=user, auth_user_obj=context.get("auth_user_obj")),
            {"id": each["id"], "include_users": True},
        )
    ]


def _public_datasets(organization_id: str) -> int:
    return (
        model.Session.query(model.Package)
        .filter_by(owner_org=organization_id, type=DATASET)
        .filter(filter_public(model.Package))
        .count()
    )


def leave(organization_id: str, user: str | None) -> None:
    """End a user's membership of an organisation, without committing."""
    # CKAN's sessions do not flush by themselves: a membership of this transaction is found then.
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
