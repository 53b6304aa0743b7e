"""Saving the whole site while it runs: database, files and configuration, of one moment.

The database is dumped as one snapshot sees it. CKAN writes an uploaded file before it commits the
row that names it, so whatever a row of the snapshot names was there when the snapshot was taken.
Files are copied after the dump. One that was deleted in between is missing from the copy, which is
noticed by comparing the copy with the snapshot's rows.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan.lib import files as ckan_files
from ckan.model import meta

from ckanext.marathon.feeds import witness
from ckanext.marathon.operations import postgres_programs, restore_note
from ckanext.marathon.operations.backup_manifest import (
    CONFIGURATION,
    DUMP,
    FILES,
    PIECE,
    VERSION,
    BackupFault,
    Manifest,
    Progress,
    read_digest,
)

FURTHER_OPTION = "ckanext.marathon.backup_files"
# In a directory that is being written; the process that writes holds a lock on it.
_UNFINISHED = "UNFINISHED"
# Below the storage folder: what is made anew, and notes about this very database.
_NOT_KEPT = ("webassets",)
_NOTES = (witness.NAME, restore_note.NAME, restore_note.FOLDER)
# An ini file of CKAN names another one that it builds on.
_BUILDS_ON = re.compile(r"^\s*use\s*=\s*config:\s*(\S+)", re.MULTILINE)
# Of ``pg_database_size``, which counts indexes; a dump is compressed.
_DUMPED = 0.5


@dataclass(frozen=True)
class Outcome:
    """What a backup came to.

    Attributes:
        manifest: of the backup.
        absent: uploaded files that were missing already when it began.
        vanished: files that the snapshot names and that were deleted before they were copied.
        replaced: files that were written anew after the snapshot was taken.
        warnings: what is not in the backup, in the reader's language.
    """

    manifest: Manifest
    absent: list[str]
    vanished: list[str]
    replaced: list[str]
    warnings: list[str]


def make_backup(directory: Path, progress: Callable[[str], Progress]) -> Outcome:
    """Write a backup of the site into a new directory.

    It is written beside it under another name and gets its name when it is whole.

    Args:
        directory: where; it must not exist, or be empty.
        progress: makes, for the name of a step, what is told how much of how much is done.

    Raises:
        BackupFault: it cannot be made; what was begun is removed.
        ProgramMissing: there is no ``pg_dump``.
        ProgramFailed: ``pg_dump`` failed; what was begun is removed.
    """
    storage = find_storage()
    directory = directory.resolve()
    if directory.is_relative_to(storage):
        message = tk._("{directory} is in the storage folder, which would be copied into itself.")
        raise BackupFault(message.format(directory=directory))
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        message = tk._("{directory} exists already. Name a directory that does not exist.")
        raise BackupFault(message.format(directory=directory))
    postgres_programs.find_program("pg_dump")
    _check_space(directory.parent, storage)
    with _unfinished(directory) as unfinished:
        outcome = _write(unfinished, storage, progress)
        (unfinished / _UNFINISHED).unlink()
        outcome.manifest.write(unfinished)
        # What was written is on the disk before it has the name of a whole backup.
        os.sync()
        unfinished.rename(directory)
    return outcome


def _write(target: Path, storage: Path, progress: Callable[[str], Progress]) -> Outcome:
    address = str(tk.config["sqlalchemy.url"])
    assert meta.engine is not None, "CKAN has made it"
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with meta.engine.connect().execution_options(**options) as connection:
        snapshot = connection.scalar(sa.text("SELECT pg_export_snapshot()"))
        moment = datetime.now(UTC)
        named = set(_named_files(connection))
        absent = sorted(name for name in named if not (storage / name).is_file())
        told = progress(tk._("Database"))
        told(0, 1)
        postgres_programs.dump_database(address, snapshot, target / DUMP)
        told(1, 1)
        state = read_state(connection)
        versions = {
            "postgresql": str(
                connection.scalar(sa.text("SELECT current_setting('server_version')"))
            )
        }
        takedowns = read_takedowns(connection)
    files = {DUMP: _describe(target / DUMP)}
    files |= _copy_configuration(target / CONFIGURATION)
    copied, gone = _copy_storage(storage, target / FILES, progress(tk._("Files")))
    files |= copied
    there = {name.removeprefix(f"{FILES}/") for name in copied}
    missing = sorted(named - there)
    began = moment.timestamp()
    versions |= {
        "ckan": version("ckan"),
        "ckanext-marathon": version("ckanext-marathon"),
        "python": platform.python_version(),
    }
    manifest = Manifest(
        version=VERSION,
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
        files=files,
        missing=missing,
        takedowns=takedowns,
    )
    return Outcome(
        manifest,
        absent=absent,
        vanished=sorted({*missing, *(gone & named)} - set(absent)),
        replaced=sorted(
            name for name in named & there if (target / FILES / name).stat().st_mtime > began
        ),
        warnings=list(_warnings()),
    )


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
    clock = connection.execute(sa.text(_CLOCK)).one_or_none()
    feed = dict(clock._mapping) if clock else {}
    digest = hashlib.sha256()
    for row in connection.execute(sa.text(_ENTRIES), execution_options={"yield_per": 5_000}):
        digest.update(repr(tuple(row)).encode())
    return DatabaseState(counts, migrations, {**feed, "digest": digest.hexdigest()})


_CLOCK = "SELECT epoch, number, to_hex(mark) AS mark, base FROM marathon_feed_clock"
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


def _named_files(connection: sa.Connection) -> Iterator[str]:
    """Yield the paths, below the storage folder, of the uploads that the database names."""
    if not _is_elsewhere("resource"):
        query = sa.text("SELECT id FROM resource WHERE url_type = 'upload'")
        for id_ in connection.scalars(query):
            yield f"resources/{id_[:3]}/{id_[3:6]}/{id_[6:]}"
    for table in ("group", "user"):
        if _is_elsewhere(table):
            continue
        query = sa.text(f"SELECT DISTINCT image_url FROM \"{table}\" WHERE image_url <> ''")  # noqa: S608 - constants only
        for name in connection.scalars(query):
            # An upload is stored as its file's name, everything else as an address.
            if "/" not in name:
                yield f"storage/uploads/{table}/{name}"


def _is_elsewhere(kind: str) -> bool:
    """Return whether files of a kind are kept by another plugin, or in a storage of CKAN's.

    As ``ckan.lib.uploader`` decides it; its own objects create folders when they are made.
    """
    if list(p.PluginImplementations(p.IUploader)):
        return True
    try:
        ckan_files.get_storage(tk.config[f"ckan.files.default_storages.{kind}"])
    except ckan_files.exc.UnknownStorageError:
        return False
    return True


def _warnings() -> Iterator[str]:
    if any(_is_elsewhere(kind) for kind in ("resource", "group", "user")):
        yield tk._(
            "Uploaded files are kept by another plugin or storage than the storage folder. "
            "They are not in the backup."
        )
    if p.plugin_loaded("datastore"):
        yield tk._(
            "The DataStore's database is not in the backup. After a restore, its tables are loaded "
            "again from the files."
        )


def _copy_configuration(target: Path) -> dict[str, dict[str, Any]]:
    """Copy the site's ini file, what it builds on, and what the site names besides."""
    target.mkdir()
    waiting = [Path(str(tk.config["__file__"])).resolve()]
    further = str(tk.config.get(FURTHER_OPTION) or "").splitlines()
    waiting += [Path(line.strip()) for line in further if line.strip()]
    seen: set[Path] = set()
    files = {}
    while waiting:
        path = waiting.pop(0)
        if path in seen or not path.is_file():
            continue
        seen.add(path)
        copy = target / path.name
        if copy.exists():
            copy = target / f"{len(seen)}-{path.name}"
        files[f"{CONFIGURATION}/{copy.name}"] = _copy(path, copy)
        if path.suffix == ".ini":
            text = path.read_text(encoding="utf-8", errors="replace")
            waiting += [path.parent / name for name in _BUILDS_ON.findall(text)]
    return files


