"""Comparing the log with CKAN's database, and rebuilding the log.

Both describe every record again, while the site is in use, in several processes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from enum import Enum
from multiprocessing import get_context
from typing import Any, TypeVar

import sqlalchemy as sa
from ckan import model
from ckan.model.system_info import SystemInfo, delete_system_info, get_system_info, set_system_info

from ckanext.marathon.feeds import catalogue, log_state, port
from ckanext.marathon.feeds.catalogue import THE_WHOLE, Piece, inflate_piece
from ckanext.marathon.feeds.log_state import find_settings, open_snapshot
from ckanext.marathon.feeds.port import CATALOG, Key
from ckanext.marathon.feeds.publish import list_departed_entries, republish_records
from ckanext.marathon.model import clock, feed, feed_log
from ckanext.marathon.model.feed import Change, Clock, Entry, Kind, Window

Batch = TypeVar("Batch")
Result = TypeVar("Result")


def share_work(
    work: Callable[[Batch], Result], batches: Sequence[Batch], ini: str, workers: int
) -> Iterator[Result]:
    """Yield the result of ``work`` for each batch, in order.

    Args:
        work: a function at the top level of a module; it must end its transaction itself.
        batches: the arguments.
        ini: path of the site's configuration, for the other processes.
        workers: number of processes; with one, ``work`` is called in this process.
    """
    if workers == 1:
        yield from map(work, batches)
        return
    # "spawn": forked processes would share a connection to the database.
    with ProcessPoolExecutor(workers, get_context("spawn"), _load_ckan, (ini,)) as pool:
        yield from pool.map(work, batches)


_context: list[Any] = []


def _load_ckan(ini: str) -> None:
    """Load CKAN in a new process."""
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    app: Any = make_app(CKANConfigLoader(ini).get_config())
    context = app._wsgi_app.test_request_context()
    context.push()
    _context.append(context)


VERIFY_BATCH = 200


class LogFaultKind(Enum):
    """The kinds of faults of the log."""

    MISSING = "missing"
    OUTDATED = "outdated"
    NOT_PUBLIC = "not public"
    PAGE = "page"
    SCOPE = "scope"
    LOST = "lost"
    CLOCK = "clock"


@dataclass(frozen=True)
class LogFault:
    """A fault of the log; ``what`` is an IRI, number and format of a page, a part or a number."""

    wrong: LogFaultKind
    what: str


def verify_log(
    ini: str = "",
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[LogFault]:
    """Yield the differences between the log and CKAN.

    Every stored description is compared with a new one, line by line, which is enough because there
    are no blank nodes. Faults are public records that are missing, entries of other records, and
    stored renderings that differ from the entries. A record that looks wrong is compared again,
    because people may be saving meanwhile.

    Args:
        ini: path of the site's configuration, for other processes.
        workers: number of processes.
        progress: called with (records done, total records).
    """
    wanted = port.get_source().list_record_keys()
    expected = set(wanted)
    everything = [*wanted, *(key for key in list_logged_keys() if key not in expected)]
    model.Session.rollback()
    batches = [
        everything[start : start + VERIFY_BATCH]
        for start in range(0, len(everything), VERIFY_BATCH)
    ]
    done = 0
    for batch, faults in zip(
        batches, share_work(_verify_again, batches, ini, workers), strict=True
    ):
        yield from faults
        done += len(batch)
        progress(done, len(everything))
    yield from _verify_history()
    yield from _verify_pages()
    yield from (LogFault(LogFaultKind.SCOPE, name) for name in feed_log.list_member_faults())


def verify_sample(count: int) -> list[LogFault]:
    """Return the differences of the ``count`` records that changed last.

    A change of settings that affects all descriptions, for example of the site's address, shows in
    these. The catalogue is left out, because it is described again when a process starts.
    """
    query = sa.select(Entry.kind, Entry.thing).where(
        Entry.digest.is_not(None), Entry.kind != CATALOG.kind
    )
    rows = model.Session.execute(query.order_by(Entry.changed.desc()).limit(count))
    return _verify_again([Key(Kind(kind), thing) for kind, thing in rows])


def _verify_history() -> Iterator[LogFault]:
    """Yield a fault if published changes are lost, or if the clock does not have the last change.

    For lost changes see ``feeds/log_state.py``. The clock is wrong if a backup was restored in
    part.
    """
    lost = log_state.find_unanswered_loss()
    if lost:
        yield LogFault(LogFaultKind.LOST, str(lost.number))
    # In one statement, so that both are from one snapshot.
    last = sa.select(Change.number, Change.mark).order_by(Change.number.desc()).limit(1).subquery()
    query = sa.select(
        Clock.number, Clock.mark, last.c.number.label("last"), last.c.mark.label("of")
    )
    row = model.Session.execute(query.outerjoin(last, sa.true())).one_or_none()
    model.Session.rollback()
    if row and (row.number or row.last) and (row.number, row.mark) != (row.last, row.of):
        yield LogFault(LogFaultKind.CLOCK, str(row.last or 0))


def _verify_again(some: Sequence[Key]) -> list[LogFault]:
    """Return the differences of some records that are still there in a second comparison."""
    suspects = [key for key, _fault in _compare_records(some)]
    model.Session.rollback()
    faults = [fault for _key, fault in _compare_records(suspects)] if suspects else []
    # Thousands of packages must not stay in memory, nor a transaction open for minutes.
    model.Session.rollback()
    model.Session.expunge_all()
    return faults


def list_logged_keys() -> list[Key]:
    """Return the keys of the records that are public according to the log."""
    rows = model.Session.execute(
        sa.select(Entry.kind, Entry.thing).where(Entry.digest.is_not(None)).order_by(Entry.changed)
    )
    return [Key(Kind(kind), thing) for kind, thing in rows]


def _compare_records(some: Sequence[Key]) -> list[tuple[Key, LogFault]]:
    descriptions = port.get_source().describe_records(some, find_settings())
    current = {found.iri for found in descriptions.values() if found}
    stored = feed_log.read_states(current)
    bodies = feed_log.read_bodies(current)
    parts = feed_log.read_scopes(current)
    faults: list[tuple[Key, LogFault]] = []
    for key, found in descriptions.items():
        if found is None:
            continue
        before = stored.get(found.iri)
        if before is None or before.digest is None or before.thing != key.thing:
            faults.append((key, LogFault(LogFaultKind.MISSING, found.iri)))
            continue
        logged = bodies.get(found.iri), before.digest, parts.get(found.iri, ())
        if logged != (found.body, found.digest, found.scopes):
            faults.append((key, LogFault(LogFaultKind.OUTDATED, found.iri)))
    for row in list_departed_entries(descriptions):
        key = Key(Kind(row.kind), row.thing)
        faults.append((key, LogFault(LogFaultKind.NOT_PUBLIC, row.iri)))
    return faults


def _verify_pages() -> Iterator[LogFault]:
    """Compare windows with their entries, and stored renderings with new ones."""
    size = clock.read_clock().page_size
    slots = sa.select((Entry.slot - 1) // size + 1).where(Entry.slot.is_not(None))
    numbers = model.Session.scalars(sa.select(Window.number).union(slots)).all()
    model.Session.rollback()
    formats = {catalogue.find_kept_format(extension): extension for extension in catalogue.FORMATS}
    for number in sorted(numbers):
        # In one snapshot, because others may be saving meanwhile.
        with open_snapshot() as connection:
            found = feed_log.read_clock_row(connection)
            if feed_log.read_live_count(connection, number) != feed_log.count_live_datasets(
                connection, number
            ):
                yield LogFault(LogFaultKind.PAGE, str(number))
            lines = None
            for kept in feed_log.list_renderings(connection, number):
                extension = formats.get(kept.format)
                if extension is None:
                    # Stored with other settings, and not served any more.
                    continue
                lines = lines or catalogue.read_lines(connection, found, THE_WHOLE, number)
                written = catalogue.write_part(lines, extension, found.vocabulary, found.base)
                if inflate_piece(Piece(kept.body, kept.size, kept.crc)) != written:
                    yield LogFault(LogFaultKind.PAGE, f"{number}.{extension}")


# Records per transaction: saves wait no longer than one batch takes.
REBUILD_BATCH = 20
_REBUILD_MARK = "ckanext.marathon.feed_rebuild"
# Written by migrations after which descriptions differ.
REBUILD_WANTED = "ckanext.marathon.feed_rebuild_wanted"

RebuildProgress = Callable[[int, int, int], None]


def _ignore_progress(done: int, total: int, changes: int) -> None:
    """Do nothing."""


def rebuild_log(
    ini: str, workers: int = 1, restart: bool = False, progress: RebuildProgress = _ignore_progress
) -> int:
    """Describe every record again and write the differences into the log.

    Each batch is a transaction like a save, so that nobody waits long. An interrupted rebuild
    continues after its last batch.

    Args:
        ini: path of the site's configuration, for the other processes.
        workers: number of processes.
        restart: whether to begin from the beginning after an interruption.
        progress: called with (records done, total records, number of changes).

    Returns:
        the number of changes written.
    """
    # Only these are closed at the end: a later gap may be of a record that is already done.
    gaps = feed.list_gap_ids()
    wanted = port.get_source().list_record_keys()
    expected = set(wanted)
    wanted += [key for key in list_logged_keys() if key not in expected]
    model.Session.rollback()
    if restart:
        _forget_rebuild()
    done = _resume_rebuild(wanted)
    batches = [wanted[at : at + REBUILD_BATCH] for at in range(done, len(wanted), REBUILD_BATCH)]
    changes = 0
    progress(done, len(wanted), changes)
    for batch, changed in zip(
        batches, share_work(_rebuild_batch, batches, ini, workers), strict=True
    ):
        done += len(batch)
        changes += changed
        set_system_info(_REBUILD_MARK, json.dumps(batch[-1]))
        progress(done, len(wanted), changes)
    clock.lock_clock()
    feed_log.recount_windows()
    clock.set_complete(True)
    feed.close_gaps(gaps)
    if get_system_info(REBUILD_WANTED):
        delete_system_info(REBUILD_WANTED)
    model.Session.commit()
    _forget_rebuild()
    return changes


# The query of :func:`is_rebuild_wanted`, for connections outside of the session.
_system_info: Any = SystemInfo
IS_REBUILD_WANTED = sa.select(
    sa.or_(~Clock.complete, sa.exists().where(_system_info.key == REBUILD_WANTED))
)


def is_rebuild_wanted() -> bool:
    """Return whether the log lacks older records, or was written by an earlier version."""
    return not clock.read_clock().complete or get_system_info(REBUILD_WANTED) is not None


def _resume_rebuild(wanted: Sequence[Key]) -> int:
    """Return the number of records that an interrupted rebuild has done."""
    mark = get_system_info(_REBUILD_MARK)
    if not mark:
        return 0
    kind, thing = json.loads(mark)
    last = Key(Kind(kind), thing)
    return wanted.index(last) + 1 if last in wanted else 0


def _forget_rebuild() -> None:
    if get_system_info(_REBUILD_MARK):
        delete_system_info(_REBUILD_MARK)


def _rebuild_batch(some: Sequence[Key]) -> int:
    changes = republish_records(some)
    model.Session.commit()
    model.Session.expunge_all()
    return changes
