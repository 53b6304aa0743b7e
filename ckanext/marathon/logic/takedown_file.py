"""The list of what was taken down as a file, which outlives the database that it was written from.

A backup that is restored does not know what was taken down after it was made. A file outside of
it does: ``ckanext.marathon.takedown_list``.
"""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.marathon.domain import takedown as takedown_domain
from ckanext.marathon.domain.takedown import TakedownEntry
from ckanext.marathon.model import takedown

LIST_FILE = "ckanext.marathon.takedown_list"


def dictize_takedown(row: Any) -> dict[str, Any]:
    """Return a row of the list as the API and files have it."""
    return {
        "id": row.thing,
        "type": row.kind,
        "reason": row.reason,
        "files": row.files,
        "resources": sorted(set(row.resources)),
        "at": row.at.astimezone(UTC).isoformat(),
        "user_id": row.user_id,
    }


def read_list_file() -> list[TakedownEntry]:
    """Return what the file of ``ckanext.marathon.takedown_list`` lists; nothing where none is set.

    Raises:
        Malformed: it is not such a list.
        OSError: it cannot be read.
    """
    name = str(tk.config.get(LIST_FILE) or "")
    if not name or not Path(name).exists():
        return []
    return takedown_domain.parse_takedowns(Path(name).read_text(encoding="utf-8", errors="replace"))


def write_list_file() -> None:
    """Add the site's list to the file, if one is set; what is there already stays.

    Raises:
        Malformed: what is there is not such a list; it is not overwritten.
        OSError: it cannot be written.
    """
    name = str(tk.config.get(LIST_FILE) or "")
    if not name:
        return
    takedown.hold_lock()
    own = [dictize_takedown(row) for row in takedown.list_takedowns()]
    known = {each["id"] for each in own}
    others = [dictize_entry(each) for each in read_list_file() if each.id not in known]
    text = json.dumps([*own, *others], ensure_ascii=False, indent=1) + "\n"
    folder = Path(name).absolute().parent
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, delete=False) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, name)


def dictize_entry(entry: TakedownEntry) -> dict[str, Any]:
    """Return a row of a list as the API and files have it."""
    found = entry._asdict()
    return {**found, "at": entry.at.isoformat(), "resources": list(entry.resources)}
