"""The site's own open data: tables of workshops, ideas, data needs and links.

The tables have public records only. They are read in one snapshot of the database, in batches with
a fixed number of queries. The columns are those of ``schemas/open_data.yaml``; a value that cannot
be parsed becomes an empty cell. The table of links has no inherited ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Any, NamedTuple

import sqlalchemy as sa
from ckan import model
from sqlalchemy.orm import aliased

from ckanext.marathon import visibility
from ckanext.marathon.domain import dates
from ckanext.marathon.domain.dates import GUATEMALA
from ckanext.marathon.model import link
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.idea import Transition
from ckanext.marathon.model.link import PACKAGE, Link, Predicate
from ckanext.marathon.rdf.facts import Site, make_web_iri
from ckanext.marathon.records import Idea, PackageRecord, Workshop
from ckanext.marathon.spreadsheets import PATH_SEPARATOR, Cell
from ckanext.marathon.vocabulary.codes import UnknownCode


def localize_time(moment: datetime) -> datetime:
    """Convert CKAN's UTC time to Guatemala's time, to the second."""
    return moment.replace(tzinfo=UTC, microsecond=0).astimezone(GUATEMALA)


def read_local_day(text: str) -> date | None:
    """Return the day in Guatemala of a stored date or time, ``None`` for another text."""
    try:
        return dates.find_local_day(text) if text else None
    except ValueError:
        return None


def read_known_hour(text: str) -> Cell:
    """Return the instant of a stored date with an hour; ``None`` for any other text."""
    reading = dates.read_stored_date(text)
    if reading is None or reading.form != dates.DateForm.MOMENT:
        return None
    return dates.find_first_instant(reading.text).replace(microsecond=0)


def read_degrees(coordinate: float | None) -> Cell:
    """Return a coordinate, ``None`` if it is out of range."""
    return coordinate if coordinate is not None and abs(coordinate) <= 180 else None


def join_cell(values: Iterable[str]) -> str:
    """Return several values as the text of one cell, with a separator between them."""
    return PATH_SEPARATOR.join(filter(None, values))


_linked, _need, _idea = aliased(PACKAGE), aliased(Link), aliased(PACKAGE)
_TO_RECORDS = {Predicate.IDEA_WORKSHOP: "workshop", Predicate.DATASET_IDEA: "idea"}

# Links between public records; ``of`` is the idea of a data need.
_LINKS = (
    sa.select(
        Link.subject,
        Link.predicate,
        Link.object,
        PACKAGE.type,
        PACKAGE.extras,
        _idea.id.label("of"),
    )
    .join(PACKAGE, PACKAGE.id == Link.subject)
    .outerjoin(_linked, _linked.id == Link.object)
    .outerjoin(
        _need,
        sa.and_(_need.object == Link.object, _need.predicate == str(Predicate.IDEA_DATA_NEED)),
    )
    .outerjoin(_idea, _idea.id == _need.subject)
    .where(
        visibility.filter_public(PACKAGE),
        sa.case(
            (
                Link.predicate.in_([str(predicate) for predicate in _TO_RECORDS]),
                visibility.filter_public(_linked),
            ),
            (Link.predicate.like("%data_need"), visibility.filter_public(_idea)),
            else_=sa.true(),
        ),
    )
    .order_by(Link.subject, Link.predicate, Link.object)
)


def list_link_rows(connection: sa.Connection, site: Site, size: int) -> Iterator[list[Cell]]:
    """Yield rows of subject, predicate, object, its code, and whether the subject is an example.

    Args:
        connection: with one snapshot.
        site: the site with the starts of IRIs.
        size: the number of links in memory at a time.
    """
    last = ("", "", "")
    while True:
        query = _LINKS.where(sa.tuple_(Link.subject, Link.predicate, Link.object) > last)
        batch = connection.execute(query.limit(size)).all()
        for row in batch:
            if (target := _target(site, row)) is not None:
                subject = str(site.thing(row.type, row.subject))
                yield [
                    subject,
                    row.predicate,
                    *target,
                    package_model.read_stored_flag(row, "example"),
                ]
        if len(batch) < size:
            return
        last = (batch[-1].subject, batch[-1].predicate, batch[-1].object)


def _target(site: Site, row: Any) -> tuple[str, str] | None:
    """Return the IRI of a link's object and its code, ``None`` if no concept has the code."""
    if row.predicate in _TO_RECORDS:
        return str(site.thing(_TO_RECORDS[Predicate(row.predicate)], row.object)), ""
    if row.predicate.endswith("data_need"):
        return str(site.data_need(row.of, row.object)), ""
    kind = "municipality" if row.predicate.endswith("municipality") else "service-problem"
    try:
        return str(site.concept(kind, row.object)), row.object
    except UnknownCode:
        return None


