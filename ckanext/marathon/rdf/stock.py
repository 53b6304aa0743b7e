"""ckanext-dcat's own reader of DCAT-AP 3, with what it stumbles over put right."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from ckan.model.license import LicenseRegister
from ckanext.dcat.profiles import EuropeanDCATAP3Profile
from rdflib import BNode, Literal

from .lookups import site
from .namespaces import DCT, RDFS
from .reading import Reader

__all__ = ["CarefulReader"]

# The id of a node may stand there: it is how ckanext-dcat finds its own places again.
_NODE = "distribution_ref"
_SERVICES = "access_services"


class CarefulReader(EuropeanDCATAP3Profile):
    """The stock profile, whose answers never hold the id of a node without a name."""

    @cached_property
    def reader(self) -> Reader:
        """Our own reader of the same graph."""
        here = site()
        return Reader(self.g, here.language, here.others)

    def without_nodes(self, value: Any) -> Any:
        """Return what was read without ids of nodes that have no name outside the graph."""
        if isinstance(value, dict):
            inner = {k: v if k == _NODE else self._inside(k, v) for k, v in value.items()}
            inner.pop("access_service_ref", None)
            return {key: each for key, each in inner.items() if each not in ("", None)}
        if isinstance(value, list):
            return [each for each in map(self.without_nodes, value) if each not in ("", None)]
        is_node = isinstance(value, str) and value and (BNode(value), None, None) in self.g
        return "" if is_node else value

    def _inside(self, key: str, value: Any) -> Any:
        if key == _SERVICES and isinstance(value, str):
            return json.dumps(self.without_nodes(json.loads(value)), ensure_ascii=False)
        return self.without_nodes(value)

    def license_in_register(self, dataset_ref: Any) -> str:
        """Return the licence of the site's own register that is stated for the dataset itself."""
        register = {
            spelling: identifier
            for identifier, licence in LicenseRegister().items()
            for spelling in (licence.url, licence.title)
            if spelling
        }
        for node in self.reader.nodes(dataset_ref, DCT.license):
            for spelling in (str(node), self.reader.text(node, DCT.title)):
                if spelling in register:
                    return str(register[spelling])
        return ""

    def _license(self, dataset_ref: Any) -> str:
        """Return a licence of the register; ckanext-dcat asks nothing but the distributions."""
        return self.license_in_register(dataset_ref) or super()._license(dataset_ref)

    def _object_value(self, subject: Any, predicate: Any, multilingual: bool = False) -> Any:
        """Read one value, in the site's language where there is a choice."""
        if multilingual:
            return super()._object_value(subject, predicate, multilingual)
        said = self.reader.text(subject, predicate)
        nodes = self.reader.nodes(subject, predicate)
        others = (
            self.reader.text(each, RDFS.label) or self.reader.value(each)
            for each in nodes
            if not isinstance(each, Literal)
        )
        return said or next(filter(None, others), "")

    def _object_value_list(self, subject: Any, predicate: Any) -> list[str]:
        """Read all values."""
        return self.reader.values(subject, predicate)

    def _parse_geodata(self, spatial: Any, datatype: Any, cur_value: Any) -> Any:
        """Read a geometry with our own reader.

        ckanext-dcat 2.4 stops at one that is a node, and at WKT in which a quotation mark opens.
        """
        return self.reader.geometry(spatial, datatype) or cur_value

    def _object_value_int(self, subject: Any, predicate: Any) -> int | None:
        """Read a number; ckanext-dcat 2.4 stops at one that is infinite."""
        try:
            return super()._object_value_int(subject, predicate)
        except OverflowError:
            return None
