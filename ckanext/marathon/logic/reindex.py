"""Keeping the search index up to date, even if a save or its job is interrupted.

A record must be indexed again when the records change from which its computed fields come. Such
records are noted in the database (``model/search_index.py``), and a background job indexes them
after the commit. If there is no job, because Valkey was unreachable or the process was killed, a
web process does it (``views/outage.py``).

A search never shows a record that the same person may not see by the database. Records that may be
outdated in the index are excluded from the query. If a result is hidden all the same, the query is
repeated without it, so that counts and facets are right. Results that wait for indexing are
replaced by the record from the database.
"""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import logic, model
from ckan.lib.search import SearchIndexError
from ckan.lib.search.common import SearchError, SolrConnectionError
from ckan.lib.search.query import solr_literal
from ckan.types import Action, Context, DataDict
from pysolr import SolrError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from ckanext.marathon.model import idea as idea_model
from ckanext.marathon.model import link, search_index, unit_of_work
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.model.unit_of_work import UnitOfWork
from ckanext.marathon.search import connection, document, query
from ckanext.marathon.search.query import MET, UNMET
from ckanext.marathon.visibility import OUTSIDER, Viewer

log = logging.getLogger(__name__)

_COLUMNS = ("title", "name", "state", "private", "owner_org")
_FIELDS = ("status", "municipality", "service_problem", "workshop", "starts_at", "community")
# A record that cannot be indexed although Solr answers is tried again after this time.
RETRY_AFTER = timedelta(hours=1)

_SOLR_FAULTS = (SearchIndexError, SearchError, SolrConnectionError, SolrError)

# The fields of a record that other records show, before this transaction changed it; ``None`` if
# unknown.
Shown = tuple[Any, ...] | None


@dataclass
class IndexWork:
    """The packages that have to be indexed because of one transaction.

    Attributes:
        changed: package id → the fields that other records showed of it before.
        marked: ids of packages to be indexed after the commit.
        is_written: whether something was flushed, so that Solr may get values that are rolled back.
        beforehand: numbers of the notes about packages that Solr got before the commit.
        has_rows: whether notes were written within the transaction.
    """

    changed: dict[str, Shown] = field(default_factory=dict[str, Shown])
    marked: set[str] = field(default_factory=set[str])
    is_written: bool = False
    beforehand: list[int] = field(default_factory=list[int])
    has_rows: bool = False


def mark_for_index(package_ids: Iterable[str]) -> None:
    """Mark packages to be indexed after the session's transaction is committed."""
    wanted = set(package_ids)
    if wanted:
        unit_of_work.get_unit().get_notes(IndexWork).marked.update(wanted)


def note_beforehand(package_id: str) -> None:
    """Note that a package is about to be indexed before its change is committed."""
    unit = unit_of_work.find_unit()
    work = unit.find_notes(IndexWork) if unit else None
    if work and work.is_written:
        work.beforehand.append(search_index.note_package_beforehand(package_id))


def list_index_dependents(package: model.Package) -> list[str]:
    """Return the ids of the records whose index entries contain values of this package."""
    if package.type == package_model.WORKSHOP:
        ideas = package_model.list_dependent_ids([package.id], Predicate.IDEA_WORKSHOP)
        return [*ideas, *package_model.list_dependent_ids(ideas, Predicate.DATASET_IDEA)]
    if package.type == package_model.IDEA:
        return package_model.list_dependent_ids([package.id], Predicate.DATASET_IDEA)
    return []


