"""CKAN's members of groups, which may be datasets: only those that the person may see."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckan.types import Action, Context

from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.visibility import Viewer


@tk.chained_action
def member_create(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Make something a member of a group; see CKAN's ``member_create``.

    CKAN asks for rights over the group alone, and answers otherwise for a private record than for
    an unknown one.

    Raises:
        ObjectNotFound: it is a record that the person may not see.
        NotAuthorized: it is a record, and the group an organisation: what an organisation owns is
            said by ``owner_org`` of the record.
    """
    package = _package(data_dict)
    if package is not None and not context.get("ignore_auth"):
        if not Viewer(context).may_see(package):
            # In CKAN's words for one that does not exist.
            raise tk.ObjectNotFound("Package was not found.")
        group = _group(data_dict)
        is_sysadmin = authz.is_sysadmin(context.get("user"))
        if group is not None and group.is_organization and not is_sysadmin:
            raise tk.NotAuthorized(tk._("Change the organisation of the record instead"))
    return next_(context, data_dict)


def _group(data_dict: dict[str, Any]) -> model.Group | None:
    reference = data_dict.get("id")
    return model.Group.get(reference) if is_reference(reference) else None


def _package(data_dict: dict[str, Any]) -> model.Package | None:
    reference = data_dict.get("object")
    if data_dict.get("object_type") != "package" or not is_reference(reference):
        return None
    return model.Package.get(reference)
