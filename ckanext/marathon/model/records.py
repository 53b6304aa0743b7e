"""Packages as the rules need them: found, locked, and what of theirs is text in extras."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa
from ckan import model
from sqlalchemy.orm.util import identity_key

from ckanext.marathon.model.link import Link, Predicate
from ckanext.marathon.records.values import list_stored_rows, list_stored_texts, read_flag
from ckanext.marathon.visibility import filter_public

WORKSHOP, IDEA, DATASET, COMMITMENT = "workshop", "idea", "dataset", "commitment"


def ids_of(references: Collection[str], package_type: str) -> dict[str, str]:
    """Return reference → id for the names and ids that are packages of this type."""
    if not references:
        return {}
    package = model.Package
    rows = model.Session.execute(
        sa.select(package.id, package.name).where(
            package.type == package_type,
            sa.or_(package.id.in_(references), package.name.in_(references)),
        )
    ).all()
    names = {row.name: row.id for row in rows}
    ids = {row.id: row.id for row in rows}
    return {ref: found for ref in references if (found := ids.get(ref) or names.get(ref))}


def load(ids: Iterable[str]) -> dict[str, model.Package]:
    """Return packages by id; those that this session has already are not asked for again."""
    wanted = sorted(set(ids))
    known = [each for each in wanted if _key(each) in model.Session.identity_map]
    unknown = set(wanted).difference(known)
    found = {each: model.Session.get(model.Package, each) for each in known}
    if unknown:
        query = model.Session.query(model.Package).filter(model.Package.id.in_(unknown))
        found |= {package.id: package for package in query}
    return {each: package for each, package in found.items() if package}


def _key(identifier: str) -> Any:
    return identity_key(model.Package, identifier)


def lock_targets(ids: Iterable[str]) -> dict[str, model.Package]:
    """Return packages as they are now, and keep others from changing them before we commit.

    Many may link to one at a time (``FOR SHARE``); who changes or deletes it waits for them.
    """
    return _locked(ids, read=True)


def lock(ids: Iterable[str]) -> dict[str, model.Package]:
    """Return packages as they are now, in order of id; everybody else waits for our commit."""
    return _locked(ids, read=False)


def _locked(ids: Iterable[str], read: bool) -> dict[str, model.Package]:
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    found = (
        model.Session.query(model.Package)
        .filter(model.Package.id.in_(wanted))
        .order_by(model.Package.id)
        .populate_existing()
        .with_for_update(read=read)
    )
    return {package.id: package for package in found}


def dependents(objects: Collection[str], *predicates: Predicate) -> list[model.Package]:
    """Return the packages, deleted ones left out, that link to these objects, by title."""
    if not objects:
        return []
    found = model.Session.query(model.Package).filter(
        model.Package.id.in_(_subjects(objects, *predicates)),
        model.Package.state != model.State.DELETED,
    )
    return found.order_by(model.Package.title, model.Package.id).all()


def active_dependents(objects: Collection[str], predicate: Predicate) -> list[tuple[str, bool]]:
    """Return (id, whether it is public) of the active packages that link to these, by title."""
    if not objects:
        return []
    package = model.Package
    rows = model.Session.execute(
        sa.select(package.id, filter_public(package))
        .where(package.id.in_(_subjects(objects, predicate)), package.state == model.State.ACTIVE)
        .order_by(package.title, package.id)
    )
    return [(row[0], row[1]) for row in rows]


def owned_by(organization_id: str) -> list[model.Package]:
    """Return the packages, deleted ones left out, of an organisation, by type and title."""
    found = model.Session.query(model.Package).filter(
        model.Package.owner_org == organization_id, model.Package.state != model.State.DELETED
    )
    return found.order_by(model.Package.type, model.Package.title).all()


def organizations(ids: Iterable[str | None]) -> dict[str, dict[str, str]]:
    """Return id → id, name and title of organisations."""
    wanted = sorted({each for each in ids if each})
    if not wanted:
        return {}
    group = model.Group
    rows = model.Session.execute(
        sa.select(group.id, group.name, group.title).where(group.id.in_(wanted))
    )
    return {
        row.id: {"id": row.id, "name": row.name, "title": row.title or row.name} for row in rows
    }


def lock_organization(organization_id: str, to_link: bool = False) -> None:
    """Keep an organisation as it is until our commit; ``to_link`` lets others link to it too."""
    model.Session.execute(
        sa.select(model.Group.id)
        .where(model.Group.id == organization_id)
        .with_for_update(read=to_link)
    )


def all_dependents(objects: Collection[str], *predicates: Predicate) -> list[str]:
    """Return the ids of every package, deleted ones too, that links to these objects."""
    if not objects:
        return []
    return sorted(model.Session.scalars(_subjects(objects, *predicates).distinct()))


def _subjects(objects: Collection[str], *predicates: Predicate) -> sa.Select:
    return sa.select(Link.subject).where(
        Link.object.in_(objects), Link.predicate.in_([str(p) for p in predicates])
    )


def text(record: model.Package | model.Group | None, field: str) -> str:
    """Return a field kept as text in extras; "" where there is none."""
    extras: dict[str, str] = getattr(record, "extras", None) or {}
    return extras.get(field) or ""


def flag(record: model.Package | None, field: str) -> bool:
    """Return a yes or no kept as text in extras; no where there is none."""
    return read_flag(text(record, field))


def items(package: model.Package | None, field: str) -> list[str]:
    """Return a field kept as a JSON list of texts; what cannot be read counts as empty."""
    return list_stored_texts(text(package, field))


def rows(package: model.Package | model.Group | None, field: str) -> list[dict[str, Any]]:
    """Return a field kept as a JSON list of objects; what cannot be read counts as empty."""
    return list_stored_rows(text(package, field))
