"""Bringing the search index up to date, whatever happens between a save and its end.

``package_show`` computes what comes from a record's ideas and workshop afresh; the index has to
be told. What it has to be told is noted in the database (``model/index_note.py``) and worked off
by a background job after the commit. Where there is no job, because Valkey was away or the
process was killed, a web process works it off (``views/background_care.py``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import logic, model
from ckan.lib.search import SearchIndexError
from ckan.lib.search.common import SearchError, SolrConnectionError
from pysolr import SolrError
from redis.exceptions import RedisError
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from ckanext.marathon.model import index_note, records
from ckanext.marathon.model.link import Predicate

log = logging.getLogger(__name__)

_COLUMNS = ("title", "name", "state", "private", "owner_org")
_FIELDS = ("status", "municipality", "service_problem", "workshop", "starts_at", "community")
# A record that cannot be indexed, for another reason than Solr's, is tried again after this.
RETRY_AFTER = timedelta(hours=1)

_SOLR_FAULTS = (SearchIndexError, SearchError, SolrConnectionError, SolrError)

# In the session's ``info``, for one transaction.
_CHANGED = "marathon_index_changed"
_MARKED = "marathon_index_marked"
_WRITTEN = "marathon_index_written"
_NOTES = "marathon_index_notes"
_HAS_ROWS = "marathon_index_has_rows"
_KEYS = (_CHANGED, _MARKED, _WRITTEN, _NOTES, _HAS_ROWS)

# What others show of a record, before this transaction changed it; ``None`` if that is not known.
Shown = tuple[Any, ...] | None


def start() -> None:
    """Listen to CKAN's session from now on; again changes nothing.

    Called last, so that what other listeners mark before a commit is written, and that links are
    read before those of a purged record are cut.
    """
    for name, listener, first in (
        ("before_flush", _before_flush, True),
        ("after_flush", _after_flush, False),
        ("before_commit", _before_commit, False),
        ("after_commit", _after_commit, False),
        ("after_rollback", _after_rollback, False),
    ):
        if not event.contains(model.Session, name, listener):
            event.listen(model.Session, name, listener, insert=first)


def mark(package_ids: Iterable[str]) -> None:
    """Have packages indexed after the session's transaction is committed."""
    wanted = set(package_ids)
    if wanted:
        model.Session().info.setdefault(_MARKED, set()).update(wanted)


def note_beforehand(package_id: str) -> None:
    """Note that Solr is about to be told of a package whose change is not committed yet."""
    info = model.Session().info
    if info.get(_WRITTEN):
        info.setdefault(_NOTES, []).append(index_note.add_beforehand(package_id))


def dependents(package: model.Package) -> list[str]:
    """Return the ids of the records whose place in the index comes from this package."""
    if package.type == records.WORKSHOP:
        ideas = records.all_dependents([package.id], Predicate.IDEA_WORKSHOP)
        return [*ideas, *records.all_dependents(ideas, Predicate.DATASET_IDEA)]
    if package.type == records.IDEA:
        return records.all_dependents([package.id], Predicate.DATASET_IDEA)
    return []


def work_off(most: int = 10_000) -> int:
    """Index what is noted, if it is still there, or take it out of the index.

    Run as a background job, by a web process in need and by ``ckan marathon index repair``. Each
    package is locked meanwhile: nobody saves between the reading and the telling.

    Returns:
        how many packages were worked off; those that cannot be indexed are not counted.
    """
    done = 0
    model.Session.rollback()
    while done < most and (claimed := index_note.claim_next()):
        package_id, notes = claimed
        try:
            bring_up_to_date(package_id)
        except _SOLR_FAULTS as fault:
            model.Session.rollback()
            log.warning("The search index waits for Solr: %s", fault)
            return done
        except Exception:
            # One record must not keep all others waiting. It is tried again, and doctor names it.
            model.Session.rollback()
            log.exception("The package %s cannot be indexed", package_id)
            index_note.postpone(notes, RETRY_AFTER)
            model.Session.commit()
            continue
        index_note.settle(notes)
        model.Session.commit()
        done += 1
    model.Session.rollback()
    return done


