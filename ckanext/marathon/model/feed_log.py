"""Reading and writing the feed's log: entries, changes, and parts of the catalogue.

Writing is part of the session's transaction. Windows, descriptions and changes are read on another
connection, with one snapshot of the database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from ckan import model
from ckan.model import meta
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import aliased

from ckanext.marathon.model import clock
from ckanext.marathon.model.clock import HOME, MICROSECOND
from ckanext.marathon.model.feed import (
    Activity,
    Change,
    Clock,
    Entry,
    Kind,
    Member,
    Rendering,
    Window,
    read_description,
)

_MEMBER_TEXTS, _MEMBER_NUMBERS = ARRAY(sa.UnicodeText), ARRAY(sa.BigInteger)


def read_scopes(iris: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return IRI → names of the parts that a dataset is in, in alphabetical order."""
    query = sa.select(Member.iri, Member.scope).where(
        Member.iri.in_(list(iris)), Member.current.is_(True)
    )
    found: dict[str, tuple[str, ...]] = {}
    for iri, scope in sorted(model.Session.execute(query).tuples()):
        found[iri] = (*found.get(iri, ()), scope)
    return found


def write_members(changes: Collection[tuple[str, int, Collection[str]]]) -> None:
    """Write the parts that datasets are in after a change; the clock must be locked.

    Args:
        changes: IRI, number of the change, and names of the parts; none for a dataset that is no
            longer public.
    """
    pairs = [(iri, scope) for iri, _number, parts in changes for scope in parts]
    values = {
        "iris": [iri for iri, _number, _parts in changes],
        "numbers": [number for _iri, number, _parts in changes],
        "in_iris": [iri for iri, _scope in pairs],
        "in_scopes": [scope for _iri, scope in pairs],
    }
    model.Session.connection().execute(_WRITE, values)


# A new member gets the next place in its part, in the order of the changes.
_WRITE = sa.text(
    """
    WITH step AS (SELECT * FROM unnest(:iris, :numbers) AS step (iri, number)),
    wanted AS (SELECT * FROM unnest(:in_iris, :in_scopes) AS wanted (iri, scope)),
    known AS (
        SELECT member.scope, member.iri, step.number, wanted.scope IS NOT NULL AS stays
        FROM step JOIN marathon_feed_member AS member USING (iri)
        LEFT JOIN wanted ON wanted.iri = member.iri AND wanted.scope = member.scope
        WHERE member.current OR wanted.scope IS NOT NULL
    ), moved AS (
        UPDATE marathon_feed_member AS member SET current = stays, changed = known.number,
        entered = CASE WHEN stays AND NOT current THEN known.number ELSE entered END
        FROM known WHERE member.scope = known.scope AND member.iri = known.iri
    )
    INSERT INTO marathon_feed_member (scope, place, iri, current, entered, changed)
    SELECT scope,
        (SELECT coalesce(max(place), 0) FROM marathon_feed_member AS other
         WHERE other.scope = wanted.scope)
        + row_number() OVER (PARTITION BY scope ORDER BY number),
        iri, true, number, number
    FROM wanted JOIN step USING (iri)
    WHERE NOT EXISTS (
        SELECT FROM known WHERE known.scope = wanted.scope AND known.iri = wanted.iri
    )
    """
).bindparams(
    sa.bindparam("iris", type_=_MEMBER_TEXTS),
    sa.bindparam("numbers", type_=_MEMBER_NUMBERS),
    sa.bindparam("in_iris", type_=_MEMBER_TEXTS),
    sa.bindparam("in_scopes", type_=_MEMBER_TEXTS),
)


def list_member_faults() -> list[str]:
    """Return the names of parts in which a dataset's last change is not that of its entry."""
    return list(model.Session.connection().execute(_FAULTS).scalars())


_FAULTS = sa.text(
    """
    SELECT DISTINCT scope FROM marathon_feed_member AS member
    LEFT JOIN marathon_feed_entry AS entry USING (iri)
    WHERE entry.iri IS NULL OR member.changed > entry.changed
    OR member.current AND (entry.digest IS NULL OR member.changed < entry.changed)
    ORDER BY scope
    """
)


