"""The record of changes: a row of ``marathon_audit`` for every change of a record.

It is written in the transaction of the change, by steps of the save (``logic/saving.py``) that
compare the flushed values with the loaded ones. So it has the changes by all forms, the API,
commands and plugins. Rows are added and never changed, except that a takedown deletes the titles of
a record.

For text fields only the name of the field is stored, so that a takedown need not search for
content. For short values that are no content (state, owner, status of an idea, a person's role) the
former and the new value are stored.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import ckan.plugins.toolkit as tk
import flask
import rq
import sqlalchemy as sa
from ckan import model
from ckan.model.system_info import SystemInfo
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.marathon.model import unit_of_work
from ckanext.marathon.model.unit_of_work import UnitOfWork

MEMBER, COLLABORATOR, RESOURCE, USER, SETTING = (
    "member",
    "collaborator",
    "resource",
    "user",
    "setting",
)
ORGANIZATION, GROUP = "organization", "group"
# Kinds of entries about people's permissions, which only administrators see.
PERMISSIONS = (MEMBER, COLLABORATOR)

CREATED, CHANGED, DELETED, RESTORED, PURGED, TAKEN_DOWN = ACTIONS = (
    "created",
    "changed",
    "deleted",
    "restored",
    "purged",
    "taken_down",
)
COMMAND_LINE, JOB, API, WEB, IMPORT = ORIGINS = ("command_line", "job", "api", "web", "import")


class AuditEntry(tk.BaseModel):
    """One change of one record.

    Attributes:
        user_name: name of the user at that time; ``None`` if nobody was logged in, or on the
            command line.
        origin: one of :data:`ORIGINS`.
        kind: a dataset type, or ``resource``, ``organization``, ``group``, ``member``, …
        action: one of :data:`ACTIONS`.
        record: id of the record; of a membership, id of the user.
        parent: id of a file's dataset, or of a member's organisation.
        parent_kind: the dataset type of ``parent``.
        organization: id of the record's organisation at that time.
        former: id of the organisation that the record left with this change.
        label: title of a record that was purged.
        changes: field → ``null``, or a list of the former and the new value.
    """

    __tablename__ = "marathon_audit"

    number: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    user_id: Mapped[str | None] = mapped_column(sa.UnicodeText)
    user_name: Mapped[str | None] = mapped_column(sa.UnicodeText)
    origin: Mapped[str] = mapped_column(sa.UnicodeText)
    kind: Mapped[str] = mapped_column(sa.UnicodeText)
    action: Mapped[str] = mapped_column(sa.UnicodeText)
    record: Mapped[str] = mapped_column(sa.UnicodeText)
    parent: Mapped[str | None] = mapped_column(sa.UnicodeText)
    parent_kind: Mapped[str | None] = mapped_column(sa.UnicodeText)
    organization: Mapped[str | None] = mapped_column(sa.UnicodeText)
    former: Mapped[str | None] = mapped_column(sa.UnicodeText)
    label: Mapped[str | None] = mapped_column(sa.UnicodeText)
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB)

    __table_args__ = tuple(
        sa.Index(f"idx_marathon_audit_{name}", name, "number")
        for name in ("organization", "former", "record", "parent", "user_id")
    )


@dataclass(frozen=True)
class Sight:
    """The entries that a person may read (docs/permissions.md).

    Attributes:
        everything: whether they may read all entries, as system administrators may.
        organizations: ids of organisations whose entries they may read.
        administered: ids of organisations whose entries about permissions they may read, too.
        kinds: dataset types of which they may read the entries of all organisations.
    """

    everything: bool = False
    organizations: frozenset[str] = frozenset()
    administered: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AuditFilter:
    """Conditions of entries; ``None`` is any. ``since`` is inclusive and ``until`` exclusive."""

    organization: str | None = None
    record: str | None = None
    user: str | None = None
    kind: str | None = None
    action: str | None = None
    origin: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_entries(
    sight: Sight, wanted: AuditFilter, limit: int, before: int | None = None
) -> list[AuditEntry]:
    """Return copies of the entries that a person may read, the newest first.

    Args:
        sight: the entries that the person may read.
        wanted: conditions.
        limit: the maximum number of entries.
        before: only entries with a smaller number.
    """
    entry = AuditEntry
    conditions: list[sa.ColumnElement[bool]] = [] if sight.everything else [_visible(sight)]
    if wanted.organization:
        conditions.append(
            sa.or_(entry.organization == wanted.organization, entry.former == wanted.organization)
        )
    if wanted.record:
        conditions.append(sa.or_(entry.record == wanted.record, entry.parent == wanted.record))
    if wanted.user:
        conditions.append(entry.user_id == wanted.user)
    if wanted.kind:
        conditions.append(entry.kind == wanted.kind)
    if wanted.action:
        conditions.append(entry.action == wanted.action)
    if wanted.origin:
        conditions.append(entry.origin == wanted.origin)
    if wanted.since:
        conditions.append(entry.at >= wanted.since)
    if wanted.until:
        conditions.append(entry.at < wanted.until)
    if before is not None:
        conditions.append(entry.number < before)
    query = sa.select(*entry.__table__.columns).where(*conditions)
    rows = model.Session.execute(query.order_by(entry.number.desc()).limit(limit)).mappings()
    return [AuditEntry(**row) for row in rows]


def is_deleted_since(record: str, parent: str, since: datetime) -> bool:
    """Return whether a part of a record, such as a file of a dataset, was deleted after a time."""
    entry = AuditEntry
    query = sa.select(entry.number).where(
        entry.record == record,
        entry.parent == parent,
        entry.action.in_((DELETED, PURGED)),
        entry.at >= since,
    )
    return model.Session.execute(query.limit(1)).first() is not None


def _visible(sight: Sight) -> sa.ColumnElement[bool]:
    entry = AuditEntry
    permissions = entry.kind.in_(PERMISSIONS)

    def is_of(organizations: frozenset[str]) -> sa.ColumnElement[bool]:
        return sa.or_(entry.organization.in_(organizations), entry.former.in_(organizations))

    return sa.or_(
        sa.and_(is_of(sight.organizations), sa.not_(permissions)),
        sa.and_(is_of(sight.administered), permissions),
        entry.kind.in_(sight.kinds),
        sa.and_(entry.kind == RESOURCE, entry.parent_kind.in_(sight.kinds)),
    )


@dataclass
class Actor:
    """The acting user of a transaction, by name or id."""

    user: str | None = None


def note_actor(user: str | None) -> None:
    """Set the acting user, by name or id, in jobs and commands, which have no request."""
    if user and not _is_request():
        unit_of_work.get_unit().get_notes(Actor).user = user


@contextmanager
def record_as_import() -> Generator[None]:
    """Record all saves within this context as an import, whatever their user and origin."""
    before = _is_import.set(True)
    try:
        yield
    finally:
        _is_import.reset(before)


_is_import: ContextVar[bool] = ContextVar("marathon_is_import", default=False)


def _origin(way: str) -> str:
    return IMPORT if _is_import.get() else way


def _is_request() -> bool:
    """Return whether this runs for an HTTP request.

    Commands and jobs have a request context too, for links and translations, but only a real
    request has the address of its client.
    """
    return flask.has_request_context() and "REMOTE_ADDR" in flask.request.environ


def find_actor(unit: UnitOfWork) -> dict[str, str | None]:
    """Return the acting user: ``user_id``, ``user_name`` and ``origin``."""
    if _is_request():
        person = flask.g.get("userobj")
        name = flask.g.get("user") or None
        inspected: Any = sa.inspect(person, raiseerr=False)
        identity = inspected.identity if inspected is not None else None
        origin = _origin(API if flask.request.path.startswith("/api/") else WEB)
        return {"user_id": identity[0] if identity else None, "user_name": name, "origin": origin}
    name = unit.get_notes(Actor).user
    if name == tk.config.get("ckan.site_id"):
        name = None
    id_ = None
    if name:
        user = model.User
        query = sa.select(user.id, user.name).where(sa.or_(user.name == name, user.id == name))
        id_, name = unit.session.execute(query.limit(1)).first() or (None, name)
    origin = _origin(JOB if rq.get_current_job() else COMMAND_LINE)
    return {"user_id": id_, "user_name": name, "origin": origin}


# Fields whose changes are not recorded.
IGNORED = frozenset({"metadata_modified", "metadata_created", "last_modified", "modified"})
# Fields whose values are stored.
_SHOWN = frozenset(
    {
        "state",
        "private",
        "owner_org",
        "type",
        "status",
        "license_id",
        "capacity",
        "sysadmin",
        "role",
        "municipality_code",
        "pilot",
        "url_type",
    }
)
_LONGEST_VALUE = 100
_EMPTY: tuple[Any, ...] = (None, "", "[]", "{}", [], {})


# Changed field → ``None``, or a list of the former and the new value.
FieldChanges = dict[str, list[object] | None]


def read_changes(thing: object, action: str) -> FieldChanges:
    """Return the changes that the flush of an object will write."""
    inspected: Any = sa.inspect(thing)
    found: FieldChanges = {}
    for attribute in inspected.mapper.column_attrs:
        name = attribute.key
        history = inspected.attrs[name].history
        if name in IGNORED or not history.has_changes():
            continue
        former = history.deleted[0] if history.deleted else None
        new = history.added[0] if history.added else None
        if name == "extras":
            found |= _changes_of_extras(former, new)
        elif name in _SHOWN:
            found[name] = [_short(former), _short(new)]
        elif action == CHANGED and (former or None) != (new or None):
            found[name] = None
    return found


def _changes_of_extras(former: Any, new: Any) -> FieldChanges:
    before, after = _stated(former), _stated(new)
    changed = [name for name in {*before, *after} if before.get(name) != after.get(name)]
    return {
        name: [_short(before.get(name)), _short(after.get(name))] if name in _SHOWN else None
        for name in sorted(changed)
    }


def _stated(extras: Any) -> dict[str, Any]:
    """Return the extras that are not empty.

    A form stores an empty text or list for an empty field, for which the API stores nothing.
    """
    given: dict[str, Any] = extras or {}
    return {name: value for name, value in given.items() if value not in _EMPTY}


def _short(value: Any) -> Any:
    return value[:_LONGEST_VALUE] if isinstance(value, str) else value


# If only these fields change, nothing is recorded.
_ALONE_IGNORED = frozenset({"position"})
_OF_USERS = frozenset({"state", "sysadmin", "name"})
_CONFIG_UPDATE = "ckan.config_update"


@dataclass
class Draft:
    """The changes of one record in a transaction so far; the fields are those of the entry."""

    kind: str
    record: str
    action: str = CHANGED
    parent: str | None = None
    organization: str | None = None
    label: str | None = None
    changes: FieldChanges = field(default_factory=dict[str, list[object] | None])

    def add_changes(self, changes: FieldChanges) -> None:
        """Add the changes of another flush of the same transaction."""
        for name, values in changes.items():
            before = self.changes.get(name)
            self.changes[name] = [before[0], values[1]] if before and values else values

    def settle(self) -> bool:
        """Drop changes that were undone, set the action; return whether any change is left."""
        for name, values in list(self.changes.items()):
            if values and values[0] == values[1]:
                del self.changes[name]
        if self.action in (CREATED, PURGED):
            return True
        state = self.changes.get("state")
        if state:
            deleted = model.State.DELETED
            if state[1] == deleted:
                self.action = DELETED
            elif state[0] == deleted:
                self.action = RESTORED
        return bool(self.changes.keys() - _ALONE_IGNORED)


Drafts = dict[tuple[str, ...], Draft]


@dataclass
class AuditNotes:
    """The notes of a transaction for the record of changes.

    Attributes:
        drafts: the entries so far, one for each record.
        values: changes of new records that have no id yet, by Python's id of the object.
        taken_down: ids of records whose purge is a takedown.
    """

    drafts: Drafts = field(default_factory=dict[tuple[str, ...], Draft])
    values: dict[int, FieldChanges] = field(default_factory=dict[int, FieldChanges])
    taken_down: set[str] = field(default_factory=set[str])


def note_takedown(package: model.Package) -> None:
    """Record the purge that follows in this transaction as a takedown."""
    unit_of_work.get_unit().get_notes(AuditNotes).taken_down.add(package.id)


def note_member_changes(user_id: str, group_id: str, changes: FieldChanges) -> None:
    """Record further changes with the entry about a membership, for example revoked tokens."""
    drafts = unit_of_work.get_unit().get_notes(AuditNotes).drafts
    draft = Draft(MEMBER, user_id, parent=group_id, organization=group_id)
    drafts.setdefault((MEMBER, user_id, group_id), draft).add_changes(changes)


def note_flush(unit: UnitOfWork) -> None:
    """Note the changes of the flush, while the session still has the former values."""
    notes = unit.get_notes(AuditNotes)
    notes.values = {id(record): read_changes(record, CREATED) for record in unit.created}
    for record in unit.changed:
        _note(notes.drafts, record, CHANGED)
    for record in unit.deleted:
        _note(notes.drafts, record, PURGED)


def note_created(unit: UnitOfWork) -> None:
    """Note the inserted records, with their ids."""
    notes = unit.get_notes(AuditNotes)
    for record in unit.created:
        _note(notes.drafts, record, CREATED, notes.values[id(record)])


def _note(drafts: Drafts, thing: Any, action: str, changes: FieldChanges | None = None) -> None:
    draft = _draft_of(thing)
    if draft is None:
        return
    if changes is None:
        changes = read_changes(thing, action)
    if isinstance(thing, model.User):
        changes = {name: change for name, change in changes.items() if name in _OF_USERS}
    elif isinstance(thing, model.PackageTag):
        changes, action = {"tags": None}, CHANGED
    elif isinstance(thing, SystemInfo):
        changes, action = {"value": None}, CHANGED
    elif isinstance(thing, model.Member | model.PackageMember):
        ended = (changes.get("state") or [None, None])[1] == model.State.DELETED
        if action == PURGED or ended:
            action, changes = CHANGED, {"capacity": [thing.capacity, None]}
            changes["state"] = [model.State.ACTIVE, model.State.DELETED]
    if action == CHANGED and not changes:
        return
    key = (draft.kind, draft.record, draft.parent or "")
    if isinstance(thing, model.Package | model.PackageTag):
        key = ("package", draft.record)
    known = drafts.setdefault(key, draft)
    if draft.kind:
        known.kind, known.organization = draft.kind, draft.organization
    if action == PURGED:
        known.action, known.label = PURGED, draft.label
    elif action == CREATED:
        known.action = CREATED
    known.add_changes(changes if action != PURGED else {})


def _draft_of(thing: Any) -> Draft | None:
    if isinstance(thing, model.Package):
        title = thing.title or thing.name
        return Draft(thing.type, thing.id, organization=thing.owner_org, label=title)
    if isinstance(thing, model.PackageTag):
        return Draft("", thing.package_id) if thing.package_id else None
    if isinstance(thing, model.Resource):
        return Draft(RESOURCE, thing.id, parent=thing.package_id, label=thing.name or None)
    if isinstance(thing, model.Group):
        kind = ORGANIZATION if thing.is_organization else GROUP
        own = thing.id if thing.is_organization else None
        return Draft(kind, thing.id, organization=own, label=thing.title or thing.name)
    if isinstance(thing, model.Member):
        if thing.table_name != "user" or not thing.table_id:
            return None
        return Draft(MEMBER, thing.table_id, parent=thing.group_id, organization=thing.group_id)
    if isinstance(thing, model.PackageMember):
        return Draft(COLLABORATOR, thing.user_id, parent=thing.package_id)
    if isinstance(thing, model.User):
        return Draft(USER, thing.id, label=thing.name)
    if isinstance(thing, SystemInfo) and thing.key != _CONFIG_UPDATE:
        return Draft(SETTING, thing.key)
    return None


def write_entries(unit: UnitOfWork) -> None:
    """Write the noted entries in one statement; commits nothing."""
    notes, session = unit.get_notes(AuditNotes), unit.session
    changed = [draft for draft in notes.drafts.values() if draft.settle()]
    if not changed or not _has_table(session):
        return
    gone = notes.taken_down
    packages = _packages(session, notes.drafts, changed)
    actor = find_actor(unit)
    rows = [row for draft in changed if (row := _row(draft, packages, gone, actor)) is not None]
    if gone:
        _scrub(session, gone)
    if rows:
        session.connection().execute(sa.insert(AuditEntry), rows)


def _has_table(session: Any) -> bool:
    # The first sysadmin of a new site is created before ``ckan db upgrade`` of this plugin.
    global _table_is_there
    if not _table_is_there:
        query = sa.text("SELECT to_regclass('marathon_audit') IS NOT NULL")
        _table_is_there = bool(session.connection().scalar(query))
    return _table_is_there


_table_is_there = False


def _packages(session: Any, drafts: Drafts, changed: list[Draft]) -> dict[str, tuple[Any, Any]]:
    """Return id → type and owner of the datasets that files, tags and collaborators belong to."""
    found = {
        draft.record: (draft.kind, draft.organization)
        for key, draft in drafts.items()
        if key[0] == "package" and draft.kind
    }
    wanted = {draft.parent for draft in changed if draft.kind in (RESOURCE, COLLABORATOR)}
    wanted |= {draft.record for draft in changed if not draft.kind}
    for id_ in wanted - found.keys():
        # The session has it already if one of its parts was saved.
        package = session.get(model.Package, id_) if id_ else None
        if package is not None:
            found[package.id] = (package.type, package.owner_org)
    return found


def _row(
    draft: Draft, packages: dict[str, tuple[Any, Any]], gone: set[str], actor: dict[str, Any]
) -> dict[str, Any] | None:
    kind, organization, parent_kind = draft.kind, draft.organization, None
    if not kind:
        kind, organization = packages.get(draft.record, (None, None))
    elif kind in (RESOURCE, COLLABORATOR):
        parent_kind, organization = packages.get(draft.parent or "", (None, None))
    if not kind:
        return None
    if {draft.record, draft.parent} & gone and draft.action == PURGED:
        if draft.record not in gone:
            # A takedown is one entry; its files have none.
            return None
        draft.action = TAKEN_DOWN
    is_purged = draft.action == PURGED
    moved = draft.changes.get("owner_org")
    return {
        "at": datetime.now(UTC),
        **actor,
        "kind": kind,
        "action": draft.action,
        "record": draft.record,
        "parent": draft.parent,
        "parent_kind": parent_kind,
        "organization": organization,
        "former": moved[0] if moved else None,
        "label": draft.label if is_purged else None,
        "changes": draft.changes,
    }


def _scrub(session: Any, gone: set[str]) -> None:
    """Remove the names of these records."""
    session.connection().execute(
        sa.update(AuditEntry)
        .where(sa.or_(AuditEntry.record.in_(gone), AuditEntry.parent.in_(gone)))
        .values(label=None)
    )
