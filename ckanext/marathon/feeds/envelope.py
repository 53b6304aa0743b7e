"""What a document of the catalogue says of itself: the catalogue, its date, its pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa
from rdflib import Literal, URIRef

from ckanext.marathon.feeds import write
from ckanext.marathon.feeds.deflate import Piece, deflate
from ckanext.marathon.feeds.write import HYDRA, ordered
from ckanext.marathon.model.feed import description
from ckanext.marathon.rdf.namespaces import DCT, RDF, XSD

_LINKS = {
    "first": ("first", "firstPage"),
    "last": ("last", "lastPage"),
    "next": ("next", "nextPage"),
    "previous": ("previous", "previousPage"),
}


@dataclass(frozen=True)
class View:
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
class _Said:
    """What the log's clock and its entry of the catalogue say at one moment."""

    base: str
    vocabulary: str
    epoch: str
    number: int
    issued: datetime | None
    published: datetime | None
    body: bytes | None


def head(moment: sa.Row, view: View | None, extension: str) -> Piece:
    """Return the beginning of a document, up to the first window.

    Args:
        moment: as ``model.pages.catalogue`` gives it.
        view: ``None`` for the whole catalogue in one document.
        extension: a format of ``rdf.formats.FORMATS``.
    """
    said = _Said(
        moment.base,
        moment.vocabulary,
        moment.epoch,
        moment.clock_number,
        moment.issued,
        moment.published,
        moment.catalogue,
    )
    return _head(said, view, extension)


# Whoever comes back with the same question before anything changed.
@lru_cache(maxsize=512)
def _head(said: _Said, view: View | None, extension: str) -> Piece:
    frame = write.frame(extension, said.vocabulary)
    return deflate(frame.head + write.part(_lines(said, view), extension, said.vocabulary))


def _lines(clock: _Said, view: View | None) -> list[bytes]:
    iri = URIRef(clock.base) if clock.base else None
    found = description(clock.body).splitlines() if clock.body is not None else []
    said: list[tuple[URIRef, URIRef, URIRef | Literal]] = []
    if iri is not None:
        moments = ((DCT.issued, clock.issued), (DCT.modified, clock.published))
        said += [(iri, predicate, _moment(each)) for predicate, each in moments if each]
        own = f"{clock.vocabulary}/def#"
        said += [
            (iri, URIRef(own + "changeNumber"), Literal(clock.number)),
            (iri, URIRef(own + "feedEpoch"), Literal(clock.epoch)),
        ]
    if view is not None:
        said += _view(view)
    found += [f"{s.n3()} {p.n3()} {o.n3()} .".encode() for s, p, o in said]
    return ordered(found)


def _view(view: View) -> list[tuple[URIRef, URIRef, URIRef | Literal]]:
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
