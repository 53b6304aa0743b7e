"""The feed's questions to CKAN: the public description of a record, and the effects of a change.

A description is N-Triples, from the database as this transaction sees it. These two questions are
all that the log needs to know of CKAN's records.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

import ckan.plugins.toolkit as tk
import pyoxigraph
import sqlalchemy as sa
from ckan import model
from ckan.types import Context
from rdflib import Graph, URIRef
from sqlalchemy.dialects.postgresql import ARRAY

from ckanext.marathon.domain.dataset import COORDINATING_BODY
from ckanext.marathon.feeds import keys as keys_feeds
from ckanext.marathon.feeds.keys import CATALOG, Key, add_kept_iris, find_kind
from ckanext.marathon.model import clock, dataset, link, package
from ckanext.marathon.model.feed import Entry, Kind
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.rdf.agent import build_organization_graph
from ckanext.marathon.rdf.catalogue import build_brief_graph, build_catalogue_graph
from ckanext.marathon.rdf.commitment import build_commitment_graph
from ckanext.marathon.rdf.dataset import build_dataset_graph
from ckanext.marathon.rdf.facts import Facts, Row, Site
from ckanext.marathon.rdf.idea import build_idea_graph
from ckanext.marathon.rdf.lookups import (
    Lookups,
    describe_by_profiles,
    list_site_profiles,
)
from ckanext.marathon.rdf.workshop import build_workshop_graph
from ckanext.marathon.records import (
    Commitment,
    DataNeed,
    Dataset,
    Idea,
    Organization,
    PackageRecord,
    Record,
    Workshop,
    read_package_record,
)
from ckanext.marathon.visibility import is_public

logger = logging.getLogger(__name__)

Organizations = Mapping[str, Organization]


@dataclass(frozen=True)
class Rendition:
    """What the log stores of a public record.

    Attributes:
        body: N-Triples, one a line, in alphabetical order, each line ended.
        refs: IRIs of the neighbours of ours that it names without describing them.
        scopes: names of the parts of the catalogue that it is in, in alphabetical order.
        degraded: whether it could only be described briefly.
        name: by which its page is linked to, which no description says.
        first_published: when a dataset became public for the first time.
    """

    body: bytes
    refs: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    degraded: bool = False
    name: str = ""
    first_published: datetime | None = None

    @property
    def digest(self) -> bytes:
        """SHA-256 of the body, of the parts it is in, and of its name, by which others link."""
        said = "\n".join((self.name, *self.scopes))
        return hashlib.sha256(said.encode() + b"\n" + self.body).digest()


def describe_records(keys: Collection[Key], site: Site) -> dict[Key, Rendition | None]:
    """Describe records as a visitor may see them; ``None`` for one that is not public.

    Rows are read again, because others may have changed what this session read earlier.
    """
    wanted = {key.thing for key in keys}
    site = add_kept_iris(site, wanted)
    ideas = link.list_targets(wanted, Predicate.DATASET_IDEA)
    packages = _load_packages(wanted | ideas)
    organizations = _load_organizations({each.owner_org for each in packages.values()} | wanted)
    needs = _list_needs(ideas)
    first = _first_published([packages[each] for each in wanted if each in packages])
    found: dict[Key, Rendition | None] = {}
    for key in keys:
        if key.kind == Kind.CATALOG:
            facts = Lookups(site=site).catalogue_facts(dated=False)
            found[key] = _write_rendition(build_catalogue_graph(facts), key, site)
        elif key.kind == Kind.ORGANIZATION:
            organization = organizations.get(key.thing)
            found[key] = _describe_organization(organization, key, site) if organization else None
        else:
            package = packages.get(key.thing)
            found[key] = (
                _describe_package(package, key, site, organizations, needs, first.get(key.thing))
                if package and _is_in_feed(key, package)
                else None
            )
    return found


def keep_public(keys: Iterable[Key]) -> set[Key]:
    """Return those of these records that a visitor may see and that have no masked value.

    Used when describing fails. A record that cannot be checked counts as hidden.
    """
    wanted = list(keys)
    ids = {key.thing for key in wanted}
    packages, organizations = _load_packages(ids), _load_organizations(ids)
    kept = {key for key in wanted if key.kind == Kind.ORGANIZATION and key.thing in organizations}
    for key in wanted:
        package = packages.get(key.thing)
        if package and _is_shown_whole(key, package):
            kept.add(key)
    return kept


def _is_shown_whole(key: Key, package: model.Package) -> bool:
    try:
        shown = _show_package(package.id) if _is_in_feed(key, package) else None
    except Exception:
        logger.exception("%s cannot be shown", package.id)
        return False
    return shown is not None and not shown.get("participants_masked")


def _first_published(packages: Iterable[Any]) -> dict[str, datetime]:
    """Return id → when a dataset became public for the first time; of a new one that is now.

    A dataset that is older than the plugin was public before there was a log. Now is one moment
    in a whole transaction: what is described twice in it is described the same.
    """
    created = {
        each.id: each.metadata_created for each in packages if find_kind(each.type) == Kind.DATASET
    }
    found = dataset.read_first_published(created)
    new = created.keys() - found.keys()
    if new:
        now: datetime = model.Session.execute(sa.select(sa.func.now())).scalar_one()
        is_new_log = not clock.read_clock().complete
        installed = dataset.read_installation_time()
        for each in new:
            is_older = is_new_log and created[each] < installed
            found[each] = created[each].replace(tzinfo=UTC) if is_older else now
    return found


def has_office(rendition: Rendition | None) -> bool:
    """Return whether an organisation's description has an office, which its datasets name."""
    return rendition is not None and _OFFICE.search(rendition.body) is not None


