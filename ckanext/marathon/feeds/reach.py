"""Whose descriptions a change of something touches."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import ARRAY

from ckanext.marathon.domain.dataset import COORDINATING_BODY
from ckanext.marathon.feeds.keys import CATALOG, Key, kind_of
from ckanext.marathon.model import package
from ckanext.marathon.model.feed import Entry, Kind
from ckanext.marathon.model.link import Predicate

# What descriptions are made from: id and ``xmin``, the transaction that wrote it, of each row.
Inputs = dict[Key, frozenset[tuple[str, str]]]


def of(packages: Collection[str], groups: Collection[str], settings: bool = False) -> set[Key]:
    """Return the things whose descriptions may change with these.

    A dataset has places and problems from its ideas, and they from their workshops; it only names
    its organisation. The catalogue is published by the coordinating body.

    Args:
        packages: ids of packages, purged ones too.
        groups: ids of organisations (and groups, which no description names).
        settings: settings of the site changed.
    """
    kinds = _kinds(packages)
    workshops = [each for each, kind in kinds.items() if kind == Kind.WORKSHOP]
    ideas = {each for each, kind in kinds.items() if kind == Kind.IDEA}
    ideas.update(package.list_dependent_ids(workshops, Predicate.IDEA_WORKSHOP))
    datasets = package.list_dependent_ids(ideas, Predicate.DATASET_IDEA)
    found = {Key(kind, each) for each, kind in kinds.items()}
    found.update(Key(Kind.IDEA, each) for each in ideas)
    found.update(Key(Kind.DATASET, each) for each in datasets)
    organizations = _organizations(groups)
    found.update(Key(Kind.ORGANIZATION, each) for each in organizations)
    if organizations or settings:
        found.add(CATALOG)
    return found


def of_owner(organization: str) -> set[Key]:
    """Return the things that belong to an organisation."""
    query = sa.select(model.Package.id, model.Package.type).where(
        model.Package.owner_org == organization
    )
    return {
        Key(kind, each)
        for each, package_type in model.Session.execute(query)
        if (kind := kind_of(package_type))
    }


def inputs(keys: Iterable[Key]) -> Inputs:
    """Return the versions of the rows that descriptions are made from, as this moment sees them.

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
    for row in model.Session.connection().execute(_INPUTS, values):
        found.setdefault(row.thing, set()).add((row.id, row.version))
    return {key: frozenset(found.get(key.thing, ())) for key in wanted}


_INPUTS = sa.text(
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


def _kinds(packages: Collection[str]) -> dict[str, Kind]:
    """Return id → kind of those that the log speaks of; the log remembers what was purged."""
    if not packages:
        return {}
    present = sa.select(model.Package.id, model.Package.type).where(model.Package.id.in_(packages))
    logged = sa.select(Entry.thing, Entry.kind).where(
        Entry.thing.in_(packages), Entry.kind != str(Kind.ORGANIZATION)
    )
    found = {each: Kind(kind) for each, kind in model.Session.execute(logged)}
    for each, package_type in model.Session.execute(present):
        kind = kind_of(package_type)
        if kind is not None:
            found[each] = kind
    return found


def _organizations(groups: Collection[str]) -> set[str]:
    if not groups:
        return set()
    present = sa.select(model.Group.id).where(
        model.Group.id.in_(groups), model.Group.is_organization.is_(True)
    )
    logged = sa.select(Entry.thing).where(
        Entry.thing.in_(groups), Entry.kind == str(Kind.ORGANIZATION)
    )
    return {*model.Session.scalars(present), *model.Session.scalars(logged)}
