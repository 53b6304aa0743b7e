"""The source of the feed: the functions of ``feeds/port.py`` for CKAN.

It describes records, finds the records that a change affects, and tells which parts of the
catalogue a dataset is in. A description is made of what ``package_show`` returns to a visitor, from
the database as the present transaction sees it.

A part of the catalogue has the datasets of a place, problem, organisation, idea or workshop. Its
name is the start of its addresses, for example ``municipality/2105``; the whole catalogue is "".
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import ckan.plugins.toolkit as tk
import pyoxigraph
import sqlalchemy as sa
from ckan import model
from ckan.types import Context
from flask import g, has_request_context
from rdflib import Graph, URIRef
from sqlalchemy.dialects.postgresql import ARRAY

from ckanext.marathon.domain.dataset import COORDINATING_BODY
from ckanext.marathon.feeds.catalogue import THINGS, CataloguePart, Scope
from ckanext.marathon.feeds.log_state import find_settings
from ckanext.marathon.feeds.port import (
    CATALOG,
    Description,
    Descriptions,
    FeedSettings,
    Key,
    Touched,
)
from ckanext.marathon.model import clock, dataset, feed_log, link, package
from ckanext.marathon.model import dataset as dataset_model
from ckanext.marathon.model.feed import Kind
from ckanext.marathon.model.link import DEPARTMENT, MUNICIPALITY, PROBLEM, Predicate
from ckanext.marathon.rdf import lookups
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
from ckanext.marathon.visibility import filter_public, filter_public_organizations, is_public
from ckanext.marathon.vocabulary import problems, schemes, territory
from ckanext.marathon.vocabulary.codes import UnknownCode, pick_label


def build_iri(key: Key, site: Site) -> str:
    """Return a record's IRI; for a harvested dataset the original one, if in ``site.kept``.

    :func:`add_kept_iris` puts it there.
    """
    if key.kind == Kind.CATALOG:
        return site.base
    return str(site.thing(key.kind, key.thing))


# The dataset types of records that are not datasets.
_OTHERS = {str(kind): kind for kind in (Kind.WORKSHOP, Kind.IDEA, Kind.COMMITMENT)}
# Dataset types of plugins that store other things in packages. ckanext-dcat leaves the same two out
# of its catalogue (its function ``_search_ckan_datasets``).
NOT_PUBLISHED = ("harvest", "showcase")


def find_kind(package_type: str | None) -> Kind | None:
    """Return the kind of entry for a dataset type; ``None`` if the log leaves the type out.

    Every type that this extension does not define counts as a dataset.
    """
    if package_type in NOT_PUBLISHED:
        return None
    return _OTHERS.get(package_type or "", Kind.DATASET)


def is_of_kind(kind: Kind) -> sa.ColumnElement[bool]:
    """Return the SQL condition for packages whose log entry, if any, has this kind."""
    package_type = sa.func.coalesce(model.Package.type, str(Kind.DATASET))
    if kind != Kind.DATASET:
        return package_type == str(kind)
    return package_type.not_in([*_OTHERS, *NOT_PUBLISHED])


def read_page_size() -> int:
    """Return the present setting of slots per page, 1–1000."""
    return min(max(tk.config["ckanext.dcat.datasets_per_page"], 1), 1000)


def read_settings() -> FeedSettings:
    """Return the present settings of the site, for a feed that has published nothing yet."""
    site = lookups.read_site()
    return FeedSettings(site.base, site.vocabulary, read_page_size())


def find_site() -> Site:
    """Return the site with the starts of IRIs as they were at the first publication."""
    settings = find_settings()
    return lookups.read_published_site(settings.base, settings.vocabulary)


def add_kept_iris(site: Site, things: Collection[str]) -> Site:
    """Return the site with the original IRIs of these datasets and of their files."""
    return replace(site, kept=dataset_model.read_kept_iris(things))


def find_iris(wanted: Iterable[Key], site: Site) -> dict[Key, str]:
    """Return the IRIs of records; for a harvested dataset its original IRI."""
    keys = list(wanted)
    here = add_kept_iris(site, [key.thing for key in keys if key.kind == Kind.DATASET])
    return {key: build_iri(key, here) for key in keys}


def dataset_uri(dataset: Row) -> str | None:
    """Return the IRI of a dataset for ckanext-dcat; ``None`` for a dataset without an id.

    For ``None`` ckanext-dcat makes an IRI. Without this function it would take any text in the
    extra ``uri`` as the IRI.
    """
    if not dataset.get("id"):
        return None
    identifier = str(dataset["id"])
    return str(_add_kept_iris_of(identifier).dataset(identifier))


def resource_uri(resource: Row) -> str | None:
    """Return the IRI of a resource for ckanext-dcat, which makes one for ``None``.

    That is for a resource without an id or without that of its dataset.
    """
    if not resource.get("id") or not resource.get("package_id"):
        return None
    dataset = str(resource["package_id"])
    return str(_add_kept_iris_of(dataset).distribution(dataset, str(resource["id"])))


def _add_kept_iris_of(dataset: str) -> Site:
    """Return the site with the original IRIs of one dataset, cached for the request."""
    if not has_request_context():
        return add_kept_iris(lookups.read_site(), [dataset])
    kept: dict[str, Site] = g.setdefault("marathon_kept", {})
    if dataset not in kept:
        kept[dataset] = add_kept_iris(lookups.read_site(), [dataset])
    return kept[dataset]


# Kinds of parts whose codes are in a vocabulary; the other kinds are records.
PLACES_AND_PROBLEMS = (MUNICIPALITY, DEPARTMENT, PROBLEM)
KINDS = (*PLACES_AND_PROBLEMS, *THINGS)


def list_scopes_of_dataset(dataset: Dataset) -> tuple[str, ...]:
    """Return the names of the parts that a public dataset belongs to, in alphabetical order.

    A dataset with a problem is also in the part of the area above it; a dataset of a public idea is
    also in the part of the idea's workshop.

    Args:
        dataset: as ``package_show`` returns it to a visitor.
    """
    return _list_names(
        {
            *_of_places(dataset.municipalities),
            *_of_problems(dataset.problems),
            *_of_ideas(dataset.ideas),
            Scope(Kind.ORGANIZATION, dataset.owner_id),
        }
    )


def list_scopes_of_owner(organization: str | None) -> tuple[str, ...]:
    """Return the name of the organisation's part, or nothing for a dataset without one."""
    return _list_names({Scope(Kind.ORGANIZATION, organization or "")})


