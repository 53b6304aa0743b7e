"""A commitment as its page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import ckan.plugins.toolkit as tk
from ckan.common import current_user

from ckanext.marathon.domain import commitment, dates
from ckanext.marathon.logic import permissions
from ckanext.marathon.model import package
from ckanext.marathon.records.record import Commitment, Milestone

from . import evidence
from .evidence import Evidence
from .labels import marathon_date


class ShownMilestone(NamedTuple):
    """A milestone, whether it is late, and what to show for the addresses that prove it."""

    milestone: Milestone
    is_overdue: bool
    evidence: list[Evidence]


class ShownCommitment(NamedTuple):
    """A commitment with what its page counts.

    Attributes:
        organization: that has it: ``id``, ``name`` and ``title``.
        progress: status → number of milestones, the furthest first.
        proofs: type of thing of this site → how many different ones are named as evidence.
    """

    record: Commitment
    organization: dict[str, str] | None
    milestones: list[ShownMilestone]
    progress: Mapping[str, int]
    overdue: int
    proofs: Mapping[str, int]


def show_commitment(record: Commitment) -> ShownCommitment:
    """Return what a page shows of a public commitment; two queries."""
    proofs = evidence.shown(
        address for milestone in record.milestones for address in milestone.evidence
    )
    today = dates.get_today()
    milestones = [
        ShownMilestone(
            milestone,
            commitment.is_milestone_overdue(milestone.status, milestone.due, today),
            [proofs[address] for address in milestone.evidence],
        )
        for milestone in record.milestones
    ]
    own = {(proof.type, proof.href) for proof in proofs.values() if proof.type}
    return ShownCommitment(
        record=record,
        organization=package.read_organization_titles([record.owner_id]).get(record.owner_id),
        milestones=milestones,
        progress=count_progress(record),
        overdue=sum(milestone.is_overdue for milestone in milestones),
        proofs={type_: sum(t == type_ for t, _ in own) for type_ in evidence.TYPES},
    )


def count_progress(record: Commitment) -> dict[str, int]:
    """Return how many milestones of a commitment have each status, the furthest first."""
    return commitment.count_milestones_by_status(
        milestone.status for milestone in record.milestones
    )


def may_add() -> bool:
    """Return whether the visitor may add a commitment for some organisation."""
    if not current_user.is_authenticated:
        return False
    return bool(permissions.organizations_open_to(current_user.name, package.COMMITMENT))


def marathon_today() -> str:
    """Return the day it is in Guatemala, in words: what a printed page is as of."""
    return tk._("as of {day}").format(day=marathon_date(dates.get_today().isoformat()))