def index(ids: list[str]) -> None:
    """Index packages: the job of earlier versions, which may wait while a site is upgraded."""
    index_note.add(ids)
    model.Session.commit()
    work_off()


def bring_up_to_date(package_id: str) -> None:
    """Have the index say of a package what the database says; its row stays locked."""
    if records.lock([package_id]):
        logic.index_update_package({"ignore_auth": True, "user": ""}, package_id)
    else:
        logic.index_remove_package(package_id)


def enqueue() -> None:
    """Have what is noted worked off by a background job."""
    try:
        tk.enqueue_job(work_off, title="marathon: search index")
    except RedisError as fault:
        # The notes stay; a web process works them off.
        log.warning("No background job for the search index: %s", fault)


def _before_flush(session: Any, _flush_context: Any, _instances: Any) -> None:
    if not p.plugin_loaded("marathon"):
        return
    changed: dict[str, Shown] = session.info.setdefault(_CHANGED, {})
    for package in (item for item in session.dirty if isinstance(item, model.Package)):
        if package.id not in changed:
            changed[package.id] = _shown_before(package)
    for package in (item for item in session.deleted if isinstance(item, model.Package)):
        changed.pop(package.id, None)
        mark([package.id, *dependents(package)])


def _after_flush(session: Any, _flush_context: Any) -> None:
    session.info[_WRITTEN] = True


def _before_commit(session: Any) -> None:
    # Savepoints announce themselves like commits.
    if session.in_nested_transaction() or not p.plugin_loaded("marathon"):
        return
    session.flush()
    for package_id, before in session.info.pop(_CHANGED, {}).items():
        package = session.get(model.Package, package_id)
        if package is None or (now := _shown(package)) == before:
            continue
        mark(dependents(package))
        if before is None or (now[2], now[4]) != (before[2], before[4]):
            # CKAN tells Solr of a deletion after the commit, and of a move never.
            mark([package_id])
    marked = session.info.pop(_MARKED, set())
    if marked:
        index_note.add(marked)
        session.info[_HAS_ROWS] = True


def _after_commit(session: Any) -> None:
    if session.in_nested_transaction():
        return
    notes, has_rows = session.info.get(_NOTES), session.info.get(_HAS_ROWS)
    _forget(session)
    if notes:
        _quietly(index_note.drop, notes)
    if has_rows:
        enqueue()


def _after_rollback(session: Any) -> None:
    if session.in_nested_transaction():
        return
    notes = session.info.get(_NOTES)
    _forget(session)
    if notes:
        # Solr knows of what never came to be.
        _quietly(index_note.make_due, notes)
        enqueue()


def _quietly(change: Any, notes: list[int]) -> None:
    """Change notes after the transaction; without a database they become due by themselves."""
    try:
        change(notes)
    except DBAPIError:
        log.warning("%s notes for the search index stay until they are due", len(notes))


def _forget(session: Any) -> None:
    for key in _KEYS:
        session.info.pop(key, None)


def _shown(package: model.Package) -> tuple[Any, ...]:
    """Return what other records show of a package."""
    columns = (getattr(package, name) for name in _COLUMNS)
    return (*columns, *(records.text(package, field) for field in _FIELDS))


def _shown_before(package: model.Package) -> Shown:
    inspected: Any = sa.inspect(package)
    before = {}
    for name in (*_COLUMNS, "extras"):
        history = inspected.attrs[name].history
        if history.added and not history.deleted:
            return None
        before[name] = history.deleted[0] if history.deleted else getattr(package, name)
    extras = before["extras"] or {}
    return (*(before[name] for name in _COLUMNS), *(extras.get(field) or "" for field in _FIELDS))