def find_stored(storage: Path) -> list[str]:
    """Return the paths, below the storage folder, of the files that a backup has."""
    found = []
    for folder, folders, names in os.walk(storage):
        if Path(folder) == storage:
            folders[:] = [each for each in folders if each not in (*_NOT_KEPT, *_NOTES)]
            names = [each for each in names if not each.strip(".").startswith(_NOTES)]
        # CKAN writes to a name with a tilde at its end first.
        found += [
            str(Path(folder, name).relative_to(storage)) for name in names if not name.endswith("~")
        ]
    return sorted(found)


def _copy_storage(
    storage: Path, target: Path, progress: Progress
) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Copy the storage folder; return what was copied, and what was gone when its turn came."""
    target.mkdir()
    names = find_stored(storage)
    files, gone = {}, set()
    progress(0, len(names))
    for done, name in enumerate(names, 1):
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            files[f"{FILES}/{name}"] = _copy(storage / name, copy)
        except FileNotFoundError:
            gone.add(name)
        progress(done, len(names))
    return files, gone


def _copy(source: Path, target: Path) -> dict[str, Any]:
    """Copy a file for its owner alone, with its time; return size and digest of the copy."""
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reader:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as writer:
            while piece := reader.read(PIECE):
                digest.update(piece)
                size += len(piece)
                writer.write(piece)
        found = os.fstat(reader.fileno())
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
    return {"size": size, "sha256": digest.hexdigest()}


def _describe(path: Path) -> dict[str, Any]:
    return {"size": path.stat().st_size, "sha256": read_digest(path)}


def find_storage() -> Path:
    """Return the site's storage folder.

    Raises:
        BackupFault: it has none.
    """
    storage = tk.config.get("ckan.storage_path")
    if not storage:
        raise BackupFault(tk._("The site has no storage folder: set ckan.storage_path."))
    return Path(str(storage)).resolve()


def _check_space(parent: Path, storage: Path) -> None:
    """Raise if there is not enough space for the backup."""
    while not parent.exists():
        parent = parent.parent
    assert meta.engine is not None, "CKAN has made it"
    with meta.engine.connect() as connection:
        size = connection.scalar(sa.text("SELECT pg_database_size(current_database())")) or 0
    files = sum((storage / name).stat().st_size for name in find_stored(storage))
    needed, free = int(size * _DUMPED) + files, shutil.disk_usage(parent).free
    if free < needed:
        raise BackupFault(
            tk._("{needed} MB are needed in {folder}, {free} MB are free.").format(
                needed=needed // 1_000_000 + 1, folder=parent, free=free // 1_000_000
            )
        )


@contextmanager
def _unfinished(directory: Path) -> Iterator[Path]:
    """Yield a new directory to write in, beside the one that it will become.

    What an interrupted backup left there is removed.
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
    # Whatever is made here, and by the programs that are run, is for the owner alone.
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