# The number of records in memory at a time.
BATCH = 500

Rows = Iterator[list[Cell]]


class TableSource(NamedTuple):
    """A connection with one snapshot, and the site with the starts of IRIs."""

    connection: sa.Connection
    site: Site


def list_table_rows(source: TableSource, table: str) -> Rows:
    """Yield the rows of a table, in the order of its key.

    Raises:
        KeyError: no such table.
    """
    return _ROWS[table](source)


def read_stamp(connection: sa.Connection) -> str:
    """Return a text that changes whenever a public workshop or idea is saved.

    The number of the feed does not, because some of the columns are in no feed.
    """
    saved = sa.func.extract("epoch", PACKAGE.metadata_modified)
    query = sa.select(sa.func.count(), sa.func.sum(saved)).where(
        visibility.filter_public(PACKAGE),
        PACKAGE.type.in_((package_model.WORKSHOP, package_model.IDEA)),
    )
    count, moments = connection.execute(query).one()
    return f"{count}.{moments or 0}"


def _workshops(source: TableSource) -> Rows:
    for batch in _batches(source.connection, package_model.WORKSHOP):
        ids = [row.id for row in batch]
        places = _pairs(source.connection, link.select_links(Predicate.WORKSHOP_MUNICIPALITY), ids)
        problems = _pairs(source.connection, link.select_links(Predicate.WORKSHOP_PROBLEM), ids)
        for row in batch:
            workshop = Workshop.from_stored(row)
            yield [
                str(source.site.thing("workshop", workshop.id)),
                workshop.code,
                workshop.label,
                workshop.notes,
                workshop.kind,
                workshop.status,
                read_local_day(workshop.starts_at),
                read_known_hour(workshop.starts_at),
                read_local_day(workshop.ends_at),
                read_known_hour(workshop.ends_at),
                read_local_day(workshop.rsvp_by),
                join_cell(places[workshop.id]),
                join_cell(problems[workshop.id]),
                workshop.venue,
                workshop.venue_municipality,
                read_degrees(workshop.latitude),
                read_degrees(workshop.longitude),
                *_owner(source, workshop, row.organization),
                str(make_web_iri(workshop.source_url) or ""),
                *_tail(workshop),
            ]


def _ideas(source: TableSource) -> Rows:
    for batch in _batches(source.connection, package_model.IDEA):
        ids = [row.id for row in batch]
        places = _pairs(source.connection, link.select_places_of_workshops_and_ideas(), ids)
        problems = _pairs(source.connection, link.select_links(Predicate.IDEA_PROBLEM), ids)
        workshops = _pairs(source.connection, _PUBLIC_WORKSHOPS, ids)
        since = _since(source.connection, ids)
        for row in batch:
            idea = Idea.from_stored(row)
            yield [
                str(source.site.thing("idea", idea.id)),
                idea.code,
                idea.label,
                idea.notes,
                join_cell(str(source.site.thing("workshop", id_)) for id_ in workshops[idea.id]),
                join_cell(places[idea.id]),
                join_cell(problems[idea.id]),
                join_cell(idea.communities),
                idea.proponent_group,
                idea.status,
                since.get(idea.id),
                idea.votes,
                idea.priority,
                join_cell(str(make_web_iri(address) or "") for address in idea.evidence),
                *_owner(source, idea, row.organization),
                *_tail(idea),
            ]


