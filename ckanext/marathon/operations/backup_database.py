"""The database of a backup: dumping, loading and comparing it.

PostgreSQL's own programs (``pg_dump``, ``pg_restore``, ``psql``) do the work. A password never
stands in a command line, which every user of the machine can read.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.model import meta
from psycopg2.extensions import make_dsn
from sqlalchemy.exc import ProgrammingError

from ckanext.marathon.operations.backup_manifest import DUMP_NAME, BackupFault, Manifest

OPTION = "ckanext.marathon.postgres_programs"
# Most characters of a program's error output that are shown.
LONGEST = 2_000


class ProgramMissing(Exception):
    """A program of PostgreSQL was not found; the text says what to do."""


class ProgramFailed(Exception):
    """A program of PostgreSQL failed; the text is its error output."""


def find_program(name: str) -> str:
    """Return the path of a program, from the folder of the option or from PATH.

    Raises:
        ProgramMissing: it is not there.
    """
    folder = str(tk.config.get(OPTION) or "")
    found = shutil.which(name, path=folder or None)
    if found is None:
        message = tk._(
            "{name} was not found in {folder}. Install PostgreSQL's client programs, of the "
            "server's version or a later one, or name their folder in {option}."
        )
        raise ProgramMissing(message.format(name=name, folder=folder or "PATH", option=OPTION))
    return found


def connect_program(address: str) -> tuple[str, dict[str, str]]:
    """Return connection string, and environment with the password, for PostgreSQL's programs.

    Args:
        address: of the database, as SQLAlchemy takes it.
    """
    url = sa.make_url(address)
    _, arguments = url.get_dialect()().create_connect_args(url)
    password = arguments.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    return make_dsn(**arguments), environment


def dump_database(address: str, snapshot: str, target: Path) -> None:
    """Write a database as it is in a snapshot to a file of ``pg_restore``'s own format.

    Args:
        address: of the database.
        snapshot: as ``pg_export_snapshot`` named it, in a transaction that is still open.
        target: the file.

    Raises:
        ProgramMissing: there is no ``pg_dump``.
        ProgramFailed: it failed, as where it is older than the server.
    """
    dsn, environment = connect_program(address)
    command = [find_program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges"]
    command += [f"--snapshot={snapshot}", f"--file={target}", f"--dbname={dsn}"]
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise ProgramFailed(f"pg_dump: {done.stderr.strip()[-LONGEST:]}")


def load_database(address: str, dump: Path, before: Iterable[str] = ()) -> None:
    """Load a file of :func:`dump_database` in one transaction: all of it or nothing.

    The last statement is sent only after ``pg_restore`` has ended well. If either program or this
    process is killed before, PostgreSQL undoes everything.

    Args:
        address: of the database.
        dump: the file.
        before: statements that are run first, in the same transaction.

    Raises:
        ProgramMissing: there is no ``pg_restore`` or no ``psql``.
        ProgramFailed: one of them failed; the database is as it was.
    """
    dsn, environment = connect_program(address)
    restore = [find_program("pg_restore"), "--no-owner", "--no-privileges", "--no-comments"]
    restore += ["--file=-", str(dump)]
    psql = [
        find_program("psql"),
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        f"--dbname={dsn}",
    ]
    with (
        tempfile.TemporaryFile() as writer_errors,
        tempfile.TemporaryFile() as reader_errors,
        _started(psql, environment, subprocess.PIPE, subprocess.DEVNULL, writer_errors) as writer,
        _started(
            restore, environment, subprocess.DEVNULL, subprocess.PIPE, reader_errors
        ) as reader,
    ):
        assert writer.stdin is not None
        assert reader.stdout is not None
        try:
            writer.stdin.write("".join(f"{each};\n" for each in ("BEGIN", *before)).encode())
            shutil.copyfileobj(reader.stdout, writer.stdin, 1 << 20)
            if reader.wait() != 0:
                writer.kill()
                raise ProgramFailed(f"pg_restore: {_read_errors(reader_errors)}")
            writer.stdin.write(b"\nCOMMIT;\n")
            writer.stdin.close()
        except BrokenPipeError:
            # ``psql`` has ended; its error is raised below.
            reader.kill()
        if writer.wait() != 0:
            raise ProgramFailed(f"psql: {_read_errors(writer_errors)}")


@contextmanager
def _started(
    command: list[str], environment: dict[str, str], stdin: int, stdout: int, errors: IO[bytes]
) -> Generator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=environment, stdin=stdin, stdout=stdout, stderr=errors)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            # Closing a broken pipe fails for the buffered rest.
            with suppress(OSError):
                if stream is not None:
                    stream.close()


def _read_errors(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read().decode(errors="replace").strip()[-LONGEST:]


@dataclass(frozen=True)
class DatabaseState:
    """The facts that are equal in two copies of a database; see :class:`.Manifest`."""

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
    migrations: dict[str, str] = {}
    for name in tables:
        if name.endswith("alembic_version"):
            plugin = name.removesuffix("alembic_version").rstrip("_") or "ckan"
            query = sa.select(sa.column("version_num", sa.UnicodeText)).select_from(sa.table(name))
            revision = connection.scalar(query)
            migrations[plugin] = str(revision or "")
    return DatabaseState(counts, migrations, _read_feed(connection, tables))


def _read_feed(connection: sa.Connection, tables: Sequence[str]) -> dict[str, Any]:
    """Return the state of the feed's log, without columns that older tables lack."""
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
    """Return the list of takedowns in the form of ``marathon_takedown_list``."""
    if not sa.inspect(connection).has_table("marathon_takedown"):
        return []
    rows = connection.execute(sa.text("SELECT * FROM marathon_takedown ORDER BY at, thing"))
    found: list[dict[str, Any]] = []
    for row in rows.mappings():
        values: dict[str, Any] = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        found.append({"id": values.pop("thing"), "type": values.pop("kind"), **values})
    return found


