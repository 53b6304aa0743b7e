"""Records that were taken down for legal reasons: when, why and by whom, and nothing of them.

A row is written in the transaction that purges the record. It also says which places outside of
the database still have to be cleaned, so that whoever comes after a crash can finish.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import ARRAY, insert

_EMPTY = sa.text("'{}'")
# Any number: the lock on taking down what a restored backup brought back.
_LOCK = 6_172_031_113


class Takedown(tk.BaseModel):
    """One record that was taken down.

    Attributes:
        thing: its id in CKAN.
        kind: its dataset type.
        files: how many uploaded files it had.
        resources: ids of its resources: files and tables elsewhere are named after them.
        neighbours: ids of records whose place in the index shows what it was called.
        pending: steps of ``logic/erasing.py`` that have not succeeded yet.
    """

    __tablename__ = "marathon_takedown"

    thing = sa.Column(sa.UnicodeText, primary_key=True)
    kind = sa.Column(sa.UnicodeText, nullable=False)
    reason = sa.Column(sa.UnicodeText, nullable=False)
    files = sa.Column(sa.Integer, nullable=False)
    at = sa.Column(sa.DateTime(timezone=True), nullable=False)
    user_id = sa.Column(sa.UnicodeText)
    resources = sa.Column(ARRAY(sa.UnicodeText), nullable=False, server_default=_EMPTY)
    neighbours = sa.Column(ARRAY(sa.UnicodeText), nullable=False, server_default=_EMPTY)
    pending = sa.Column(ARRAY(sa.UnicodeText), nullable=False, server_default=_EMPTY)


def record_takedown(
    thing: str,
    kind: str,
    reason: str,
    files: int,
    user_id: str | None,
    *,
    resources: Collection[str] = (),
    neighbours: Collection[str] = (),
    pending: Collection[str] = (),
    at: datetime | None = None,
) -> None:
    """Write down that a record is taken down; nothing is committed.

    One that is on the list already keeps its date, reason and author; what is left to remove is
    added.
    """
    known = find_takedown(thing)
    if known is not None:
        resources = {*resources, *known.resources}
        neighbours = {*neighbours, *known.neighbours}
        pending = [*pending, *(each for each in known.pending if each not in pending)]
    statement = insert(Takedown).values(
        thing=thing,
        kind=kind,
        reason=reason,
        files=files,
        at=at or sa.func.clock_timestamp(),
        user_id=user_id,
        resources=sorted(set(resources)),
        neighbours=sorted(set(neighbours)),
        pending=list(pending),
    )
    new = statement.excluded
    model.Session.execute(
        statement.on_conflict_do_update(
            index_elements=["thing"],
            set_={
                "files": sa.func.greatest(Takedown.__table__.c.files, new.files),
                "resources": new.resources,
                "neighbours": new.neighbours,
                "pending": new.pending,
            },
        )
    )


def list_takedowns() -> list[sa.Row]:
    """Return the columns of all, the newest first."""
    query = sa.select(*Takedown.__table__.columns).order_by(Takedown.at.desc(), Takedown.thing)
    return list(model.Session.execute(query).all())


def find_takedown(thing: str) -> sa.Row | None:
    """Return the columns of one, ``None`` if there is none of this id."""
    query = sa.select(*Takedown.__table__.columns).where(Takedown.thing == thing)
    return model.Session.execute(query).one_or_none()


def list_unfinished() -> list[str]:
    """Return the ids of those of which something is left to remove, the oldest first."""
    query = sa.select(Takedown.thing).where(sa.func.cardinality(Takedown.pending) > 0)
    return list(model.Session.scalars(query.order_by(Takedown.at, Takedown.thing)))


def list_returned() -> list[str]:
    """Return the ids of those that are in the database nevertheless: a backup brought them back."""
    query = sa.select(Takedown.thing).join(model.Package, model.Package.id == Takedown.thing)
    return list(model.Session.scalars(query.order_by(Takedown.at, Takedown.thing)))


def settle_step(thing: str, step: str) -> None:
    """Write down that a step is done; nothing is committed."""
    model.Session.execute(
        sa.update(Takedown)
        .where(Takedown.thing == thing)
        .values(pending=sa.func.array_remove(Takedown.pending, sa.cast(step, sa.UnicodeText)))
        .execution_options(synchronize_session=False)
    )


def hold_lock() -> None:
    """Wait until no other process applies the list; held until the end of the connection's turn."""
    model.Session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