def _list_names(found: Collection[Scope]) -> tuple[str, ...]:
    return tuple(sorted(scope.name for scope in found if scope.code))


def _of_places(codes: Iterable[str]) -> Iterator[Scope]:
    for code in codes:
        try:
            place = territory.get_municipality(code)
        except UnknownCode:
            continue
        yield Scope(MUNICIPALITY, place.code)
        yield Scope(DEPARTMENT, place.department_code)


def _of_problems(notations: Iterable[str]) -> Iterator[Scope]:
    for notation in notations:
        try:
            found = problems.get_problem(notation)
        except UnknownCode:
            continue
        yield Scope(PROBLEM, found.notation)
        if found.broader:
            yield from _of_problems([found.broader])


def _of_ideas(ideas: Iterable[Idea]) -> Iterator[Scope]:
    for idea in ideas:
        yield Scope(Kind.IDEA, idea.id)
        yield Scope(Kind.WORKSHOP, idea.workshop_id)


LANGUAGES: tuple[str, ...] = ("es", "en")


class NoPart(Exception):
    """There is no such part of the catalogue."""


class PartGone(Exception):
    """The record that the part is about is no longer public."""


class PartElsewhere(Exception):
    """The part has another address, which is that of ``scope``."""

    def __init__(self, scope: Scope) -> None:
        """Store the scope."""
        super().__init__(scope.name)
        self.scope = scope


