"""The RDF profile ``marathon`` of ckanext-dcat: a thin adapter to the functions of this package.

It uses ckanext-dcat's own reader of DCAT-AP 3, corrected where that fails on valid input.

Other profiles publish fields as they are stored, and CKAN's own value for an empty one: the
creation of a draft as the date of publication, times without an offset, ``03/06/2017`` as a day in
March. They get a copy of the dataset with the values that this profile publishes, so that no
profile contradicts it.
"""

from __future__ import annotations

import copy
import json
import logging
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from ckan.model.license import LicenseRegister
from ckanext.dcat.profiles import EuropeanDCATAP3Profile
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.term import Node

from ckanext.marathon.domain.texts import is_json_list, is_json_object, quote_value
from ckanext.marathon.rdf.catalogue import build_catalogue_graph
from ckanext.marathon.rdf.commitment import build_commitment_graph
from ckanext.marathon.rdf.concept import list_titles_to_drop
from ckanext.marathon.rdf.dataset import build_dataset_graph, find_dataset_dates, read_dataset
from ckanext.marathon.rdf.distribution import (
    build_resource_page,
    find_time_modified,
    find_time_offered,
)
from ckanext.marathon.rdf.facts import Row, Site, make_mail_iri, make_web_iri, read_mail_address
from ckanext.marathon.rdf.harvested import (
    find_other_languages,
    fit_dataset,
    list_texts_of_files,
    respell_keyword,
)
from ckanext.marathon.rdf.idea import build_idea_graph
from ckanext.marathon.rdf.literals import (
    list_texts_of_extra,
    make_moment,
)
from ckanext.marathon.rdf.lookups import (
    PROFILE,
    Lookups,
    describe_by_profiles,
    is_site_type,
    list_site_profiles,
    read_site,
)
from ckanext.marathon.rdf.reading import Reader
from ckanext.marathon.rdf.workshop import build_workshop_graph
from ckanext.marathon.records import (
    OTHER_LANGUAGES,
    REST,
    Commitment,
    Dataset,
    Idea,
    Resource,
    Workshop,
    list_rows,
    read_package_record,
)
from ckanext.marathon.vocabulary import authorities

from .namespaces import DCAT, DCT, FOAF, RDF, RDFS, SCHEMAS, SINGLE_VALUED, new_graph

_PEOPLE = ("publisher", "creator", "contact")
_PEOPLE_IRIS = frozenset(f"{field}_uri" for field in _PEOPLE)
# The fields of an agent in the profile ``schemaorg``, which has no rows.
_AGENT = ("uri", "name", "email", "url", "identifier")
# Extras that ckanext-dcat reads if a field is empty.
_PUBLISHED_TIMES = frozenset(
    {"issued", "modified", "temporal_start", "temporal_end", "dcat_issued", "dcat_modified"}
)
# CKAN's times, which other profiles would publish for a missing or malformed date.
_STAND_INS = ("metadata_created", "metadata_modified")


def copy_with_published_values(dataset: Row, site: Site) -> dict[str, object]:
    """Return a copy of a dataset with the values that this profile publishes.

    Args:
        dataset: a dict of ``package_show``; is not changed.
        site: the site with the starts of IRIs; typed IRIs of this site are left out.
    """
    shown: dict[str, object] = copy.deepcopy(dict(dataset))
    known = Dataset.from_shown(dataset)
    shown["issued"], shown["modified"] = map(_text, find_dataset_dates(known))
    shown |= dict.fromkeys(_STAND_INS)
    for extra in list_rows(shown.get("extras")):
        if extra.get("key") in _PUBLISHED_TIMES:
            _set(extra, "value", _text(make_moment(extra.get("value"))))
        elif extra.get("key") in _PEOPLE_IRIS:
            _set(extra, "value", str(site.foreign(extra.get("value")) or ""))
    for period in list_rows(shown.get("temporal_coverage")):
        for edge in ("start", "end"):
            _set(period, edge, _text(make_moment(period.get(edge))))
    _set(shown, "url", str(make_web_iri(shown.get("url")) or ""))
    for name in _PEOPLE:
        for person in list_rows(shown.get(name)):
            _tidy_person(person, site)
    for role in ("publisher", "creator"):
        for person in list(list_rows(shown.get(role)))[:1]:
            shown |= {f"{role}_{name}": person.get(name) or "" for name in _AGENT}
    for resource in list_rows(shown.get("resources")):
        _tidy_resource(resource, known, site)
    return shown


