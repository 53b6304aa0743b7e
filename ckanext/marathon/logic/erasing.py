"""Taking a record down, in steps that can be repeated until all of them have succeeded.

The first step is one transaction: it purges the record, erases its traces in other tables, and adds
a row to the list of takedowns with the steps that are left. The other steps (files, search index,
jobs, …) are idempotent. A step that failed, or was not reached because the process died, stays in
the row. It is tried again by the same command, by ``takedown apply``, by the next job and when a
process starts; ``doctor`` names it.

The list of takedowns is also written to a file (``ckanext.marathon.takedown_list``), because a
restored backup has no rows about later takedowns.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib import jobs
from ckan.lib.search.common import SearchError, SearchIndexError
from ckan.logic import index_remove_package
from ckan.types import Context
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.registry import BaseRegistry

from ckanext.marathon.domain import takedown as takedown_domain
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.takedown import TakedownEntry
from ckanext.marathon.logic import deletion, reindex
from ckanext.marathon.logic.resource import remove_stored_file
from ckanext.marathon.model import audit, feed_log, takedown
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.takedown import Takedown, Traces, collect_traces, erase_traces
from ckanext.marathon.search.connection import AWAY

LIST_FILE = "ckanext.marathon.takedown_list"


def dictize_takedown(row: Takedown) -> dict[str, Any]:
    """Return a stored takedown in the form of the API and of the file."""
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
    """Return the entries of the file ``ckanext.marathon.takedown_list``; ``[]`` if not set.

    Raises:
        Malformed: the file is not a list of takedowns.
        OSError: the file cannot be read.
    """
    name = str(tk.config.get(LIST_FILE) or "")
    if not name or not Path(name).exists():
        return []
    return takedown_domain.parse_takedowns(Path(name).read_text(encoding="utf-8", errors="replace"))


def write_list_file() -> None:
    """Add the site's list to the configured file, if any; entries in the file stay.

    Raises:
        Malformed: the file is not a list of takedowns; it is not overwritten.
        OSError: the file cannot be written.
    """
    name = str(tk.config.get(LIST_FILE) or "")
    if not name:
        return
    takedown.lock_takedowns()
    own = [dictize_takedown(row) for row in takedown.list_takedowns()]
    known = {row["id"] for row in own}
    others = [dictize_entry(entry) for entry in read_list_file() if entry.id not in known]
    text = json.dumps([*own, *others], ensure_ascii=False, indent=1) + "\n"
    folder = Path(name).absolute().parent
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, delete=False) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, name)


def dictize_entry(entry: TakedownEntry) -> dict[str, Any]:
    """Return an entry of a list in the form of the API and of the file."""
    found = entry._asdict()
    return {**found, "at": entry.at.isoformat(), "resources": list(entry.resources)}


# Titles with fewer characters may occur in jobs about other records.
_TELLING = 12
# Our jobs whose arguments are only ids.
OWN_JOBS = {
    "ckanext.marathon.feeds.publish.fill_gaps",
    "ckanext.marathon.logic.erasing.finish_all",
    "ckanext.marathon.logic.reindex.work_off",
}


def _erase_again(row: Takedown, _words: Collection[str]) -> None:
    """Erase traces of a concurrent save, or of a takedown by a version that erased fewer."""
    erase_traces(collect_traces(row.thing, row.resources))


def _forget_pages(_row: Takedown, _words: Collection[str]) -> None:
    feed_log.delete_outdated_renderings()


def _clear_index(row: Takedown, _words: Collection[str]) -> None:
    index_remove_package(row.thing)


def _index_neighbours(row: Takedown, _words: Collection[str]) -> None:
    for neighbour in row.neighbours:
        reindex.bring_up_to_date(neighbour)


def _remove_files(row: Takedown, _words: Collection[str]) -> None:
    for resource in _not_of_others(row):
        remove_stored_file(resource)
    owner = model.FileOwner
    query = sa.select(owner.file_id).where(owner.owner_id.in_([row.thing, *_not_of_others(row)]))
    for file in model.Session.scalars(query).all():
        tk.get_action("file_delete")({"ignore_auth": True, "user": ""}, {"id": file})


def _drop_tables(row: Takedown, _words: Collection[str]) -> None:
    if not p.plugin_loaded("datastore"):
        return
    from ckanext.datastore.backend import DatastoreBackend

    backend = DatastoreBackend.get_active_backend()
    for resource in _not_of_others(row):
        if backend.resource_exists(resource):
            backend.delete(Context(), {"resource_id": resource})


def _not_of_others(row: Takedown) -> list[str]:
    """Return its resources without those of other records: an imported list may be wrong."""
    ids = sorted(set(row.resources))
    resource = model.Resource
    others = sa.select(resource.id).where(resource.id.in_(ids), resource.package_id != row.thing)
    return sorted(set(ids).difference(model.Session.scalars(others)))


def _drop_jobs(row: Takedown, words: Collection[str]) -> None:
    """Delete background jobs in any state that contain its ids, names or titles."""
    traces = {row.thing, *_not_of_others(row), *(word for word in words if len(word) >= _TELLING)}
    for queue in jobs.get_all_queues():
        for id_ in {
            *queue.get_job_ids(),
            *(i for r in _registries(queue) for i in r.get_job_ids()),
        }:
            job = queue.fetch_job(id_)
            if job is None or job.func_name in OWN_JOBS:
                continue
            if any(trace in _text_of(job) for trace in traces):
                job.delete()


def _registries(queue: Queue) -> list[BaseRegistry]:
    return [
        queue.started_job_registry,
        queue.finished_job_registry,
        queue.failed_job_registry,
        queue.deferred_job_registry,
        queue.scheduled_job_registry,
        queue.canceled_job_registry,
    ]


def _text_of(job: Job) -> str:
    parts: list[Any] = [job.description, job.meta]
    reads: tuple[Callable[[], Any], ...] = (
        # rq does not say what the arguments are.
        lambda: (job.args, job.kwargs),  # pyright: ignore[reportUnknownMemberType]
        job.return_value,
        lambda: job.exc_info,
    )
    for read in reads:
        try:
            parts.append(read())
        except (DeserializationError, AttributeError, ImportError):
            parts.append(job.data)
    return " ".join(map(str, parts))


ACTIONS: dict[str, Callable[[Any, Collection[str]], None]] = {
    "pages": _forget_pages,
    "search": _clear_index,
    "neighbours": _index_neighbours,
    "files": _remove_files,
    "tables": _drop_tables,
    "jobs": _drop_jobs,
    "traces": _erase_again,
    "list": lambda _row, _words: write_list_file(),
}
STEPS = tuple(ACTIONS)
# The steps for a record that is not in the database: only its files may have been restored.
STEPS_OF_ABSENT = tuple(step for step in ACTIONS if step not in ("neighbours", "traces"))


log = logging.getLogger(__name__)


def take_down(package: model.Package, entry: TakedownEntry) -> list[str]:
    """Purge a record and remove all of its traces.

    Args:
        package: the record.
        entry: the entry for the list, without the record's resources.

    Returns:
        the steps that have not succeeded yet.
    """
    try:
        traces = _purge(package, entry, through_ckan=True)
    except (*AWAY, SearchError, SearchIndexError):
        # The index has a step of its own, which is repeated.
        model.Session.rollback()
        again = model.Session.get(model.Package, entry.id)
        assert again is not None, "rolled back"
        traces = _purge(again, entry, through_ckan=False)
    return finish_takedown(entry.id, traces.names | traces.texts)


def _purge(package: model.Package, entry: TakedownEntry, through_ckan: bool) -> Traces:
    deletion.lock_for_purge(package)
    # A concurrent save of the record ends before this lock, or finds no record after it.
    package_model.lock_packages([package.id])
    traces = collect_traces(package.id, entry.resources)
    uploaded = [resource for resource in package.resources_all if resource.url_type == "upload"]
    neighbours = reindex.list_index_dependents(package)
    takedown.record_takedown(
        package.id,
        package.type,
        entry.reason,
        max(entry.files, len(uploaded)),
        entry.user_id,
        resources=traces.resources,
        neighbours=neighbours,
        pending=STEPS,
        at=entry.at,
    )
    audit.note_actor(entry.user_id)
    audit.note_takedown(package)
    for tag in list(package.package_tags):
        model.Session.delete(tag)
    model.Session.flush()
    model.Session.expire(package, ["package_tags"])
    # Before the purge, because CKAN cannot delete a dataset that has collaborators.
    erase_traces(traces)
    if through_ckan:
        context: Context = {"ignore_auth": True, "user": ""}
        # Through the action, so that other plugins can remove their data. It commits.
        tk.get_action("dataset_purge")(context, {"id": package.id})
    else:
        _delete(package)
        model.Session.commit()
    return traces


def _delete(package: model.Package) -> None:
    """Delete a package as CKAN's purge does, without the search index."""
    related = model.PackageRelationship
    for query in (
        sa.select(model.Member).where(
            model.Member.table_id == package.id, model.Member.table_name == "package"
        ),
        sa.select(related).where(
            sa.or_(
                related.subject_package_id == package.id, related.object_package_id == package.id
            )
        ),
    ):
        for row in model.Session.scalars(query).all():
            model.Session.delete(row)
    package.purge()
    model.Session.flush()


