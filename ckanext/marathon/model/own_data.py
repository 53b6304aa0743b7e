"""What the site says of its own workshops, ideas and data needs: public things only.

Read on a connection that sees one moment, in batches, with the same number of queries each.
The columns are those of ``schemas/open_data.yaml``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

import sqlalchemy as sa
from ckan import model
from sqlalchemy.orm import aliased

from ckanext.marathon import visibility
from ckanext.marathon.model import about, cells, own_links, records
from ckanext.marathon.model.about import package
from ckanext.marathon.model.link import Link, Predicate
from ckanext.marathon.model.transition import Transition
from ckanext.marathon.rdf.iri import Site, make_web_iri
from ckanext.marathon.records.record import Idea, PackageRecord, Workshop
from ckanext.marathon.spreadsheets.table import Cell

# Things in memory at a time.
BATCH = 500

Rows = Iterator[list[Cell]]


class Source(NamedTuple):
    """Where rows come from: a connection that sees one moment, and where IRIs start."""

    connection: Any
    site: Site


def rows(source: Source, table: str) -> Rows:
    """Yield the rows of a table, in the order of its key.

    Raises:
        KeyError: no such table.
    """
    return _ROWS[table](source)


def stamp(connection: Any) -> str:
    """Return a text that differs after a workshop or an idea was saved, in whichever field.

    The feed's number does not tell of fields that are in no feed.
    """
    saved = sa.func.extract("epoch", package.metadata_modified)
    query = sa.select(sa.func.count(), sa.func.sum(saved)).where(
        visibility.filter_public(package), package.type.in_((records.WORKSHOP, records.IDEA))
    )
    count, moments = connection.execute(query).one()
    return f"{count}.{moments or 0}"


def _workshops(source: Source) -> Rows:
    for batch in _batches(source.connection, records.WORKSHOP):
        ids = [row.id for row in batch]
        places = _pairs(source.connection, about.held(Predicate.WORKSHOP_MUNICIPALITY), ids)
        problems = _pairs(source.connection, about.held(Predicate.WORKSHOP_PROBLEM), ids)
        for row in batch:
            workshop = Workshop.from_stored(row)
            yield [
                str(source.site.thing("workshop", workshop.id)),
                workshop.code,
                workshop.label,
                workshop.notes,
                workshop.kind,
                workshop.status,
                cells.day(workshop.starts_at),
                cells.hour(workshop.starts_at),
                cells.day(workshop.ends_at),
                cells.hour(workshop.ends_at),
                cells.day(workshop.rsvp_by),
                cells.joined(places[workshop.id]),
                cells.joined(problems[workshop.id]),
                workshop.venue,
                workshop.venue_municipality,
                cells.degrees(workshop.latitude),
                cells.degrees(workshop.longitude),
                *_owner(source, workshop, row.organization),
                str(make_web_iri(workshop.source_url) or ""),
                *_tail(workshop),
            ]


def _ideas(source: Source) -> Rows:
    for batch in _batches(source.connection, records.IDEA):
        ids = [row.id for row in batch]
        places = _pairs(source.connection, about.places_of_talks(), ids)
        problems = _pairs(source.connection, about.held(Predicate.IDEA_PROBLEM), ids)
        workshops = _pairs(source.connection, _PUBLIC_WORKSHOPS, ids)
        since = _since(source.connection, ids)
        for row in batch:
            idea = Idea.from_stored(row)
            yield [
                str(source.site.thing("idea", idea.id)),
                idea.code,
                idea.label,
                idea.notes,
                cells.joined(str(source.site.thing("workshop", id_)) for id_ in workshops[idea.id]),
                cells.joined(places[idea.id]),
                cells.joined(problems[idea.id]),
                cells.joined(idea.communities),
                idea.proponent_group,
                idea.status,
                since.get(idea.id),
                idea.votes,
                idea.priority,
                cells.joined(str(make_web_iri(address) or "") for address in idea.evidence),
                *_owner(source, idea, row.organization),
                *_tail(idea),
            ]


def _needs(source: Source) -> Rows:
    for batch in _batches(source.connection, records.IDEA):
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
                    cells.joined(datasets),
                    idea.is_example,
                ]


_ROWS: Mapping[str, Callable[[Source], Rows]] = {
    "workshops": _workshops,
    "ideas": _ideas,
    "data_needs": _needs,
    "links": lambda source: own_links.rows(source.connection, source.site, 10 * BATCH),
}

_object = aliased(package)
_group: Any = model.Group

_PUBLIC_WORKSHOPS = (
    sa.select(Link.subject, Link.object)
    .join(_object, _object.id == Link.object)
    .where(Link.predicate == str(Predicate.IDEA_WORKSHOP), visibility.filter_public(_object))
)
# (need, dataset): here the need is what is asked about.
_met = about.meeting().subquery("met")
_MEETING = sa.select(_met.c.need.label("subject"), _met.c.dataset.label("object"))


def _batches(connection: Any, package_type: str) -> Iterator[list[Any]]:
    last = ""
    while True:
        query = (
            sa.select(
                package.id,
                package.title,
                package.name,
                package.notes,
                package.extras,
                package.metadata_created,
                package.metadata_modified,
                package.owner_org,
                _group.title.label("organization"),
            )
            .outerjoin(model.Group, _group.id == package.owner_org)
            .where(
                visibility.filter_public(package), package.type == package_type, package.id > last
            )
            .order_by(package.id)
            .limit(BATCH)
        )
        batch = connection.execute(query).all()
        yield batch
        if len(batch) < BATCH:
            return
        last = batch[-1].id


def _owner(source: Source, package: PackageRecord, title: str | None) -> list[Cell]:
    if not package.owner_id:
        return ["", ""]
    return [title or "", str(source.site.thing("organization", package.owner_id))]


def _tail(package: PackageRecord) -> list[Cell]:
    assert package.created, "CKAN writes it"
    assert package.modified, "CKAN writes it"
    return [package.is_example, cells.here(package.created), cells.here(package.modified)]


def _pairs(connection: Any, query: Any, subjects: Collection[str]) -> dict[str, list[str]]:
    """Return subject → its objects in order, of a query of (subject, object)."""
    pairs = query.subquery("pairs")
    wanted = sa.select(pairs.c.subject, pairs.c.object).where(pairs.c.subject.in_(subjects))
    found: dict[str, list[str]] = defaultdict(list)
    for subject, object_ in sorted(set(connection.execute(wanted).tuples())):
        found[subject].append(object_)
    return found


def _since(connection: Any, ids: Collection[str]) -> dict[str, datetime]:
    """Return idea → when it came to the status that it has."""
    query = (
        sa.select(Transition.idea_id, sa.func.max(Transition.at))
        .where(Transition.idea_id.in_(ids))
        .group_by(Transition.idea_id)
    )
    return {idea: cells.here(at) for idea, at in connection.execute(query)}
