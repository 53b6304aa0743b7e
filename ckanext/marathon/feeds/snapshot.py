"""How far the log is, and connections that see one moment of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.model import meta

from ckanext.marathon.model import clock, pages


@dataclass(frozen=True)
class State:
    """How far the log is.

    Attributes:
        epoch: another one after numbers were lost; cursors hold within one.
        number: of the last change.
        published: when that was.
        complete: everything public is in the log.
    """

    epoch: str
    number: int
    published: datetime
    complete: bool

    @property
    def is_ready(self) -> bool:
        """Whether the catalogue can be served from it."""
        return self.complete and self.number > 0

    @property
    def cursor(self) -> str:
        """What a follower remembers: ``<epoch>.<number>``."""
        return f"{self.epoch}.{self.number}"


class NotReady(Exception):
    """The log cannot answer for the catalogue: not everything public is in it yet."""


def state() -> State:
    """Return how far the log is; where a dump was restored, a new epoch begins."""
    with one_statement() as connection:
        row = pages.clock(connection)
    return state_of(row)


def state_of(row: sa.Row) -> State:
    """Return how far the log is by the clock's row, after a dump was restored in a new epoch."""
    if not _is_at_home(row):
        return state()
    return State(row.epoch, row.clock_number, row.published, row.complete)


def one_moment() -> Any:
    """Return a connection that sees the same as long as it is open."""
    return _connected(_ONE_MOMENT)


def catalogue() -> tuple[Any, sa.Row, State]:
    """Return a connection that sees one moment, the catalogue then, and how far the log was.

    Where a new epoch begins, what is seen is of that epoch. Whoever asks closes the connection.

    Raises:
        NotReady: the log cannot answer.
    """
    connection = one_moment()
    try:
        row = pages.catalogue(connection)
        found = ready(state_of(row))
    except BaseException:
        connection.close()
        raise
    if found.epoch == row.epoch:
        return connection, row, found
    connection.close()
    return catalogue()


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
    clock.hold()
    model.Session.commit()
    return False