# Timeout for dropping tables that are still in use; no notices about dependent objects.
_BEFORE = ("SET LOCAL lock_timeout = '60s'", "SET LOCAL client_min_messages = warning")


def create_engine_of_backup() -> sa.Engine:
    """Return an engine for the site's database."""
    assert meta.engine is not None, "CKAN has made it"
    return meta.engine


def try_database(directory: Path, manifest: Manifest, scratch: str) -> None:
    """Load the dump of a backup into another database, and compare it with the manifest.

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
        load_database(address, directory / DUMP_NAME)
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
    create_engine_of_backup().dispose()
    address = str(tk.config["sqlalchemy.url"])
    with create_engine_of_backup().connect() as connection:
        dropping = list(_dropping(connection))
    load_database(address, directory / DUMP_NAME, [*_BEFORE, *dropping])
    create_engine_of_backup().dispose()


def compare_database(manifest: Manifest) -> None:
    """Raise if the site's database differs from the manifest."""
    with create_engine_of_backup().connect() as connection:
        _compare(manifest, read_state(connection))


def _dropping(connection: sa.Connection) -> Iterator[str]:
    """Yield statements that drop everything in schema ``public`` except objects of extensions.

    The schema itself stays: it may belong to another role, and extensions may be in it.
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
    """Raise if a loaded database differs from the manifest."""
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
def _scratch_database(address: str) -> Generator[str]:
    """Yield the address of an empty database; a database created here is dropped at the end."""
    if address:
        with sa.create_engine(address, poolclass=sa.NullPool).connect() as connection:
            if sa.inspect(connection).get_table_names():
                raise BackupFault(tk._("The database to try it in is not empty."))
        yield address
        return
    name = f"marathon_verify_{secrets.token_hex(4)}"
    url = sa.make_url(str(tk.config["sqlalchemy.url"])).set(database=name)
    server = create_engine_of_backup().execution_options(isolation_level="AUTOCOMMIT")
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
