"""The links between public things, as open data: those that people stated, by IRIs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from ckanext.marathon import visibility
from ckanext.marathon.model import records
from ckanext.marathon.model.about import package
from ckanext.marathon.model.link import Link, Predicate
from ckanext.marathon.rdf.iri import Site
from ckanext.marathon.spreadsheets.table import Cell
from ckanext.marathon.vocabulary.errors import UnknownCode

_object, _need, _idea = aliased(package), aliased(Link), aliased(package)
_TO_THINGS = {Predicate.IDEA_WORKSHOP: "workshop", Predicate.DATASET_IDEA: "idea"}

# Links between public things, with the idea of a data need.
_LINKS = (
    sa.select(
        Link.subject,
        Link.predicate,
        Link.object,
        package.type,
        package.extras,
        _idea.id.label("of"),
    )
    .join(package, package.id == Link.subject)
    .outerjoin(_object, _object.id == Link.object)
    .outerjoin(
        _need,
        sa.and_(_need.object == Link.object, _need.predicate == str(Predicate.IDEA_DATA_NEED)),
    )
    .outerjoin(_idea, _idea.id == _need.subject)
    .where(
        visibility.filter_public(package),
        sa.case(
            (
                Link.predicate.in_([str(each) for each in _TO_THINGS]),
                visibility.filter_public(_object),
            ),
            (Link.predicate.like("%data_need"), visibility.filter_public(_idea)),
            else_=sa.true(),
        ),
    )
    .order_by(Link.subject, Link.predicate, Link.object)
)


def rows(connection: Any, site: Site, size: int) -> Iterator[list[Cell]]:
    """Yield subject, predicate, object, its code, and whether the subject is an example.

    Args:
        connection: that sees one moment.
        site: where IRIs start.
        size: links in memory at a time.
    """
    last = ("", "", "")
    while True:
        query = _LINKS.where(sa.tuple_(Link.subject, Link.predicate, Link.object) > last)
        batch = connection.execute(query.limit(size)).all()
        for row in batch:
            if (target := _target(site, row)) is not None:
                subject = str(site.thing(row.type, row.subject))
                yield [subject, row.predicate, *target, records.flag(row, "example")]
        if len(batch) < size:
            return
        last = (batch[-1].subject, batch[-1].predicate, batch[-1].object)


def _target(site: Site, row: Any) -> tuple[str, str] | None:
    """Return the IRI of a link's object and its code, ``None`` if it means nothing here."""
    if row.predicate in _TO_THINGS:
        return str(site.thing(_TO_THINGS[Predicate(row.predicate)], row.object)), ""
    if row.predicate.endswith("data_need"):
        return str(site.data_need(row.of, row.object)), ""
    kind = "municipality" if row.predicate.endswith("municipality") else "service-problem"
    try:
        return str(site.concept(kind, row.object)), row.object
    except UnknownCode:
        return None
