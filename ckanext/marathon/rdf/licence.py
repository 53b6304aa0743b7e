"""Licences, as the ``dct:LicenseDocument`` of the EU's table where it has the licence.

Source: DCAT-AP 3, Licence Document; ADMS licence types.
"""

from __future__ import annotations

from rdflib import Graph, Literal, URIRef

from ckanext.marathon.records.values import list_texts
from ckanext.marathon.vocabulary import authorities

from .concept import add_authority, add_texts
from .extras import REST
from .facts import Row
from .iri import web
from .literals import clean, text
from .namespaces import DCT, RDF, RDFS, SKOS
from .uris import part

__all__ = [
    "CKAN_TITLES",
    "NOT_SAID",
    "add_licence",
    "add_licence_named",
    "add_licence_of",
    "iri_of_licence",
]

# A stock CKAN knows a licence again by its address or by this title (its own, in English), and
# no address of the EU's is among its own.
CKAN_TITLES = {
    "cc-by": "Creative Commons Attribution",
    "cc-by-sa": "Creative Commons Attribution Share-Alike",
    "cc-zero": "Creative Commons CCZero",
    "gfdl": "GNU Free Documentation License",
    "odc-by": "Open Data Commons Attribution License",
    "odc-odbl": "Open Data Commons Open Database License (ODbL)",
    "odc-pddl": "Open Data Commons Public Domain Dedication and License (PDDL)",
    "uk-ogl": "UK Open Government Licence (OGL)",
    "cc-nc": "Creative Commons Non-Commercial (Any)",
    "other-at": "Other (Attribution)",
    "other-closed": "Other (Not Open)",
    "other-nc": "Other (Non-Commercial)",
    "other-open": "Other (Open)",
    "other-pd": "Other (Public Domain)",
}
NOT_SAID = frozenset({"", "notspecified"})


def add_licence(graph: Graph, value: object) -> URIRef | None:
    """Describe the licence with an IRI and return the IRI, ``None`` if it is none.

    Args:
        graph: is added to.
        value: IRI, licence id or title.
    """
    iri = iri_of_licence(value) or web(value)
    if iri is not None:
        _describe(graph, iri, authorities.find_licence(str(value)))
    return iri


def add_licence_of(graph: Graph, whole: URIRef, dataset: Row) -> URIRef | None:
    """Describe the licence of a dataset and return its IRI, ``None`` if nothing is said.

    Args:
        graph: is added to.
        whole: the dataset: a licence without any address ("other, open") is a part of it.
        dataset: with ``license_id``, ``license_title`` and ``license_url``; ``license_text`` is
            what another catalogue said and no table has.
    """
    others = [
        add_licence_named(graph, whole, said, f"licence-{number}")
        for number, said in enumerate(list_texts(dataset.get("license" + REST)), 1)
    ]
    for each in others:
        graph.add((whole, DCT.license, each))
    if others:
        return others[0]
    identifier = clean(dataset.get("license_id"))
    if identifier in NOT_SAID:
        return None
    known = authorities.find_licence(identifier)
    iri = iri_of_licence(identifier) or web(dataset.get("license_url")) or web(identifier)
    if iri is None:
        iri = part(whole, "licence")
        graph.add((iri, DCT.identifier, Literal(known.code if known else identifier)))
    _describe(graph, iri, known)
    title = text(dataset.get("license_title") or identifier)
    if known is None and title is not None and (iri, DCT.title, None) not in graph:
        graph.add((iri, DCT.title, title))
    return iri


def add_licence_named(graph: Graph, whole: URIRef, said: str, name: str = "licence") -> URIRef:
    """Describe a licence by its address, or by its name as a part of a thing."""
    # What is kept as it was said has the version that it names, or none.
    iri = add_licence(graph, said) if authorities.find_stated_licence(said) else web(said)
    if iri is not None:
        graph.add((iri, RDF.type, DCT.LicenseDocument))
        return iri
    iri, title = part(whole, name), text(said)
    graph.add((iri, RDF.type, DCT.LicenseDocument))
    if title is not None:
        graph.add((iri, DCT.title, title))
    return iri


def iri_of_licence(value: object) -> URIRef | None:
    """Return the IRI of a licence of our table: the EU's, else its own."""
    known = authorities.find_licence(value) if isinstance(value, str) else None
    iri = (known.eu_iri or known.iri) if known else ""
    return URIRef(iri) if iri else None


def _describe(graph: Graph, iri: URIRef, known: authorities.Licence | None) -> None:
    graph.add((iri, RDF.type, DCT.LicenseDocument))
    if known is None:
        return
    title = text(CKAN_TITLES.get(known.code, known.label("en")))
    if title is not None:
        graph.add((iri, DCT.title, title))
    add_texts(graph, iri, SKOS.prefLabel, known.labels)
    if known.iri and known.iri != str(iri):
        graph.add((iri, RDFS.seeAlso, URIRef(known.iri)))
    for each in known.types:
        kind = authorities.find_licence_type(each)
        if kind is not None:
            graph.add((iri, DCT.type, add_authority(graph, kind)))
