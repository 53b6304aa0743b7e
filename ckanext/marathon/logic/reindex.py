"""Bringing the search index up to date for records whose links changed under them.

``package_show`` computes what comes from a record's ideas and workshop afresh; only the index
has to be told.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import logic, model
from ckan.types import Context
from redis.exceptions import ConnectionError as RedisConnectionError

from ckanext.marathon.model import records
from ckanext.marathon.model.link import Predicate

log = logging.getLogger(__name__)

_FIELDS = ("status", "municipality", "service_problem", "workshop", "starts_at", "community")


def visible_to_others(package: model.Package) -> tuple[Any, ...]:
    """Return what other records show of a package; two equal ones need no reindexing."""
    columns = (package.title, package.name, package.state, package.private, package.owner_org)
    return (*columns, *(records.text(package, field) for field in _FIELDS))


def dependents(package: model.Package) -> list[str]:
    """Return the ids of the records whose place in the index comes from this package."""
    if package.type == records.WORKSHOP:
        ideas = records.all_dependents([package.id], Predicate.IDEA_WORKSHOP)
        return [*ideas, *records.all_dependents(ideas, Predicate.DATASET_IDEA)]
    if package.type == records.IDEA:
        return records.all_dependents([package.id], Predicate.DATASET_IDEA)
    return []


def after_commit(package: model.Package) -> None:
    """Have the dependents of a package, which is committed, indexed in the background."""
    enqueue(dependents(package))


def enqueue(ids: Iterable[str]) -> None:
    """Have records indexed in the background."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return
    try:
        tk.enqueue_job(index, [wanted], title=f"marathon: index {len(wanted)} records")
    except RedisConnectionError:
        # The change itself is saved; `ckan search-index rebuild` makes up for it.
        log.exception("The search index was not told of %s records", len(wanted))


def index(ids: list[str]) -> None:
    """Index records, if they are still there. Run as a background job."""
    context: Context = {"ignore_auth": True, "user": ""}
    for package_id in ids:
        if model.Session.get(model.Package, package_id) is not None:
            logic.index_update_package(context, package_id)
