"""The note in the storage folder that a restore is under way, or was interrupted.

While it is there the site answers nothing but 503: its database and its files may be of different
moments, and what was taken down may be there again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk

NAME = "marathon-restore.json"
# Where files wait to be put in place, and those that were there before.
FOLDER = "marathon-restore"


def find_note() -> Path | None:
    """Return where the note is or would be, ``None`` on a site without a storage folder."""
    storage = tk.config.get("ckan.storage_path")
    return Path(str(storage)) / NAME if storage else None


def is_restoring() -> bool:
    """Return whether a restore is under way, or was interrupted."""
    path = find_note()
    return path is not None and path.exists()


def read_takedowns() -> list[dict[str, Any]]:
    """Return the takedowns that an interrupted restore had to apply; none if there was none."""
    path = find_note()
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path else {}
    except FileNotFoundError:
        return []
    return list(found["takedowns"])


def write_note(backup: Path, takedowns: Sequence[dict[str, Any]]) -> None:
    """Write down that a restore begins, and the takedowns that it will apply."""
    path = find_note()
    assert path is not None, "without a storage folder nothing is restored"
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"backup": str(backup), "takedowns": list(takedowns)}, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def remove_note() -> None:
    """Say that the restore has ended."""
    path = find_note()
    if path is not None:
        path.unlink(missing_ok=True)
