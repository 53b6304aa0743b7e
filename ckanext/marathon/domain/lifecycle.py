"""The life of an idea, as a table."""

from __future__ import annotations

from collections.abc import Mapping

from ckanext.marathon.domain.faults import N_, At, at
from ckanext.marathon.vocabulary.statuses import IDEA_STATUS

FIRST = "proposed"

# From a status to those that may follow it, in the order in which people are offered them.
STEPS: Mapping[str, tuple[str, ...]] = {
    "proposed": ("prioritised", "discarded"),
    "prioritised": ("in_progress", "discarded"),
    "in_progress": ("implemented", "prioritised", "discarded"),
    "implemented": ("in_progress",),
    "discarded": ("proposed",),
}

# What was closed is opened again: the public is told why.
REOPENINGS = frozenset({("implemented", "in_progress"), ("discarded", "proposed")})


def next_statuses(status: str) -> tuple[str, ...]:
    """Return the statuses that may follow one; none after a status that does not exist."""
    return STEPS.get(status, ())


def needs_reason(before: str, after: str) -> bool:
    """Return whether the step reopens an idea."""
    return (before, after) in REOPENINGS


def check_start(status: str, may_record_the_past: bool) -> list[At]:
    """Return what is wrong with the status of a new idea.

    Args:
        status: the status asked for.
        may_record_the_past: whether the person may enter an idea that has come further already;
            sysadmins and the coordinating body may.
    """
    if status == FIRST or may_record_the_past:
        return []
    return [at("status", N_("A new idea starts as “{status}”"), status=_label(FIRST))]


def check_step(before: str, after: str, reason: str) -> list[At]:
    """Return what is wrong with a step; to stay is always allowed."""
    if before == after or before not in STEPS:
        return []
    if after not in STEPS[before]:
        return [
            at(
                "status",
                N_("An idea that is “{before}” cannot become “{after}”; it can become: {allowed}"),
                before=_label(before),
                after=_label(after),
                allowed=tuple(_label(each) for each in STEPS[before]),
            )
        ]
    if needs_reason(before, after) and not reason.strip():
        return [at("status_reason", N_("Say why the idea is opened again"))]
    return []


def _label(code: str) -> Mapping[str, str]:
    return IDEA_STATUS.term(code).labels
