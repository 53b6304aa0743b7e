"""Putting the files of a backup in the place of those in the storage folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import ckan.plugins.toolkit as tk

from ckanext.marathon.operations import restore_note
from ckanext.marathon.operations.backup_manifest import (
    FILES,
    BackupFault,
    Manifest,
    Progress,
    read_digest,
)


def prepare_files(directory: Path, storage: Path, manifest: Manifest, progress: Progress) -> Path:
    """Copy the files of a backup beside those that are there; return where they wait."""
    forget_waiting(storage)
    waiting = storage / restore_note.FOLDER
    new = waiting / "new"
    new.mkdir(parents=True)
    names = list(manifest.names(FILES))
    progress(0, len(names))
    for done, name in enumerate(names, 1):
        target = new / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(directory / FILES / name, target)
        found = (directory / FILES / name).stat()
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
        if read_digest(target) != manifest.files[f"{FILES}/{name}"]["sha256"]:
            raise BackupFault(tk._("{path} was copied wrongly.").format(path=target))
        progress(done, len(names))
    _hand_over(storage, waiting)
    return waiting


def forget_waiting(storage: Path) -> None:
    """Delete the files that wait to be put in place."""
    shutil.rmtree(storage / restore_note.FOLDER, ignore_errors=True)


def _hand_over(storage: Path, waiting: Path) -> None:
    """As root, give the files to whom the storage folder belongs, so that the site can use them."""
    if os.geteuid() != 0:
        return
    owner = storage.stat()
    for path in (waiting, *waiting.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)


def change_places(storage: Path, waiting: Path) -> None:
    """Put the waiting files in place, and delete those that were there."""
    old = waiting / "old"
    old.mkdir(exist_ok=True)
    for path in list(storage.iterdir()):
        if path.name not in (restore_note.NAME, restore_note.FOLDER, "webassets"):
            path.rename(old / path.name)
    for path in list((waiting / "new").iterdir()):
        path.rename(storage / path.name)
    shutil.rmtree(waiting)
