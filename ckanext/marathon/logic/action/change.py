"""Who changed what and when, and the rows of ckanext-activity that a person may read.

The actions of ckanext-activity are chained only where that plugin is loaded: CKAN refuses to start
with a chain that has no end.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model
from ckan.types import Action, Context

from ckanext.marathon.logic import activity, permissions, schema
from ckanext.marathon.model import audit, package
from ckanext.marathon.model.audit import AuditFilter, Sight
from ckanext.marathon.records import OTHER_TYPES
from ckanext.marathon.visibility import Viewer

_STREAMS = (
    "dashboard_activity_list",
    "group_activity_list",
    "organization_activity_list",
    "package_activity_list",
    "recently_changed_packages_activity_list",
    "user_activity_list",
)


# The last second of the year 9999, in UTC; a day less, whatever the machine's time zone.
_LAST_SECOND = 253_402_300_799 - 86_400


def is_timestamp(value: object) -> bool:
    """Return whether CKAN can make a time of what says from when on or until when."""
    if not isinstance(value, str | int | float):
        # Nothing at all, or what CKAN refuses itself.
        return True
    try:
        seconds = float(value)
    except ValueError:
        # CKAN refuses it itself.
        return True
    except OverflowError:
        return False
    return 0 <= seconds <= _LAST_SECOND


def collect_activity_actions() -> dict[str, Any]:
    """Return the chained actions by name, none where ckanext-activity is not loaded."""
    if not p.plugin_loaded(activity.PLUGIN):
        return {}
    return {
        **dict.fromkeys(_STREAMS, _list_activities),
        "activity_show": _show_activity,
        "activity_diff": _compare_activities,
    }


@tk.chained_action
@tk.side_effect_free
def _list_activities(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Return the rows of a list, of each what the person may read.

    Raises:
        ValidationError: also at ``before`` or ``after``, for a time that no calendar has.
    """
    for name in ("before", "after"):
        if not is_timestamp(data_dict.get(name)):
            raise tk.ValidationError({name: [tk._("A number is expected")]})
    return [activity.show_row(context, row) for row in next_(context, data_dict)]


