"""Imports of workbooks: uploading, previewing, confirming, listing and undoing them."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context, DataDict

from ckanext.marathon.logic import import_runs, import_undo, schema
from ckanext.marathon.logic.import_runs import SentFile
from ckanext.marathon.model import importing as ledger
from ckanext.marathon.model.importing import Import
from ckanext.marathon.spreadsheets.paste import write_pasted

MOST_IMPORTS = 50


@tk.validate_action_data(schema.marathon_import_create)
def marathon_import_create(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Upload workbooks and find what importing them would do; nothing is saved yet.

    Args:
        context: as CKAN's.
        data_dict: ``upload`` (one or several files: XLSX, ODS, XLS, CSV), or ``pasted`` (rows of a
            spreadsheet as text with tabs) and ``sheet`` (which rows those are);
            ``organization`` (id or name, of rows that name none).

    Returns:
        the import, as ``marathon_import_show``. Larger files are read in the background: ask again
        until ``state`` is ``previewed``.

    Raises:
        ValidationError: there is no file, or it is too large.
    """
    tk.check_access("marathon_import_create", context, data_dict)
    sent = [SentFile(file.filename or "archivo", file.read()) for file in data_dict["upload"]]
    sent = [file for file in sent if file.content]
    if data_dict["pasted"].strip():
        sent.append(SentFile(*write_pasted(data_dict["pasted"], data_dict["sheet"])))
    organization = model.Group.get(data_dict["organization"]) if data_dict["organization"] else None
    person = _find_person(context)
    import_id = import_runs.start_import(person, organization.id if organization else "", sent)
    return dictize_import(_find_own(context, import_id))


@tk.validate_action_data(schema.marathon_import_confirm)
def marathon_import_confirm(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Make an import that was previewed.

    Args:
        context: as CKAN's.
        data_dict: ``id``; ``keep_going`` (save the good rows although others have problems).

    Returns:
        the import, as ``marathon_import_show``.

    Raises:
        ValidationError: it is not previewed, or made already.
    """
    tk.check_access("marathon_import_show", context, data_dict)
    found = _find_own(context, data_dict["id"])
    import_runs.confirm_import(found, data_dict["keep_going"])
    return dictize_import(_find_own(context, found.id))


@tk.side_effect_free
@tk.validate_action_data(schema.marathon_import_show)
def marathon_import_show(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Return one import: who, when, the files, and what it did or would do.

    Args:
        context: as CKAN's.
        data_dict: ``id``.

    Raises:
        ObjectNotFound: there is none, or it is somebody else's.
    """
    tk.check_access("marathon_import_show", context, data_dict)
    return dictize_import(_find_own(context, data_dict["id"]))


@tk.side_effect_free
def marathon_import_list(context: Context, data_dict: DataDict) -> list[dict[str, Any]]:
    """Return the person's last imports, the newest first; without their problems and records."""
    tk.check_access("marathon_import_list", context, data_dict)
    person = _find_person(context)
    return [
        {key: value for key, value in dictize_import(found).items() if key not in _LONG}
        for found in ledger.list_imports(person.id, MOST_IMPORTS)
    ]


@tk.validate_action_data(schema.marathon_import_undo)
def marathon_import_undo(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Undo an import: delete what it created, restore what it changed.

    What was edited since stays, and is listed in ``undo``.

    Args:
        context: as CKAN's.
        data_dict: ``id``.

    Returns:
        the import, as ``marathon_import_show``.

    Raises:
        ValidationError: it saved nothing, or is undone already.
    """
    tk.check_access("marathon_import_show", context, data_dict)
    found = _find_own(context, data_dict["id"])
    import_undo.undo_import(found.id, _find_person(context).name)
    return dictize_import(_find_own(context, found.id))


_LONG = ("problems", "notices", "records", "undo")


def dictize_import(found: Import) -> dict[str, Any]:
    """Return an import as a dict."""
    report = found.report
    return {
        "id": found.id,
        "at": found.at.isoformat(),
        "user": found.user_name,
        "organization": found.organization,
        "files": found.files,
        "state": found.state,
        "progress": found.progress,
        "counts": report.get("counts", []),
        "problem_count": report.get("problem_count", 0),
        "examples": report.get("examples", 0),
        "problems": report.get("problems", []),
        "notices": report.get("notices", []),
        "records": report.get("records", []),
        "broken": report.get("broken", ""),
        "has_rows_to_mend": ledger.read_file_to_mend(found.id) is not None,
        "undone_at": found.undone_at.isoformat() if found.undone_at else None,
        "undone_by": found.undone_by,
        "undo": found.undo,
    }


def _find_own(context: Context, import_id: str) -> Import:
    """Return an import of the person, or of anybody for a system administrator.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: there is none.
    """
    found = ledger.find_import(import_id)
    person = _find_person(context)
    if found is None or (found.user_id != person.id and not person.sysadmin):
        raise tk.ObjectNotFound(tk._("Not found"))
    return found


def _find_person(context: Context) -> model.User:
    person = model.User.get(context.get("user"))
    if person is None:
        raise tk.NotAuthorized(tk._("Log in to import"))
    return person
