"""CKAN's own actions on packages, their files, and who follows them, with our rules around them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Action, ActionResult, Context

from ckanext.marathon.domain.texts import is_json_list, is_json_object, is_reference, is_storable
from ckanext.marathon.feeds import publish
from ckanext.marathon.logic import (
    dataset,
    deletion,
    edits,
    inputs,
    messages,
    permissions,
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
    next_: Action, context: Context, data_dict: dict[str, Any]
) -> ActionResult.PackageCreate:
    """Create a package; see CKAN's ``package_create``.

    ``marathon_notices`` in the result says what was put right in what was sent.

    Raises:
        ValidationError: also at ``type``, for one that no plugin has pages for, and at ``id``, for
            one that was taken down.
    """
    audit.note_actor(context.get("user"))
    with messages.collect_notices(context) as collected:
        data = inputs.check_new(context, data_dict)
        _refuse_taken_down(data.get("id"))
        with _settling_files(context, data, None):
            unknown = inputs.find_unknown_fields(data)
            dataset.remember_stored_iris(context, None)
            created = next_(context, data)
            return _shown(context, _Sent(data_dict, data, unknown), created, collected)


@tk.chained_action
def package_update(
    next_: Action, context: Context, data_dict: dict[str, Any]
) -> ActionResult.PackageUpdate:
    """Update a package; see CKAN's ``package_update``.

    What was shown computed, masked or left out may be sent back as it is: it stays computed, and
    stays what it was. ``marathon_notices`` in the result says what was put right in what was sent.
    """
    audit.note_actor(context.get("user"))
    data_dict = permissions.replace_hidden_id(context, data_dict)
    reference = data_dict.get("id") or data_dict.get("name")
    known = model.Package.get(reference) if is_reference(reference) else None
    if known is not None and not context.get("ignore_auth"):
        # First, so that no error of a field tells what is not to be known.
        tk.check_access("package_update", context, {**data_dict, "id": known.id})
    with messages.collect_notices(context) as collected:
        data = inputs.check_update(context, data_dict, known)
        with _settling_files(context, data, known):
            before: Mapping[str, Any] = {}
            if known is not None:
                before = edits.read_package_before(context, data_dict, known.id)
            if data.get("resources"):
                data["resources"] = resource.describe_files(
                    context, data["resources"], known, resource.read_file
                )
            package = _locked(data.get("id") or data.get("name"))
            if package is not None:
                edits.restore_masked(context, package, data_dict, data)
            unknown = inputs.find_unknown_fields({**data, "type": known.type}) if known else []
            dataset.remember_stored_iris(context, known)
            updated = next_(context, data)
            return _shown(context, _Sent(data_dict, data, unknown, before), updated, collected)


@tk.chained_action
@tk.side_effect_free
def package_show(
    next_: Action, context: Context, data_dict: dict[str, Any]
) -> ActionResult.PackageShow:
    """Show a package; see CKAN's ``package_show``."""
    reference = _text(data_dict.get("id") or data_dict.get("name_or_id"))
    if reference and not is_storable(reference):
        raise tk.ObjectNotFound(tk._("Not found"))
    package = model.Package.get(reference)
    if package is not None:
        edits.rename_unfit_extras(package)
    return next_(context, data_dict)


@tk.chained_action
def package_delete(next_: Action, context: Context, data_dict: dict[str, Any]) -> None:
    """Delete a package that nothing depends on; see CKAN's ``package_delete``.

    Raises:
        ValidationError: others depend on it; ``obstacles`` names those that the person may see.
    """
    audit.note_actor(context.get("user"))
    package = _locked(data_dict.get("id"))
    if package is not None:
        tk.check_access("package_delete", context, data_dict)
        deletion.refuse_delete(deletion.list_dependents(package), context)
    return next_(context, data_dict)


@tk.chained_action
def dataset_purge(next_: Action, context: Context, data_dict: dict[str, Any]) -> None:
    """Purge a package and cut the links to it; see CKAN's ``dataset_purge``.

    Nothing stands in the way of a purge: it is how a sysadmin takes something down. The links are
    cut by ``logic/deletion.py``, which sees every purge.
    """
    audit.note_actor(context.get("user"))
    data_dict = permissions.replace_hidden_id(context, data_dict)
    package = model.Package.get(_text(data_dict.get("id")))
    if package is None or package.type not in SHOWN:
        return next_(context, data_dict)
    tk.check_access("dataset_purge", context, data_dict)
    deletion.lock_for_purge(package)
    return next_(context, data_dict)


