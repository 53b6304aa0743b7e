"""How a rule says what is wrong: where, and in which words.

The words are English and stay so here; logic translates them. ``N_`` marks them for translation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Path = tuple[str | int, ...]


def N_(message: str) -> str:
    """Return a message as it is, marked for translation."""
    return message


class Fault(NamedTuple):
    """A message with named places, ``{code}``, and what goes there."""

    message: str
    values: Mapping[str, Any] = {}

    def __str__(self) -> str:
        """Return the English sentence."""
        return self.message.format(**self.values)


class At(NamedTuple):
    """A fault at a field: ``("municipality",)``, or ``("organiser", 0, "name")`` in a list."""

    path: Path
    fault: Fault


def at(field: str, message: str, **values: Any) -> At:
    """Return a fault at a field that is not part of a list."""
    return At((field,), Fault(message, values))
