"""What a table is: columns that say what they hold, and rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

Cell = str | bool | int | float | date | datetime | None


class Type(StrEnum):
    """What a column holds.

    Source: Frictionless Table Schema, field types; codes like ``0501`` are strings.
    """

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"


class Column(NamedTuple):
    """One column.

    Attributes:
        name: what programs call it; it never changes.
        label: what readers call it, in their language.
        description: what is in it, for a data dictionary.
    """

    name: str
    label: str
    description: str = ""
    type: Type = Type.STRING


class Table(NamedTuple):
    """A table.

    Attributes:
        name: of its file, without an ending, and of its sheet.
        rows: as many cells each as there are columns; they can be gone through once.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell]]
