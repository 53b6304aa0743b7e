"""Packages as the rules need them: read, locked, by code and by short address.

What only one package may have, such as a code, is claimed in a table with unique keys, so that two
that ask at the same instant do not both get it.

Short addresses: which record the first digits of its id mean, for ever. What is printed and hung on
a wall must not mean another record some day. So where two ids begin alike, the one that was public
first has the address, also after it is gone.
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
    """Insert a row whose keys are unique; nothing is committed.

    The database makes the second of two wait for the first one's commit and then refuses it.

    Raises:
        Taken: somebody else was first; the rest of the transaction is untouched.
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


def assign_code(package_id: str, owner_org: str, package_type: str, code: str | None) -> None:
    """Let a package have this code and no other; ``None`` or ``""`` for none.

    A code that a deleted or purged package left behind is taken over.

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
    """Give back the code of a package that is no more."""
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
    """Return packages by id; those that this session has already are not asked for again."""
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
    """Return packages as they are now, locked against changes by others until our commit.

    Several saves may link to one package at a time (``FOR SHARE``); changing or deleting it waits.
    """
    return _locked(ids, read=True)


def lock_packages(ids: Iterable[str]) -> dict[str, model.Package]:
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


def list_dependents(objects: Collection[str], *predicates: Predicate) -> list[model.Package]:
    """Return the packages, deleted ones left out, that link to these objects, by title."""
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
    """Return the packages, deleted ones left out, of an organisation, by type and title."""
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
    """Keep an organisation as it is until our commit; ``to_link`` lets others link to it too."""
    model.Session.execute(
        sa.select(model.Group.id)
        .where(model.Group.id == organization_id)
        .with_for_update(read=to_link)
    )


def list_dependent_ids(objects: Collection[str], *predicates: Predicate) -> list[str]:
    """Return the ids of every package, deleted ones too, that links to these objects."""
    if not objects:
        return []
    return sorted(model.Session.scalars(_subjects(objects, *predicates).distinct()))


def _subjects(objects: Collection[str], *predicates: Predicate) -> sa.Select[Any]:
    return sa.select(Link.subject).where(
        Link.object.in_(objects), Link.predicate.in_([str(p) for p in predicates])
    )


def read_stored_text(record: object, field: str) -> str:
    """Return a field kept as text in extras; "" where there is none."""
    extras: dict[str, str] = getattr(record, "extras", None) or {}
    return extras.get(field) or ""


def read_stored_flag(record: object, field: str) -> bool:
    """Return a yes or no kept as text in extras; no where there is none."""
    return read_flag(read_stored_text(record, field))


def read_stored_texts(package: model.Package | None, field: str) -> list[str]:
    """Return a field stored as a JSON list of texts; an unreadable one counts as empty."""
    return list_stored_texts(read_stored_text(package, field))


def read_stored_rows(
    package: model.Package | model.Group | None, field: str
) -> list[dict[str, Any]]:
    """Return a field stored as a JSON list of objects; an unreadable one counts as empty."""
    return list_stored_rows(read_stored_text(package, field))


class NamedPackage(NamedTuple):
    """What a package is called."""

    id: str
    type: str
    name: str
    title: str | None


def list_examples(types: Collection[str]) -> list[NamedPackage]:
    """Return every package of these types that is flagged as an example, the trash included."""
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
    """Return (package id, resource id) of the files that the site keeps for these packages."""
    resource = model.Resource
    query = sa.select(resource.package_id, resource.id).where(
        resource.package_id.in_(package_ids), resource.url_type == "upload"
    )
    return [(row.package_id, row.id) for row in model.Session.execute(query)]


def name_packages(package_ids: Collection[str]) -> list[NamedPackage]:
    """Return those of these packages that are not deleted, by name."""
    package = model.Package
    query = (
        sa.select(package.id, package.type, package.name, package.title)
        .where(package.id.in_(package_ids), package.state != model.State.DELETED)
        .order_by(package.name)
    )
    return [NamedPackage(*row) for row in model.Session.execute(query)]


# Of an id of CKAN, which is a UUID: 8 digits mean one of 100,000 things nearly always, 12 always.
SHORT, LONGER = 8, 12
_CODE = re.compile(rf"[0-9a-f]{{{SHORT}}}|[0-9a-f]{{{LONGER}}}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ShortAddress(NamedTuple):
    """The id of a record that a short address names; if not public now, it was once."""

    id: str
    is_public: bool


def find_short_address(package_type: str, code: str) -> ShortAddress | None:
    """Return the record with a short code; ``None`` if no record with it is or was public.

    Args:
        package_type: e.g. ``idea``.
        code: the first 8 or 12 hexadecimal digits of an id, in small letters.
    """
    if not _CODE.fullmatch(code):
        return None
    first = code if len(code) == SHORT else f"{code[:SHORT]}-{code[SHORT:]}"
    logged = feed_log.find_oldest_record(package_type, first)
    if logged:
        return ShortAddress(logged.thing, logged.is_public)
    # A site whose log has not been put together yet.
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