_OFFICE = re.compile(rb"/organization/[^/>]+#contact> <[^>]*#type>")


def _describe_organization(organization: Organization, key: Key, site: Site) -> Rendition:
    try:
        graph = build_organization_graph(site, organization)
        return _write_rendition(graph, key, site, name=organization.name)
    except Exception:
        logger.exception("organization %s is described in short only", key.thing)
        brief = build_brief_graph(site, key.kind, organization, None)
        return _write_rendition(brief, key, site, degraded=True, name=organization.name)


def _describe_package(
    package: Any,
    key: Key,
    site: Site,
    organizations: Organizations,
    needs: Mapping[str, list[str]],
    first: datetime | None,
) -> Rendition | None:
    try:
        shown = _show_package(package.id)
        if shown is None:
            return None
        if first is not None:
            shown = {**shown, "first_published": first.isoformat()}
        record = read_package_record(shown)
        graph = _make_graph(record, shown, site, organizations, needs)
        parts = _list_scopes(record) if key.kind == Kind.DATASET else ()
        return _write_rendition(graph, key, site, parts, name=package.name, first=first)
    except Exception:
        # The record must stay in the feed after any error: a portal deletes what it does not see.
        logger.exception("%s %s is described in short only", key.kind, key.thing)
        brief_record = Record(
            id=package.id, name=package.name, title=package.title or "", notes=package.notes or ""
        )
        owner = organizations.get(package.owner_org or "")
        parts = (
            keys_feeds.list_scopes_of_owner(package.owner_org) if key.kind == Kind.DATASET else ()
        )
        brief = build_brief_graph(site, key.kind, brief_record, owner)
        return _write_rendition(
            brief, key, site, parts, degraded=True, name=package.name, first=first
        )


def _list_scopes(record: PackageRecord) -> tuple[str, ...]:
    """Return the parts of the catalogue that a dataset is in.

    What fields of the site's own types mean is not known: their organisation's part alone.
    """
    if isinstance(record, Dataset):
        return keys_feeds.list_scopes_of_dataset(record)
    return keys_feeds.list_scopes_of_owner(record.owner_id)


