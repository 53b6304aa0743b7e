"""Who changed what and when: a row of ``marathon_audit`` for every record that is changed.

Written in the transaction of the change itself, from what the session flushes
(``feeds/capture.py``), so that no form, API, command or plugin goes around it. Rows are added and
never changed, with one exception: a takedown removes what a record was called.

Of texts only the names of the fields are kept, so that nothing has to be hunted for when a record
is taken down; short values that are no content (state, owner, status of an idea, a person's role)
are kept as they were and as they became.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import ckan.plugins.toolkit as tk
import flask
import rq
import sqlalchemy as sa
from ckan import model
from ckan.model.system_info import SystemInfo
from sqlalchemy.dialects.postgresql import JSONB

_KEY, _ACTOR, _GONE = "marathon_audit", "marathon_audit_actor", "marathon_audit_takedowns"

MEMBER, COLLABORATOR, RESOURCE, USER, SETTING = (
    "member",
    "collaborator",
    "resource",
    "user",
    "setting",
)
ORGANIZATION, GROUP = "organization", "group"
# Who may do what: shown to administrators alone.
PERMISSIONS = (MEMBER, COLLABORATOR)

CREATED, CHANGED, DELETED, RESTORED, PURGED, TAKEN_DOWN = ACTIONS = (
    "created",
    "changed",
    "deleted",
    "restored",
    "purged",
    "taken_down",
)
COMMAND_LINE, JOB, API, WEB = ORIGINS = ("command_line", "job", "api", "web")

# Changes of these alone are no change of the record.
_IGNORED = frozenset({"metadata_modified", "metadata_created", "last_modified", "modified"})
_ALONE_IGNORED = frozenset({"position"})
# Fields whose values are kept.
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
_OF_USERS = frozenset({"state", "sysadmin", "name"})
_CONFIG_UPDATE = "ckan.config_update"
_LONGEST_VALUE = 100


class AuditEntry(tk.BaseModel):
    """One change of one record.

    Attributes:
        user_name: as it was then; empty where nobody was logged in, or on the command line.
        origin: one of :data:`ORIGINS`.
        kind: a dataset type, or ``resource``, ``organization``, ``group``, ``member``, …
        action: one of :data:`ACTIONS`.
        record: id of what changed; of a membership the user's.
        parent: id of the dataset that a file belongs to, of the organisation of a member.
        parent_kind: the dataset type of ``parent``.
        organization: id of the organisation that it belonged to then.
        former: id of the organisation that it left with this change.
        label: what it was called, kept when it is purged.
        changes: field → ``null``, or a list of the former and the new value.
    """

    __tablename__ = "marathon_audit"

    number = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)
    at = sa.Column(sa.DateTime(timezone=True), nullable=False)
    user_id = sa.Column(sa.UnicodeText)
    user_name = sa.Column(sa.UnicodeText)
    origin = sa.Column(sa.UnicodeText, nullable=False)
    kind = sa.Column(sa.UnicodeText, nullable=False)
    action = sa.Column(sa.UnicodeText, nullable=False)
    record = sa.Column(sa.UnicodeText, nullable=False)
    parent = sa.Column(sa.UnicodeText)
    parent_kind = sa.Column(sa.UnicodeText)
    organization = sa.Column(sa.UnicodeText)
    former = sa.Column(sa.UnicodeText)
    label = sa.Column(sa.UnicodeText)
    changes = sa.Column(JSONB, nullable=False)

    __table_args__ = tuple(
        sa.Index(f"idx_marathon_audit_{name}", name, "number")
        for name in ("organization", "former", "record", "parent", "user_id")
    )


@dataclass
class Draft:
    """What a transaction has done to one record so far; the fields are those of the entry."""

    kind: str
    record: str
    action: str = CHANGED
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


def note_actor(user: str | None) -> None:
    """Say who acts, by name, where no request does: in jobs and on the command line."""
    if user and not flask.has_request_context():
        model.Session().info[_ACTOR] = user


def note_takedown(package: model.Package) -> None:
    """Say that the purge that follows in this transaction is a takedown."""
    model.Session().info.setdefault(_GONE, set()).add(package.id)


def note_flush(session: Any) -> None:
    """Note what a session has flushed; called while it still knows what changed."""
    drafts: Drafts = session.info.setdefault(_KEY, {})
    for each in session.new:
        _note(drafts, each, CREATED)
    for each in session.dirty:
        if session.is_modified(each):
            _note(drafts, each, CHANGED)
    for each in session.deleted:
        _note(drafts, each, PURGED)


def forget_notes(session: Any) -> None:
    """Forget what was noted, after a commit or a rollback."""
    for key in (_KEY, _ACTOR, _GONE):
        session.info.pop(key, None)


def _note(drafts: Drafts, thing: Any, action: str) -> None:
    draft = _draft_of(thing)
    if draft is None:
        return
    changes = _changes(thing, action)
    if isinstance(thing, model.User):
        changes = {name: each for name, each in changes.items() if name in _OF_USERS}
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


def _changes(thing: Any, action: str) -> dict[str, Any]:
    """Return which fields changed: name → ``None``, or the former and the new value."""
    inspected: Any = sa.inspect(thing)
    found: dict[str, Any] = {}
    for attribute in inspected.mapper.column_attrs:
        name = attribute.key
        history = inspected.attrs[name].history
        if name in _IGNORED or not history.has_changes():
            continue
        former = history.deleted[0] if history.deleted else None
        new = history.added[0] if history.added else None
        if name == "extras":
            found |= _changes_of_extras(former, new)
        elif name in _SHOWN:
            found[name] = [_short(former), _short(new)]
        elif action == CHANGED and former != new:
            found[name] = None
    return found


def _changes_of_extras(former: Any, new: Any) -> dict[str, Any]:
    before, after = dict(former or {}), dict(new or {})
    changed = [name for name in {*before, *after} if before.get(name) != after.get(name)]
    return {
        name: [_short(before.get(name)), _short(after.get(name))] if name in _SHOWN else None
        for name in sorted(changed)
    }


def _short(value: Any) -> Any:
    return value[:_LONGEST_VALUE] if isinstance(value, str) else value


def write_entries(session: Any) -> None:
    """Write what was noted, in one statement; nothing is committed."""
    drafts: Drafts = session.info.pop(_KEY, None) or {}
    changed = [each for each in drafts.values() if each.settle()]
    if not changed:
        return
    gone: set[str] = session.info.get(_GONE, set())
    packages = _packages(session, drafts, changed)
    actor = _actor(session)
    rows = [row for each in changed if (row := _row(each, packages, gone, actor)) is not None]
    if gone:
        _scrub(session, gone)
    if rows:
        session.connection().execute(sa.insert(AuditEntry), rows)


def _packages(session: Any, drafts: Drafts, changed: list[Draft]) -> dict[str, tuple[Any, Any]]:
    """Return id → type and owner of the datasets that files, tags and collaborators belong to."""
    found = {
        each.record: (each.kind, each.organization)
        for key, each in drafts.items()
        if key[0] == "package" and each.kind
    }
    wanted = {each.parent for each in changed if each.kind in (RESOURCE, COLLABORATOR)}
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
    elif kind in (RESOURCE, COLLABORATOR):
        parent_kind, organization = packages.get(draft.parent or "", (None, None))
    if not kind:
        return None
    if {draft.record, draft.parent} & gone and draft.action == PURGED:
        if draft.record not in gone:
            # Its files go with it.
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
    """Remove what these records were called."""
    session.connection().execute(
        sa.update(AuditEntry)
        .where(sa.or_(AuditEntry.record.in_(gone), AuditEntry.parent.in_(gone)))
        .values(label=None)
    )


def _actor(session: Any) -> dict[str, Any]:
    """Return who acts: ``user_id``, ``user_name`` and ``origin``."""
    if flask.has_request_context():
        person = flask.g.get("userobj")
        name = flask.g.get("user") or None
        inspected: Any = sa.inspect(person, raiseerr=False)
        identity = inspected.identity if inspected is not None else None
        origin = API if flask.request.path.startswith("/api/") else WEB
        return {"user_id": identity[0] if identity else None, "user_name": name, "origin": origin}
    name = session.info.get(_ACTOR)
    if name == tk.config.get("ckan.site_id"):
        name = None
    id_ = None
    if name:
        query = sa.select(model.User.id).where(
            sa.or_(model.User.name == name, cast(Any, model.User.id) == name)
        )
        id_ = session.scalar(query.limit(1))
    origin = JOB if rq.get_current_job() else COMMAND_LINE
    return {"user_id": id_, "user_name": name, "origin": origin}
