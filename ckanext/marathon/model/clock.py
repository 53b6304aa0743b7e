"""Times in CKAN's tables, and the clock with the numbers of the feed's log.

Answers are cached in memory until the feed's clock moves, that is, until something public changes.
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
# The clock's own table, whose number is another one where a dump was restored.
HOME = sa.literal_column("'marathon_feed_clock'::regclass::oid::bigint", sa.BigInteger)


def get_utc_now() -> datetime:
    """Return now in UTC, without an offset."""
    return datetime.now(UTC).replace(tzinfo=None)


def read_clock() -> Clock:
    """Return a copy of the clock, which belongs to no session; it is started if there is none."""
    return Clock(**_one(sa.select(*Clock.__table__.columns)))


def hold_clock() -> Clock:
    """Lock the clock and return a copy: nobody else publishes before our commit or rollback.

    The last lock that a transaction takes, so that no two can wait for each other.
    """
    found = dict(_one(sa.select(*Clock.__table__.columns, HOME.label("here")).with_for_update()))
    here = found.pop("here")
    return Clock(**found) if found["home"] == here else begin_epoch()


def make_mark() -> int:
    """Return 63 random bits: no other change ever gets the same."""
    return secrets.randbits(63)


def advance_clock(marks: Sequence[int], slots: int) -> tuple[int, datetime, int]:
    """Number as many changes as there are marks, and give away ``slots`` slots; the clock is held.

    Returns:
        the last number; its time (each one before it is a microsecond earlier); the last slot.
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
    """The number and the mark that a transaction has brought the clock to."""

    number: int
    mark: int


def read_mark(number: int) -> int | None:
    """Return the mark of the change with a number, ``None`` if the log has no such change."""
    return model.Session.scalar(sa.select(Change.mark).where(Change.number == number))


def settle_clock(base: str, vocabulary: str, page_size: int) -> None:
    """Fix where IRIs start and how many slots a page has; the clock is held."""
    _update(base=base, vocabulary=vocabulary, page_size=page_size)


def set_complete(complete: bool) -> None:
    """Set whether everything public is in the log; the caller holds the clock."""
    _update(complete=complete)


def begin_epoch(lost: int | None = None, lost_mark: int | None = None) -> Clock:
    """Begin a new epoch, in which cursors of the former one mean nothing, and return the clock.

    Numbers go on, so that no rendering of the former epoch is taken for one of the new, and so
    does time: what somebody has since an earlier date may be gone.

    Args:
        lost: number of the last change that was served and is no longer in the log, if known.
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
    """Write the clock's one row, unless it is there."""
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


# Answers cached for each kind; the least recently used one is dropped. The limit is for each kind,
# so that a robot that reads every dataset does not push reports out of the cache.
MOST = 64

T = TypeVar("T")
# The clock's epoch, number and mark: after an older database was brought back, a number alone may
# mean another state.
Moment = tuple[str, int, int]


def cache_until_change(kind: str, key: Hashable, make: Callable[[], T]) -> T:
    """Return the result of ``make``, cached until something public changes; do not modify it.

    Nothing is kept while the log is not complete: what is not in it changes without its clock.

    Args:
        kind: of answers; each has room for as many.
        key: what the answer is to.
        make: asks the database.
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
    """Return the clock, read once for each transaction: a page needs many cached answers."""
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
