"""Backup of a running site: a consistent snapshot of database, files and configuration.

A backup is a folder with ``database.dump`` (from ``pg_dump``), ``files/`` (the storage folder),
``configuration/`` (the site's ini file and the files that it extends) and ``manifest.json``, which
is written last: a folder without it is no backup.

PostgreSQL's own programs (``pg_dump``, ``pg_restore``, ``psql``) dump and load the database. The
password is passed in the environment, because every user of the machine can read command lines.

During a restore, and after an interrupted one, there is a note in the storage folder. While it is
there, the site answers 503: database and files may not belong together, and records that were
taken down may be in the database again.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import IO, Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.model import meta
from psycopg2.extensions import make_dsn
from sqlalchemy.exc import ProgrammingError

from ckanext.marathon.domain.texts import is_json_object
from ckanext.marathon.feeds import log_state
from ckanext.marathon.logic import resource
from ckanext.marathon.model import upload

MANIFEST = "manifest.json"
DUMP_NAME = "database.dump"
FILES_NAME = "files"
CONFIGURATION_NAME = "configuration"
MANIFEST_VERSION = 1
# Bytes of a chunk that is read.
PIECE = 1 << 20

Progress = Callable[[int, int], None]


class BackupFault(Exception):
    """A backup cannot be made or used; the text is for the administrator."""


@dataclass(frozen=True)
class Manifest:
    """The content of a backup.

    Attributes:
        version: version of the format.
        made: time of the backup, ISO 8601 with an offset.
        site: ``url``, ``id`` and ``title``.
        versions: versions of ``ckan``, ``ckanext-marathon``, ``python`` and ``postgresql`` (the
            server).
        migrations: plugin (``ckan`` for its own tables) → revision.
        feed: ``epoch``, ``number`` and ``mark`` of the last change, ``base`` of the IRIs, and
            ``digest`` of all entries of the log.
        counts: table → rows.
        files: path in the backup → ``size`` in bytes and ``sha256``.
        missing: uploaded files named in the database that do not exist.
        takedowns: the list of takedowns in the form of ``marathon_takedown_list``.
    """

    version: int
    made: str
    site: dict[str, str]
    versions: dict[str, str]
    migrations: dict[str, str]
    feed: dict[str, Any]
    counts: dict[str, int]
    files: dict[str, dict[str, Any]]
    missing: list[str]
    takedowns: list[dict[str, Any]]

    def write(self, directory: Path) -> None:
        """Write the manifest into a backup's directory."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True)
        (directory / MANIFEST).write_text(text + "\n", encoding="utf-8")
        (directory / MANIFEST).chmod(0o600)

    @classmethod
    def read(cls, directory: Path) -> Manifest:
        """Return the manifest of a backup.

        Raises:
            BackupFault: it is missing, malformed, or written by a later version.
        """
        path = directory / MANIFEST
        try:
            found: Any = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            message = tk._(
                "{directory} is no backup, or one that was interrupted: it has no {name}."
            )
            raise BackupFault(message.format(directory=directory, name=MANIFEST)) from None
        except (OSError, ValueError) as error:
            raise BackupFault(describe_damage(path, str(error))) from None
        if is_json_object(found) and found.get("version") not in (None, MANIFEST_VERSION):
            message = tk._("{path} was written by a later version of ckanext-marathon.")
            raise BackupFault(message.format(path=path))
        try:
            manifest = cls(**found)
            for name, known in manifest.files.items():
                _check_name(name)
                if not isinstance(known["size"], int) or not isinstance(known["sha256"], str):
                    raise ValueError(name)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise BackupFault(describe_damage(path, str(error))) from None
        return manifest

    def names(self, folder: str) -> Iterator[str]:
        """Yield the paths, below a folder of the backup, of the files in it."""
        for name in sorted(self.files):
            if name.startswith(f"{folder}/"):
                yield name.removeprefix(f"{folder}/")

    def size(self, folder: str = "") -> int:
        """Return the size in bytes of the files of a folder, or of all files."""
        return sum(
            int(known["size"]) for name, known in self.files.items() if name.startswith(folder)
        )


