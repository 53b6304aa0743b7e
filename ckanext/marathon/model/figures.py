"""Counts and lists of the site's public records, from the database and not from Solr.

Figures by place and by problem, and the newest records, in a fixed number of queries. Results are
cached until something public changes (``model/clock.py``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from ckan import model
from sqlalchemy.orm import aliased

from ckanext.marathon import visibility
from ckanext.marathon.domain.dates import Period
from ckanext.marathon.domain.workshop import ANNOUNCED, HELD
from ckanext.marathon.model import clock, dataset, feed_log, link, own_data, package
from ckanext.marathon.model.clock import cache_until_change
from ckanext.marathon.model.dataset import Published
from ckanext.marathon.model.idea import Transition
from ckanext.marathon.model.link import GIVEN_UP, PACKAGE, PROBLEM, Link, Predicate
from ckanext.marathon.records import Commitment, Idea, Milestone, Workshop
from ckanext.marathon.vocabulary import problems


class Figures(NamedTuple):
    """Numbers of public records.

    Attributes:
        needs: data needs of ideas that were not discarded.
        needs_met: data needs that a public dataset meets, according to the dataset.
    """

    workshops: int = 0
    ideas: int = 0
    needs: int = 0
    needs_met: int = 0
    datasets: int = 0

    @property
    def things(self) -> int:
        """Number of workshops, ideas and datasets together."""
        return self.workshops + self.ideas + self.datasets

    @property
    def needs_unmet(self) -> int:
        """Number of data needs that no public dataset meets."""
        return self.needs - self.needs_met


def read_time_of_figures() -> datetime:
    """Return the time up to which the figures are complete.

    It is that of the last public change, or of a new epoch or the installation if that was later.
    """
    return clock.read_clock().published


def read_total_figures() -> Figures:
    """Return the figures of the whole site."""
    return cache_until_change("figures", "", _read_total)


def _read_total() -> Figures:
    found = _figures(_EVERYTHING, {"": feed_log.count_public_datasets()})
    return found.get("", Figures())


def read_figures_by(kind: str) -> Mapping[str, Figures]:
    """Return code → figures, for the places or problems that have any.

    A record with several places or problems counts for each of them. A record with several problems
    of an area counts once for the area.

    Args:
        kind: ``MUNICIPALITY``, ``DEPARTMENT`` or ``PROBLEM`` of ``model/link.py``.
    """
    return cache_until_change(
        "figures",
        kind,
        lambda: _figures(_select_codes(kind), feed_log.count_public_datasets_by_code(kind)),
    )


def _figures(about: sa.Select[Any], datasets: Mapping[str, int]) -> dict[str, Figures]:
    """Return code → figures.

    Args:
        about: selects (subject, code) of workshops and ideas.
        datasets: code → number of datasets.
    """
    pairs = about.subquery("pairs")
    needed = link.select_needs().subquery()
    needs = (
        sa.select(
            needed.c.idea,
            sa.func.count().label("asked"),
            sa.func.count().filter(needed.c.is_met).label("met"),
        )
        .group_by(needed.c.idea)
        .subquery("needs")
    )
    query = (
        sa.select(
            pairs.c.code,
            sa.func.count().filter(PACKAGE.type == package.WORKSHOP),
            sa.func.count().filter(PACKAGE.type == package.IDEA),
            sa.func.coalesce(sa.func.sum(needs.c.asked), 0),
            sa.func.coalesce(sa.func.sum(needs.c.met), 0),
        )
        .join(PACKAGE, PACKAGE.id == pairs.c.subject)
        .outerjoin(needs, needs.c.idea == PACKAGE.id)
        .where(
            visibility.filter_public(PACKAGE),
            PACKAGE.type.in_((package.WORKSHOP, package.IDEA)),
        )
        .group_by(pairs.c.code)
    )
    found: dict[str, Figures] = defaultdict(Figures)
    for code, *numbers in model.Session.execute(query):
        found[code] = Figures(*map(int, numbers))
    for code, number in datasets.items():
        found[code] = found[code]._replace(datasets=number)
    return dict(found)


_EVERYTHING = sa.select(PACKAGE.id.label("subject"), sa.literal("").label("code"))


def _select_codes(kind: str) -> sa.Select[Any]:
    """Select distinct (subject, code) of workshops and ideas, for :func:`read_figures_by`."""
    if kind == PROBLEM:
        linked = link.select_links(Predicate.WORKSHOP_PROBLEM, Predicate.IDEA_PROBLEM).subquery(
            "linked"
        )
        within = [
            (notation, above)
            for area in problems.list_areas()
            for notation in (area.notation, *area.narrower)
            for above in {area.notation, notation}
        ]
        pairs = sa.values(
            sa.column("notation", sa.UnicodeText), sa.column("code", sa.UnicodeText), name="within"
        ).data(within)
        query = sa.select(linked.c.subject, pairs.c.code).join(
            pairs, pairs.c.notation == linked.c.object
        )
    else:
        places = link.select_places_of_workshops_and_ideas().subquery("places")
        code = link.select_place_of_kind(places.c.object, kind)
        query = sa.select(places.c.subject, code.label("code"))
    return query.distinct()


def list_latest(package_type: str, limit: int) -> list[model.Package]:
    """Return the newest public records of a type, newest first."""
    query = (
        sa.select(model.Package)
        .where(visibility.filter_public(PACKAGE), PACKAGE.type == package_type)
        .order_by(PACKAGE.metadata_created.desc(), PACKAGE.id)
        .limit(limit)
    )
    return list(model.Session.scalars(query))


def list_municipalities_of(ids: Collection[str]) -> dict[str, list[str]]:
    """Return package id → the codes of its municipalities, its own or computed, in order."""
    places = link.select_places().subquery("places")
    query = sa.select(places.c.subject, places.c.object).where(places.c.subject.in_(ids))
    found: dict[str, list[str]] = defaultdict(list)
    for subject, code in sorted(set(model.Session.execute(query).tuples())):
        found[subject].append(code)
    return found


def list_ideas_of_datasets(ids: Collection[str]) -> dict[str, list[model.Package]]:
    """Return dataset id → the public ideas that it names, by title."""
    query = (
        sa.select(Link.subject, model.Package)
        .join(model.Package, PACKAGE.id == Link.object)
        .where(
            Link.subject.in_(ids),
            Link.predicate == str(Predicate.DATASET_IDEA),
            visibility.filter_public(PACKAGE),
        )
        .order_by(PACKAGE.title, PACKAGE.id)
    )
    found: dict[str, list[model.Package]] = defaultdict(list)
    for dataset_id, idea in model.Session.execute(query):
        found[dataset_id].append(idea)
    return found


def list_commitment_names(limit: int) -> list[str]:
    """Return the names of public commitments, at most ``limit``.

    Cached until something public changes, because every page needs it and CKAN has no index of
    types.
    """
    query = sa.select(PACKAGE.name).where(
        visibility.filter_public(PACKAGE), PACKAGE.type == package.COMMITMENT
    )
    query = query.order_by(PACKAGE.name).limit(limit)
    return cache_until_change("commitments", limit, lambda: list(model.Session.scalars(query)))


# An action plan has about twenty.
MOST_COMMITMENTS = 100


def list_public_commitments() -> list[Commitment]:
    """Return the public commitments, by title."""
    query = (
        sa.select(model.Package)
        .where(visibility.filter_public(PACKAGE), PACKAGE.type == package.COMMITMENT)
        .order_by(PACKAGE.title, PACKAGE.id)
        .limit(MOST_COMMITMENTS)
    )
    return [Commitment.from_stored(row) for row in model.Session.scalars(query)]


def find_evidence(references: Collection[str], types: Collection[str]) -> dict[str, model.Package]:
    """Return name → record and id → record, for public records of these types."""
    if not references:
        return {}
    query = sa.select(model.Package).where(
        visibility.filter_public(PACKAGE),
        PACKAGE.type.in_(types),
        sa.or_(PACKAGE.id.in_(references), PACKAGE.name.in_(references)),
    )
    found = list(model.Session.scalars(query))
    return {record.name: record for record in found} | {record.id: record for record in found}


def list_organizations_with_role(role: str, limit: int) -> list[model.Group]:
    """Return the active organisations that have a role in the marathons, oldest first."""
    group = cast(Any, model.Group)
    query = (
        sa.select(model.Group)
        .where(
            visibility.filter_public_organizations(group),
            group.extras["role"].astext == role,
        )
        .order_by(group.created, group.id)
        .limit(limit)
    )
    return list(model.Session.scalars(query))


class HeldWorkshop(NamedTuple):
    """A workshop and its first day."""

    workshop: Workshop
    day: date


class EnteredIdea(NamedTuple):
    """An idea that existed at the end of a period.

    Attributes:
        status: its status at the end of the period.
        entered: time of its first status.
    """

    idea: Idea
    status: str
    entered: datetime


class StatusStep(NamedTuple):
    """A change of an idea's status in a period."""

    idea: Idea
    at: datetime
    status: str
    reason: str


