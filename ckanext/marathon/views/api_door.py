"""The door of the API: parameters of a wrong type are refused before any action runs."""

from __future__ import annotations

import sys
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.common import current_user, json
from ckan.types import Response
from flask import Blueprint, make_response, request

from ckanext.marathon.logic import parameters

api_door = Blueprint("marathon_api_door", __name__)


@api_door.before_app_request
def check_parameter_types() -> Response | None:
    """Answer 409 with the parameter's name and what is expected there, or let the call pass."""
    if request.endpoint != "api.action":
        return None
    name = (request.view_args or {}).get("logic_function", "")
    try:
        action = tk.get_action(name)
    except KeyError:
        return None
    reads = bool(getattr(action, "side_effect_free", False))
    try:
        data = request_data(reads)
    except ValueError:
        # CKAN says itself that it is no JSON.
        return None
    except RecursionError:
        return _refusal(
            name, 400, "Bad request", {"message": tk._("The data is nested too deeply")}
        )
    if reads and parameters.names_what_cannot_exist(data):
        return _refusal(name, 404, "Not Found Error", {"message": tk._("Not found")})
    errors = parameters.find_wrong_types(name, data, writes=not reads)
    for field, files in request.files.lists():
        if len(files) > 1:
            # CKAN would take the first.
            errors[field] = [tk._("One file at a time: send each by itself")]
    if errors:
        return _refusal(name, 409, "Validation Error", errors)
    try:
        parameters.check_assumptions(name, data, current_user.name)
    except tk.ValidationError as fault:
        return _refusal(name, 409, "Validation Error", fault.error_dict)
    except tk.ObjectNotFound:
        return _refusal(name, 404, "Not Found Error", {"message": tk._("Not found")})
    except tk.NotAuthorized:
        return _refusal(name, 403, "Authorization Error", {"message": tk._("Access denied")})
    return None


def request_data(reads: bool) -> dict[str, Any]:
    """Return the parameters as CKAN's API takes them out of the request."""
    # CKAN loads its views again for each application; the one of this application is listed.
    return sys.modules["ckan.views.api"]._get_request_data(try_url_params=reads)


def _refusal(action: str, status: int, kind: str, error: dict[str, Any]) -> Response:
    help_ = tk.h.url_for(
        "api.action", logic_function="help_show", ver=3, name=action, _external=True
    )
    body = {"help": help_, "success": False, "error": {**error, "__type": kind}}
    answer = make_response(json.dumps(body), status)
    answer.headers["Content-Type"] = "application/json;charset=utf-8"
    return answer
