"""What can go wrong in the vocabulary room.

VocabularyError
├── UnknownCode       well formed, but nothing has this code
│   └── MalformedCode cannot be a code at all
└── MalformedData     a vocabulary file breaks a rule
"""

from __future__ import annotations


class VocabularyError(Exception):
    """Base of every error this room raises."""


class UnknownCode(VocabularyError, LookupError):
    """Nothing of this kind has this code.

    Attributes:
        kind: what was looked for, e.g. ``"municipality"`` (see :data:`.paths.KINDS`).
        code: what was given, shortened to 60 characters, safe to show.
    """

    def __init__(self, kind: str, code: object) -> None:
        self.kind = kind
        self.code = shorten_value(code)
        super().__init__(self.message())

    def message(self) -> str:
        """Return one English sentence naming the kind and the code."""
        return f"No {self.kind} has the code {self.code}"


class MalformedCode(UnknownCode):
    """The value cannot be a code of this kind, however it is repaired."""

    def message(self) -> str:
        """Return one English sentence naming the kind and the value."""
        return f"{self.code} cannot be the code of a {self.kind}"


class MalformedData(VocabularyError, ValueError):
    """A vocabulary file breaks a rule; the message names file, place and rule."""


def shorten_value(value: object) -> str:
    """Return ``repr(value)`` of text, or of anything else as text, at most 60 characters long."""
    text = repr(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 60 else text[:59] + "…"