@tk.chained_action
def package_owner_org_update(next_: Action, context: Context, data_dict: dict[str, Any]) -> None:
    """Move a package to another organisation; see CKAN's ``package_owner_org_update``.

    Raises:
        ValidationError: its code is another one's in the new organisation.
    """
    data_dict = permissions.replace_hidden_id(context, data_dict)
    package = model.Package.get(_text(data_dict.get("id")))
    target = model.Group.get(_text(data_dict.get("organization_id")))
    if package is None or package.owner_org == (target.id if target else None):
        return next_(context, data_dict)
    tk.check_access("package_owner_org_update", context, data_dict)
    if package.type in {package_model.IDEA, package_model.WORKSHOP}:
        package_logic.move_code(package, target.id if target else "")
    return next_(context, data_dict)


@tk.chained_action
@tk.side_effect_free
def package_relationships_list(
    next_: Action, context: Context, data_dict: dict[str, Any]
) -> ActionResult.PackageRelationshipsList:
    """Return what a package is related to; see CKAN's ``package_relationships_list``.

    Relationships to what the person may not see are left out.
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
def bulk_update_private(next_: Action, context: Context, data_dict: dict[str, Any]) -> None:
    """Make packages private; see CKAN's ``bulk_update_private``."""
    _check_bulk("bulk_update_private", context, data_dict)
    return next_(context, data_dict)


@tk.chained_action
def bulk_update_public(next_: Action, context: Context, data_dict: dict[str, Any]) -> None:
    """Make packages public; see CKAN's ``bulk_update_public``."""
    _check_bulk("bulk_update_public", context, data_dict)
    return next_(context, data_dict)


@tk.chained_action
def bulk_update_delete(next_: Action, context: Context, data_dict: dict[str, Any]) -> None:
    """Delete packages; see CKAN's ``bulk_update_delete``."""
    _check_bulk("bulk_update_delete", context, data_dict)
    return next_(context, data_dict)


# CKAN workaround: bulk-update
def _check_bulk(action: str, context: Context, data_dict: dict[str, Any]) -> None:
    """Look up the packages of an action on many.

    CKAN leaves out what does not belong to the organisation, without a word, and ckanext-activity
    says all the same that it was changed.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: one of them is not the organisation's, or unknown.
    """
    tk.check_access(action, context, data_dict)
    given = data_dict.get("datasets")
    if not is_json_list(given):
        return
    wanted = {id_ for id_ in given if is_reference(id_)}
    package = model.Package
    owned = model.Session.query(package.id).filter(
        package.id.in_(wanted), package.owner_org == _text(data_dict.get("org_id"))
    )
    if len(wanted) != owned.count():
        raise tk.ObjectNotFound(tk._("Not found"))


def _locked(reference: Any) -> model.Package | None:
    """Return a package of a type of ours, locked against links and changes until our commit."""
    package = model.Package.get(_text(reference))
    if package is None or package.type not in SHOWN:
        return None
    return package_model.lock_packages([package.id]).get(package.id)


def _refuse_taken_down(id_: Any) -> None:
    """Refuse an id that was taken down: the next process to start would take it down again."""
    if is_reference(id_) and id_ and takedown.find_takedown(id_):
        raise tk.ValidationError({"id": [tk._("What had this id was taken down")]})


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


class _Sent(NamedTuple):
    """The data that a client sent for a package, and what the notices are made from.

    Attributes:
        data_dict: as it was sent.
        data: as CKAN got it.
        unknown: names that its type does not know.
        before: the package as it could be read before.
    """

    data_dict: Mapping[str, Any]
    data: Mapping[str, Any]
    unknown: Collection[str]
    before: Mapping[str, Any] = {}


def _settling_files(
    context: Context, data: dict[str, Any], stored: model.Package | None
) -> AbstractContextManager[None]:
    """Drop rows of files that say nothing, and count the others as they were sent."""
    rows = data.get("resources")
    numbers = list(range(len(rows))) if is_json_list(rows) else []
    if (stored.type if stored else data.get("type") or package_model.DATASET) in inputs.OUR_TYPES:
        numbers = resource.drop_empty_files(context, data, stored, dataset.is_saving_copy(context))
    return resource.number_files_as_sent(context, rows, numbers)


def _shown(context: Context, sent: _Sent, result: Any, collected: messages.NoticeCollection) -> Any:
    """Return what CKAN returns, which is what it indexed, as this person may see it."""
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
    next_: Action, context: Context, data_dict: dict[str, Any]
) -> ActionResult.DatasetFollowerCount:
    """Return how many follow a record; see CKAN's ``dataset_follower_count``."""
    return next_(context, permissions.replace_hidden_id(context, data_dict))


@tk.chained_action
@tk.side_effect_free
def am_following_dataset(
    next_: Action, context: Context, data_dict: dict[str, Any]
) -> ActionResult.AmFollowingDataset:
    """Return whether the caller follows a record; see CKAN's ``am_following_dataset``."""
    return next_(context, permissions.replace_hidden_id(context, data_dict))


