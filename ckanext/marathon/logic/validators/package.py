"""CKAN's flattened data, as the rules of a whole record need it, and values left as stored.

What is sent back as it is stored is not judged: the rules are for what a save changes. A record may
be older than the rules of its fields, or come from where there are none. A form shows such a value
as it is stored and sends it back. Refusing it would keep the person from saving anything else, and
emptying it would lose what somebody once wrote. A save that makes a record public or restores it is
judged whole: more people are to see all of it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.navl.dictization_functions import missing
from ckan.types import Context, FlattenDataDict, FlattenErrorDict, FlattenKey
from sqlalchemy.orm import class_mapper

from ckanext.marathon.domain.errors import Fault, FieldFault, Path
from ckanext.marathon.domain.texts import is_blank, is_json_list, is_json_object, load_json
from ckanext.marathon.logic import messages, unkept
from ckanext.marathon.logic import resource as resource_logic
from ckanext.marathon.model import package as package_model
from ckanext.marathon.visibility import is_widened

Record = model.Package | model.Group
# Whose errors are about rights, or about other records: these may arise without any change.
_JUDGED = frozenset(
    {"id", "name", "type", "state", "private", "owner_org", "status_reason"}
    | {"tags", "groups", "users", "extras", "__extras", "__junk", "__before", "__after"}
)
_ROW_LENGTH = 3


def accept_stored_values(
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
    if record is None or gains_readers(data, record):
        return pardoned
    for key, problems in errors.items():
        if not problems or key[0] in _JUDGED or len(key) not in (1, _ROW_LENGTH):
            continue
        found = find_stored_value(key, data, record)
        if found is None:
            continue
        message = tk._("left as it is stored, though it needs correcting: {problem}")
        problem = " ".join(str(problem) for problem in problems)
        sent_key = resource_logic.find_sent_key(context, key, data)
        messages.add_notice_at(context, sent_key, record.type, message.format(problem=problem))
        data[key] = found[0]
        errors[key] = []
        pardoned.add(key)
    return pardoned


def find_stored_value(
    key: FlattenKey, data: FlattenDataDict, record: Record
) -> tuple[str | list[Any]] | None:
    """Return the stored value of a key's field as a 1-tuple if it was sent back, else ``None``.

    Rows have no ids, and have other numbers after one was removed on the page: a text counts as
    stored if any row has it in its field, an empty one if the rest of its row is that row's too.
    """
    sent = normalize(data.get(key))
    if len(key) == 1:
        stored = _text(record, key[0])
        return (stored,) if normalize(stored) == sent and sent else None
    if key[0] == "resources":
        identifier = data.get((*key[:-1], "id"))
        same = [resource for resource in _resources(record) if resource.id == identifier]
        if key[-1] == "url":
            # The name of an uploaded file is no address that was there before.
            kind = data.get((*key[:-1], "url_type"), missing)
            same = [
                resource
                for resource in same
                if kind is missing or normalize(resource.url_type) == kind
            ]
        values = [_of_resource(resource, key[-1]) for resource in same]
        return next(((value,) for value in values if normalize(value) == sent and sent), None)
    rows = package_model.read_stored_rows(record, key[0])
    if not sent:
        row = {k[2]: v for k, v in data.items() if len(k) == _ROW_LENGTH and k[:2] == key[:2]}
        return ("",) if any(is_same_row(row, stored_row) for stored_row in rows) else None
    return next(
        ((stored_row[key[2]],) for stored_row in rows if normalize(stored_row.get(key[2])) == sent),
        None,
    )


def gains_readers(data: FlattenDataDict, record: Record) -> bool:
    """Return whether a save shows a record to more people than see it now."""
    return is_widened(record, {key[0]: value for key, value in data.items() if len(key) == 1})


def is_same_row(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Return whether two rows say the same."""
    one, other = (
        {k: said for k, v in row.items() if (said := normalize(v))} for row in (sent, stored)
    )
    return one == other


def normalize(value: object) -> str | list[str]:
    """Return a value as it can be compared: a list of texts or rows of JSON as such."""
    if value is None or value is missing:
        return ""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = load_json(value)
        except ValueError:
            return value
    if isinstance(value, list | tuple):
        items = [str(item) for item in cast(Sequence[Any], value) if item not in ("", None)]
        # A text where a list belongs is shown, and sent back, as its only item.
        return items if len(items) > 1 else "".join(items)
    return str(value)


def is_column(record: Record, field: str) -> bool:
    """Return whether CKAN keeps a field of a record by itself, not as an extra."""
    return field in class_mapper(type(record)).local_table.columns