def _make_graph(
    record: PackageRecord,
    shown: Row,
    site: Site,
    organizations: Organizations,
    needs: Mapping[str, list[str]],
) -> Graph:
    ideas = record.ideas if isinstance(record, Dataset) else ()
    # Of neighbours the ids are enough.
    held = [record] if isinstance(record, Idea) else ideas
    facts = Facts(
        site=site,
        organizations=organizations,
        ideas={
            idea.id: replace(idea, data_needs=tuple(map(DataNeed, needs.get(idea.id, []))))
            for idea in ideas
        },
        workshops={
            idea.workshop_id: Workshop(id=idea.workshop_id) for idea in held if idea.workshop_id
        },
        alone=True,
    )
    if isinstance(record, Workshop):
        return build_workshop_graph(record, facts)
    if isinstance(record, Idea):
        return build_idea_graph(record, facts)
    if isinstance(record, Commitment):
        return build_commitment_graph(record, facts)
    if isinstance(record, Dataset):
        return build_dataset_graph(record, facts)
    return describe_by_profiles(shown, facts, list_site_profiles())


def _write_rendition(
    graph: Graph,
    key: Key,
    site: Site,
    parts: tuple[str, ...] = (),
    degraded: bool = False,
    name: str = "",
    first: datetime | None = None,
) -> Rendition:
    lines = sorted(set(graph.serialize(format="nt11", encoding="utf-8").splitlines()))
    body = b"".join(line + b"\n" for line in lines if line)
    # A line that no parser takes would spoil the page of a hundred others.
    for _ in pyoxigraph.parse(body, format=pyoxigraph.RdfFormat.N_TRIPLES):
        pass
    refs = _list_refs(graph, key.iri(site), site)
    return Rendition(body, refs, parts, degraded, name, first)


def _list_refs(graph: Graph, own: str, site: Site) -> tuple[str, ...]:
    kinds = "|".join((Kind.ORGANIZATION, Kind.IDEA, Kind.WORKSHOP))
    ours = re.compile(rf"{re.escape(site.base)}/(?:{kinds})/[^/#?]+")
    named = (ours.match(value) for value in graph.objects() if isinstance(value, URIRef))
    return tuple(sorted({each[0] for each in named if each} - {own}))


def _is_in_feed(key: Key, package: model.Package) -> bool:
    return find_kind(package.type) == key.kind and is_public(package)


def _show_package(identifier: str) -> Row | None:
    """Return a package as a visitor is shown it, from the database."""
    context = {"user": "", "auth_user_obj": None, "use_cache": False}
    try:
        return tk.get_action("package_show")(cast(Context, context), {"id": identifier})
    except (tk.ObjectNotFound, tk.NotAuthorized):
        return None


def _load_packages(wanted: Collection[str]) -> dict[str, model.Package]:
    """Return packages by id, read again, and the workshops that they get values from."""
    workshops = link.list_targets(wanted, Predicate.IDEA_WORKSHOP)
    query = model.Session.query(model.Package).filter(model.Package.id.in_({*wanted, *workshops}))
    return {each.id: each for each in query.populate_existing()}


def _load_organizations(wanted: Iterable[str | None]) -> dict[str, Organization]:
    table = model.group_table
    query = sa.select(table.c["id"], table.c["name"], table.c["title"], table.c["extras"]).where(
        table.c["id"].in_([each for each in wanted if each]),
        table.c["is_organization"].is_(True),
        table.c["state"] == model.State.ACTIVE,
    )
    rows: Any = model.Session.execute(query)
    return {row.id: Organization.from_stored(row) for row in rows}


def _list_needs(ideas: Collection[str]) -> dict[str, list[str]]:
    """Return idea → ids of its data needs."""
    found: dict[str, list[str]] = {}
    for idea, need in link.list_object_pairs(ideas, Predicate.IDEA_DATA_NEED):
        found.setdefault(idea, []).append(need)
    return found


# What descriptions are made from: id and ``xmin``, the transaction that wrote it, of each row.
InputVersions = dict[Key, frozenset[tuple[str, str]]]


