"""Taking something down for legal reasons, so that nothing of it stays."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context

from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.logic import erasing, schema
from ckanext.marathon.logic.erasing import dictize_takedown
from ckanext.marathon.model import audit, takedown


@tk.validate_action_data(schema.marathon_takedown)
def marathon_takedown(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Purge a dataset, workshop, idea or commitment with its files, and write down that it was.

    Nothing of it stays: activities, followers, tags that nothing else has, what other records'
    activities repeat of it, files, tables of the DataStore, background jobs, the search index. The
    feed keeps a tombstone: portals that follow it delete it, too. What depends on it loses the
    link. There is no way back.

    Called again with the id of a record that is gone, it finishes what could not be removed then.

    Args:
        context: as CKAN's.
        data_dict: ``id`` (or name), and ``reason``, a text of at most 5,000 characters.

    Returns:
        ``id``, ``type``, ``files`` (how many uploaded files were removed) and ``unfinished``: what
        could not be removed yet (``search`` while Solr is away, ``files``, …) and is tried again.

    Raises:
        NotAuthorized: no sysadmin.
        ObjectNotFound: there is nothing of this id or name.
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
def marathon_takedown_list(context: Context, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what was taken down, the newest first.

    Returns:
        rows of ``id``, ``type``, ``reason``, ``files``, ``resources`` (ids), ``at`` (ISO 8601) and
        ``user_id``: what ``marathon_takedown_apply`` takes on another site.

    Raises:
        NotAuthorized: no sysadmin.
    """
    tk.check_access("marathon_takedown_list", context, data_dict)
    return [dictize_takedown(row) for row in takedown.list_takedowns()]


@tk.validate_action_data(schema.marathon_takedown_apply)
def marathon_takedown_apply(context: Context, data_dict: dict[str, Any]) -> dict[str, list[str]]:
    """Take down what is on a list, and on the site's own, and is there; finish what is unfinished.

    For a site that was restored from a backup, or that copied another one. What is not there is
    added to the site's list. Calling it again does nothing more.

    Args:
        context: as CKAN's.
        data_dict: ``takedowns``, a list of rows as ``marathon_takedown_list`` returns them; left
            out, the site's own list is applied alone.

    Returns:
        ids: ``taken_down``, ``added`` to the list, ``known`` (nothing was to do), and of these
        ``unfinished``, where something could not be removed yet.

    Raises:
        NotAuthorized: no sysadmin.
        ValidationError: at ``takedowns``: which row and field is wrong; nothing was done then.
    """
    tk.check_access("marathon_takedown_apply", context, data_dict)
    audit.note_actor(context.get("user"))
    result = erasing.apply_list(data_dict["takedowns"])
    if result["unfinished"]:
        erasing.enqueue_finishing()
    return result
