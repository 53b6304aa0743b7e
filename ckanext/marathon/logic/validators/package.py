"""Access to CKAN's flattened data for rules of a whole record, and acceptance of stored values.

A stored value that is sent back unchanged is accepted even if it is invalid: a record may be older
than the rules, or come from a site without them. Refusing such a value would prevent every other
edit of the record, and clearing it would lose data. But a save that publishes or restores a record
checks all values, because more people will see them.
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
# Fields with rules about permissions or other records, which apply to unchanged values too.
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
    """Remove the errors of unchanged stored values, with a notice; return the keys of the values.

    Args:
        data: CKAN's flattened data after the validators of the fields; these values are set to the
            stored ones.
        errors: changed.
        context: gets the notices.
        record: the stored record, ``None`` for a new one. If the save publishes or restores it, no
            error is removed.
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
) -> tuple[object] | None:
    """Return the stored value of a field as a 1-tuple if it was sent back, else ``None``.

    Rows have no ids, and their numbers change when a row is removed. So a text counts as stored if
    any row has it in the same field; an empty text, if a stored row is equal to its whole row.
    """
    sent = normalize(data.get(key))
    if len(key) == 1:
        stored = _read_stored(record, key[0])
        return (stored,) if normalize(stored) == sent and sent else None
    if key[0] == "resources":
        identifier = data.get((*key[:-1], "id"))
        same = [resource for resource in _resources(record) if resource.id == identifier]
        if key[-1] == "url":
            # The stored file name of an upload does not count as a stored address.
            kind = data.get((*key[:-1], "url_type"), missing)
            same = [
                resource
                for resource in same
                if kind is missing or normalize(resource.url_type) == kind
            ]
        values = [_read_resource_field(resource, key[-1]) for resource in same]
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
    """Return whether a save publishes or restores a record."""
    return is_widened(record, {key[0]: value for key, value in data.items() if len(key) == 1})


