"""The exceptions of the rules, and faults with their field and message.

MarathonError
├── Malformed   a value cannot be parsed; its fault says what is accepted
└── Taken       another record has the code

A rule that may find several faults returns them instead of raising. Messages are English and are
marked for translation with ``N_``; ``logic`` translates them.
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
    """A value cannot be parsed."""

    def __init__(self, message: str, **values: object) -> None:
        """Store the fault; the caller marks ``message`` with ``N_``."""
        self.fault = Fault(message, values)
        super().__init__(str(self.fault))


class Taken(MarathonError):
    """Another record has the value; ``holder`` is its id, ``None`` if it is not committed yet."""

    def __init__(self, key: str, holder: str | None) -> None:
        """Store the requested value and the id of the record that has it."""
        super().__init__(f"{key} is taken")
        self.key = key
        self.holder = holder
