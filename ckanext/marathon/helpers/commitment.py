"""A commitment as its page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user

from ckanext.marathon.domain import commitments, dates
from ckanext.marathon.logic import permissions
from ckanext.marathon.model import records
from ckanext.marathon.records.values import list_texts

from . import evidence
from .evidence import Evidence
from .labels import marathon_date


class Milestone(NamedTuple):
    """One thing that is to be done; ``status`` is a code or ``""``, ``due`` a day or ``""``."""

    title: str
    due: str
    status: str
    is_overdue: bool
    evidence: list[Evidence]


class Commitment(NamedTuple):
    """A commitment.

    Attributes:
        progress: status → number of milestones, the furthest first.
        proofs: type of thing of this site → how many different ones are named as evidence.
    """

    id: str
    name: str
    title: str
    notes: str
    plan: str
    number: str
    axis: str
    lead: list[str]
    partner: list[str]
    source_url: str
    organization: dict[str, str] | None
    milestones: list[Milestone]
    progress: Mapping[str, int]
    overdue: int
    proofs: Mapping[str, int]


def commitment(package: model.Package) -> Commitment:
    """Return what a page shows of a public commitment; two queries."""
    rows = records.rows(package, "milestone")
    proofs = evidence.shown(each for row in rows for each in addresses(row))
    today = dates.today()
    milestones = [
        Milestone(
            title=str(row.get("title") or ""),
            due=str(row.get("due") or ""),
            status=str(row.get("status") or ""),
            is_overdue=commitments.is_overdue(row, today),
            evidence=[proofs[each] for each in addresses(row)],
        )
        for row in rows
    ]
    own = {(each.type, each.href) for each in proofs.values() if each.type}
    return Commitment(
        id=package.id,
        name=package.name,
        title=package.title or package.name,
        notes=package.notes or "",
        plan=records.text(package, "plan"),
        number=records.text(package, "number"),
        axis=records.text(package, "axis"),
        lead=records.items(package, "lead"),
        partner=records.items(package, "partner"),
        source_url=records.text(package, "source_url"),
        organization=records.organizations([package.owner_org]).get(package.owner_org or ""),
        milestones=milestones,
        progress=commitments.progress(rows),
        overdue=sum(each.is_overdue for each in milestones),
        proofs={type_: sum(t == type_ for t, _ in own) for type_ in evidence.TYPES},
    )


def may_add() -> bool:
    """Return whether the visitor may add a commitment for some organisation."""
    if not current_user.is_authenticated:
        return False
    return bool(permissions.organizations_open_to(current_user.name, records.COMMITMENT))


def marathon_today() -> str:
    """Return the day it is in Guatemala, in words: what a printed page is as of."""
    return tk._("as of {day}").format(day=marathon_date(dates.today().isoformat()))


def addresses(milestone: Mapping[str, object]) -> list[str]:
    """Return the addresses that a milestone names as evidence; stored, they are JSON in JSON."""
    return list_texts(milestone.get("evidence"))
