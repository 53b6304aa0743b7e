"""Notes in the database about packages that still have to be indexed.

CKAN indexes a package before the transaction of the save is committed, and a background job indexes
dependent records. Either may be lost: the process is killed, the transaction fails, or Valkey is
down. A note means that a package may differ between database and index. There are two kinds:

- A note is written in a transaction of its own before a package is indexed whose save is not
  committed yet, and deleted after the commit. If it stays, the save was interrupted.
- A note is written in the transaction of a save that changes what other records show.

Saves only add and delete rows, so that no save waits for another one here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.marathon.visibility import filter_public

# Longer than any transaction lasts after its first update of Solr.
UNFINISHED_AFTER = timedelta(minutes=5)


class IndexNote(tk.BaseModel):
    """A package that may differ in the index, and the time from which a job should check it."""

    __tablename__ = "marathon_index_note"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    package_id: Mapped[str] = mapped_column(sa.UnicodeText, index=True)
    due: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), index=True)


def note_packages(package_ids: Iterable[str]) -> None:
    """Note packages within the session's transaction, due as soon as it is committed."""
    rows = [{"package_id": id_} for id_ in sorted(set(package_ids))]
    if rows:
        due = sa.func.clock_timestamp()
        model.Session.execute(sa.insert(IndexNote).values(due=due), rows)


def note_package_beforehand(package_id: str) -> int:
    """Note a package in a transaction of its own; return the id of the note."""
    due = sa.func.clock_timestamp() + UNFINISHED_AFTER
    note = sa.insert(IndexNote).values(package_id=package_id, due=due).returning(IndexNote.id)
    with _engine().begin() as connection:
        return connection.execute(note).scalar_one()


def delete_notes(notes: Collection[int]) -> None:
    """Delete notes in a separate transaction. If it is lost, the package is only indexed again."""
    with _engine().begin() as connection:
        connection.execute(sa.text("SET LOCAL synchronous_commit = off"))
        connection.execute(sa.delete(IndexNote).where(IndexNote.id.in_(notes)))


def make_notes_due(notes: Collection[int]) -> None:
    """Make notes due now, in a separate transaction."""
    with _engine().begin() as connection:
        due = {"due": sa.func.clock_timestamp()}
        connection.execute(sa.update(IndexNote).where(IndexNote.id.in_(notes)).values(due))


def claim_next_package() -> tuple[str, list[int]] | None:
    """Return the id of a due package and its notes, locked until the session's commit."""
    due = IndexNote.due <= sa.func.clock_timestamp()
    first = model.Session.execute(
        sa.select(IndexNote.id, IndexNote.package_id)
        .where(due)
        .order_by(IndexNote.due, IndexNote.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if first is None:
        return None
    others = sa.select(IndexNote.id).where(due, IndexNote.package_id == first.package_id)
    notes = model.Session.scalars(others.with_for_update(skip_locked=True))
    return first.package_id, sorted({first.id, *notes})


def claim_packages(package_ids: Collection[str]) -> list[int]:
    """Return the due notes about packages, locked until the session's commit.

    Notes that another process has locked are left out: it indexes their packages itself.
    """
    query = sa.select(IndexNote.id).where(
        IndexNote.due <= sa.func.clock_timestamp(), IndexNote.package_id.in_(package_ids)
    )
    return sorted(model.Session.scalars(query.with_for_update(skip_locked=True)))


def settle_notes(notes: Collection[int]) -> None:
    """Delete notes whose package was indexed; commits nothing."""
    model.Session.execute(sa.delete(IndexNote).where(IndexNote.id.in_(notes)))


def postpone_notes(notes: Collection[int], delay: timedelta) -> None:
    """Postpone notes of a package that cannot be indexed; commits nothing."""
    later = sa.func.clock_timestamp() + delay
    model.Session.execute(
        sa.update(IndexNote).where(IndexNote.id.in_(notes)).values({"due": later})
    )


def count_due_packages(age: timedelta = timedelta(0)) -> int:
    """Return the number of packages that have been due for longer than ``age``."""
    packages = sa.func.count(sa.distinct(IndexNote.package_id))
    query = sa.select(packages).where(IndexNote.due <= sa.func.clock_timestamp() - age)
    return model.Session.scalar(query) or 0


class StoredState(NamedTuple):
    """The state of a package in the database, for a package that a search has found.

    Attributes:
        is_due: whether the index may lack its last change.
    """

    state: str
    is_public: bool
    is_due: bool


def read_stored_states(package_ids: Collection[str]) -> dict[str, StoredState]:
    """Return id → state of the packages that exist, in one query."""
    package = model.Package
    noted = sa.exists().where(
        IndexNote.package_id == package.id, IndexNote.due <= sa.func.clock_timestamp()
    )
    query = sa.select(package.id, package.state, filter_public(package), noted)
    rows = model.Session.execute(query.where(package.id.in_(package_ids)))
    return {id_: StoredState(*rest) for id_, *rest in rows}


def list_suspects() -> set[str]:
    """Return the ids of noted packages that are not public or do not exist."""
    query = (
        sa.select(IndexNote.package_id)
        .outerjoin(model.Package, model.Package.id == IndexNote.package_id)
        .where(sa.or_(model.Package.id.is_(None), sa.not_(filter_public(model.Package))))
    )
    return set(model.Session.scalars(query))


def _engine() -> sa.Engine:
    assert model.meta.engine is not None
    return model.meta.engine
