"""The RDF profile ``marathon`` of ckanext-dcat: a thin adapter to the functions of this room."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any

from rdflib import BNode, Graph, URIRef
from rdflib.term import Node

from ckanext.marathon.domain.texts import quote_value
from ckanext.marathon.records.commitment import Commitment
from ckanext.marathon.records.idea import Idea
from ckanext.marathon.records.values import list_rows
from ckanext.marathon.records.workshop import Workshop

from .catalogue import catalogue_graph
from .commitment import commitment_graph
from .dataset import dataset_graph
from .document import titles_to_drop
from .extras import REST, texts_of
from .facts import Row
from .fitting import fit_dataset, respell_keyword, texts_of_files
from .idea import idea_graph
from .languages import OTHER_LANGUAGES, other_languages
from .legacy import with_legacy
from .literals import moment
from .lookups import Lookups, site, site_profiles
from .namespaces import DCAT, DCT, FOAF, RDF, SCHEMAS, SINGLE_VALUED, new_graph
from .parse import read_dataset
from .site_types import PROFILE, describe_by_profiles, is_site_type
from .stock import CarefulReader
from .stock_fields import with_published_values
from .uris import Site
from .workshop import workshop_graph

__all__ = ["MarathonProfile", "distribution_graph", "graph_by_profiles", "graph_of", "join"]

log = logging.getLogger(__name__)

# What ckanext-dcat says of a resource and our own reader has decided, also by leaving it out.
_DECIDED = frozenset({"access_url", "download_url", "url", "uri", "mimetype", "rights", "license"})
_DECIDED |= {"distribution_ref", "hash", "hash_algorithm", "issued", "modified", "size"}


class MarathonProfile(CarefulReader):
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

    def parse_dataset(self, dataset_dict: dict[str, Any], dataset_ref: Any) -> dict[str, Any]:
        """Fill a dataset dict from the graph, as far as the site's schema can hold it.

        What no field takes is kept as text in an extra; ``marathon_notices`` lists it.
        """
        here = site()
        found = read_dataset(self.g, dataset_ref, here)
        own = here.id_of("dataset", str(dataset_ref))
        theirs = self.without_nodes(super().parse_dataset({}, dataset_ref))
        self._add_theirs(found, theirs, dataset_ref, is_own=bool(own))
        if own:
            found["id"] = own
        elif isinstance(dataset_ref, URIRef):
            found["extras"].append({"key": "uri", "value": str(dataset_ref)})
        # A harvester makes the address on this site of it, and stops where there is none.
        found["title"] = found.get("title") or _name_of(dataset_ref, found)
        others = other_languages(self.g, dataset_ref, found, here.language, respell_keyword)
        found["extras"] += [{"key": OTHER_LANGUAGES, "value": others}] if others else []
        before = texts_of_files(found["resources"])
        rest = fit_dataset(found, self._dataset_schema or {})
        for key, texts in before.items():
            rest[key] = list(dict.fromkeys([*texts, *rest.get(key, [])]))
        found["marathon_notices"] = [
            f"{key}: {quote_value(text)}" for key, texts in rest.items() for text in texts
        ]
        for notice in found["marathon_notices"]:
            log.info("%s: set aside as %s", dataset_ref, notice)
        dataset_dict.update({key: value for key, value in found.items() if value})
        dataset_dict.setdefault("extras", [])
        dataset_dict.setdefault("resources", [])
        return dataset_dict

    def _add_theirs(
        self, found: dict[str, Any], theirs: dict[str, Any], dataset_ref: Any, is_own: bool
    ) -> None:
        """Add to a dataset of our own reader what only ckanext-dcat's reader has of it."""
        fields = {e["field_name"] for e in (self._dataset_schema or {}).get("dataset_fields", [])}
        known = fields | {"title", "notes", "url", "version", "tags", "license_id"}
        found["extras"] = [
            {"key": name, "value": found.pop(name)}
            for name in list(found)
            if name not in known | {"resources", "owner_org"} and not name.endswith(REST)
        ]
        nodes = [str(each) for each in self.reader.nodes(dataset_ref, DCAT.distribution)]
        resources = dict(zip(nodes, found.setdefault("resources", []), strict=True))
        for resource in theirs.pop("resources", []):
            ours = resources[resource.pop("distribution_ref")]
            for name, value in resource.items():
                if value and name not in _DECIDED:
                    ours.setdefault(name, value)
        self.keep_licence(found, dataset_ref)
        extras = {each["key"]: each.get("value") for each in theirs.pop("extras", [])}
        # How a dataset came out of our own ideas and workshops is in fields of ours.
        for name, part in (("qualified_relation", "relation"), ("provenance_activity", "uri")):
            rows = theirs.get(name) or []
            theirs[name] = [each for each in rows if not self._is_ours(each.get(part))]
        if related := texts_of(extras.get("related_resource")):
            extras["related_resource"] = [each for each in related if not self._is_ours(each)]
        skipped = {"uri", "identifier"} if is_own else {"uri"}
        if (dataset_ref, FOAF.homepage, None) not in self.g:
            # ckanext-dcat would say that this site is its home page.
            skipped |= {"homepage"}
        taken = {each["key"] for each in found["extras"]}
        for name, value in {**theirs, **extras}.items():
            if not value or name in skipped or name in found or name in taken:
                continue
            if name in known:
                found[name] = value
            else:
                found["extras"].append({"key": name, "value": value})

    def _is_ours(self, iri: Any) -> bool:
        base = site().base
        return str(iri).startswith((f"{base}/idea/", f"{base}/workshop/"))


