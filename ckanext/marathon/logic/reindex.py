"""Bringing the search index up to date, whatever happens between a save and its end.

``package_show`` computes what comes from a record's ideas and workshop afresh; the index has to
be told. What it has to be told is noted in the database (``model/search_index.py``) and worked off
by a background job after the commit. Where there is no job, because Valkey was away or the
process was killed, a web process works it off (``views/background_care.py``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import logic, model
from ckan.lib.search import SearchIndexError
from ckan.lib.search.common import SearchError, SolrConnectionError
from pysolr import SolrError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from ckanext.marathon.model import package as package_model
from ckanext.marathon.model import search_index, unit_of_work
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.model.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

_COLUMNS = ("title", "name", "state", "private", "owner_org")
_FIELDS = ("status", "municipality", "service_problem", "workshop", "starts_at", "community")
# A record that cannot be indexed, for another reason than Solr's, is tried again after this.
RETRY_AFTER = timedelta(hours=1)

_SOLR_FAULTS = (SearchIndexError, SearchError, SolrConnectionError, SolrError)

# What others show of a record, before this transaction changed it; ``None`` if that is not known.
Shown = tuple[Any, ...] | None


@dataclass
class IndexWork:
    """What the search index has to be told because of one transaction.

    Attributes:
        changed: package → what others showed of it before.
        marked: packages to be indexed after the commit.
        is_written: something was flushed, so that what Solr is told may never be committed.
        beforehand: numbers of the notes of what Solr was told before the commit.
        has_rows: notes were written within the transaction.
    """

    changed: dict[str, Shown] = field(default_factory=dict)
    marked: set[str] = field(default_factory=set)
    is_written: bool = False
    beforehand: list[int] = field(default_factory=list)
    has_rows: bool = False


def mark(package_ids: Iterable[str]) -> None:
    """Have packages indexed after the session's transaction is committed."""
    wanted = set(package_ids)
    if wanted:
        unit_of_work.get_unit().get_notes(IndexWork).marked.update(wanted)


def note_beforehand(package_id: str) -> None:
    """Note that Solr is about to be told of a package whose change is not committed yet."""
    unit = unit_of_work.find_unit()
    work = unit.find_notes(IndexWork) if unit else None
    if work and work.is_written:
        work.beforehand.append(search_index.note_package_beforehand(package_id))


def dependents(package: model.Package) -> list[str]:
    """Return the ids of the records whose place in the index comes from this package."""
    if package.type == package_model.WORKSHOP:
        ideas = package_model.list_dependent_ids([package.id], Predicate.IDEA_WORKSHOP)
        return [*ideas, *package_model.list_dependent_ids(ideas, Predicate.DATASET_IDEA)]
    if package.type == package_model.IDEA:
        return package_model.list_dependent_ids([package.id], Predicate.DATASET_IDEA)
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
    while done < most and (claimed := search_index.claim_next_package()):
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
            search_index.postpone_notes(notes, RETRY_AFTER)
            model.Session.commit()
            continue
        search_index.settle_notes(notes)
        model.Session.commit()
        done += 1
    model.Session.rollback()
    return done


def index(ids: list[str]) -> None:
    """Index packages: the job of earlier versions, which may wait while a site is upgraded."""
    search_index.note_packages(ids)
    model.Session.commit()
    work_off()


def bring_up_to_date(package_id: str) -> None:
    """Have the index say of a package what the database says; its row stays locked."""
    if package_model.lock_packages([package_id]):
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


def note_shown_before(unit: UnitOfWork) -> None:
    """Note what others show of packages that are about to change, before links are cut."""
    changed = unit.get_notes(IndexWork).changed
    for package in (item for item in unit.session.dirty if isinstance(item, model.Package)):
        if package.id not in changed:
            changed[package.id] = _shown_before(package)
    for package in (item for item in unit.session.deleted if isinstance(item, model.Package)):
        changed.pop(package.id, None)
        mark([package.id, *dependents(package)])


def note_written(unit: UnitOfWork) -> None:
    """Note that from now on Solr may be told of what is never committed."""
    if unit.created or unit.changed or unit.deleted:
        unit.get_notes(IndexWork).is_written = True


def write_notes(unit: UnitOfWork) -> None:
    """Write down what is to be indexed after the commit."""
    work = unit.get_notes(IndexWork)
    for package_id, before in work.changed.items():
        package = unit.session.get(model.Package, package_id)
        if package is None or (now := _shown(package)) == before:
            continue
        mark(dependents(package))
        if before is None or (now[2], now[4]) != (before[2], before[4]):
            # CKAN tells Solr of a deletion after the commit, and of a move never.
            mark([package_id])
    if work.marked:
        search_index.note_packages(work.marked)
        work.has_rows = True


def settle_after_commit(unit: UnitOfWork) -> None:
    """Drop the notes of what Solr knows by now, and have the rest indexed."""
    work = unit.get_notes(IndexWork)
    if work.beforehand:
        _quietly(search_index.delete_notes, work.beforehand)
    if work.has_rows:
        enqueue()


def settle_after_rollback(unit: UnitOfWork) -> None:
    """Have indexed again what Solr was told and never came to be."""
    work = unit.get_notes(IndexWork)
    if work.beforehand:
        _quietly(search_index.make_notes_due, work.beforehand)
        enqueue()


def _quietly(change: Any, notes: list[int]) -> None:
    """Change notes after the transaction; without a database they become due by themselves."""
    try:
        change(notes)
    except DBAPIError:
        log.warning("%s notes for the search index stay until they are due", len(notes))


def _shown(package: model.Package) -> tuple[Any, ...]:
    """Return what other records show of a package."""
    columns = (getattr(package, name) for name in _COLUMNS)
    return (*columns, *(package_model.read_stored_text(package, field) for field in _FIELDS))


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