def _text(record: Record, field: str) -> str:
    value = (
        getattr(record, field)
        if is_column(record, field)
        else package_model.read_stored_text(record, field)
    )
    return value if isinstance(value, str) else ""


def _resources(record: Record) -> list[model.Resource]:
    return list(record.resources) if isinstance(record, model.Package) else []


def _of_resource(resource: model.Resource, field: str) -> Any:
    if field in model.Resource.get_columns(extra_columns=False):
        return getattr(resource, field)
    return (resource.extras or {}).get(field)


class Flat:
    """The fields of a record after their own validators, and its errors.

    A field that has an error reads as empty, so that a rule says nothing more about it.
    """

    def __init__(self, data: FlattenDataDict, errors: FlattenErrorDict, context: Context) -> None:
        """Wrap the arguments of an ``after`` validator; both dicts are changed in place."""
        self.data = data
        self.errors = errors
        self.context = context
        self._pardoned: set[FlattenKey] = set()

    @property
    def stored(self) -> model.Package | None:
        """The package as it is in the database; ``None`` for a new one."""
        package = self.context.get("package")
        return package if package and self.data.get(("id",)) == package.id else None

    @property
    def is_deleted(self) -> bool:
        """Whether the record will be a deleted one."""
        current = self.stored.state if self.stored else model.State.ACTIVE
        return (self.text("state") or current) == model.State.DELETED

    @property
    def is_being_deleted(self) -> bool:
        """Whether this save deletes it."""
        return bool(self.stored and self.stored.state != model.State.DELETED and self.is_deleted)

    @property
    def gains_readers(self) -> bool:
        """Whether this save restores it or makes it public, so that all of it is judged."""
        return bool(self.stored and gains_readers(self.data, self.stored))

    def accept_stored_values(self) -> None:
        """Remove the errors of values that are stored already; see the module's docstring."""
        self._pardoned = accept_stored_values(self.data, self.errors, self.context, self.stored)
        for key in self._pardoned:
            # CKAN's own fields are columns; the rules read no extra of their names.
            if self.stored and len(key) == 1 and not is_column(self.stored, key[0]):
                self.put(key[0], self.data[key])

    def is_accepted(self, *key: str | int) -> bool:
        """Return whether a value is one that is stored and that no rule can read."""
        return key in self._pardoned

    def failed(self, *fields: str) -> bool:
        """Return whether any of the fields has an error, or a value that no rule can read."""
        return any(self.errors.get((field,)) or (field,) in self._pardoned for field in fields)

    def value(self, field: str) -> Any:
        """Return the value of a field, ``None`` where it is missing or has an error."""
        found = self.data.get((field,))
        return None if found is missing or self.failed(field) else found

    def text(self, field: str) -> str:
        """Return a field as text."""
        found = self.value(field)
        return found if isinstance(found, str) else ""

    def items(self, field: str) -> list[str]:
        """Return a field that its validator made a JSON list."""
        try:
            loaded = load_json(self.text(field) or "[]")
        except ValueError:
            return []
        return loaded if is_json_list(loaded) else []

    def rows(self, field: str) -> list[dict[str, Any]]:
        """Return a repeating field as dicts; subfields that have an error are left out."""
        numbers = [key[1] for key in self.data if len(key) == 3 and key[0] == field]
        found: list[dict[str, Any]] = [{} for _ in range(max(numbers, default=-1) + 1)]
        for key, value in self.data.items():
            is_inner = len(key) == 3 and key[0] == field and value is not missing
            if is_inner and not self.errors.get(key) and key not in self._pardoned:
                found[key[1]][key[2]] = value
        return found

    def put(self, field: str, value: str) -> None:
        """Store a value for a field instead of the sent one."""
        self.data[(field,)] = value
        indexes = [key[1] for key in self.data if len(key) == 3 and key[0] == "extras"]
        for index in indexes:
            if self.data.get(("extras", index, "key")) == field:
                self.data[("extras", index, "value")] = value
                return
        index = max(indexes, default=-1) + 1
        self.data[("extras", index, "key")] = field
        self.data[("extras", index, "value")] = value

    def keep(self, field: str, default: str) -> None:
        """Where nothing is sent for a field, leave it as it is, or begin with a default."""
        if not self.text(field) and not self.failed(field):
            self.put(field, package_model.read_stored_text(self.stored, field) or default)

    def put_items(self, field: str, values: Iterable[str]) -> None:
        """Store a list for a field."""
        self.put(field, json.dumps(list(values)))

    def add(self, faults: Iterable[FieldFault], before: Collection[FieldFault] = ()) -> None:
        """Add errors to their fields; a field that has an error already keeps that one.

        CKAN cannot hold errors of a list of things and of one of them at once.

        Args:
            faults: of the record as it is sent.
            before: those of the record as it is stored. What was wrong before, in the same words,
                is told and keeps nobody from saving the rest, unless the save restores the record
                or makes it public.
        """
        for path, fault in faults:
            if self._was_there(path, fault, before):
                messages.add_notice(self.context, messages.write_fault(fault))
                continue
            rows = [key for key in self.errors if len(key) == 3 and key[0] == path[0]]
            if len(path) == 1 and any(self.errors[key] for key in rows):
                continue
            if len(path) == 1:
                for key in rows:
                    del self.errors[key]
            elif self.failed(str(path[0])):
                continue
            present = self.errors.setdefault(path, [])
            if not present:
                present.append(messages.write_fault(fault))

    def _was_there(self, path: Path, fault: Fault, before: Collection[FieldFault]) -> bool:
        if self.gains_readers:
            return False
        if len(path) == 1:
            return FieldFault(path, fault) in before
        field, row, _name = path
        stored = package_model.read_stored_rows(self.stored, str(field))
        sent = {k[2]: v for k, v in self.data.items() if len(k) == 3 and k[:2] == (field, row)}
        kept = any(is_same_row(sent, stored_row) for stored_row in stored)
        return kept and any(
            earlier.path[0] == field and earlier.fault == fault for earlier in before
        )

    def drop_empty_rows(self, *fields: str) -> None:
        """Drop empty rows of repeating fields, and unknown subfields.

        A form sends its empty rows too. What is stored already under an unknown name stays.
        """
        for field in fields:
            stored = unkept.list_stored_subfields(self.stored, field)
            for index in {key[1] for key in self.data if len(key) == 3 and key[0] == field}:
                unknown = self.data.pop((field, index, unkept.EXTRAS_KEY), None)
                for name, value in unknown.items() if is_json_object(unknown) else ():
                    if name in stored:
                        self.data[(field, index, name)] = value
                inner = [k for k in self.data if len(k) == 3 and k[:2] == (field, index)]
                if any(_is_filled(self.data[key]) for key in inner):
                    continue
                for key in inner:
                    del self.data[key]
                # Emptied, not removed: the errors of later rows keep their place.
                for key in [k for k in self.errors if k[:2] == (field, index)]:
                    self.errors[key] = []


