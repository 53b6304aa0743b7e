"""ckanext-activity's actions, with what a person may read of each row.

Chained only where that plugin is loaded: CKAN refuses to start with a chain that has no end.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan.types import Action, Context

from ckanext.marathon.logic import activity

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


def is_timestamp(value: Any) -> bool:
    """Return whether CKAN can make a time of what says from when on or until when."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        # Nothing at all, or what CKAN refuses itself.
        return True
    except OverflowError:
        return False
    return 0 <= seconds <= _LAST_SECOND


def activity_actions() -> dict[str, Any]:
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
    if not all(activity.may_read(context, row) for row in compared["activities"]):
        raise tk.ObjectNotFound(tk._("Not found"))
    compared["activities"] = [activity.show_row(context, row) for row in compared["activities"]]
    return compared