def finish_takedown(id_: str, words: Collection[str] = ()) -> list[str]:
    """Run the pending steps of a takedown; each step that succeeds is committed.

    Args:
        id_: id of the record.
        words: its titles and names, if they are still known.

    Returns:
        the steps that failed; the errors are in the log.
    """
    row = takedown.find_takedown(id_)
    failed: list[str] = []
    for step in row.pending if row else ():
        try:
            ACTIONS[step](row, words)
            takedown.mark_step_done(id_, step)
            model.Session.commit()
        except Exception:
            # After any error in one step the others are tried.
            model.Session.rollback()
            log.exception("Takedown of %s: the step “%s” has to be repeated", id_, step)
            failed.append(step)
    return failed


def finish_all() -> dict[str, list[str]]:
    """Run the pending steps of all takedowns; return id → steps that failed."""
    tried = {id_: finish_takedown(id_) for id_ in takedown.list_unfinished()}
    return {id_: failed for id_, failed in tried.items() if failed}


def enqueue_finishing() -> None:
    """Enqueue a background job for the pending steps."""
    try:
        tk.enqueue_job(finish_all, title="marathon: finish takedowns")
    except RedisError:
        log.exception("No job could be left to finish the takedowns")


def apply_list(entries: Collection[TakedownEntry]) -> dict[str, list[str]]:
    """Take down the existing records of a list and of the site's own list; idempotent.

    Entries of the given list are added to the site's own, so that the records are not restored.

    Returns:
        ids by outcome: ``taken_down``, ``added`` (was not in the database), ``known`` (was on the
        site's own list) and ``unfinished`` (steps failed).
    """
    takedown.lock_takedowns()
    known = {row.thing: _entry_of(row) for row in takedown.list_takedowns()}
    result: dict[str, list[str]] = {"taken_down": [], "added": [], "known": [], "unfinished": []}
    for id_, entry in {**{entry.id: entry for entry in entries}, **known}.items():
        package = model.Session.get(model.Package, id_)
        if package is not None:
            what, failed = "taken_down", take_down(package, entry)
        else:
            what = "known" if id_ in known else "added"
            _write_down(entry, STEPS_OF_ABSENT if id_ in known else STEPS)
            failed = finish_takedown(id_)
        result[what].append(id_)
        if failed:
            result["unfinished"].append(id_)
        # Each takedown commits, which releases the lock.
        takedown.lock_takedowns()
    model.Session.commit()
    return result