def _text(time: Literal | None) -> str:
    return "" if time is None else str(time)


def _set(row: Any, name: str, value: str) -> None:
    """Change a field of a row; a missing field is not added."""
    if name in row:
        row[name] = value


def _tidy_person(person: Any, site: Site) -> None:
    _set(person, "uri", str(site.foreign(person.get("uri")) or ""))
    _set(person, "url", str(make_web_iri(person.get("url")) or ""))
    _set(person, "email", read_mail_address(make_mail_iri(person.get("email")) or ""))


def _tidy_resource(resource: Any, dataset: Dataset, site: Site) -> None:
    known = Resource.from_shown(resource)
    resource["issued"] = _text(find_time_offered(dataset, known))
    resource["modified"] = _text(find_time_modified(dataset, known))
    resource |= dict.fromkeys((*_STAND_INS, "created", "last_modified"))
    for name in ("access_url", "download_url"):
        _set(resource, name, str(make_web_iri(resource.get(name)) or ""))
    if known.url_type != "upload" and known.id:
        page = build_resource_page(site, dataset.id, known.id)
        _set(resource, "url", str(make_web_iri(known.url) or page))
    _set(resource, "hash", known.checksum.digits if known.checksum else "")
    if known.license and dataset.rights_note:
        # A doubt about the licence must be visible beside the licence.
        resource["rights"] = "\n".join(filter(None, (known.rights, dataset.rights_note)))


# This key has the id of a blank node, by which resources are found again.
_NODE = "distribution_ref"
_SERVICES = "access_services"
# Properties of which the address of a node is read, not its label.
_ADDRESSES = frozenset(
    {DCAT.endpointURL, DCAT.endpointDescription, DCAT.landingPage, DCT.conformsTo, DCT.relation}
    | {DCT.source, DCT.isVersionOf, FOAF.page, FOAF.homepage, RDFS.seeAlso}
)