class AskedNeed(NamedTuple):
    """A piece of data that an idea asks for."""

    what: str
    idea: Idea
    is_met: bool


def _in(municipality: str) -> sa.ColumnElement[bool]:
    if not municipality:
        return sa.true()
    return PACKAGE.id.in_(link.select_workshops_and_ideas(link.MUNICIPALITY, municipality))


def list_held_workshops(municipality: str) -> list[HeldWorkshop]:
    """Return the public workshops whose day is known, the latest first."""
    query = sa.select(PACKAGE.id, PACKAGE.name, PACKAGE.title, PACKAGE.extras).where(
        visibility.filter_public(PACKAGE), PACKAGE.type == package.WORKSHOP, _in(municipality)
    )
    rows: Any = model.Session.execute(query)
    found = [
        HeldWorkshop(workshop, day)
        for workshop in map(Workshop.from_stored, rows)
        if (day := own_data.read_local_day(workshop.starts_at))
    ]
    return sorted(found, key=lambda held: (held.day, held.workshop.name), reverse=True)


def list_entered_ideas(period: Period, municipality: str) -> dict[str, EnteredIdea]:
    """Return id → idea, for the public ideas at the end of a period, the newest first.

    An idea without a history counts from its creation in CKAN, with its present status.
    """
    ends = period.ends.replace(tzinfo=None)
    history = (
        sa.select(
            Transition.idea_id,
            sa.func.min(Transition.at).label("entered"),
            sa.func.max(Transition.id).filter(Transition.at < ends).label("last_step"),
        )
        .group_by(Transition.idea_id)
        .subquery("history")
    )
    entered = sa.func.coalesce(history.c.entered, PACKAGE.metadata_created)
    query = (
        sa.select(
            PACKAGE.id,
            PACKAGE.name,
            PACKAGE.title,
            PACKAGE.extras,
            Transition.status,
            entered.label("entered"),
        )
        .outerjoin(history, history.c.idea_id == PACKAGE.id)
        .outerjoin(Transition, Transition.id == history.c.last_step)
        .where(
            visibility.filter_public(PACKAGE),
            PACKAGE.type == package.IDEA,
            _in(municipality),
            entered < ends,
        )
        .order_by(entered.desc(), PACKAGE.id)
    )
    rows: Any = model.Session.execute(query)
    return {
        row.id: EnteredIdea(idea, row.status or idea.status, row.entered.replace(tzinfo=UTC))
        for row in rows
        for idea in [Idea.from_stored(row)]
    }


