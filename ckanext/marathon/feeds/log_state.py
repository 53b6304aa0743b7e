"""The state of the log, cursors, read-only connections with one snapshot, and the witness.

The witness is a file outside of the database with number and mark of the last published change. If
the database does not have that change, an older database was restored and has lost changes that
followers have. Then a new epoch begins.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Self, TypeVar

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.model import meta

from ckanext.marathon.feeds import port
from ckanext.marathon.feeds.port import CATALOG, FeedSettings
from ckanext.marathon.model import clock, feed, feed_log
from ckanext.marathon.model.feed import Clock, Entry, Kind, Rendering
from ckanext.marathon.model.feed_log import CatalogueRow, ClockRow, LastChange

# A row that has the description of the catalogue.
Catalogue = TypeVar("Catalogue", bound=CatalogueRow)

WITNESS_NAME = "marathon-feed.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Witness:
    """Number and mark of the last published change, as the file has them."""

    number: int
    mark: int


def find_witness_path() -> Path | None:
    """Return the path of the file, ``None`` on a site without a storage folder."""
    storage = tk.config.get("ckan.storage_path")
    return Path(str(storage)) / WITNESS_NAME if storage else None


def read_witness() -> Witness | None:
    """Return the witness, ``None`` if there is none or it cannot be read."""
    path = find_witness_path()
    if path is None:
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Witness(int(found["number"]), int(found["mark"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_witness(witness: Witness) -> None:
    """Write the file. A failure is only logged, because no saved data depend on it."""
    path = find_witness_path()
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{WITNESS_NAME}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(asdict(witness), file)
            # Readers see the former file or this one, never half of it.
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        logger.warning("%s could not be written: %s", path, error)


def find_lost_change() -> Witness | None:
    """Return the witness if its change is not in the log; ``None`` if nothing is lost."""
    witness = read_witness()
    if witness is None or clock.read_mark(witness.number) == witness.mark:
        return None
    return witness


def find_unanswered_loss() -> Witness | None:
    """Return the lost change, ``None`` if nothing is lost or a new epoch began because of it."""
    lost = find_lost_change()
    now = clock.read_clock()
    return None if lost and (now.lost, now.lost_mark) == (lost.number, lost.mark) else lost


def begin_epoch_after_loss() -> bool:
    """Begin a new epoch if published changes are not in the log; commits.

    Returns:
        whether a new epoch began.
    """
    if find_unanswered_loss() is None:
        return False
    clock.lock_clock()
    # Another process may have done it while we waited for the clock.
    lost = find_unanswered_loss()
    if lost is None:
        model.Session.rollback()
        return False
    now = clock.begin_epoch(lost.number, lost.mark)
    logger.warning(
        "The database is older than what was published: change %s is not in the feed's log, which "
        "ends with %s. Epoch %s begins, and followers start again.",
        lost.number,
        now.number,
        now.epoch,
    )
    write_witness(Witness(now.number, now.mark))
    model.Session.commit()
    return True


def begin_new_epoch(lost: Witness | None = None) -> Clock:
    """Begin a new epoch, in which followers start again, and return the clock; commits.

    Args:
        lost: the last published change, if it is known and no longer in the log.
    """
    clock.lock_clock()
    now = clock.begin_epoch(*astuple(lost)) if lost else clock.begin_epoch()
    model.Session.commit()
    write_witness(Witness(now.number, now.mark))
    return now


@dataclass(frozen=True)
class LogState:
    """The state of the log.

    Attributes:
        epoch: a UUID; a new one after numbers were lost. A cursor is valid in one epoch only.
        number: number of the last change; 0 before the first publication.
        mark: random mark of the last change; before the first one, a hash of the settings.
        published: time of the last change.
        complete: whether everything public is in the log.
        unmarked: changes up to this number have names without a mark.
    """

    epoch: str
    number: int
    mark: int
    published: datetime
    complete: bool
    unmarked: int

    @property
    def is_ready(self) -> bool:
        """Whether the catalogue can be served from the log; an empty catalogue can."""
        return self.complete

    @property
    def cursor(self) -> str:
        """The cursor of a follower that has every change."""
        return str(Cursor(self.epoch, self.number, self.number, self.mark))

    def name_change(self, change: LastChange) -> str:
        """Return the name of a change, unique within its stream.

        A change that gets the same number after an older database was restored has another name.
        Changes that were published without a mark keep their names.
        """
        name = f"{self.epoch[:8]}-{change.number}"
        return name if change.number <= self.unmarked else f"{name}-{change.mark:016x}"


@dataclass(frozen=True)
class Cursor:
    """The position of a follower in a history of the log: ``<epoch>.<number>.<last>.<mark>``.

    Attributes:
        epoch: epoch of the log.
        number: number of the last change that the follower has.
        last: number of the last change in the log when the cursor was written. It is greater than
            ``number`` between the pages of a crawl. It must still be in the log: pages before leave
            out records that changed again up to ``last``.
        mark: mark of the change ``last``; ``None`` in a cursor of an earlier version.
    """

    epoch: str
    number: int
    last: int
    mark: int | None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the cursor in a text, ``None`` if it is malformed."""
        found = _CURSOR.fullmatch(text)
        if not found:
            return None
        epoch, number, last, mark = found.groups()
        return cls(epoch, int(number), int(last or number), int(mark, 16) if mark else None)

    def __str__(self) -> str:
        """Return the text of the cursor."""
        assert self.mark is not None, "cursors without a mark are read and never written"
        return f"{self.epoch}.{self.number}.{self.last}.{self.mark:016x}"

    def is_valid(self, connection: sa.Connection, state: LogState) -> bool:
        """Return whether the cursor belongs to the present history of the log.

        Args:
            connection: with the snapshot that ``state`` was read from.
            state: the state of the log.
        """
        if self.epoch != state.epoch or self.number > self.last:
            return False
        if self.mark is None:
            return self.number <= state.unmarked
        return self.last == 0 or feed_log.read_mark_of_change(connection, self.last) == self.mark


