"""Former versions of a file, which ckanext-activity shows to everybody who sees the dataset."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan.types import Context
from flask import Blueprint

from ckanext.marathon.logic.parameters import check_activity

activity = Blueprint("marathon_activity", __name__)

_FILE_VERSION = "activity.resource_history"


@activity.before_app_request
def check_version_access() -> None:
    """Ask of a former version of a file what that plugin asks of one of a dataset.

    Its page ``/dataset/<id>/resources/<id>/history/<id>`` reads the version without asking. Who
    may not see the dataset gets 404, as for a dataset that does not exist.
    """
    if tk.request.endpoint != _FILE_VERSION:
        return
    version: dict[str, Any] = tk.request.view_args or {}
    context = Context(user=tk.current_user.name, auth_user_obj=tk.g.userobj)
    try:
        check_activity(version.get("activity_id"), tk.current_user.name)
        tk.check_access("activity_data_show", context, {"id": version.get("activity_id")})
    except (tk.ObjectNotFound, tk.ValidationError):
        tk.abort(404, tk._("Not found"))
    except tk.NotAuthorized:
        tk.abort(403, tk._("Unauthorized to view activity data"))