# The maximum number of values in one statement.
BATCH = 5_000


@dataclass(frozen=True)
class LogStep:
    """One change to be written: the new entry, with the columns of ``Entry``."""

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


class EntryState(NamedTuple):
    """An entry without its description; a tombstone has no digest."""

    iri: str
    kind: str
    thing: str
    slot: int | None
    digest: bytes | None
    degraded: bool


def read_states(iris: Iterable[str]) -> dict[str, EntryState]:
    """Return IRI → the state of its entry; IRIs without an entry are left out."""
    columns = (Entry.iri, Entry.kind, Entry.thing, Entry.slot, Entry.digest, Entry.degraded)
    return {
        row.iri: EntryState(*row)
        for some in _batches(iris)
        for row in model.Session.execute(sa.select(*columns).where(Entry.iri.in_(some)))
    }


def read_bodies(iris: Iterable[str]) -> dict[str, bytes]:
    """Return IRI → N-Triples of the public records; b"" for a damaged one."""
    query = sa.select(Entry.iri, Entry.body).where(Entry.body.is_not(None))
    return {
        row.iri: read_description(row.body)
        for some in _batches(iris)
        for row in model.Session.execute(query.where(Entry.iri.in_(some)))
    }


def read_bodies_by_thing(kind: Kind, things: Iterable[str]) -> dict[str, bytes]:
    """Return id in CKAN → N-Triples of the public records of a kind."""
    query = sa.select(Entry.thing, Entry.body).where(
        Entry.kind == str(kind), Entry.body.is_not(None)
    )
    return {
        row.thing: read_description(row.body)
        for some in _batches(things)
        for row in model.Session.execute(query.where(Entry.thing.in_(some)))
    }


def list_logged_kinds(things: Iterable[str]) -> set[tuple[Kind, str]]:
    """Return kind and id of the records with these ids that are or were public."""
    query = sa.select(Entry.kind, Entry.thing).distinct()
    return {
        (Kind(kind), thing)
        for some in _batches(things)
        for kind, thing in model.Session.execute(query.where(Entry.thing.in_(some)))
    }


class PublicEntry(NamedTuple):
    """The entry of a public record, without its description."""

    iri: str
    kind: str
    thing: str
    slot: int | None


def list_public_entries(things: Iterable[str]) -> list[PublicEntry]:
    """Return the entries of the public records with these ids in CKAN."""
    query = sa.select(Entry.iri, Entry.kind, Entry.thing, Entry.slot).where(
        Entry.digest.is_not(None)
    )
    return [
        PublicEntry(*row)
        for some in _batches(things)
        for row in model.Session.execute(query.where(Entry.thing.in_(some)))
    ]


_IS_PUBLIC_DATASET = sa.and_(Entry.kind == str(Kind.DATASET), Entry.body.is_not(None))


def select_public_datasets(scope: str = "") -> sa.Select[tuple[str, datetime | None]]:
    """Select ``thing`` (the id in CKAN) and ``first_published`` of the public datasets.

    Args:
        scope: name of a part of the catalogue; "" for the whole.
    """
    query = sa.select(Entry.thing, Entry.first_published).where(_IS_PUBLIC_DATASET)
    if scope:
        query = query.where(
            Entry.iri.in_(sa.select(Member.iri).where(Member.scope == scope, Member.current))
        )
    return query


def count_public_datasets(scope: str = "") -> int:
    """Return the number of public datasets of a part of the catalogue or ("") of the whole."""
    if scope:
        query = sa.select(sa.func.count()).where(Member.scope == scope, Member.current)
    else:
        query = sa.select(sa.func.coalesce(sa.func.sum(Window.live), 0))
    return model.Session.scalar(query) or 0


def count_public_datasets_by_code(
    kind: str, since: datetime | None = None, before: datetime | None = None
) -> dict[str, int]:
    """Return code → number of public datasets, for all parts of a kind.

    Args:
        kind: kind of the parts, for example ``municipality``.
        since: count only datasets that were published for the first time at this time or later.
        before: count only datasets that were published for the first time before this time.
    """
    query = (
        sa.select(sa.func.split_part(Member.scope, "/", 2), sa.func.count())
        .where(Member.scope.like(f"{kind}/%"), Member.current.is_(True))
        .group_by(Member.scope)
    )
    if since or before:
        query = query.join(Entry, Entry.iri == Member.iri)
    if since:
        query = query.where(Entry.first_published >= since)
    if before:
        query = query.where(Entry.first_published < before)
    return dict(model.Session.execute(query).tuples().all())


