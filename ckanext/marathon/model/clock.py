"""The clock with the numbers of the feed's log, and a cache that it invalidates.

Results are cached in memory until the number of the clock changes, that is, until something public
changes.
"""

from __future__ import annotations

import secrets
import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert

from ckanext.marathon.model import unit_of_work
from ckanext.marathon.model.feed import PAGE_SIZE, Change, Clock

MICROSECOND = timedelta(microseconds=1)
# PostgreSQL's id of the clock's table; in a restored copy of the database it is another one.
HOME = sa.literal_column("'marathon_feed_clock'::regclass::oid::bigint", sa.BigInteger)


def get_utc_now() -> datetime:
    """Return the present time in UTC, without an offset, as CKAN's tables have times."""
    return datetime.now(UTC).replace(tzinfo=None)


def read_clock() -> Clock:
    """Return a copy of the clock that belongs to no session; a missing row is written."""
    return Clock(**_one(sa.select(*Clock.__table__.columns)))


def lock_clock() -> Clock:
    """Lock the clock until the end of the transaction and return a copy.

    So only one transaction publishes at a time. It must be the last lock that a transaction takes,
    so that two transactions cannot wait for each other.
    """
    found = dict(_one(sa.select(*Clock.__table__.columns, HOME.label("here")).with_for_update()))
    here = found.pop("here")
    return Clock(**found) if found["home"] == here else begin_epoch()


def make_mark() -> int:
    """Return 63 random bits."""
    return secrets.randbits(63)


def advance_clock(marks: Sequence[int], slots: int) -> tuple[int, datetime, int]:
    """Reserve a number for each mark, and slots for new datasets; the clock must be locked.

    Returns:
        the last number; its time (each number before is a microsecond earlier); the last slot.
    """
    changes = len(marks)
    at = sa.func.greatest(Clock.published + changes * MICROSECOND, sa.func.clock_timestamp())
    row = model.Session.execute(
        sa.update(Clock)
        .values(
            number=Clock.number + changes,
            mark=marks[-1],
            slots=Clock.slots + slots,
            published=at,
        )
        .returning(Clock.number, Clock.published, Clock.slots)
        .execution_options(synchronize_session=False)
    ).one()
    unit_of_work.get_unit().replace_notes(Advance, Advance(row.number, marks[-1]))
    return row.number, row.published, row.slots


@dataclass(frozen=True)
class Advance:
    """Number and mark of the last change of a transaction."""

    number: int
    mark: int


def read_mark(number: int) -> int | None:
    """Return the mark of the change with a number, ``None`` if the log has no such change."""
    return model.Session.scalar(sa.select(Change.mark).where(Change.number == number))


def fix_settings(base: str, vocabulary: str, page_size: int) -> None:
    """Fix the start of IRIs and the slots per page; the clock must be locked."""
    _update(base=base, vocabulary=vocabulary, page_size=page_size)


def set_complete(complete: bool) -> None:
    """Set whether everything public is in the log; the clock must be locked."""
    _update(complete=complete)


def begin_epoch(lost: int | None = None, lost_mark: int | None = None) -> Clock:
    """Begin a new epoch, in which former cursors are not valid, and return the clock.

    Numbers continue, so that no rendering of the former epoch is taken for a new one. The time of
    the last change becomes the present, so that documents with an older date are out of date.

    Args:
        lost: number of the last published change that is no longer in the log, if known.
        lost_mark: mark of that change.
    """
    now = sa.func.clock_timestamp()
    _update(
        epoch=str(uuid.uuid4()),
        began=now,
        home=_home(),
        published=sa.func.greatest(Clock.published, now),
        # In the new epoch no cursor was ever handed out without a mark.
        unmarked=0,
        lost=lost,
        lost_mark=lost_mark,
    )
    return read_clock()


def start_clock(complete: bool) -> None:
    """Write the one row of the clock, unless it exists."""
    now = sa.func.clock_timestamp()
    model.Session.execute(
        insert(Clock)
        .values(
            singleton=True,
            epoch=str(uuid.uuid4()),
            number=0,
            published=now,
            slots=0,
            base="",
            vocabulary="",
            page_size=PAGE_SIZE,
            began=now,
            home=_home(),
            complete=complete,
            mark=make_mark(),
            unmarked=0,
        )
        .on_conflict_do_nothing()
    )


def _one(query: sa.Select[Any]) -> sa.RowMapping:
    found = model.Session.execute(query).mappings().one_or_none()
    if found is None:
        start_clock(complete=False)
        found = model.Session.execute(query).mappings().one()
    return found


def _update(**values: object) -> None:
    model.Session.execute(
        sa.update(Clock).values(values).execution_options(synchronize_session=False)
    )


def _home() -> int:
    return model.Session.execute(sa.select(HOME)).scalar_one()


# Cached results of each kind; the least recently used one is dropped. The limit is for each kind,
# so that a robot that reads every dataset does not push reports out of the cache.
MOST = 64

T = TypeVar("T")
# The clock's epoch, number and mark: after an older database was restored, the same number may
# belong to another state.
Moment = tuple[str, int, int]


def cache_until_change(kind: str, key: Hashable, make: Callable[[], T]) -> T:
    """Return the result of ``make``, cached until something public changes; do not modify it.

    Nothing is cached while the log is not complete, because changes of records that are not in it
    do not move the clock.

    Args:
        kind: kind of the results; each kind has a limit of its own.
        key: the arguments of the result.
        make: computes the result.
    """
    moment = _moment()
    if moment is None:
        return make()
    answers = _KEPT[kind]
    kept = answers.pop(key, None)
    if kept is None or kept[0] != moment:
        kept = (moment, make())
    answers[key] = kept
    while len(answers) > MOST:
        answers.popitem(last=False)
    return kept[1]


def _moment() -> Moment | None:
    """Return the state of the clock, read once per transaction, however many results it needs."""
    session = model.Session()
    known = session.info.get(_MOMENT)
    if known and known[0] is session.get_transaction():
        return known[1]
    now = read_clock()
    moment = (now.epoch, now.number, now.mark) if now.complete else None
    session.info[_MOMENT] = (session.get_transaction(), moment)
    return moment


_MOMENT = "marathon_kept_moment"
_Answers = OrderedDict[Hashable, tuple[Moment, Any]]
_KEPT: defaultdict[str, _Answers] = defaultdict(OrderedDict)
