"""Files in ``ckan.storage_path``: those an accident left behind, and checksums of old uploads.

CKAN stores an upload as ``NAME~`` and renames it when it is whole. A worker that is killed leaves
the first, or a whole file whose record was never saved.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib import search

from ckanext.marathon.domain import file
from ckanext.marathon.logic import resource as resource_logic
from ckanext.marathon.logic.redacting import redact_text

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


class ChecksumOutcome(StrEnum):
    """What was done with a file."""

    ADDED = "added"
    CORRECTED = "corrected"
    MISSING = "missing"
    ELSEWHERE = "elsewhere"


class ChecksumsDone(NamedTuple):
    """A file, the dataset that it belongs to, and what was done; ``detail`` is for people."""

    resource: str
    package: str
    outcome: ChecksumOutcome
    detail: str = ""


def add_missing_checksums() -> Iterator[ChecksumsDone]:
    """State SHA-256 of each uploaded file that has none, and yield what was done.

    A checksum of another kind that was stated is compared with the file before it is replaced. Each
    file is committed by itself, so that it can be interrupted and run again. A dataset has not
    changed because of it: its dates stay.
    """
    query = sa.select(model.Resource.id).where(
        model.Resource.url_type == "upload", model.Resource.state == model.State.ACTIVE
    )
    for resource_id in model.Session.scalars(query.order_by(model.Resource.id)).all():
        done = _add(resource_id)
        if done:
            yield done


def _add(resource_id: str) -> ChecksumsDone | None:
    query = model.Session.query(model.Resource).filter_by(id=resource_id)
    resource = query.with_for_update().populate_existing().first()
    if resource is None:
        return None
    stated = file.read_checksum({"hash": resource.hash, **(resource.extras or {})})
    if stated and stated.algorithm == file.OWN_ALGORITHM:
        model.Session.rollback()
        return None
    package = str(resource.package_id)
    try:
        blocks = resource_logic.read_file(resource)
        if blocks is None:
            model.Session.rollback()
            return ChecksumsDone(resource_id, package, ChecksumOutcome.ELSEWHERE)
        found = file.compute_checksums(
            blocks, {file.OWN_ALGORITHM, *([stated.algorithm] if stated else [])}
        )
    except OSError as fault:
        model.Session.rollback()
        return ChecksumsDone(resource_id, package, ChecksumOutcome.MISSING, redact_text(str(fault)))
    detail = ""
    if stated and found[stated.algorithm] != stated.digits:
        detail = f"{stated.algorithm}: {stated.digits} → {found[stated.algorithm]}"
    resource.hash = found[file.OWN_ALGORITHM]
    resource.extras = {**(resource.extras or {}), "hash_algorithm": file.OWN_ALGORITHM}
    model.Session.commit()
    search.rebuild(package_id=package, force=True, quiet=True)
    return ChecksumsDone(
        resource_id, package, ChecksumOutcome.CORRECTED if detail else ChecksumOutcome.ADDED, detail
    )