_CURSOR = re.compile(r"([0-9a-f-]{36})\.([0-9]{1,18})(?:\.([0-9]{1,18})\.([0-9a-f]{16}))?")


class LogNotReady(Exception):
    """The catalogue cannot be served: not everything public is in the log yet."""


def read_state() -> LogState:
    """Return the state of the log; in a restored copy of a database a new epoch begins."""
    with open_for_one_statement() as connection:
        row = feed_log.read_clock_row(connection)
    return make_state(row)


def read_state_in(connection: sa.Connection) -> LogState:
    """Return the state of the log in the snapshot of a connection."""
    return make_state(feed_log.read_clock_row(connection))


def make_state(row: ClockRow) -> LogState:
    """Return the state of the log from the clock's row; in a restored copy a new epoch begins."""
    if not _is_at_home(row):
        return read_state()
    mark = row.mark if row.clock_number else _mark_of_settings(row)
    return LogState(row.epoch, row.clock_number, mark, row.published, row.complete, row.unmarked)


def find_settings(row: Clock | ClockRow | None = None) -> FeedSettings:
    """Return the settings of the feed: those of its first publication, else the present ones.

    Later settings do not apply: to a reader with a copy, a record with another IRI is another one.

    Args:
        row: the clock, if it was read already.
    """
    fixed = row or clock.read_clock()
    if fixed.base:
        return FeedSettings(fixed.base, fixed.vocabulary, fixed.page_size)
    return port.get_source().read_settings()


def fill_unpublished(row: Catalogue) -> Catalogue:
    """Return a row, completed from the present settings before the first publication.

    Until then the log has no settings, and no description of the (empty) catalogue.
    """
    if row.clock_number:
        return row
    settings = find_settings(row)
    return replace(row, **settings._asdict(), catalogue=_describe_catalogue(settings))


def _describe_catalogue(settings: FeedSettings) -> bytes:
    """Return the catalogue's description with these settings, compressed."""
    catalogue = port.get_source().describe_records([CATALOG], settings)[CATALOG]
    assert catalogue is not None, "the catalogue is always public"
    return zlib.compress(catalogue.body)


def _mark_of_settings(row: ClockRow) -> int:
    """Return a hash of the settings: the mark before the first change."""
    settings = find_settings(row)
    catalogue = row.catalogue if isinstance(row, CatalogueRow) else None
    catalogue = catalogue or _describe_catalogue(settings)
    hashed = f"{settings.base}\n{settings.vocabulary}\n".encode() + catalogue
    return int.from_bytes(hashlib.sha256(hashed).digest()[:8]) >> 1


def open_snapshot() -> sa.Connection:
    """Return a connection with one snapshot of the database."""
    return _connect(_ONE_MOMENT)