def graph_of(package: dict[str, Any], lookups: Lookups) -> Graph:
    """Return the graph of a package of any type, asking CKAN for its neighbours."""
    kind = package.get("type") or "dataset"
    if kind == "workshop":
        return workshop_graph(Workshop.from_shown(package), lookups.workshop_facts(package))
    if kind == "idea":
        return idea_graph(Idea.from_shown(package), lookups.idea_facts(package))
    if kind == "commitment":
        return commitment_graph(Commitment.from_shown(package), lookups.owner_facts(package))
    if is_site_type(kind):
        return describe_by_profiles(package, lookups.owner_facts(package), site_profiles())
    return dataset_graph(package, lookups.dataset_facts(package))


# What a distribution's document says of the dataset that it belongs to: what DCAT-AP wants of one.
_OF_DATASET = (RDF.type, DCT.identifier, DCT.title, DCT.description)


def distribution_graph(package: dict[str, Any], resource: str, lookups: Lookups) -> Graph | None:
    """Return what the graph of a dataset says of one of its files, with the dataset's name.

    Args:
        package: a dataset, as ``package_show`` gives it.
        resource: id of the file.
        lookups: ask CKAN for what else is needed.

    Returns:
        ``None`` if the dataset's graph has no such distribution.
    """
    whole = graph_of(package, lookups)
    site = lookups.owner_facts(package).site
    dataset = site.dataset(str(package["id"]))
    distribution = site.distribution(str(package["id"]), resource)
    if (dataset, DCAT.distribution, distribution) not in whole:
        return None
    found = new_graph(site.vocabulary)
    found.add((dataset, DCAT.distribution, distribution))
    for predicate in _OF_DATASET:
        for value in whole.objects(dataset, predicate):
            found.add((dataset, predicate, value))
    waiting: list[Node] = [distribution]
    seen: set[Node] = {dataset, distribution}
    while waiting:
        for triple in whole.triples((waiting.pop(), None, None)):
            found.add(triple)
            if triple[2] not in seen:
                seen.add(triple[2])
                waiting.append(triple[2])
    return found


def graph_by_profiles(dataset: dict[str, Any], lookups: Lookups, profiles: Sequence[str]) -> Graph:
    """Return what profiles of ckanext-dcat say of a dataset, without blank nodes.

    Those that are not ours are given the values that ours publishes: they say no other date,
    address or person of the dataset. What the fields of the site's own types mean is not known:
    they are given as they are.

    Raises:
        RDFProfileException: there is no such profile.
    """
    others = [each for each in profiles if each != PROFILE]
    if not others:
        return graph_of(dataset, lookups)
    facts = lookups.owner_facts(dataset)
    if is_site_type(dataset.get("type")):
        return describe_by_profiles(dataset, facts, others)
    graph = new_graph(facts.site.vocabulary)
    if PROFILE in profiles:
        join(graph, graph_of(dataset, lookups))
    shown = with_published_values(dataset, facts.site)
    if "dcat_us_3" in others:
        # It stops at documentation where there is no landing page.
        shown["url"] = shown.get("url") or str(facts.site.page("dataset", str(dataset["id"])))
    theirs = describe_by_profiles(shown, facts, others)
    _restate_times(theirs, facts.site, shown)
    join(graph, theirs)
    if "croissant" not in others and not with_legacy(dataset).get("creator"):
        # ``schemaorg`` takes the organisation for the creator; in Croissant one is required.
        graph.remove((None, SCHEMAS[0].creator, None))
    return graph


_TIMES = {
    "issued": (DCT.issued, *(schema.datePublished for schema in SCHEMAS)),
    "modified": (DCT.modified, *(schema.dateModified for schema in SCHEMAS)),
}


def _restate_times(graph: Graph, here: Site, shown: Row) -> None:
    """Give each time the form that we give it: ``schemaorg`` makes a midnight of ``2017-05``."""
    identifier = str(shown["id"])
    rows = {here.dataset(identifier): shown}
    for resource in list_rows(shown.get("resources")):
        rows[here.distribution(identifier, str(resource.get("id")))] = resource
    for iri, row in rows.items():
        for field, predicates in _TIMES.items():
            time = moment(row.get(field))
            for predicate in predicates:
                if (iri, predicate, None) in graph:
                    graph.remove((iri, predicate, None))
                    if time is not None:
                        graph.add((iri, predicate, time))


def _name_of(dataset_ref: Any, found: dict[str, Any]) -> str:
    """Return what a dataset without a title can be called by."""
    given = next(iter(found.get("alternate_identifier") or []), "")
    address = "" if isinstance(dataset_ref, BNode) else str(dataset_ref).rstrip("/#:")
    return given or re.split(r"[/#:]", address)[-1] or "dataset"


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
    for subject, title in titles_to_drop(page):
        page.remove((subject, DCT.title, title))
    for kind in (DCT.LicenseDocument, FOAF.Agent):
        for subject in added.subjects(RDF.type, kind):
            if {DCT.LicenseDocument, FOAF.Agent} <= set(page.objects(subject, RDF.type)):
                page.remove((subject, DCT.type, None))
