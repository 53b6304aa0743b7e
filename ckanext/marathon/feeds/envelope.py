"""What a document of the catalogue says of itself: the catalogue, its date, its pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa
from rdflib import Literal, URIRef

from ckanext.marathon.feeds import documents, keys
from ckanext.marathon.feeds.deflate import Piece, deflate
from ckanext.marathon.feeds.parts import THE_WHOLE, Part
from ckanext.marathon.feeds.scopes import WHOLE
from ckanext.marathon.feeds.write import HYDRA, joined
from ckanext.marathon.model.feed import read_description
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
    catalogue: bytes | None


def head(moment: sa.Row, part: Part, view: View | None, extension: str) -> Piece:
    """Return the beginning of a document, up to the first page.

    Args:
        moment: as ``model.pages.catalogue`` gives it.
        part: of the catalogue, or the whole.
        view: ``None`` for all of it in one document.
        extension: a format of ``documents.FORMATS``.
    """
    said = _Said(
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
        return _kept(said, view, extension, documents.worded(extension))
    return _head(said, part, view, extension)


def catalogue(moment: sa.Row | _Said, part: Part) -> list[bytes]:
    """Return the lines of what a part of the catalogue, or the whole, says of itself."""
    whole = read_description(moment.catalogue).splitlines() if moment.catalogue is not None else []
    return part.lines(whole, keys.site(moment)) if whole else []


# Whoever comes back with the same question before anything changed.
@lru_cache(maxsize=512)
def _kept(said: _Said, view: View | None, extension: str, _settings: str) -> Piece:
    return _head(said, THE_WHOLE, view, extension)


def _head(said: _Said, part: Part, view: View | None, extension: str) -> Piece:
    lines = _lines(said, part, view)
    return deflate(documents.head(lines, part.iri(said.base), extension, said.vocabulary))


def _lines(said: _Said, part: Part, view: View | None) -> list[bytes]:
    found = catalogue(said, part)
    triples: list[tuple[URIRef, URIRef, URIRef | Literal]] = []
    if said.base:
        iri = URIRef(part.iri(said.base))
        moments = ((DCT.issued, said.issued), (DCT.modified, said.published))
        triples += [(iri, predicate, _moment(each)) for predicate, each in moments if each]
        own = f"{said.vocabulary}/def#"
        triples += [
            (iri, URIRef(own + "changeNumber"), Literal(said.number)),
            (iri, URIRef(own + "feedEpoch"), Literal(said.epoch)),
        ]
    if view is not None:
        triples += _view(view)
    found = [*found, *(f"{s.n3()} {p.n3()} {o.n3()} .".encode() for s, p, o in triples)]
    return joined([b"\n".join(found)])


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
