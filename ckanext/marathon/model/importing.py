"""The ledger of imports: which file changed which records, and how.

A row of ``marathon_import`` is one import; its changes are in ``marathon_import_change``, written
in the transaction of the import. Of a changed record the fields that the import changed are stored,
with their values before and after, so that an undo restores these fields and no others. Of a
created one a digest of its content is stored, which shows whether it was edited since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column


class ImportState(StrEnum):
    """The state of an import."""

    WAITING = "waiting"
    PREVIEWED = "previewed"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"


class Import(tk.BaseModel):
    """One import.

    Attributes:
        at: when it was requested.
        user_id: id of the person.
        user_name: name of the person at that time.
        organization: id of the organisation of rows that name none; "" if none was chosen.
        files: ``name``, ``sha256`` and ``size`` of the files.
        state: an :class:`ImportState`.
        progress: rows that were looked at so far.
        report: counts and problems, for people.
        undone_at: when it was undone.
        undone_by: name of the person who undid it.
        undo: what the undo restored and what it left, for people.
    """

    __tablename__ = "marathon_import"

    id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), index=True)
    user_id: Mapped[str] = mapped_column(sa.UnicodeText, index=True)
    user_name: Mapped[str] = mapped_column(sa.UnicodeText)
    organization: Mapped[str] = mapped_column(sa.UnicodeText)
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(sa.UnicodeText)
    progress: Mapped[int] = mapped_column(sa.Integer)
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    undone_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    undone_by: Mapped[str | None] = mapped_column(sa.UnicodeText)
    undo: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class ImportChange(tk.BaseModel):
    """One record that an import created or changed.

    Attributes:
        number: position within the import, from 1.
        action: ``created`` or ``changed``.
        place: file, sheet and row, for people.
        before: field → value before, of a changed record.
        after: field → value after, of a changed record.
        digest: of the record's content after the import.
    """

    __tablename__ = "marathon_import_change"

    import_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    number: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    package_id: Mapped[str] = mapped_column(sa.UnicodeText, index=True)
    package_type: Mapped[str] = mapped_column(sa.UnicodeText)
    action: Mapped[str] = mapped_column(sa.UnicodeText)
    place: Mapped[str] = mapped_column(sa.UnicodeText)
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    digest: Mapped[str] = mapped_column(sa.UnicodeText)


class ImportFileRow(tk.BaseModel):
    """A file of an import that is not made yet, or the file of rows to mend (number 0).

    In the database, because the process that imports may be on another machine. Deleted after the
    import.
    """

    __tablename__ = "marathon_import_file"

    import_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    number: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    name: Mapped[str] = mapped_column(sa.UnicodeText)
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)


class ChangeRow(NamedTuple):
    """The values of an :class:`ImportChange`, without those of its key."""

    package_id: str
    package_type: str
    action: str
    place: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    digest: str


def add_import(row: Mapping[str, Any]) -> None:
    """Add an import; commits nothing."""
    values: dict[str, Any] = {"at": datetime.now(UTC), "report": {}, "progress": 0, **row}
    model.Session.execute(sa.insert(Import).values(**values))


def change_import(import_id: str, **values: Any) -> None:
    """Change the columns of an import; commits nothing."""
    query = sa.update(Import).where(Import.id == import_id)
    model.Session.execute(query.values(**values))


def find_import(import_id: str, is_locked: bool = False) -> Import | None:
    """Return a copy of an import, locked until the end of the transaction if that is wanted."""
    query = sa.select(*Import.__table__.columns).where(Import.id == import_id)
    if is_locked:
        query = query.with_for_update()
    row = model.Session.execute(query).mappings().first()
    return Import(**row) if row else None


def list_imports(user_id: str | None, limit: int) -> list[Import]:
    """Return copies of the imports of a person, or of all, the newest first."""
    query = sa.select(*Import.__table__.columns).order_by(Import.at.desc(), Import.id)
    if user_id is not None:
        query = query.where(Import.user_id == user_id)
    rows = model.Session.execute(query.limit(limit)).mappings()
    return [Import(**row) for row in rows]


# The number of the file of rows to mend.
TO_MEND = 0


def add_file(import_id: str, number: int, name: str, content: bytes) -> None:
    """Add a file of an import; commits nothing."""
    row = {"import_id": import_id, "number": number, "name": name, "content": content}
    model.Session.execute(sa.insert(ImportFileRow).values(**row))


def read_files(import_id: str) -> list[tuple[str, bytes]]:
    """Return name and content of the files of an import, without the one to mend."""
    row = ImportFileRow
    query = sa.select(row.name, row.content).where(row.import_id == import_id, row.number > TO_MEND)
    return [(r.name, r.content) for r in model.Session.execute(query.order_by(row.number))]


def read_file_to_mend(import_id: str) -> bytes | None:
    """Return the file with the rows that were not saved, ``None`` if all were."""
    row = ImportFileRow
    query = sa.select(row.content).where(row.import_id == import_id, row.number == TO_MEND)
    return model.Session.scalar(query)


def delete_files(import_id: str) -> None:
    """Delete the files of an import, without the one to mend; commits nothing."""
    chosen = ImportFileRow.import_id == import_id, ImportFileRow.number > TO_MEND
    model.Session.execute(sa.delete(ImportFileRow).where(*chosen))


def delete_old_files(before: datetime) -> None:
    """Delete the files of all imports that were requested before a time; commits nothing."""
    old = sa.select(Import.id).where(Import.at < before)
    model.Session.execute(sa.delete(ImportFileRow).where(ImportFileRow.import_id.in_(old)))


def note_progress(import_id: str, rows: int) -> None:
    """Store the progress of an import, in a transaction of its own."""
    assert model.meta.engine is not None
    query = sa.update(Import).where(Import.id == import_id).values(progress=rows)
    with model.meta.engine.begin() as connection:
        connection.execute(query)


def add_changes(import_id: str, first: int, rows: Sequence[ChangeRow]) -> None:
    """Add changes of an import, numbered from ``first``; commits nothing."""
    if rows:
        model.Session.execute(
            sa.insert(ImportChange),
            [
                {"import_id": import_id, "number": number, **row._asdict()}
                for number, row in enumerate(rows, first)
            ],
        )


def read_changes_backwards(import_id: str, size: int = 500) -> Iterator[ImportChange]:
    """Yield copies of the changes of an import, the last first, in blocks of ``size``."""
    before: int | None = None
    while True:
        query = sa.select(*ImportChange.__table__.columns).where(
            ImportChange.import_id == import_id
        )
        if before is not None:
            query = query.where(ImportChange.number < before)
        query = query.order_by(ImportChange.number.desc()).limit(size)
        rows = model.Session.execute(query).mappings().all()
        for row in rows:
            yield ImportChange(**row)
        if len(rows) < size:
            return
        before = rows[-1]["number"]


def erase_changes_of(package_ids: Collection[str]) -> None:
    """Delete the stored values of records that were purged; commits nothing.

    The lists of an import that had one of them go, too: they have titles and cells.
    """
    if not package_ids:
        return
    change = ImportChange
    imports = sa.select(change.import_id).where(change.package_id.in_(package_ids))
    lists = sa.cast(["records", "problems", "notices"], ARRAY(sa.Text))
    model.Session.execute(
        sa.update(Import)
        .where(Import.id.in_(imports))
        .values(report=Import.report.op("-")(lists), undo=sa.null())
    )
    model.Session.execute(
        sa.update(ImportChange)
        .where(change.package_id.in_(package_ids))
        .values(before={}, after={}, digest="")
    )
