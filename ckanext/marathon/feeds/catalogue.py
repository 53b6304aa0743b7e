"""The catalogue and its parts from the log, in pages and as one document.

A document is a head, any number of pages, and a tail. The head has the catalogue's description,
date and links to pages. Pages are stored deflated and are concatenated without being inflated: a
full flush makes each independent of the bytes before it and end at a byte boundary. The checksum of
the whole document is computed from the checksums of its pages (zlib's ``crc32_combine``).

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
# An empty last block of deflate.
_END = b"\x03\x00"


class Piece(NamedTuple):
    """A deflated part of a document.

    Attributes:
        body: deflated bytes, without a last block.
        size: number of bytes before compression.
        crc: CRC-32 of the bytes before compression.
    """

    body: bytes
    size: int
    crc: int


def deflate_bytes(data: bytes) -> Piece:
    """Deflate bytes so that the result can follow and precede other pieces."""
    compressor = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = compressor.compress(data) + compressor.flush(zlib.Z_FULL_FLUSH)
    return Piece(body, len(data), zlib.crc32(data))


def inflate_piece(piece: Piece) -> bytes:
    """Inflate a piece made by :func:`deflate_bytes`."""
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(piece.body)


def write_gzip(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """Yield one gzip stream (one member) with the concatenated pieces."""
    yield _HEADER
    crc = size = 0
    for piece in pieces:
        yield piece.body
        crc = zlib_ng.crc32_combine(crc, piece.crc, piece.size)
        size += piece.size
    yield _END + struct.pack("<II", crc, size & 0xFFFFFFFF)


# Kinds of parts that are about a record, not about a place or a problem.
THINGS = (str(Kind.ORGANIZATION), str(Kind.WORKSHOP), str(Kind.IDEA))


class Scope(NamedTuple):
    """Which part of the catalogue: a kind, and a code, a notation or the id of a record."""

    kind: str
    code: str

    @property
    def name(self) -> str:
        """The name of the part in the log; "" for the whole catalogue."""
        return f"{self.kind}/{self.code}" if self.kind else ""


WHOLE = Scope("", "")


@dataclass(frozen=True)
class CataloguePart:
    """A part of the catalogue, or the whole.

    Attributes:
        scope: kind and code of the part.
        titles: language → title of the place, problem or record; empty for the whole catalogue.
        places: kind and code of the places that the part is about.
    """

    scope: Scope
    titles: Mapping[str, str]
    places: tuple[tuple[str, str], ...] = ()

    def iri(self, base: str) -> str:
        """Return the IRI of the part as a ``dcat:Catalog``."""
        return f"{base}/{self.scope.name}/catalog" if self.scope.kind else base

    @property
    def _page(self) -> str:
        # The address of a record's page is the record's own IRI, and an organisation is not a
        # document: the catalogue of the part needs another IRI.
        return f"{self.scope.name}/catalog" if self.scope.kind in THINGS else self.scope.name

    def lines(self, whole: list[bytes], site: Site) -> list[bytes]:
        """Return the description of the part as a catalogue, as lines of N-Triples.

        It is the description of the whole catalogue with the title and places of the part.

        Args:
            whole: description of the whole catalogue.
            site: the site with the starts of IRIs.
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
# Extension → profile of data.json. Stored pages and ETags are told apart by the extension.
DATA_JSON = {"json": data_json.US, "json-ar": data_json.ARGENTINA}
INVENTORY = {
    **{extension: DocumentFormat(extension, "application/json") for extension in DATA_JSON},
    "csv": DocumentFormat("csv", "text/csv"),
}
FORMATS = {**RDF_DOCUMENTS, **INVENTORY}
# Version of how data.json and CSV are written. After it is raised, stored pages are written again.
EDITION = 3
# The same for RDF, by format: earlier versions stored pages of JSON-LD that were not compacted.
_RDF_EDITIONS = {"jsonld": "-compact"}


