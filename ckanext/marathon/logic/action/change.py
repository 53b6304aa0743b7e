"""The audit log, and the actions of ckanext-activity reduced to what the caller may read.

The actions of ckanext-activity are chained only if that plugin is loaded: CKAN does not start with
a chained action that has no original.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model
from ckan.types import Action, Context, DataDict

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


# The last second of the year 9999 in UTC, less a day for the machine's time zone.
_LAST_SECOND = 253_402_300_799 - 86_400


def is_timestamp(value: object) -> bool:
    """Return whether ckanext-activity does not fail on a value of ``before`` or ``after``."""
    if not isinstance(value, str | int | float):
        # ``None``, or a type that CKAN refuses itself.
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
    """Return name → chained action; ``{}`` if ckanext-activity is not loaded."""
    if not p.plugin_loaded(activity.PLUGIN):
        return {}
    return {
        **dict.fromkeys(_STREAMS, _list_activities),
        "activity_show": _show_activity,
        "activity_diff": _compare_activities,
    }


@tk.chained_action
@tk.side_effect_free
def _list_activities(next_: Action, context: Context, data_dict: DataDict) -> Any:
    """Return a list of activities, reduced to what the person may read.

    Raises:
        ValidationError: also at ``before`` or ``after``, for a time after the year 9999.
    """
    for name in ("before", "after"):
        if not is_timestamp(data_dict.get(name)):
            raise tk.ValidationError({name: [tk._("A number is expected")]})
    return [activity.show_row(context, row) for row in next_(context, data_dict)]


@tk.chained_action
@tk.side_effect_free
def _show_activity(next_: Action, context: Context, data_dict: DataDict) -> Any:
    """Return an activity in the form of the lists; see ckanext-activity's ``activity_show``."""
    # The plugin raises a KeyError without it.
    asked = {"include_data": False, **data_dict}
    return activity.show_row(context, next_(context, asked))


@tk.chained_action
@tk.side_effect_free
def _compare_activities(next_: Action, context: Context, data_dict: DataDict) -> Any:
    """Compare an activity with the previous one; see ckanext-activity's ``activity_diff``.

    Raises:
        ObjectNotFound: also if the person may not read the previous activity, because the record
            was not public then.
    """
    compared = next_(context, data_dict)
    if not all(activity.may_read_row(context, row) for row in compared["activities"]):
        raise tk.ObjectNotFound(tk._("Not found"))
    compared["activities"] = [activity.show_row(context, row) for row in compared["activities"]]
    return compared


@tk.side_effect_free
@tk.validate_action_data(schema.marathon_change_list)
def marathon_change_list(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Return entries of the audit log, the newest first.

    Members of an organisation see its changes, its administrators also those of memberships. The
    coordinating body's editors see the changes of all workshops, ideas and commitments. System
    administrators see all changes, including accounts, settings and takedowns.

    Args:
        context: as CKAN's.
        data_dict: ``organization`` (id or name), ``record`` (id or name of a dataset, workshop,
            idea, commitment, organisation, or id of a file; its files and members are included),
            ``user`` (id or name), ``kind`` (a dataset type, ``resource``, ``organization``,
            ``group``, ``member``, ``collaborator``, ``user`` or ``setting``), ``action``
            (``created``, ``changed``, ``deleted``, ``restored``, ``purged`` or ``taken_down``),
            ``origin`` (as below), ``from`` and ``until`` (times, or days in Guatemala, inclusive;
            in any form of a date that ``domain/dates.py`` lists), ``limit`` (1–1,000, 50 by
            default), ``before`` (a ``number``: only older entries).

    Returns:
        ``results`` and ``next``: the value of ``before`` for the next page, or ``None``. A
        result has ``number``, ``at``, ``user`` (``id``, ``name``), ``origin`` (``web``, ``api``,
        ``job``, ``command_line``, ``import``), ``kind``, ``action``, ``record``, ``title`` (if it
        may be seen), ``parent``, ``parent_title``, ``organization`` and ``former_organization``
        (``id``, ``name``, ``title``) and ``changes``: dicts of ``field``, ``old`` and ``new``
        (``None`` for values that are too long to be stored).

    Raises:
        NotAuthorized: not a member of the organisation, or of any.
        ObjectNotFound: there is no such organisation.
        ValidationError: at an invalid parameter.
    """
    tk.check_access("marathon_change_list", context, data_dict)
    limit = data_dict["limit"]
    rows = audit.list_entries(
        _find_sight(context), _make_filter(data_dict), limit + 1, data_dict["before"]
    )
    shown = rows[:limit]
    return {
        "results": _dictize_rows(context, shown),
        "next": shown[-1].number if len(rows) > limit else None,
    }


def _find_sight(context: Context) -> Sight:
    user = context.get("user")
    if context.get("ignore_auth") or authz.is_sysadmin(user):
        return Sight(everything=True)
    capacities = permissions.read_standing(user).capacities
    return Sight(
        organizations=frozenset(capacities),
        administered=frozenset(o for o, capacity in capacities.items() if capacity == "admin"),
        kinds=frozenset(OTHER_TYPES if permissions.is_coordinator(user) else ()),
    )


def _make_filter(data_dict: DataDict) -> AuditFilter:
    organization, user = data_dict["organization"], data_dict["user"]
    if organization:
        found = model.Group.get(organization)
        if found is None or not found.is_organization:
            raise tk.ObjectNotFound(tk._("There is no such organisation"))
        organization = found.id
    return AuditFilter(
        organization=organization,
        record=_find_id(data_dict["record"]),
        user=authz.get_user_id_for_username(user, allow_none=True) or user,
        kind=data_dict["kind"],
        action=data_dict["action"],
        origin=data_dict["origin"],
        since=data_dict["from"],
        until=data_dict["until"],
    )


def _find_id(reference: str | None) -> str | None:
    """Return the id of a package or group; an unknown reference may be the id of a purged one."""
    if reference is None:
        return None
    for kind in (model.Package, model.Group):
        found = kind.get(reference)
        if found is not None:
            return found.id
    return reference


def _dictize_rows(context: Context, rows: list[Any]) -> list[dict[str, Any]]:
    ids = {id_ for row in rows for id_ in (row.record, row.parent) if id_}
    titles = _find_titles(context, ids)
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


def _find_titles(context: Context, ids: Iterable[str]) -> dict[str, str]:
    """Return id → current title or name, for records that this person may see."""
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