def list_status_steps(
    period: Period, municipality: str, known: Mapping[str, EnteredIdea]
) -> list[StatusStep]:
    """Return changes of status in a period, the latest first, without the first status of ideas."""
    earlier = aliased(Transition)
    is_first = ~sa.exists().where(earlier.idea_id == Transition.idea_id, earlier.id < Transition.id)
    query = (
        sa.select(Transition.idea_id, Transition.at, Transition.status, Transition.reason)
        .join(PACKAGE, PACKAGE.id == Transition.idea_id)
        .where(
            visibility.filter_public(PACKAGE),
            _in(municipality),
            _within(period, Transition.at),
            ~is_first,
        )
        .order_by(Transition.id.desc())
    )
    rows: Any = model.Session.execute(query)
    return [
        StatusStep(entered.idea, row.at.replace(tzinfo=UTC), row.status, row.reason)
        for row in rows
        if (entered := known.get(row.idea_id))
    ]


def list_asked_needs(
    period: Period, municipality: str, known: Mapping[str, EnteredIdea]
) -> list[AskedNeed]:
    """Return the data needs of ideas that were not discarded by the end of a period.

    A need is met if a dataset that meets it was published before the end of the period.
    """
    query = (
        sa.select(
            Link.subject,
            Link.object,
            Link.object.in_(dataset.select_needs_met_before(period.ends)).label("is_met"),
        )
        .join(PACKAGE, PACKAGE.id == Link.subject)
        .where(
            visibility.filter_public(PACKAGE),
            _in(municipality),
            Link.predicate == str(Predicate.IDEA_DATA_NEED),
        )
        .order_by(Link.object)
    )
    asking = {id_: idea for id_, idea in known.items() if idea.status != GIVEN_UP}
    return [
        AskedNeed(entered.idea.name_need(row.object), entered.idea, row.is_met)
        for row in model.Session.execute(query)
        if (entered := asking.get(row.subject))
    ]