def read_first_published(things: Iterable[str]) -> dict[str, datetime]:
    """Return id in CKAN → when a dataset became public for the first time.

    For a dataset that is older than the plugin it is the time of its creation. Datasets that never
    were public are left out.
    """
    # A dataset that got another IRI has an entry for each of them.
    first = sa.func.min(Entry.first_published)
    query = (
        sa.select(Entry.thing, first.label("first"))
        .where(Entry.kind == str(Kind.DATASET), Entry.thing.in_(list(things)))
        .group_by(Entry.thing)
        .having(first.is_not(None))
    )
    return {row.thing: row.first for row in model.Session.execute(query)}


class LoggedRecord(NamedTuple):
    """A record that is or was public.

    Attributes:
        thing: id of the record in CKAN.
        is_public: whether it is public now.
    """

    thing: str
    is_public: bool


def find_oldest_record(kind: str, first: str) -> LoggedRecord | None:
    """Return, of the records whose ids begin alike, the one that was public first.

    Args:
        kind: a value of :class:`.Kind`.
        first: hexadecimal digits, the beginning of an id.

    Returns:
        ``None`` if no such record is or was public.
    """
    rows = model.Session.execute(select_records_by_beginning(kind, first)).all()
    found = {row.iri: LoggedRecord(row.thing, row.is_public) for row in rows}
    if len(found) < 2:
        return next(iter(found.values()), None)
    query = (
        sa.select(Change.iri)
        .where(Change.iri.in_(found))
        .group_by(Change.iri)
        .order_by(sa.func.min(Change.number))
        .limit(1)
    )
    return found.get(model.Session.scalar(query) or "", next(iter(found.values())))


# So many random ids never begin alike.
_ALIKE = 20


def select_records_by_beginning(kind: str, first: str) -> sa.Select[tuple[str, str, bool]]:
    """Select ``thing``, ``iri`` and ``is_public`` of the records whose ids begin with digits."""
    return (
        # A dataset that got another IRI has a tombstone for the former one.
        sa.select(Entry.thing, Entry.iri, Entry.digest.is_not(None).label("is_public"))
        .distinct(Entry.thing)
        .where(
            # A range of the index, in every collation: digits before letters, none after the f.
            Entry.thing >= first,
            Entry.thing < f"{first}g",
            Entry.thing.startswith(first),
            Entry.kind == kind,
        )
        .order_by(Entry.thing, Entry.digest.is_(None))
        .limit(_ALIKE)
    )


def is_public(kind: Kind, thing: str) -> bool | None:
    """Return whether the record with an id in CKAN is public; ``None`` if it never was."""
    query = sa.select(Entry.digest.is_not(None)).where(
        Entry.thing == thing, Entry.kind == str(kind)
    )
    return model.Session.scalar(query)


def was_public(thing: str) -> bool:
    """Return whether a record with this id in CKAN was public and no longer is.

    A public dataset may have a tombstone, too: for an IRI that it had before.
    """
    query = sa.select(sa.func.bool_or(Entry.digest.is_not(None))).where(Entry.thing == thing)
    return model.Session.scalar(query) is False


def recount_windows() -> None:
    """Recount windows and parts and delete all renderings; the clock must be locked."""
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


def write_steps(steps: Sequence[LogStep]) -> int:
    """Number changes in this order and write them; the clock must be locked; commits nothing.

    A page describes a neighbour with each dataset that names it. So a change of a neighbour is also
    written as a change of these datasets.

    Returns:
        the number of changes written.
    """
    new = [step.iri for step in steps if step.wants_slot]
    followers = _followers(steps)
    count = len(steps) + len(followers)
    marks = [clock.make_mark() for _ in range(count)]
    last, published, last_slot = clock.advance_clock(marks, len(new))
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
            # The time of the first publication never changes, unless another record has the IRI.
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
        write_members(moved)
    if followers:
        values = {"iris": followers, "numbers": [numbers[iri] for iri in followers]}
        for statement in _FOLLOW:
            _connection().execute(statement, values)
    _touch_windows([step.iri for step in steps], last)
    return count


