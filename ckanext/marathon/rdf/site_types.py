"""Datasets of the site's own types, described by the profiles that the site configured for them.

A type that a site had before the plugin (a scheming type, ``dataset_series``) is none that we know
anything of: it is described as ckanext-dcat described it. What comes out is then brought into the
form that the feed's log needs: every node has an IRI, every IRI and language tag is one that each
parser accepts, and nothing is said of our own things but of the dataset itself.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Sequence
from typing import Any

import pyoxigraph
from ckanext.dcat.processors import DEFAULT_RDF_PROFILES, RDFSerializer
from ckanext.dcat.utils import catalog_uri
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.term import Node

from ckanext.marathon.domain.texts import remove_hidden

from .facts import Facts, Row
from .literals import moment
from .namespaces import new_graph
from .uris import part

__all__ = ["PROFILE", "describe_by_profiles", "is_site_type", "select_site_profiles"]

# Our own profile, which describes our own types.
PROFILE = "marathon"
_OURS = frozenset({"dataset", "workshop", "idea", "commitment"})
# Written by CKAN, of a dataset or of a file.
_OWN_TIMES = ("metadata_created", "metadata_modified", "created", "last_modified")
# RDF/XML can write a predicate only if it ends in a name of XML.
_XML_NAME = re.compile(r"[^\W\d][\w.-]*\Z")


def is_site_type(package_type: object) -> bool:
    """Return whether a dataset type is the site's own, not one of ours."""
    return bool(package_type) and package_type not in _OURS


def select_site_profiles(configured: object) -> list[str]:
    """Return the profiles that a site has for its own types.

    Args:
        configured: ``ckanext.dcat.rdf.profiles``, names with blanks between them.

    Returns:
        The same without ours; what ckanext-dcat takes by itself where there is no other.
    """
    names = [name for name in str(configured or "").split() if name != PROFILE]
    return names or list(DEFAULT_RDF_PROFILES)


def describe_by_profiles(dataset: Row, facts: Facts, profiles: Sequence[str]) -> Graph:
    """Return what profiles of ckanext-dcat say of a dataset, without blank nodes.

    Args:
        dataset: as ``package_show`` gives it.
        facts: its organisation. Where it is described elsewhere (``alone``), it is only named.
        profiles: names, in the order in which they are asked.

    Raises:
        RDFProfileException: there is no such profile.
    """
    site = facts.site
    iri = site.dataset(str(dataset["id"]))
    serializer = RDFSerializer(profiles=list(profiles))
    for profile_class in serializer._profiles:
        profile = profile_class(serializer.g, compatibility_mode=serializer.compatibility_mode)
        # ckanext-dcat would ask for it with a search, and remember it as long as the process lives.
        profile._org_cache = {
            id_: {"id": id_, "title": organization.title, **organization.of_profiles}
            for id_, organization in facts.organizations.items()
        }
        profile.graph_from_dataset(_copy_with_offsets(dataset), iri)
    return _tidy(serializer.g, str(dataset["id"]), facts)


def _copy_with_offsets(dataset: Row) -> dict[str, Any]:
    """Return a copy of a dataset in which the times that CKAN wrote say that they are UTC.

    CKAN leaves that out, and ckanext-dcat publishes them as they are.
    """
    found = copy.deepcopy(dict(dataset))
    for row in (found, *(found.get("resources") or [])):
        for name in _OWN_TIMES:
            literal = moment(row.get(name), utc=True)
            if literal is not None:
                row[name] = str(literal)
    return found


def _tidy(graph: Graph, identifier: str, facts: Facts) -> Graph:
    site = facts.site
    own = site.own("dataset", identifier)
    names = _name_blank_nodes(graph, own)
    # IRIs start where they did at first publication, also after the setting was changed.
    start = catalog_uri().rstrip("/")
    if start != site.base:
        names |= _moved(graph, start, site.base)
    tidied = new_graph(site.vocabulary)
    for prefix, namespace in graph.namespaces():
        # By these prefixes programs read JSON-LD of theirs: ``schema`` is not ours there.
        tidied.bind(prefix, namespace, replace=True)
    for subject, predicate, value in graph:
        about = names.get(subject, subject)
        if not _is_iri(about) or not _is_predicate(predicate):
            continue
        if not _may_describe(about, own, facts):
            continue
        told = _tidy_value(names.get(value, value))
        if told is not None:
            tidied.add((about, predicate, told))
    return tidied


def _moved(graph: Graph, start: str, base: str) -> dict[Node, URIRef]:
    """Return the IRIs of our things that ckanext-dcat made from a setting → what they are."""
    made = tuple(f"{start}/{kind}/" for kind in ("dataset", "organization"))
    return {
        node: URIRef(base + str(node).removeprefix(start))
        for triple in graph
        for node in (triple[0], triple[2])
        if isinstance(node, URIRef) and str(node).startswith(made)
    }


def _may_describe(about: Node, own: URIRef, facts: Facts) -> bool:
    """Return whether a dataset may say something of a node: of ours only itself and its parts.

    What people type in (the IRI of a publisher) must not speak for things that have descriptions.
    """
    site, iri = facts.site, str(about)
    if not f"{iri}/".startswith((f"{site.base}/", f"{site.vocabulary}/")):
        return True
    if iri == str(own) or iri.startswith((f"{own}#", f"{own}/")):
        return True
    owners = {str(site.thing("organization", each)) for each in facts.organizations}
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
    """Return a value that every parser accepts, ``None`` if it cannot be made one."""
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
    """Return an IRI for each blank node, the same one each time the same is said.

    A node is named after all that is said of it, and of the blank nodes that it leads to. Two of
    which the same is said become one, which says no less.
    """
    nodes: set[Node] = {node for triple in graph for node in triple if isinstance(node, BNode)}
    known: dict[Node, str] = dict.fromkeys(nodes, "")
    # Each round looks one step farther; after as many rounds as there are nodes all is seen.
    for _ in range(min(len(nodes), _MOST_STEPS)):
        named = {node: _digest(graph, node, known) for node in nodes}
        if named == known:
            break
        known = named
    return {node: part(own, f"node-{digest}") for node, digest in known.items()}


# No profile leads farther than this from one blank node to the next.
_MOST_STEPS = 16


def _digest(graph: Graph, node: Node, known: dict[Node, str]) -> str:
    said = sorted(
        f"{predicate.n3()} {known[value] if value in known else value.n3()}"
        for predicate, value in graph.predicate_objects(node)
    )
    return hashlib.sha256("\n".join(said).encode("utf-8", "replace")).hexdigest()[:16]
