"""The catalogue from the log: pages that never move, and the whole in one stream."""

from __future__ import annotations

from collections.abc import Iterator
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


class Document:
    """What a request is answered with; must be closed, read or not.

    Attributes:
        state: that the document shows.
        links: relation (``next`` …) → number of a page.
        pieces: the document, compressed piece by piece; can be read once.
    """

    def __init__(
        self, connection: Any, state: State, links: dict[str, int], pieces: Iterator[Piece]
    ) -> None:
        self._connection = connection
        self.state, self.links, self.pieces = state, links, pieces

    def close(self) -> None:
        """Give the database's snapshot back."""
        self._connection.close()


def state() -> State:
    """Return how far the log is; where a dump was restored, a new epoch begins."""
    connection = _snapshot()
    try:
        row = pages.clock(connection)
    finally:
        connection.close()
    if row.home == row.here:
        return _state(row)
    clock.hold()
    model.Session.commit()
    return state()


def page(number: int, extension: str, address: str) -> Document | None:
    """Return one page of the catalogue; page n holds slots ``(n-1)*size+1`` to ``n*size``.

    Args:
        number: of the page, from 1.
        extension: a format of ``rdf.formats.FORMATS``.
        address: of the catalogue in this format, without ``?page=``.

    Returns:
        ``None`` beyond the last page. The next page is the next that is not empty.

    Source: Hydra Core, PartialCollectionView. Slots never move, so that an edit or a deletion
    during a crawl hides nothing from it.
    """
    connection = _snapshot()
    try:
        found = pages.page(connection, number, write.kept_as(extension))
        links = {"first": 1, "last": max(found.last or 1, 1)}
        if number > links["last"]:
            connection.close()
            return None
        links |= {"previous": found.previous} if found.previous else {}
        links |= {"next": found.next} if found.next else {}
        view = envelope.View(address, number, found.total or 0, found.page_size, links)
        head = envelope.lines(connection, found, view)
        body = _window(connection, found, number, extension, _piece(found))
    except BaseException:
        connection.close()
        raise
    framed = _framed(found.vocabulary, extension, head, [body])
    return Document(connection, _state(found), links, framed)


def everything(extension: str) -> Document:
    """Return the whole catalogue as one document, of one moment, in constant memory.

    Args:
        extension: a format of ``rdf.formats.FORMATS``.
    """
    connection = _snapshot()
    try:
        now = pages.clock(connection)
        head = envelope.lines(connection, now, None)
    except BaseException:
        connection.close()
        raise
    windows = (
        _window(connection, now, found.number, extension, _piece(found))
        for found in pages.windows(connection, write.kept_as(extension))
    )
    framed = _framed(now.vocabulary, extension, head, windows)
    return Document(connection, _state(now), {}, framed)


def lines(number: int) -> list[bytes]:
    """Return the N-Triples of a page without its envelope, made anew from the entries."""
    connection = _snapshot()
    try:
        return _lines(connection, pages.clock(connection), number)
    finally:
        connection.close()


def _snapshot() -> Any:
    """Return a connection that sees one moment, whatever others commit meanwhile."""
    assert meta.engine is not None, "CKAN has made it"
    return meta.engine.connect().execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )


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


def _framed(vocabulary: str, extension: str, head: list[bytes], windows: Any) -> Iterator[Piece]:
    frame = write.frame(extension, vocabulary)
    yield deflate(frame.head + write.part(head, extension, vocabulary))
    yield from windows
    yield deflate(frame.tail)