# Kinds of records that are described on pages together with the datasets that name them.
_NEIGHBOURS = frozenset({Kind.ORGANIZATION, Kind.WORKSHOP, Kind.IDEA})


def _followers(steps: Sequence[LogStep]) -> list[str]:
    """Return the IRIs of public datasets that name a changed record, directly or indirectly."""
    changed = [step.iri for step in steps if step.kind in _NEIGHBOURS]
    if not changed:
        return []
    values = {"iris": changed, "known": [step.iri for step in steps]}
    return list(_connection().execute(_FOLLOWERS, values).scalars())


# The recursion ends at datasets, because no record names a dataset; only datasets have slots.
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
    """Recount the windows of these records and of the datasets that name them."""
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


def _connection() -> sa.Connection:
    """Return the connection of the session, on which no objects are loaded or flushed."""
    return model.Session.connection()


def _batches(values: Iterable[str]) -> Iterator[list[str]]:
    everything = list(values)
    for start in range(0, len(everything), BATCH):
        yield everything[start : start + BATCH]


# The number of windows in memory at a time.
AT_ONCE = 8


@dataclass(frozen=True)
class ClockRow:
    """The clock, as one snapshot of the database has it.

    Attributes:
        clock_number: number of the last change; 0 before the first.
        here: the present ``home`` of the database; the stored one differs in a restored copy.
        issued: time of the first change, ``None`` before it.

    The others are columns of :class:`.Clock`.
    """

    epoch: str
    clock_number: int
    mark: int
    unmarked: int
    published: datetime
    base: str
    vocabulary: str
    page_size: int
    complete: bool
    home: int
    here: int
    issued: datetime | None


@dataclass(frozen=True)
class CatalogueRow(ClockRow):
    """The clock, and the catalogue's description, compressed; ``None`` before the first change."""

    catalogue: bytes | None


@dataclass(frozen=True)
class PageRow(CatalogueRow):
    """A page of the catalogue or of a part, without its content.

    Attributes:
        total: number of public datasets; ``None`` if there never was one.
        last: number of the last page; ``None`` if there is none.
        previous: number of the page before this one that is not empty, ``None`` at the beginning.
        next: number of the page after this one that is not empty, ``None`` at the end.
    """

    total: int | None
    last: int | None
    previous: int | None
    next: int | None


@dataclass(frozen=True)
class WindowRow(PageRow):
    """A page of the whole catalogue, with its stored rendering.

    Attributes:
        body: deflated; this and the following are ``None`` without an up-to-date rendering.
        size: bytes before it was compressed.
        crc: CRC-32 of those.
    """

    body: bytes | None
    size: int | None
    crc: int | None


class ListedWindow(NamedTuple):
    """A window, with its stored rendering as in :class:`WindowRow`."""

    number: int
    body: bytes | None
    size: int | None
    crc: int | None


class StoredRendering(NamedTuple):
    """A rendering of a window; ``body`` is deflated, ``size`` and ``crc`` are those before that."""

    format: str
    body: bytes
    size: int
    crc: int


# The queries have the columns of the classes above, in their order.
_CLOCK = (
    Clock.epoch,
    Clock.number.label("clock_number"),
    Clock.mark,
    Clock.unmarked,
    Clock.published,
    Clock.base,
    Clock.vocabulary,
    Clock.page_size,
    Clock.complete,
    Clock.home,
    HOME.label("here"),
    sa.select(Change.published).order_by(Change.number).limit(1).scalar_subquery().label("issued"),
)


_CATALOGUE = (
    sa.select(Entry.body)
    .where(Entry.thing == "", Entry.kind == str(Kind.CATALOG))
    .scalar_subquery()
    .label("catalogue")
)


def _is_fresh() -> sa.ColumnElement[bool]:
    return sa.and_(
        Rendering.window == Window.number,
        Rendering.format == sa.bindparam("kept_as"),
        Rendering.changed == Window.changed,
    )


