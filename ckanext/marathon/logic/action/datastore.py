"""Our rules around the actions of CKAN's DataStore, on a site that has one.

A table has the id of its file. The DataStore tells in other words that a table does not exist than
that a person may not see its file, and so which ids exist; here both get the same answer.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Action, Context, DataDict

from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.logic import permissions
from ckanext.marathon.model import datastore

_READING = ("datastore_info", "datastore_search")
_WRITING = ("datastore_create", "datastore_upsert", "datastore_delete", "datastore_records_delete")


def collect_datastore_actions() -> dict[str, Any]:
    """Return name → chained action; empty on a site without a DataStore."""
    if not datastore.is_available():
        return {}
    chained: dict[str, Any] = dict.fromkeys(_READING, _read_table)
    return chained | dict.fromkeys(_WRITING, _write_table)


@tk.chained_action
@tk.side_effect_free
def _read_table(next_: Action, context: Context, data_dict: DataDict) -> Any:
    """Read a table; see CKAN's action.

    Raises:
        ObjectNotFound: there is no such table, or the caller may not see its file.
    """
    _hide_file(context, data_dict)
    try:
        return next_(context, data_dict)
    except tk.ObjectNotFound:
        raise tk.ObjectNotFound(tk._("Not found")) from None


@tk.chained_action
def _write_table(next_: Action, context: Context, data_dict: DataDict) -> Any:
    """Write a table; see CKAN's action.

    Raises:
        ObjectNotFound: there is no such file, or the caller may not see it.
    """
    _hide_file(context, data_dict)
    reference = data_dict.get("resource_id")
    if is_reference(reference) and reference and model.Resource.get(reference) is None:
        raise tk.ObjectNotFound(tk._("Not found"))
    return next_(context, data_dict)


def _hide_file(context: Context, data_dict: DataDict) -> None:
    for name in ("resource_id", "id"):
        package = permissions.find_package_of_file(data_dict.get(name))
        if permissions.is_hidden_from_caller(context, package):
            raise tk.ObjectNotFound(tk._("Not found"))
