"""Noting who changes what in a transaction, and writing it down with the change.

What the session flushes is compared with what was loaded. ``logic/saving.py`` says when.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.model.system_info import SystemInfo

from ckanext.marathon.model import audit, unit_of_work
from ckanext.marathon.model.audit import AuditEntry
from ckanext.marathon.model.audit_actor import find_actor
from ckanext.marathon.model.audit_fields import read_changes
from ckanext.marathon.model.unit_of_work import UnitOfWork

# A change of these alone is none of the record.
_ALONE_IGNORED = frozenset({"position"})
_OF_USERS = frozenset({"state", "sysadmin", "name"})
_CONFIG_UPDATE = "ckan.config_update"


@dataclass
class Draft:
    """What a transaction has done to one record so far; the fields are those of the entry."""

    kind: str
    record: str
    action: str = audit.CHANGED
    parent: str | None = None
    organization: str | None = None
    label: str | None = None
    changes: dict[str, Any] = field(default_factory=dict)

    def add_changes(self, changes: dict[str, Any]) -> None:
        """Add what another flush of the same transaction changed."""
        for name, values in changes.items():
            before = self.changes.get(name)
            self.changes[name] = [before[0], values[1]] if before and values else values

    def settle(self) -> bool:
        """Drop what was changed back, decide what it was; return whether there is anything."""
        for name, values in list(self.changes.items()):
            if values and values[0] == values[1]:
                del self.changes[name]
        if self.action in (audit.CREATED, audit.PURGED):
            return True
        state = self.changes.get("state")
        if state:
            deleted = model.State.DELETED
            if state[1] == deleted:
                self.action = audit.DELETED
            elif state[0] == deleted:
                self.action = audit.RESTORED
        return bool(self.changes.keys() - _ALONE_IGNORED)


Drafts = dict[tuple[str, ...], Draft]


@dataclass
class AuditNotes:
    """What is noted for the record of changes.

    Attributes:
        drafts: what has been done to each record.
        values: what new records were given, by the id of the object, until they have ids.
        taken_down: ids of records whose purge is a takedown.
    """

    drafts: Drafts = field(default_factory=dict)
    values: dict[int, dict[str, Any]] = field(default_factory=dict)
    taken_down: set[str] = field(default_factory=set)


def note_takedown(package: model.Package) -> None:
    """Say that the purge that follows in this transaction is a takedown."""
    unit_of_work.get_unit().get_notes(AuditNotes).taken_down.add(package.id)


def note_flush(unit: UnitOfWork) -> None:
    """Note what is about to be written, while the session knows what it was before."""
    notes = unit.get_notes(AuditNotes)
    notes.values = {id(record): read_changes(record, audit.CREATED) for record in unit.created}
    for record in unit.changed:
        _note(notes.drafts, record, audit.CHANGED)
    for record in unit.deleted:
        _note(notes.drafts, record, audit.PURGED)


def note_created(unit: UnitOfWork) -> None:
    """Note what was inserted, with its ids."""
    notes = unit.get_notes(AuditNotes)
    for record in unit.created:
        _note(notes.drafts, record, audit.CREATED, notes.values[id(record)])


def _note(drafts: Drafts, thing: Any, action: str, changes: dict[str, Any] | None = None) -> None:
    draft = _draft_of(thing)
    if draft is None:
        return
    if changes is None:
        changes = read_changes(thing, action)
    if isinstance(thing, model.User):
        changes = {name: each for name, each in changes.items() if name in _OF_USERS}
    elif isinstance(thing, model.PackageTag):
        changes, action = {"tags": None}, audit.CHANGED
    elif isinstance(thing, SystemInfo):
        changes, action = {"value": None}, audit.CHANGED
    elif isinstance(thing, model.Member | model.PackageMember):
        ended = (changes.get("state") or [None, None])[1] == model.State.DELETED
        if action == audit.PURGED or ended:
            action, changes = audit.CHANGED, {"capacity": [thing.capacity, None]}
            changes["state"] = [model.State.ACTIVE, model.State.DELETED]
    if action == audit.CHANGED and not changes:
        return
    key = (draft.kind, draft.record, draft.parent or "")
    if isinstance(thing, model.Package | model.PackageTag):
        key = ("package", draft.record)
    known = drafts.setdefault(key, draft)
    if draft.kind:
        known.kind, known.organization = draft.kind, draft.organization
    if action == audit.PURGED:
        known.action, known.label = audit.PURGED, draft.label
    elif action == audit.CREATED:
        known.action = audit.CREATED
    known.add_changes(changes if action != audit.PURGED else {})


def _draft_of(thing: Any) -> Draft | None:
    if isinstance(thing, model.Package):
        title = thing.title or thing.name
        return Draft(thing.type, thing.id, organization=thing.owner_org, label=title)
    if isinstance(thing, model.PackageTag):
        return Draft("", thing.package_id) if thing.package_id else None
    if isinstance(thing, model.Resource):
        return Draft(audit.RESOURCE, thing.id, parent=thing.package_id, label=thing.name or None)
    if isinstance(thing, model.Group):
        kind = audit.ORGANIZATION if thing.is_organization else audit.GROUP
        own = thing.id if thing.is_organization else None
        return Draft(kind, thing.id, organization=own, label=thing.title or thing.name)
    if isinstance(thing, model.Member):
        if thing.table_name != "user" or not thing.table_id:
            return None
        return Draft(
            audit.MEMBER, thing.table_id, parent=thing.group_id, organization=thing.group_id
        )
    if isinstance(thing, model.PackageMember):
        return Draft(audit.COLLABORATOR, thing.user_id, parent=thing.package_id)
    if isinstance(thing, model.User):
        return Draft(audit.USER, thing.id, label=thing.name)
    if isinstance(thing, SystemInfo) and thing.key != _CONFIG_UPDATE:
        return Draft(audit.SETTING, thing.key)
    return None


def write_entries(unit: UnitOfWork) -> None:
    """Write what was noted, in one statement; nothing is committed."""
    notes, session = unit.get_notes(AuditNotes), unit.session
    changed = [draft for draft in notes.drafts.values() if draft.settle()]
    if not changed or not _has_table(session):
        return
    gone = notes.taken_down
    packages = _packages(session, notes.drafts, changed)
    actor = find_actor(unit)
    rows = [row for each in changed if (row := _row(each, packages, gone, actor)) is not None]
    if gone:
        _scrub(session, gone)
    if rows:
        session.connection().execute(sa.insert(AuditEntry), rows)


def _has_table(session: Any) -> bool:
    # The first administrator of a new site is made before `ckan db upgrade`.
    global _table_is_there
    if not _table_is_there:
        query = sa.text("SELECT to_regclass('marathon_audit') IS NOT NULL")
        _table_is_there = bool(session.connection().scalar(query))
    return _table_is_there


_table_is_there = False


def _packages(session: Any, drafts: Drafts, changed: list[Draft]) -> dict[str, tuple[Any, Any]]:
    """Return id → type and owner of the datasets that files, tags and collaborators belong to."""
    found = {
        each.record: (each.kind, each.organization)
        for key, each in drafts.items()
        if key[0] == "package" and each.kind
    }
    wanted = {each.parent for each in changed if each.kind in (audit.RESOURCE, audit.COLLABORATOR)}
    wanted |= {each.record for each in changed if not each.kind}
    for id_ in wanted - found.keys():
        # In the session already, wherever one of its parts was saved.
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
    elif kind in (audit.RESOURCE, audit.COLLABORATOR):
        parent_kind, organization = packages.get(draft.parent or "", (None, None))
    if not kind:
        return None
    if {draft.record, draft.parent} & gone and draft.action == audit.PURGED:
        if draft.record not in gone:
            # Its files go with it.
            return None
        draft.action = audit.TAKEN_DOWN
    is_purged = draft.action == audit.PURGED
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
    """Remove what these records were called."""
    session.connection().execute(
        sa.update(AuditEntry)
        .where(sa.or_(AuditEntry.record.in_(gone), AuditEntry.parent.in_(gone)))
        .values(label=None)
    )
