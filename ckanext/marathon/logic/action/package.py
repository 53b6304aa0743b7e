"""Our rules around CKAN's actions on packages, their resources and their followers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Action, ActionResult, Context, DataDict

from ckanext.marathon.domain.texts import is_json_list, is_json_object, is_reference, is_storable
from ckanext.marathon.feeds import publish
from ckanext.marathon.logic import (
    dataset,
    deletion,
    edits,
    inputs,
    messages,
    permissions,
    personal_data,
    resource,
    unkept,
)
from ckanext.marathon.logic import package as package_logic
from ckanext.marathon.logic.package import SHOWN
from ckanext.marathon.model import audit, takedown
from ckanext.marathon.model import package as package_model
from ckanext.marathon.visibility import Viewer


@tk.chained_action
def package_create(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.PackageCreate:
    """Create a package; see CKAN's ``package_create``.

    ``marathon_notices`` in the result tells which values were corrected or not stored.

    Raises:
        ValidationError: also at ``type``, for one that no plugin registers, and at ``id``, for that
            of a record that was taken down.
    """
    audit.note_actor(context.get("user"))
    with messages.collect_notices(context) as collected:
        data = inputs.check_new(context, data_dict)
        _refuse_taken_down(data.get("id"))
        with _prepare_files(context, data, None):
            unknown = inputs.find_unknown_fields(data)
            dataset.remember_stored_iris(context, None)
            created = next_(context, data)
            return _complete_result(context, _Sent(data_dict, data, unknown), created, collected)


@tk.chained_action
def package_update(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.PackageUpdate:
    """Update a package; see CKAN's ``package_update``.

    Computed, masked and hidden values of ``package_show`` may be sent back: they do not change the
    stored ones. ``marathon_notices`` in the result tells which values were corrected or not stored.
    """
    audit.note_actor(context.get("user"))
    data_dict = permissions.replace_hidden_id(context, data_dict)
    reference = data_dict.get("id") or data_dict.get("name")
    known = model.Package.get(reference) if is_reference(reference) else None
    if known is not None and not context.get("ignore_auth"):
        # Before validation, whose errors may reveal hidden values.
        tk.check_access("package_update", context, {**data_dict, "id": known.id})
    with messages.collect_notices(context) as collected:
        data = inputs.check_update(context, data_dict, known)
        with _prepare_files(context, data, known):
            before: Mapping[str, Any] = {}
            if known is not None:
                before = edits.read_package_before(context, data_dict, known.id)
            if data.get("resources"):
                personal_data.notice_personal_data(context, data["resources"], known and known.type)
                data["resources"] = resource.describe_files(
                    context, data["resources"], known, resource.read_file
                )
            package = _lock_package(data.get("id") or data.get("name"))
            if package is not None:
                edits.restore_hidden_values(context, package, data_dict, data)
            unknown = inputs.find_unknown_fields({**data, "type": known.type}) if known else []
            dataset.remember_stored_iris(context, known)
            updated = next_(context, data)
            return _complete_result(
                context, _Sent(data_dict, data, unknown, before), updated, collected
            )


@tk.chained_action
@tk.side_effect_free
def package_show(next_: Action, context: Context, data_dict: DataDict) -> ActionResult.PackageShow:
    """Show a package; see CKAN's ``package_show``."""
    reference = _read_text(data_dict.get("id") or data_dict.get("name_or_id"))
    if reference and not is_storable(reference):
        raise tk.ObjectNotFound(tk._("Not found"))
    package = model.Package.get(reference)
    if package is not None:
        edits.rename_unfit_extras(package)
    return next_(context, data_dict)


@tk.chained_action
def package_delete(next_: Action, context: Context, data_dict: DataDict) -> None:
    """Delete a package on which no other depends; see CKAN's ``package_delete``.

    Raises:
        ValidationError: other records depend on it; ``obstacles`` has those that the person may
            see.
    """
    audit.note_actor(context.get("user"))
    package = _lock_package(data_dict.get("id"))
    if package is not None:
        tk.check_access("package_delete", context, data_dict)
        deletion.refuse_delete(deletion.list_dependents(package), context)
    return next_(context, data_dict)


@tk.chained_action
def dataset_purge(next_: Action, context: Context, data_dict: DataDict) -> None:
    """Purge a package and cut the links to it; see CKAN's ``dataset_purge``.

    A purge is never refused because of dependent records. A step of every save
    (``logic/deletion.py``) cuts the links.
    """
    audit.note_actor(context.get("user"))
    data_dict = permissions.replace_hidden_id(context, data_dict)
    package = model.Package.get(_read_text(data_dict.get("id")))
    if package is None or package.type not in SHOWN:
        return next_(context, data_dict)
    tk.check_access("dataset_purge", context, data_dict)
    deletion.lock_for_purge(package)
    return next_(context, data_dict)


