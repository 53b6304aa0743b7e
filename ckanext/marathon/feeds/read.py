"""The catalogue from the log: pages that never move, and the whole in one stream."""

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
from ckanext.marathon.model import clock, pages
from ckanext.marathon.rdf.namespaces import DCAT


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
    return _state(row) if _is_at_home(row) else state()


def ready(found: State) -> State:
    """Return a state from which the catalogue can be served.

    Raises:
        NotReady: it is none.
    """
    if not found.is_ready:
        raise NotReady
    return found


def page(number: int, extension: str, address: str) -> Document | None:
    """Return one page of the catalogue; page n holds slots ``(n-1)*size+1`` to ``n*size``.

    Args:
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
    kept_as = write.kept_as(extension)
    with _connected(_ONE_STATEMENT) as connection:
        found = pages.page(connection, number, kept_as)
    if not _is_at_home(found):
        return page(number, extension, address)
    ready(_state(found))
    if number > max(found.last or 1, 1):
        return None
    body = _piece(found)
    if body is None:
        # What is kept is out of date; what is written anew must be of one moment.
        with _connected(_ONE_MOMENT) as connection:
            found = pages.page(connection, number, kept_as)
            body = _window(connection, found, number, extension, _piece(found))
    now = ready(_state(found))
    links = {"first": 1, "last": max(found.last or 1, 1)}
    links |= {"previous": found.previous} if found.previous else {}
    links |= {"next": found.next} if found.next else {}
    view = envelope.View(
        address, number, found.total or 0, found.page_size, tuple(sorted(links.items()))
    )
    return Document(now, links, _framed(found, view, extension, [body]))


def everything(extension: str) -> Document:
    """Return the whole catalogue as one document, of one moment, in constant memory.

    Args:
        extension: a format of ``rdf.formats.FORMATS``.

    Raises:
        NotReady: the log cannot answer.
    """
    connection = _connected(_ONE_MOMENT)
    try:
        found = pages.catalogue(connection)
        if not _is_at_home(found):
            connection.close()
            return everything(extension)
        now = ready(_state(found))
    except BaseException:
        connection.close()
        raise
    windows = (
        _window(connection, found, each.number, extension, _piece(each))
        for each in pages.windows(connection, write.kept_as(extension))
    )
    return Document(now, {}, _framed(found, None, extension, windows), connection)


def lines(number: int) -> list[bytes]:
    """Return the N-Triples of a page without its envelope, made anew from the entries."""
    with _connected(_ONE_MOMENT) as connection:
        return _lines(connection, pages.clock(connection), number)


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


def _state(row: sa.Row) -> State:
    return State(row.epoch, row.clock_number, row.published, row.complete)


def _piece(found: sa.Row) -> Piece | None:
    return None if found.body is None else Piece(found.body, found.size, found.crc)


def _window(connection: Any, now: sa.Row, number: int, extension: str, kept: Piece | None) -> Piece:
    """Return a window as it is kept, or write it now and keep it."""
    if kept is not None:
        return kept
    written = write.part(_lines(connection, now, number), extension, now.vocabulary)
    piece = deflate(write.frame(extension, now.vocabulary).between + written if written else b"")
    changed = pages.changed(connection, number)
    if changed is not None:
        pages.keep(number, write.kept_as(extension), changed, piece)
    return piece


def _lines(connection: Any, now: sa.Row, number: int) -> list[bytes]:
    entries = pages.entries(connection, number)
    held = [
        f"<{now.base}> <{DCAT.dataset}> <{iri}> .".encode()
        for iri, is_dataset, _body in entries
        if is_dataset
    ]
    return write.joined([b"\n".join(held), *(body for _iri, _is_dataset, body in entries)])


def _framed(
    moment: sa.Row, view: envelope.View | None, extension: str, windows: Iterable[Piece]
) -> Iterator[Piece]:
    yield envelope.head(moment, view, extension)
    yield from windows
    yield deflate(write.frame(extension, moment.vocabulary).tail)
