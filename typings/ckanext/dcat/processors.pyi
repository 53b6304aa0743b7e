from collections.abc import Mapping, Sequence
from typing import Any

from ckanext.dcat.profiles import RDFProfile
from rdflib import ConjunctiveGraph, URIRef
from rdflib.term import Node

DEFAULT_RDF_PROFILES: list[str]

class RDFProcessor:
    g: ConjunctiveGraph
    dataset_type: str
    compatibility_mode: bool
    _profiles: list[type[RDFProfile]]
    def __init__(
        self,
        profiles: Sequence[str] | None = None,
        dataset_type: str = "dataset",
        compatibility_mode: bool = False,
    ) -> None: ...

class RDFSerializer(RDFProcessor):
    def _add_pagination_triples(self, paging_info: Mapping[str, Any]) -> Node: ...
    def _add_source_catalog(
        self, root_catalog_ref: Node, dataset_dict: Mapping[str, Any], dataset_ref: Node
    ) -> Node | None: ...
    def graph_from_dataset(self, dataset_dict: Mapping[str, Any]) -> URIRef: ...
    def graph_from_catalog(self, catalog_dict: Mapping[str, Any] | None = None) -> URIRef: ...
