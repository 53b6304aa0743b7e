"""What was taken down stays away after a restore: all lists that know of it are applied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.logic import say
from ckanext.marathon.logic.takedown_file import LIST_FILE, dictize_entry, read_list_file
from ckanext.marathon.operations import backup_loading, backup_state, restore_note
from ckanext.marathon.operations.backup_manifest import BackupFault, Manifest, Progress

Rows = list[dict[str, Any]]


def collect_takedowns(manifest: Manifest, further: Rows) -> Rows:
    """Return what was taken down, as an interrupted restore, the site, its file and a backup say.

    Args:
        manifest: of the backup.
        further: rows of another list.

    Raises:
        BackupFault: the file of ``ckanext.marathon.takedown_list`` cannot be read.
    """
    return unite_takedowns(
        restore_note.read_takedowns(),
        _present_takedowns(),
        _listed_takedowns(),
        manifest.takedowns,
        further,
    )


def unite_takedowns(*lists: Iterable[dict[str, Any]]) -> Rows:
    """Return the rows of several takedown lists, one of each id, with the files that any names."""
    union: dict[str, dict[str, Any]] = {}
    for row in (row for rows in lists for row in rows):
        known = union.get(row["id"], {})
        resources = sorted({*known.get("resources", ()), *row.get("resources", ())})
        union[row["id"]] = {**row, **known, "resources": resources}
    return list(union.values())


def _present_takedowns() -> Rows:
    with backup_loading.engine().connect() as connection:
        return backup_state.read_takedowns(connection)


def _listed_takedowns() -> Rows:
    """Return the rows of the file that the site's takedowns are added to.

    Raises:
        BackupFault: it cannot be read.
    """
    try:
        return [dictize_entry(entry) for entry in read_list_file()]
    except (OSError, Malformed) as error:
        fault = say.text(error.fault) if isinstance(error, Malformed) else error
        message = tk._("The file of {option} cannot be read: {fault}")
        raise BackupFault(message.format(option=LIST_FILE, fault=fault)) from None


def apply_takedowns(takedowns: Rows, progress: Progress) -> None:
    """Take down what is on the list and was brought back; write the rest into the list."""
    progress(0, 1)
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})
    context = cast("Context", {"user": user["name"], "ignore_auth": True})
    apply = tk.get_action("marathon_takedown_apply")
    unfinished = apply(context, {"takedowns": takedowns})["unfinished"]
    if unfinished:
        message = tk._("Something of {ids} could not be removed; the log says what.")
        raise BackupFault(message.format(ids=", ".join(unfinished)))
    model.Session.commit()
    progress(1, 1)
