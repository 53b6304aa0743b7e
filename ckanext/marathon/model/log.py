"""Reading and writing the rows of the feed's log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import ARRAY, insert

from ckanext.marathon.model import clock, members
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
    scopes: Sequence[str]
    first_published: datetime | None = None

    @property
    def wants_slot(self) -> bool:
        """Whether it is a dataset's first publication."""
        return self.kind == Kind.DATASET and self.slot is None


def states(iris: Iterable[str]) -> dict[str, sa.Row]:
    """Return IRI → row of ``kind``, ``thing``, ``slot`` …; a tombstone has no ``digest``."""
    columns = (Entry.iri, Entry.kind, Entry.thing, Entry.slot, Entry.digest, Entry.degraded)
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


def public_entries(things: Iterable[str]) -> list[sa.Row]:
    """Return rows of ``iri``, ``kind``, ``thing`` and ``slot`` of what is public with these ids."""
    query = sa.select(Entry.iri, Entry.kind, Entry.thing, Entry.slot).where(
        Entry.digest.is_not(None)
    )
    return [
        row
        for some in _batches(things)
        for row in model.Session.execute(query.where(Entry.thing.in_(some)))
    ]


def was_public(thing: str) -> bool:
    """Return whether something with this id in CKAN was public and no longer is.

    A dataset that got another IRI has a tombstone for the former one.
    """
    query = sa.select(sa.func.bool_or(Entry.digest.is_not(None))).where(Entry.thing == thing)
    return model.Session.scalar(query) is False


def recount() -> None:
    """Count windows and parts anew and forget how pages were rendered; the clock is held."""
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
    """
    DELETE FROM marathon_feed_member AS member WHERE NOT EXISTS (
        SELECT FROM marathon_feed_entry AS entry WHERE entry.iri = member.iri
    )
    """,
    """
    UPDATE marathon_feed_member AS member
    SET changed = entry.changed, current = current AND digest IS NOT NULL
    FROM marathon_feed_entry AS entry WHERE entry.iri = member.iri
    AND (member.changed > entry.changed
         OR current AND (digest IS NULL OR member.changed < entry.changed))
    """,
)


def write(steps: Sequence[Step]) -> int:
    """Number changes, in this order, and write them; the clock is held, nothing is committed.

    Whatever is said of a neighbour is said with each dataset that names it, so they change, too.

    Returns:
        how many changes were written.
    """
    new = [step.iri for step in steps if step.wants_slot]
    followers = _followers(steps)
    count = len(steps) + len(followers)
    marks = [clock.new_mark() for _ in range(count)]
    last, published, last_slot = clock.advance(marks, len(new))
    slots = {iri: last_slot - len(new) + place for place, iri in enumerate(new, 1)}
    first = last - count + 1
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
            "first_published": step.first_published,
        }
        for place, step in enumerate(steps)
    ]
    statement = insert(Entry)
    changed = ("kind", "thing", "slot", "body", "digest", "refs", "degraded", "changed")
    upsert = statement.on_conflict_do_update(
        index_elements=["iri"],
        set_={
            **{name: statement.excluded[name] for name in changed},
            # The first publication is said once and for all, of the record that has the IRI now.
            "first_published": sa.case(
                (
                    Entry.thing == statement.excluded["thing"],
                    sa.func.coalesce(Entry.first_published, statement.excluded["first_published"]),
                ),
                else_=statement.excluded["first_published"],
            ),
        },
    )
    _connection().execute(upsert, entries)
    activities = [(step.iri, step.activity) for step in steps]
    activities += [(iri, Activity.UPDATE) for iri in followers]
    _connection().execute(
        sa.insert(Change),
        [
            {
                "number": first + place,
                "iri": iri,
                "activity": str(activity),
                "published": published - (count - 1 - place) * MICROSECOND,
                "mark": marks[place],
            }
            for place, (iri, activity) in enumerate(activities)
        ],
    )
    numbers = {iri: first + place for place, (iri, _activity) in enumerate(activities)}
    moved = [
        (step.iri, numbers[step.iri], step.scopes) for step in steps if step.kind == Kind.DATASET
    ]
    if moved:
        members.write(moved)
    if followers:
        values = {"iris": followers, "numbers": [numbers[iri] for iri in followers]}
        for statement in _FOLLOW:
            _connection().execute(statement, values)
    _touch_windows([step.iri for step in steps], last)
    return count


# Whose descriptions are part of what is said of others.
_NEIGHBOURS = frozenset({Kind.ORGANIZATION, Kind.WORKSHOP, Kind.IDEA})


def _followers(steps: Sequence[Step]) -> list[str]:
    """Return the public datasets that name, over any number of steps, what changes; in order."""
    changed = [step.iri for step in steps if step.kind in _NEIGHBOURS]
    if not changed:
        return []
    values = {"iris": changed, "known": [step.iri for step in steps]}
    return list(_connection().execute(_FOLLOWERS, values).scalars())


# Nothing names a dataset: only datasets have slots, and asking who names one finds nobody.
_REACHED = """
    WITH RECURSIVE reached (iri, slot, digest) AS (
        SELECT iri, slot, digest FROM marathon_feed_entry WHERE iri = ANY(:iris)
        UNION
        SELECT entry.iri, entry.slot, entry.digest FROM marathon_feed_entry AS entry
        JOIN reached ON reached.slot IS NULL AND entry.refs @> ARRAY[reached.iri]
    )
"""
_IRIS = sa.bindparam("iris", type_=ARRAY(sa.UnicodeText))
_NUMBERS = sa.bindparam("numbers", type_=ARRAY(sa.BigInteger))

_FOLLOWERS = sa.text(
    _REACHED  # noqa: S608 - constants only
    + """
    SELECT iri FROM reached
    WHERE slot IS NOT NULL AND digest IS NOT NULL AND iri <> ALL(:known) ORDER BY slot
    """
).bindparams(_IRIS, sa.bindparam("known", type_=ARRAY(sa.UnicodeText)))

_FOLLOW = [
    sa.text(
        f"""
        UPDATE {table} AS row SET changed = step.number
        FROM unnest(:iris, :numbers) AS step (iri, number)
        WHERE row.iri = step.iri {condition}
        """  # noqa: S608 - constants only
    ).bindparams(_IRIS, _NUMBERS)
    for table, condition in (
        ("marathon_feed_entry", ""),
        ("marathon_feed_member", "AND row.current"),
    )
]


def _touch_windows(iris: Collection[str], number: int) -> None:
    """Count anew the windows that hold these things, or datasets that name them."""
    _connection().execute(_TOUCH, {"iris": list(iris), "number": number})


_TOUCH = sa.text(
    _REACHED  # noqa: S608 - constants only
    + """
    , touched AS (
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
).bindparams(_IRIS)


def _connection() -> Any:
    """Return the session's own connection: rows without objects."""
    return model.Session.connection()


def _batches(values: Iterable[str]) -> Iterator[list[str]]:
    everything = list(values)
    for start in range(0, len(everything), BATCH):
        yield everything[start : start + BATCH]
