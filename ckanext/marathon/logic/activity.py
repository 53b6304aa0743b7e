"""The part of a record that ckanext-activity may store and show.

That plugin stores the result of ``package_show`` with every change and shows it in lists that
everybody may read. So every new row is reduced to the public part of the record before it is
written, also rows that other plugins add. ``ckan marathon activity scrub`` reduces older rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz
from ckan.types import Context

from ckanext.marathon.domain.texts import is_json_list, is_json_object, remove_hidden
from ckanext.marathon.feeds.port import Touched
from ckanext.marathon.model import activity
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.unit_of_work import UnitOfWork
from ckanext.marathon.search import document
from ckanext.marathon.visibility import Viewer

PLUGIN = "activity"
# Fields with ids of other records. These may become private later, and the row would still have
# their ids.
_LINKS = {package_model.DATASET: ("idea", "data_need"), package_model.IDEA: ("workshop",)}
# The keys under which a row has a record, and the fields of the record that lists show.
_KEPT = ("package", "group")
_NAMES = ("id", "name", "title", "type", "status", "is_organization")


def strip_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data that an activity may store: the public part of its record.

    Args:
        data: the row's ``data``; ``package`` in it is the record. Not changed.

    Returns:
        a copy without the login name of the person (the row has their id), without links to ideas
        and workshops, with small counts masked, and without counts that are not numbers.
        Stripping it again changes nothing.
    """
    package = data.get("package")
    if not is_json_object(package):
        return dict(data)
    kept = {key: value for key, value in data.items() if key != "actor"}
    return kept | {"package": _strip_package(package)}


def _strip_package(package: dict[str, Any]) -> dict[str, Any]:
    links = _LINKS.get(package.get("type") or "", ())
    kept = {key: value for key, value in package.items() if key not in links}
    public = document.select_for_everybody(kept)
    if is_json_list(public.get("extras")):
        extras = [e for e in public["extras"] if is_json_object(e) and e.get("key") not in links]
        public["extras"] = document.select_extras_for_everybody(extras, public)
    return public


def strip_new_rows(unit: UnitOfWork) -> None:
    """Reduce new rows to their public part, and set the permission labels of their record."""
    for row in unit.session.new:
        if not _is_row(row):
            continue
        if is_json_object(row.data):
            row.data = strip_data(row.data)
        if activity.is_of_package(row.activity_type):
            package = activity.lock_package(row.object_id)
            row.permission_labels = activity.list_package_labels(package)
        elif activity.is_of_group(row.activity_type):
            row.permission_labels = activity.list_group_labels(row.object_id)


def relabel_touched_records(unit: UnitOfWork) -> None:
    """Set the current permission labels in the activities about changed records."""
    touched = unit.find_notes(Touched)
    if touched:
        activity.relabel_rows(touched.packages, touched.groups)


def _is_row(instance: Any) -> bool:
    # The class is not imported: that would create its table on sites without ckanext-activity.
    return getattr(getattr(instance, "__table__", None), "name", "") == "activity"


def patch_activity_filter() -> None:
    """Make the lists of ckanext-activity check the permission labels of all their rows.

    The plugin checks only activity types that end in ``package``. It would show changes of resource
    views, with their titles, and of deleted organisations to everybody.
    """
    if PLUGIN not in tk.aslist(tk.config.get("ckan.plugins")):
        return
    from ckanext.activity.model import activity as streams

    # ckanext-activity has no public hook for it.
    streams._filter_activities_by_permission_labels = _filter_by_labels  # pyright: ignore[reportPrivateUsage]


def _filter_by_labels(query: Any, user_permission_labels: list[str] | None = None) -> Any:
    """Return the query for the rows that these labels allow to read; ``None`` for sysadmins."""
    if user_permission_labels is None:
        return query
    from ckanext.activity.model import Activity

    kind, labels = Activity.activity_type, Activity.permission_labels
    is_open = sa.and_(labels.is_(None), sa.or_(kind.is_(None), sa.not_(kind.endswith("package"))))
    return query.filter(sa.or_(is_open, labels.op("&&")(user_permission_labels)))


def show_row(context: Context, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a list without the parts that the person may not read.

    The user is left out for people who may not see users (``ckan.auth.public_user_details``). The
    former version of the record is reduced to its name and title for people who may not edit it,
    unless ``ckan.auth.public_activity_stream_detail`` is set. CKAN applies this setting to its
    pages, but not to lists of the API.
    """
    shown = dict(row)
    if not authz.is_authorized_boolean("user_show", Context(context), {}):
        shown["user_id"] = None
    if is_json_object(row.get("data")) and not _may_see_versions(context, row):
        shown["data"] = {
            key: {name: record[name] for name in _NAMES if name in record}
            for key, record in row["data"].items()
            if key in _KEPT and is_json_object(record)
        }
    if is_json_object(shown.get("data")):
        # Mails would show hidden characters of older titles, which stay in the table.
        shown["data"] = {key: _with_plain_title(value) for key, value in shown["data"].items()}
    return shown


def _with_plain_title(record: Any) -> Any:
    if is_json_object(record) and isinstance(record.get("title"), str):
        return {**record, "title": remove_hidden(record["title"])}
    return record


def _may_see_versions(context: Context, row: Mapping[str, Any]) -> bool:
    kind = next((kind for kind in _KEPT if is_json_object(row["data"].get(kind))), None)
    if kind is None or authz.check_config_permission("public_activity_stream_detail"):
        return True
    if context.get("ignore_auth"):
        return True
    user = context.get("user")
    if not user:
        return False
    if kind == "group" and row["data"][kind].get("is_organization"):
        kind = "organization"
    own: Context = {"user": user}
    try:
        return authz.is_authorized_boolean(f"{kind}_update", own, {"id": row["object_id"]})
    except tk.ObjectNotFound:
        return False


def may_read_row(context: Context, row: Mapping[str, Any]) -> bool:
    """Return whether the permission labels of a row allow the person to read it."""
    viewer = Viewer(context)
    labels = row.get("permission_labels")
    if context.get("ignore_auth") or viewer.is_sysadmin:
        return True
    return labels is not None and not viewer.labels.isdisjoint(labels)
