"""How often the database is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from ckan import model


@contextmanager
def asked() -> Iterator[list[str]]:
    """Collect the queries that are sent meanwhile."""
    queries: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        queries.append(statement)

    sa.event.listen(model.meta.engine, "before_cursor_execute", note)
    try:
        yield queries
    finally:
        sa.event.remove(model.meta.engine, "before_cursor_execute", note)
