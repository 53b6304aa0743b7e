"""Loading a backup's database: in the place of the site's, or in one of its own to try it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.model import meta
from sqlalchemy.exc import ProgrammingError

from ckanext.marathon.operations import postgres_programs
from ckanext.marathon.operations.backup_manifest import DUMP, BackupFault, Manifest
from ckanext.marathon.operations.backup_state import DatabaseState, read_state

# How long dropping the present tables waits for what still uses them; what depends on them and goes
# with them is not listed.
_BEFORE = ("SET LOCAL lock_timeout = '60s'", "SET LOCAL client_min_messages = warning")


def engine() -> sa.Engine:
    """Return what connects to the site's database."""
    assert meta.engine is not None, "CKAN has made it"
    return cast("sa.Engine", meta.engine)


def try_database(directory: Path, manifest: Manifest, scratch: str) -> None:
    """Load a backup's database into another one, and compare it with the manifest.

    Args:
        directory: the backup.
        manifest: its manifest.
        scratch: address of an empty database; "" to create one beside the site's, and drop it.

    Raises:
        BackupFault: something differs; the text says what.
        ProgramMissing: as :func:`.load_database`.
        ProgramFailed: as :func:`.load_database`.
    """
    with _scratch_database(scratch) as address:
        postgres_programs.load_database(address, directory / DUMP)
        loaded = sa.create_engine(address, poolclass=sa.NullPool)
        with loaded.connect() as connection:
            _compare(manifest, read_state(connection))


def replace_database(directory: Path) -> None:
    """Replace the site's database, in one transaction.

    Raises:
        ProgramMissing: as :func:`.load_database`.
        ProgramFailed: as :func:`.load_database`; the database is as it was.
    """
    model.Session.remove()
    engine().dispose()
    address = str(tk.config["sqlalchemy.url"])
    with engine().connect() as connection:
        dropping = list(_dropping(connection))
    postgres_programs.load_database(address, directory / DUMP, [*_BEFORE, *dropping])
    engine().dispose()


def compare_database(manifest: Manifest) -> None:
    """Raise if the site's database is not the one that was saved."""
    with engine().connect() as connection:
        _compare(manifest, read_state(connection))


def _dropping(connection: sa.Connection) -> Iterator[str]:
    """Yield what drops everything in the schema ``public`` that belongs to no extension.

    The schema itself stays: it may belong to somebody else, and extensions may be in it.
    """
    for query in (_RELATIONS, _ROUTINES, _TYPES):
        yield from connection.scalars(sa.text(query))


_OF_EXTENSION = "SELECT FROM pg_depend WHERE deptype = 'e' AND objid = it.oid"
_RELATIONS = f"""
    SELECT format('DROP %s IF EXISTS %s CASCADE', CASE relkind WHEN 'v' THEN 'VIEW'
        WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
        it.oid::regclass)
    FROM pg_class AS it WHERE relnamespace = 'public'::regnamespace
    AND relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT EXISTS ({_OF_EXTENSION})
    -- Those of a table's columns go with the table, and not without it.
    ORDER BY relkind = 'S'
"""  # noqa: S608 - constants only
_ROUTINES = f"""
    SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', it.oid::regprocedure)
    FROM pg_proc AS it WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS ({_OF_EXTENSION})
"""  # noqa: S608 - constants only
_TYPES = f"""
    SELECT format('DROP TYPE IF EXISTS %s CASCADE', it.oid::regtype)
    FROM pg_type AS it WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd', 'r')
    AND NOT EXISTS ({_OF_EXTENSION})
"""  # noqa: S608 - constants only


def _compare(manifest: Manifest, found: DatabaseState) -> None:
    """Raise if a loaded database is not the one that was saved."""
    known = DatabaseState(manifest.counts, manifest.migrations, manifest.feed)
    for name in ("counts", "migrations", "feed"):
        theirs, ours = getattr(known, name), getattr(found, name)
        for key in sorted({*theirs, *ours}):
            if theirs.get(key) != ours.get(key):
                message = tk._(
                    "The database differs from the one that was saved: {what}: {found} instead of "
                    "{known}."
                )
                raise BackupFault(
                    message.format(what=f"{name}.{key}", found=ours.get(key), known=theirs.get(key))
                )


@contextmanager
def _scratch_database(address: str) -> Iterator[str]:
    """Yield the address of an empty database; one that is created here is dropped again."""
    if address:
        with sa.create_engine(address, poolclass=sa.NullPool).connect() as connection:
            if sa.inspect(connection).get_table_names():
                raise BackupFault(tk._("The database to try it in is not empty."))
        yield address
        return
    name = f"marathon_verify_{secrets.token_hex(4)}"
    url = sa.make_url(str(tk.config["sqlalchemy.url"])).set(database=name)
    server = engine().execution_options(isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE template0"))
    except ProgrammingError:
        message = tk._(
            "The site's role may not create a database to try the backup in. Create an empty one "
            "and name it: --scratch postgresql://…"
        )
        raise BackupFault(message) from None
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