class CarefulReader(EuropeanDCATAP3Profile):
    """The profile of ckanext-dcat, corrected so that no id of a blank node becomes a value."""

    @cached_property
    def reader(self) -> Reader:
        """The reader of this package for the same graph."""
        here = read_site()
        return Reader(self.g, here.language, here.others)

    def without_node_ids(self, value: object) -> Any:
        """Return a value without ids of blank nodes."""
        if is_json_object(value):
            inner = {k: v if k == _NODE else self._inside(k, v) for k, v in value.items()}
            inner.pop("access_service_ref", None)
            return {key: item for key, item in inner.items() if item not in ("", None)}
        if is_json_list(value):
            return [item for item in map(self.without_node_ids, value) if item not in ("", None)]
        is_node = isinstance(value, str) and value and (BNode(value), None, None) in self.g
        return "" if is_node else value

    def _inside(self, key: str, value: Any) -> Any:
        if key == _SERVICES and isinstance(value, str):
            return json.dumps(self.without_node_ids(json.loads(value)), ensure_ascii=False)
        return self.without_node_ids(value)

    def license_in_register(self, *subjects: Node) -> tuple[str, str]:
        """Return the id of the first licence that is in CKAN's register, and its text in the graph.

        Args:
            subjects: the dataset, or its distributions.
        """
        register = {
            spelling: identifier
            for identifier, licence in LicenseRegister().items()
            for spelling in (licence.url, licence.title)
            if spelling
        }
        for node in (
            licence for one in subjects for licence in self.reader.nodes(one, DCT.license)
        ):
            for spelling in (str(node), self.reader.text(node, DCT.title)):
                if spelling in register:
                    return str(register[spelling]), spelling
        return "", ""

    def keep_licence(self, found: dict[str, Any], dataset_ref: Node) -> None:
        """Store the original text of a licence as ``license_text`` if CKAN's id has no version.

        With the id alone it would be published with the version of the table of licences.
        """
        if "license_id" in found:
            return
        if self.license_in_register(dataset_ref)[0]:
            found.pop("license" + REST, None)
        files = self.reader.nodes(dataset_ref, DCAT.distribution)
        identifier, stated = self.license_in_register(dataset_ref, *files)
        has_no_version = not any(map(authorities.find_stated_licence, (identifier, stated)))
        if has_no_version and authorities.find_licence(identifier):
            found.setdefault("license" + REST, [stated])

    def _license(self, dataset_ref: Node) -> str:
        """Return a licence of the register; ckanext-dcat reads only those of distributions."""
        return self.license_in_register(dataset_ref)[0] or super()._license(dataset_ref)

    def _object_value(self, subject: Node, predicate: URIRef, multilingual: bool = False) -> Any:
        """Read one value; texts in the site's language are preferred."""
        if multilingual:
            return super()._object_value(subject, predicate, multilingual)
        text = self.reader.text(subject, predicate)
        nodes = self.reader.nodes(subject, predicate)
        others = (
            self.reader.address(node)
            if predicate in _ADDRESSES
            else self.reader.text(node, RDFS.label) or self.reader.value(node)
            for node in nodes
            if not isinstance(node, Literal)
        )
        return text or next(filter(None, others), "")

    def _object_value_list(self, subject: Node, predicate: URIRef) -> list[str]:
        """Read all values."""
        if predicate in _ADDRESSES:
            return self.reader.addresses(subject, predicate)
        return self.reader.values(subject, predicate)

    def _parse_geodata(self, spatial: Node, datatype: URIRef, cur_value: str | None) -> str | None:
        """Read a geometry with the reader of this package.

        ckanext-dcat 2.4 fails for a geometry that is a node, and for WKT with an unfinished
        quotation mark.
        """
        return self.reader.geometry(spatial, datatype) or cur_value

    def _object_value_int(self, subject: Node, predicate: URIRef) -> int | None:
        """Read a number; ckanext-dcat 2.4 fails for infinity."""
        try:
            return super()._object_value_int(subject, predicate)
        except OverflowError:
            return None


log = logging.getLogger(__name__)

# Fields of a resource that only the reader of this package sets, not ckanext-dcat's.
_DECIDED = frozenset(
    {"access_url", "download_url", "url", "uri", "mimetype", "rights", "license"}
    | {"distribution_ref", "hash", "hash_algorithm", "issued", "modified", "size"}
)


