"""Counts of participants: what cannot be, and what outsiders are not told.

Masking follows the usual threshold rule of statistical offices: no cell under 5, and none that
subtraction from the total would give away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ckanext.marathon.domain.faults import N_, At, at

TOTAL = "participants"
SEXES = ("participants_women", "participants_men")
GROUPS = (*SEXES, "participants_youth", "participants_indigenous")
FIELDS = (TOTAL, *GROUPS)

SMALLEST_SHOWN = 5

Counts = Mapping[str, int | None]


class Masked(NamedTuple):
    """Counts as outsiders see them (``None``: masked or not recorded) and which were masked."""

    counts: dict[str, int | None]
    masked: list[str]


def check(counts: Counts) -> list[At]:
    """Return what cannot be: a part greater than the whole."""
    total = counts.get(TOTAL)
    if total is None:
        return []
    faults = [
        at(group, N_("{count} is more than the {total} participants"), count=part, total=total)
        for group in GROUPS
        if (part := counts.get(group)) is not None and part > total
    ]
    women, men = (counts.get(sex) for sex in SEXES)
    if not faults and women is not None and men is not None and women + men > total:
        faults += [
            at(
                TOTAL,
                N_("{women} women and {men} men are more than the {total} participants"),
                women=women,
                men=men,
                total=total,
            )
        ]
    return faults


def mask(counts: Counts) -> Masked:
    """Return the counts as outsiders may see them."""
    known = {name: value for name in FIELDS if (value := counts.get(name)) is not None}
    total = known.get(TOTAL)
    masked = {name for name, value in known.items() if value < SMALLEST_SHOWN}
    if total is not None and TOTAL not in masked:
        # All but one of the participants being women says as much as one man does.
        masked |= {
            name for name in GROUPS if name in known and 0 < total - known[name] < SMALLEST_SHOWN
        }
        if masked.intersection(SEXES):
            masked |= known.keys() & set(SEXES)
    shown = {name: None if name in masked else known.get(name) for name in FIELDS}
    return Masked(shown, [name for name in FIELDS if name in masked])