class DocumentFrame(NamedTuple):
    """The bytes before the first page of a document, between its pages, and at its end."""

    first: bytes
    between: bytes
    tail: bytes


def find_kept_format(extension: str) -> str:
    """Return the name under which pages of a format are stored.

    Two extensions with the same bytes share a name. For data.json and CSV, which depend on settings
    (language, contact), the name has a hash of these.

    Raises:
        KeyError: there is no such format.
    """
    if extension in INVENTORY:
        return f"{extension}{find_settings_mark(extension)}"
    found = triples.find_kept_rdf_format(extension)
    return f"{found}{_RDF_EDITIONS.get(found, '')}"


def find_settings_mark(extension: str) -> str:
    """Return a hash of the settings that a format depends on; "" for RDF, which depends on none."""
    if extension in RDF_DOCUMENTS:
        return ""
    return f"-{zlib.crc32(repr((EDITION, find_language(), *_find_contact())).encode()):08x}"


def make_frame(extension: str, vocabulary: str) -> DocumentFrame:
    """Return the frame of a document in a format of :data:`FORMATS`."""
    if extension in DATA_JSON:
        return DocumentFrame(b"", b",\n", data_json.TAIL)
    if extension == "csv":
        return DocumentFrame(b"", b"", b"")
    found = triples.make_rdf_frame(extension, vocabulary)
    return DocumentFrame(found.between, found.between, found.tail)


def write_head(lines: Sequence[bytes], catalogue: str, extension: str, vocabulary: str) -> bytes:
    """Return the head of a document.

    Args:
        lines: N-Triples of the catalogue's description.
        catalogue: IRI of the catalogue.
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
    """Return N-Triples as a page of a document; b"" if there are none.

    Args:
        lines: N-Triples without line breaks.
        extension: a key of :data:`FORMATS`.
        vocabulary: start of the IRIs of concepts.
        base: start of the IRIs of records.
    """
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
    """Return the site's language, which is preferred for texts in several languages."""
    return str(tk.config.get("ckan.locale_default") or "es").partition("_")[0].lower()


