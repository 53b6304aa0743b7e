"""Records that the caller of the API may not see: to them they do not exist.

CKAN's pages answer so. Its API says 403 for a private record and 404 for an unknown one, from which
anybody could find out which ids exist. Within the site the two stay apart.
"""

from __future__ import annotations

from typing import Any

import flask
from ckan import model
from ckan.types import Context

from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.visibility import Viewer

# A record cannot have it: it is no UUID of any version.
UNKNOWN = "00000000-0000-0000-0000-000000000000"

# Actions that ask of each of many records whether it may be seen, and leave out the others.
_CHOOSING = frozenset({"dataset_followee_list", "followee_list"})


def is_unseen(context: Context, package: model.Package | None) -> bool:
    """Return whether a request of the API is for a record that its caller may not see.

    What an action does in the site's own name meanwhile (``ignore_auth``) is not.
    """
    is_api = flask.has_request_context() and flask.request.endpoint == "api.action"
    is_api = is_api and not context.get("ignore_auth")
    if is_api and (flask.request.view_args or {}).get("logic_function") in _CHOOSING:
        return False
    return bool(is_api and package is not None and not Viewer(context).may_see(package))


def replace_unseen(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return the data of an action on a record, ``id``, with an unknown one for one not to be seen.

    What the action answers is then what it answers for one that does not exist, by whatever way.
    """
    reference = data_dict.get("id") or data_dict.get("name")
    package = model.Package.get(reference) if is_reference(reference) else None
    return {**data_dict, "id": UNKNOWN} if is_unseen(context, package) else data_dict


def find_package_of_file(reference: Any) -> model.Package | None:
    """Return the package that has a file; ``None`` if there is no such file, or no more."""
    file = model.Resource.get(reference) if is_reference(reference) else None
    package = model.Package.get(file.package_id) if file else None
    # The files of a deleted package are still shown to those who may see it.
    is_gone = file and package and file.state != model.State.ACTIVE == package.state
    return None if is_gone else package


def replace_unseen_file(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return the data of an action on a file, ``id``; see :func:`replace_unseen`."""
    package = find_package_of_file(data_dict.get("id"))
    return {**data_dict, "id": UNKNOWN} if is_unseen(context, package) else data_dict
