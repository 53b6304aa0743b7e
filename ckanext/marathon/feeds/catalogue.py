"""The catalogue and its parts from the log: pages that never move, and all in one stream.

A document is a head, any number of pages, and a tail. The head has the catalogue's description,
date and links to pages. Pages are stored compressed and concatenated as they are: each is deflated
so that it refers to nothing before it and ends at a byte (a full flush). Only the checksum of the
whole document has to be computed, from those of the pages (zlib's ``crc32_combine``).

Sources: RFC 1951, RFC 1952.
"""

from __future__ import annotations

import logging
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from rdflib import Literal, URIRef
from sqlalchemy.exc import InternalError, OperationalError
from zlib_ng import zlib_ng

from ckanext.marathon.domain.addresses import is_mail_reachable
from ckanext.marathon.feeds import data_json, inventory, log_state, sheet, triples
from ckanext.marathon.feeds.inventory import InventoryDataset
from ckanext.marathon.feeds.log_state import (
    LogState,
    make_state,
    open_for_one_statement,
    open_snapshot,
    require_ready,
)
from ckanext.marathon.feeds.triples import (
    HYDRA,
    join_descriptions,
    list_reached_lines,
    sort_lines,
)
from ckanext.marathon.model import disk, feed_log
from ckanext.marathon.model.feed import Kind, read_description
from ckanext.marathon.model.feed_log import (
    CatalogueRow,
    ClockRow,
    ListedWindow,
    PageRow,
    WindowRow,
)
from ckanext.marathon.rdf import lookups
from ckanext.marathon.rdf.catalogue import OF_THE_WHOLE, build_part_graph
from ckanext.marathon.rdf.facts import PartFacts, Site
from ckanext.marathon.rdf.formats import FORMATS as RDF_FORMATS
from ckanext.marathon.rdf.namespaces import DCT, RDF, XSD

COMPRESSION_LEVEL = 6
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
# An empty last block.
_END = b"\x03\x00"


class Piece(NamedTuple):
    """Bytes, deflated.

    Attributes:
        body: deflated, without an end.
        size: bytes before that.
        crc: CRC-32 of those.
    """

    body: bytes
    size: int
    crc: int


def deflate_bytes(data: bytes) -> Piece:
    """Deflate bytes so that the result can follow other pieces (see the module)."""
    compressor = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = compressor.compress(data) + compressor.flush(zlib.Z_FULL_FLUSH)
    return Piece(body, len(data), zlib.crc32(data))


def inflate_piece(piece: Piece) -> bytes:
    """Inflate a piece made by :func:`deflate_bytes`."""
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(piece.body)


