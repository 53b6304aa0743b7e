"""CKAN's flattened data, as the rules of a whole record need it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.navl.dictization_functions import missing
from ckan.types import Context, FlattenDataDict, FlattenErrorDict, FlattenKey

from ckanext.marathon.domain.errors import Fault, FieldFault, Path
from ckanext.marathon.domain.texts import is_blank, load_json
from ckanext.marathon.logic import notices, say, sent_files, unknown_subfields
from ckanext.marathon.logic.validators import untouched
from ckanext.marathon.model import package as package_model


class Flat:
    """The fields of a record after their own validators, and its errors.

    A field that has an error reads as empty, so that a rule says nothing more about it.
    """

    def __init__(self, data: FlattenDataDict, errors: FlattenErrorDict, context: Context) -> None:
        """Wrap what navl hands to an ``after`` validator; both dicts are changed in place."""
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
    def is_shown_anew(self) -> bool:
        """Whether this save restores it or makes it public, so that all of it is judged."""
        return bool(self.stored and untouched.is_shown_anew(self.data, self.stored))

    def pardon_untouched(self) -> None:
        """Take back the errors of what is stored already; see :mod:`.untouched`."""
        self._pardoned = untouched.pardon_untouched(
            self.data, self.errors, self.context, self.stored
        )
        for key in self._pardoned:
            # CKAN's own fields are columns; the rules read no extra of their names.
            if self.stored and len(key) == 1 and not untouched.is_column(self.stored, key[0]):
                self.put(key[0], self.data[key])

    def is_pardoned(self, *key: str | int) -> bool:
        """Return whether a value is one that is stored and that no rule can read."""
        return key in self._pardoned

    def failed(self, *fields: str) -> bool:
        """Return whether any of the fields has an error, or a value that no rule can read."""
        return any(self.errors.get((each,)) or (each,) in self._pardoned for each in fields)

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
        return loaded if isinstance(loaded, list) else []

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
        """Store a value for a field, instead of what was sent."""
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
        """Say what is wrong, at the fields; a field that has an error already keeps to it.

        CKAN cannot hold errors of a list of things and of one of them at once.

        Args:
            faults: of the record as it is sent.
            before: those of the record as it is stored. What was wrong before, in the same words,
                is told and keeps nobody from saving the rest, unless the save restores the record
                or makes it public.
        """
        for path, fault in faults:
            if self._was_there(path, fault, before):
                notices.add(self.context, say.text(fault))
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
                present.append(say.text(fault))

    def _was_there(self, path: Path, fault: Fault, before: Collection[FieldFault]) -> bool:
        if self.is_shown_anew:
            return False
        if len(path) == 1:
            return FieldFault(path, fault) in before
        field, row, _name = path
        stored = package_model.read_stored_rows(self.stored, str(field))
        sent = {k[2]: v for k, v in self.data.items() if len(k) == 3 and k[:2] == (field, row)}
        kept = any(untouched.is_same_row(sent, each) for each in stored)
        return kept and any(each.path[0] == field and each.fault == fault for each in before)

    def tidy(self, *fields: str) -> None:
        """Drop rows of repeating fields that nobody filled in, and subfields that nobody knows.

        A form sends its empty rows too. What is stored already under an unknown name stays.
        """
        for field in fields:
            stored = unknown_subfields.names_of(self.stored, field)
            for index in {key[1] for key in self.data if len(key) == 3 and key[0] == field}:
                unknown = self.data.pop((field, index, unknown_subfields.KEY), None)
                for name, value in unknown.items() if isinstance(unknown, dict) else ():
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


def stored_texts(key: FlattenKey, data: FlattenDataDict, context: Context) -> set[Any]:
    """Return what the database has in the field of a key; of a repeating field, in all its rows."""
    found = _stored_values(key, data, context)
    return {each for each in found if isinstance(each, str) and each}


def stored_items(key: FlattenKey, data: FlattenDataDict, context: Context) -> set[str]:
    """Return the items of the lists that the database has in the field of a key.

    None where the save restores the record or makes it public: all of it is judged then.
    """
    if Flat(data, {}, context).is_shown_anew:
        return set()
    found = (untouched.as_said(each) for each in _stored_values(key, data, context))
    return {item for each in found for item in ([each] if isinstance(each, str) else each) if item}


def _stored_values(key: FlattenKey, data: FlattenDataDict, context: Context) -> list[Any]:
    """Return what the database has in the field of a key.

    Rows have no ids: after one is removed on the page, those behind it have other numbers.
    """
    package = Flat(data, {}, context).stored
    if package is None:
        return []
    if len(key) == 1:
        return [package_model.read_stored_text(package, key[0])]
    if key[0] == "resources":
        resource = data.get((*key[:-1], "id"))
        same = (each for each in package.resources if each.id == resource)
        return [(each.extras or {}).get(key[-1]) for each in same]
    return [row.get(key[-1]) for row in package_model.read_stored_rows(package, key[0])]


def type_of(data: FlattenDataDict) -> str:
    """Return the type of the record that flattened data is of; a dataset has none at first."""
    found = data.get(("type",))
    return found if isinstance(found, str) and found else package_model.DATASET


def tell(context: Context, key: FlattenKey, data: FlattenDataDict, message: str) -> None:
    """Add a notice about a field of flattened data."""
    notices.add_at(context, sent_files.key_as_sent(context, key, data), type_of(data), message)


def invalid(fault: Any) -> tk.Invalid:
    """Return CKAN's exception for a value that cannot be read."""
    return tk.Invalid(say.text(fault))