def open_catalogue() -> tuple[sa.Connection, CatalogueRow, LogState]:
    """Return a connection with one snapshot, its clock and catalogue, and the state of the log.

    If a new epoch begins, the snapshot is of that epoch. The caller closes the connection.

    Raises:
        LogNotReady: the log does not have everything public yet.
    """
    connection = open_snapshot()
    try:
        row = fill_unpublished(feed_log.read_catalogue(connection))
        found = require_ready(make_state(row))
    except BaseException:
        connection.close()
        raise
    if found.epoch == row.epoch:
        return connection, row, found
    connection.close()
    return open_catalogue()


def read_through(pieces: Iterator[Read], connection: sa.Connection) -> Iterator[Read]:
    """Yield from an iterator and close its connection at the end.

    So a stream that is read to its end leaves no transaction open, even if it is not closed. A
    stream that is abandoned before its end must be closed.
    """
    with connection:
        yield from pieces


Read = TypeVar("Read")


def open_for_one_statement() -> sa.Connection:
    """Return a connection for a single statement, which needs no snapshot."""
    return _connect(_ONE_STATEMENT)


def require_ready(found: LogState) -> LogState:
    """Return a state from which the catalogue can be served.

    Raises:
        LogNotReady: the log is not complete.
    """
    if not found.is_ready:
        raise LogNotReady
    return found


# Without a transaction, BEGIN and COMMIT need not be sent.
_ONE_STATEMENT = {"isolation_level": "AUTOCOMMIT"}
# Several statements see one snapshot.
_ONE_MOMENT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _connect(options: Mapping[str, object]) -> sa.Connection:
    assert meta.engine is not None, "CKAN has made it"
    return meta.engine.connect().execution_options(**options)


def _is_at_home(row: ClockRow) -> bool:
    """Return whether this is the database that the log was written in; else begin a new epoch.

    The database of a restored dump is another one.
    """
    if row.home == row.here:
        return True
    clock.lock_clock()
    model.Session.commit()
    return False


@dataclass(frozen=True)
class LogStatus:
    """The state of the log and its figures, for ``ckan marathon feed status``.

    Attributes:
        epoch: a UUID; a new one after numbers were lost.
        began: when the epoch began.
        number: number of the last change.
        mark: mark of the last change.
        published: time of the last change, ``None`` before the first.
        complete: whether everything public is in the log, with its last change.
        gaps: number of records whose last change could not be published yet.
        gaps_since: when the oldest gap was opened, ``None`` if there are none.
        base: start of the IRIs of records; "" before the first publication.
        base_now: start of the IRIs of records by the present settings.
        public: kind → number of public records.
        tombstones: kind → number of records that were public and no longer are.
        degraded: IRIs of the records that could not be described in full.
        body_bytes: size of the compressed descriptions.
        kept_bytes: size of the stored renderings of pages.
    """

    epoch: str
    began: datetime
    number: int
    mark: int
    published: datetime | None
    complete: bool
    gaps: int
    gaps_since: datetime | None
    base: str
    base_now: str
    public: dict[str, int]
    tombstones: dict[str, int]
    degraded: list[str]
    body_bytes: int
    kept_bytes: int


def read_log_status() -> LogStatus:
    """Return the state of the log and its figures."""
    row = clock.read_clock()
    gaps, gaps_since = feed.read_gaps()
    is_public = Entry.digest.is_not(None)
    counts: dict[bool, dict[str, int]] = {True: {}, False: {}}
    query = sa.select(is_public, Entry.kind, sa.func.count()).group_by(is_public, Entry.kind)
    for public, kind, number in model.Session.execute(query):
        counts[public][Kind(kind).value] = number
    degraded = model.Session.scalars(sa.select(Entry.iri).where(Entry.degraded).order_by(Entry.iri))
    size = sa.func.coalesce(sa.func.sum(sa.func.length(Entry.body)), 0)
    kept = sa.func.coalesce(sa.func.sum(sa.func.length(Rendering.body)), 0)
    return LogStatus(
        epoch=row.epoch,
        began=row.began,
        number=row.number,
        mark=row.mark,
        published=row.published if row.number else None,
        complete=row.complete and not gaps,
        gaps=gaps,
        gaps_since=gaps_since,
        base=row.base,
        base_now=port.get_source().read_settings().base,
        public=counts[True],
        tombstones=counts[False],
        degraded=list(degraded),
        body_bytes=model.Session.scalar(sa.select(size)) or 0,
        kept_bytes=model.Session.scalar(sa.select(kept)) or 0,
    )
