"""The page of a commitment (of an open government plan): progress and evidence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, request

from ckanext.marathon.domain import dates
from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.domain.table import ColumnType
from ckanext.marathon.helpers import chain
from ckanext.marathon.helpers.labels import marathon_only_day, marathon_term
from ckanext.marathon.model import figures
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.figures import Figures
from ckanext.marathon.rdf import lookups
from ckanext.marathon.records import Commitment, Milestone
from ckanext.marathon.spreadsheets import Cell, Column, Table, join_values
from ckanext.marathon.views import answers
from ckanext.marathon.views.place import write_as_of
from ckanext.marathon.vocabulary.schemes import MILESTONE_STATUS

COMPLETED = "completed"


def is_milestone_overdue(status: str, due: str, today: date) -> bool:
    """Return whether a milestone is not completed and its due day is past."""
    return status != COMPLETED and workshop_domain.has_day_passed(due, today)


def count_milestones_by_status(found: Iterable[str]) -> dict[str, int]:
    """Count milestones by status, the most advanced status first.

    ``""`` counts milestones without a status; statuses that no milestone has are left out.
    """
    known = MILESTONE_STATUS.codes
    counted = Counter(status if status in known else "" for status in found)
    return {code: counted[code] for code in (*reversed(known), "") if counted[code]}


PROVING_TYPES = (package_model.WORKSHOP, package_model.IDEA, package_model.DATASET)
_THING = re.compile(rf"/({'|'.join(PROVING_TYPES)})/([A-Za-z0-9_-]+)(?:[./?#].*)?", re.DOTALL)


class Evidence(NamedTuple):
    """A piece of evidence of a milestone.

    Attributes:
        href: its address.
        title: its title; the address if it is no public record of this site.
        type: ``workshop``, ``idea`` or ``dataset``; ``""`` if it is no public record of this site.
        status: status of a workshop or idea.
        day: date of a workshop, as text.
        is_example: whether it is a made-up example.
    """

    href: str
    title: str
    type: str = ""
    status: str = ""
    day: str = ""
    is_example: bool = False


def show_evidence(addresses: Iterable[str]) -> dict[str, Evidence]:
    """Return address → evidence, with one query; private and missing records are addresses."""
    meant = {address: _find_reference(address) for address in addresses}
    found = figures.find_evidence(
        {reference[1] for reference in meant.values() if reference}, PROVING_TYPES
    )
    answer: dict[str, Evidence] = {}
    for address, reference in meant.items():
        record = found.get(reference[1]) if reference else None
        if record is None:
            answer[address] = Evidence(address, address)
            continue
        starts = package_model.read_stored_text(record, "starts_at")
        answer[address] = Evidence(
            href=tk.h.url_for(f"{record.type}.read", id=record.name),
            title=record.title or record.name,
            type=record.type,
            status=package_model.read_stored_text(record, "status")
            if record.type != package_model.DATASET
            else "",
            day=marathon_only_day(starts) if workshop_domain.is_time(starts) else "",
            is_example=package_model.read_stored_flag(record, "example"),
        )
    return answer


def _find_reference(address: str) -> tuple[str, str] | None:
    """Return type, and id or name, of the record of this site with an address."""
    try:
        given = urlsplit(address)
    except ValueError:
        return None
    site = lookups.read_site()
    for root in (site.url, site.base):
        own = urlsplit(root)
        if given.netloc.lower() != own.netloc.lower() or not given.path.startswith(own.path):
            continue
        path = given.path[len(own.path) :]
        for locale in tk.aslist(tk.config.get("ckan.locales_offered")):
            path = path.removeprefix(f"/{locale}") if path.startswith(f"/{locale}/") else path
        found = _THING.fullmatch(path)
        if found:
            return found[1], found[2]
    return None


class ShownMilestone(NamedTuple):
    """A milestone, whether it is overdue, and its evidence."""

    milestone: Milestone
    is_overdue: bool
    evidence: list[Evidence]


class ShownCommitment(NamedTuple):
    """A commitment with the counts of its page.

    Attributes:
        organization: its owner: ``id``, ``name`` and ``title``.
        milestones: its milestones.
        progress: status → number of milestones, the most advanced status first.
        overdue: number of overdue milestones.
        proofs: record type → number of different records of this site that are evidence.
    """

    record: Commitment
    organization: dict[str, str] | None
    milestones: list[ShownMilestone]
    progress: Mapping[str, int]
    overdue: int
    proofs: Mapping[str, int]


def show_progress(record: Commitment) -> ShownCommitment:
    """Return a public commitment with the counts of its page; two queries."""
    proofs = show_evidence(
        address for milestone in record.milestones for address in milestone.evidence
    )
    today = dates.get_today()
    milestones = [
        ShownMilestone(
            milestone,
            is_milestone_overdue(milestone.status, milestone.due, today),
            [proofs[address] for address in milestone.evidence],
        )
        for milestone in record.milestones
    ]
    own = {(proof.type, proof.href) for proof in proofs.values() if proof.type}
    return ShownCommitment(
        record=record,
        organization=package_model.read_organization_titles([record.owner_id]).get(record.owner_id),
        milestones=milestones,
        progress=count_progress(record),
        overdue=sum(milestone.is_overdue for milestone in milestones),
        proofs={type_: sum(t == type_ for t, _ in own) for type_ in PROVING_TYPES},
    )


def count_progress(record: Commitment) -> dict[str, int]:
    """Return status → number of milestones of a commitment, the most advanced status first."""
    return count_milestones_by_status(milestone.status for milestone in record.milestones)


commitment = Blueprint("marathon_commitment", __name__)


@dataclass(frozen=True, kw_only=True)
class CommitmentOverviewPage:
    """One commitment with its progress, or a list of commitments.

    Attributes:
        commitment: the shown commitment; ``None`` if there are several, or none.
        commitments: commitments with their milestones by status, if none is shown.
        is_one_of_several: whether there are others besides the shown one.
        figures: the figures of the whole country.
        as_of: the date of figures and milestones, as text.
        today: the same date for use in a sentence.
        may_edit: whether this person may edit the shown one.
        may_add: whether there is none and this person may add one.
    """

    commitment: ShownCommitment | None
    commitments: list[tuple[Commitment, dict[str, int]]]
    is_one_of_several: bool
    figures: Figures
    as_of: str
    today: str
    may_edit: bool
    may_add: bool


def show_commitment() -> str:
    """Show the only commitment, the one named by ``commitment``, or a list to choose from."""
    return tk.render("marathon/commitment/index.html", {"page": read_overview_page()})


def read_overview_page() -> CommitmentOverviewPage:
    """Return the content of the page of the requested commitment, or of all."""
    everything = figures.list_public_commitments()
    found = _choose_asked(everything)
    chosen = show_progress(found[0]) if len(found) == 1 else None
    return CommitmentOverviewPage(
        commitment=chosen,
        commitments=[(record, count_progress(record)) for record in ([] if chosen else found)],
        is_one_of_several=chosen is not None and len(everything) > 1,
        figures=figures.read_total_figures(),
        as_of=write_as_of(),
        today=chain.write_today(),
        may_edit=chosen is not None
        and bool(tk.h.check_access("package_update", {"id": chosen.record.id})),
        may_add=not found and chain.may_add_record("commitment"),
    )


def show_milestone_table() -> Response:
    """Return the milestones as CSV: of the commitment named by ``commitment``, else of all."""
    columns = [
        Column("commitment", tk._("Commitment")),
        Column("plan", tk._("Action plan")),
        Column("number", tk._("Number in the plan")),
        Column("milestone", tk._("Milestone"), type=ColumnType.INTEGER),
        Column("title", tk._("What will be done")),
        Column("due", tk._("Due"), type=ColumnType.DATE),
        Column("status", tk._("Status")),
        Column("status_label", tk._("Status in words")),
        Column("overdue", tk._("Overdue")),
        Column("evidence", tk._("Evidence")),
    ]
    found = _choose_asked(figures.list_public_commitments())
    milestones = Table("commitment", tk._("Commitment"), columns, _list_cells(found))
    return answers.answer_csv(milestones)


def _list_cells(found: list[Commitment]) -> Iterator[list[Cell]]:
    today = dates.get_today()
    for record in found:
        for number, milestone in enumerate(record.milestones, 1):
            status = milestone.status
            yield [
                record.label,
                record.plan,
                record.number,
                number,
                milestone.title,
                answers.make_day_cell(milestone.due),
                status,
                marathon_term(MILESTONE_STATUS.name, status) if status else "",
                "yes" if is_milestone_overdue(status, milestone.due, today) else "no",
                join_values(milestone.evidence),
            ]


def _choose_asked(found: list[Commitment]) -> list[Commitment]:
    """Return all commitments, or the one named by ``commitment``."""
    asked = request.args.get("commitment", "").strip()
    if not asked:
        return found
    chosen = [record for record in found if asked in (record.name, record.id)]
    return chosen or tk.abort(404, tk._("There is no public commitment of that name."))


commitment.add_url_rule("/marathon/commitment", endpoint="index", view_func=show_commitment)
commitment.add_url_rule(
    "/marathon/commitment.csv", endpoint="table", view_func=show_milestone_table
)
