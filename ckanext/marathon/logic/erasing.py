"""Taking a record down, in steps that can be repeated until all of them have succeeded.

The database comes first, in one transaction: the purge, the traces in other tables, the row that
says that it was taken down and which steps are left. What is outside of the database follows.
A step that fails, or that nobody came to because the process died, stays in that row. It is tried
again when the command is repeated, by ``takedown apply``, by the next job and when a process
starts, and ``doctor`` names it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib.search.common import SearchError, SearchIndexError
from ckan.types import Context
from redis.exceptions import RedisError

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.takedown import TakedownEntry
from ckanext.marathon.logic import cutting, reindex
from ckanext.marathon.logic.remains import ACTIONS, STEPS, STEPS_OF_ABSENT
from ckanext.marathon.logic.takedown_file import LIST_FILE, read_list_file
from ckanext.marathon.model import audit, takedown
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.takedown import Traces, collect_traces, erase_traces
from ckanext.marathon.search.connection import AWAY

log = logging.getLogger(__name__)


def take_down(package: model.Package, entry: TakedownEntry) -> list[str]:
    """Purge a record and remove everything that is known of it.

    Args:
        package: the record.
        entry: what is written down; its files and resources are added here.

    Returns:
        the steps that did not succeed yet, none if nothing is left of it.
    """
    try:
        traces = _purge(package, entry, through_ckan=True)
    except (*AWAY, SearchError, SearchIndexError):
        # The index is a step of its own, which is repeated.
        model.Session.rollback()
        again = model.Session.get(model.Package, entry.id)
        assert again is not None, "rolled back"
        traces = _purge(again, entry, through_ckan=False)
    return finish_takedown(entry.id, traces.names | traces.texts)


def _purge(package: model.Package, entry: TakedownEntry, through_ckan: bool) -> Traces:
    cutting.lock(package)
    # Who is saving it at this moment finishes first, or finds nothing to save.
    package_model.lock_packages([package.id])
    traces = collect_traces(package.id, entry.resources)
    uploaded = [each for each in package.resources_all if each.url_type == "upload"]
    neighbours = reindex.dependents(package)
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
    for each in list(package.package_tags):
        model.Session.delete(each)
    model.Session.flush()
    model.Session.expire(package, ["package_tags"])
    # First, as CKAN cannot delete a dataset that has collaborators.
    erase_traces(traces)
    if through_ckan:
        context: Context = {"ignore_auth": True, "user": ""}
        # Other plugins may have something of theirs to remove. It commits.
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
        for each in model.Session.scalars(query).all():
            model.Session.delete(each)
    package.purge()
    model.Session.flush()


def finish_takedown(id_: str, words: Collection[str] = ()) -> list[str]:
    """Do what is left to do of a takedown; each step that succeeds is committed.

    Args:
        id_: of the record.
        words: its titles and names, while they are still known.

    Returns:
        the steps that failed, which the log explains.
    """
    row = takedown.find_takedown(id_)
    failed = []
    for step in row.pending if row else ():
        try:
            ACTIONS[step](row, words)
            takedown.settle_step(id_, step)
            model.Session.commit()
        except Exception:
            # Whatever keeps one step from succeeding must not keep the others from being tried.
            model.Session.rollback()
            log.exception("Takedown of %s: the step “%s” has to be repeated", id_, step)
            failed.append(step)
    return failed


def finish_all() -> dict[str, list[str]]:
    """Finish every takedown of which something is left; return id → steps that failed."""
    tried = {each: finish_takedown(each) for each in takedown.list_unfinished()}
    return {id_: failed for id_, failed in tried.items() if failed}


def finish_later() -> None:
    """Have what is left tried by a background job."""
    try:
        tk.enqueue_job(finish_all, title="marathon: finish takedowns")
    except RedisError:
        log.exception("No job could be left to finish the takedowns")


def apply_list(entries: Collection[TakedownEntry]) -> dict[str, list[str]]:
    """Take down whatever of a list, and of the site's own, is there; nothing twice.

    What is on the given list only is added to the site's own, so that it stays away.

    Returns:
        ids by what became of them: ``taken_down``, ``added`` (nothing of it was there),
        ``known`` (nothing to do), and ``unfinished``.
    """
    takedown.hold_lock()
    known = {row.thing: _entry_of(row) for row in takedown.list_takedowns()}
    result: dict[str, list[str]] = {"taken_down": [], "added": [], "known": [], "unfinished": []}
    for id_, entry in {**{each.id: each for each in entries}, **known}.items():
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
        # Each takedown commits, which gives the lock back.
        takedown.hold_lock()
    model.Session.commit()
    return result


def _write_down(entry: TakedownEntry, pending: Collection[str]) -> None:
    """Put a record on the list that is not in the database, and have its files looked for."""
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
    """Take down what a restored backup brought back, before anything of it is served.

    Returns:
        whether everything is as the lists say.
    """
    entries, fault = _read_file()
    if find_returned() or not {row.thing for row in takedown.list_takedowns()}.issuperset(
        each.id for each in entries
    ):
        result = apply_list(entries)
        log.warning("The takedown list was applied: %s", json.dumps(result))
        return not fault and not result["unfinished"]
    if takedown.list_unfinished():
        return not finish_all() and not fault
    return not fault


def find_returned() -> list[str]:
    """Return the ids of what is on the site's list, or in its file, and in the database."""
    entries, _fault = _read_file()
    return sorted(
        {*takedown.list_returned(), *package_model.load_packages(each.id for each in entries)}
    )


def _read_file() -> tuple[list[TakedownEntry], str]:
    """Return what the file lists, and why it cannot be read."""
    try:
        return read_list_file(), ""
    except (OSError, Malformed) as fault:
        log.error("%s cannot be read: %s", LIST_FILE, fault)
        return [], str(fault)


def _entry_of(row: Any) -> TakedownEntry:
    return TakedownEntry(
        row.thing, row.kind, row.reason, row.at, row.files, tuple(row.resources), row.user_id
    )


def new_entry(package: model.Package, reason: str, user_id: str | None) -> TakedownEntry:
    """Return the row of a takedown that begins now."""
    return TakedownEntry(package.id, package.type, reason, datetime.now(UTC), 0, (), user_id)
