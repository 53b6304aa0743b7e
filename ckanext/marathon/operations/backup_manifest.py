"""The manifest of a backup (``manifest.json``), and the note of a running restore.

The manifest is written last, so that without it there is no backup. Beside it are
``database.dump`` (of ``pg_dump``), ``files/`` (the storage folder) and ``configuration/`` (the
site's ini file and what it builds on).

The note lies in the storage folder while a restore is under way, and stays there if it is
interrupted. Until it is removed the site answers nothing but 503: its database and its files may
be of different moments, and what was taken down may be there again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.marathon.domain.texts import is_json_object

MANIFEST = "manifest.json"
DUMP_NAME = "database.dump"
FILES_NAME = "files"
CONFIGURATION_NAME = "configuration"
VERSION = 1
# Bytes read at a time.
PIECE = 1 << 20

Progress = Callable[[int, int], None]


class BackupFault(Exception):
    """A backup cannot be made or used; the text says why and what to do."""


@dataclass(frozen=True)
class Manifest:
    """What is in a backup.

    Attributes:
        version: of the format.
        made: time of the backup, ISO 8601 with an offset.
        site: ``url``, ``id`` and ``title``.
        versions: of ``ckan``, ``ckanext-marathon``, ``python`` and ``postgresql`` (the server).
        migrations: plugin (``ckan`` for its own tables) → revision.
        feed: ``epoch``, ``number`` and ``mark`` of the last change, ``base`` of the IRIs, and
            ``digest`` of all entries of the log.
        counts: table → rows.
        files: path in the backup → ``size`` in bytes and ``sha256``.
        missing: uploaded files named in the database that do not exist.
        takedowns: the list of takedowns, as ``marathon_takedown_list`` returns it.
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
        """Write it into a backup's directory."""
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
        if is_json_object(found) and found.get("version") not in (None, VERSION):
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
    """Return the takedowns that an interrupted restore had to apply; none if there was none."""
    path = find_restore_note()
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path else {}
    except FileNotFoundError:
        return []
    return list(found["takedowns"])


def write_restore_note(backup: Path, takedowns: Sequence[dict[str, Any]]) -> None:
    """Write the note that a restore begins, with the takedowns that it will apply."""
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
    """Delete the note that a restore is running."""
    path = find_restore_note()
    if path is not None:
        path.unlink(missing_ok=True)
