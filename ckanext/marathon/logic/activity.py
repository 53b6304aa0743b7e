"""The part of a record that ckanext-activity may store and show.

That plugin stores ``package_show`` with every change and shows it in lists that everybody reads.
So each row is reduced to its public form before it is written, also rows of other plugins. Older
rows are reduced by ``ckan marathon activity scrub``.
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
# Links to other records. A row stays when those become private, so it never names them.
_LINKS = {package_model.DATASET: ("idea", "data_need"), package_model.IDEA: ("workshop",)}
# Under which key a row keeps a record, and what of it names the record in a list.
_KEPT = ("package", "group")
_NAMES = ("id", "name", "title", "type", "status", "is_organization")


def strip_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data that an activity may store: the public view, without other records.

    Args:
        data: of a row; ``package`` in it is the record. Is not changed.

    Returns:
        the same without the login of who changed it (the row has their id), without links to
        ideas and workshops, with small counts masked and without those that are no numbers.
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
    """Bring rows that are about to be written into their public form, with the record's labels."""
    for row in unit.session.new:
        if not _is_row(row):
            continue
        if is_json_object(row.data):
            row.data = strip_data(row.data)
        if activity.is_of_package(row.activity_type):
            package = activity.hold_package(row.object_id)
            row.permission_labels = activity.list_package_labels(package)
        elif activity.is_of_group(row.activity_type):
            row.permission_labels = activity.list_group_labels(row.object_id)


def relabel_touched_records(unit: UnitOfWork) -> None:
    """Give activities about the touched records the present permission labels."""
    touched = unit.find_notes(Touched)
    if touched:
        activity.relabel_rows(touched.packages, touched.groups)


def _is_row(instance: Any) -> bool:
    # The plugin's class is not imported: its table would then be among the site's, loaded or not.
    return getattr(getattr(instance, "__table__", None), "name", "") == "activity"


def patch_activity_filter() -> None:
    """Make every list of ckanext-activity obey the labels of all its rows.

    The plugin compares labels only of types that end in «package». Changes of a view, with its
    title, and those of a deleted organisation are shown to everybody who reads the stream of a
    user, an organisation or a dashboard.
    """
    if PLUGIN not in tk.aslist(tk.config.get("ckan.plugins")):
        return
    from ckanext.activity.model import activity as streams

    # It has no public name.
    streams._filter_activities_by_permission_labels = _filter_by_labels  # pyright: ignore[reportPrivateUsage]


def _filter_by_labels(query: Any, user_permission_labels: list[str] | None = None) -> Any:
    """Return the query for rows that these labels let somebody read; ``None``: a sysadmin."""
    if user_permission_labels is None:
        return query
    from ckanext.activity.model import Activity

    kind, labels = Activity.activity_type, Activity.permission_labels
    is_open = sa.and_(labels.is_(None), sa.or_(kind.is_(None), sa.not_(kind.endswith("package"))))
    return query.filter(sa.or_(is_open, labels.op("&&")(user_permission_labels)))


def show_row(context: Context, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a list as this person may read it.

    Who did it is left out for those who may not see the site's users
    (``ckan.auth.public_user_details``). What the record was then is left out, but for its title,
    for those who may not edit it unless ``ckan.auth.public_activity_stream_detail`` is set: CKAN's
    pages keep former versions from them, its lists do not.
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
        # Mails show it as it is; what was stored before is not changed in the table.
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
    """Return whether the labels of a row let somebody read it."""
    viewer = Viewer(context)
    labels = row.get("permission_labels")
    if context.get("ignore_auth") or viewer.is_sysadmin:
        return True
    return labels is not None and not viewer.labels.isdisjoint(labels)