def work_off(most: int = 10_000) -> int:
    """Index the noted packages, or remove them from the index if they no longer exist.

    Called as a background job, by a web process if there is no job, and by
    ``ckan marathon index repair``. A package is locked while it is read and indexed.

    Args:
        most: the number of packages after which the function returns.

    Returns:
        how many packages were indexed or removed.
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
            # One record must not block the others. It is tried again later, and doctor names it.
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
    """Index packages: a job of earlier versions, which may be queued while a site is upgraded."""
    search_index.note_packages(ids)
    model.Session.commit()
    work_off()


def bring_up_to_date(package_id: str) -> None:
    """Index a package from the database, or remove a missing one; its row stays locked."""
    if package_model.lock_packages([package_id]):
        logic.index_update_package({"ignore_auth": True, "user": ""}, package_id)
    else:
        logic.index_remove_package(package_id)


def enqueue_indexing() -> None:
    """Enqueue a background job that indexes the noted packages."""
    try:
        tk.enqueue_job(work_off, title="marathon: search index")
    except RedisError as fault:
        # A web process indexes the noted packages.
        log.warning("No background job for the search index: %s", fault)


def note_shown_before(unit: UnitOfWork) -> None:
    """Note the fields that other records show of changed packages, before links are cut."""
    changed = unit.get_notes(IndexWork).changed
    for item in unit.session.dirty:
        if isinstance(item, model.Package) and item.id not in changed:
            changed[item.id] = _read_former_fields(item)
    for item in unit.session.deleted:
        if isinstance(item, model.Package):
            changed.pop(item.id, None)
            mark_for_index([item.id, *list_index_dependents(item)])


def note_written(unit: UnitOfWork) -> None:
    """Note that from now on Solr may get values that are rolled back."""
    if unit.created or unit.changed or unit.deleted:
        unit.get_notes(IndexWork).is_written = True


def write_notes(unit: UnitOfWork) -> None:
    """Write the notes about packages to be indexed after the commit."""
    work = unit.get_notes(IndexWork)
    for package_id, before in work.changed.items():
        package = unit.session.get(model.Package, package_id)
        if package is None or (now := _read_shown_fields(package)) == before:
            continue
        mark_for_index(list_index_dependents(package))
        if before is None or (now[2], now[4]) != (before[2], before[4]):
            # CKAN removes deleted packages from Solr only after the commit, and never indexes a
            # package again that moved to another organisation.
            mark_for_index([package_id])
    if work.marked:
        search_index.note_packages(work.marked)
        work.has_rows = True


def settle_after_commit(unit: UnitOfWork) -> None:
    """Delete the notes about packages that Solr has, and enqueue the indexing of the others."""
    work = unit.get_notes(IndexWork)
    if work.beforehand:
        _change_notes(search_index.delete_notes, work.beforehand)
    if work.has_rows:
        enqueue_indexing()


def settle_after_rollback(unit: UnitOfWork) -> None:
    """Enqueue the indexing of packages that Solr got and that were rolled back."""
    work = unit.get_notes(IndexWork)
    if work.beforehand:
        _change_notes(search_index.make_notes_due, work.beforehand)
        enqueue_indexing()


def _change_notes(change: Callable[[list[int]], None], notes: list[int]) -> None:
    """Change notes after the transaction; if the database is away they become due in time."""
    try:
        change(notes)
    except DBAPIError:
        log.warning("%s notes for the search index stay until they are due", len(notes))


def _read_shown_fields(package: model.Package) -> tuple[Any, ...]:
    """Return the fields of a package that other records show."""
    columns = (getattr(package, name) for name in _COLUMNS)
    return (*columns, *(package_model.read_stored_text(package, field) for field in _FIELDS))


def _read_former_fields(package: model.Package) -> Shown:
    inspected: Any = sa.inspect(package)
    before: dict[str, Any] = {}
    for name in (*_COLUMNS, "extras"):
        history = inspected.attrs[name].history
        if history.added and not history.deleted:
            return None
        before[name] = history.deleted[0] if history.deleted else getattr(package, name)
    extras: dict[str, str] = before["extras"] or {}
    return (*(before[name] for name in _COLUMNS), *(extras.get(field) or "" for field in _FIELDS))


# How often a search is made before results that may not be shown are only removed from the page.
ATTEMPTS = 3
# Results of a page that are replaced by the record from the database, which is slow.
MOST_AFRESH = 50

_BETWEEN_FIELDS = re.compile(r"[\s,]+")


def search_with_corrections(next_: Action, context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Return the result of CKAN's ``package_search``, corrected by the database.

    Args:
        next_: CKAN's action.
        context: of the search, with the person.
        data_dict: parameters of the search; not changed.
    """
    if query.is_looking_for_orphans(data_dict):
        return next_(context, data_dict)
    viewer = Viewer(context)
    asked = copy.deepcopy(data_dict)
    has_id = _ask_for_id(asked)
    hidden = _find_hidden_ids(search_index.list_suspects(), viewer)
    answer = _search_without(next_, context, data_dict, asked, hidden)
    found = _compare_results(answer["results"], viewer)
    for _attempt in range(1, ATTEMPTS):
        if not found.untrue:
            break
        hidden |= found.untrue
        answer = _search_without(next_, context, data_dict, asked, hidden)
        found = _compare_results(answer["results"], viewer)
    results: list[dict[str, Any]] = answer["results"]
    kept = [result for result in results if result.get("id") not in found.untrue]
    answer["count"] -= len(results) - len(kept)
    answer["results"] = kept
    if not data_dict.get("fl") and not tk.asbool(data_dict.get("use_default_schema")):
        _replace_outdated(answer["results"], found.due)
    if not has_id:
        for result in kept:
            result.pop("id", None)
    return answer


def _search_without(
    next_: Action,
    context: Context,
    data_dict: DataDict,
    asked: dict[str, Any],
    hidden: Collection[str],
) -> dict[str, Any]:
    """Return CKAN's result without the hidden records; errors do not mention their ids."""
    try:
        return next_(context.copy(), _exclude_ids(asked, hidden))
    except SearchError:
        if hidden:
            # Solr's message repeats the query, with the hidden ids.
            next_(context.copy(), data_dict)
            connection.forget_refusal()
            raise SearchError(tk._("The search engine refused the query")) from None
        raise


