"""What was public and no longer is: 410, so that programs that copied it delete it."""

from __future__ import annotations

from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.types import Context, Response
from flask import request

from ckanext.marathon import visibility
from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.model import audit, dataset, feed_log

# Pages, RDF and downloads of files.
FILES = frozenset(
    {"marathon_thing.distribution", "resource.download"}
    | {f"{kind}_resource.{name}" for kind in TYPES for name in ("read", "download")}
)


def refuse_gone_file() -> None:
    """Answer 410 to a request for a file that was public, or its record, and no longer is.

    Called where files that are not for the visitor are answered with 404
    (``odd_requests.hide_unseen_records``), before that.
    """
    values = request.view_args or {}
    reference, file = values.get("id"), values.get("resource_id")
    if request.endpoint not in FILES or not is_reference(reference):
        return
    package = model.Package.get(reference)
    if is_gone(package, reference) or (is_reference(file) and _is_gone_file(package, file)):
        refuse_gone()


def is_gone(package: Any, reference: str) -> bool:
    """Return whether a record was public and no longer is, for who asks."""
    is_public = package is not None and visibility.is_public(package)
    known = package.id if package else reference
    # To see it is to read all of it, which for what everybody sees would be in vain.
    return not is_public and feed_log.was_public(known) and not show_public(reference)


def _is_gone_file(package: model.Package | None, file: str) -> bool:
    """Return whether a file was deleted from a dataset after that became public."""
    stored = model.Resource.get(file)
    if package is None or (stored is not None and stored.state == model.State.ACTIVE):
        return False
    since = dataset.read_first_published([package.id]).get(package.id)
    return since is not None and audit.is_deleted_since(file, package.id, since)


def refuse_gone() -> Response:
    """Answer 410; after 404 a program might take it for a mistake and keep its copy."""
    return tk.abort(410, tk._("It is no longer public"))


def show_public(reference: str) -> dict[str, Any] | None:
    """Return a record as everybody sees it, if who asks may see it; else ``None``."""
    # Copies travel: what is masked for the public is masked in them for everybody.
    context = {
        "user": current_user.name,
        "auth_user_obj": current_user,
        "use_cache": False,
        visibility.OUTSIDER: True,
    }
    try:
        return tk.get_action("package_show")(cast(Context, context), {"id": reference})
    except (tk.ObjectNotFound, tk.NotAuthorized):
        return None
