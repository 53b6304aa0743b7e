"""What is sent back as it is stored is not judged: the rules are for what a save changes.

A record may be older than the rules of its fields, or come from where there are none. A form shows
such a value as it is stored and sends it back. Refusing it would keep the person from saving
anything else, and emptying it would lose what somebody once wrote. A save that makes a record
public or restores it is judged whole: more people are to see all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.navl.dictization_functions import missing
from ckan.types import Context, FlattenDataDict, FlattenErrorDict, FlattenKey

from ckanext.marathon.domain.texts import load_json
from ckanext.marathon.logic import notices, sent_files
from ckanext.marathon.model import package
from ckanext.marathon.visibility import is_widened

Record = model.Package | model.Group
# Whose errors are about rights, or about other records: these may arise without any change.
_JUDGED = frozenset(
    {"id", "name", "type", "state", "private", "owner_org", "status_reason"}
    | {"tags", "groups", "users", "extras", "__extras", "__junk", "__before", "__after"}
)
_ROW_LENGTH = 3


def pardon_untouched(
    data: FlattenDataDict,
    errors: FlattenErrorDict,
    context: Context,
    record: Record | None,
) -> set[FlattenKey]:
    """Take back the errors of values that are stored already, and say so; return their keys.

    Args:
        data: CKAN's flattened data after the fields' own validators; such a value becomes again
            exactly what is stored.
        errors: changed.
        context: for the notices.
        record: as it is stored; ``None`` for a new one, whose values are all new. So are those of
            one that this save restores or makes public.
    """
    pardoned: set[FlattenKey] = set()
    if record is None or is_shown_anew(data, record):
        return pardoned
    for key, messages in errors.items():
        if not messages or key[0] in _JUDGED or len(key) not in (1, _ROW_LENGTH):
            continue
        found = find_stored(key, data, record)
        if found is None:
            continue
        message = tk._("left as it is stored, though it needs correcting: {problem}")
        problem = " ".join(str(each) for each in messages)
        sent_key = sent_files.key_as_sent(context, key, data)
        notices.add_at(context, sent_key, record.type, message.format(problem=problem))
        data[key] = found[0]
        errors[key] = []
        pardoned.add(key)
    return pardoned


def find_stored(
    key: FlattenKey, data: FlattenDataDict, record: Record
) -> tuple[str | list[Any]] | None:
    """Return what is stored in the field of a key, in a tuple, ``None`` if that was not sent.

    Rows have no ids, and have other numbers after one was removed on the page: a text counts as
    stored if any row has it in its field, an empty one if the rest of its row is that row's too.
    """
    sent = as_said(data.get(key))
    if len(key) == 1:
        stored = _text(record, key[0])
        return (stored,) if as_said(stored) == sent and sent else None
    if key[0] == "resources":
        identifier = data.get((*key[:-1], "id"))
        same = [each for each in _resources(record) if each.id == identifier]
        if key[-1] == "url":
            # The name of an uploaded file is no address that was there before.
            kind = data.get((*key[:-1], "url_type"), missing)
            same = [each for each in same if kind is missing or as_said(each.url_type) == kind]
        values = [_of_resource(each, key[-1]) for each in same]
        return next(((each,) for each in values if as_said(each) == sent and sent), None)
    rows = package.read_stored_rows(record, key[0])
    if not sent:
        row = {k[2]: v for k, v in data.items() if len(k) == _ROW_LENGTH and k[:2] == key[:2]}
        return ("",) if any(is_same_row(row, each) for each in rows) else None
    return next(((each[key[2]],) for each in rows if as_said(each.get(key[2])) == sent), None)


def is_shown_anew(data: FlattenDataDict, record: Record) -> bool:
    """Return whether a save shows a record to more people than see it now."""
    return is_widened(record, {key[0]: value for key, value in data.items() if len(key) == 1})


def is_same_row(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Return whether two rows say the same."""
    one, other = (
        {k: said for k, v in row.items() if (said := as_said(v))} for row in (sent, stored)
    )
    return one == other


def as_said(value: Any) -> str | list[str]:
    """Return a value as it can be compared: a list of texts or rows of JSON as such."""
    if value is None or value is missing:
        return ""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = load_json(value)
        except ValueError:
            return value
    if isinstance(value, list | tuple):
        items = [str(each) for each in value if each not in ("", None)]
        # A text where a list belongs is shown, and sent back, as its only item.
        return items if len(items) > 1 else "".join(items)
    return str(value)


def is_column(record: Record, field: str) -> bool:
    """Return whether CKAN keeps a field of a record by itself, not as an extra."""
    return field in record.__table__.columns  # type: ignore[attr-defined]


def _text(record: Record, field: str) -> str:
    value = (
        getattr(record, field)
        if is_column(record, field)
        else package.read_stored_text(record, field)
    )
    return value if isinstance(value, str) else ""


def _resources(record: Record) -> list[model.Resource]:
    return list(record.resources) if isinstance(record, model.Package) else []


def _of_resource(resource: model.Resource, field: str) -> Any:
    if field in model.Resource.get_columns(extra_columns=False):
        return getattr(resource, field)
    return (resource.extras or {}).get(field)
