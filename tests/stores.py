"""The DataStore of the tests, emptied and set up as ``ckan datastore set-permissions`` does."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from ckan import model


def empty_datastore() -> Any:
    """Drop all tables of the DataStore, and set its permissions; return the engine that writes."""
    from ckanext.datastore.backend.postgres import get_read_engine, get_write_engine
    from ckanext.datastore.cli import permissions_sql

    engine = get_write_engine()
    with engine.begin() as connection:
        names = sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for name in connection.execute(names).scalars().all():
            connection.execute(sa.text(f'DROP TABLE "{name}" CASCADE'))
        # The output of `ckan datastore set-permissions` also has commands of psql.
        database, user = engine.url.database, engine.url.username
        assert model.meta.engine is not None
        lines = permissions_sql(
            model.meta.engine.url.database, database, user, user, get_read_engine().url.username
        ).splitlines()
        script = "\n".join(line for line in lines if not line.startswith("\\"))
        connection.exec_driver_sql(script.replace("%", "%%"))
    return engine
