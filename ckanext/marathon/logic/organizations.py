"""What happens after an organisation is saved."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.marathon.domain.errors import Taken
from ckanext.marathon.logic.validators.organization import taken_message
from ckanext.marathon.model import municipality, package


def after_save(group_obj: Any) -> None:
    """Write down which municipality an organisation is, in the transaction of its save.

    Raises:
        ckan.plugins.toolkit.ValidationError: another one was first by an instant; everything is
            rolled back.
    """
    # CKAN calls packages' controllers by the same name, with packages.
    if not isinstance(group_obj, model.Group) or not group_obj.is_organization:
        return
    is_active = group_obj.state == model.State.ACTIVE
    code = package.read_stored_text(group_obj, "municipality_code") if is_active else None
    try:
        municipality.assign_municipality(group_obj.id, code)
    except Taken as taken:
        model.Session.rollback()
        message = taken_message(taken.key, taken.holder)
        raise tk.ValidationError({"municipality_code": [message]}) from None
