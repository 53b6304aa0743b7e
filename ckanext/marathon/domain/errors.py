"""The exceptions of the rules, and faults with their field and message.

MarathonError
├── Malformed   a value that cannot be read; its fault says what is accepted
└── Taken       a code that somebody else has

A rule that finds several faults returns them instead of raising. The words are English and stay so
here; logic translates them. ``N_`` marks them for translation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Path = tuple[str | int, ...]


def N_(message: str) -> str:
    """Return a message as it is, marked for translation."""
    return message


class Fault(NamedTuple):
    """A message with named placeholders (``{code}``) and their values."""

    message: str
    values: Mapping[str, object] = {}

    def __str__(self) -> str:
        """Return the English sentence."""
        return self.message.format(**self.values)


class FieldFault(NamedTuple):
    """A fault at a field: ``("municipality",)``, or ``("organiser", 0, "name")`` in a list."""

    path: Path
    fault: Fault


def make_fault(field: str, message: str, **values: object) -> FieldFault:
    """Return a fault at a field that is not part of a list."""
    return FieldFault((field,), Fault(message, values))


class MarathonError(Exception):
    """An error that the person who sent the request can correct."""


class Malformed(MarathonError):
    """A value cannot be read."""

    def __init__(self, message: str, **values: object) -> None:
        """Keep the fault; ``message`` is marked by ``N_`` where it is written."""
        self.fault = Fault(message, values)
        super().__init__(str(self.fault))


class Taken(MarathonError):
    """Another record has the value; ``holder`` is its id, ``None`` if it is not committed yet."""

    def __init__(self, key: str, holder: str | None) -> None:
        """Store the requested value and the id of the record that has it."""
        super().__init__(f"{key} is taken")
        self.key = key
        self.holder = holder
