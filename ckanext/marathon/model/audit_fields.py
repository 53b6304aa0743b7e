"""Which fields of a row changed, as the session remembers them while it flushes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ckanext.marathon.model.audit import CHANGED

# Changes of these alone are no change of the record.
IGNORED = frozenset({"metadata_modified", "metadata_created", "last_modified", "modified"})
# Fields whose values are kept.
_SHOWN = frozenset(
    {
        "state",
        "private",
        "owner_org",
        "type",
        "status",
        "license_id",
        "capacity",
        "sysadmin",
        "role",
        "municipality_code",
        "pilot",
        "url_type",
    }
)
_LONGEST_VALUE = 100
_EMPTY = (None, "", "[]", "{}", [], {})


def read_changes(thing: Any, action: str) -> dict[str, Any]:
    """Return which fields changed: name → ``None``, or the former and the new value."""
    inspected: Any = sa.inspect(thing)
    found: dict[str, Any] = {}
    for attribute in inspected.mapper.column_attrs:
        name = attribute.key
        history = inspected.attrs[name].history
        if name in IGNORED or not history.has_changes():
            continue
        former = history.deleted[0] if history.deleted else None
        new = history.added[0] if history.added else None
        if name == "extras":
            found |= _changes_of_extras(former, new)
        elif name in _SHOWN:
            found[name] = [_short(former), _short(new)]
        elif action == CHANGED and (former or None) != (new or None):
            found[name] = None
    return found


def _changes_of_extras(former: Any, new: Any) -> dict[str, Any]:
    before, after = _stated(former), _stated(new)
    changed = [name for name in {*before, *after} if before.get(name) != after.get(name)]
    return {
        name: [_short(before.get(name)), _short(after.get(name))] if name in _SHOWN else None
        for name in sorted(changed)
    }


def _stated(extras: Any) -> dict[str, Any]:
    """Return the extras that say something.

    A form sends every field that it has, and what is stored of an empty one is empty text or an
    empty list, where the API stored nothing.
    """
    return {name: value for name, value in (extras or {}).items() if value not in _EMPTY}


def _short(value: Any) -> Any:
    return value[:_LONGEST_VALUE] if isinstance(value, str) else value
