"""The DataStore of the site: tables of files, made through its own actions and filled by COPY.

The DataStore is a database of its own. Its plugin may be missing: then nothing is stored, and the
pages show the first rows that are kept beside the record (``model/table.py``).

Tables are made by ``datastore_create``, which gives them the trigger of the full-text index. COPY
fires it too, and is five times as fast as ``datastore_upsert``. CKAN's actions would also save the
record to set ``datastore_active``; that would be a change of the dataset, so it is set here first.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import wraps
from typing import Any, NamedTuple

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context
from psycopg2 import sql
from sqlalchemy.exc import SQLAlchemyError

from ckanext.marathon.model import disk

log = logging.getLogger(__name__)

# The longest identifier of PostgreSQL, in bytes.
LONGEST_NAME = 63


class StoreColumn(NamedTuple):
    """A column of a table in the DataStore.

    Attributes:
        name: its name, a valid one.
        type: its type in PostgreSQL.
        label: its heading in the file.
    """

    name: str
    type: str
    label: str


# CKAN workaround: datastore-on-full-disk
def allow_start_on_full_disk() -> None:
    """Let CKAN start with the DataStore while the disk is full.

    The DataStore creates a table at the start, to check that its reader cannot write. Without
    room CKAN would not start, and nobody could read the site or ask ``doctor`` why.
    """
    if "datastore" not in tk.aslist(tk.config["ckan.plugins"]):
        return
    from ckanext.datastore.backend.postgres import DatastorePostgresqlBackend

    configure = DatastorePostgresqlBackend.configure
    if hasattr(configure, "__wrapped__"):
        return

    @wraps(configure)
    def configure_without_room(self: Any, config: Any) -> None:
        try:
            configure(self, config)
        except SQLAlchemyError as fault:
            if not disk.is_disk_full(fault):
                raise
            log.warning("The DataStore's permissions were not checked: the disk is full")

    DatastorePostgresqlBackend.configure = configure_without_room


def is_available() -> bool:
    """Return whether the site has a DataStore."""
    return p.plugin_loaded("datastore")


def has_table(resource_id: str) -> bool:
    """Return whether the DataStore has the table of a file."""
    return is_available() and _get_backend().resource_exists(resource_id)


def list_table_ids() -> set[str]:
    """Return the names of all tables of the DataStore; empty without one."""
    if not is_available():
        return set()
    from ckanext.datastore.backend import get_all_resources_ids_in_datastore

    return set(get_all_resources_ids_in_datastore())


def store_rows(
    resource_id: str,
    columns: Sequence[StoreColumn],
    rows: Iterable[Sequence[str | None]],
    is_new: bool = False,
) -> int:
    """Make the table of a file have these rows; return their number.

    A table with the same columns is filled in one transaction: readers see the former rows until
    the new ones are there. With other columns it is made again.

    Args:
        resource_id: id of the file, which exists.
        columns: its columns.
        rows: cells as PostgreSQL reads them, ``None`` for an empty one.
        is_new: whether to make the table again in any case, so that no former row is left on the
            disk.

    Raises:
        ckan.plugins.toolkit.ValidationError: the DataStore refuses the columns.
        sqlalchemy.exc.DBAPIError: it refuses the rows, or does not answer.
    """
    wanted = [(column.name, column.type) for column in columns]
    if has_table(resource_id) and (is_new or _read_columns(resource_id) != wanted):
        drop_table(resource_id)
    if not has_table(resource_id):
        _set_active(resource_id, True)
        _call(
            "datastore_create",
            {
                "resource_id": resource_id,
                "fields": [
                    {"id": name, "type": type_, "info": {"label": label}}
                    for name, type_, label in columns
                ],
                "force": True,
                "calculate_record_count": False,
            },
        )
    count = _copy(resource_id, columns, rows)
    _get_backend().calculate_record_count(resource_id)
    _set_active(resource_id, True)
    return count


def drop_table(resource_id: str) -> None:
    """Drop the table of a file, if there is one, also if the file no longer exists."""
    if not is_available():
        return
    backend = _get_backend()
    if backend.resource_exists(resource_id):
        backend.delete(Context(), {"resource_id": resource_id})
    _set_active(resource_id, False)


def _get_backend() -> Any:
    from ckanext.datastore.backend import DatastoreBackend

    return DatastoreBackend.get_active_backend()


def _call(action: str, data: dict[str, Any]) -> Any:
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})
    return tk.get_action(action)({"ignore_auth": True, "user": user["name"]}, data)


def _set_active(resource_id: str, is_active: bool) -> None:
    """Say in the file's description whether it has a table; commits."""
    resource = model.Session.get(model.Resource, resource_id)
    if resource is None:
        return
    extras = dict(resource.extras or {})
    if bool(extras.get("datastore_active")) == is_active:
        return
    resource.extras = {**extras, "datastore_active": is_active}
    model.Session.commit()


def _read_columns(resource_id: str) -> list[tuple[str, str]]:
    found = _get_backend().resource_fields(resource_id, include_meta=False)["fields"]
    return [(field["id"], field["type"]) for field in found if not field["id"].startswith("_")]


def _copy(
    resource_id: str, columns: Sequence[StoreColumn], rows: Iterable[Sequence[str | None]]
) -> int:
    from ckanext.datastore.backend.postgres import get_write_engine

    table = sql.Identifier(resource_id)
    names = sql.SQL(", ").join(sql.Identifier(name) for name in ("_id", *_names(columns)))
    lines = CopyLines(rows)
    # psycopg2's, which has COPY.
    connection: Any = get_write_engine().raw_connection()
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("DELETE FROM {}").format(table))
            cursor.copy_expert(sql.SQL("COPY {} ({}) FROM STDIN").format(table, names), lines)
            # Rows that somebody adds later have the numbers after these.
            sequence = sql.SQL("pg_get_serial_sequence({}, '_id')").format(
                sql.Literal(table.as_string(cursor))
            )
            cursor.execute(
                sql.SQL("SELECT setval({}, {}, {})").format(
                    sequence, sql.Literal(max(lines.count, 1)), sql.Literal(lines.count > 0)
                )
            )
        connection.commit()
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("ANALYZE {}").format(table))
        connection.commit()
    finally:
        connection.close()
    return lines.count


def _names(columns: Sequence[StoreColumn]) -> list[str]:
    return [column.name for column in columns]


class CopyLines(io.RawIOBase):
    """Rows as the lines that PostgreSQL's COPY reads, numbered from 1, made while it reads.

    Attributes:
        count: the number of rows that were read.
    """

    def __init__(self, rows: Iterable[Sequence[str | None]]) -> None:
        """Begin before the first row."""
        super().__init__()
        self.count = 0
        self._lines = self._write(rows)
        self._rest = b""

    def readable(self) -> bool:
        """Return that this can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return at most ``size`` bytes; nothing at the end."""
        parts, length = [self._rest], len(self._rest)
        while size < 0 or length < size:
            line = next(self._lines, None)
            if line is None:
                break
            parts.append(line)
            length += len(line)
        text = b"".join(parts)
        if size < 0:
            self._rest = b""
            return text
        self._rest = text[size:]
        return text[:size]

    def _write(self, rows: Iterable[Sequence[str | None]]) -> Iterator[bytes]:
        for row in rows:
            self.count += 1
            cells = (str(self.count), *map(_escape, row))
            yield ("\t".join(cells) + "\n").encode("utf-8", "replace")


_ESCAPED = str.maketrans(
    {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\x00": None, "\x08": "\\b"}
)


def _escape(cell: str | None) -> str:
    return "\\N" if cell is None else cell.translate(_ESCAPED)
