"""The catalogue and its parts from the log: pages that never move, and all in one stream."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import InternalError, OperationalError

from ckanext.marathon.feeds import documents, envelope, snapshot, write
from ckanext.marathon.feeds.deflate import Piece, deflate
from ckanext.marathon.feeds.inventory import Dataset
from ckanext.marathon.feeds.parts import THE_WHOLE, Part
from ckanext.marathon.feeds.scopes import WHOLE
from ckanext.marathon.feeds.snapshot import State, one_moment, one_statement, ready, state_of
from ckanext.marathon.model import disk, feed_log
from ckanext.marathon.model.feed import Kind

log = logging.getLogger(__name__)


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


def page(part: Part, number: int, extension: str, address: str) -> Document | None:
    """Return one page of the catalogue; page n holds slots ``(n-1)*size+1`` to ``n*size``.

    Args:
        part: of the catalogue, or the whole; each has slots of its own.
        number: of the page, from 1.
        extension: a format of ``documents.FORMATS``.
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
        kept_as = documents.kept_as(extension)
        with one_statement() as connection:
            found = snapshot.fill(feed_log.read_window(connection, number, kept_as))
        body = _piece(found)
        if body is not None or _is_beyond(found, number):
            return found, body
        # What is kept is out of date; what is written anew must be of one moment.
        with one_moment() as connection:
            found = snapshot.fill(feed_log.read_window(connection, number, kept_as))
            return found, _window(connection, found, number, extension, _piece(found))
    with one_moment() as connection:
        found = snapshot.fill(feed_log.read_scope_page(connection, part.scope.name, number))
        if _is_beyond(found, number):
            return found, None
        return found, _part_of(connection, found, part, number, extension)


def _is_beyond(found: sa.Row, number: int) -> bool:
    return number > max(found.last or 1, 1)


def everything(part: Part, extension: str) -> Document:
    """Return all of it as one document, of one moment, in constant memory.

    Args:
        part: of the catalogue, or the whole.
        extension: a format of ``documents.FORMATS``.

    Raises:
        NotReady: the log cannot answer.
    """
    connection, found, now = snapshot.catalogue()
    windows = _windows(connection, found, part, extension)
    pieces = snapshot.read_through(_framed(found, part, None, extension, windows), connection)
    return Document(now, {}, pieces, connection)


def datasets(part: Part) -> Iterator[Dataset]:
    """Yield what there is as those want it who do not read RDF, of one moment.

    Raises:
        NotReady: the log cannot answer.
    """
    connection, found, _now = snapshot.catalogue()
    with connection:
        for number in feed_log.list_window_numbers(connection, part.scope.name):
            page = lines(connection, found, part, number)
            yield from documents.datasets(page, found.vocabulary, found.base)


def _windows(connection: Any, now: sa.Row, part: Part, extension: str) -> Iterator[Piece]:
    if part.scope == WHOLE:
        for each in feed_log.list_windows(connection, documents.kept_as(extension)):
            yield _window(connection, now, each.number, extension, _piece(each))
    else:
        for number in feed_log.list_window_numbers(connection, part.scope.name):
            yield _part_of(connection, now, part, number, extension)


def _piece(found: sa.Row) -> Piece | None:
    return None if found.body is None else Piece(found.body, found.size, found.crc)


def _window(connection: Any, now: sa.Row, number: int, extension: str, kept: Piece | None) -> Piece:
    """Return a window as it is kept, or write it now and keep it."""
    if kept is not None:
        return kept
    piece = _part_of(connection, now, THE_WHOLE, number, extension)
    changed = feed_log.read_window_change(connection, number)
    if changed is not None and disk.has_room():
        moment = now.clock_number, now.mark
        try:
            feed_log.keep_rendering(number, documents.kept_as(extension), changed, piece, moment)
        except (OperationalError, InternalError) as fault:
            # A disk that is full, or a database that is only read for the moment: who asked for
            # the page gets it all the same.
            log.warning("A page of the feed could not be kept: %s", fault.orig)
    return piece


def _part_of(connection: Any, now: sa.Row, part: Part, number: int, extension: str) -> Piece:
    """Return a page as a piece of a document."""
    found = lines(connection, now, part, number)
    written = documents.part(found, extension, now.vocabulary, now.base)
    return deflate(written)


def lines(connection: Any, now: sa.Row, part: Part, number: int) -> list[bytes]:
    """Return the N-Triples of a page without its envelope, made anew from the entries."""
    found = feed_log.list_page_entries(connection, number, part.scope.name)
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
    frame = documents.frame(extension, moment.vocabulary)
    yield envelope.head(moment, part, view, extension)
    before, between = deflate(frame.first), deflate(frame.between)
    for window in windows:
        if window.size:
            yield before
            yield window
            before = between
    yield deflate(frame.tail)
