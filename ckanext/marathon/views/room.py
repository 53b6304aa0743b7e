"""What a save is answered while the disk is full: 503, with the form as it was filled in."""

from __future__ import annotations

import json
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, current_app, request

from ckanext.marathon.logic import room as rules
from ckanext.marathon.logic.room import NoRoom
from ckanext.marathon.model import disk

from .error_page import error_page

room = Blueprint("marathon_room", __name__)

RETRY_SECONDS = 300


@room.app_errorhandler(NoRoom)
def answer_no_room(refusal: NoRoom) -> Response:
    """Answer a save that no form takes the refusal of."""
    return error_page(503, tk._("Disk full"), refusal.text)


@room.app_errorhandler(OSError)
def answer_full_disk(fault: OSError) -> Any:
    """Answer where a file could not be written; other faults are as CKAN answers them."""
    if disk.is_disk_full(fault):
        return answer_no_room(NoRoom())
    handler: Any = current_app.error_handler_spec[None][None].get(Exception)
    if handler is None:
        raise fault
    return handler(fault)


@room.after_app_request
def set_status(response: Response) -> Response:
    """Give the answer to a save that was refused the status that programs understand.

    CKAN's forms and API take the refusal for one of validation.
    """
    text = rules.get_refusal()
    if text is None or 300 <= response.status_code < 400:
        return response
    response.status_code = 503
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    if request.path.startswith("/api/"):
        error = {"__type": "Disk Full", "message": text}
        response.set_data(json.dumps({"success": False, "error": error}))
        response.content_type = "application/json;charset=utf-8"
    return response