def _is_filled(value: Any) -> bool:
    if isinstance(value, str):
        return not is_blank(value)
    return value is not missing and value not in (None, [])


def list_stored_texts(key: FlattenKey, data: FlattenDataDict, context: Context) -> set[Any]:
    """Return the stored texts of a key's field; for a repeating field, those of all rows."""
    found = _stored_values(key, data, context)
    return {value for value in found if isinstance(value, str) and value}


def list_stored_items(key: FlattenKey, data: FlattenDataDict, context: Context) -> set[str]:
    """Return the items of the lists that the database has in the field of a key.

    None where the save restores the record or makes it public: all of it is judged then.
    """
    if Flat(data, {}, context).gains_readers:
        return set()
    found = (normalize(value) for value in _stored_values(key, data, context))
    return {
        item for value in found for item in ([value] if isinstance(value, str) else value) if item
    }


def _stored_values(key: FlattenKey, data: FlattenDataDict, context: Context) -> list[Any]:
    """Return the stored values of a key's field.

    Rows have no ids: after one is removed on the page, those behind it have other numbers.
    """
    package = Flat(data, {}, context).stored
    if package is None:
        return []
    if len(key) == 1:
        return [package_model.read_stored_text(package, key[0])]
    if key[0] == "resources":
        resource = data.get((*key[:-1], "id"))
        same = (file for file in package.resources if file.id == resource)
        return [(file.extras or {}).get(key[-1]) for file in same]
    return [row.get(key[-1]) for row in package_model.read_stored_rows(package, key[0])]


def find_record_type(data: FlattenDataDict) -> str:
    """Return the type of the record that flattened data is of; a dataset has none at first."""
    found = data.get(("type",))
    return found if isinstance(found, str) and found else package_model.DATASET


def add_field_notice(
    context: Context, key: FlattenKey, data: FlattenDataDict, message: str
) -> None:
    """Add a notice about a field of flattened data."""
    messages.add_notice_at(
        context, resource_logic.find_sent_key(context, key, data), find_record_type(data), message
    )