def list_code_pairs(
    pairs: link.PairQuery, ids: set[str], municipality: str
) -> list[tuple[str, str]]:
    """Return the distinct (id, code) pairs of some workshops and ideas.

    Args:
        pairs: selects (subject, object).
        ids: ids of the workshops and ideas.
        municipality: code of the municipality of the report, "" for the whole country.
    """
    found = pairs.subquery("pairs")
    query = sa.select(found.c.subject, found.c.object).distinct()
    if municipality:
        query = query.where(found.c.subject.in_(ids))
    return [pair for pair in model.Session.execute(query).tuples() if pair[0] in ids]


def _within(period: Period, moment: Any) -> sa.ColumnElement[bool]:
    """Return the condition that a time in UTC without an offset is in a period."""
    before = moment < period.ends.replace(tzinfo=None)
    if period.starts is None:
        return before
    return sa.and_(before, moment >= period.starts.replace(tzinfo=None))


class ReportPart(NamedTuple):
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
    """The report of a period: figures, and the records that they count.

    Attributes:
        as_of: time of the last public change.
        workshops: workshops held in the period, the latest first.
        announced: number of workshops in the period that are still announced, not held.
        ideas: ideas at the end of the period, the newest first.
        new_ideas: ideas that were entered in the period.
        steps: changes of status in the period, the latest first; a first status is none.
        needs: data needs of ideas that were not discarded.
        datasets: datasets published for the first time in the period, the newest first.
        parts: figures by municipality, or by problem in the report of a municipality; the largest
            first.
        milestones: milestones of public commitments; empty in the report of a municipality.
    """

    as_of: datetime
    workshops: list[HeldWorkshop]
    announced: int
    ideas: list[EnteredIdea]
    new_ideas: list[EnteredIdea]
    steps: list[StatusStep]
    needs: list[AskedNeed]
    datasets: Published
    parts: list[ReportPart]
    milestones: list[Promise]

    @property
    def needs_met(self) -> int:
        """Number of the needs that a dataset met at the end of the period."""
        return sum(need.is_met for need in self.needs)

    @property
    def by_status(self) -> Counter[str]:
        """Status → number of ideas that had it at the end of the period."""
        return Counter(idea.status for idea in self.ideas)

    @property
    def examples(self) -> int:
        """Number of workshops, ideas and datasets that are examples."""
        workshops = sum(held.workshop.is_example for held in self.workshops)
        ideas = sum(entered.idea.is_example for entered in self.ideas)
        return workshops + ideas + self.datasets.examples


