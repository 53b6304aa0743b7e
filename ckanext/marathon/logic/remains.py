"""What is left of a record outside of the transaction that took it down, and removing it.

Each step may be repeated, and finds nothing to do where it was done before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib import jobs, uploader
from ckan.logic import index_remove_package
from ckan.types import Context
from rq import Queue
from rq.exceptions import DeserializationError, NoSuchJobError
from rq.job import Job
from rq.registry import BaseRegistry

from ckanext.marathon.logic import reindex
from ckanext.marathon.logic.takedown_file import write_list_file
from ckanext.marathon.model import feed_log
from ckanext.marathon.model.takedown import collect_traces, erase_traces

# Characters from which on a title names its record and no other.
_TELLING = 12
# Jobs of ours that carry ids alone.
OWN_JOBS = {
    "ckanext.marathon.feeds.gaps.fill_gaps",
    "ckanext.marathon.logic.erasing.finish_all",
    "ckanext.marathon.logic.reindex.work_off",
}


def _erase_again(row: Any, _words: Collection[str]) -> None:
    """Remove what a save that was under way has left, or a takedown before traces were known."""
    erase_traces(collect_traces(row.thing, row.resources))


def _forget_pages(_row: Any, _words: Collection[str]) -> None:
    feed_log.delete_outdated_renderings()


def _clear_index(row: Any, _words: Collection[str]) -> None:
    index_remove_package(row.thing)


def _index_neighbours(row: Any, _words: Collection[str]) -> None:
    for neighbour in row.neighbours:
        reindex.bring_up_to_date(neighbour)


def _remove_files(row: Any, _words: Collection[str]) -> None:
    for resource in _not_of_others(row):
        _remove_file(resource)
    owner = model.FileOwner
    query = sa.select(owner.file_id).where(owner.owner_id.in_([row.thing, *_not_of_others(row)]))
    for file in model.Session.scalars(query).all():
        tk.get_action("file_delete")({"ignore_auth": True, "user": ""}, {"id": file})


def _remove_file(resource: str) -> None:
    upload: Any = uploader.get_resource_uploader({"id": resource, "url": ""})
    if isinstance(upload, uploader.ResourceUpload):
        if upload.storage_path:
            # CKAN's own removal says nothing if it fails. An upload that was cut off has a tilde.
            path = Path(upload.get_path(resource))
            for file in (path, path.with_name(f"{path.name}~")):
                file.unlink(missing_ok=True)
        return
    # As CKAN does where a link takes the place of a file.
    upload.filename, upload.clear = None, True
    upload.upload(resource)


def _drop_tables(row: Any, _words: Collection[str]) -> None:
    if not p.plugin_loaded("datastore"):
        return
    from ckanext.datastore.backend import DatastoreBackend

    backend = DatastoreBackend.get_active_backend()
    for resource in _not_of_others(row):
        if backend.resource_exists(resource):
            backend.delete(Context(), {"resource_id": resource})


def _not_of_others(row: Any) -> list[str]:
    """Return its resources, without those that other records have: a list comes from elsewhere."""
    ids = sorted(set(row.resources))
    resource = model.Resource
    others = sa.select(resource.id).where(resource.id.in_(ids), resource.package_id != row.thing)
    return sorted(set(ids).difference(model.Session.scalars(others)))


def _drop_jobs(row: Any, words: Collection[str]) -> None:
    """Delete background jobs that carry something of it: waiting, failed and done ones."""
    # A short title may well be a word of others' jobs.
    traces = {row.thing, *_not_of_others(row), *(each for each in words if len(each) >= _TELLING)}
    for queue in jobs.get_all_queues():
        for id_ in {
            *queue.get_job_ids(),
            *(i for r in _registries(queue) for i in r.get_job_ids()),
        }:
            try:
                job = Job.fetch(id_, connection=queue.connection)
            except NoSuchJobError:
                continue
            if job.func_name not in OWN_JOBS and any(each in _text_of(job) for each in traces):
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
    for read in (lambda: (job.args, job.kwargs), job.return_value, lambda: job.exc_info):
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
# What a record that is not there may have left where only files were restored.
STEPS_OF_ABSENT = tuple(each for each in ACTIONS if each not in ("neighbours", "traces"))