def _find_contact() -> data_json.SiteContact:
    """Return the site's contact, used if neither a dataset nor its organisation has one.

    CKAN's sender address is skipped if nobody reads it (``no-responder@localhost``).
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
    """Number and links of one page of a catalogue.

    Attributes:
        address: address of the catalogue in this format, without ``?page=``.
        number: number of this page.
        total: number of public datasets on all pages.
        size: slots per page.
        links: pairs of a relation (``next`` …) and the number of a page.
    """

    address: str
    number: int
    total: int
    size: int
    links: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class _CatalogueMoment:
    """The part of :class:`.CatalogueRow` that a head depends on; the key of the cache of heads."""

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
    """Return the head of a document.

    Args:
        moment: the clock and the catalogue's description.
        part: part of the catalogue, or the whole.
        view: the page; ``None`` for a document with all pages.
        extension: a key of :data:`FORMATS`.
    """
    known = _CatalogueMoment(
        moment.base,
        moment.vocabulary,
        moment.epoch,
        moment.clock_number,
        moment.issued,
        # Before the first change the clock has the time at which the log began.
        moment.published if moment.clock_number else None,
        moment.catalogue,
    )
    if part.scope == WHOLE:
        return _remember_head(known, view, extension, find_settings_mark(extension))
    return _make_head(known, part, view, extension)


def describe_catalogue(moment: CatalogueRow | _CatalogueMoment, part: CataloguePart) -> list[bytes]:
    """Return the description of the whole catalogue or of a part, as lines of N-Triples."""
    whole = read_description(moment.catalogue).splitlines() if moment.catalogue is not None else []
    site = lookups.read_published_site(moment.base, moment.vocabulary)
    return part.lines(whole, site) if whole else []


@lru_cache(maxsize=512)
def _remember_head(
    known: _CatalogueMoment, view: PageView | None, extension: str, _settings: str
) -> Piece:
    return _make_head(known, THE_WHOLE, view, extension)


def _make_head(
    known: _CatalogueMoment, part: CataloguePart, view: PageView | None, extension: str
) -> Piece:
    lines = _list_head_lines(known, part, view)
    return deflate_bytes(write_head(lines, part.iri(known.base), extension, known.vocabulary))


def _list_head_lines(
    known: _CatalogueMoment, part: CataloguePart, view: PageView | None
) -> list[bytes]:
    found = describe_catalogue(known, part)
    triples: list[tuple[URIRef, URIRef, URIRef | Literal]] = []
    if known.base:
        iri = URIRef(part.iri(known.base))
        moments = ((DCT.issued, known.issued), (DCT.modified, known.published))
        triples += [(iri, predicate, _moment(moment)) for predicate, moment in moments if moment]
        own = f"{known.vocabulary}/def#"
        triples += [
            (iri, URIRef(own + "changeNumber"), Literal(known.number)),
            (iri, URIRef(own + "feedEpoch"), Literal(known.epoch)),
        ]
    if view is not None:
        triples += _describe_view(view)
    found = [*found, *(f"{s.n3()} {p.n3()} {o.n3()} .".encode() for s, p, o in triples)]
    return join_descriptions([b"\n".join(found)])


def _describe_view(view: PageView) -> list[tuple[URIRef, URIRef, URIRef | Literal]]:
    """Return the triples of a page, in both vocabularies of Hydra.

    Harvesters of ckanext-dcat before 1.5 read only the deprecated ``PagedCollection``.
    """

    def address(number: int) -> URIRef:
        return URIRef(f"{view.address}?page={number}")

    def term(name: str) -> URIRef:
        return URIRef(HYDRA + name)

    here = address(view.number)
    found: list[tuple[URIRef, URIRef, URIRef | Literal]] = [
        (here, RDF.type, term("PagedCollection")),
        (here, RDF.type, term("PartialCollectionView")),
        (here, term("totalItems"), Literal(view.total)),
        (here, term("itemsPerPage"), Literal(view.size)),
    ]
    for relation, number in view.links:
        found += [(here, term(name), address(number)) for name in _LINKS[relation]]
    return found


def _moment(value: datetime) -> Literal:
    return Literal(value.isoformat(), datatype=XSD.dateTime)


logger = logging.getLogger(__name__)


class CatalogueDocument:
    """A document of the catalogue; must be closed, even if it was not read.

    Attributes:
        state: the state of the log that the document shows.
        links: relation (``next`` …) → number of a page.
        pieces: the document in deflated pieces; can be read once.
        is_long: whether the document may be larger than memory.
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
        """Close the connection to the database."""
        if self._connection is not None:
            self._connection.close()


def read_page(
    part: CataloguePart, number: int, extension: str, address: str
) -> CatalogueDocument | None:
    """Return one page of the catalogue; page n holds slots ``(n-1)*size+1`` to ``n*size``.

    Args:
        part: part of the catalogue, or the whole; each has slots of its own.
        number: number of the page, from 1.
        extension: a key of :data:`FORMATS`.
        address: address of the catalogue in this format, without ``?page=``.

    Returns:
        the page, with links to the nearest pages that are not empty; ``None`` beyond the last page.

    Raises:
        LogNotReady: the log does not have everything public yet.

    Source: Hydra Core, PartialCollectionView. Slots never move, so that a crawl misses no dataset
    if others are edited or deleted meanwhile.
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
        part: part of the catalogue, or the whole.
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
    """Return the N-Triples of a page without head and tail, from the entries."""
    found = feed_log.list_page_entries(connection, number, part.scope.name)
    iris = [record.iri for record in found if record.kind == Kind.DATASET]
    links = [triples.write_dataset_link(part.iri(now.base), iri) for iri in iris]
    return triples.join_descriptions([b"\n".join(links), *(record.body for record in found)])


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