# Statements are built once: building one takes as long as executing it.
_OTHER = aliased(Window)
_NUMBER = sa.bindparam("number", type_=sa.BigInteger)
_IN_SCOPE = Member.scope == sa.bindparam("scope", type_=sa.UnicodeText)


def _page_of(place: Any) -> sa.ColumnElement[int]:
    return (place - 1) // Clock.page_size + 1


def _of_scope(column: Any, *conditions: Any) -> Any:
    return sa.select(column).where(_IN_SCOPE, *conditions).correlate(Clock).scalar_subquery()


_QUERY = {
    "clock": sa.select(*_CLOCK),
    "catalogue": sa.select(*_CLOCK, _CATALOGUE),
    "page": sa.select(
        *_CLOCK,
        _CATALOGUE,
        sa.select(sa.func.sum(_OTHER.live)).scalar_subquery().label("total"),
        sa.select(sa.func.max(_OTHER.number)).scalar_subquery().label("last"),
        sa.select(sa.func.max(_OTHER.number))
        .where(_OTHER.number < _NUMBER, _OTHER.live > 0)
        .scalar_subquery()
        .label("previous"),
        sa.select(sa.func.min(_OTHER.number))
        .where(_OTHER.number > _NUMBER, _OTHER.live > 0)
        .scalar_subquery()
        .label("next"),
        Rendering.body,
        Rendering.size,
        Rendering.crc,
    )
    .select_from(Clock)
    .outerjoin(Window, Window.number == _NUMBER)
    .outerjoin(Rendering, _is_fresh()),
    "scope": sa.select(
        *_CLOCK,
        _CATALOGUE,
        _of_scope(sa.func.count(), Member.current).label("total"),
        _page_of(_of_scope(sa.func.max(Member.place))).label("last"),
        _page_of(
            _of_scope(
                sa.func.max(Member.place),
                Member.current,
                Member.place <= (_NUMBER - 1) * Clock.page_size,
            )
        ).label("previous"),
        _page_of(
            _of_scope(
                sa.func.min(Member.place), Member.current, Member.place > _NUMBER * Clock.page_size
            )
        ).label("next"),
    ).select_from(Clock),
    "windows": sa.select(Window.number, Rendering.body, Rendering.size, Rendering.crc)
    .outerjoin(Rendering, _is_fresh())
    .where(Window.number > sa.bindparam("last"), Window.live > 0)
    .order_by(Window.number)
    .limit(AT_ONCE),
}


def read_clock_row(connection: sa.Connection) -> ClockRow:
    """Return the clock.

    Raises:
        sqlalchemy.exc.NoResultFound: nothing was ever published and no migration was run.
    """
    return ClockRow(*connection.execute(_QUERY["clock"]).one())


def read_catalogue(connection: sa.Connection) -> CatalogueRow:
    """Return the clock and the description of the catalogue."""
    return CatalogueRow(*connection.execute(_QUERY["catalogue"]).one())


def read_window(connection: sa.Connection, number: int, kept_as: str) -> WindowRow:
    """Return a page of the whole catalogue in one query.

    Args:
        connection: to the database.
        number: of the page.
        kept_as: the format in which its rendering is stored.
    """
    values = {"number": number, "kept_as": kept_as}
    return WindowRow(*connection.execute(_QUERY["page"], values).one())


def list_windows(connection: sa.Connection, kept_as: str) -> Iterator[ListedWindow]:
    """Yield every window that is not empty, in order, a few at a time."""
    last = 0
    while True:
        rows = connection.execute(_QUERY["windows"], {"last": last, "kept_as": kept_as}).all()
        yield from (ListedWindow(*row) for row in rows)
        if len(rows) < AT_ONCE:
            return
        last = rows[-1].number


def read_scope_page(connection: sa.Connection, scope: str, number: int) -> PageRow:
    """Return a page of a part of the catalogue; renderings of these are not stored."""
    values = {"scope": scope, "number": number}
    return PageRow(*connection.execute(_QUERY["scope"], values).one())