@tk.chained_action
@tk.side_effect_free
def dataset_followee_list(next_: Action, context: Context, data_dict: dict[str, Any]) -> list[Any]:
    """Return the records that somebody follows; see CKAN's ``dataset_followee_list``.

    Each as ``package_show`` gives it to the caller. CKAN returns what is stored: small counts, and
    ids of hidden ideas.
    """
    return [_show(context, record["id"]) for record in next_(Context(context), data_dict)]


@tk.chained_action
@tk.side_effect_free
def followee_list(next_: Action, context: Context, data_dict: dict[str, Any]) -> list[Any]:
    """Return all that somebody follows, records as above; see CKAN's ``followee_list``."""
    # CKAN goes on with the context as if it acted in the site's own name.
    found = next_(Context(context), data_dict)
    return [
        {**followee, "dict": _show(context, followee["dict"]["id"])}
        if followee["type"] == "dataset"
        else followee
        for followee in found
    ]


def _show(context: Context, id_: str) -> dict[str, Any]:
    reader = {key: value for key, value in context.items() if key in _OF_READER}
    return tk.get_action("package_show")(cast(Context, reader), {"id": id_})


_OF_READER = frozenset({"user", "auth_user_obj", "ignore_auth"})


@tk.chained_action
def follow_dataset(
    next_: Action, context: Context, data_dict: dict[str, Any]
) -> ActionResult.FollowDataset:
    """Follow a record; see CKAN's ``follow_dataset``."""
    return next_(context, permissions.replace_hidden_id(context, data_dict))


@tk.chained_action
def unfollow_dataset(next_: Action, context: Context, data_dict: dict[str, Any]) -> None:
    """Follow a record no more; see CKAN's ``unfollow_dataset``.

    Who followed it before it was hidden from them knows of it, and can leave it.
    """
    user = context.get("auth_user_obj")
    reference = data_dict.get("id")
    package = model.Package.get(reference) if is_reference(reference) else None
    if package and user and model.UserFollowingDataset.is_following(user.id, package.id):
        return next_(context, data_dict)
    return next_(context, permissions.replace_hidden_id(context, data_dict))


@tk.chained_action
def resource_create(
    next_: Action, context: Context, data_dict: dict[str, Any]
) -> ActionResult.ResourceCreate:
    """Add a resource; see CKAN's ``resource_create``, and ``package_create`` for the notices."""
    with messages.collect_notices(context) as collected:
        created = next_(context, data_dict)
        collected.deliver(created)
        return created


@tk.chained_action
def resource_update(
    next_: Action, context: Context, data_dict: dict[str, Any]
) -> ActionResult.ResourceUpdate:
    """Update a resource; see CKAN's ``resource_update``, and ``package_create`` for the notices."""
    with messages.collect_notices(context) as collected:
        updated = next_(context, permissions.replace_hidden_file_id(context, data_dict))
        collected.deliver(updated)
        return updated


# CKAN workaround: resource-delete
@tk.chained_action
def resource_delete(next_: Action, context: Context, data_dict: dict[str, Any]) -> None:
    """Delete a resource; see CKAN's ``resource_delete``.

    CKAN looks for the fault among the resources only, and breaks where the dataset has it.
    """
    try:
        return next_(context, data_dict)
    except (KeyError, IndexError) as broken:
        if isinstance(broken.__context__, tk.ValidationError):
            raise broken.__context__ from None
        raise


@tk.chained_action
def resource_view_update(
    next_: Action, context: Context, data_dict: dict[str, Any]
) -> ActionResult.ResourceViewUpdate:
    """Update a view of a resource; see CKAN's ``resource_view_update``.

    Whose view it is, not which resource the caller names, decides who may; it stays where it is.
    """
    inputs.refuse_problems(data_dict)
    reference = data_dict.get("id")
    view = model.ResourceView.get(reference) if is_reference(reference) else None
    return next_(context, {**data_dict, "resource_id": view.resource_id} if view else data_dict)


@tk.chained_action
def config_option_update(
    next_: Action, context: Context, data_dict: dict[str, Any]
) -> ActionResult.ConfigOptionUpdate:
    """Change settings, of which the catalogue speaks; see CKAN's ``config_option_update``.

    Raises:
        ValidationError: also at a setting whose text has a hidden character.
    """
    inputs.refuse_problems(data_dict)
    updated = next_(context, data_dict)
    # CKAN has saved them already, each for itself.
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
    """Return the chained actions by name."""
    return dict.fromkeys(_NAMES, _refuse_hidden)


@tk.chained_action
def _refuse_hidden(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Check every text first; see CKAN's action of the name.

    Raises:
        ValidationError: also of each field, which hidden character is where.
    """
    inputs.refuse_problems(data_dict)
    return next_(context, data_dict)
