"""What a report says of the whole country or of one municipality in a period.

A fixed number of queries, public things only, without Solr. Ideas, their steps and data needs are
few enough to be counted here (10,000 in a country); datasets are counted by the database.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from ckan import model

from ckanext.marathon import visibility
from ckanext.marathon.domain.dates import Period
from ckanext.marathon.domain.workshop import ANNOUNCED, HELD
from ckanext.marathon.model import about, clock, published, records, talks
from ckanext.marathon.model.about import package
from ckanext.marathon.model.kept import until_a_change
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.model.published import Published
from ckanext.marathon.model.talks import AskedNeed, EnteredIdea, HeldWorkshop, Step
from ckanext.marathon.records.record import Commitment, Milestone


class Part(NamedTuple):
    """The figures of one municipality or service problem."""

    code: str
    workshops: int = 0
    ideas: int = 0
    needs: int = 0
    needs_met: int = 0
    datasets: int = 0


class Promise(NamedTuple):
    """A milestone, and the commitment that promises it."""

    commitment: Commitment
    milestone: Milestone


@dataclass(frozen=True)
class Report:
    """The figures and what they count.

    Attributes:
        as_of: when something public changed last.
        workshops: that were held in the period, the last first.
        announced: workshops of the period that a source announces and that nobody says were held.
        ideas: at the end of the period, the newest first.
        steps: in the period, the last first; that an idea came in is none.
        needs: of the ideas that were not given up.
        datasets: published for the first time in the period, the newest first.
        parts: municipalities, in a report of one its problems; those with most first.
        milestones: of public commitments; only of the country.
    """

    as_of: datetime
    workshops: list[HeldWorkshop]
    announced: int
    ideas: list[EnteredIdea]
    new_ideas: list[EnteredIdea]
    steps: list[Step]
    needs: list[AskedNeed]
    datasets: Published
    parts: list[Part]
    milestones: list[Promise]

    @property
    def needs_met(self) -> int:
        """How many of the needs a dataset met when the period was over."""
        return sum(need.is_met for need in self.needs)

    @property
    def by_status(self) -> Counter[str]:
        """Status → ideas that had it when the period was over."""
        return Counter(idea.status for idea in self.ideas)

    @property
    def examples(self) -> int:
        """How many of the workshops, ideas and datasets are made up."""
        workshops = sum(held.workshop.is_example for held in self.workshops)
        ideas = sum(entered.idea.is_example for entered in self.ideas)
        return workshops + ideas + self.datasets.examples


def read(period: Period, municipality: str = "", limit: int | None = None) -> Report:
    """Return the report of a period.

    Args:
        period: days in Guatemala.
        municipality: code of the only one to speak of, "" for the country.
        limit: datasets to name; all are counted. Without one everything is asked anew, as few do.
    """
    if limit is None:
        return _read(period, municipality, None)
    return until_a_change(
        "reports", (period, municipality, limit), lambda: _read(period, municipality, limit)
    )


def _read(period: Period, municipality: str, limit: int | None) -> Report:
    workshops = [each for each in talks.workshops(municipality) if period.has(each.day)]
    held = [each for each in workshops if each.workshop.status == HELD]
    ideas = talks.ideas(period, municipality)
    needs = talks.needs(period, municipality, ideas)
    since = period.starts
    return Report(
        as_of=clock.read().published,
        workshops=held,
        announced=sum(each.workshop.status == ANNOUNCED for each in workshops),
        ideas=list(ideas.values()),
        new_ideas=[each for each in ideas.values() if since is None or each.entered >= since],
        steps=talks.steps(period, municipality, ideas),
        needs=needs,
        datasets=published.datasets(period, municipality, limit),
        parts=_parts(period, municipality, held, needs, set(ideas)),
        milestones=[] if municipality else _milestones(),
    )


def _parts(
    period: Period,
    municipality: str,
    held: list[HeldWorkshop],
    needs: list[AskedNeed],
    ideas: set[str],
) -> list[Part]:
    """Return the figures by problem of a municipality, or by municipality of the country."""
    workshops = {each.workshop.id for each in held}
    if municipality:
        pairs: Any = about.held(Predicate.WORKSHOP_PROBLEM, Predicate.IDEA_PROBLEM)
        datasets = published.by_problem(period, municipality)
    else:
        pairs = about.places_of_talks()
        datasets = published.by_municipality(period)
    asked = Counter(need.idea.id for need in needs)
    met = Counter(need.idea.id for need in needs if need.is_met)
    found: dict[str, list[int]] = defaultdict(lambda: [0] * len(Part._fields[1:]))
    for id_, code in talks.codes(pairs, workshops | ideas, municipality):
        numbers = (id_ in workshops, id_ in ideas, asked[id_], met[id_], 0)
        found[code] = [sum(each) for each in zip(found[code], numbers, strict=True)]
    for code, number in datasets.items():
        found[code][-1] = number
    parts = [Part(code, *numbers) for code, numbers in found.items()]
    return sorted(parts, key=lambda each: (*(-number for number in each[1:]), each.code))


def _milestones() -> list[Promise]:
    query = (
        sa.select(package.id, package.name, package.title, package.extras)
        .where(visibility.filter_public(package), package.type == records.COMMITMENT)
        .order_by(package.title, package.id)
    )
    rows: Any = model.Session.execute(query)
    return [
        Promise(commitment, milestone)
        for commitment in map(Commitment.from_stored, rows)
        for milestone in commitment.milestones
    ]
