"""What the rules can refuse.

MarathonError
├── Malformed   a value that cannot be read; its fault says what is accepted
└── Taken       a code that somebody else has
"""

from __future__ import annotations

from typing import Any

from ckanext.marathon.domain.faults import Fault


class MarathonError(Exception):
    """Something that the person who asked can mend."""


class Malformed(MarathonError):
    """A value cannot be read."""

    def __init__(self, message: str, **values: Any) -> None:
        """Keep the fault; ``message`` is marked by ``N_`` where it is written."""
        self.fault = Fault(message, values)
        super().__init__(str(self.fault))


class Taken(MarathonError):
    """Somebody else has it; ``holder`` is their id, ``None`` if they were first by an instant."""

    def __init__(self, key: str, holder: str | None) -> None:
        """Keep what was asked for and who has it."""
        super().__init__(f"{key} is taken")
        self.key = key
        self.holder = holder
