"""The namespaces of the RDF vocabularies, with their usual prefixes."""

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

# Not rdflib's own namespaces: those have DCAT 2 only, and warn about the terms of DCAT 3.
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

# Only for reading other catalogues.
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

# Properties that DCAT-AP 3 allows once for nodes whose IRI people may type in (agents, places). If
# two datasets disagree about such a node, their common page must still be valid.
SINGLE_VALUED: frozenset[URIRef] = frozenset({DCT.type, FOAF.homepage, DCAT.bbox, DCAT.centroid})


def new_graph(vocabulary: str = "") -> Graph:
    """Return an empty graph in which only these prefixes are bound.

    Args:
        vocabulary: start of the IRIs of concepts, for the prefix of the site's properties.
    """
    # The simple store has no named graphs and is a quarter faster.
    graph = Graph(store="SimpleMemory", bind_namespaces="none")
    # Without ``xml``, rdflib writes xml:lang with a prefix that it does not declare.
    for prefix, namespace in {**PREFIXES, "xml": str(XMLNS)}.items():
        graph.bind(prefix, namespace)
    if vocabulary:
        graph.bind("marathon", f"{vocabulary}/def#")
    return graph
