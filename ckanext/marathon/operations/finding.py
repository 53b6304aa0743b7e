"""What ``ckan marathon doctor`` found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum


class Health(Enum):
    """How serious a finding is: only ``BAD`` keeps the site from working or from being safe."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """What a check found, in the reader's language."""

    health: Health
    text: str
    #: puts it right; returns what was done
    mend: Callable[[], str] | None = None


Findings = Iterator[Finding]


def make_good(text: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(Health.GOOD, text)


def make_warning(text: str, mend: Callable[[], str] | None = None) -> Finding:
    """Return a fault that does not keep the site from working."""
    return Finding(Health.WARNING, text, mend)


def make_bad(text: str, mend: Callable[[], str] | None = None) -> Finding:
    """Return a fault that keeps the site from working."""
    return Finding(Health.BAD, text, mend)
