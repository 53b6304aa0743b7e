"""How far the log is, and connections that see one moment of it."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Self, TypeVar

import sqlalchemy as sa
from ckan import model
from ckan.model import meta

from ckanext.marathon.feeds import keys
from ckanext.marathon.feeds.keys import CATALOG
from ckanext.marathon.feeds.render import render
from ckanext.marathon.model import clock, feed_log


@dataclass(frozen=True)
class State:
    """How far the log is.

    Attributes:
        epoch: another one after numbers were lost; cursors hold within one.
        number: of the last change; 0 before the first publication.
        mark: of the last change, at random; before the first one, of what the settings say.
        published: when that was.
        complete: everything public is in the log.
        unmarked: the last number whose change is named, and may be named, without a mark.
    """

    epoch: str
    number: int
    mark: int
    published: datetime
    complete: bool
    unmarked: int

    @property
    def is_ready(self) -> bool:
        """Whether the catalogue can be served from it; one without anything in it can."""
        return self.complete

    @property
    def cursor(self) -> str:
        """What a follower remembers who has all of it."""
        return str(Cursor(self.epoch, self.number, self.number, self.mark))

    def name_change(self, change: sa.Row) -> str:
        """Return the name of a change (a row with ``number`` and ``mark``) within its stream.

        No other change has it, not even one that got the same number after an older database was
        brought back. Those that were published without a mark keep their names.
        """
        name = f"{self.epoch[:8]}-{change.number}"
        return name if change.number <= self.unmarked else f"{name}-{change.mark:016x}"


@dataclass(frozen=True)
class Cursor:
    """How far a follower is, and in which history: ``<epoch>.<number>.<last>.<mark>``.

    Attributes:
        epoch: of the log.
        number: of the last change that the follower has.
        last: number of the last change that the log had when the cursor was written. Between the
            pages of a crawl it is greater than ``number``, and it matters: what had changed again
            up to ``last`` was left out of the pages before.
        mark: of the change with the number ``last``; ``None`` in a cursor of an earlier version.
    """

    epoch: str
    number: int
    last: int
    mark: int | None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the cursor that a text is, ``None`` if it is none."""
        found = _CURSOR.fullmatch(text)
        if not found:
            return None
        epoch, number, last, mark = found.groups()
        return cls(epoch, int(number), int(last or number), int(mark, 16) if mark else None)

    def __str__(self) -> str:
        """Return the cursor as followers get it."""
        assert self.mark is not None, "cursors without a mark are read and never written"
        return f"{self.epoch}.{self.number}.{self.last}.{self.mark:016x}"

    def is_valid(self, connection: Any, state: State) -> bool:
        """Return whether the log has the history that the cursor speaks of.

        Args:
            connection: that sees the moment of ``state``.
            state: how far the log is.
        """
        if self.epoch != state.epoch or self.number > self.last:
            return False
        if self.mark is None:
            return self.number <= state.unmarked
        return self.last == 0 or feed_log.read_mark_of_change(connection, self.last) == self.mark


_CURSOR = re.compile(r"([0-9a-f-]{36})\.([0-9]{1,18})(?:\.([0-9]{1,18})\.([0-9a-f]{16}))?")


class NotReady(Exception):
    """The log cannot answer for the catalogue: not everything public is in it yet."""


def state() -> State:
    """Return how far the log is; where a dump was restored, a new epoch begins."""
    with one_statement() as connection:
        row = feed_log.read_clock_row(connection)
    return state_of(row)


def state_of(row: sa.Row) -> State:
    """Return how far the log is by the clock's row, after a dump was restored in a new epoch."""
    if not _is_at_home(row):
        return state()
    mark = row.mark if row.clock_number else _mark_of_settings(row)
    return State(row.epoch, row.clock_number, mark, row.published, row.complete, row.unmarked)


def fill(row: Any) -> Any:
    """Return what a query of ``model.pages`` says, before the first publication by the settings.

    Until something is published nothing is fixed, neither what the catalogue says of itself nor
    where IRIs start: it is an empty catalogue, as the settings of this moment have it.
    """
    if row.clock_number:
        return row
    site = keys.site(row)
    rendition = render([CATALOG], site)[CATALOG]
    assert rendition is not None, "the catalogue is always public"
    said = {
        "base": site.base,
        "vocabulary": site.vocabulary,
        "page_size": keys.page_size(),
        "catalogue": zlib.compress(rendition.body),
    }
    return SimpleNamespace(**{**row._mapping, **said})


def _mark_of_settings(row: Any) -> int:
    """Return what tells empty catalogues under other settings apart, as a mark does changes."""
    found = row if hasattr(row, "catalogue") and row.base else fill(row)
    said = f"{found.base}\n{found.vocabulary}\n".encode() + found.catalogue
    return int.from_bytes(hashlib.sha256(said).digest()[:8]) >> 1


def one_moment() -> Any:
    """Return a connection that sees the same as long as it is open."""
    return _connected(_ONE_MOMENT)


def catalogue() -> tuple[Any, Any, State]:
    """Return a connection that sees one moment, the catalogue then, and how far the log was.

    Where a new epoch begins, what is seen is of that epoch. Whoever asks closes the connection.

    Raises:
        NotReady: the log cannot answer.
    """
    connection = one_moment()
    try:
        row = fill(feed_log.read_catalogue(connection))
        found = ready(state_of(row))
    except BaseException:
        connection.close()
        raise
    if found.epoch == row.epoch:
        return connection, row, found
    connection.close()
    return catalogue()


def read_through(pieces: Iterator[Read], connection: Any) -> Iterator[Read]:
    """Yield what is read with a connection, and close that at the end.

    A stream that is read to its end leaves no transaction open, whether or not whoever reads it
    closes it. What is given up before the end has to be closed.
    """
    with connection:
        yield from pieces


Read = TypeVar("Read")


def one_statement() -> Any:
    """Return a connection for one statement, which sees one moment by itself."""
    return _connected(_ONE_STATEMENT)


def ready(found: State) -> State:
    """Return a state from which the catalogue can be served.

    Raises:
        NotReady: it is none.
    """
    if not found.is_ready:
        raise NotReady
    return found


# It saves the two messages of a transaction.
_ONE_STATEMENT = {"isolation_level": "AUTOCOMMIT"}
# Several statements see the same, whatever others commit meanwhile.
_ONE_MOMENT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _connected(options: dict[str, Any]) -> Any:
    assert meta.engine is not None, "CKAN has made it"
    return meta.engine.connect().execution_options(**options)


def _is_at_home(row: sa.Row) -> bool:
    """Return whether this is the database that the log was written in; else begin a new epoch."""
    if row.home == row.here:
        return True
    clock.hold_clock()
    model.Session.commit()
    return False