def check_backup_files(directory: Path, manifest: Manifest, progress: Progress) -> None:
    """Compare every file of a backup with the manifest.

    Args:
        directory: the backup.
        manifest: its manifest.
        progress: called with (bytes done, total bytes).

    Raises:
        BackupFault: a file is missing or differs; the text names it.
    """
    done, total = 0, manifest.size()
    for name, known in sorted(manifest.files.items()):
        path = directory / name
        try:
            size, digest = path.stat().st_size, read_digest(path)
        except OSError as error:
            raise BackupFault(describe_damage(path, error.strerror or str(error))) from None
        if size != known["size"]:
            message = tk._("it has {size} bytes instead of {known}")
            raise BackupFault(describe_damage(path, message.format(size=size, known=known["size"])))
        if digest != known["sha256"]:
            raise BackupFault(describe_damage(path, tk._("its SHA-256 is another one")))
        done += size
        progress(done, total)


def read_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_name(name: str) -> None:
    """Raise ``ValueError`` for a path that leads out of the backup."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(name)


def describe_damage(path: Path, why: str) -> str:
    """Return a sentence about a damaged file of a backup, in the reader's language."""
    return tk._("The backup is damaged: {path}: {why}.").format(path=path, why=why)


RESTORE_NOTE = "marathon-restore.json"
# Folders of the restored files before the exchange, and of the former files after it.
RESTORE_FOLDER = "marathon-restore"


def find_restore_note() -> Path | None:
    """Return the path of the note, ``None`` on a site without a storage folder."""
    storage = tk.config.get("ckan.storage_path")
    return Path(str(storage)) / RESTORE_NOTE if storage else None


def is_restoring() -> bool:
    """Return whether a restore is running or was interrupted."""
    path = find_restore_note()
    return path is not None and path.exists()


def read_noted_takedowns() -> list[dict[str, Any]]:
    """Return the takedowns that an interrupted restore had to apply; ``[]`` without one."""
    path = find_restore_note()
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path else {}
    except FileNotFoundError:
        return []
    return list(found["takedowns"])


def write_restore_note(backup: Path, takedowns: Sequence[dict[str, Any]]) -> None:
    """Write the note of a restore, with the takedowns that it will apply."""
    path = find_restore_note()
    assert path is not None, "without a storage folder nothing is restored"
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"backup": str(backup), "takedowns": list(takedowns)}, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def remove_restore_note() -> None:
    """Delete the note of a restore."""
    path = find_restore_note()
    if path is not None:
        path.unlink(missing_ok=True)


PROGRAMS_OPTION = "ckanext.marathon.postgres_programs"
# Most characters of a program's error output that are shown.
LONGEST_FAILURE = 2_000


class ProgramMissing(Exception):
    """A program of PostgreSQL was not found; the text is for the administrator."""


class ProgramFailed(Exception):
    """A program of PostgreSQL failed; the text is its error output."""


def find_program(name: str) -> str:
    """Return the path of a program, from the folder of the option or from PATH.

    Raises:
        ProgramMissing: the program was not found.
    """
    folder = str(tk.config.get(PROGRAMS_OPTION) or "")
    found = shutil.which(name, path=folder or None)
    if found is None:
        message = tk._(
            "{name} was not found in {folder}. Install PostgreSQL's client programs, of the "
            "server's version or a later one, or name their folder in {option}."
        )
        raise ProgramMissing(
            message.format(name=name, folder=folder or "PATH", option=PROGRAMS_OPTION)
        )
    return found


def connect_program(address: str) -> tuple[str, dict[str, str]]:
    """Return connection string, and environment with the password, for PostgreSQL's programs.

    Args:
        address: SQLAlchemy URL of the database.
    """
    url = sa.make_url(address)
    _, arguments = url.get_dialect()().create_connect_args(url)
    password = arguments.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    return make_dsn(**arguments), environment


