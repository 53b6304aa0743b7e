"""Saving the whole site while it runs: database, files and configuration, of one moment.

The database is dumped as one snapshot sees it. CKAN writes an uploaded file before it commits the
row that names it, so whatever a row of the snapshot names was there when the snapshot was taken.
Files are copied after the dump. One that was deleted in between is missing from the copy, which is
noticed by comparing the copy with the snapshot's rows.
"""

from __future__ import annotations

import errno
import fcntl
import os
import platform
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
from ckan.model import meta

from ckanext.marathon.logic import uploads
from ckanext.marathon.operations import backup_files, backup_state, postgres_programs
from ckanext.marathon.operations.backup_manifest import (
    CONFIGURATION,
    DUMP,
    FILES,
    VERSION,
    BackupFault,
    Manifest,
    Progress,
)

# In a directory that is being written; the process that writes holds a lock on it.
_UNFINISHED = "UNFINISHED"
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
        unsettled: files that something wrote to while they were copied, at each of several tries.
        warnings: what is not in the backup, in the reader's language.
    """

    manifest: Manifest
    absent: list[str]
    vanished: list[str]
    replaced: list[str]
    unsettled: list[str]
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
    storage = backup_files.find_storage()
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
        named = set(backup_files.find_named(connection))
        absent = sorted(name for name in named if not (storage / name).is_file())
        told = progress(tk._("Database"))
        told(0, 1)
        postgres_programs.dump_database(address, snapshot, target / DUMP)
        told(1, 1)
        state = backup_state.read_state(connection)
        versions = {
            "postgresql": str(
                connection.scalar(sa.text("SELECT current_setting('server_version')"))
            )
        }
        takedowns = backup_state.read_takedowns(connection)
    copies = backup_files.Copies({DUMP: backup_files.describe_file(target / DUMP)})
    backup_files.copy_configuration(target / CONFIGURATION, copies)
    backup_files.copy_storage(storage, target / FILES, copies, progress(tk._("Files")))
    there = {name for name in named if f"{FILES}/{name}" in copies.files}
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
    return Outcome(
        manifest,
        absent=absent,
        vanished=sorted({*missing} - set(absent)),
        replaced=sorted(name for name in there if (target / FILES / name).stat().st_mtime > began),
        unsettled=sorted(copies.unsettled),
        warnings=list(_warnings()),
    )


def _warnings() -> Iterator[str]:
    if not all(uploads.stores_in_folder(kind) for kind in ("resource", "group", "user")):
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
    files = sum((storage / name).stat().st_size for name in backup_files.find_stored(storage))
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
