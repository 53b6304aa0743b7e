"""Who changed what and when: a row of ``marathon_audit`` for every record that is changed.

Written in the transaction of the change itself, from what the session flushes
(``model/auditing.py``), so that no form, API, command or plugin goes around it. Rows are added and
never changed, with one exception: a takedown removes what a record was called.

Of texts only the names of the fields are kept, so that nothing has to be hunted for when a record
is taken down; short values that are no content (state, owner, status of an idea, a person's role)
are kept as they were and as they became.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import JSONB

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
COMMAND_LINE, JOB, API, WEB, IMPORT = ORIGINS = ("command_line", "job", "api", "web", "import")


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


@dataclass(frozen=True)
class Sight:
    """What somebody may read of the record (docs/permissions.md).

    Attributes:
        everything: a system administrator.
        organizations: ids of the organisations that they are a member of.
        administered: ids of those that they administer: they also see who was given which role.
        kinds: dataset types of which they see everybody's.
    """

    everything: bool = False
    organizations: frozenset[str] = frozenset()
    administered: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AuditFilter:
    """Which entries are asked for; ``None`` is any. ``until`` itself is left out."""

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
) -> list[sa.Row]:
    """Return the columns of the entries that somebody may see, the newest first.

    Args:
        sight: what they may see.
        wanted: what they ask for.
        limit: how many at most.
        before: only those with a smaller number.
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
    return list(model.Session.execute(query.order_by(entry.number.desc()).limit(limit)).all())


def is_deleted_since(record: str, parent: str, since: datetime) -> bool:
    """Return whether a record of another one, such as a file, was deleted from it after a time."""
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