@tk.chained_action
def package_owner_org_update(next_: Action, context: Context, data_dict: DataDict) -> None:
    """Move a package to another organisation; see CKAN's ``package_owner_org_update``.

    Raises:
        ValidationError: another record of the new organisation has its code.
    """
    data_dict = permissions.replace_hidden_id(context, data_dict)
    package = model.Package.get(_read_text(data_dict.get("id")))
    target = model.Group.get(_read_text(data_dict.get("organization_id")))
    if package is None or package.owner_org == (target.id if target else None):
        return next_(context, data_dict)
    tk.check_access("package_owner_org_update", context, data_dict)
    if package_logic.has_unique_code(package.type):
        package_logic.move_code(package, target.id if target else "")
    return next_(context, data_dict)


@tk.chained_action
@tk.side_effect_free
def package_relationships_list(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.PackageRelationshipsList:
    """Return relationships of a package; see CKAN's ``package_relationships_list``.

    Relationships to packages that the person may not see are left out.
    """
    found = next_(context, permissions.replace_hidden_id(context, data_dict))
    viewer = Viewer(context)
    if viewer.is_internal:
        return found
    others = {
        relationship["object"]: model.Package.get(relationship["object"]) for relationship in found
    }
    return [e for e in found if (other := others[e["object"]]) and viewer.may_see(other)]


@tk.chained_action
def bulk_update_private(next_: Action, context: Context, data_dict: DataDict) -> None:
    """Make packages private; see CKAN's ``bulk_update_private``."""
    _check_bulk("bulk_update_private", context, data_dict)
    return next_(context, data_dict)


@tk.chained_action
def bulk_update_public(next_: Action, context: Context, data_dict: DataDict) -> None:
    """Make packages public; see CKAN's ``bulk_update_public``."""
    _check_bulk("bulk_update_public", context, data_dict)
    return next_(context, data_dict)


@tk.chained_action
def bulk_update_delete(next_: Action, context: Context, data_dict: DataDict) -> None:
    """Delete packages; see CKAN's ``bulk_update_delete``."""
    _check_bulk("bulk_update_delete", context, data_dict)
    return next_(context, data_dict)


# CKAN workaround: bulk-update
def _check_bulk(action: str, context: Context, data_dict: DataDict) -> None:
    """Check that all packages of a bulk action belong to the organisation.

    CKAN silently skips others, and ckanext-activity records a change of them all the same.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: a package is unknown or of another organisation.
    """
    tk.check_access(action, context, data_dict)
    given = data_dict.get("datasets")
    if not is_json_list(given):
        return
    wanted = {id_ for id_ in given if is_reference(id_)}
    package = model.Package
    owned = model.Session.query(package.id).filter(
        package.id.in_(wanted), package.owner_org == _read_text(data_dict.get("org_id"))
    )
    if len(wanted) != owned.count():
        raise tk.ObjectNotFound(tk._("Not found"))


def _lock_package(reference: Any) -> model.Package | None:
    """Return a package with its row locked until the commit, ``None`` if its type is not ours."""
    package = model.Package.get(_read_text(reference))
    if package is None or package.type not in SHOWN:
        return None
    return package_model.lock_packages([package.id]).get(package.id)


def _refuse_taken_down(id_: Any) -> None:
    """Refuse the id of a takedown: the list is applied again when a process starts."""
    if is_reference(id_) and id_ and takedown.find_takedown(id_):
        raise tk.ValidationError({"id": [tk._("What had this id was taken down")]})


def _read_text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


class _Sent(NamedTuple):
    """The data that a client sent for a package, from which notices are made.

    Attributes:
        data_dict: the sent data.
        data: the checked data that CKAN got.
        unknown: names that its schema does not have.
        before: the package as the client could read it before.
    """

    data_dict: Mapping[str, Any]
    data: Mapping[str, Any]
    unknown: Collection[str]
    before: Mapping[str, Any] = {}


def _prepare_files(
    context: Context, data: dict[str, Any], stored: model.Package | None
) -> AbstractContextManager[None]:
    """Remove empty resources, and number the others by their position in the sent list."""
    rows = data.get("resources")
    numbers = list(range(len(rows))) if is_json_list(rows) else []
    if (stored.type if stored else data.get("type") or package_model.DATASET) in inputs.OUR_TYPES:
        numbers = resource.drop_empty_files(context, data, stored, dataset.is_saving_copy(context))
    return resource.number_files_as_sent(context, rows, numbers)


def _complete_result(
    context: Context, sent: _Sent, result: Any, collected: messages.NoticeCollection
) -> Any:
    """Complete CKAN's result for this person, and add the notices."""
    if is_json_object(result) and "id" in result:
        result = package_logic.complete_shown_package(context, result)
        unkept.add_unknown_notice(context, sent.unknown, result)
        files = sent.data.get("resources")
        edits.add_package_notices(context, sent.data_dict, files, sent.before, result)
        unkept.add_dropped_notice(context, "groups", sent.data_dict.get("groups"), result)
    collected.deliver(result)
    return result


@tk.chained_action
@tk.side_effect_free
def dataset_follower_count(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.DatasetFollowerCount:
    """Return the number of a record's followers; see CKAN's ``dataset_follower_count``."""
    return next_(context, permissions.replace_hidden_id(context, data_dict))


@tk.chained_action
@tk.side_effect_free
def am_following_dataset(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.AmFollowingDataset:
    """Return whether the caller follows a record; see CKAN's ``am_following_dataset``."""
    return next_(context, permissions.replace_hidden_id(context, data_dict))


@tk.chained_action
@tk.side_effect_free
def dataset_followee_list(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.DatasetFolloweeList:
    """Return the records that a user follows; see CKAN's ``dataset_followee_list``.

    They are in the form of ``package_show``. CKAN returns the stored records, with small counts and
    ids of hidden ideas.
    """
    return [_show_package(context, record["id"]) for record in next_(Context(context), data_dict)]


@tk.chained_action
@tk.side_effect_free
def followee_list(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.FolloweeList:
    """Return all that a user follows, records from ``package_show``; see CKAN's action."""
    # CKAN sets ``ignore_auth`` in the context that it gets.
    found = next_(Context(context), data_dict)
    return [
        {**followee, "dict": _show_package(context, followee["dict"]["id"])}
        if followee["type"] == "dataset"
        else followee
        for followee in found
    ]


def _show_package(context: Context, id_: str) -> dict[str, Any]:
    reader = {key: value for key, value in context.items() if key in _OF_READER}
    return tk.get_action("package_show")(cast(Context, reader), {"id": id_})


_OF_READER = frozenset({"user", "auth_user_obj", "ignore_auth"})


@tk.chained_action
def follow_dataset(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.FollowDataset:
    """Follow a record; see CKAN's ``follow_dataset``."""
    return next_(context, permissions.replace_hidden_id(context, data_dict))


@tk.chained_action
def unfollow_dataset(next_: Action, context: Context, data_dict: DataDict) -> None:
    """Stop following a record; see CKAN's ``unfollow_dataset``.

    A follower of a record that was hidden later can stop following it.
    """
    user = context.get("auth_user_obj")
    reference = data_dict.get("id")
    package = model.Package.get(reference) if is_reference(reference) else None
    if package and user and model.UserFollowingDataset.is_following(user.id, package.id):
        return next_(context, data_dict)
    return next_(context, permissions.replace_hidden_id(context, data_dict))


@tk.chained_action
def resource_create(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.ResourceCreate:
    """Add a resource; see CKAN's ``resource_create``, and ``package_create`` for the notices."""
    with messages.collect_notices(context) as collected:
        created = next_(context, data_dict)
        collected.deliver(created)
        return created


@tk.chained_action
def resource_update(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.ResourceUpdate:
    """Update a resource; see CKAN's ``resource_update``, and ``package_create`` for the notices."""
    with messages.collect_notices(context) as collected:
        updated = next_(context, permissions.replace_hidden_file_id(context, data_dict))
        collected.deliver(updated)
        return updated


# CKAN workaround: resource-delete
@tk.chained_action
def resource_delete(next_: Action, context: Context, data_dict: DataDict) -> None:
    """Delete a resource; see CKAN's ``resource_delete``.

    CKAN looks for the validation error at the resource, and raises a KeyError or IndexError if it
    is at the dataset.
    """
    try:
        return next_(context, data_dict)
    except (KeyError, IndexError) as broken:
        if isinstance(broken.__context__, tk.ValidationError):
            raise broken.__context__ from None
        raise


@tk.chained_action
def resource_view_update(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.ResourceViewUpdate:
    """Update a view of a resource; see CKAN's ``resource_view_update``.

    The permission is checked for the stored resource of the view, not for a sent one.
    """
    inputs.refuse_problems(data_dict)
    reference = data_dict.get("id")
    view = model.ResourceView.get(reference) if is_reference(reference) else None
    return next_(context, {**data_dict, "resource_id": view.resource_id} if view else data_dict)


@tk.chained_action
def config_option_update(
    next_: Action, context: Context, data_dict: DataDict
) -> ActionResult.ConfigOptionUpdate:
    """Change settings, some of which the catalogue publishes; see CKAN's action.

    Raises:
        ValidationError: also at a setting whose text has a hidden character.
    """
    inputs.refuse_problems(data_dict)
    updated = next_(context, data_dict)
    # CKAN has committed the settings already, one by one.
    publish.note_settings()
    model.repo.commit()
    return updated


_NAMES = (
    "api_token_create",
    "file_create",
    "file_rename",
    "resource_view_create",
    "tag_create",
    "user_create",
    "user_update",
    "vocabulary_create",
    "vocabulary_update",
)


def collect_text_checks() -> dict[str, Any]:
    """Return name → chained action, for actions of which we only check the texts."""
    return dict.fromkeys(_NAMES, _refuse_hidden)


@tk.chained_action
def _refuse_hidden(next_: Action, context: Context, data_dict: DataDict) -> Any:
    """Refuse texts with hidden characters; see CKAN's action.

    Raises:
        ValidationError: also at fields with a hidden character.
    """
    inputs.refuse_problems(data_dict)
    return next_(context, data_dict)