class MarathonProfile(CarefulReader):
    """DCAT-AP 3 with municipality, service problem, idea and workshop.

    Writing does not use ckanext-dcat's profiles. Reading uses the reader of this package, and
    ckanext-dcat's for further properties, so that other catalogues are read at least as well as by
    the profile of ckanext-dcat.
    """

    def graph_from_catalog(self, catalog_dict: dict[str, Any] | None, catalog_ref: URIRef) -> None:
        """Add the catalogue; ckanext-dcat's ``catalog_dict`` is not used, because it is empty."""
        join_graphs(
            self.g, build_catalogue_graph(Lookups.of_this_request().catalogue_facts(), catalog_ref)
        )

    def graph_from_dataset(self, dataset_dict: dict[str, Any], dataset_ref: URIRef) -> None:
        """Add a package: a workshop, idea or commitment with its own class, never as a dataset.

        A package of a type that the site defines is described by the site's other profiles, unless
        one of them has already described it in this graph.
        """
        if is_site_type(dataset_dict.get("type")) and (dataset_ref, None, None) in self.g:
            return
        join_graphs(self.g, build_record_graph(dataset_dict, Lookups.of_this_request()))

    def parse_dataset(self, dataset_dict: dict[str, Any], dataset_ref: Node) -> dict[str, Any]:
        """Fill a dataset dict from the graph.

        Values that no field accepts are stored as text in extras; ``marathon_notices`` lists them.
        """
        here = read_site()
        found = read_dataset(self.g, dataset_ref, here)
        own = here.id_of("dataset", str(dataset_ref))
        theirs = self.without_node_ids(super().parse_dataset({}, dataset_ref))
        self._add_theirs(found, theirs, dataset_ref, is_own=bool(own))
        if own:
            found["id"] = own
        elif isinstance(dataset_ref, URIRef):
            found["extras"].append({"key": "uri", "value": str(dataset_ref)})
        # A harvester derives the dataset's name from the title and fails without one.
        found["title"] = found.get("title") or _name_of(dataset_ref, found)
        others = find_other_languages(self.g, dataset_ref, found, here.language, respell_keyword)
        found["extras"] += [{"key": OTHER_LANGUAGES, "value": others}] if others else []
        before = list_texts_of_files(found["resources"])
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
        self, found: dict[str, Any], theirs: dict[str, Any], dataset_ref: Node, is_own: bool
    ) -> None:
        """Add the values that only ckanext-dcat's reader has found.

        Args:
            found: the dataset dict of the reader of this package; is changed.
            theirs: the dataset dict of ckanext-dcat's reader.
            dataset_ref: the dataset.
            is_own: whether it is a dataset of this site.
        """
        schema: list[dict[str, Any]] = (self._dataset_schema or {}).get("dataset_fields", [])
        fields = {field["field_name"] for field in schema}
        known = fields | {"title", "notes", "url", "version", "tags", "license_id"}
        found["extras"] = [
            {"key": name, "value": found.pop(name)}
            for name in list(found)
            if name not in known | {"resources", "owner_org"} and not name.endswith(REST)
        ]
        nodes = [str(node) for node in self.reader.nodes(dataset_ref, DCAT.distribution)]
        resources = dict(zip(nodes, found.setdefault("resources", []), strict=True))
        for resource in theirs.pop("resources", []):
            ours = resources[resource.pop("distribution_ref")]
            for name, value in resource.items():
                if value and name not in _DECIDED:
                    ours.setdefault(name, value)
        self.keep_licence(found, dataset_ref)
        extras = {extra["key"]: extra.get("value") for extra in theirs.pop("extras", [])}
        # Relations to ideas and workshops of this site are in other fields.
        for name, part in (("qualified_relation", "relation"), ("provenance_activity", "uri")):
            rows: list[dict[str, Any]] = theirs.get(name) or []
            theirs[name] = [row for row in rows if not self._is_ours(row.get(part))]
        if related := list_texts_of_extra(extras.get("related_resource")):
            extras["related_resource"] = [
                address for address in related if not self._is_ours(address)
            ]
        skipped = {"uri", "identifier"} if is_own else {"uri"}
        if (dataset_ref, FOAF.homepage, None) not in self.g:
            # ckanext-dcat would name this site as its home page.
            skipped |= {"homepage"}
        taken = {extra["key"] for extra in found["extras"]}
        for name, value in {**theirs, **extras}.items():
            if not value or name in skipped or name in found or name in taken:
                continue
            if name in known:
                found[name] = value
            else:
                found["extras"].append({"key": name, "value": value})

    def _is_ours(self, iri: Any) -> bool:
        base = read_site().base
        return str(iri).startswith((f"{base}/idea/", f"{base}/workshop/"))


def build_record_graph(package: Row, lookups: Lookups) -> Graph:
    """Return the graph of a package of any type; its neighbours are looked up in CKAN."""
    record = read_package_record(package)
    if isinstance(record, Workshop):
        return build_workshop_graph(record, lookups.workshop_facts(record))
    if isinstance(record, Idea):
        return build_idea_graph(record, lookups.idea_facts(record))
    if isinstance(record, Commitment):
        return build_commitment_graph(record, lookups.owner_facts(package))
    if isinstance(record, Dataset):
        return build_dataset_graph(record, lookups.dataset_facts(record))
    return describe_by_profiles(package, lookups.owner_facts(package), list_site_profiles())


