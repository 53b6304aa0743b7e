"""While a backup is being restored, nobody is shown half of it."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint

from ckanext.marathon.operations import backup_manifest

from . import parts

restoring = Blueprint("marathon_restoring", __name__)

SECONDS = 60


@restoring.before_app_request
def refuse_while_restoring() -> Response | None:
    """Answer 503 while a restore is under way, or was interrupted."""
    if not backup_manifest.is_restoring():
        return None
    return parts.busy(tk._("The site is being restored from a backup. Try again later."), SECONDS)
