"""Look-ups in CKAN: settings, neighbours of records, and facts about the catalogue.

Results are cached for the request. Neighbours are looked up with a visitor's permissions, so that
only public records are mentioned.

Packages of types that the site defines (a scheming type, ``dataset_series``) are described by the
profiles of ckanext-dcat that the site has configured. Their graph is then brought into the form of
the feed's log: every node has an IRI, IRIs and language tags are valid, and there are no triples
about other records of this site.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import ckan.plugins.toolkit as tk
import pyoxigraph
from ckan import model
from ckan.types import Context
from ckanext.dcat.processors import DEFAULT_RDF_PROFILES, RDFSerializer
from ckanext.dcat.utils import catalog_uri, dataset_uri, resource_uri
from flask import g, has_request_context
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.term import Node

from ckanext.marathon.domain.dataset import COORDINATING_BODY
from ckanext.marathon.domain.texts import remove_hidden
from ckanext.marathon.rdf.facts import CatalogueFacts, Facts, Row, Site, make_part_iri, make_web_iri
from ckanext.marathon.rdf.literals import make_moment
from ckanext.marathon.records import (
    Dataset,
    Idea,
    Organization,
    PackageRecord,
    Record,
    Workshop,
    list_rows,
    read_record,
)
from ckanext.marathon.visibility import filter_public_organizations

from .namespaces import new_graph

# The profile of this extension, and the dataset types that it describes.
PROFILE = "marathon"
_OURS = frozenset({"dataset", "workshop", "idea", "commitment"})
# Times that CKAN writes for a dataset or a file.
_OWN_TIMES = ("metadata_created", "metadata_modified", "created", "last_modified")
# RDF/XML can write a predicate only if its IRI ends in an XML name.
_XML_NAME = re.compile(r"[^\W\d][\w.-]*\Z")


def is_site_type(package_type: object) -> bool:
    """Return whether a dataset type is defined by the site, not by this extension."""
    return bool(package_type) and package_type not in _OURS


def select_site_profiles(configured: object) -> list[str]:
    """Return the profiles for packages of types that the site defines.

    Args:
        configured: value of ``ckanext.dcat.rdf.profiles``: names with blanks between them.

    Returns:
        these names without :data:`PROFILE`; ckanext-dcat's default profile if there is no other.
    """
    names = [name for name in str(configured or "").split() if name != PROFILE]
    return names or list(DEFAULT_RDF_PROFILES)


def describe_by_profiles(dataset: Row, facts: Facts, profiles: Sequence[str]) -> Graph:
    """Return the graph of a dataset by profiles of ckanext-dcat, without blank nodes.

    Args:
        dataset: a dict of ``package_show``.
        facts: its organisation.
        profiles: names of profiles, in the order in which they are called.

    Raises:
        RDFProfileException: there is no such profile.
    """
    site = facts.site
    iri = site.dataset(str(dataset["id"]))
    serializer = RDFSerializer(profiles=list(profiles))
    for profile_class in serializer._profiles:
        profile = profile_class(serializer.g, compatibility_mode=serializer.compatibility_mode)
        # Without it ckanext-dcat would search for the organisation and cache it for ever.
        profile._org_cache = {
            id_: {"id": id_, "title": organization.title, **organization.of_profiles}
            for id_, organization in facts.organizations.items()
        }
        profile.graph_from_dataset(_copy_with_offsets(dataset), iri)
    return _tidy(serializer.g, str(dataset["id"]), facts)


def _copy_with_offsets(dataset: Row) -> dict[str, Any]:
    """Return a copy of a dataset in which CKAN's own times have the offset of UTC.

    CKAN writes no offset, and ckanext-dcat publishes the times unchanged.
    """
    found = copy.deepcopy(dict(dataset))
    resources: list[dict[str, Any]] = found.get("resources") or []
    for row in (found, *resources):
        for name in _OWN_TIMES:
            literal = make_moment(row.get(name), utc=True)
            if literal is not None:
                row[name] = str(literal)
    return found


def _tidy(graph: Graph, identifier: str, facts: Facts) -> Graph:
    site = facts.site
    own = site.own("dataset", identifier)
    names = _name_blank_nodes(graph, own)
    # IRIs start as at the first publication, even if the setting was changed later.
    start = catalog_uri().rstrip("/")
    if start != site.base:
        names |= _moved(graph, start, site.base)
    tidied = new_graph(site.vocabulary)
    for prefix, namespace in graph.namespaces():
        # Programs rely on the prefixes in ckanext-dcat's JSON-LD; its ``schema`` is another one.
        tidied.bind(prefix, namespace, replace=True)
    for subject, predicate, value in graph:
        about = names.get(subject, subject)
        if not _is_iri(about) or not _is_predicate(predicate):
            continue
        if not _may_describe(about, own, facts):
            continue
        valid = _tidy_value(names.get(value, value))
        if valid is not None:
            tidied.add((about, predicate, valid))
    return tidied


def _moved(graph: Graph, start: str, base: str) -> dict[Node, URIRef]:
    """Return IRI by the present setting, as ckanext-dcat makes it → published IRI."""
    made = tuple(f"{start}/{kind}/" for kind in ("dataset", "organization"))
    return {
        node: URIRef(base + str(node).removeprefix(start))
        for triple in graph
        for node in (triple[0], triple[2])
        if isinstance(node, URIRef) and str(node).startswith(made)
    }


def _may_describe(about: Node, own: URIRef, facts: Facts) -> bool:
    """Return whether a dataset's graph may have triples about a node.

    Of the IRIs of this site, these are only the dataset, its parts and its organisation: a typed
    IRI (of a publisher, for example) must not add triples to another record.
    """
    site, iri = facts.site, str(about)
    if not f"{iri}/".startswith((f"{site.base}/", f"{site.vocabulary}/")):
        return True
    if iri == str(own) or iri.startswith((f"{own}#", f"{own}/")):
        return True
    owners = {str(site.thing("organization", organization)) for organization in facts.organizations}
    return not facts.alone and iri in owners


def _is_iri(node: Node) -> bool:
    if not isinstance(node, URIRef):
        return False
    try:
        pyoxigraph.NamedNode(str(node))
    except ValueError:
        return False
    return True


def _is_predicate(node: Node) -> bool:
    return _is_iri(node) and _XML_NAME.search(str(node)) is not None


def _tidy_value(value: Node) -> Node | None:
    """Return a value with a valid IRI, language tag or datatype; ``None`` for an invalid IRI."""
    if not isinstance(value, Literal):
        return value if _is_iri(value) else None
    text = remove_hidden(str(value))
    if value.language:
        try:
            pyoxigraph.Literal(text, language=value.language)
        except ValueError:
            return Literal(text)
        return Literal(text, lang=value.language)
    if value.datatype is not None and not _is_iri(value.datatype):
        return Literal(text)
    return Literal(text, datatype=value.datatype, normalize=False)


def _name_blank_nodes(graph: Graph, own: URIRef) -> dict[Node, URIRef]:
    """Return an IRI for each blank node, which depends only on the node's content.

    It has a digest of the node's triples and of the blank nodes that it refers to. Two nodes with
    the same triples get the same IRI.
    """
    nodes: set[Node] = {node for triple in graph for node in triple if isinstance(node, BNode)}
    known: dict[Node, str] = dict.fromkeys(nodes, "")
    # Each round follows one more link between blank nodes.
    for _ in range(min(len(nodes), _MOST_STEPS)):
        named = {node: _digest(graph, node, known) for node in nodes}
        if named == known:
            break
        known = named
    return {node: make_part_iri(own, f"node-{digest}") for node, digest in known.items()}


# No profile has longer chains of blank nodes.
_MOST_STEPS = 16


def _digest(graph: Graph, node: Node, known: dict[Node, str]) -> str:
    lines = sorted(
        f"{predicate.n3()} {known[value] if value in known else value.n3()}"
        for predicate, value in graph.predicate_objects(node)
    )
    return hashlib.sha256("\n".join(lines).encode("utf-8", "replace")).hexdigest()[:16]


CATALOG_LICENCE = "ckanext.marathon.catalog_license"


def read_site() -> Site:
    """Return the site with the starts of IRIs by the present settings.

    These are ``ckanext.dcat.base_uri`` (else ``ckan.site_url``) and
    ``ckanext.marathon.vocabulary_base_uri`` (else ``/vocabulary`` after the former).
    """
    host = _address(tk.config.get("ckan.site_url")) or "http://localhost"
    # A site below a path (``/datos/{{LANG}}``) serves its pages there.
    root = str(tk.config.get("ckan.root_path") or "").replace("/{{LANG}}", "").rstrip("/")
    url = _address(host + root) or host
    base = _address(tk.config.get("ckanext.dcat.base_uri")) or host
    vocabulary = _address(tk.config.get("ckanext.marathon.vocabulary_base_uri"))
    language, *others = dict.fromkeys(locale.partition("_")[0].lower() for locale in _languages())
    return Site(
        base=base,
        vocabulary=vocabulary or f"{base}/vocabulary",
        url=url,
        language=language,
        others=tuple(others),
    )


def read_published_site(base: str, vocabulary: str) -> Site:
    """Return the site with the starts of IRIs as they were first published.

    Args:
        base: start of the IRIs of records.
        vocabulary: start of the IRIs of concepts.
    """
    return replace(read_site(), base=base, vocabulary=vocabulary)


def list_site_profiles() -> list[str]:
    """Return the configured profiles for packages of types that the site defines."""
    return select_site_profiles(tk.config.get("ckanext.dcat.rdf.profiles"))


class Lookups:
    """Look-ups in CKAN for the graphs of one answer; each result is cached."""

    def __init__(
        self, found: dict[tuple[str, str], Any] | None = None, site: Site | None = None
    ) -> None:
        self._found = {} if found is None else found
        self._site = site

    @classmethod
    def of_this_request(cls, site: Site | None = None) -> Lookups:
        """Return look-ups that share their cache with the others of this request.

        Args:
            site: the site with the starts of IRIs; by default those of the present settings.
        """
        if not has_request_context():
            return cls(site=site)
        found: dict[tuple[str, str], Any] = g.setdefault("marathon_rdf", {})
        return cls(found, site)

    def dataset_facts(self, dataset: Dataset) -> Facts:
        """Return the neighbours of a dataset: organisation, public ideas, their workshops."""
        ideas = self._ideas(dataset.idea_ids)
        workshops = self._workshops(ideas)
        facts = self._facts([dataset, *workshops], ideas, workshops)
        files = [resource.id for resource in dataset.resources if resource.id]
        return replace(facts, site=self._keeping({dataset.id: files}))

    def idea_facts(self, idea: Idea) -> Facts:
        """Return the neighbours of an idea: organisation, public workshop, public datasets."""
        workshops = self._workshops([idea])
        datasets = self._linked("marathon_idea_datasets", idea.id)
        return self._facts([idea, *workshops], [], workshops, datasets)

    def workshop_facts(self, workshop: Workshop) -> Facts:
        """Return the neighbours of a workshop: organisation, public ideas, their datasets."""
        listed = self._linked("marathon_workshop_ideas", workshop.id)
        ideas = self._ideas([idea.id for idea in listed])
        datasets = [
            dataset for idea in ideas for dataset in self._linked("marathon_idea_datasets", idea.id)
        ]
        unique = list({dataset.id: dataset for dataset in datasets}.values())
        return self._facts([workshop], ideas, [], unique)

    def owner_facts(self, package: Row) -> Facts:
        """Return facts with the organisation of a package only."""
        record = PackageRecord.from_shown(package)
        files = [str(resource.get("id")) for resource in list_rows(package.get("resources"))]
        return replace(self._facts([record], [], []), site=self._keeping({record.id: files}))

    def catalogue_facts(self, dated: bool = True) -> CatalogueFacts:
        """Return the facts about the catalogue.

        Args:
            dated: whether to query Solr for the dates of the catalogue.
        """
        return CatalogueFacts(
            site=self._site or read_site(),
            title=str(tk.config.get("ckan.site_title") or ""),
            description=str(tk.config.get("ckan.site_description") or ""),
            publisher=self._once("catalogue", "publisher", self._coordinating_body),
            languages=_languages(),
            licence=str(tk.config.get(CATALOG_LICENCE) or ""),
            issued=self._edge("issued", "metadata_created asc") if dated else "",
            modified=self._edge("modified", "metadata_modified desc") if dated else "",
        )

    def _facts(
        self,
        owned: Iterable[PackageRecord],
        ideas: list[Idea],
        workshops: list[Workshop],
        datasets: Sequence[Record] = (),
    ) -> Facts:
        owners = {package.owner_id for package in owned if package.owner_id}
        organizations = {id_: self._organization(id_) for id_ in owners}
        return Facts(
            site=self._keeping({dataset.id: () for dataset in datasets}),
            organizations={key: value for key, value in organizations.items() if value},
            ideas={idea.id: idea for idea in ideas},
            workshops={workshop.id: workshop for workshop in workshops},
            datasets=datasets,
        )

    def _keeping(self, files: Mapping[str, Iterable[str]]) -> Site:
        """Return the site with the original IRIs of datasets and their files.

        They are read by ckanext-dcat's functions, so that other plugins can set them.

        Args:
            files: id of a dataset → ids of its files.
        """
        here = read_site()
        kept: dict[str, str] = {}
        for identifier, resources in files.items():
            given = dataset_uri({"id": identifier})
            if given != str(here.dataset(identifier)):
                kept[identifier] = given
            for resource in resources:
                given = resource_uri({"id": resource, "package_id": identifier})
                if given != str(here.distribution(identifier, resource)):
                    kept[resource] = given
        return replace(self._site or here, kept=kept)

    def _ideas(self, identifiers: Iterable[str]) -> list[Idea]:
        return [Idea.from_shown(shown) for shown in self._packages(identifiers, "idea")]

    def _workshops(self, ideas: Iterable[Idea]) -> list[Workshop]:
        """Return the public workshops of ideas."""
        found = self._packages([idea.workshop_id for idea in ideas], "workshop")
        return [Workshop.from_shown(shown) for shown in found]

    def _packages(self, identifiers: Iterable[str], package_type: str) -> list[Row]:
        found = (
            self._once(
                "package",
                identifier,
                lambda identifier=identifier: _show("package_show", identifier),
            )
            for identifier in dict.fromkeys(identifiers)
            if identifier
        )
        return [package for package in found if package and package.get("type") == package_type]

    def _organization(self, identifier: str) -> Organization | None:
        shown = self._once(
            "organization",
            identifier,
            lambda: _show(
                "organization_show",
                identifier,
                ignore_auth=True,
                include_dataset_count=False,
                include_users=False,
                include_groups=False,
                include_followers=False,
            ),
        )
        return Organization.from_shown(shown) if shown else None

    def _linked(self, action: str, identifier: str) -> list[Record]:
        listed = self._once(action, identifier, lambda: _show(action, identifier) or [])
        return [read_record(row) for row in listed]

    def _coordinating_body(self) -> Organization | None:
        """Return the coordinating body if there is exactly one."""
        group = cast(Any, model.Group)
        query = model.Session.query(group).filter(
            filter_public_organizations(group),
            group.extras["role"].astext == COORDINATING_BODY,
        )
        # Read again, because another transaction may have changed rows in the session.
        found = query.limit(2).populate_existing().all()
        return self._organization(found[0].id) if len(found) == 1 else None

    def _edge(self, name: str, order: str) -> str:
        return self._once("catalogue", name, lambda: _edge(order))

    def _once(self, kind: str, key: str, ask: Callable[[], Any]) -> Any:
        if (kind, key) not in self._found:
            self._found[kind, key] = ask()
        return self._found[kind, key]


def _show(action: str, identifier: str, ignore_auth: bool = False, **options: Any) -> Any:
    """Return a record as a visitor sees it, ``None`` if it is not public."""
    context: Context = {"user": "", "auth_user_obj": None, "ignore_auth": ignore_auth}
    try:
        return tk.get_action(action)(context, {"id": identifier, **options})
    except (tk.NotAuthorized, tk.ObjectNotFound):
        return None


def _edge(order: str) -> str:
    """Return the time of the first dataset of a search in this order."""
    context: Context = {"user": "", "auth_user_obj": None}
    search = {"q": "*:*", "fq": "dataset_type:dataset", "sort": order, "rows": 1}
    results = tk.get_action("package_search")(context, search)["results"]
    return str(results[0][order.split()[0]]) if results else ""


def _languages() -> list[str]:
    """Return the locales of the pages, the default first."""
    default = str(tk.config.get("ckan.locale_default") or "en")
    return list(dict.fromkeys([default, *tk.aslist(tk.config.get("ckan.locales_offered"))]))


def _address(value: object) -> str:
    return str(make_web_iri(value) or "").rstrip("/")
