"""Saving many packages in one transaction.

CKAN's ``package_create`` and ``package_update`` roll the whole transaction back if one package is
invalid, and with ``defer_commit`` the second one undoes its own change. So the rows of an import
are saved by the functions of this module: with the same schemas, validators, permission checks and
plugin hooks, and the chained actions of this extension, but without a commit, a rollback or Solr.
Afterwards :func:`index_packages` sends the packages to Solr in batches.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import plugins as lib_plugins
from ckan.lib import search
from ckan.lib.dictization import model_save
from ckan.types import Context, DataDict

from ckanext.marathon.logic import package as package_logic
from ckanext.marathon.logic import reindex
from ckanext.marathon.logic.action import package as package_action
from ckanext.marathon.logic.validators.idea import RESTORES
from ckanext.marathon.model import search_index

logger = logging.getLogger(__name__)

# Packages in one request to Solr.
BATCH = 200


def make_context(user: str, user_obj: model.User | None) -> Context:
    """Return the context in which one package is saved as this person.

    A system administrator may restore data needs with their ids of an export.
    """
    return cast(
        Context,
        {
            "model": model,
            "session": model.Session,
            "user": user,
            "auth_user_obj": user_obj,
            "defer_commit": True,
            "return_id_only": True,
            RESTORES: bool(user_obj is not None and user_obj.sysadmin),
        },
    )


def create_package(context: Context, data_dict: DataDict, is_trial: bool) -> str:
    """Create a package; commits nothing.

    Args:
        context: from :func:`make_context`.
        data_dict: as for ``package_create``.
        is_trial: whether the transaction will be rolled back; then other plugins are not told.

    Returns:
        the id of the package.

    Raises:
        ValidationError: it is invalid. Nothing was written, and the transaction goes on.
        NotAuthorized: the person may not create it.
    """

    def create(inner: Context, data: DataDict) -> Any:
        return _create(inner, data, is_trial)

    return cast(str, package_action.package_create(create, context, data_dict))


def update_package(context: Context, data_dict: DataDict, is_trial: bool) -> str:
    """Change a package; as :func:`create_package`. ``data_dict`` is as for ``package_update``."""

    def update(inner: Context, data: DataDict) -> Any:
        return _update(inner, data, is_trial)

    return cast(str, package_action.package_update(update, context, data_dict))


def delete_package(context: Context, package: model.Package) -> None:
    """Delete a package, which can be restored; commits nothing.

    The caller has checked that no other record depends on it.

    Raises:
        NotAuthorized: the person may not delete it.
    """
    tk.check_access("package_delete", context, {"id": package.id})
    for plugin in p.PluginImplementations(p.IPackageController):
        plugin.delete(package)
        plugin.after_dataset_delete(context, {"id": package.id})
    package.delete()
    members: Any = model.Session.query(model.Member).filter_by(
        table_id=package.id, state=model.State.ACTIVE
    )
    for membership in members:
        membership.delete()
    for collaborator in model.Session.query(model.PackageMember).filter_by(package_id=package.id):
        model.Session.delete(collaborator)
    model.Session.flush()


def _create(context: Context, data_dict: DataDict, is_trial: bool) -> str:
    plugin = lib_plugins.lookup_package_plugin(data_dict["type"])
    tk.check_access("package_create", context, data_dict)
    data = _validate(plugin, plugin.create_package_schema(), "package_create", context, data_dict)
    user = context.get("auth_user_obj")
    if user is not None:
        data["creator_user_id"] = user.id
    package = model_save.package_dict_save(data, context)[0]
    # Other plugins need the ids.
    model.Session.flush()
    data["id"] = package.id
    for row, resource in zip(data.get("resources") or [], package.resources, strict=False):
        row["id"] = resource.id
    if not data.get("metadata_modified"):
        package.metadata_modified = _now()
    _set_organization(context, package)
    if is_trial:
        package_logic.save_links_and_code(context, data)
        return package.id
    for plugin_ in p.PluginImplementations(p.IPackageController):
        plugin_.create(package)
        plugin_.after_dataset_create(context, data)
    if data.get("resources"):
        tk.get_action("package_create_default_resource_views")(
            tk.fresh_context(context, ignore_auth=True), {"package": data}
        )
    return package.id


def _update(context: Context, data_dict: DataDict, is_trial: bool) -> str:
    package = model.Package.get(data_dict["id"])
    assert package is not None
    context["package"] = package
    data_dict = {**data_dict, "id": package.id, "type": package.type}
    tk.check_access("package_update", context, data_dict)
    plugin = lib_plugins.lookup_package_plugin(package.type)
    data = _validate(plugin, plugin.update_package_schema(), "package_update", context, data_dict)
    saved, change = model_save.package_dict_save(data, context)
    if not change:
        return saved.id
    if not data.get("metadata_modified"):
        saved.metadata_modified = _now()
    _set_organization(context, saved)
    model.Session.flush()
    for row, resource in zip(data.get("resources") or [], saved.resources, strict=False):
        row["id"] = resource.id
    if is_trial:
        package_logic.save_links_and_code(context, data)
        return saved.id
    for plugin_ in p.PluginImplementations(p.IPackageController):
        plugin_.edit(saved)
        plugin_.after_dataset_update(context, data)
    return saved.id


def _validate(
    plugin: Any, schema: Any, action: Any, context: Context, data_dict: DataDict
) -> dict[str, Any]:
    """Return the validated data.

    Raises:
        ValidationError: it is invalid; CKAN's actions would roll back here.
    """
    data, errors = lib_plugins.plugin_validate(plugin, context, data_dict, schema, action)
    if errors:
        raise tk.ValidationError(errors)
    cast(dict[str, Any], context)[_SAVING] = True
    return data


_SAVING = "marathon_is_saving"


def is_saving(context: Context) -> bool:
    """Return whether a package was valid, so that an error after that is one of the save itself."""
    return bool(cast(dict[str, Any], context).get(_SAVING))


def _set_organization(context: Context, package: model.Package) -> None:
    tk.get_action("package_owner_org_update")(
        tk.fresh_context(context, ignore_auth=True, defer_commit=True),
        {"id": package.id, "organization_id": package.owner_org},
    )


def _now() -> datetime:
    # CKAN's columns of times have no zone and are UTC.
    return datetime.now(UTC).replace(tzinfo=None)


_EDITED_COLUMNS = ("name", "title", "notes", "url", "version", "license_id", "private")


def digest_package(package: model.Package) -> str:
    """Return a digest of what people can edit of a package, in the session's state."""
    content = {
        **{name: getattr(package, name) for name in _EDITED_COLUMNS},
        "state": package.state,
        "owner_org": package.owner_org,
        "extras": {k: v for k, v in (package.extras or {}).items() if v not in ("", "[]", None)},
        "tags": sorted(tag.name for tag in package.get_tags()),
        "resources": [
            [resource.id, resource.url, resource.name, resource.description, resource.format]
            for resource in package.resources
        ],
    }
    text = json.dumps(content, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def index_packages(package_ids: Sequence[str]) -> None:
    """Send committed packages to Solr in batches, and delete the notes about them.

    What is left after a fault is indexed by a background job, because the notes stay.
    """
    try:
        for start in range(0, len(package_ids), BATCH):
            batch = package_ids[start : start + BATCH]
            notes = search_index.claim_packages(batch)
            search.rebuild(package_ids=list(batch), defer_commit=True, force=True, quiet=True)
            search_index.settle_notes(notes)
            model.Session.commit()
            model.Session.expunge_all()
        search.commit()
    except Exception:
        # The records are saved, so nobody may be told otherwise.
        model.Session.rollback()
        logger.exception("Imported records are not in the search index yet; a job indexes them")


def tell_plugins(context: Context, results: Mapping[str, Sequence[str]]) -> None:
    """Send CKAN's signal of a successful action for saved packages, for example to the activity.

    Args:
        context: from :func:`make_context`; the session's transaction is committed.
        results: ``package_create`` and ``package_update`` → ids of packages.
    """
    try:
        for action, ids in results.items():
            for start in range(0, len(ids), BATCH):
                for id_ in ids[start : start + BATCH]:
                    inner: Any = {**context, "changed_entities": {"packages": {id_}}}
                    tk.signals.action_succeeded.send(
                        action, context=inner, data_dict={"id": id_}, result={"id": id_}
                    )
                model.Session.commit()
                model.Session.expunge_all()
    except Exception:
        # The records are saved, so nobody may be told otherwise.
        model.Session.rollback()
        logger.exception("Other plugins could not be told of all imported records")


def mark_for_index(package_ids: Sequence[str]) -> None:
    """Note saved packages, so that they are indexed even if this process ends after the commit."""
    reindex.mark_for_index(package_ids)