def find_catalogue_part(kind: str, reference: str) -> CataloguePart:
    """Return the part of the catalogue at an address.

    Args:
        kind: one of :data:`KINDS`.
        reference: a code or notation, or the id or name of a record.

    Raises:
        NoPart: nothing of this kind with this code, id or name is or was public.
        PartGone: it was public and no longer is.
        PartElsewhere: it has another address.
    """
    if kind in PLACES_AND_PROBLEMS:
        return _find_part_of_vocabulary(kind, reference)
    if kind in THINGS:
        return _find_part_of_record(Kind(kind), reference)
    raise NoPart


def _find_part_of_vocabulary(kind: str, reference: str) -> CataloguePart:
    try:
        if kind == PROBLEM:
            found = problems.get_problem(reference)
            titles = {lang: pick_label(found.pref_label, lang, reference) for lang in LANGUAGES}
            return CataloguePart(Scope(kind, reference), titles)
        place = (territory.get_municipality if kind == MUNICIPALITY else territory.get_department)(
            reference
        )
    except UnknownCode:
        code = schemes.repair_concept_code(kind, reference)
        raise (PartElsewhere(Scope(kind, code)) if code else NoPart()) from None
    return CataloguePart(
        Scope(kind, reference), dict.fromkeys(LANGUAGES, place.name), ((kind, reference),)
    )


def _find_part_of_record(kind: Kind, reference: str) -> CataloguePart:
    is_public = feed_log.is_public(kind, reference)
    if is_public is None:
        named = _find_record_by_name(kind, reference)
        if named is None or not feed_log.is_public(kind, named.id):
            raise NoPart
        raise PartElsewhere(Scope(kind, named.id))
    if not is_public:
        raise PartGone
    thing: Any = model.Session.get(
        model.Group if kind == Kind.ORGANIZATION else model.Package, reference
    )
    if thing is None:
        raise PartGone
    if kind == Kind.ORGANIZATION:
        codes = [package.read_stored_text(thing, "municipality_code")]
    else:
        codes = package.read_stored_texts(thing, "municipality")
    places = tuple((MUNICIPALITY, code) for code in codes if code)
    titles = dict.fromkeys(LANGUAGES, str(thing.title or thing.name))
    return CataloguePart(Scope(kind, reference), titles, places)


def _find_record_by_name(kind: Kind, name: str) -> model.Group | model.Package | None:
    if kind == Kind.ORGANIZATION:
        found = model.Session.query(model.Group).filter_by(name=name, is_organization=True)
    else:
        found = model.Session.query(model.Package).filter_by(name=name, type=str(kind))
    return found.first()


logger = logging.getLogger(__name__)

Organizations = Mapping[str, Organization]


def describe_records(keys: Collection[Key], settings: FeedSettings) -> Descriptions:
    """Describe records as a visitor may see them; ``None`` for one that is not public.

    Rows are read again, because other transactions may have changed them since.
    """
    wanted = {key.thing for key in keys}
    published = lookups.read_published_site(settings.base, settings.vocabulary)
    site = add_kept_iris(published, wanted)
    ideas = link.list_targets(wanted, Predicate.DATASET_IDEA)
    packages = _load_packages(wanted | ideas)
    organizations = _load_organizations(
        {package.owner_org for package in packages.values()} | wanted
    )
    needs = _list_needs(ideas)
    first = _first_published([packages[thing] for thing in wanted if thing in packages])
    found: Descriptions = {}
    for key in keys:
        if key.kind == Kind.CATALOG:
            facts = Lookups(site=site).catalogue_facts(dated=False)
            found[key] = _write_description(build_catalogue_graph(facts), key, site)
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