@tk.chained_action
@tk.side_effect_free
def _show_activity(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Return one row as the lists show it; see ckanext-activity's ``activity_show``."""
    # The plugin takes it for granted that this is said.
    asked = {"include_data": False, **data_dict}
    return activity.show_row(context, next_(context, asked))


@tk.chained_action
@tk.side_effect_free
def _compare_activities(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Compare a row with the one before; see ckanext-activity's ``activity_diff``.

    Raises:
        ObjectNotFound: also if the one before was written before the record was published, and
            this person could not see it then.
    """
    compared = next_(context, data_dict)
    if not all(activity.may_read_row(context, row) for row in compared["activities"]):
        raise tk.ObjectNotFound(tk._("Not found"))
    compared["activities"] = [activity.show_row(context, row) for row in compared["activities"]]
    return compared


@tk.side_effect_free
@tk.validate_action_data(schema.marathon_change_list)
def marathon_change_list(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return who changed what and when, the newest first.

    Members of an organisation see what changed of it; its administrators also who was given or
    lost which role; the coordinating body's editors everybody's workshops, ideas and commitments;
    system administrators everything, with accounts, settings and takedowns.

    Args:
        context: as CKAN's.
        data_dict: ``organization`` (id or name), ``record`` (id or name of a dataset, workshop,
            idea, commitment, organisation, or id of a file; its files and members are included),
            ``user`` (id or name), ``kind`` (a dataset type, ``resource``, ``organization``,
            ``group``, ``member``, ``collaborator``, ``user`` or ``setting``), ``action``
            (``created``, ``changed``, ``deleted``, ``restored``, ``purged`` or ``taken_down``),
            ``origin`` (as below),
            ``from`` and ``until`` (days in Guatemala, the last one included, or times; in any form
            of a date that the site takes), ``limit`` (1–1,000, 50 by default), ``before`` (a
            ``number``: only older ones).

    Returns:
        ``results`` and ``next``, what to send as ``before`` for the next page, or ``None``. A
        result has ``number``, ``at``, ``user`` (``id``, ``name``), ``origin`` (``web``, ``api``,
        ``job``, ``command_line``, ``import``), ``kind``, ``action``, ``record``, ``title`` (if it
        may be seen), ``parent``, ``parent_title``, ``organization`` and ``former_organization``
        (``id``, ``name``, ``title``) and ``changes``: rows of ``field``, ``old`` and ``new``, kept
        of short values only.

    Raises:
        NotAuthorized: not a member of the organisation, or of any.
        ObjectNotFound: there is no such organisation.
        ValidationError: at the field that cannot be read.
    """
    tk.check_access("marathon_change_list", context, data_dict)
    limit = data_dict["limit"]
    rows = audit.list_entries(
        _sight_of(context), _make_filter(data_dict), limit + 1, data_dict["before"]
    )
    shown = rows[:limit]
    return {
        "results": _dictize_rows(context, shown),
        "next": shown[-1].number if len(rows) > limit else None,
    }


def _sight_of(context: Context) -> Sight:
    user = context.get("user")
    if context.get("ignore_auth") or authz.is_sysadmin(user):
        return Sight(everything=True)
    capacities = permissions.read_standing(user).capacities
    return Sight(
        organizations=frozenset(capacities),
        administered=frozenset(o for o, capacity in capacities.items() if capacity == "admin"),
        kinds=frozenset(OTHER_TYPES if permissions.is_coordinator(user) else ()),
    )


def _make_filter(data_dict: dict[str, Any]) -> AuditFilter:
    organization, user = data_dict["organization"], data_dict["user"]
    if organization:
        found = model.Group.get(organization)
        if found is None or not found.is_organization:
            raise tk.ObjectNotFound(tk._("There is no such organisation"))
        organization = found.id
    return AuditFilter(
        organization=organization,
        record=_id_of(data_dict["record"]),
        user=authz.get_user_id_for_username(user, allow_none=True) or user,
        kind=data_dict["kind"],
        action=data_dict["action"],
        origin=data_dict["origin"],
        since=data_dict["from"],
        until=data_dict["until"],
    )


def _id_of(reference: str | None) -> str | None:
    """Return the id that a name stands for; what nothing is called may be the id of what was."""
    if reference is None:
        return None
    for kind in (model.Package, model.Group):
        found = kind.get(reference)
        if found is not None:
            return found.id
    return reference


def _dictize_rows(context: Context, rows: list[Any]) -> list[dict[str, Any]]:
    ids = {id_ for row in rows for id_ in (row.record, row.parent) if id_}
    titles = _titles(context, ids)
    organizations = package.read_organization_titles(
        id_ for row in rows for id_ in (row.organization, row.former)
    )
    return [
        {
            "number": row.number,
            "at": row.at.astimezone(UTC).isoformat(timespec="seconds"),
            "user": {"id": row.user_id, "name": row.user_name},
            "origin": row.origin,
            "kind": row.kind,
            "action": row.action,
            "record": row.record,
            "title": titles.get(row.record) or row.label,
            "parent": row.parent,
            "parent_title": titles.get(row.parent or ""),
            "organization": organizations.get(row.organization or ""),
            "former_organization": organizations.get(row.former or ""),
            "changes": [
                {
                    "field": field,
                    "old": values[0] if values else None,
                    "new": values[1] if values else None,
                }
                for field, values in sorted(row.changes.items())
            ],
        }
        for row in rows
    ]


def _titles(context: Context, ids: Iterable[str]) -> dict[str, str]:
    """Return id → what something is called now, of records that this person may see."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    viewer = Viewer(context)
    packages = package.load_packages(wanted)
    found = {
        record.id: record.title or record.name
        for record in packages.values()
        if viewer.is_internal or viewer.may_see(record)
    }
    found |= {
        id_: organization["title"]
        for id_, organization in package.read_organization_titles(wanted).items()
    }
    user, resource = model.User, model.Resource
    people = sa.select(user.id, user.name).where(user.id.in_(wanted))
    found |= {row[0]: row[1] for row in model.Session.execute(people)}
    files = sa.select(resource.id, resource.name, resource.package_id).where(
        resource.id.in_(wanted)
    )
    for row in model.Session.execute(files):
        if row.package_id in found and row.name:
            found[row.id] = row.name
    return found
