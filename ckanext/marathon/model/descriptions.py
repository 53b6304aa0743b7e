"""Reading what the feed's log says of things, and what changed last, on a connection."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from ckanext.marathon.model.feed import Activity, Change, Entry, Kind, description


def entries(connection: Any, number: int, scope: str = "") -> list[Described]:
    """Return all that a page consists of.

    Its public datasets by slot, and the public neighbours that they and those neighbours name.

    Args:
        connection: that sees one moment.
        number: of the page.
        scope: name of a part of the catalogue; "" for the whole.
    """
    held = _HELD_BY_SCOPE if scope else _HELD_BY_WINDOW
    return _described(connection.execute(held, {"number": number, "scope": scope}))


def described(connection: Any, iris: Collection[str]) -> list[Described]:
    """Return these things as far as they are public, and their public neighbours likewise."""
    return _described(connection.execute(_HELD_BY_IRI, {"iris": list(iris)}))


class Described(NamedTuple):
    """A public thing: its IRI, its kind, its N-Triples, and the neighbours that it names."""

    iri: str
    kind: Kind
    body: bytes
    refs: Sequence[str]


def _described(rows: Any) -> list[Described]:
    return [Described(row.iri, Kind(row.kind), description(row.body), row.refs) for row in rows]


def _held(seed: str) -> sa.TextClause:
    return sa.text(
        f"""
        WITH RECURSIVE held (iri, refs) AS (
            {seed} AND digest IS NOT NULL
            UNION
            SELECT entry.iri, entry.refs FROM held
            CROSS JOIN unnest(held.refs) AS named (iri)
            JOIN marathon_feed_entry AS entry ON entry.iri = named.iri AND entry.digest IS NOT NULL
        )
        SELECT iri, kind, body, refs FROM marathon_feed_entry WHERE iri IN (SELECT iri FROM held)
        ORDER BY slot NULLS FIRST, iri
        """  # noqa: S608 - constants only
    )


_HELD_BY_WINDOW = _held(
    """
    SELECT iri, refs FROM marathon_feed_entry, marathon_feed_clock
    WHERE slot > (:number - 1) * page_size AND slot <= :number * page_size
    """
)
_HELD_BY_SCOPE = _held(
    """
    SELECT iri, refs FROM marathon_feed_member JOIN marathon_feed_entry USING (iri),
    marathon_feed_clock WHERE scope = :scope AND current
    AND place > (:number - 1) * page_size AND place <= :number * page_size
    """
)
_HELD_BY_IRI = _held("SELECT iri, refs FROM marathon_feed_entry WHERE iri = ANY(:iris)").bindparams(
    sa.bindparam("iris", type_=ARRAY(sa.UnicodeText))
)


def changes(connection: Any, scope: str, since: int, limit: int) -> list[sa.Row]:
    """Return the last change of each thing that has changed after a number, in order.

    Args:
        connection: that sees one moment.
        scope: name of a part of the catalogue; "" for the whole, with what it says of itself.
        since: number of a change.
        limit: how many at most.

    Returns:
        rows of ``iri``, ``number``, ``mark``, ``activity`` and ``published``. What has left the
        part is deleted there, and what has come in is new.
    """
    query = _CHANGES_OF_SCOPE if scope else _CHANGES
    values = {"scope": scope, "since": since, "limit": limit}
    return connection.execute(query, values).all()


def read_mark(connection: Any, number: int) -> int | None:
    """Return the mark of the change with a number, ``None`` if the log has no such change."""
    return connection.scalar(sa.select(Change.mark).where(Change.number == number))


def newest(connection: Any, scope: str, limit: int) -> list[sa.Row]:
    """Return what :func:`changes` does of datasets, the newest first."""
    query = _NEWEST_OF_SCOPE if scope else _NEWEST
    return connection.execute(query, {"scope": scope, "since": 0, "limit": limit}).all()


def things(connection: Any, iris: Collection[str]) -> dict[str, str]:
    """Return IRI → id in CKAN, by which its page is found."""
    query = sa.select(Entry.iri, Entry.thing).where(Entry.iri.in_(list(iris)))
    return dict(connection.execute(query).tuples().all())


_OF_ALL = """
    SELECT entry.iri, number, mark, activity, published
    FROM marathon_feed_entry AS entry JOIN marathon_feed_change ON number = entry.changed
    WHERE entry.changed > :since
"""
_OF_SCOPE = f"""
    SELECT member.iri, number, mark, published, CASE WHEN NOT current THEN '{Activity.DELETE}'
        WHEN entered = changed THEN '{Activity.CREATE}' ELSE '{Activity.UPDATE}' END AS activity
    FROM marathon_feed_member AS member JOIN marathon_feed_change ON number = member.changed
    WHERE scope = :scope AND changed > :since
"""  # noqa: S608 - constants only
_CHANGES = sa.text(
    f"{_OF_ALL} AND kind IN ('{Kind.DATASET}', '{Kind.CATALOG}') ORDER BY number LIMIT :limit"
)
_CHANGES_OF_SCOPE = sa.text(f"{_OF_SCOPE} ORDER BY number LIMIT :limit")
_NEWEST = sa.text(f"{_OF_ALL} AND kind = '{Kind.DATASET}' ORDER BY number DESC LIMIT :limit")
_NEWEST_OF_SCOPE = sa.text(f"{_OF_SCOPE} ORDER BY number DESC LIMIT :limit")