def write_gzip(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """Return the parts of one gzip stream (one member) that holds these pieces one by one."""
    yield _HEADER
    crc = size = 0
    for piece in pieces:
        yield piece.body
        crc = zlib_ng.crc32_combine(crc, piece.crc, piece.size)
        size += piece.size
    yield _END + struct.pack("<II", crc, size & 0xFFFFFFFF)


# Parts that are about a record, and not about a place or a problem.
THINGS = (str(Kind.ORGANIZATION), str(Kind.WORKSHOP), str(Kind.IDEA))


class Scope(NamedTuple):
    """A part of the catalogue: its kind, and a code, a notation or the id of a record."""

    kind: str
    code: str

    @property
    def name(self) -> str:
        """Its name in the log; "" for the whole."""
        return f"{self.kind}/{self.code}" if self.kind else ""


WHOLE = Scope("", "")


@dataclass(frozen=True)
class CataloguePart:
    """A part of the catalogue, or the whole.

    Attributes:
        scope: which.
        titles: by language, of what it is about; empty for the whole.
        places: kind and code of the places that it is about.
    """

    scope: Scope
    titles: Mapping[str, str]
    places: tuple[tuple[str, str], ...] = ()

    def iri(self, base: str) -> str:
        """Return its IRI as a catalogue."""
        return f"{base}/{self.scope.name}/catalog" if self.scope.kind else base

    @property
    def _page(self) -> str:
        # The address of a record's page is the record's own IRI, and an organisation is not a
        # document: the catalogue of the part needs another IRI.
        return f"{self.scope.name}/catalog" if self.scope.kind in THINGS else self.scope.name

    def lines(self, whole: list[bytes], site: Site) -> list[bytes]:
        """Return its own description, as lines of N-Triples.

        Args:
            whole: what the whole catalogue says of itself.
            site: where IRIs start.
        """
        if self.scope == WHOLE:
            return whole
        old, new = f"<{site.base}> ".encode(), f"<{self.iri(site.base)}> ".encode()
        own_words = tuple(old + f"<{predicate}>".encode() for predicate in OF_THE_WHOLE)
        kept = [line for line in whole if not line.startswith(own_words)]
        inherited = [
            new + line.removeprefix(old) if line.startswith(old) else line for line in kept
        ]
        graph = build_part_graph(
            PartFacts(
                site=site,
                iri=URIRef(self.iri(site.base)),
                catalogue=str(tk.config.get("ckan.site_title") or site.base),
                titles=self.titles,
                homepage=f"{site.url}/{self._page}",
                places=self.places,
            )
        )
        own = graph.serialize(format="nt11", encoding="utf-8").splitlines()
        return sort_lines(list_reached_lines(self.iri(site.base), [*inherited, *filter(None, own)]))


THE_WHOLE = CataloguePart(WHOLE, {})


class DocumentFormat(NamedTuple):
    """A format: the extension of its addresses and its media type."""

    extension: str
    media_type: str


RDF_DOCUMENTS = {
    rdf_format.extension: DocumentFormat(rdf_format.extension, rdf_format.media_type)
    for rdf_format in RDF_FORMATS.values()
}
# data.json → which profile of it; what is kept and tagged tells them apart by these names.
DATA_JSON = {"json": data_json.US, "json-ar": data_json.ARGENTINA}
INVENTORY = {
    **{extension: DocumentFormat(extension, "application/json") for extension in DATA_JSON},
    "csv": DocumentFormat("csv", "text/csv"),
}
FORMATS = {**RDF_DOCUMENTS, **INVENTORY}
# Version of the written form of the inventory. Raising it makes stored pages be written again.
EDITION = 3
# The same of RDF: pages that earlier versions kept in another form are not put together with ours.
_KEPT_ANEW = {"jsonld": "-compact"}


class DocumentFrame(NamedTuple):
    """The bytes before the first part of a document, between its parts, and at its end."""

    first: bytes
    between: bytes
    tail: bytes


def find_kept_format(extension: str) -> str:
    """Return the format that parts of a format are kept in: two names may mean the same bytes.

    What is in the words of settings is kept for these alone.

    Raises:
        KeyError: no such format.
    """
    if extension in INVENTORY:
        return f"{extension}{find_settings_mark(extension)}"
    found = triples.find_kept_rdf_format(extension)
    return f"{found}{_KEPT_ANEW.get(found, '')}"


def find_settings_mark(extension: str) -> str:
    """Return a key of the settings that a document depends on; "" for RDF, which needs none."""
    if extension in RDF_DOCUMENTS:
        return ""
    return f"-{zlib.crc32(repr((EDITION, find_language(), *_find_contact())).encode()):08x}"


def make_frame(extension: str, vocabulary: str) -> DocumentFrame:
    """Return head, separator and tail of a document in a format of :data:`FORMATS`."""
    if extension in DATA_JSON:
        return DocumentFrame(b"", b",\n", data_json.TAIL)
    if extension == "csv":
        return DocumentFrame(b"", b"", b"")
    found = triples.make_rdf_frame(extension, vocabulary)
    return DocumentFrame(found.between, found.between, found.tail)


def write_head(lines: Sequence[bytes], catalogue: str, extension: str, vocabulary: str) -> bytes:
    """Return the beginning of a document.

    Args:
        lines: N-Triples of what the catalogue says of itself.
        catalogue: its IRI.
        extension: a key of :data:`FORMATS`.
        vocabulary: start of the IRIs of concepts.
    """
    if extension in DATA_JSON:
        profile = DATA_JSON[extension]
        return data_json.write_data_json_head(
            lines, catalogue, find_language(), _find_contact(), profile
        )
    if extension == "csv":
        return sheet.write_sheet_head()
    begin = triples.make_rdf_frame(extension, vocabulary).head
    return begin + triples.write_rdf_part(lines, extension, vocabulary)


def write_part(lines: Sequence[bytes], extension: str, vocabulary: str, base: str) -> bytes:
    """Return lines of N-Triples, without their ends, as a part of a document; b"" for none."""
    if extension in DATA_JSON:
        found = parse_datasets(lines, vocabulary, base)
        return data_json.write_data_json_part(found, _find_contact(), DATA_JSON[extension])
    if extension == "csv":
        return sheet.write_sheet_rows(parse_datasets(lines, vocabulary, base))
    return triples.write_rdf_part(lines, extension, vocabulary)


def parse_datasets(
    lines: Sequence[bytes], vocabulary: str, base: str
) -> Sequence[InventoryDataset]:
    """Parse a page of the log into plain dataset records for the formats other than RDF."""
    return inventory.parse_inventory(lines, find_language(), vocabulary, base)


def find_language() -> str:
    """Return the language in which texts are given where there are several."""
    return str(tk.config.get("ckan.locale_default") or "es").partition("_")[0].lower()


def _find_contact() -> data_json.SiteContact:
    """Return the site's contact, for datasets without one whose organisation has none either.

    CKAN's sender address is often useless: nobody reads ``no-responder@localhost``.
    """
    given = (tk.config.get("email_to"), tk.config.get("smtp.mail_from"))
    addresses = (str(address) for address in given if address)
    email = next(filter(is_mail_reachable, addresses), "")
    site = lookups.read_site().url
    return data_json.SiteContact(
        str(tk.config.get("ckan.site_title") or site), email, f"{site}/about"
    )


_LINKS = {
    "first": ("first", "firstPage"),
    "last": ("last", "lastPage"),
    "next": ("next", "nextPage"),
    "previous": ("previous", "previousPage"),
}


@dataclass(frozen=True)
class PageView:
    """One page among the pages of the catalogue.

    Attributes:
        address: of the catalogue in this format, without ``?page=``.
        number: of this page.
        total: public datasets in all.
        size: slots a page.
        links: relation, and number of the page.
    """

    address: str
    number: int
    total: int
    size: int
    links: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class _CatalogueMoment:
    """The log's clock and its entry of the catalogue, from one snapshot of the database."""

    base: str
    vocabulary: str
    epoch: str
    number: int
    issued: datetime | None
    published: datetime | None
    catalogue: bytes | None


def make_head(
    moment: CatalogueRow, part: CataloguePart, view: PageView | None, extension: str
) -> Piece:
    """Return the beginning of a document, up to the first page.

    Args:
        moment: the clock and the catalogue's description.
        part: of the catalogue, or the whole.
        view: ``None`` for all of it in one document.
        extension: a key of :data:`FORMATS`.
    """
    said = _CatalogueMoment(
        moment.base,
        moment.vocabulary,
        moment.epoch,
        moment.clock_number,
        moment.issued,
        # Before the first change it is when the log began.
        moment.published if moment.clock_number else None,
        moment.catalogue,
    )
    if part.scope == WHOLE:
        return _remember_head(said, view, extension, find_settings_mark(extension))
    return _make_head(said, part, view, extension)


def describe_catalogue(moment: CatalogueRow | _CatalogueMoment, part: CataloguePart) -> list[bytes]:
    """Return the description of the whole catalogue or of a part, as lines of N-Triples."""
    whole = read_description(moment.catalogue).splitlines() if moment.catalogue is not None else []
    site = lookups.read_published_site(moment.base, moment.vocabulary)
    return part.lines(whole, site) if whole else []


# Whoever comes back with the same question before anything changed.
@lru_cache(maxsize=512)
def _remember_head(
    said: _CatalogueMoment, view: PageView | None, extension: str, _settings: str
) -> Piece:
    return _make_head(said, THE_WHOLE, view, extension)


def _make_head(
    said: _CatalogueMoment, part: CataloguePart, view: PageView | None, extension: str
) -> Piece:
    lines = _list_head_lines(said, part, view)
    return deflate_bytes(write_head(lines, part.iri(said.base), extension, said.vocabulary))


def _list_head_lines(
    said: _CatalogueMoment, part: CataloguePart, view: PageView | None
) -> list[bytes]:
    found = describe_catalogue(said, part)
    triples: list[tuple[URIRef, URIRef, URIRef | Literal]] = []
    if said.base:
        iri = URIRef(part.iri(said.base))
        moments = ((DCT.issued, said.issued), (DCT.modified, said.published))
        triples += [(iri, predicate, _moment(moment)) for predicate, moment in moments if moment]
        own = f"{said.vocabulary}/def#"
        triples += [
            (iri, URIRef(own + "changeNumber"), Literal(said.number)),
            (iri, URIRef(own + "feedEpoch"), Literal(said.epoch)),
        ]
    if view is not None:
        triples += _describe_view(view)
    found = [*found, *(f"{s.n3()} {p.n3()} {o.n3()} .".encode() for s, p, o in triples)]
    return join_descriptions([b"\n".join(found)])


def _describe_view(view: PageView) -> list[tuple[URIRef, URIRef, URIRef | Literal]]:
    """Return the page in both vocabularies of Hydra.

    Harvesters of ckanext-dcat before 1.5 know only the deprecated PagedCollection.
    """

    def address(number: int) -> URIRef:
        return URIRef(f"{view.address}?page={number}")

    def term(name: str) -> URIRef:
        return URIRef(HYDRA + name)

    here = address(view.number)
    said: list[tuple[URIRef, URIRef, URIRef | Literal]] = [
        (here, RDF.type, term("PagedCollection")),
        (here, RDF.type, term("PartialCollectionView")),
        (here, term("totalItems"), Literal(view.total)),
        (here, term("itemsPerPage"), Literal(view.size)),
    ]
    for relation, number in view.links:
        said += [(here, term(name), address(number)) for name in _LINKS[relation]]
    return said


def _moment(value: datetime) -> Literal:
    return Literal(value.isoformat(), datatype=XSD.dateTime)


logger = logging.getLogger(__name__)


class CatalogueDocument:
    """The answer to a request; must be closed, even if it was not read.

    Attributes:
        state: that the document shows.
        links: relation (``next`` …) → number of a page.
        pieces: the document, compressed piece by piece; can be read once.
        is_long: it may be larger than memory.
    """

    def __init__(
        self,
        state: LogState,
        links: dict[str, int],
        pieces: Iterator[Piece],
        connection: sa.Connection | None = None,
    ) -> None:
        self._connection = connection
        self.state, self.links, self.pieces = state, links, pieces
        self.is_long = connection is not None

    def close(self) -> None:
        """Give the database's snapshot back."""
        if self._connection is not None:
            self._connection.close()


def read_page(
    part: CataloguePart, number: int, extension: str, address: str
) -> CatalogueDocument | None:
    """Return one page of the catalogue; page n holds slots ``(n-1)*size+1`` to ``n*size``.

    Args:
        part: of the catalogue, or the whole; each has slots of its own.
        number: of the page, from 1.
        extension: a key of :data:`FORMATS`.
        address: of the catalogue in this format, without ``?page=``.

    Returns:
        ``None`` beyond the last page. The next page is the next that is not empty.

    Raises:
        LogNotReady: the log does not have everything public yet.

    Source: Hydra Core, PartialCollectionView. Slots never move, so that an edit or a deletion
    during a crawl hides nothing from it.
    """
    found, body = _read_page(part, number, extension)
    now = require_ready(make_state(found))
    if now.epoch != found.epoch:
        return read_page(part, number, extension, address)
    if body is None:
        return None
    links = {"first": 1, "last": max(found.last or 1, 1)}
    links |= {"previous": found.previous} if found.previous else {}
    links |= {"next": found.next} if found.next else {}
    view = PageView(
        address, number, found.total or 0, found.page_size, tuple(sorted(links.items()))
    )
    return CatalogueDocument(now, links, _frame_windows(found, part, view, extension, [body]))


def _read_page(part: CataloguePart, number: int, extension: str) -> tuple[PageRow, Piece | None]:
    """Return the row of a page and its content, ``None`` for one beyond the last."""
    if part.scope == WHOLE:
        kept_as = find_kept_format(extension)
        with open_for_one_statement() as connection:
            found = log_state.fill_unpublished(feed_log.read_window(connection, number, kept_as))
        body = _make_piece(found)
        if body is not None or _is_beyond(found, number):
            return found, body
        # The stored page is out of date; the new one must be read from one snapshot.
        with open_snapshot() as connection:
            found = log_state.fill_unpublished(feed_log.read_window(connection, number, kept_as))
            return found, _read_window(connection, found, number, extension, _make_piece(found))
    with open_snapshot() as connection:
        found = log_state.fill_unpublished(
            feed_log.read_scope_page(connection, part.scope.name, number)
        )
        if _is_beyond(found, number):
            return found, None
        return found, _read_part(connection, found, part, number, extension)


def _is_beyond(found: PageRow, number: int) -> bool:
    return number > max(found.last or 1, 1)


def read_everything(part: CataloguePart, extension: str) -> CatalogueDocument:
    """Return the whole catalogue or part as one document, from one snapshot, in constant memory.

    Args:
        part: of the catalogue, or the whole.
        extension: a key of :data:`FORMATS`.

    Raises:
        LogNotReady: the log does not have everything public yet.
    """
    connection, found, now = log_state.open_catalogue()
    windows = _read_windows(connection, found, part, extension)
    pieces = log_state.read_through(
        _frame_windows(found, part, None, extension, windows), connection
    )
    return CatalogueDocument(now, {}, pieces, connection)


def read_datasets(part: CataloguePart) -> Iterator[InventoryDataset]:
    """Yield all datasets as plain records for the formats other than RDF, from one snapshot.

    Raises:
        LogNotReady: the log does not have everything public yet.
    """
    connection, found, _now = log_state.open_catalogue()
    with connection:
        for number in feed_log.list_window_numbers(connection, part.scope.name):
            page = read_lines(connection, found, part, number)
            yield from parse_datasets(page, found.vocabulary, found.base)


def _read_windows(
    connection: sa.Connection, now: CatalogueRow, part: CataloguePart, extension: str
) -> Iterator[Piece]:
    if part.scope == WHOLE:
        for window in feed_log.list_windows(connection, find_kept_format(extension)):
            yield _read_window(connection, now, window.number, extension, _make_piece(window))
    else:
        for number in feed_log.list_window_numbers(connection, part.scope.name):
            yield _read_part(connection, now, part, number, extension)


def _make_piece(found: WindowRow | ListedWindow) -> Piece | None:
    """Return the stored rendering of a window, ``None`` if there is none that is up to date."""
    if found.body is None or found.size is None or found.crc is None:
        return None
    return Piece(found.body, found.size, found.crc)


def _read_window(
    connection: sa.Connection, now: CatalogueRow, number: int, extension: str, kept: Piece | None
) -> Piece:
    """Return the stored rendering of a window, or write and store one."""
    if kept is not None:
        return kept
    piece = _read_part(connection, now, THE_WHOLE, number, extension)
    changed = feed_log.read_window_change(connection, number)
    if changed is not None and disk.has_room():
        moment = now.clock_number, now.mark
        try:
            feed_log.keep_rendering(number, find_kept_format(extension), changed, piece, moment)
        except (OperationalError, InternalError) as fault:
            # With a full disk or a read-only database the client still gets the page.
            logger.warning("A page of the feed could not be kept: %s", fault.orig)
    return piece


def _read_part(
    connection: sa.Connection, now: CatalogueRow, part: CataloguePart, number: int, extension: str
) -> Piece:
    """Return a page, written from the entries."""
    found = read_lines(connection, now, part, number)
    written = write_part(found, extension, now.vocabulary, now.base)
    return deflate_bytes(written)


def read_lines(
    connection: sa.Connection, now: ClockRow, part: CataloguePart, number: int
) -> list[bytes]:
    """Return the N-Triples of a page without head and tail, built from the entries."""
    found = feed_log.list_page_entries(connection, number, part.scope.name)
    iris = [record.iri for record in found if record.kind == Kind.DATASET]
    held = [triples.write_dataset_link(part.iri(now.base), iri) for iri in iris]
    return triples.join_descriptions([b"\n".join(held), *(record.body for record in found)])


def _frame_windows(
    moment: CatalogueRow,
    part: CataloguePart,
    view: PageView | None,
    extension: str,
    windows: Iterable[Piece],
) -> Iterator[Piece]:
    frame = make_frame(extension, moment.vocabulary)
    yield make_head(moment, part, view, extension)
    before, between = deflate_bytes(frame.first), deflate_bytes(frame.between)
    for window in windows:
        if window.size:
            yield before
            yield window
            before = between
    yield deflate_bytes(frame.tail)
