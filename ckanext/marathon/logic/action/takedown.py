"""Taking records down for legal reasons, with all their traces."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context, DataDict

from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.logic import erasing, schema
from ckanext.marathon.logic.erasing import dictize_takedown
from ckanext.marathon.model import audit, takedown


@tk.validate_action_data(schema.marathon_takedown)
def marathon_takedown(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Purge a dataset, workshop, idea or commitment, and add it to the list of takedowns.

    All of its traces are removed: activities, followers, tags that no other record has, mentions in
    the activities of other records, files, tables of the DataStore, background jobs and the entry
    in the search index. The feed keeps a tombstone, so that portals that follow it delete the
    record too. Records that depend on it lose the link. This cannot be undone.

    A second call with the id of a removed record repeats the steps that failed.

    Args:
        context: as CKAN's.
        data_dict: ``id`` (or name), and ``reason``, a text of at most 5,000 characters.

    Returns:
        ``id``, ``type``, ``files`` (number of removed uploads) and ``unfinished``: the steps that
        failed (``search`` while Solr is away, ``files``, …) and will be tried again.

    Raises:
        NotAuthorized: no sysadmin.
        ObjectNotFound: there is no such record, and no unfinished takedown of it.
        ValidationError: at ``reason``.
    """
    tk.check_access("marathon_takedown", context, data_dict)
    audit.note_actor(context.get("user"))
    reference = data_dict["id"]
    package = model.Package.get(reference) if is_reference(reference) else None
    if package is not None:
        id_ = package.id
        user = model.User.get(context.get("user"))
        entry = erasing.make_entry(package, data_dict["reason"], user.id if user else None)
        unfinished = erasing.take_down(package, entry)
    else:
        row = takedown.find_takedown(reference) if is_reference(reference) else None
        if row is None or not row.pending:
            raise tk.ObjectNotFound(tk._("Not found"))
        id_ = row.thing
        unfinished = erasing.finish_takedown(id_)
    if unfinished:
        erasing.enqueue_finishing()
    row = takedown.find_takedown(id_)
    assert row is not None, "written with the purge"
    return {"id": id_, "type": row.kind, "files": row.files, "unfinished": unfinished}


@tk.side_effect_free
def marathon_takedown_list(context: Context, data_dict: DataDict) -> list[dict[str, Any]]:
    """Return the list of takedowns, the newest first.

    Returns:
        dicts of ``id``, ``type``, ``reason``, ``files``, ``resources`` (ids), ``at`` (ISO 8601) and
        ``user_id``, which ``marathon_takedown_apply`` accepts on another site.

    Raises:
        NotAuthorized: no sysadmin.
    """
    tk.check_access("marathon_takedown_list", context, data_dict)
    return [dictize_takedown(row) for row in takedown.list_takedowns()]


@tk.validate_action_data(schema.marathon_takedown_apply)
def marathon_takedown_apply(context: Context, data_dict: DataDict) -> dict[str, list[str]]:
    """Take down the existing records of a list and of the site's own list; idempotent.

    For a site that was restored from a backup, or that is a copy of another site. All entries are
    added to the site's own list, and failed steps of earlier takedowns are repeated.

    Args:
        context: as CKAN's.
        data_dict: ``takedowns``, a list from ``marathon_takedown_list``; without it only the site's
            own list is applied.

    Returns:
        lists of ids: ``taken_down``, ``added`` (was not in the database), ``known`` (was on the
        site's own list), and those of them that are ``unfinished`` because a step failed.

    Raises:
        NotAuthorized: no sysadmin.
        ValidationError: at ``takedowns``, with row and field; nothing was taken down.
    """
    tk.check_access("marathon_takedown_apply", context, data_dict)
    audit.note_actor(context.get("user"))
    result = erasing.apply_list(data_dict["takedowns"])
    if result["unfinished"]:
        erasing.enqueue_finishing()
    return result
