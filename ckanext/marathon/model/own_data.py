"""What the site says of its own workshops, ideas and data needs: public things only.

Read on a connection that sees one moment, in batches, with the same number of queries each.
The columns are those of ``schemas/open_data.yaml``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from ckan import model
from sqlalchemy.orm import aliased

from ckanext.marathon.model import about, cells, own_links, records
from ckanext.marathon.model.about import package
from ckanext.marathon.model.link import Link, Predicate
from ckanext.marathon.model.transition import Transition
from ckanext.marathon.rdf.iri import web
from ckanext.marathon.rdf.uris import Site
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
        about.public(package), package.type.in_((records.WORKSHOP, records.IDEA))
    )
    count, moments = connection.execute(query).one()
    return f"{count}.{moments or 0}"


def _workshops(source: Source) -> Rows:
    for batch in _batches(source.connection, records.WORKSHOP):
        ids = [row.id for row in batch]
        places = _pairs(source.connection, about.held(Predicate.WORKSHOP_MUNICIPALITY), ids)
        problems = _pairs(source.connection, about.held(Predicate.WORKSHOP_PROBLEM), ids)
        for row in batch:
            starts, ends = (records.text(row, name) for name in ("starts_at", "ends_at"))
            yield [
                *_head(source, row),
                records.text(row, "kind"),
                records.text(row, "status"),
                cells.day(starts),
                cells.hour(starts),
                cells.day(ends),
                cells.hour(ends),
                cells.day(records.text(row, "rsvp_by")),
                cells.joined(places[row.id]),
                cells.joined(problems[row.id]),
                records.text(row, "venue"),
                records.text(row, "venue_municipality"),
                cells.number(records.text(row, "latitude")),
                cells.number(records.text(row, "longitude")),
                *_owner(source, row),
                str(web(records.text(row, "source_url")) or ""),
                *_tail(row),
            ]


def _ideas(source: Source) -> Rows:
    for batch in _batches(source.connection, records.IDEA):
        ids = [row.id for row in batch]
        places = _pairs(source.connection, about.places_of_talks(), ids)
        problems = _pairs(source.connection, about.held(Predicate.IDEA_PROBLEM), ids)
        workshops = _pairs(source.connection, _PUBLIC_WORKSHOPS, ids)
        since = _since(source.connection, ids)
        for row in batch:
            yield [
                *_head(source, row),
                cells.joined(
                    str(source.site.thing("workshop", each)) for each in workshops[row.id]
                ),
                cells.joined(places[row.id]),
                cells.joined(problems[row.id]),
                cells.joined(records.items(row, "community")),
                records.text(row, "proponent_group"),
                records.text(row, "status"),
                since.get(row.id),
                cells.count(records.text(row, "votes")),
                cells.count(records.text(row, "priority")),
                cells.joined(str(web(each) or "") for each in records.items(row, "evidence")),
                *_owner(source, row),
                *_tail(row),
            ]


def _needs(source: Source) -> Rows:
    for batch in _batches(source.connection, records.IDEA):
        needs = {row.id: records.rows(row, "data_need") for row in batch}
        known = [str(need.get("id")) for each in needs.values() for need in each if need.get("id")]
        met = _pairs(source.connection, _MEETING, known)
        for row in batch:
            for need in sorted(needs[row.id], key=lambda each: str(each.get("id"))):
                if not need.get("id"):
                    continue
                datasets = [str(source.site.dataset(each)) for each in met[str(need["id"])]]
                yield [
                    str(source.site.data_need(row.id, str(need["id"]))),
                    str(source.site.thing("idea", row.id)),
                    records.text(row, "status"),
                    str(need.get("what") or ""),
                    str(need.get("why") or ""),
                    bool(datasets),
                    cells.joined(datasets),
                    records.flag(row, "example"),
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
    .where(Link.predicate == str(Predicate.IDEA_WORKSHOP), about.public(_object))
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
                package.type,
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
            .where(about.public(package), package.type == package_type, package.id > last)
            .order_by(package.id)
            .limit(BATCH)
        )
        batch = connection.execute(query).all()
        yield batch
        if len(batch) < BATCH:
            return
        last = batch[-1].id


def _head(source: Source, row: Any) -> list[Cell]:
    iri = str(source.site.thing(row.type, row.id))
    return [iri, records.text(row, "code"), row.title or row.name, row.notes or ""]


def _owner(source: Source, row: Any) -> list[Cell]:
    if not row.owner_org:
        return ["", ""]
    return [row.organization or "", str(source.site.thing("organization", row.owner_org))]


def _tail(row: Any) -> list[Cell]:
    created, modified = (cells.here(each) for each in (row.metadata_created, row.metadata_modified))
    return [records.flag(row, "example"), created, modified]


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