def _ask_for_id(asked: dict[str, Any]) -> bool:
    """Add ``id`` to the requested fields (``fl``); return whether it was requested already."""
    fields = asked.get("fl")
    if not fields:
        return True
    fields = [fields] if isinstance(fields, str) else list(fields)
    names = _BETWEEN_FIELDS.split(" ".join(fields))
    if "id" in names or "*" in names:
        return True
    asked["fl"] = [*fields, "id"]
    return False


def _exclude_ids(asked: dict[str, Any], hidden: Collection[str]) -> dict[str, Any]:
    asked = copy.deepcopy(asked)
    if hidden:
        given: str | list[str] = asked.get("fq_list") or []
        filters = [given] if isinstance(given, str) else given
        asked["fq_list"] = [*filters, f"-id:({' OR '.join(map(solr_literal, sorted(hidden)))})"]
    return asked


class _Comparison(NamedTuple):
    """Ids of the results that may not be shown, and of those that are outdated in the index."""

    untrue: set[str]
    due: set[str]


def _compare_results(results: list[dict[str, Any]], viewer: Viewer) -> _Comparison:
    # ``None`` if the state was not requested.
    states = {result["id"]: result.get("state") for result in results if result.get("id")}
    stored = search_index.read_stored_states(states) if states else {}
    untrue = {
        id_
        for id_, state in states.items()
        if id_ not in stored or state not in {None, stored[id_].state}
    }
    restricted = {id_ for id_, row in stored.items() if not row.is_public}
    due = {id_ for id_, row in stored.items() if row.is_due}
    return _Comparison(untrue | _find_hidden_ids(restricted, viewer), due)


def _find_hidden_ids(ids: Collection[str], viewer: Viewer) -> set[str]:
    """Return the ids of packages that do not exist or that the viewer may not see."""
    if not ids:
        return set()
    found = model.Session.query(model.Package).filter(model.Package.id.in_(list(ids))).all()
    if viewer.is_internal or viewer.is_sysadmin:
        visible = {package.id for package in found}
    else:
        visible = {package.id for package in found if viewer.may_see(package)}
    return set(ids) - visible


def _replace_outdated(results: list[dict[str, Any]], due: Collection[str]) -> None:
    """Replace, in place, results that are outdated in the index by the stored records."""
    for number, result in enumerate(results[:MOST_AFRESH]):
        if result.get("id") in due:
            # The index has what an anonymous visitor sees.
            context: Any = {"ignore_auth": True, "user": "", "use_cache": False, OUTSIDER: True}
            results[number] = tk.get_action("package_show")(context, {"id": result["id"]})


@dataclass
class MetBefore:
    """The data needs that datasets met before the transaction, by the ids of the datasets."""

    needs: dict[str, set[str]] = field(default_factory=dict[str, set[str]])


def add_need_to_index(pkg_dict: dict[str, Any]) -> dict[str, Any]:
    """Return the Solr document of a package, for an idea with whether its data needs are met."""
    found = document.before_index(pkg_dict)
    if found.get("type") == package_model.IDEA:
        state = are_needs_met(package_model.load_packages([found["id"]]).get(found["id"]))
        if state:
            found["vocab_data_needs"] = [state]
    return found


def are_needs_met(idea: model.Package | None) -> str | None:
    """Return ``MET`` if public datasets meet all data needs of an idea, else ``UNMET``.

    ``None`` for an idea without data needs and for one that was given up.
    """
    needs = {
        need["id"] for need in package_model.read_stored_rows(idea, "data_need") if need.get("id")
    }
    if not needs or package_model.read_stored_text(idea, "status") == link.GIVEN_UP:
        return None
    return MET if idea_model.list_met_needs(needs) >= needs else UNMET


def note_needs_before(unit: UnitOfWork) -> None:
    """Note the data needs that changed datasets meet, before links are cut."""
    before = unit.get_notes(MetBefore).needs
    first_seen = _list_dataset_ids((*unit.session.dirty, *unit.session.deleted)).difference(before)
    if first_seen:
        before.update(idea_model.read_needs_met_by_datasets(first_seen))


def note_new_datasets(unit: UnitOfWork) -> None:
    """Note that new datasets met no data needs before."""
    before = unit.get_notes(MetBefore).needs
    for id_ in _list_dataset_ids(unit.created):
        before.setdefault(id_, set())


def _list_dataset_ids(records: Iterable[object]) -> set[str]:
    return {
        record.id
        for record in records
        if isinstance(record, model.Package) and record.type == package_model.DATASET
    }


def mark_asking_ideas(unit: UnitOfWork) -> None:
    """Mark the ideas to be indexed whose data needs are newly met or no longer met."""
    before = unit.get_notes(MetBefore).needs
    if not before:
        return
    now = idea_model.read_needs_met_by_datasets(list(before))
    changed = set[str]().union(*(needs ^ now[id_] for id_, needs in before.items()))
    mark_for_index(idea_model.list_asking_ideas(changed))