def list_window_numbers(connection: sa.Connection, scope: str) -> list[int]:
    """Return the numbers of the pages that are not empty, of a part or ("") of the whole."""
    found = connection.execute(_WINDOWS_OF_SCOPE if scope else _WINDOWS, {"scope": scope})
    return list(found.scalars())


_WINDOWS = sa.text("SELECT number FROM marathon_feed_window WHERE live > 0 ORDER BY 1")
_WINDOWS_OF_SCOPE = sa.text(
    """
    SELECT DISTINCT (place - 1) / page_size + 1 FROM marathon_feed_member, marathon_feed_clock
    WHERE scope = :scope AND current ORDER BY 1
    """
)


def read_window_change(connection: sa.Connection, number: int) -> int | None:
    """Return the number of the last change of a window, ``None`` if there is no such window."""
    return connection.scalar(sa.select(Window.changed).where(Window.number == number))


def read_live_count(connection: sa.Connection, number: int) -> int:
    """Return the number of public datasets that the row of a window states."""
    return connection.scalar(sa.select(Window.live).where(Window.number == number)) or 0


def count_live_datasets(connection: sa.Connection, number: int) -> int:
    """Return the number of public datasets whose slots are in a window."""
    return connection.scalar(_COUNTED, {"number": number}) or 0


_COUNTED = sa.select(sa.func.count()).where(
    Entry.digest.is_not(None),
    Entry.slot > (_NUMBER - 1) * sa.select(Clock.page_size).scalar_subquery(),
    Entry.slot <= _NUMBER * sa.select(Clock.page_size).scalar_subquery(),
)


def list_renderings(connection: sa.Connection, number: int) -> list[StoredRendering]:
    """Return the up-to-date renderings of a window, one for each format."""
    columns = (Rendering.format, Rendering.body, Rendering.size, Rendering.crc)
    up_to_date = sa.and_(Window.number == Rendering.window, Window.changed == Rendering.changed)
    query = sa.select(*columns).join(Window, up_to_date).where(Rendering.window == number)
    return [StoredRendering(*row) for row in connection.execute(query)]


def keep_rendering(
    number: int,
    kept_as: str,
    changed_at: int,
    piece: tuple[bytes, int, int],
    moment: tuple[int, int],
) -> None:
    """Store a rendering of a window, unless the window has changed.

    Uses its own transaction; concurrent readers store the same bytes. If a save holds the lock of
    the window, nothing is stored, so that no rendering with a taken-down record is stored again.

    Args:
        number: of the window.
        kept_as: its format.
        changed_at: number of the window's last change when it was rendered.
        piece: the rendering: deflated bytes, and size and CRC-32 before compression.
        moment: number and mark of the change as of which it was rendered. If it is not in the log,
            nothing is stored.
    """
    assert meta.engine is not None, "CKAN has made it"
    body, size, crc = piece
    values = {"changed": changed_at, "body": body, "size": size, "crc": crc}
    row = {"window": number, "format": kept_as, **values}
    columns = [sa.literal(value, Rendering.__table__.c[name].type) for name, value in row.items()]
    current = (
        sa.select(*columns)
        .where(Window.number == number, Window.changed == changed_at)
        .where(sa.exists().where(Change.number == moment[0], Change.mark == moment[1]))
        .with_for_update(read=True, skip_locked=True)
    )
    statement = insert(Rendering).from_select(list(row), current)
    statement = statement.on_conflict_do_update(
        index_elements=["window", "format"],
        set_={name: statement.excluded[name] for name in values},
        where=Rendering.changed < statement.excluded.changed,
    )
    with meta.engine.begin() as connection:
        connection.execute(statement)


def delete_outdated_renderings() -> None:
    """Delete renderings that are out of date; commits nothing.

    They are not served, and the next request for the page would replace them. But content that was
    taken down must be deleted at once.
    """
    model.Session.connection().execute(_FORGET)


_FORGET = sa.text(
    """
    DELETE FROM marathon_feed_rendering AS rendering USING marathon_feed_window AS page
    WHERE page.number = rendering."window" AND page.changed > rendering.changed
    """
)