def _write_down(entry: TakedownEntry, pending: Collection[str]) -> None:
    """Add a record that is not in the database to the site's list, with pending steps."""
    takedown.record_takedown(
        entry.id,
        entry.type,
        entry.reason,
        entry.files,
        entry.user_id,
        resources=entry.resources,
        pending=pending,
        at=entry.at,
    )
    model.Session.commit()


def enforce_list() -> bool:
    """Take down records that a restored backup brought back, before they are served.

    Returns:
        whether no listed record and no pending step is left.
    """
    entries, fault = _read_file()
    if find_returned() or not {row.thing for row in takedown.list_takedowns()}.issuperset(
        entry.id for entry in entries
    ):
        result = apply_list(entries)
        log.warning("The takedown list was applied: %s", json.dumps(result))
        return not fault and not result["unfinished"]
    if takedown.list_unfinished():
        return not finish_all() and not fault
    return not fault


def find_returned() -> list[str]:
    """Return the ids of listed records that are in the database."""
    entries, _fault = _read_file()
    return sorted(
        {*takedown.list_returned(), *package_model.load_packages(entry.id for entry in entries)}
    )


def _read_file() -> tuple[list[TakedownEntry], str]:
    """Return the entries of the file, and an error message if it cannot be read."""
    try:
        return read_list_file(), ""
    except (OSError, Malformed) as fault:
        log.error("%s cannot be read: %s", LIST_FILE, fault)
        return [], str(fault)


def _entry_of(row: Takedown) -> TakedownEntry:
    return TakedownEntry(
        row.thing, row.kind, row.reason, row.at, row.files, tuple(row.resources), row.user_id
    )


def make_entry(package: model.Package, reason: str, user_id: str | None) -> TakedownEntry:
    """Return the entry of a new takedown, without files and resources."""
    return TakedownEntry(package.id, package.type, reason, datetime.now(UTC), 0, (), user_id)
