"""The files of a site: which there are, which the database names, and copying them."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa

from ckanext.marathon.feeds import witness
from ckanext.marathon.logic import uploads
from ckanext.marathon.operations import restore_note
from ckanext.marathon.operations.backup_manifest import (
    CONFIGURATION,
    FILES,
    PIECE,
    BackupFault,
    Progress,
    read_digest,
)

FURTHER_OPTION = "ckanext.marathon.backup_files"
# Below the storage folder: what is made anew, and notes about this very database.
_NOT_KEPT = ("webassets",)
_NOTES = (witness.NAME, restore_note.NAME, restore_note.FOLDER)
# How often a file is copied that something writes to meanwhile, and seconds between two tries.
_TRIES = 5
_PAUSE = 0.2
# Nanoseconds. Two writes so close to each other may give a file the same time, because file
# systems keep the time of the kernel's last tick. Network file systems
# that keep whole seconds are not covered.
_RESTED = 100_000_000
# An ini file of CKAN names another one that it builds on.
_BUILDS_ON = re.compile(r"^\s*use\s*=\s*config:\s*(\S+)", re.MULTILINE)


@dataclass
class Copies:
    """Files that were copied into a backup.

    Attributes:
        files: path in the backup → ``size`` in bytes and ``sha256``.
        gone: paths in the backup of those that were deleted before their turn came.
        unsettled: paths in the backup of those that something wrote to at each try, so that the
            copy may be half of one version and half of another.
    """

    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    unsettled: set[str] = field(default_factory=set)

    def add(self, name: str, source: Path, target: Path) -> None:
        """Copy a file, again if it changes meanwhile.

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
    if uploads.stores_in_folder("resource"):
        query = sa.text("SELECT id FROM resource WHERE url_type = 'upload'")
        for id_ in connection.scalars(query):
            yield f"resources/{id_[:3]}/{id_[3:6]}/{id_[6:]}"
    for table in ("group", "user"):
        if not uploads.stores_in_folder(table):
            continue
        image = sa.column("image_url")
        query = sa.select(image).select_from(sa.table(table)).where(image != "").distinct()
        for name in connection.scalars(query):
            # An upload is stored as its file's name, everything else as an address.
            if "/" not in name:
                yield f"storage/uploads/{table}/{name}"


def copy_configuration(target: Path, copies: Copies) -> None:
    """Copy the site's ini file, what it builds on, and what the site names besides."""
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
        copies.add(f"{CONFIGURATION}/{copy.name}", path, copy)
        if path.suffix == ".ini":
            text = path.read_text(encoding="utf-8", errors="replace")
            waiting += [path.parent / name for name in _BUILDS_ON.findall(text)]


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


def copy_storage(storage: Path, target: Path, copies: Copies, progress: Progress) -> None:
    """Copy the files of the storage folder."""
    target.mkdir()
    names = find_stored(storage)
    progress(0, len(names))
    for done, name in enumerate(names, 1):
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copies.add(f"{FILES}/{name}", storage / name, copy)
        progress(done, len(names))


def copy_file(source: Path, target: Path) -> tuple[dict[str, Any], bool]:
    """Copy a file for its owner alone, with its time.

    Returns:
        size and digest of the copy; whether nothing wrote to the file meanwhile. One that was
        written to a moment before may have been written to again without a sign of it, and counts
        as written to.
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