def _needs(source: TableSource) -> Rows:
    for batch in _batches(source.connection, package_model.IDEA):
        ideas = [Idea.from_stored(row) for row in batch]
        known = [need.id for idea in ideas for need in idea.data_needs if need.id]
        met = _pairs(source.connection, _MEETING, known)
        for idea in ideas:
            for need in sorted(idea.data_needs, key=attrgetter("id")):
                if not need.id:
                    continue
                datasets = [str(source.site.dataset(id_)) for id_ in met[need.id]]
                yield [
                    str(source.site.data_need(idea.id, need.id)),
                    str(source.site.thing("idea", idea.id)),
                    idea.status,
                    need.what,
                    need.why,
                    bool(datasets),
                    join_cell(datasets),
                    idea.is_example,
                ]


_ROWS: Mapping[str, Callable[[TableSource], Rows]] = {
    "workshops": _workshops,
    "ideas": _ideas,
    "data_needs": _needs,
    "links": lambda source: list_link_rows(source.connection, source.site, 10 * BATCH),
}

_object = aliased(PACKAGE)
_group: Any = model.Group

_PUBLIC_WORKSHOPS = (
    sa.select(Link.subject, Link.object)
    .join(_object, _object.id == Link.object)
    .where(Link.predicate == str(Predicate.IDEA_WORKSHOP), visibility.filter_public(_object))
)
# Pairs of a need and a dataset that meets it.
_met = link.select_met_needs().subquery("met")
_MEETING = sa.select(_met.c.need.label("subject"), _met.c.dataset.label("object"))


def _batches(connection: sa.Connection, package_type: str) -> Iterator[Sequence[sa.Row[Any]]]:
    last = ""
    while True:
        query = (
            sa.select(
                PACKAGE.id,
                PACKAGE.title,
                PACKAGE.name,
                PACKAGE.notes,
                PACKAGE.extras,
                PACKAGE.metadata_created,
                PACKAGE.metadata_modified,
                PACKAGE.owner_org,
                _group.title.label("organization"),
            )
            .outerjoin(model.Group, _group.id == PACKAGE.owner_org)
            .where(
                visibility.filter_public(PACKAGE), PACKAGE.type == package_type, PACKAGE.id > last
            )
            .order_by(PACKAGE.id)
            .limit(BATCH)
        )
        batch = connection.execute(query).all()
        yield batch
        if len(batch) < BATCH:
            return
        last = batch[-1].id


def _owner(source: TableSource, package: PackageRecord, title: str | None) -> list[Cell]:
    if not package.owner_id:
        return ["", ""]
    return [title or "", str(source.site.thing("organization", package.owner_id))]


def _tail(package: PackageRecord) -> list[Cell]:
    assert package.created_at, "CKAN writes it"
    assert package.saved_at, "CKAN writes it"
    return [package.is_example, localize_time(package.created_at), localize_time(package.saved_at)]


def _pairs(
    connection: sa.Connection, query: Any, subjects: Collection[str]
) -> dict[str, list[str]]:
    """Return subject → objects in order; ``query`` selects (subject, object)."""
    pairs = query.subquery("pairs")
    wanted = sa.select(pairs.c.subject, pairs.c.object).where(pairs.c.subject.in_(subjects))
    found: dict[str, list[str]] = defaultdict(list)
    for subject, object_ in sorted(set(connection.execute(wanted).tuples())):
        found[subject].append(object_)
    return found


def _since(connection: sa.Connection, ids: Collection[str]) -> dict[str, datetime]:
    """Return idea id → time of its last change of status."""
    query = (
        sa.select(Transition.idea_id, sa.func.max(Transition.at))
        .where(Transition.idea_id.in_(ids))
        .group_by(Transition.idea_id)
    )
    return {idea: localize_time(at) for idea, at in connection.execute(query)}