def keep_public(keys: Collection[Key]) -> set[Key]:
    """Return the records that a visitor may see and that have no masked value.

    Used when describing fails. A record that cannot be checked counts as hidden.
    """
    ids = {key.thing for key in keys}
    packages, organizations = _load_packages(ids), _load_organizations(ids)
    kept = {key for key in keys if key.kind == Kind.ORGANIZATION and key.thing in organizations}
    for key in keys:
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
    """Return id → when a dataset became public for the first time; for a new one, now.

    For a dataset that is older than the plugin it is the time of its creation. PostgreSQL's
    ``now()`` is the same in a whole transaction, so a second description in it has the same time.
    """
    created = {
        package.id: package.metadata_created
        for package in packages
        if find_kind(package.type) == Kind.DATASET
    }
    found = feed_log.read_first_published(created)
    new = created.keys() - found.keys()
    if new:
        now: datetime = model.Session.execute(sa.select(sa.func.now())).scalar_one()
        is_new_log = not clock.read_clock().complete
        installed = dataset.read_installation_time()
        for thing in new:
            is_older = is_new_log and created[thing] < installed
            found[thing] = created[thing].replace(tzinfo=UTC) if is_older else now
    return found


def find_affected_by_descriptions(new: Mapping[Key, Description | None]) -> set[Key]:
    """Return the records of organisations that appear, disappear, or get or lose an office.

    Descriptions of records name the organisation and its office, and nothing else of it.
    """
    organizations = {
        key.thing: description.body if description else None
        for key, description in new.items()
        if key.kind == Kind.ORGANIZATION
    }
    stored = feed_log.read_bodies_by_thing(Kind.ORGANIZATION, organizations)
    return {
        key
        for thing, body in organizations.items()
        if _find_named_parts(stored.get(thing)) != _find_named_parts(body)
        for key in list_keys_of_owner(thing)
    }


def _find_named_parts(body: bytes | None) -> tuple[bool, bool]:
    """Return whether an organisation is public, and whether its description has an office."""
    return body is not None, body is not None and _OFFICE.search(body) is not None


_OFFICE = re.compile(rb"/organization/[^/>]+#contact> <[^>]*#type>")


def _describe_organization(organization: Organization, key: Key, site: Site) -> Description:
    try:
        graph = build_organization_graph(site, organization)
        return _write_description(graph, key, site, name=organization.name)
    except Exception:
        logger.exception("organization %s is described briefly only", key.thing)
        brief = build_brief_graph(site, key.kind, organization, None)
        return _write_description(brief, key, site, degraded=True, name=organization.name)


def _describe_package(
    package: Any,
    key: Key,
    site: Site,
    organizations: Organizations,
    needs: Mapping[str, list[str]],
    first: datetime | None,
) -> Description | None:
    try:
        shown = _show_package(package.id)
        if shown is None:
            return None
        if first is not None:
            shown = {**shown, "first_published": first.isoformat()}
        record = read_package_record(shown)
        graph = _make_graph(record, shown, site, organizations, needs)
        parts = _list_scopes(record) if key.kind == Kind.DATASET else ()
        return _write_description(graph, key, site, parts, name=package.name, first=first)
    except Exception:
        # The record must stay in the feed after any error: portals delete records that are missing.
        logger.exception("%s %s is described briefly only", key.kind, key.thing)
        brief_record = Record(
            id=package.id, name=package.name, title=package.title or "", notes=package.notes or ""
        )
        owner = organizations.get(package.owner_org or "")
        parts = list_scopes_of_owner(package.owner_org) if key.kind == Kind.DATASET else ()
        brief = build_brief_graph(site, key.kind, brief_record, owner)
        return _write_description(
            brief, key, site, parts, degraded=True, name=package.name, first=first
        )


def _list_scopes(record: PackageRecord) -> tuple[str, ...]:
    """Return the parts of the catalogue that a dataset is in.

    A record of a type that the site defines itself is only in the part of its organisation, because
    the meaning of its fields is not known.
    """
    if isinstance(record, Dataset):
        return list_scopes_of_dataset(record)
    return list_scopes_of_owner(record.owner_id)


