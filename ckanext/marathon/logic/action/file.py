"""Files: replacing them, their former versions, and their tables."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context, DataDict
from werkzeug.datastructures import FileStorage

from ckanext.marathon.logic import file_version as version_logic
from ckanext.marathon.logic import messages, permissions, schema
from ckanext.marathon.logic import table as table_logic
from ckanext.marathon.logic.file_version import WantedReplacement, dictize_version
from ckanext.marathon.model import audit, datastore, file_version, table
from ckanext.marathon.model.table import TableState


@tk.validate_action_data(schema.marathon_file_replace)
def marathon_file_replace(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Replace an uploaded file by the one of the next period.

    Its id and download address stay. Size, checksum, media type, format and the day of the change
    are those of the new file; month and year in its title, and the period of the dataset, are
    renewed if the file tells its period. The file before is kept as a version.

    Args:
        context: as CKAN's.
        data_dict: ``id`` of the file; ``upload``, the new file; ``name``, its title (by default the
            one before with the new period); ``erase_previous``, true if nothing is to be kept of
            the file before because it had personal data; ``beside``, true to add the new file
            after the others and leave this one as it is; ``reason``, why what looks like personal
            data in a table may be published.

    Returns:
        ``resource``, the number of the kept ``version`` or ``None``, and ``changes``: ``rows``
        (before and after), ``added`` and ``removed`` columns, and ``new_values`` of columns with
        codes; empty unless both files are tables.

    Raises:
        NotAuthorized: the person may not edit the record.
        ObjectNotFound: there is no such file.
        ValidationError: at ``upload``, if it is missing, empty, too large or the same file; at
            ``reason``, if the table looks as if it had personal data.
    """
    data = permissions.replace_hidden_file_id(context, data_dict)
    tk.check_access("marathon_file_replace", context, data)
    audit.note_actor(context.get("user"))
    stored = model.Resource.get(data["id"])
    if stored is None:
        raise tk.ObjectNotFound(tk._("Not found"))
    upload = data.get("upload")
    if not isinstance(upload, FileStorage):
        raise tk.ValidationError({"upload": [tk._("Choose the file that takes its place.")]})
    with messages.collect_notices(context) as collected:
        wanted = WantedReplacement(
            upload, data["name"], data["beside"], data["erase_previous"], data["reason"]
        )
        result = version_logic.replace_file(context, stored, wanted)
        collected.deliver(result)
        return result


@tk.side_effect_free
@tk.validate_action_data(schema.marathon_file_version_list)
def marathon_file_version_list(context: Context, data_dict: DataDict) -> list[dict[str, Any]]:
    """Return the former versions of a file, the newest first.

    Args:
        context: as CKAN's.
        data_dict: ``id`` of the file.

    Returns:
        dicts of ``number``, ``name``, ``file_name``, ``format``, ``mimetype``, ``size`` (bytes),
        ``hash`` (SHA-256), ``uploaded`` and ``replaced`` (ISO 8601), ``is_erased``, ``url`` ("" for
        an erased one) and ``changes``, what the next version changed.

    Raises:
        NotAuthorized: the person may not see the file.
        ObjectNotFound: there is no such file.
    """
    data = permissions.replace_hidden_file_id(context, data_dict)
    tk.check_access("marathon_file_version_list", context, data)
    return [
        dictize_version(version, find_version_address(version))
        for version in file_version.list_versions(data["id"])
    ]


def find_version_address(version: file_version.FileVersion) -> str:
    """Return the address at which a version is downloaded."""
    return tk.h.url_for(
        "marathon_file.version",
        id=version.package_id,
        resource_id=version.resource_id,
        number=version.number,
        locale="default",
        qualified=True,
    )


@tk.side_effect_free
@tk.validate_action_data(schema.marathon_table_show)
def marathon_table_show(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Return the state of a file's table, and its sheets with their columns.

    Args:
        context: as CKAN's.
        data_dict: ``id`` of the file.

    Returns:
        ``state`` (``waiting``, ``loading``, ``loaded``, ``failed``, or ``none`` if it is no table),
        ``since`` (ISO 8601), ``in_datastore``, ``fault`` (why it cannot be read) and ``sheets``:
        dicts of ``name``, ``rows`` and ``columns`` (``name``, ``label``, ``type``).

    Raises:
        NotAuthorized: the person may not see the file.
        ObjectNotFound: there is no such file.
    """
    data = permissions.replace_hidden_file_id(context, data_dict)
    tk.check_access("marathon_table_show", context, data)
    found = table.find_table(data["id"])
    if found is None or found.state == TableState.GONE:
        return {"state": "none", "since": None, "in_datastore": False, "fault": "", "sheets": []}
    fault = messages.write_fault(table_logic.read_fault(found.fault)) if found.fault else ""
    return {
        "state": found.state,
        "since": found.since.isoformat(),
        "in_datastore": found.state == TableState.LOADED
        and found.is_stored
        and datastore.is_available(),
        "fault": fault,
        "sheets": [
            {
                "name": sheet["name"],
                "rows": sheet["rows"],
                "columns": [
                    {name: column[name] for name in ("name", "label", "type")}
                    for column in sheet["columns"]
                ],
            }
            for sheet in found.sheets
        ],
    }
