"""The vocabularies our RDF is written in, with the prefixes under which people know them."""

from __future__ import annotations

from rdflib import FOAF, OWL, PROV, RDF, RDFS, SKOS, XMLNS, XSD, Graph, Namespace, URIRef

__all__ = [
    "ADMS",
    "DC",
    "DCAT",
    "DCATAP",
    "DCT",
    "ELI",
    "FOAF",
    "GSP",
    "LOCN",
    "OWL",
    "PAV",
    "PROV",
    "RDF",
    "RDFS",
    "SCHEMA",
    "SCHEMAS",
    "SINGLE_VALUED",
    "SKOS",
    "SPDX",
    "TIME",
    "VCARD",
    "XSD",
    "new_graph",
]

# Not rdflib's own: those know DCAT 2 only, and warn about the terms that DCAT 3 added.
DCAT = Namespace("http://www.w3.org/ns/dcat#")
DCT = Namespace("http://purl.org/dc/terms/")
DC = Namespace("http://purl.org/dc/elements/1.1/")
ADMS = Namespace("http://www.w3.org/ns/adms#")
DCATAP = Namespace("http://data.europa.eu/r5r/")
ELI = Namespace("http://data.europa.eu/eli/ontology#")
GSP = Namespace("http://www.opengis.net/ont/geosparql#")
PAV = Namespace("http://purl.org/pav/")
SCHEMA = Namespace("https://schema.org/")
SPDX = Namespace("http://spdx.org/rdf/terms#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")

# Only read, in descriptions of other catalogues.
LOCN = Namespace("http://www.w3.org/ns/locn#")
TIME = Namespace("http://www.w3.org/2006/time#")
SCHEMAS = (Namespace("http://schema.org/"), Namespace("https://schema.org/"))

PREFIXES: dict[str, str] = {
    "adms": ADMS,
    "dc": DC,
    "dcat": DCAT,
    "dcatap": DCATAP,
    "dct": DCT,
    "eli": ELI,
    "foaf": str(FOAF),
    "geosparql": GSP,
    "owl": str(OWL),
    "pav": PAV,
    "prov": str(PROV),
    "rdf": str(RDF),
    "rdfs": str(RDFS),
    "schema": SCHEMA,
    "skos": str(SKOS),
    "spdx": SPDX,
    "vcard": VCARD,
    "xsd": str(XSD),
}

# What DCAT-AP 3 allows only once on things whose IRI people may type in (agents, places, the
# catalogue): two datasets that disagree about such a thing must not spoil the page they share.
SINGLE_VALUED: frozenset[URIRef] = frozenset({DCT.type, FOAF.homepage, DCAT.bbox, DCAT.centroid})


def new_graph(vocabulary: str = "") -> Graph:
    """Return an empty graph with our prefixes bound and no others.

    Args:
        vocabulary: start of our own IRIs of concepts, for the prefix of our own properties.
    """
    # The simple store knows no named graphs and is a quarter faster.
    graph = Graph(store="SimpleMemory", bind_namespaces="none")
    # Without ``xml`` rdflib writes xml:lang under a prefix that it does not declare.
    for prefix, namespace in {**PREFIXES, "xml": str(XMLNS)}.items():
        graph.bind(prefix, namespace)
    if vocabulary:
        graph.bind("marathon", f"{vocabulary}/def#")
    return graph