def read_report(period: Period, municipality: str = "", limit: int | None = None) -> Report:
    """Return the report of a period.

    Args:
        period: days in Guatemala.
        municipality: code of a municipality, "" for the whole country.
        limit: the maximum number of datasets to list; all are counted. Without it the report is not
            cached.
    """
    if limit is None:
        return _read(period, municipality, None)
    return cache_until_change(
        "reports", (period, municipality, limit), lambda: _read(period, municipality, limit)
    )


def _read(period: Period, municipality: str, limit: int | None) -> Report:
    workshops = [
        workshop for workshop in list_held_workshops(municipality) if period.has(workshop.day)
    ]
    held = [workshop for workshop in workshops if workshop.workshop.status == HELD]
    ideas = list_entered_ideas(period, municipality)
    needs = list_asked_needs(period, municipality, ideas)
    since = period.starts
    return Report(
        as_of=clock.read_clock().published,
        workshops=held,
        announced=sum(workshop.workshop.status == ANNOUNCED for workshop in workshops),
        ideas=list(ideas.values()),
        new_ideas=[idea for idea in ideas.values() if since is None or idea.entered >= since],
        steps=list_status_steps(period, municipality, ideas),
        needs=needs,
        datasets=dataset.list_published_datasets(period, municipality, limit),
        parts=_parts(period, municipality, held, needs, set(ideas)),
        milestones=[] if municipality else _milestones(),
    )


def _parts(
    period: Period,
    municipality: str,
    held: list[HeldWorkshop],
    needs: list[AskedNeed],
    ideas: set[str],
) -> list[ReportPart]:
    """Return the figures of a municipality by problem, or those of the country by municipality."""
    workshops = {workshop.workshop.id for workshop in held}
    if municipality:
        pairs: Any = link.select_links(Predicate.WORKSHOP_PROBLEM, Predicate.IDEA_PROBLEM)
        datasets = dataset.count_published_by_problem(period, municipality)
    else:
        pairs = link.select_places_of_workshops_and_ideas()
        datasets = dataset.count_published_by_municipality(period)
    asked = Counter(need.idea.id for need in needs)
    met = Counter(need.idea.id for need in needs if need.is_met)
    found: dict[str, list[int]] = defaultdict(lambda: [0] * len(ReportPart._fields[1:]))
    for id_, code in list_code_pairs(pairs, workshops | ideas, municipality):
        numbers = (id_ in workshops, id_ in ideas, asked[id_], met[id_], 0)
        found[code] = [sum(pair) for pair in zip(found[code], numbers, strict=True)]
    for code, number in datasets.items():
        found[code][-1] = number
    parts = [ReportPart(code, *numbers) for code, numbers in found.items()]
    return sorted(parts, key=lambda part: (*(-number for number in part[1:]), part.code))


def _milestones() -> list[Promise]:
    query = (
        sa.select(PACKAGE.id, PACKAGE.name, PACKAGE.title, PACKAGE.extras)
        .where(visibility.filter_public(PACKAGE), PACKAGE.type == package.COMMITMENT)
        .order_by(PACKAGE.title, PACKAGE.id)
    )
    rows: Any = model.Session.execute(query)
    return [
        Promise(commitment, milestone)
        for commitment in map(Commitment.from_stored, rows)
        for milestone in commitment.milestones
    ]
