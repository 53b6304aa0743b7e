"""What a document of the catalogue says of itself: the catalogue, its date, its pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from rdflib import Literal, URIRef

from ckanext.marathon.feeds.write import HYDRA, ordered
from ckanext.marathon.model import pages
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
        links: relation → number of the page.
    """

    address: str
    number: int
    total: int
    size: int
    links: dict[str, int]


def lines(connection: Any, clock: sa.Row, view: View | None) -> list[bytes]:
    """Return the N-Triples, without line ends, of a document's envelope.

    Args:
        connection: sees one moment.
        clock: of that moment, as ``model.pages`` gives it.
        view: ``None`` for the whole catalogue in one document.
    """
    iri = URIRef(clock.base) if clock.base else None
    found = pages.catalogue(connection).splitlines()
    said: list[tuple[URIRef, URIRef, URIRef | Literal]] = []
    if iri is not None:
        moments = ((DCT.issued, clock.issued), (DCT.modified, clock.published))
        said += [(iri, predicate, _moment(each)) for predicate, each in moments if each]
        own = f"{clock.vocabulary}/def#"
        said += [
            (iri, URIRef(own + "changeNumber"), Literal(clock.clock_number)),
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
    for relation, number in view.links.items():
        said += [(here, term(name), address(number)) for name in _LINKS[relation]]
    return said


def _moment(value: Any) -> Literal:
    return Literal(value.isoformat(), datatype=XSD.dateTime)
