"""The RDF profile ``marathon`` of ckanext-dcat: a thin adapter to the functions of this room."""

from __future__ import annotations

from typing import Any

from ckanext.dcat.profiles import EuropeanDCATAP3Profile
from rdflib import Graph, Literal, URIRef

from .catalogue import catalogue_graph
from .commitment import commitment_graph
from .dataset import dataset_graph
from .idea import idea_graph
from .lookups import Lookups, site, site_profiles
from .namespaces import DCT, FOAF, RDF, SINGLE_VALUED
from .other_dates import leave_out_unreadable_dates
from .parse import read_dataset
from .reading import geojson
from .site_types import describe_by_profiles, is_site_type
from .workshop import workshop_graph

__all__ = ["MarathonProfile", "graph_of", "join"]

# Fields of which our schema takes only what our own reader finds.
_OURS_ALONE = frozenset({"access_rights", "frequency", "language", "theme"})
# What other people's RDF may say that has no field of ours, kept as extras under dcat's names.
_KEPT_EXTRAS = frozenset(
    {"dcat_type", "hvd_category", "is_version_of", "related_resource", "sample", "source"}
)


class MarathonProfile(EuropeanDCATAP3Profile):
    """DCAT-AP 3 with municipality, service problem, idea and workshop.

    Writing is all our own. Reading takes what our own reader finds, and asks that of ckanext-dcat
    about the rest, so that catalogues of others are read as well as by the stock profile.
    """

    def graph_from_catalog(self, catalog_dict: dict[str, Any] | None, catalog_ref: URIRef) -> None:
        """Add the catalogue; what ckanext-dcat hands over as ``catalog_dict`` is empty."""
        join(self.g, catalogue_graph(Lookups.of_this_request().catalogue_facts(), catalog_ref))

    def graph_from_dataset(self, dataset_dict: dict[str, Any], dataset_ref: URIRef) -> None:
        """Add a dataset; a workshop, idea or commitment as what it is, never as a dataset.

        One of the site's own types is described by the site's other profiles. Where those are
        asked beside this one, they have done so already, or will.
        """
        if is_site_type(dataset_dict.get("type")) and (dataset_ref, None, None) in self.g:
            return
        join(self.g, graph_of(dataset_dict, Lookups.of_this_request()))

    def parse_dataset(self, dataset_dict: dict[str, Any], dataset_ref: URIRef) -> dict[str, Any]:
        """Fill a dataset dict from the graph; see :func:`.parse.read_dataset`."""
        here = site()
        ours = read_dataset(self.g, dataset_ref, here)
        theirs = super().parse_dataset({}, dataset_ref)
        extras = {each["key"]: each["value"] for each in theirs.pop("extras", [])}
        fields = {
            each["field_name"] for each in (self._dataset_schema or {}).get("dataset_fields", [])
        }
        for key, value in {**extras, **theirs}.items():
            if key in fields and key not in ours and key not in _OURS_ALONE:
                ours[key] = value
        ours["extras"] = [
            {"key": key, "value": value}
            for key, value in extras.items()
            if key in _KEPT_EXTRAS and not (key == "related_resource" and ours.get("idea"))
        ]
        own = here.id_of("dataset", str(dataset_ref))
        if own:
            ours["id"] = own
        elif isinstance(dataset_ref, URIRef):
            ours["extras"].append({"key": "uri", "value": str(dataset_ref)})
        ours.setdefault("resources", [])
        dataset_dict.update({key: value for key, value in ours.items() if value or key == "extras"})
        dataset_dict.setdefault("resources", [])
        leave_out_unreadable_dates(dataset_dict, str(dataset_ref))
        return dataset_dict

    def _parse_geodata(self, spatial: Any, datatype: Any, cur_value: Any) -> Any:
        """Read a geometry with our own reader.

        ckanext-dcat 2.4 stops at one that is a node, and at WKT in which a quotation mark opens.
        GeoJSON is preferred, as there: WKT has often been rounded.
        """
        literals = [each for each in self.g.objects(spatial, datatype) if isinstance(each, Literal)]
        literals.sort(key=lambda each: not each.lstrip().startswith("{"))
        return next(filter(None, (geojson(str(each)) for each in literals)), cur_value)

    def _object_value_int(self, subject: Any, predicate: Any) -> int | None:
        """Read a number; ckanext-dcat 2.4 stops at one that is infinite."""
        try:
            return super()._object_value_int(subject, predicate)
        except OverflowError:
            return None


def graph_of(package: dict[str, Any], lookups: Lookups) -> Graph:
    """Return the graph of a package of any type, asking CKAN for its neighbours."""
    kind = package.get("type") or "dataset"
    if kind == "workshop":
        return workshop_graph(package, lookups.workshop_facts(package))
    if kind == "idea":
        return idea_graph(package, lookups.idea_facts(package))
    if kind == "commitment":
        return commitment_graph(package, lookups.commitment_facts(package))
    if is_site_type(kind):
        return describe_by_profiles(package, lookups.owner_facts(package), site_profiles())
    return dataset_graph(package, lookups.dataset_facts(package))


def join(page: Graph, added: Graph) -> None:
    """Add a graph to the page it is part of, keeping what DCAT-AP allows once only.

    Two datasets may name the same agent or place by its IRI and disagree about it: the page
    keeps what was said first. What one calls an agent and another a licence loses its type,
    which could not be right for both.
    """
    for prefix, namespace in added.namespaces():
        page.bind(prefix, namespace, replace=True)
    disputed = {
        (subject, predicate)
        for subject, predicate, value in added
        if predicate in SINGLE_VALUED
        and (subject, predicate, None) in page
        and (subject, predicate, value) not in page
    }
    for subject, predicate, value in added:
        if (subject, predicate) not in disputed:
            page.add((subject, predicate, value))
    for kind in (DCT.LicenseDocument, FOAF.Agent):
        for subject in added.subjects(RDF.type, kind):
            if {DCT.LicenseDocument, FOAF.Agent} <= set(page.objects(subject, RDF.type)):
                page.remove((subject, DCT.type, None))