def list_page_entries(
    connection: sa.Connection, number: int, scope: str = ""
) -> list[DescribedThing]:
    """Return the records of a page: neighbours first, then datasets by slot.

    These are its public datasets, and the public neighbours that they name, directly or indirectly.

    Args:
        connection: with one snapshot.
        number: number of the page.
        scope: name of a part of the catalogue; "" for the whole.
    """
    query = _HELD_BY_SCOPE if scope else _HELD_BY_WINDOW
    return _read_described(connection.execute(query, {"number": number, "scope": scope}))


def describe_things(connection: sa.Connection, iris: Collection[str]) -> list[DescribedThing]:
    """Return the public ones of these records, and their public neighbours."""
    return _read_described(connection.execute(_HELD_BY_IRI, {"iris": list(iris)}))


class DescribedThing(NamedTuple):
    """A public record: its IRI, its kind, its N-Triples, and the neighbours that it names."""

    iri: str
    kind: Kind
    body: bytes
    refs: Sequence[str]


def _read_described(rows: Any) -> list[DescribedThing]:
    return [
        DescribedThing(row.iri, Kind(row.kind), read_description(row.body), row.refs)
        for row in rows
    ]


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


class LastChange(NamedTuple):
    """The last change of a record.

    Attributes:
        activity: a value of :class:`.Activity`. In a part of the catalogue a dataset that has left
            the part is deleted, and one that has come in is created.
        published: when the change was made.
    """

    iri: str
    number: int
    mark: int
    activity: str
    published: datetime


def list_changes(connection: sa.Connection, scope: str, since: int, limit: int) -> list[LastChange]:
    """Return the last change of each record that changed after a number, in order.

    Args:
        connection: with one snapshot.
        scope: name of a part of the catalogue; "" for the whole, with changes of the catalogue's
            own description.
        since: number of a change.
        limit: the maximum number of changes.
    """
    query = _CHANGES_OF_SCOPE if scope else _CHANGES
    values = {"scope": scope, "since": since, "limit": limit}
    return [LastChange(*row) for row in connection.execute(query, values)]


def read_mark_of_change(connection: sa.Connection, number: int) -> int | None:
    """Return the mark of the change with a number, ``None`` if the log has no such change."""
    return connection.scalar(sa.select(Change.mark).where(Change.number == number))


def list_newest_changes(connection: sa.Connection, scope: str, limit: int) -> list[LastChange]:
    """Return the last changes of datasets, the newest first; see :func:`list_changes`."""
    query = _NEWEST_OF_SCOPE if scope else _NEWEST
    values = {"scope": scope, "since": 0, "limit": limit}
    return [LastChange(*row) for row in connection.execute(query, values)]


def find_thing_ids(connection: sa.Connection, iris: Collection[str]) -> dict[str, str]:
    """Return IRI → id of the record in CKAN."""
    query = sa.select(Entry.iri, Entry.thing).where(Entry.iri.in_(list(iris)))
    return dict(connection.execute(query).tuples().all())


_OF_ALL = """
    SELECT entry.iri, number, mark, activity, published
    FROM marathon_feed_entry AS entry JOIN marathon_feed_change ON number = entry.changed
    WHERE entry.changed > :since
"""
_OF_SCOPE = f"""
    SELECT member.iri, number, mark, CASE WHEN NOT current THEN '{Activity.DELETE}'
        WHEN entered = changed THEN '{Activity.CREATE}' ELSE '{Activity.UPDATE}' END AS activity,
        published
    FROM marathon_feed_member AS member JOIN marathon_feed_change ON number = member.changed
    WHERE scope = :scope AND changed > :since
"""  # noqa: S608 - constants only
_CHANGES = sa.text(
    f"{_OF_ALL} AND kind IN ('{Kind.DATASET}', '{Kind.CATALOG}') ORDER BY number LIMIT :limit"
)
_CHANGES_OF_SCOPE = sa.text(f"{_OF_SCOPE} ORDER BY number LIMIT :limit")
_NEWEST = sa.text(f"{_OF_ALL} AND kind = '{Kind.DATASET}' ORDER BY number DESC LIMIT :limit")
_NEWEST_OF_SCOPE = sa.text(f"{_OF_SCOPE} ORDER BY number DESC LIMIT :limit")