def _make_graph(
    record: PackageRecord,
    shown: Row,
    site: Site,
    organizations: Organizations,
    needs: Mapping[str, list[str]],
) -> Graph:
    ideas = record.ideas if isinstance(record, Dataset) else ()
    # Neighbours are only named, so their ids are enough.
    described = [record] if isinstance(record, Idea) else ideas
    facts = Facts(
        site=site,
        organizations=organizations,
        ideas={
            idea.id: replace(idea, data_needs=tuple(map(DataNeed, needs.get(idea.id, []))))
            for idea in ideas
        },
        workshops={
            idea.workshop_id: Workshop(id=idea.workshop_id)
            for idea in described
            if idea.workshop_id
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


def _write_description(
    graph: Graph,
    key: Key,
    site: Site,
    parts: tuple[str, ...] = (),
    degraded: bool = False,
    name: str = "",
    first: datetime | None = None,
) -> Description:
    lines = sorted(set(graph.serialize(format="nt11", encoding="utf-8").splitlines()))
    body = b"".join(line + b"\n" for line in lines if line)
    # An invalid line would make a page with a hundred other records unreadable.
    for _ in pyoxigraph.parse(body, format=pyoxigraph.RdfFormat.N_TRIPLES):
        pass
    iri = build_iri(key, site)
    refs = _list_refs(graph, iri, site)
    return Description(iri, body, refs, parts, degraded, name, first)


def _list_refs(graph: Graph, own: str, site: Site) -> tuple[str, ...]:
    kinds = "|".join((Kind.ORGANIZATION, Kind.IDEA, Kind.WORKSHOP))
    ours = re.compile(rf"{re.escape(site.base)}/(?:{kinds})/[^/#?]+")
    named = (ours.match(value) for value in graph.objects() if isinstance(value, URIRef))
    return tuple(sorted({match[0] for match in named if match} - {own}))


def _is_in_feed(key: Key, package: model.Package) -> bool:
    return find_kind(package.type) == key.kind and is_public(package)


def _show_package(identifier: str) -> Row | None:
    """Return what ``package_show`` returns to a visitor, read from the database."""
    context = {"user": "", "auth_user_obj": None, "use_cache": False}
    try:
        return tk.get_action("package_show")(cast(Context, context), {"id": identifier})
    except (tk.ObjectNotFound, tk.NotAuthorized):
        return None


def _load_packages(wanted: Collection[str]) -> dict[str, model.Package]:
    """Return packages by id, read again, and the workshops of those that are ideas."""
    workshops = link.list_targets(wanted, Predicate.IDEA_WORKSHOP)
    query = model.Session.query(model.Package).filter(model.Package.id.in_({*wanted, *workshops}))
    return {package.id: package for package in query.populate_existing()}


def _load_organizations(wanted: Iterable[str | None]) -> dict[str, Organization]:
    table = model.group_table
    query = sa.select(table.c["id"], table.c["name"], table.c["title"], table.c["extras"]).where(
        table.c["id"].in_([thing for thing in wanted if thing]),
        filter_public_organizations(table.c),
    )
    rows: Any = model.Session.execute(query)
    return {row.id: Organization.from_stored(row) for row in rows}


def _list_needs(ideas: Collection[str]) -> dict[str, list[str]]:
    """Return idea → ids of its data needs."""
    found: dict[str, list[str]] = {}
    for idea, need in link.list_object_pairs(ideas, Predicate.IDEA_DATA_NEED):
        found.setdefault(idea, []).append(need)
    return found


def list_record_keys() -> list[Key]:
    """Return all public records by age, neighbours before the records that name them."""
    group, package = model.Group, model.Package
    found = [CATALOG]
    query = sa.select(group.id).where(filter_public_organizations(group))
    found += [
        Key(Kind.ORGANIZATION, thing)
        for thing in model.Session.scalars(query.order_by(group.created, group.id))
    ]
    for kind in (Kind.WORKSHOP, Kind.IDEA, Kind.COMMITMENT, Kind.DATASET):
        query = sa.select(package.id).where(is_of_kind(kind), filter_public(package))
        ordered = query.order_by(package.metadata_created, package.id)
        found += [Key(kind, thing) for thing in model.Session.scalars(ordered)]
    return found


# For each row behind a description its id and ``xmin``, the transaction that wrote it.
InputVersions = dict[Key, frozenset[tuple[str, str]]]


def find_affected(touched: Touched) -> set[Key]:
    """Return the records whose descriptions may change when these packages and groups change.

    A dataset inherits places and problems from its ideas, and an idea from its workshop. A change
    of an organisation affects its own description and the catalogue's, because the coordinating
    body publishes the catalogue. No description names a group that is not an organisation.
    """
    kinds = _find_kinds(touched.packages)
    workshops = [thing for thing, kind in kinds.items() if kind == Kind.WORKSHOP]
    ideas = {thing for thing, kind in kinds.items() if kind == Kind.IDEA}
    ideas.update(package.list_dependent_ids(workshops, Predicate.IDEA_WORKSHOP))
    datasets = package.list_dependent_ids(ideas, Predicate.DATASET_IDEA)
    found = {Key(kind, thing) for thing, kind in kinds.items()}
    found.update(Key(Kind.IDEA, thing) for thing in ideas)
    found.update(Key(Kind.DATASET, thing) for thing in datasets)
    organizations = _list_organizations(touched.groups)
    found.update(Key(Kind.ORGANIZATION, thing) for thing in organizations)
    if organizations or touched.settings:
        found.add(CATALOG)
    return found


def list_keys_of_owner(organization: str) -> set[Key]:
    """Return the records that belong to an organisation."""
    query = sa.select(model.Package.id, model.Package.type).where(
        model.Package.owner_org == organization
    )
    return {
        Key(kind, thing)
        for thing, package_type in model.Session.execute(query)
        if (kind := find_kind(package_type))
    }


def read_input_versions(keys: Collection[Key]) -> InputVersions:
    """Return the present versions of the rows that descriptions are made from.

    For a package these are its own row, the original IRIs of it and its files, its ideas, their
    workshops, and the organisations of all these; for the catalogue, the coordinating body.
    """
    values = {
        "things": [key.thing for key in keys if key.thing],
        "with_catalogue": CATALOG in keys,
    }
    found: dict[str, set[tuple[str, str]]] = {}
    for row in model.Session.connection().execute(_INPUT_VERSIONS, values):
        found.setdefault(row.thing, set()).add((row.id, row.version))
    return {key: frozenset(found.get(key.thing, ())) for key in keys}


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
    """  # noqa: S608 - constants only
).bindparams(sa.bindparam("things", type_=ARRAY(sa.UnicodeText)))


def _find_kinds(packages: Collection[str]) -> dict[str, Kind]:
    """Return id → kind, also of purged records, which the log still has."""
    if not packages:
        return {}
    present = sa.select(model.Package.id, model.Package.type).where(model.Package.id.in_(packages))
    found = {
        thing: kind
        for kind, thing in feed_log.list_logged_kinds(packages)
        if kind != Kind.ORGANIZATION
    }
    for thing, package_type in model.Session.execute(present):
        kind = find_kind(package_type)
        if kind is not None:
            found[thing] = kind
    return found


def _list_organizations(groups: Collection[str]) -> set[str]:
    if not groups:
        return set()
    present = sa.select(model.Group.id).where(
        model.Group.id.in_(groups), model.Group.is_organization.is_(True)
    )
    logged = {
        thing for kind, thing in feed_log.list_logged_kinds(groups) if kind == Kind.ORGANIZATION
    }
    return logged | set(model.Session.scalars(present))
