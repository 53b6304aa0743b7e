"""ckanext-dcat's own reader of DCAT-AP 3, with what it stumbles over put right."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from ckan.model.license import LicenseRegister
from ckanext.dcat.profiles import EuropeanDCATAP3Profile
from rdflib import BNode, Literal

from ckanext.marathon.vocabulary import authorities

from .extras import REST
from .lookups import site
from .namespaces import DCAT, DCT, FOAF, RDFS
from .reading import Reader

__all__ = ["CarefulReader"]

# The id of a node may stand there: it is how ckanext-dcat finds its own places again.
_NODE = "distribution_ref"
_SERVICES = "access_services"
# Of these the address is wanted, whatever it is called.
_ADDRESSES = frozenset(
    {DCAT.endpointURL, DCAT.endpointDescription, DCAT.landingPage, DCT.conformsTo, DCT.relation}
    | {DCT.source, DCT.isVersionOf, FOAF.page, FOAF.homepage, RDFS.seeAlso}
)


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

    def license_in_register(self, *subjects: Any) -> tuple[str, str]:
        """Return the licence of the site's own register that is stated first, and how it was said.

        Args:
            subjects: the dataset, or its distributions.
        """
        register = {
            spelling: identifier
            for identifier, licence in LicenseRegister().items()
            for spelling in (licence.url, licence.title)
            if spelling
        }
        for node in (each for one in subjects for each in self.reader.nodes(one, DCT.license)):
            for spelling in (str(node), self.reader.text(node, DCT.title)):
                if spelling in register:
                    return str(register[spelling]), spelling
        return "", ""

    def keep_licence(self, found: dict[str, Any], dataset_ref: Any) -> None:
        """Keep a licence of CKAN's register as it was said where the register names no version.

        By the id alone it would be published with the version that it stands for here.
        """
        if "license_id" in found:
            return
        if self.license_in_register(dataset_ref)[0]:
            found.pop("license" + REST, None)
        files = self.reader.nodes(dataset_ref, DCAT.distribution)
        identifier, said = self.license_in_register(dataset_ref, *files)
        has_no_version = not any(map(authorities.find_stated_licence, (identifier, said)))
        if has_no_version and authorities.find_licence(identifier):
            found.setdefault("license" + REST, [said])

    def _license(self, dataset_ref: Any) -> str:
        """Return a licence of the register; ckanext-dcat asks nothing but the distributions."""
        return self.license_in_register(dataset_ref)[0] or super()._license(dataset_ref)

    def _object_value(self, subject: Any, predicate: Any, multilingual: bool = False) -> Any:
        """Read one value, in the site's language where there is a choice."""
        if multilingual:
            return super()._object_value(subject, predicate, multilingual)
        said = self.reader.text(subject, predicate)
        nodes = self.reader.nodes(subject, predicate)
        others = (
            self.reader.address(each)
            if predicate in _ADDRESSES
            else self.reader.text(each, RDFS.label) or self.reader.value(each)
            for each in nodes
            if not isinstance(each, Literal)
        )
        return said or next(filter(None, others), "")

    def _object_value_list(self, subject: Any, predicate: Any) -> list[str]:
        """Read all values."""
        if predicate in _ADDRESSES:
            return self.reader.addresses(subject, predicate)
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