# Properties of the dataset in the graph of a distribution: those that DCAT-AP requires.
_OF_DATASET = (RDF.type, DCT.identifier, DCT.title, DCT.description)


def build_distribution_graph(package: Row, resource: str, lookups: Lookups) -> Graph | None:
    """Return the triples about a file, and type, identifier, title and description of its dataset.

    Args:
        package: a dataset dict of ``package_show``.
        resource: id of the file.
        lookups: look-ups in CKAN.

    Returns:
        ``None`` if the dataset's graph has no such distribution.
    """
    whole = build_record_graph(package, lookups)
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


def build_graph_by_profiles(dataset: Row, lookups: Lookups, profiles: Sequence[str]) -> Graph:
    """Return the graph of a dataset by profiles of ckanext-dcat, without blank nodes.

    Other profiles get the values that this profile publishes, so that dates, addresses and agents
    agree. A package of a type that the site defines is passed unchanged, because the meaning of its
    fields is not known.

    Raises:
        RDFProfileException: there is no such profile.
    """
    others = [profile for profile in profiles if profile != PROFILE]
    if not others:
        return build_record_graph(dataset, lookups)
    facts = lookups.owner_facts(dataset)
    if is_site_type(dataset.get("type")):
        return describe_by_profiles(dataset, facts, others)
    graph = new_graph(facts.site.vocabulary)
    if PROFILE in profiles:
        join_graphs(graph, build_record_graph(dataset, lookups))
    shown = copy_with_published_values(dataset, facts.site)
    if "dcat_us_3" in others:
        # That profile fails for documentation without a landing page.
        shown["url"] = shown.get("url") or str(facts.site.page("dataset", str(dataset["id"])))
    theirs = describe_by_profiles(shown, facts, others)
    _restate_times(theirs, facts.site, shown)
    join_graphs(graph, theirs)
    if "croissant" not in others and not Dataset.from_shown(dataset).creators:
        # ``schemaorg`` publishes the organisation as creator. Only Croissant requires a creator.
        graph.remove((None, SCHEMAS[0].creator, None))
    return graph


_TIMES = {
    "issued": (DCT.issued, *(schema.datePublished for schema in SCHEMAS)),
    "modified": (DCT.modified, *(schema.dateModified for schema in SCHEMAS)),
}


def _restate_times(graph: Graph, here: Site, shown: Row) -> None:
    """Replace times by those of this profile: ``schemaorg`` turns ``2017-05`` into a midnight."""
    identifier = str(shown["id"])
    rows = {here.dataset(identifier): shown}
    for resource in list_rows(shown.get("resources")):
        rows[here.distribution(identifier, str(resource.get("id")))] = resource
    for iri, row in rows.items():
        for field, predicates in _TIMES.items():
            time = make_moment(row.get(field))
            for predicate in predicates:
                if (iri, predicate, None) in graph:
                    graph.remove((iri, predicate, None))
                    if time is not None:
                        graph.add((iri, predicate, time))


def _name_of(dataset_ref: Node, found: dict[str, Any]) -> str:
    """Return a title for a dataset without one: its identifier, else the end of its IRI."""
    given = next(iter(found.get("alternate_identifier") or []), "")
    address = "" if isinstance(dataset_ref, BNode) else str(dataset_ref).rstrip("/#:")
    return given or re.split(r"[/#:]", address)[-1] or "dataset"


def join_graphs(page: Graph, added: Graph) -> None:
    """Add a graph to a page so that the page stays valid.

    Two datasets may name the same agent or place by its IRI and disagree about it. Of a property
    that DCAT-AP allows once, the page keeps the first value. An IRI that is both an agent and a
    licence loses its ``dct:type``, because the types of agents and licences differ.
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
    for subject, title in list_titles_to_drop(page):
        page.remove((subject, DCT.title, title))
    for kind in (DCT.LicenseDocument, FOAF.Agent):
        for subject in added.subjects(RDF.type, kind):
            if {DCT.LicenseDocument, FOAF.Agent} <= set(page.objects(subject, RDF.type)):
                page.remove((subject, DCT.type, None))
