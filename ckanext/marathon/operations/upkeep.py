"""Maintenance of a site: search index, stored files and checksums, activities.

CKAN writes an upload to ``NAME~`` and renames it when it is complete. A process that is killed
leaves such a partial file, or a complete file whose record was never saved. Older rows of
ckanext-activity are reduced in the same way as new ones (:mod:`logic.activity`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib import search
from ckan.lib.search import common
from ckan.lib.search.query import solr_literal

from ckanext.marathon.domain import file
from ckanext.marathon.logic import draft as draft_logic
from ckanext.marathon.logic import reindex
from ckanext.marathon.logic import resource as resource_logic
from ckanext.marathon.logic import upload as upload_logic
from ckanext.marathon.logic.activity import strip_data
from ckanext.marathon.logic.redacting import redact_text
from ckanext.marathon.model import activity, file_version, search_index, upload
from ckanext.marathon.visibility import name_capacity

_PAGE = 1_000
_FIELDS = "id,state,capacity,organization,metadata_modified"


class IndexFault(Enum):
    """How a record differs in the index."""

    MISSING = "missing"
    GHOST = "ghost"
    OUTDATED = "outdated"


@dataclass(frozen=True)
class IndexDifference:
    """A record that differs, and how."""

    package_id: str
    fault: IndexFault


def compare_index() -> Iterator[IndexDifference]:
    """Yield the records that are missing, outdated, or too many in the index.

    State, visibility, organisation and the time of the last change are compared. Values that are
    computed from other records are not: their changes are noted when they happen
    (``model/search_index.py``).

    Raises:
        pysolr.SolrError: Solr does not answer.
    """
    stored = dict(_stored())
    for id_, indexed in _indexed():
        expected = stored.pop(id_, None)
        if expected is None:
            yield IndexDifference(id_, IndexFault.GHOST)
        elif expected != indexed:
            yield IndexDifference(id_, IndexFault.OUTDATED)
    skip_deleted = tk.config.get("ckan.search.remove_deleted_packages")
    for id_, (state, *_rest) in stored.items():
        if not (skip_deleted and state == model.State.DELETED):
            yield IndexDifference(id_, IndexFault.MISSING)


def repair_index() -> int:
    """Index the noted packages and those that differ; return how many were indexed.

    Raises:
        pysolr.SolrError: Solr does not answer.
    """
    differing = [difference.package_id for difference in compare_index()]
    search_index.note_packages(differing)
    model.Session.commit()
    return reindex.work_off()


def _stored() -> Iterator[tuple[str, tuple[Any, ...]]]:
    package, group = model.Package, model.Group
    query = sa.select(
        package.id, package.state, name_capacity(package), group.name, package.metadata_modified
    ).outerjoin(group, sa.and_(group.id == package.owner_org, group.state == model.State.ACTIVE))
    for id_, state, capacity, organization, modified in model.Session.execute(query):
        yield id_, (state, capacity, organization or "", _to_milliseconds(modified))


def _indexed() -> Iterator[tuple[str, tuple[Any, ...]]]:
    solr = common.make_connection()
    ours = f"+entity_type:package +site_id:{solr_literal(tk.config['ckan.site_id'])}"
    mark, following = "*", ""
    while mark != following:
        mark = following or mark
        found = solr.search(
            "*:*", fq=ours, fl=_FIELDS, rows=_PAGE, sort="index_id asc", cursorMark=mark
        )
        for document in found.docs:
            modified = document.get("metadata_modified")
            yield (
                document["id"],
                (
                    document.get("state"),
                    document.get("capacity"),
                    document.get("organization") or "",
                    _to_milliseconds(modified) if isinstance(modified, datetime) else modified,
                ),
            )
        following = found.nextCursorMark


def _to_milliseconds(moment: datetime) -> str:
    # CKAN parses times from Solr to seconds.
    return moment.isoformat()[:19]


# Younger files may belong to uploads in progress.
_SECONDS = 24 * 3600
_AT_ONCE = 1000


def list_partial_files() -> list[Path]:
    """Return partial files of uploads that were interrupted at least a day ago."""
    return sorted(path for path in _old_files() if path.name.endswith("~"))


def remove_partial_files() -> list[Path]:
    """Delete and return the files of :func:`list_partial_files`, which CKAN never reads."""
    removed = list_partial_files()
    for path in removed:
        path.unlink(missing_ok=True)
    return removed


class Expired(NamedTuple):
    """Numbers of begun uploads and of drafts whose time is over."""

    uploads: int
    drafts: int


def count_expired() -> Expired:
    """Count what :func:`remove_expired` would remove."""
    uploads = 0
    if upload_logic.takes_uploads():
        uploads = len(upload.list_expired()) + len(upload.list_files_without_row())
    return Expired(uploads, draft_logic.count_old_drafts())


def remove_expired() -> Expired:
    """Remove begun uploads and drafts whose time is over."""
    uploads = upload_logic.forget_expired() if upload_logic.takes_uploads() else 0
    drafts = draft_logic.forget_old_drafts()
    model.Session.commit()
    return Expired(uploads, drafts)


def list_unknown_files() -> list[Path]:
    """Return the stored files of resources and versions that are not in the database."""
    found = {_resource_id(path): path for path in _old_files() if not path.name.endswith("~")}
    ids = [resource_id for resource_id in found if resource_id]
    known: set[str] = set()
    for start in range(0, len(ids), _AT_ONCE):
        query = sa.select(model.Resource.id).where(
            model.Resource.id.in_(ids[start : start + _AT_ONCE])
        )
        known.update(model.Session.scalars(query))
    # The bytes of former versions are stored under the ids of the versions.
    known.update(file_version.list_stored_ids())
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
    """Return the resource id of a file, whose first six characters are names of folders."""
    first, second, rest = path.parts[-3:]
    return f"{first}{second}{rest}"


class ChecksumOutcome(StrEnum):
    """The outcome for a file."""

    ADDED = "added"
    CORRECTED = "corrected"
    MISSING = "missing"
    ELSEWHERE = "elsewhere"


class ChecksumsDone(NamedTuple):
    """Ids of a resource and its dataset, and the outcome; ``detail`` is a text for people."""

    resource: str
    package: str
    outcome: ChecksumOutcome
    detail: str = ""


def add_missing_checksums() -> Iterator[ChecksumsDone]:
    """Store the SHA-256 of each uploaded file that has none; yield an outcome for each file.

    A checksum of another algorithm is compared with the file before it is replaced. There is a
    commit for each file, so that the run can be interrupted and repeated. ``metadata_modified`` of
    datasets is not changed.
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


