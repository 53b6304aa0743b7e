"""Reading and writing the rows of the feed's log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import ARRAY, insert

from ckanext.marathon.model import clock
from ckanext.marathon.model.clock import MICROSECOND
from ckanext.marathon.model.feed import Activity, Change, Entry, Kind, description

# How many values one statement takes.
BATCH = 5_000


@dataclass(frozen=True)
class Step:
    """One change to be written: what an entry becomes, with the columns of ``Entry``."""

    iri: str
    kind: Kind
    thing: str
    activity: Activity
    slot: int | None
    body: bytes | None
    digest: bytes | None
    refs: Sequence[str]
    degraded: bool

    @property
    def wants_slot(self) -> bool:
        """Whether it is a dataset's first publication."""
        return self.kind == Kind.DATASET and self.slot is None


def states(iris: Iterable[str]) -> dict[str, sa.Row]:
    """Return IRI → row of ``slot``, ``digest``, ``degraded``; a tombstone has no digest."""
    columns = (Entry.iri, Entry.slot, Entry.digest, Entry.degraded)
    return {
        row.iri: row
        for some in _batches(iris)
        for row in model.Session.execute(sa.select(*columns).where(Entry.iri.in_(some)))
    }


def bodies(iris: Iterable[str]) -> dict[str, bytes]:
    """Return IRI → N-Triples of those that are public; b"" for one that cannot be read."""
    query = sa.select(Entry.iri, Entry.body).where(Entry.body.is_not(None))
    return {
        row.iri: description(row.body)
        for some in _batches(iris)
        for row in model.Session.execute(query.where(Entry.iri.in_(some)))
    }


def recount() -> None:
    """Count all windows anew and forget how they were rendered; the clock is held."""
    for statement in _RECOUNT:
        _connection().execute(sa.text(statement))


_RECOUNT = (
    "DELETE FROM marathon_feed_rendering",
    "DELETE FROM marathon_feed_window",
    """
    INSERT INTO marathon_feed_window (number, live, changed)
    SELECT (slot - 1) / page_size + 1, count(digest), max(number)
    FROM marathon_feed_entry, marathon_feed_clock WHERE slot IS NOT NULL GROUP BY 1
    """,
)


def write(steps: Sequence[Step]) -> None:
    """Number changes, in this order, and write them; the clock is held, nothing is committed."""
    new = [step.iri for step in steps if step.wants_slot]
    last, published, last_slot = clock.advance(len(steps), len(new))
    slots = {iri: last_slot - len(new) + place for place, iri in enumerate(new, 1)}
    first = last - len(steps) + 1
    entries = [
        {
            "iri": step.iri,
            "kind": str(step.kind),
            "thing": step.thing,
            "slot": slots.get(step.iri, step.slot),
            "body": step.body,
            "digest": step.digest,
            "refs": list(step.refs),
            "degraded": step.degraded,
            "changed": first + place,
        }
        for place, step in enumerate(steps)
    ]
    statement = insert(Entry)
    changed = ("slot", "body", "digest", "refs", "degraded", "changed")
    upsert = statement.on_conflict_do_update(
        index_elements=["iri"], set_={name: statement.excluded[name] for name in changed}
    )
    _connection().execute(upsert, entries)
    _connection().execute(
        sa.insert(Change),
        [
            {
                "number": first + place,
                "iri": step.iri,
                "activity": str(step.activity),
                "published": published - (len(steps) - 1 - place) * MICROSECOND,
            }
            for place, step in enumerate(steps)
        ],
    )
    _touch_windows([step.iri for step in steps], last)


def _touch_windows(iris: Collection[str], number: int) -> None:
    """Count anew the windows that hold these things, or datasets that name them."""
    _connection().execute(_TOUCH, {"iris": list(iris), "number": number})


_TOUCH = sa.text(
    """
    WITH RECURSIVE reached (iri, slot) AS (
        SELECT iri, slot FROM marathon_feed_entry WHERE iri = ANY(:iris)
        UNION
        SELECT entry.iri, entry.slot FROM marathon_feed_entry AS entry
        JOIN reached ON entry.refs @> ARRAY[reached.iri]
    ), touched AS (
        SELECT DISTINCT (slot - 1) / page_size + 1 AS number, page_size
        FROM reached, marathon_feed_clock WHERE slot IS NOT NULL
    )
    INSERT INTO marathon_feed_window (number, live, changed)
    SELECT touched.number, (
        SELECT count(*) FROM marathon_feed_entry
        WHERE slot > (touched.number - 1) * page_size AND slot <= touched.number * page_size
        AND digest IS NOT NULL
    ), :number FROM touched
    ON CONFLICT (number) DO UPDATE SET live = excluded.live, changed = excluded.changed
    """
).bindparams(sa.bindparam("iris", type_=ARRAY(sa.UnicodeText)))


def _connection() -> Any:
    """Return the session's own connection: rows without objects."""
    return model.Session.connection()


def _batches(values: Iterable[str]) -> Iterator[list[str]]:
    everything = list(values)
    for start in range(0, len(everything), BATCH):
        yield everything[start : start + BATCH]
