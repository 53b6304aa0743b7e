"""A consistent backup of a running site: database, files and configuration."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import platform
import re
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan.model import meta

from ckanext.marathon.feeds import log_state
from ckanext.marathon.logic import resource
from ckanext.marathon.operations import backup_database, backup_manifest
from ckanext.marathon.operations.backup_manifest import (
    CONFIGURATION_NAME,
    DUMP_NAME,
    FILES_NAME,
    PIECE,
    VERSION,
    BackupFault,
    Manifest,
    Progress,
    read_digest,
)

FURTHER_OPTION = "ckanext.marathon.backup_files"
# Left out, below the storage folder: generated files, and notes about this database.
_NOT_KEPT = ("webassets",)
_NOTES = (log_state.WITNESS_NAME, backup_manifest.RESTORE_NOTE, backup_manifest.RESTORE_FOLDER)
# Tries to copy a file that is being written to, and seconds between two tries.
_TRIES = 5
_PAUSE = 0.2
# Nanoseconds. Two writes so close to each other may give a file the same time, because file
# systems keep the time of the kernel's last tick. Network file systems
# that keep whole seconds are not covered.
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
        """Copy a file, and repeat the copy if the file was written to meanwhile.

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


def find_named(connection: sa.Connection) -> Iterator[str]:
    """Yield the paths, below the storage folder, of the uploads that the database names."""
    if resource.stores_in_folder("resource"):
        query = sa.text("SELECT id FROM resource WHERE url_type = 'upload'")
        for id_ in connection.scalars(query):
            yield f"resources/{id_[:3]}/{id_[3:6]}/{id_[6:]}"
    for table in ("group", "user"):
        if not resource.stores_in_folder(table):
            continue
        image = sa.column("image_url", sa.UnicodeText)
        query = sa.select(image).select_from(sa.table(table)).where(image != "").distinct()
        for name in connection.scalars(query):
            # An upload is stored as its file's name, everything else as an address.
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


def find_stored(storage: Path) -> list[str]:
    """Return the files that a backup copies, as paths relative to the storage folder."""
    found: list[str] = []
    for folder, folders, names in os.walk(storage):
        if Path(folder) == storage:
            folders[:] = [each for each in folders if each not in (*_NOT_KEPT, *_NOTES)]
            names = [each for each in names if not each.strip(".").startswith(_NOTES)]
        # CKAN first writes an upload under its name with a tilde at the end.
        found += [
            str(Path(folder, name).relative_to(storage)) for name in names if not name.endswith("~")
        ]
    return sorted(found)


def copy_storage(storage: Path, target: Path, copies: Copies, progress: Progress) -> None:
    """Copy the files of the storage folder."""
    target.mkdir()
    names = find_stored(storage)
    progress(0, len(names))
    for done, name in enumerate(names, 1):
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copies.add(f"{FILES_NAME}/{name}", storage / name, copy)
        progress(done, len(names))


def copy_file(source: Path, target: Path) -> tuple[dict[str, Any], bool]:
    """Copy a file with mode 600 and its modification time.

    Returns:
        size in bytes and digest of the copy; whether the file was not written to meanwhile. A
        very recent modification time counts as written to, because a second write within the same
        tick would leave the same time.
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
        BackupFault: it has none.
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
        manifest: of the backup.
        absent: uploaded files that were missing already when it began.
        vanished: files in the snapshot that were deleted before they were copied.
        replaced: files that were overwritten after the snapshot was taken.
        unsettled: files that were written to during each of several tries.
        warnings: sentences about what the backup lacks, in the reader's language.
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
        BackupFault: it cannot be made; the unfinished backup is removed.
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
    backup_database.find_program("pg_dump")
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
        named = set(find_named(connection))
        absent = sorted(name for name in named if not (storage / name).is_file())
        told = progress(tk._("Database"))
        told(0, 1)
        backup_database.dump_database(address, snapshot, target / DUMP_NAME)
        told(1, 1)
        state = backup_database.read_state(connection)
        versions = {
            "postgresql": str(
                connection.scalar(sa.text("SELECT current_setting('server_version')"))
            )
        }
        takedowns = backup_database.read_takedowns(connection)
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
            "The DataStore's database is not in the backup. After a restore, its tables are loaded "
            "again from the files."
        )


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
    # All files made here and by the programs that are run are readable by the owner only.
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