def dump_database(address: str, snapshot: str, target: Path) -> None:
    """Dump a snapshot of a database to a file in ``pg_dump``'s custom format.

    Args:
        address: SQLAlchemy URL of the database.
        snapshot: from ``pg_export_snapshot``, in a transaction that is still open.
        target: the file.

    Raises:
        ProgramMissing: there is no ``pg_dump``.
        ProgramFailed: it failed, for example because it is older than the server.
    """
    dsn, environment = connect_program(address)
    command = [find_program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges"]
    command += [f"--snapshot={snapshot}", f"--file={target}", f"--dbname={dsn}"]
    done = run_program(command, environment)
    if done.returncode != 0:
        raise ProgramFailed(f"pg_dump: {done.stderr.strip()[-LONGEST_FAILURE:]}")


def run_program(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program without input; return its exit code and its output as text.

    Args:
        command: the program and its arguments.
        environment: environment variables; ``None`` for those of this process.
    """
    return subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def load_database(address: str, dump: Path, before: Iterable[str] = ()) -> None:
    """Load a file of :func:`dump_database` in one transaction.

    COMMIT is sent only after ``pg_restore`` has succeeded. If one of the programs or this process
    is killed before, PostgreSQL rolls back.

    Args:
        address: SQLAlchemy URL of the database.
        dump: the file.
        before: statements that are run first, in the same transaction.

    Raises:
        ProgramMissing: there is no ``pg_restore`` or no ``psql``.
        ProgramFailed: one of them failed; the database was not changed.
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
            writer.stdin.write(
                "".join(f"{statement};\n" for statement in ("BEGIN", *before)).encode()
            )
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
    return errors.read().decode(errors="replace").strip()[-LONGEST_FAILURE:]


@dataclass(frozen=True)
class DatabaseState:
    """Facts that must be equal in two copies of a database; see :class:`.Manifest`."""

    counts: dict[str, int]
    migrations: dict[str, str]
    feed: dict[str, Any]


def read_state(connection: sa.Connection) -> DatabaseState:
    """Return row counts, migrations and the feed's state of a database."""
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
    """Return the state of the feed's log; columns that older tables lack are left out."""
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


def get_site_engine() -> sa.Engine:
    """Return the engine of the site's database."""
    assert meta.engine is not None, "CKAN has made it"
    return meta.engine


def try_database(directory: Path, manifest: Manifest, scratch: str) -> None:
    """Load the dump of a backup into another database, and compare it with the manifest.

    Args:
        directory: the backup.
        manifest: its manifest.
        scratch: address of an empty database; "" to create one beside the site's, and drop it.

    Raises:
        BackupFault: the loaded database differs; the text names the difference.
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
        ProgramFailed: as :func:`.load_database`; the database was not changed.
    """
    model.Session.remove()
    get_site_engine().dispose()
    address = str(tk.config["sqlalchemy.url"])
    with get_site_engine().connect() as connection:
        dropping = list(_dropping(connection))
    load_database(address, directory / DUMP_NAME, [*_BEFORE, *dropping])
    get_site_engine().dispose()


def compare_database(manifest: Manifest) -> None:
    """Compare the site's database with the manifest.

    Raises:
        BackupFault: they differ.
    """
    with get_site_engine().connect() as connection:
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
    -- Sequences last: those of a table's columns are dropped with the table.
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
    """Raise ``BackupFault`` if a loaded database differs from the manifest."""
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
    server = get_site_engine().execution_options(isolation_level="AUTOCOMMIT")
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


FURTHER_OPTION = "ckanext.marathon.backup_files"
# Excluded from the storage folder: generated files, and notes about this database.
# Begun uploads are left out: their owner sends the file again, and it was not published.
_NOT_KEPT = ("webassets", upload.FOLDER)
_NOTES = (log_state.WITNESS_NAME, RESTORE_NOTE, RESTORE_FOLDER)
# Tries to copy a file that is being written to, and seconds between two tries.
_TRIES = 5
_PAUSE = 0.2
# Nanoseconds. Two writes within this time may leave the same modification time, because file
# systems store the time of the kernel's last tick. Network file systems that store whole seconds
# are not covered.
_RESTED = 100_000_000
# The ini file that an ini file of CKAN extends (``use = config:…``).
_BUILDS_ON = re.compile(r"^\s*use\s*=\s*config:\s*(\S+)", re.MULTILINE)


@dataclass
class Copies:
    """Files that were copied into a backup.

    Attributes:
        files: path in the backup → ``size`` in bytes and ``sha256``.
        gone: paths in the backup of files that were deleted before they were copied.
        unsettled: paths in the backup of files that were written to during every try, so that the
            copy may mix two versions.
    """

    files: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    gone: set[str] = field(default_factory=set[str])
    unsettled: set[str] = field(default_factory=set[str])

    def add(self, name: str, source: Path, target: Path) -> None:
        """Copy a file; copy it again if it was written to during the copy.

        Args:
            name: path in the backup.
            source: the file.
            target: the copy, which does not exist.
        """
        try:
            for number in range(_TRIES):
                if number:
                    time.sleep(_PAUSE)
                target.unlink(missing_ok=True)
                self.files[name], is_settled = copy_file(source, target)
                if is_settled:
                    return
        except FileNotFoundError:
            self.files.pop(name, None)
            self.gone.add(name)
            return
        self.unsettled.add(name)


def list_named_uploads(connection: sa.Connection) -> Iterator[str]:
    """Yield the paths, relative to the storage folder, of the uploads in the database."""
    if resource.stores_in_folder("resource"):
        query = sa.text("SELECT id FROM resource WHERE url_type = 'upload'")
        ids = list(connection.scalars(query))
        if sa.inspect(connection).has_table("marathon_file_version"):
            kept = sa.text("SELECT id FROM marathon_file_version WHERE NOT is_erased")
            ids += connection.scalars(kept)
        for id_ in ids:
            yield f"resources/{id_[:3]}/{id_[3:6]}/{id_[6:]}"
    for table in ("group", "user"):
        if not resource.stores_in_folder(table):
            continue
        image = sa.column("image_url", sa.UnicodeText)
        query = sa.select(image).select_from(sa.table(table)).where(image != "").distinct()
        for name in connection.scalars(query):
            # CKAN stores the file name of an upload, or an address.
            if "/" not in name:
                yield f"storage/uploads/{table}/{name}"


def copy_configuration(target: Path, copies: Copies) -> None:
    """Copy the ini file, the files that it extends, and those of ``backup_files``."""
    target.mkdir()
    waiting = [Path(str(tk.config["__file__"])).resolve()]
    further = str(tk.config.get(FURTHER_OPTION) or "").splitlines()
    waiting += [Path(line.strip()) for line in further if line.strip()]
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop(0)
        if path in seen or not path.is_file():
            continue
        seen.add(path)
        copy = target / path.name
        if copy.exists():
            copy = target / f"{len(seen)}-{path.name}"
        copies.add(f"{CONFIGURATION_NAME}/{copy.name}", path, copy)
        if path.suffix == ".ini":
            text = path.read_text(encoding="utf-8", errors="replace")
            waiting += [path.parent / name for name in _BUILDS_ON.findall(text)]


def list_stored_files(storage: Path) -> list[str]:
    """Return the files that a backup copies, as paths relative to the storage folder."""
    found: list[str] = []
    for folder, folders, names in os.walk(storage):
        if Path(folder) == storage:
            folders[:] = [folder for folder in folders if folder not in (*_NOT_KEPT, *_NOTES)]
            names = [name for name in names if not name.strip(".").startswith(_NOTES)]
        # CKAN first writes an upload under its name with a tilde at the end.
        found += [
            str(Path(folder, name).relative_to(storage)) for name in names if not name.endswith("~")
        ]
    return sorted(found)


def copy_storage(storage: Path, target: Path, copies: Copies, progress: Progress) -> None:
    """Copy the files of the storage folder."""
    target.mkdir()
    names = list_stored_files(storage)
    progress(0, len(names))
    for done, name in enumerate(names, 1):
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copies.add(f"{FILES_NAME}/{name}", storage / name, copy)
        progress(done, len(names))


def copy_file(source: Path, target: Path) -> tuple[dict[str, Any], bool]:
    """Copy a file with mode 600 and its modification time.

    Returns:
        size in bytes and digest of the copy; whether the file was not written to during the copy.
        If its modification time is very recent, this is ``False``, because a second write within
        the same tick would leave the same time.
    """
    digest, size = hashlib.sha256(), 0
    began = time.time_ns()
    with source.open("rb") as reader:
        before = os.fstat(reader.fileno())
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as writer:
            while piece := reader.read(PIECE):
                digest.update(piece)
                size += len(piece)
                writer.write(piece)
        after = os.fstat(reader.fileno())
    os.utime(target, ns=(after.st_atime_ns, after.st_mtime_ns))
    is_same = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, size)
    is_fresh = began - _RESTED < after.st_mtime_ns <= time.time_ns()
    return {"size": size, "sha256": digest.hexdigest()}, is_same and not is_fresh


def describe_file(path: Path) -> dict[str, Any]:
    """Return size and digest of a file."""
    return {"size": path.stat().st_size, "sha256": read_digest(path)}


def find_storage() -> Path:
    """Return the site's storage folder.

    Raises:
        BackupFault: ``ckan.storage_path`` is not set.
    """
    storage = tk.config.get("ckan.storage_path")
    if not storage:
        raise BackupFault(tk._("The site has no storage folder: set ckan.storage_path."))
    return Path(str(storage)).resolve()


# Locked by the process that writes the backup, in the unfinished directory.
_UNFINISHED = "UNFINISHED"
# Expected size of a dump as a part of ``pg_database_size``: no indexes, and compressed.
_DUMPED = 0.5


@dataclass(frozen=True)
class BackupOutcome:
    """The result of a backup.

    Attributes:
        manifest: the manifest of the backup.
        absent: uploaded files that were missing before the backup.
        vanished: files of the snapshot that were deleted before they were copied.
        replaced: files that were overwritten after the snapshot was taken.
        unsettled: files that were written to during every try to copy them.
        warnings: sentences about data that is not in the backup, in the reader's language.
    """

    manifest: Manifest
    absent: list[str]
    vanished: list[str]
    replaced: list[str]
    unsettled: list[str]
    warnings: list[str]


def make_backup(directory: Path, progress: Callable[[str], Progress]) -> BackupOutcome:
    """Write a backup of the site into a new directory.

    It is written to ``<directory>.unfinished`` and renamed when it is complete.

    Args:
        directory: target; it must not exist, or be empty.
        progress: called with the name of a step; returns a function for (done, total).

    Raises:
        BackupFault: the backup cannot be made; the unfinished backup is removed.
        ProgramMissing: there is no ``pg_dump``.
        ProgramFailed: ``pg_dump`` failed; the unfinished backup is removed.
    """
    storage = find_storage()
    directory = directory.resolve()
    if directory.is_relative_to(storage):
        message = tk._("{directory} is in the storage folder, which would be copied into itself.")
        raise BackupFault(message.format(directory=directory))
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        message = tk._("{directory} exists already. Name a directory that does not exist.")
        raise BackupFault(message.format(directory=directory))
    find_program("pg_dump")
    _check_space(directory.parent, storage)
    with _unfinished(directory) as unfinished:
        outcome = _write(unfinished, storage, progress)
        (unfinished / _UNFINISHED).unlink()
        outcome.manifest.write(unfinished)
        # All files are flushed to the disk before the directory gets its final name.
        os.sync()
        unfinished.rename(directory)
    return outcome


def _write(target: Path, storage: Path, progress: Callable[[str], Progress]) -> BackupOutcome:
    address = str(tk.config["sqlalchemy.url"])
    assert meta.engine is not None, "CKAN has made it"
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with meta.engine.connect().execution_options(**options) as connection:
        snapshot = connection.scalar(sa.text("SELECT pg_export_snapshot()"))
        moment = datetime.now(UTC)
        named = set(list_named_uploads(connection))
        absent = sorted(name for name in named if not (storage / name).is_file())
        report = progress(tk._("Database"))
        report(0, 1)
        dump_database(address, snapshot, target / DUMP_NAME)
        report(1, 1)
        state = read_state(connection)
        versions = {
            "postgresql": str(
                connection.scalar(sa.text("SELECT current_setting('server_version')"))
            )
        }
        takedowns = read_takedowns(connection)
    copies = Copies({DUMP_NAME: describe_file(target / DUMP_NAME)})
    copy_configuration(target / CONFIGURATION_NAME, copies)
    copy_storage(storage, target / FILES_NAME, copies, progress(tk._("Files")))
    there = {name for name in named if f"{FILES_NAME}/{name}" in copies.files}
    missing = sorted(named - there)
    began = moment.timestamp()
    versions |= {
        "ckan": version("ckan"),
        "ckanext-marathon": version("ckanext-marathon"),
        "python": platform.python_version(),
    }
    manifest = Manifest(
        version=MANIFEST_VERSION,
        made=moment.isoformat(timespec="seconds"),
        site={
            "url": str(tk.config.get("ckan.site_url") or ""),
            "id": str(tk.config.get("ckan.site_id") or ""),
            "title": str(tk.config.get("ckan.site_title") or ""),
        },
        versions=versions,
        migrations=state.migrations,
        feed=state.feed,
        counts=state.counts,
        files=copies.files,
        missing=missing,
        takedowns=takedowns,
    )
    return BackupOutcome(
        manifest,
        absent=absent,
        vanished=sorted({*missing} - set(absent)),
        replaced=sorted(
            name for name in there if (target / FILES_NAME / name).stat().st_mtime > began
        ),
        unsettled=sorted(copies.unsettled),
        warnings=list(_warnings()),
    )


def _warnings() -> Iterator[str]:
    if not all(resource.stores_in_folder(kind) for kind in ("resource", "group", "user")):
        yield tk._(
            "Uploaded files are kept by another plugin or storage than the storage folder. "
            "They are not in the backup."
        )
    if p.plugin_loaded("datastore"):
        yield tk._(
            "The DataStore's database is not in the backup: the tables of uploaded files are "
            "loaded again from the files after a restore. What programs have written there is not."
        )


def _check_space(parent: Path, storage: Path) -> None:
    """Raise ``BackupFault`` if there is not enough space for the backup."""
    while not parent.exists():
        parent = parent.parent
    assert meta.engine is not None, "CKAN has made it"
    with meta.engine.connect() as connection:
        size = connection.scalar(sa.text("SELECT pg_database_size(current_database())")) or 0
    files = sum((storage / name).stat().st_size for name in list_stored_files(storage))
    needed, free = int(size * _DUMPED) + files, shutil.disk_usage(parent).free
    if free < needed:
        raise BackupFault(
            tk._("{needed} MB are needed in {folder}, {free} MB are free.").format(
                needed=needed // 1_000_000 + 1, folder=parent, free=free // 1_000_000
            )
        )


@contextmanager
def _unfinished(directory: Path) -> Generator[Path]:
    """Yield a new directory ``<target>.unfinished``, which is renamed at the end.

    Remains of an interrupted backup are removed.
    """
    path = directory.with_name(f"{directory.name}.unfinished")
    if path.exists():
        mark = path / _UNFINISHED
        if not mark.is_file() and any(path.iterdir()):
            message = tk._("{directory} exists already and is no unfinished backup. Remove it.")
            raise BackupFault(message.format(directory=path))
        if mark.is_file():
            with mark.open("a", encoding="ascii") as file:
                _lock(file, path)
        shutil.rmtree(path)
    path.mkdir(parents=True, mode=0o700)
    # All files of this process and its child processes are readable by the owner only.
    before = os.umask(0o077)
    try:
        with (path / _UNFINISHED).open("a", encoding="ascii") as file:
            _lock(file, path)
            yield path
    except BaseException as error:
        shutil.rmtree(path, ignore_errors=True)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            message = tk._("No space is left in {folder}.").format(folder=path.parent)
            raise BackupFault(message) from None
        raise
    finally:
        os.umask(before)


def _lock(file: Any, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        message = tk._("Another backup is being written to {directory}.")
        raise BackupFault(message.format(directory=path)) from None
