"""What a database holds, so that a copy of it can be compared with the original."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True)
class DatabaseState:
    """What two copies of a database have in common; see :class:`.Manifest`."""

    counts: dict[str, int]
    migrations: dict[str, str]
    feed: dict[str, Any]


def read_state(connection: sa.Connection) -> DatabaseState:
    """Return counts, migrations and the feed's state of the database of a connection."""
    tables = connection.scalars(
        sa.text(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
            " AND relnamespace = 'public'::regnamespace ORDER BY relname"
        )
    ).all()
    counts = {
        name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0
        for name in tables
    }
    migrations = {}
    for name in tables:
        if name.endswith("alembic_version"):
            plugin = name.removesuffix("alembic_version").rstrip("_") or "ckan"
            query = sa.select(sa.column("version_num")).select_from(sa.table(name))
            revision = connection.scalar(query)
            migrations[plugin] = str(revision or "")
    return DatabaseState(counts, migrations, _read_feed(connection, tables))


def _read_feed(connection: sa.Connection, tables: Sequence[str]) -> dict[str, Any]:
    """Return the state of the feed's log; nothing of what an earlier version's tables lack."""
    if "marathon_feed_clock" not in tables:
        return {}
    clock = connection.scalar(sa.text("SELECT to_jsonb(clock) FROM marathon_feed_clock AS clock"))
    feed = {name: clock[name] for name in _CLOCK if name in clock} if clock else {}
    if "mark" in feed:
        feed["mark"] = f"{feed['mark']:x}"
    digest = hashlib.sha256()
    for row in connection.execute(sa.text(_ENTRIES), execution_options={"yield_per": 5_000}):
        digest.update(repr(tuple(row)).encode())
    return {**feed, "digest": digest.hexdigest()}


_CLOCK = ("epoch", "number", "mark", "base")
_ENTRIES = """
    SELECT iri, kind, slot, encode(digest, 'hex'), changed FROM marathon_feed_entry
    ORDER BY iri COLLATE "C"
"""


def read_takedowns(connection: sa.Connection) -> list[dict[str, Any]]:
    """Return the rows of what was taken down, as ``marathon_takedown_list`` returns them."""
    if not sa.inspect(connection).has_table("marathon_takedown"):
        return []
    rows = connection.execute(sa.text("SELECT * FROM marathon_takedown ORDER BY at, thing"))
    found = []
    for row in rows.mappings():
        values = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        found.append({"id": values.pop("thing"), "type": values.pop("kind"), **values})
    return found
