"""The tables that were read from uploaded files: their state, their columns and first rows.

There is a row for every file that can have a table. A save that changes a file, or deletes its
record, sets the row to be worked off in the same transaction, so that nothing is forgotten if no
job can be queued. A background job (``logic/table.py``) reads the file, keeps the first rows here,
and fills the table of the DataStore, if the site has one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.marathon.model import datastore
from ckanext.marathon.records import OTHER_TYPES

# Longer than any job may take: an older load was interrupted.
INTERRUPTED_AFTER = timedelta(hours=2)
#: Extensions and formats of files that may have a table.
TABLE_FORMATS = frozenset({"csv", "tsv", "tab", "xlsx", "xlsm", "xlsb", "xls", "ods"})


class TableState(StrEnum):
    """The state of a file's table.

    ``GONE``: the file or its record is deleted, and its table has to be dropped.
    """

    WAITING = "waiting"
    LOADING = "loading"
    LOADED = "loaded"
    FAILED = "failed"
    GONE = "gone"


class FileTable(tk.BaseModel):
    """The table of one uploaded file.

    Attributes:
        resource_id: id of the file, and name of its table in the DataStore.
        package_id: id of its record.
        state: a :class:`TableState`.
        version: what tells this file from the one that was uploaded before or after it.
        since: since when it has this state.
        sheets: the sheets with their columns, numbers of rows and first rows
            (``logic/table.py``).
        fault: why there is no table: ``code`` and its values.
        is_stored: whether the DataStore may have its table.
        is_erased: whether its former rows are to be erased, and not only replaced.
    """

    __tablename__ = "marathon_table"

    resource_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    package_id: Mapped[str] = mapped_column(sa.UnicodeText, index=True)
    state: Mapped[str] = mapped_column(sa.UnicodeText, index=True)
    version: Mapped[str] = mapped_column(sa.UnicodeText)
    since: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    sheets: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=sa.text("'[]'"))
    fault: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=sa.text("'{}'"))
    is_stored: Mapped[bool] = mapped_column(sa.Boolean, server_default=sa.text("false"))
    is_erased: Mapped[bool] = mapped_column(sa.Boolean, server_default=sa.text("false"))


class ClaimedTable(NamedTuple):
    """A table that a job works on.

    Attributes:
        is_gone: whether it has to be dropped instead of loaded.
        is_erased: whether its former rows are to be erased.
    """

    resource_id: str
    package_id: str
    version: str
    is_gone: bool
    is_erased: bool


def find_table(resource_id: str) -> FileTable | None:
    """Return a copy of the row of a file, which belongs to no session; ``None`` if none."""
    query = sa.select(*FileTable.__table__.columns).where(FileTable.resource_id == resource_id)
    row = model.Session.execute(query).mappings().one_or_none()
    return FileTable(**row) if row else None


def list_states(package_ids: Collection[str]) -> dict[str, str]:
    """Return file id → state of the tables of packages."""
    query = sa.select(FileTable.resource_id, FileTable.state)
    rows = model.Session.execute(query.where(FileTable.package_id.in_(package_ids)))
    return {row.resource_id: row.state for row in rows}


def may_have_table(name: str, file_format: str) -> bool:
    """Return whether a file may have a table, by the extension of its name or by its format."""
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    return (extension or file_format.strip().lower()) in TABLE_FORMATS


def note_packages(package_ids: Iterable[str]) -> bool:
    """Set the tables of packages to be loaded or dropped, if their files ask for it.

    Called within the transaction of a save; commits nothing.

    Returns:
        whether a job has something to do.
    """
    ids = sorted(set(package_ids))
    if not ids:
        return False
    table = FileTable
    rows = model.Session.execute(
        sa.select(table.resource_id, table.version, table.state).where(table.package_id.in_(ids))
    )
    known = {row.resource_id: row for row in rows}
    wanted = {file.id: file for file in _list_files(ids)}
    new = [
        {
            "resource_id": file.id,
            "package_id": file.package_id,
            "state": TableState.WAITING.value,
            "version": _identify(file),
            "since": sa.func.clock_timestamp(),
        }
        for file in wanted.values()
        if file.id not in known
        or known[file.id].version != _identify(file)
        or known[file.id].state == TableState.GONE
    ]
    gone = [id_ for id_, row in known.items() if id_ not in wanted and row.state != TableState.GONE]
    for values in new:
        statement = insert(FileTable).values(**values)
        changed = {name: statement.excluded[name] for name in values if name != "resource_id"}
        # The first rows of the former file disappear with it.
        changed |= {"sheets": [], "fault": {}}
        model.Session.execute(
            statement.on_conflict_do_update(index_elements=["resource_id"], set_=changed)
        )
    if gone:
        model.Session.execute(
            sa.update(FileTable)
            .where(FileTable.resource_id.in_(gone))
            .values(state=TableState.GONE, since=sa.func.clock_timestamp(), sheets=[], fault={})
            .execution_options(synchronize_session=False)
        )
    return bool(new or gone)


def _list_files(package_ids: Collection[str]) -> list[Any]:
    """Return the uploaded files of packages that may have a table."""
    resource, package = model.Resource, model.Package
    query = (
        sa.select(
            *(getattr(resource, name) for name in ("id", "package_id", "url", "format")),
            *(getattr(resource, name) for name in ("hash", "size", "last_modified")),
        )
        .join(package, package.id == resource.package_id)
        .where(
            package.id.in_(package_ids),
            package.state != model.State.DELETED,
            # Lists of a workshop or an idea may name people.
            package.type.not_in(OTHER_TYPES),
            resource.state == model.State.ACTIVE,
            resource.url_type == "upload",
        )
    )
    return [
        file
        for file in model.Session.execute(query)
        if may_have_table(file.url or "", file.format or "")
    ]


def _identify(file: Any) -> str:
    """Return what tells a file from its former and later ones: its checksum and its name."""
    # Files that were uploaded before the plugin was installed may have no checksum.
    what = file.hash or f"{file.size} {file.last_modified}"
    return f"{what} {file.url}"


def claim_next_table() -> ClaimedTable | None:
    """Return the next table to be loaded or dropped, which no other job gets; commits.

    A load that a killed process left unfinished is taken up again.
    """
    table = FileTable
    now = sa.func.clock_timestamp()
    due = sa.or_(
        table.state.in_([TableState.WAITING, TableState.GONE]),
        sa.and_(table.state == TableState.LOADING, table.since < now - INTERRUPTED_AFTER),
    )
    query = sa.select(table.resource_id, table.package_id, table.version, table.state)
    row = model.Session.execute(
        query.add_columns(table.is_stored, table.is_erased)
        .where(due)
        .order_by(table.since, table.resource_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        model.Session.rollback()
        return None
    is_gone = row.state == TableState.GONE
    if not is_gone:
        # The DataStore gets the table outside of this transaction.
        is_stored = row.is_stored or datastore.is_available()
        values = {"state": TableState.LOADING, "since": now, "is_stored": is_stored}
        _update(row.resource_id, values)
        model.Session.commit()
    else:
        # The row stays until the table is dropped; another job may drop it at the same time.
        model.Session.rollback()
    return ClaimedTable(row.resource_id, row.package_id, row.version, is_gone, row.is_erased)


def settle_table(claimed: ClaimedTable, **values: Any) -> bool:
    """Store the result of a load, unless the file was replaced or deleted meanwhile; no commit.

    Returns:
        whether the result was stored.
    """
    table = FileTable
    result: Any = model.Session.execute(
        sa.update(FileTable)
        .where(
            table.resource_id == claimed.resource_id,
            table.version == claimed.version,
            table.state == TableState.LOADING,
        )
        .values(since=sa.func.clock_timestamp(), **values)
        .execution_options(synchronize_session=False)
    )
    return result.rowcount == 1


def forget_table(resource_id: str) -> None:
    """Delete the row of a file whose table was dropped, unless it is wanted again; no commit."""
    model.Session.execute(
        sa.delete(FileTable).where(
            FileTable.resource_id == resource_id, FileTable.state == TableState.GONE
        )
    )


def mark_for_new(resource_id: str) -> None:
    """Note that the table of a file is to be made again, so that no former row is left.

    Called before the file is replaced; commits nothing.
    """
    _update(resource_id, {"version": "", "is_erased": True})


def note_again(resource_ids: Collection[str]) -> None:
    """Set tables to be loaded again, whatever their state is; commits nothing."""
    model.Session.execute(
        sa.update(FileTable)
        .where(FileTable.resource_id.in_(resource_ids), FileTable.state != TableState.GONE)
        .values(state=TableState.WAITING, since=sa.func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )


def _update(resource_id: str, values: dict[str, Any]) -> None:
    model.Session.execute(
        sa.update(FileTable)
        .where(FileTable.resource_id == resource_id)
        .values(values)
        .execution_options(synchronize_session=False)
    )


def count_due_tables(age: timedelta = timedelta(0)) -> int:
    """Return the number of tables that have been waiting for longer than ``age``."""
    query = sa.select(sa.func.count()).where(
        FileTable.state.in_([TableState.WAITING, TableState.GONE]),
        FileTable.since <= sa.func.clock_timestamp() - age,
    )
    return model.Session.scalar(query) or 0


def list_tables(state: TableState | None = None) -> list[Any]:
    """Return id, package, state, version, fault and ``is_stored`` of all tables, or of a state."""
    table = FileTable
    query = sa.select(table.resource_id, table.package_id, table.state, table.version)
    query = query.add_columns(table.fault, table.is_stored).order_by(table.resource_id)
    if state is not None:
        query = query.where(table.state == state)
    return list(model.Session.execute(query))


def list_packages_with_files() -> list[str]:
    """Return the ids of all packages with uploaded files, and of those with tables."""
    uploads = sa.select(model.Resource.package_id).where(model.Resource.url_type == "upload")
    tables = sa.select(FileTable.package_id)
    return sorted(filter(None, model.Session.scalars(sa.union(uploads, tables))))
