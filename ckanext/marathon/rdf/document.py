"""Documents: pages and files about a thing, of which only the address is known.

Source: FOAF, Document; DCAT-US 3, Document, wants a title of each.
"""

from __future__ import annotations

from rdflib import Graph, Literal, URIRef

from .namespaces import DCT, FOAF, RDF
from .uris import Site

__all__ = ["add_document", "titles_to_drop"]


def add_document(graph: Graph, site: Site, page: URIRef, title: Literal | None = None) -> None:
    """Say that an address is a document, and its title.

    Args:
        graph: is added to.
        site: its own things have titles of their own, which are not touched.
        page: the address.
        title: by default the address without its scheme. It has no language, by which
            :func:`titles_to_drop` knows it, and is the same whoever names the document.
    """
    graph.add((page, RDF.type, FOAF.Document))
    if title is None and not site.may_be_thing(page):
        title = Literal(page.partition("://")[2].rstrip("/"))
    if title is not None:
        graph.add((page, DCT.title, title))


def titles_to_drop(graph: Graph) -> list[tuple[URIRef, Literal]]:
    """Return titles without a language of what also has one with a language.

    What one dataset names as a document may be another dataset, which has its own title: harvesters
    take any one of two.
    """
    spare = [
        (subject, title)
        for subject, title in graph.subject_objects(DCT.title)
        if isinstance(subject, URIRef) and isinstance(title, Literal) and not title.language
    ]
    return [
        (subject, title)
        for subject, title in spare
        if any(getattr(each, "language", None) for each in graph.objects(subject, DCT.title))
    ]
