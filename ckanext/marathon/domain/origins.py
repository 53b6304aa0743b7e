"""Municipality and problem of a dataset or idea: its own, or those of what it came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

OWN, IDEA, WORKSHOP, NONE = "own", "idea", "workshop", "none"


class Resolved(NamedTuple):
    """Values, and where they come from."""

    values: list[str]
    origin: str


def resolve(own: Sequence[str], inherited: Iterable[str], source: str) -> Resolved:
    """Return a thing's own values, else those of its source, sorted, each once.

    Args:
        own: what is stored with the thing.
        inherited: what its ideas or workshop have.
        source: ``IDEA`` or ``WORKSHOP``.
    """
    if own:
        return Resolved(list(own), OWN)
    computed = sorted(set(inherited))
    return Resolved(computed, source) if computed else Resolved([], NONE)


def to_store(
    given: Sequence[str],
    origin: str | None,
    stored: Sequence[str] | None,
    computed: Sequence[str],
) -> list[str]:
    """Return what of a field is the thing's own, where a client sends back what it was shown.

    Args:
        given: the values sent.
        origin: the origin sent with them, if any.
        stored: the thing's own values so far; ``None`` for a new thing.
        computed: what it has, or would have, without values of its own.

    Returns:
        nothing where the values are the computed ones and nobody says that they are its own:
        a form need not send the origin back, a copy of another thing must.
    """
    unchanged = stored is not None and not stored and origin != OWN
    if sorted(set(given)) == sorted(set(computed)) and (unchanged or origin in {IDEA, WORKSHOP}):
        return []
    return list(given)
