"""Parsing the list of takedowns that one site exports and another imports."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple, TypeGuard

from ckanext.marathon.domain.errors import N_, Malformed
from ckanext.marathon.domain.texts import (
    is_blank,
    is_json_list,
    is_json_object,
    is_storable,
    load_json,
    quote_value,
)

LONGEST_REASON = 5_000
# CKAN's ids; nothing that leads out of the folder of files.
_ID = re.compile(r"[A-Za-z0-9_-]{7,100}")


class TakedownEntry(NamedTuple):
    """One row of the list; ``at`` has an offset."""

    id: str
    type: str
    reason: str
    at: datetime
    files: int
    resources: tuple[str, ...]
    user_id: str | None


def parse_takedowns(text: str) -> list[TakedownEntry]:
    """Return the rows of a list that ``ckan marathon takedown list --format json`` wrote.

    Raises:
        Malformed: the text is not JSON or not a list of objects, or a field is wrong; then the
            fault names row and field.
    """
    try:
        loaded = load_json(text.removeprefix("\ufeff"))
    except ValueError as error:
        raise Malformed(N_("The file is not JSON: {error}"), error=str(error)) from None
    return check_takedown_rows(loaded)


def check_takedown_rows(rows: object) -> list[TakedownEntry]:
    """Check and return the rows of a list.

    Raises:
        Malformed: as in :func:`parse_takedowns`.
    """
    if not is_json_list(rows):
        raise Malformed(N_("A list of objects is expected"))
    return [_read_row(number, row) for number, row in enumerate(rows, 1)]


def _read_row(number: int, row: Any) -> TakedownEntry:
    if not is_json_object(row):
        raise Malformed(N_("Row {row}: an object is expected"), row=number)
    found: dict[str, Any] = {}
    for field, (is_right, message) in _FIELDS.items():
        value = row.get(field, _ABSENT.get(field))
        if not is_right(value):
            shown = quote_value(value) if field in row else "—"
            raise Malformed(message, row=number, value=shown)
        found[field] = value
    return TakedownEntry(
        id=found["id"],
        type=found["type"],
        reason=found["reason"].strip(),
        at=datetime.fromisoformat(found["at"]),
        files=found["files"],
        resources=tuple(found["resources"]),
        user_id=found["user_id"],
    )


def is_takedown_reason(value: object) -> bool:
    """Return whether a value can be the reason of a takedown."""
    return _is_text(value) and not is_blank(value) and len(value) <= LONGEST_REASON


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and is_storable(value)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and bool(_ID.fullmatch(value))


def _is_type(value: Any) -> bool:
    return _is_text(value) and 0 < len(value.strip()) <= 100


def _is_time(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _are_ids(value: Any) -> bool:
    return is_json_list(value) and all(_is_id(item) for item in value)


def _is_user(value: Any) -> bool:
    return value is None or (_is_text(value) and len(value) <= 100)


# Field → default for lists of versions that did not have the field.
_ABSENT: dict[str, Any] = {"resources": [], "files": 0}
_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "id": (_is_id, N_("Row {row}, field id: an id is expected, not “{value}”")),
    "type": (_is_type, N_("Row {row}, field type: a dataset type is expected, not “{value}”")),
    "reason": (
        is_takedown_reason,
        N_(
            "Row {row}, field reason: a text of at most 5,000 characters is expected, not “{value}”"
        ),
    ),
    "at": (
        _is_time,
        N_(
            "Row {row}, field at: a time with its offset is expected, as "
            "2026-03-01T10:00:00-06:00, not “{value}”"
        ),
    ),
    "files": (_is_count, N_("Row {row}, field files: a whole number is expected, not “{value}”")),
    "resources": (_are_ids, N_("Row {row}, field resources: a list of ids is expected")),
    "user_id": (_is_user, N_("Row {row}, field user_id: an id or null is expected")),
}
