"""A data service through which a resource can be had: only harvested resources name one.

Source: DCAT-AP 3, Data Service. ckanext-dcat keeps what it reads of services as JSON in the
resource's ``access_services``; this puts it back into RDF.

A service is a part of the distribution that it gives access to, also where it came with an IRI:
many datasets name the same one, and each description in the feed speaks of its own dataset alone.
The IRI that it came with is told by ``owl:sameAs``, and is the ``dct:identifier`` where none is
stated.
"""

from __future__ import annotations

from rdflib import Graph, Literal, URIRef

from ckanext.marathon.records.values import list_rows, list_texts
from ckanext.marathon.vocabulary import authorities

from .concept import add_authority
from .document import add_document
from .facts import Row
from .licence import add_licence_named
from .literals import clean, text
from .namespaces import DCAT, DCATAP, DCT, FOAF, OWL, RDF
from .uris import Site, part

__all__ = ["add_services"]


def add_services(
    graph: Graph, site: Site, dataset: URIRef, distribution: URIRef, resource: Row
) -> None:
    """Add the data services of a resource: those with an address, which DCAT-AP asks for.

    Args:
        graph: is added to.
        site: where IRIs start; a service cannot be the same as one of this site's records.
        dataset: that the services serve.
        distribution: that they give access to.
        resource: with ``access_services``, rows as ckanext-dcat reads them.
    """
    for number, row in enumerate(list_rows(resource.get("access_services")), 1):
        addresses = list(filter(None, map(site.foreign, list_texts(row.get("endpoint_url")))))
        if addresses:
            service = part(distribution, f"service-{number}")
            graph.add((distribution, DCAT.accessService, service))
            graph.add((service, RDF.type, DCAT.DataService))
            graph.add((service, DCAT.servesDataset, dataset))
            for address in addresses:
                graph.add((service, DCAT.endpointURL, address))
            _add_names(graph, site, service, row)
            _add_texts(graph, site, service, row, str(addresses[0]))
            _add_links(graph, site, service, row)


def _add_names(graph: Graph, site: Site, service: URIRef, row: Row) -> None:
    """Add the IRI that a service came with, and its identifier."""
    given = site.foreign(row.get("uri"))
    if given is not None:
        graph.add((service, OWL.sameAs, given))
    identifier = text(row.get("identifier")) or (Literal(str(given)) if given else None)
    if identifier is not None:
        graph.add((service, DCT.identifier, identifier))


def _add_texts(graph: Graph, site: Site, service: URIRef, row: Row, address: str) -> None:
    title = text(row.get("title"), site.language)
    # DCAT-AP wants a title; where there is none, the address is what a reader can be shown.
    graph.add((service, DCT.title, title if title is not None else Literal(address)))
    for predicate, literal in (
        (DCT.description, text(row.get("description"), site.language)),
        *((DCAT.keyword, text(word, site.language)) for word in list_texts(row.get("keyword"))),
    ):
        if literal is not None:
            graph.add((service, predicate, literal))


def _add_links(graph: Graph, site: Site, service: URIRef, row: Row) -> None:
    for field, predicate, kind in (
        ("endpoint_description", DCAT.endpointDescription, None),
        ("landing_page", DCAT.landingPage, FOAF.Document),
        ("conforms_to", DCT.conformsTo, DCT.Standard),
    ):
        for address in filter(None, map(site.foreign, list_texts(row.get(field)))):
            graph.add((service, predicate, address))
            if kind == FOAF.Document:
                add_document(graph, site, address)
            elif kind is not None:
                graph.add((address, RDF.type, kind))
    if clean(row.get("license")):
        licence = add_licence_named(graph, service, clean(row["license"]))
        graph.add((service, DCT.license, licence))
    availability = authorities.find_concept("planned-availability", clean(row.get("availability")))
    if availability is not None:
        graph.add((service, DCATAP.availability, add_authority(graph, availability)))