def is_same_row(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Return whether two rows have the same values; empty values are ignored."""
    one, other = (
        {k: text for k, v in row.items() if (text := normalize(v))} for row in (sent, stored)
    )
    return one == other


def normalize(value: object) -> str | list[str]:
    """Return a value for comparison: a text, or a list of texts, also from JSON text."""
    if value is None or value is missing:
        return ""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = load_json(value)
        except ValueError:
            return value
    if isinstance(value, list | tuple):
        items = [str(item) for item in cast(Sequence[Any], value) if item not in ("", None)]
        # A stored text in a list field is shown, and sent back, as a list with one item.
        return items if len(items) > 1 else "".join(items)
    return str(value)


def is_column(record: Record, field: str) -> bool:
    """Return whether a field of a record is a column, not an extra."""
    return field in class_mapper(type(record)).local_table.columns


def _read_stored(record: Record, field: str) -> str:
    value = (
        getattr(record, field)
        if is_column(record, field)
        else package_model.read_stored_text(record, field)
    )
    return value if isinstance(value, str) else ""


def _resources(record: Record) -> list[model.Resource]:
    return list(record.resources) if isinstance(record, model.Package) else []


def _read_resource_field(resource: model.Resource, field: str) -> object:
    if field in model.Resource.get_columns(extra_columns=False):
        return getattr(resource, field)
    return (resource.extras or {}).get(field)


class Flat:
    """The fields of a record after the validators of the fields, and its errors.

    A field with an error reads as empty, so that rules do not add errors about it.
    """

    def __init__(self, data: FlattenDataDict, errors: FlattenErrorDict, context: Context) -> None:
        """Wrap the arguments of an ``after`` validator; both dicts are changed in place."""
        self.data = data
        self.errors = errors
        self.context = context
        self._pardoned: set[FlattenKey] = set()

    @property
    def stored(self) -> model.Package | None:
        """The stored package, ``None`` for a new one."""
        package = self.context.get("package")
        return package if package and self.data.get(("id",)) == package.id else None

    @property
    def is_deleted(self) -> bool:
        """Whether the record is deleted after this save."""
        current = self.stored.state if self.stored else model.State.ACTIVE
        return (self.text("state") or current) == model.State.DELETED

    @property
    def is_being_deleted(self) -> bool:
        """Whether this save deletes the record."""
        return bool(self.stored and self.stored.state != model.State.DELETED and self.is_deleted)

    @property
    def gains_readers(self) -> bool:
        """Whether this save publishes or restores the record, so that all values are checked."""
        return bool(self.stored and gains_readers(self.data, self.stored))

    def accept_stored_values(self) -> None:
        """Remove the errors of unchanged stored values; see the module's docstring."""
        self._pardoned = accept_stored_values(self.data, self.errors, self.context, self.stored)
        for key in self._pardoned:
            # Columns have no extra of the same name.
            if self.stored and len(key) == 1 and not is_column(self.stored, key[0]):
                self.put(key[0], self.data[key])

    def is_accepted(self, *key: str | int) -> bool:
        """Return whether a value is an invalid stored one that was accepted."""
        return key in self._pardoned

    def failed(self, *fields: str) -> bool:
        """Return whether any of the fields has an error or an invalid stored value."""
        return any(self.errors.get((field,)) or (field,) in self._pardoned for field in fields)

    def value(self, field: str) -> object:
        """Return the value of a field, ``None`` if it is missing or has an error."""
        found = self.data.get((field,))
        return None if found is missing or self.failed(field) else found

    def text(self, field: str) -> str:
        """Return the value of a text field, "" if it is missing or has an error."""
        found = self.value(field)
        return found if isinstance(found, str) else ""

    def items(self, field: str) -> list[str]:
        """Return the items of a list field, whose validator has set a JSON list."""
        try:
            loaded = load_json(self.text(field) or "[]")
        except ValueError:
            return []
        return loaded if is_json_list(loaded) else []

    def rows(self, field: str) -> list[dict[str, Any]]:
        """Return the rows of a repeating field; subfields with an error are left out."""
        numbers = [key[1] for key in self.data if len(key) == 3 and key[0] == field]
        found: list[dict[str, Any]] = [{} for _ in range(max(numbers, default=-1) + 1)]
        for key, value in self.data.items():
            is_inner = len(key) == 3 and key[0] == field and value is not missing
            if is_inner and not self.errors.get(key) and key not in self._pardoned:
                found[key[1]][key[2]] = value
        return found

    def put(self, field: str, value: str) -> None:
        """Set a field that has no column: its value, and the extra in which CKAN stores it."""
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
        """Set a field that was not sent to its stored value, else to a default."""
        if not self.text(field) and not self.failed(field):
            self.put(field, package_model.read_stored_text(self.stored, field) or default)

    def put_items(self, field: str, values: Iterable[str]) -> None:
        """Set a list field."""
        self.put(field, json.dumps(list(values)))

    def add(self, faults: Iterable[FieldFault], before: Collection[FieldFault] = ()) -> None:
        """Add errors to fields without an error.

        CKAN cannot show errors of a list and of its rows at once: an error of the list replaces
        empty errors of rows, and is left out if a row has one.

        Args:
            faults: the faults of the sent record.
            before: the faults of the stored record. A fault that is in both becomes a notice
                instead of an error, unless the save publishes or restores the record.
        """
        for path, fault in faults:
            if self._is_stored_fault(path, fault, before):
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

    def _is_stored_fault(self, path: Path, fault: Fault, before: Collection[FieldFault]) -> bool:
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
        """Remove empty rows of repeating fields, which forms send, and unknown subfields.

        Unknown subfields that are stored already stay.
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
                # Not removed, so that the errors of later rows keep their positions.
                for key in [k for k in self.errors if k[:2] == (field, index)]:
                    self.errors[key] = []


def _is_filled(value: Any) -> bool:
    if isinstance(value, str):
        return not is_blank(value)
    return value is not missing and value not in (None, [])


def list_stored_texts(key: FlattenKey, data: FlattenDataDict, context: Context) -> set[str]:
    """Return the stored texts of a field; for a subfield, those of all rows."""
    found = _list_stored_values(key, data, context)
    return {value for value in found if isinstance(value, str) and value}


def list_stored_items(key: FlattenKey, data: FlattenDataDict, context: Context) -> set[str]:
    """Return the stored items of a list field; for a subfield, those of all rows.

    Empty if the save publishes or restores the record: then all items are checked.
    """
    if Flat(data, {}, context).gains_readers:
        return set()
    found = (normalize(value) for value in _list_stored_values(key, data, context))
    return {
        item for value in found for item in ([value] if isinstance(value, str) else value) if item
    }


def _list_stored_values(key: FlattenKey, data: FlattenDataDict, context: Context) -> list[object]:
    """Return the stored values of a field; for a subfield of all rows, as rows have no ids."""
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
    """Return the dataset type in flattened data; it may be missing for a new dataset."""
    found = data.get(("type",))
    return found if isinstance(found, str) and found else package_model.DATASET


def add_field_notice(
    context: Context, key: FlattenKey, data: FlattenDataDict, message: str
) -> None:
    """Add a notice about a field of flattened data; see :func:`messages.add_notice_at`."""
    messages.add_notice_at(
        context, resource_logic.find_sent_key(context, key, data), find_record_type(data), message
    )
