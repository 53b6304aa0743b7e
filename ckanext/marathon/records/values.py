"""How the fields of a package or an organisation are read, shown or stored."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

from ckanext.marathon.domain import numbers
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.texts import load_json

Row = Mapping[str, object]


def says_anything(value: object) -> bool:
    """Return whether a value says anything to a reader.

    Blank texts, ``None``, ``False`` and lists and rows whose every part says nothing do not.
    """
    if isinstance(value, Mapping):
        return any(map(says_anything, cast(Row, value).values()))
    if isinstance(value, list | tuple):
        return any(map(says_anything, cast(list[object], value)))
    return value is not None and value is not False and str(value).strip() != ""


def read_text(value: object) -> str:
    """Return a text, or a number as text; ``""`` for everything else."""
    if isinstance(value, str):
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else ""


def read_flag(value: object) -> bool:
    """Return whether a value is true, stored (``"true"``) or shown."""
    return value is True or str(value).lower() == "true"


def read_count(value: object) -> int | None:
    """Return a whole number from 0 up, ``None`` for what is none."""
    if value is None or value == "" or isinstance(value, bool):
        return None
    try:
        return numbers.parse_count(value)
    except Malformed:
        return None


def read_degrees(value: object) -> float | None:
    """Return a coordinate, ``None`` for what is no number."""
    try:
        found = float(read_text(value))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def list_texts(value: object) -> list[str]:
    """Return the texts of a field that may be a list, JSON of one, or one text.

    Lists are JSON in CKAN's extras. A dataset that is older than our schema may have one text.
    """
    # An object is no list: its JSON is a text like any other.
    value = _parse_json(value, "[")
    if isinstance(value, list | tuple):
        given = cast(list[object], value)
        return [str(item) for item in given if isinstance(item, str | int) and str(item).strip()]
    return [value] if isinstance(value, str) and value.strip() else []


def list_stored_texts(value: object) -> list[str]:
    """Return the texts of a stored field that is a JSON list; of anything else none.

    Sites had fields of these names before the plugin came, with other content.
    """
    loaded = _parse_json(value, "[")
    given = cast(list[object], loaded) if isinstance(loaded, list) else []
    return [item for item in given if isinstance(item, str)]


def list_rows(value: object) -> list[Row]:
    """Return the rows of a field with subfields, without those that hold nothing."""
    value = _parse_json(value, "[{")
    given = [cast(Row, value)] if isinstance(value, Mapping) else value
    if not isinstance(given, list | tuple):
        return []
    rows = (cast(Row, row) for row in cast(list[object], given) if isinstance(row, Mapping))
    return [row for row in rows if any(row.values())]


def list_stored_rows(value: object) -> list[dict[str, object]]:
    """Return the rows of a stored field that is a JSON list; of anything else none."""
    loaded = _parse_json(value, "[")
    given = cast(list[object], loaded) if isinstance(loaded, list) else []
    return [cast(dict[str, object], row) for row in given if isinstance(row, dict)]


def _parse_json(value: object, begins: str) -> object:
    """Return what a JSON text says that begins so, ``None`` if it cannot be read.

    Everything else is returned as it is.
    """
    if not isinstance(value, str) or value.strip()[:1] not in tuple(begins):
        return value
    try:
        return cast(object, load_json(value))
    except ValueError:
        return None


class Fields:
    """The fields of one package or organisation, whether it is shown or stored."""

    def __init__(self, values: Mapping[str, object], *, is_stored: bool) -> None:
        """Keep the fields; of stored ones a list is JSON and nothing else is taken for one."""
        self._values = values
        self._texts = list_stored_texts if is_stored else list_texts
        self._rows = list_stored_rows if is_stored else list_rows

    @classmethod
    def of_shown(cls, shown: Mapping[str, object]) -> Fields:
        """Return the fields of a dict of ``package_show`` or ``organization_show``."""
        return cls(shown, is_stored=False)

    @classmethod
    def of_stored(cls, row: object, *columns: str) -> Fields:
        """Return the fields of what the database has.

        Args:
            row: a package, an organisation or a row of a query with some of its columns.
            columns: CKAN's own fields, of which a query may leave some out.
        """
        own = {name: getattr(row, name, None) for name in columns}
        extras = cast("dict[str, object] | None", getattr(row, "extras", None))
        return cls({**(extras or {}), **own}, is_stored=True)

    def value(self, name: str) -> object:
        """Return a field as it is, ``None`` where there is none."""
        return self._values.get(name)

    def text(self, name: str) -> str:
        """Return a field as text, ``""`` where there is none."""
        return read_text(self._values.get(name))

    def flag(self, name: str) -> bool:
        """Return whether a field is true."""
        return read_flag(self._values.get(name))

    def count(self, name: str) -> int | None:
        """Return a field that is a whole number."""
        return read_count(self._values.get(name))

    def degrees(self, name: str) -> float | None:
        """Return a field that is a coordinate."""
        return read_degrees(self._values.get(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a field that is a list of texts."""
        return tuple(self._texts(self._values.get(name)))

    def rows(self, name: str) -> list[Fields]:
        """Return a field that has subfields."""
        # Within a row, what the form sends for several values may be JSON or one text.
        return [Fields(row, is_stored=False) for row in self._rows(self._values.get(name))]