BATCH = 500
# Rows checked by the doctor.
_LOOKED_AT = 1_000


@dataclass
class ScrubbedActivities:
    """Number of rows, and of rows whose data or permission labels were changed."""

    rows: int = 0
    data: int = 0
    labels: int = 0


def scrub_activities(progress: Callable[[int], None] = lambda done: None) -> ScrubbedActivities:
    """Reduce all activities to the public part of their record; idempotent.

    There is one transaction for each batch of rows.

    Args:
        progress: called after each batch with the number of rows done.

    Returns:
        the numbers of rows, 0 if the site has no table of activities.
    """
    done = ScrubbedActivities()
    if not activity.has_table():
        return done
    for batch in activity.list_activity_rows(BATCH):
        stripped = [(row.id, strip_data(row.data)) for row in batch if row.data]
        before = {row.id: row.data for row in batch}
        changed = [(id_, data) for id_, data in stripped if data != before[id_]]
        activity.write_data(changed)
        packages = {r.object_id for r in batch if activity.is_of_package(r.activity_type)}
        groups = {r.object_id for r in batch} - packages
        done.labels += activity.relabel_rows(packages, groups)
        model.repo.commit()
        done.rows += len(batch)
        done.data += len(changed)
        progress(done.rows)
    return done


def count_unsafe_activities() -> int:
    """Count activities with non-public content: wrong permission labels, or data to be removed.

    For the latter only the first candidate rows are checked.
    """
    if not activity.has_table():
        return 0
    named = activity.list_suspicious_rows(_LOOKED_AT)
    kept = [row for row in named if row.data and strip_data(row.data) != row.data]
    return activity.count_exposed() + len(kept)