def find_affected(
    packages: Collection[str], groups: Collection[str], settings: bool = False
) -> set[Key]:
    """Return the records whose descriptions may change when these change.

    A dataset has places and problems from its ideas, and they from their workshops; it only names
    its organisation. The catalogue is published by the coordinating body.

    Args:
        packages: ids of packages, purged ones too.
        groups: ids of organisations (and groups, which no description names).
        settings: settings of the site changed.
    """
    kinds = _find_kinds(packages)
    workshops = [each for each, kind in kinds.items() if kind == Kind.WORKSHOP]
    ideas = {each for each, kind in kinds.items() if kind == Kind.IDEA}
    ideas.update(package.list_dependent_ids(workshops, Predicate.IDEA_WORKSHOP))
    datasets = package.list_dependent_ids(ideas, Predicate.DATASET_IDEA)
    found = {Key(kind, each) for each, kind in kinds.items()}
    found.update(Key(Kind.IDEA, each) for each in ideas)
    found.update(Key(Kind.DATASET, each) for each in datasets)
    organizations = _list_organizations(groups)
    found.update(Key(Kind.ORGANIZATION, each) for each in organizations)
    if organizations or settings:
        found.add(CATALOG)
    return found


def list_keys_of_owner(organization: str) -> set[Key]:
    """Return the records that belong to an organisation."""
    query = sa.select(model.Package.id, model.Package.type).where(
        model.Package.owner_org == organization
    )
    return {
        Key(kind, each)
        for each, package_type in model.Session.execute(query)
        if (kind := find_kind(package_type))
    }


def read_input_versions(keys: Iterable[Key]) -> InputVersions:
    """Return the present versions of the rows that descriptions are made from.

    Of a package these are its own row, the IRIs that it and its files came with, its ideas, their
    workshops and all their organisations; of
    the catalogue the coordinating body, which publishes it.
    """
    wanted = list(keys)
    values = {
        "things": [key.thing for key in wanted if key.thing],
        "with_catalogue": CATALOG in wanted,
    }
    found: dict[str, set[tuple[str, str]]] = {}
    for row in model.Session.connection().execute(_INPUT_VERSIONS, values):
        found.setdefault(row.thing, set()).add((row.id, row.version))
    return {key: frozenset(found.get(key.thing, ())) for key in wanted}


_INPUT_VERSIONS = sa.text(
    f"""
    WITH RECURSIVE named (thing, id) AS (
        SELECT id, id FROM unnest(:things) AS id
        UNION
        SELECT thing, link.object FROM named JOIN marathon_link AS link ON link.subject = named.id
        WHERE link.predicate IN ('{Predicate.DATASET_IDEA}', '{Predicate.IDEA_WORKSHOP}')
    ), packages AS (
        SELECT thing, id, owner_org, package.xmin::text AS version
        FROM package JOIN named USING (id)
    ), organizations AS (
        SELECT thing, owner_org AS id FROM packages UNION SELECT thing, id FROM named
    )
    SELECT thing, id, version FROM packages
    UNION ALL
    SELECT thing, id, "group".xmin::text FROM "group" JOIN organizations USING (id)
    UNION ALL
    SELECT package_id, iri, xmin::text FROM marathon_kept_iri WHERE package_id = ANY(:things)
    UNION ALL
    SELECT '{CATALOG.thing}', id, "group".xmin::text FROM "group"
    WHERE :with_catalogue AND is_organization AND extras ->> 'role' = '{COORDINATING_BODY}'
    """  # noqa: S608 - constants of ours only
).bindparams(sa.bindparam("things", type_=ARRAY(sa.UnicodeText)))


def _find_kinds(packages: Collection[str]) -> dict[str, Kind]:
    """Return the kinds of records by id, from the log, which also has purged records."""
    if not packages:
        return {}
    present = sa.select(model.Package.id, model.Package.type).where(model.Package.id.in_(packages))
    logged = sa.select(Entry.thing, Entry.kind).where(
        Entry.thing.in_(packages), Entry.kind != str(Kind.ORGANIZATION)
    )
    found = {each: Kind(kind) for each, kind in model.Session.execute(logged)}
    for each, package_type in model.Session.execute(present):
        kind = find_kind(package_type)
        if kind is not None:
            found[each] = kind
    return found


def _list_organizations(groups: Collection[str]) -> set[str]:
    if not groups:
        return set()
    present = sa.select(model.Group.id).where(
        model.Group.id.in_(groups), model.Group.is_organization.is_(True)
    )
    logged = sa.select(Entry.thing).where(
        Entry.thing.in_(groups), Entry.kind == str(Kind.ORGANIZATION)
    )
    return {*model.Session.scalars(present), *model.Session.scalars(logged)}
