"""The files of a site: which there are, which the database names, and copying them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
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
# An ini file of CKAN names another one that it builds on.
_BUILDS_ON = re.compile(r"^\s*use\s*=\s*config:\s*(\S+)", re.MULTILINE)


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


def copy_configuration(target: Path) -> dict[str, dict[str, Any]]:
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
        files[f"{CONFIGURATION}/{copy.name}"] = copy_file(path, copy)
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


def copy_storage(
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
            files[f"{FILES}/{name}"] = copy_file(storage / name, copy)
        except FileNotFoundError:
            gone.add(name)
        progress(done, len(names))
    return files, gone


def copy_file(source: Path, target: Path) -> dict[str, Any]:
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
