"""The page of the commitment that the marathons fulfil: progress and evidence."""

from __future__ import annotations

from collections.abc import Iterator

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, request

from ckanext.marathon.domain import dates
from ckanext.marathon.helpers import chain
from ckanext.marathon.helpers.labels import marathon_term
from ckanext.marathon.model import commitment as commitment_model
from ckanext.marathon.model import figures
from ckanext.marathon.records import Commitment
from ckanext.marathon.spreadsheets import Cell, Column, ColumnType, Table, join_values
from ckanext.marathon.views import answers
from ckanext.marathon.vocabulary.statuses import MILESTONE_STATUS

commitment = Blueprint("marathon_commitment", __name__)


def show_commitment() -> str:
    """Show the only commitment, the one named by ``commitment``, or a list to choose from."""
    everything = commitment_model.list_public_commitments()
    found = _choose_asked(everything)
    chosen = chain.show_commitment(found[0]) if len(found) == 1 else None
    return tk.render(
        "marathon/commitment/index.html",
        {
            "commitment": chosen,
            "commitments": [
                (record, chain.count_progress(record)) for record in ([] if chosen else found)
            ],
            "is_one_of_several": chosen is not None and len(everything) > 1,
            "figures": figures.read_total_figures(),
            "as_of": figures.read_time_of_figures().astimezone(dates.GUATEMALA),
            "may_add": chain.may_add_commitment() if not found else False,
        },
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
    found = _choose_asked(commitment_model.list_public_commitments())
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
                "yes"
                if commitment_model.is_milestone_overdue(status, milestone.due, today)
                else "no",
                join_values(milestone.evidence),
            ]


def _choose_asked(found: list[Commitment]) -> list[Commitment]:
    """Return all commitments, or the one named by ``commitment``."""
    asked = request.args.get("commitment", "").strip()
    if not asked:
        return found
    chosen = [each for each in found if asked in (each.name, each.id)]
    return chosen or tk.abort(404, tk._("There is no public commitment of that name."))


commitment.add_url_rule("/marathon/commitment", endpoint="index", view_func=show_commitment)
commitment.add_url_rule(
    "/marathon/commitment.csv", endpoint="table", view_func=show_milestone_table
)
