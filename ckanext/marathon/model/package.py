"""Packages for the rules: reading, locking, unique codes and short addresses.

A code that only one package may have is claimed in a table with unique keys, so that two concurrent
saves cannot both get it.

A short address has the first digits of a record's id. Because it is printed, it must never lead to
another record later: if two ids begin alike, the record that was public first has the address, even
after it was deleted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm.util import identity_key

from ckanext.marathon import visibility
from ckanext.marathon.domain.errors import Taken
from ckanext.marathon.model import feed_log
from ckanext.marathon.model.link import PACKAGE, Link, Predicate
from ckanext.marathon.records import list_stored_rows, list_stored_texts, read_flag
from ckanext.marathon.visibility import filter_public


def claim_row(row: sa.Insert, key: str) -> None:
    """Insert a row with unique keys; commits nothing.

    Of two concurrent inserts, the database lets the second wait for the first's commit and then
    refuses it.

    Raises:
        Taken: another transaction inserted the key first. The rest of this transaction is kept.
    """
    try:
        with model.Session.begin_nested():
            model.Session.execute(row)
    except IntegrityError as fault:
        raise Taken(key, None) from fault


class PackageCode(tk.BaseModel):
    """The claim of a package to a code."""

    __tablename__ = "marathon_code"

    owner_org: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    package_type: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    code: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    package_id: Mapped[str] = mapped_column(sa.UnicodeText, unique=True)


def find_code_holder(owner_org: str, package_type: str, code: str) -> str | None:
    """Return the id of the package, not deleted, that has this code."""
    return model.Session.scalar(
        sa.select(PackageCode.package_id)
        .join(model.Package, model.Package.id == PackageCode.package_id)
        .where(_is(owner_org, package_type, code), model.Package.state != model.State.DELETED)
    )


def find_code_holders(
    package_type: str, pairs: Collection[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """Return (organisation, code) → id of the package, not deleted, that has it."""
    if not pairs:
        return {}
    claim = PackageCode
    rows = model.Session.execute(
        sa.select(claim.owner_org, claim.code, claim.package_id)
        .join(model.Package, model.Package.id == claim.package_id)
        .where(
            claim.package_type == package_type,
            sa.tuple_(claim.owner_org, claim.code).in_(list(pairs)),
            model.Package.state != model.State.DELETED,
        )
    )
    return {(row.owner_org, row.code): row.package_id for row in rows}


def find_packages_with_code(package_type: str, code: str) -> list[model.Package]:
    """Return the packages, not deleted, that have this code, without regard to case."""
    query = (
        sa.select(PackageCode.package_id)
        .where(
            PackageCode.package_type == package_type,
            sa.func.lower(PackageCode.code) == " ".join(code.split()).lower(),
        )
        .limit(50)
    )
    found = load_packages(model.Session.scalars(query))
    return [package for package in found.values() if package.state != model.State.DELETED]


def assign_code(package_id: str, owner_org: str, package_type: str, code: str | None) -> None:
    """Give a package this code and remove its other ones; ``None`` or ``""`` for no code.

    The code of a deleted or purged package is taken over.

    Raises:
        Taken: another package has it; ``holder`` is its id where that is known.
    """
    wanted = _is(owner_org, package_type, code or "")
    own = PackageCode.package_id == package_id
    model.Session.execute(sa.delete(PackageCode).where(own, sa.not_(wanted)))
    if not code or model.Session.scalar(sa.select(PackageCode.code).where(own)) is not None:
        return
    current = model.Session.scalar(
        sa.select(PackageCode.package_id).where(wanted).with_for_update()
    )
    if current is not None:
        if find_code_holder(owner_org, package_type, code) is not None:
            raise Taken(code, current)
        model.Session.execute(sa.delete(PackageCode).where(wanted))
    row = sa.insert(PackageCode).values(
        owner_org=owner_org, package_type=package_type, code=code, package_id=package_id
    )
    claim_row(row, code)


def release_code(package_id: str) -> None:
    """Delete the claim of a purged package."""
    model.Session.execute(sa.delete(PackageCode).where(PackageCode.package_id == package_id))


def _is(owner_org: str, package_type: str, code: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        PackageCode.owner_org == owner_org,
        PackageCode.package_type == package_type,
        PackageCode.code == code,
    )


WORKSHOP, IDEA, DATASET, COMMITMENT = "workshop", "idea", "dataset", "commitment"


def find_package_ids(references: Collection[str], package_type: str) -> dict[str, str]:
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


def load_packages(ids: Iterable[str]) -> dict[str, model.Package]:
    """Return packages by id; those that the session has loaded are not queried again."""
    wanted = sorted(set(ids))
    known = [id_ for id_ in wanted if _key(id_) in model.Session.identity_map]
    unknown = set(wanted).difference(known)
    found = {id_: model.Session.get(model.Package, id_) for id_ in known}
    if unknown:
        query = model.Session.query(model.Package).filter(model.Package.id.in_(unknown))
        found |= {package.id: package for package in query}
    return {id_: package for id_, package in found.items() if package}


def _key(identifier: str) -> Any:
    return identity_key(model.Package, identifier)


def lock_targets(ids: Iterable[str]) -> dict[str, model.Package]:
    """Return packages, read again and locked against changes until the end of the transaction.

    Several saves may link to a package at a time (``FOR SHARE``); a change or deletion of it waits.
    """
    return _locked(ids, read=True)


def lock_packages(ids: Iterable[str]) -> dict[str, model.Package]:
    """Return packages in order of id, read again and locked until the end of the transaction."""
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


def list_dependents(objects: Collection[str], *predicates: Predicate) -> list[model.Package]:
    """Return the packages that link to these objects, by title, without deleted ones."""
    if not objects:
        return []
    found = model.Session.query(model.Package).filter(
        model.Package.id.in_(_subjects(objects, *predicates)),
        model.Package.state != model.State.DELETED,
    )
    return found.order_by(model.Package.title, model.Package.id).all()


def list_active_dependents(
    objects: Collection[str], predicate: Predicate
) -> list[tuple[str, bool]]:
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


def list_owned_packages(organization_id: str) -> list[model.Package]:
    """Return the packages of an organisation, by type and title, without deleted ones."""
    found = model.Session.query(model.Package).filter(
        model.Package.owner_org == organization_id, model.Package.state != model.State.DELETED
    )
    return found.order_by(model.Package.type, model.Package.title).all()


def read_organization_titles(ids: Iterable[str | None]) -> dict[str, dict[str, str]]:
    """Return ``id``, ``name`` and ``title`` of organisations, by id."""
    wanted = sorted({id_ for id_ in ids if id_})
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
    """Lock an organisation against changes until the end of the transaction.

    Args:
        organization_id: id of the organisation.
        to_link: whether other transactions may lock it in the same way (``FOR SHARE``).
    """
    model.Session.execute(
        sa.select(model.Group.id)
        .where(model.Group.id == organization_id)
        .with_for_update(read=to_link)
    )


def list_dependent_ids(objects: Collection[str], *predicates: Predicate) -> list[str]:
    """Return the ids of all packages that link to these objects, including deleted ones."""
    if not objects:
        return []
    return sorted(model.Session.scalars(_subjects(objects, *predicates).distinct()))


def _subjects(objects: Collection[str], *predicates: Predicate) -> sa.Select[Any]:
    return sa.select(Link.subject).where(
        Link.object.in_(objects), Link.predicate.in_([str(p) for p in predicates])
    )


def read_stored_text(record: object, field: str) -> str:
    """Return a field that is stored as text in extras; "" if there is none."""
    extras: dict[str, str] = getattr(record, "extras", None) or {}
    return extras.get(field) or ""


def read_stored_flag(record: object, field: str) -> bool:
    """Return a field that is stored as ``"true"`` or ``"false"`` in extras; ``False`` if none."""
    return read_flag(read_stored_text(record, field))


def read_stored_texts(package: model.Package | None, field: str) -> list[str]:
    """Return a field that is stored as a JSON list of texts; an unreadable one is empty."""
    return list_stored_texts(read_stored_text(package, field))


def read_stored_rows(
    package: model.Package | model.Group | None, field: str
) -> list[dict[str, Any]]:
    """Return a field that is stored as a JSON list of objects; an unreadable one is empty."""
    return list_stored_rows(read_stored_text(package, field))


class NamedPackage(NamedTuple):
    """A package with its type, name and title."""

    id: str
    type: str
    name: str
    title: str | None


def list_examples(types: Collection[str]) -> list[NamedPackage]:
    """Return the packages of these types that are flagged as examples, including deleted ones."""
    package = model.Package
    query = (
        sa.select(package.id, package.type, package.name, package.title)
        .where(
            package.type.in_(types),
            sa.func.lower(package.extras["example"].astext) == "true",
        )
        .order_by(package.name)
    )
    return [NamedPackage(*row) for row in model.Session.execute(query)]


def list_example_files(package_ids: Collection[str]) -> list[tuple[str, str]]:
    """Return (package id, resource id) of the uploaded files of these packages."""
    resource = model.Resource
    query = sa.select(resource.package_id, resource.id).where(
        resource.package_id.in_(package_ids), resource.url_type == "upload"
    )
    return [(row.package_id, row.id) for row in model.Session.execute(query)]


def name_packages(package_ids: Collection[str]) -> list[NamedPackage]:
    """Return the packages with these ids that are not deleted, by name."""
    package = model.Package
    query = (
        sa.select(package.id, package.type, package.name, package.title)
        .where(package.id.in_(package_ids), package.state != model.State.DELETED)
        .order_by(package.name)
    )
    return [NamedPackage(*row) for row in model.Session.execute(query)]


# Digits of a UUID: 8 nearly always identify one of 100,000 records, 12 always do.
SHORT, LONGER = 8, 12
_CODE = re.compile(rf"[0-9a-f]{{{SHORT}}}|[0-9a-f]{{{LONGER}}}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ShortAddress(NamedTuple):
    """The id of the record with a short address; the record is or was public."""

    id: str
    is_public: bool


def find_short_address(package_type: str, code: str) -> ShortAddress | None:
    """Return the record with a short code; ``None`` if no record with it is or was public.

    Args:
        package_type: for example ``idea``.
        code: the first 8 or 12 hexadecimal digits of an id, in lower case.
    """
    if not _CODE.fullmatch(code):
        return None
    first = code if len(code) == SHORT else f"{code[:SHORT]}-{code[SHORT:]}"
    logged = feed_log.find_oldest_record(package_type, first)
    if logged:
        return ShortAddress(logged.thing, logged.is_public)
    # The log of a site may be incomplete when the plugin is new.
    identifier = model.Session.scalar(_unlogged(package_type, first))
    return ShortAddress(identifier, True) if identifier else None


def shorten_id(package_type: str, identifier: str) -> str:
    """Return the short code of a public record, "" if its id is not a UUID."""
    if not _UUID.fullmatch(identifier):
        return ""
    digits = identifier.replace("-", "")
    found = find_short_address(package_type, digits[:SHORT])
    return digits[: SHORT if found and found.id == identifier else LONGER]


def _unlogged(package_type: str, first: str) -> sa.Select[Any]:
    return (
        sa.select(PACKAGE.id)
        .where(
            # A range of the index, in every collation: digits before letters, none after the f.
            PACKAGE.id >= first,
            PACKAGE.id < f"{first}g",
            PACKAGE.id.startswith(first),
            PACKAGE.type == package_type,
            visibility.filter_public(PACKAGE),
        )
        .order_by(PACKAGE.metadata_created, PACKAGE.id)
        .limit(1)
    )
