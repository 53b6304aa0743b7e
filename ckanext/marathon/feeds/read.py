"""The catalogue and its parts from the log: pages that never move, and all in one stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.model import meta

from ckanext.marathon.feeds import envelope, write
from ckanext.marathon.feeds.deflate import Piece, deflate
from ckanext.marathon.feeds.parts import THE_WHOLE, Part
from ckanext.marathon.feeds.scopes import WHOLE
from ckanext.marathon.model import clock, descriptions, pages
from ckanext.marathon.model.feed import Kind


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


class Document:
    """What a request is answered with; must be closed, read or not.

    Attributes:
        state: that the document shows.
        links: relation (``next`` …) → number of a page.
        pieces: the document, compressed piece by piece; can be read once.
        is_long: it may be larger than memory.
    """

    def __init__(
        self, state: State, links: dict[str, int], pieces: Iterator[Piece], connection: Any = None
    ) -> None:
        self._connection = connection
        self.state, self.links, self.pieces = state, links, pieces
        self.is_long = connection is not None

    def close(self) -> None:
        """Give the database's snapshot back."""
        if self._connection is not None:
            self._connection.close()


def state() -> State:
    """Return how far the log is; where a dump was restored, a new epoch begins."""
    with _connected(_ONE_STATEMENT) as connection:
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


def ready(found: State) -> State:
    """Return a state from which the catalogue can be served.

    Raises:
        NotReady: it is none.
    """
    if not found.is_ready:
        raise NotReady
    return found


def page(part: Part, number: int, extension: str, address: str) -> Document | None:
    """Return one page of the catalogue; page n holds slots ``(n-1)*size+1`` to ``n*size``.

    Args:
        part: of the catalogue, or the whole; each has slots of its own.
        number: of the page, from 1.
        extension: a format of ``rdf.formats.FORMATS``.
        address: of the catalogue in this format, without ``?page=``.

    Returns:
        ``None`` beyond the last page. The next page is the next that is not empty.

    Raises:
        NotReady: the log cannot answer.

    Source: Hydra Core, PartialCollectionView. Slots never move, so that an edit or a deletion
    during a crawl hides nothing from it.
    """
    found, body = _page(part, number, extension)
    now = ready(state_of(found))
    if now.epoch != found.epoch:
        return page(part, number, extension, address)
    if body is None:
        return None
    links = {"first": 1, "last": max(found.last or 1, 1)}
    links |= {"previous": found.previous} if found.previous else {}
    links |= {"next": found.next} if found.next else {}
    view = envelope.View(
        address, number, found.total or 0, found.page_size, tuple(sorted(links.items()))
    )
    return Document(now, links, _framed(found, part, view, extension, [body]))


def _page(part: Part, number: int, extension: str) -> tuple[sa.Row, Piece | None]:
    """Return a page's figures and the page, unless it is beyond the last."""
    if part.scope == WHOLE:
        kept_as = write.kept_as(extension)
        with _connected(_ONE_STATEMENT) as connection:
            found = pages.page(connection, number, kept_as)
        body = _piece(found)
        if body is not None or _is_beyond(found, number):
            return found, body
        # What is kept is out of date; what is written anew must be of one moment.
        with one_moment() as connection:
            found = pages.page(connection, number, kept_as)
            return found, _window(connection, found, number, extension, _piece(found))
    with one_moment() as connection:
        found = pages.scope_page(connection, part.scope.name, number)
        if _is_beyond(found, number):
            return found, None
        return found, _part_of(connection, found, part, number, extension)


def _is_beyond(found: sa.Row, number: int) -> bool:
    return number > max(found.last or 1, 1)


def everything(part: Part, extension: str) -> Document:
    """Return all of it as one document, of one moment, in constant memory.

    Args:
        part: of the catalogue, or the whole.
        extension: a format of ``rdf.formats.FORMATS``.

    Raises:
        NotReady: the log cannot answer.
    """
    connection = one_moment()
    try:
        found = pages.catalogue(connection)
        now = ready(state_of(found))
        if now.epoch != found.epoch:
            connection.close()
            return everything(part, extension)
    except BaseException:
        connection.close()
        raise
    if part.scope == WHOLE:
        windows = (
            _window(connection, found, each.number, extension, _piece(each))
            for each in pages.windows(connection, write.kept_as(extension))
        )
    else:
        windows = (
            _part_of(connection, found, part, number, extension)
            for number in pages.windows_of_scope(connection, part.scope.name)
        )
    return Document(now, {}, _framed(found, part, None, extension, windows), connection)


def lines(number: int) -> list[bytes]:
    """Return the N-Triples of a page without its envelope, made anew from the entries."""
    with one_moment() as connection:
        return _lines(connection, pages.clock(connection), THE_WHOLE, number)


# One statement sees one moment by itself, and saves the two messages of a transaction.
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


def _piece(found: sa.Row) -> Piece | None:
    return None if found.body is None else Piece(found.body, found.size, found.crc)


def _window(connection: Any, now: sa.Row, number: int, extension: str, kept: Piece | None) -> Piece:
    """Return a window as it is kept, or write it now and keep it."""
    if kept is not None:
        return kept
    piece = _part_of(connection, now, THE_WHOLE, number, extension)
    changed = pages.changed(connection, number)
    if changed is not None:
        pages.keep(number, write.kept_as(extension), changed, piece)
    return piece


def _part_of(connection: Any, now: sa.Row, part: Part, number: int, extension: str) -> Piece:
    """Return a page as a piece of a document."""
    written = write.part(_lines(connection, now, part, number), extension, now.vocabulary)
    return deflate(write.frame(extension, now.vocabulary).between + written if written else b"")


def _lines(connection: Any, now: sa.Row, part: Part, number: int) -> list[bytes]:
    found = descriptions.entries(connection, number, part.scope.name)
    iris = [each.iri for each in found if each.kind == Kind.DATASET]
    held = [write.held(part.iri(now.base), iri) for iri in iris]
    return write.joined([b"\n".join(held), *(each.body for each in found)])


def _framed(
    moment: sa.Row,
    part: Part,
    view: envelope.View | None,
    extension: str,
    windows: Iterable[Piece],
) -> Iterator[Piece]:
    yield envelope.head(moment, part, view, extension)
    yield from windows
    yield deflate(write.frame(extension, moment.vocabulary).tail)
