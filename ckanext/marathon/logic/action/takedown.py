"""Taking something down for legal reasons, so that nothing of it stays."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import uploader
from ckan.types import Context

from ckanext.marathon.domain.texts import is_blank, is_reference, is_storable
from ckanext.marathon.logic.packages import SHOWN
from ckanext.marathon.model import pages, records, takedown

LONGEST_REASON = 5_000


def marathon_takedown(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Purge a dataset, workshop, idea or commitment with its files, and write down that it was.

    The feed keeps a tombstone: portals that follow it delete it, too. What depends on it loses the
    link. There is no way back.

    Args:
        context: as CKAN's.
        data_dict: ``id`` (or name), and ``reason``, a text of at most 5,000 characters.

    Returns:
        ``id``, ``type`` and ``files`` (how many uploaded files were removed).

    Raises:
        NotAuthorized: no sysadmin.
        ObjectNotFound: there is nothing of this id or name.
        ValidationError: at ``reason``.
    """
    tk.check_access("marathon_takedown", context, data_dict)
    reason = data_dict.get("reason")
    if not isinstance(reason, str) or is_blank(reason) or len(reason) > LONGEST_REASON:
        message = tk._("Write the reason as a text of at most 5,000 characters")
        raise tk.ValidationError({"reason": [message]})
    if not is_storable(reason):
        message = tk._("The text contains characters that cannot be stored")
        raise tk.ValidationError({"reason": [message]})
    reference = data_dict.get("id")
    package = model.Package.get(reference) if is_reference(reference) else None
    if package is None or package.type not in (*SHOWN, records.COMMITMENT):
        raise tk.ObjectNotFound(tk._("Not found"))
    files = [each.id for each in package.resources_all if each.url_type == "upload"]
    found = {"id": package.id, "type": package.type, "files": len(files)}
    user = model.User.get(context.get("user"))
    # Committed with the purge.
    takedown.record(package.id, package.type, reason.strip(), len(files), user.id if user else None)
    tk.get_action("dataset_purge")(context, {"id": package.id})
    for resource in files:
        _remove_file(resource)
    pages.forget_outdated()
    model.Session.commit()
    return found


@tk.side_effect_free
def marathon_takedown_list(context: Context, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what was taken down, the newest first.

    Returns:
        rows of ``id``, ``type``, ``reason``, ``files``, ``at`` (ISO 8601) and ``user_id``.

    Raises:
        NotAuthorized: no sysadmin.
    """
    tk.check_access("marathon_takedown_list", context, data_dict)
    return [
        {
            "id": row.thing,
            "type": row.kind,
            "reason": row.reason,
            "files": row.files,
            "at": row.at.isoformat(),
            "user_id": row.user_id,
        }
        for row in takedown.every()
    ]


def _remove_file(resource: str) -> None:
    """Remove an uploaded file as CKAN does where a link takes its place."""
    upload: Any = uploader.get_resource_uploader({"id": resource, "url": ""})
    upload.filename, upload.clear = None, True
    upload.upload(resource)
