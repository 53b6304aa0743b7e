"""Files that an accident left behind in ``ckan.storage_path``.

CKAN stores an upload as ``NAME~`` and renames it when it is whole. A worker that is killed leaves
the first, or a whole file whose record was never saved.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

# Younger ones may be on their way.
_SECONDS = 24 * 3600
_AT_ONCE = 1000


def list_partial_files() -> list[Path]:
    """Return the parts of files whose upload ended a day ago or more."""
    return sorted(path for path in _old_files() if path.name.endswith("~"))


def remove_partial_files() -> list[Path]:
    """Delete what :func:`list_partial_files` returns; CKAN never reads it."""
    removed = list_partial_files()
    for path in removed:
        path.unlink(missing_ok=True)
    return removed


def list_unknown_files() -> list[Path]:
    """Return the stored files of resources that no row of the database knows."""
    found = {_resource_id(path): path for path in _old_files() if not path.name.endswith("~")}
    ids = [resource_id for resource_id in found if resource_id]
    known: set[str] = set()
    for start in range(0, len(ids), _AT_ONCE):
        query = sa.select(model.Resource.id).where(
            model.Resource.id.in_(ids[start : start + _AT_ONCE])
        )
        known.update(model.Session.scalars(query))
    return sorted(found[resource_id] for resource_id in ids if resource_id not in known)


def _folder() -> Path | None:
    storage = tk.config.get("ckan.storage_path")
    return Path(storage) / "resources" if storage else None


def _old_files() -> Iterator[Path]:
    folder = _folder()
    if folder is None or not folder.is_dir():
        return
    oldest = time.time() - _SECONDS
    for path in folder.glob("???/???/*"):
        if path.is_file() and path.stat().st_mtime < oldest:
            yield path


def _resource_id(path: Path) -> str:
    """Return the id whose first six characters name the folders of a file."""
    first, second, rest = path.parts[-3:]
    return f"{first}{second}{rest}"
