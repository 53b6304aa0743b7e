"""Whether an idea still waits for data, in the search index, whatever happens to the datasets.

A dataset that is published, hidden, edited, deleted or purged, by whatever way, has the ideas whose
needs it meets, or met, indexed anew. Listening to the session sees all of these ways; bulk SQL
excepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import ckan.plugins as p
from ckan import model
from sqlalchemy import event

from ckanext.marathon.logic import reindex
from ckanext.marathon.model import about, met, records
from ckanext.marathon.search import index
from ckanext.marathon.search.query import MET, UNMET

_BEFORE = "marathon_datasets_before"


def before_index(pkg_dict: dict[str, Any]) -> dict[str, Any]:
    """Return what Solr is given of a package; of an idea also whether it waits for data."""
    found = index.before_index(pkg_dict)
    if found.get("type") == records.IDEA:
        state = of_idea(records.load([found["id"]]).get(found["id"]))
        if state:
            found["vocab_data_needs"] = [state]
    return found


def of_idea(idea: model.Package | None) -> str | None:
    """Return whether public datasets meet all that an idea asks for.

    ``None`` for one that asks for nothing; one that was given up does not ask any more.
    """
    needs = {need["id"] for need in records.rows(idea, "data_need") if need.get("id")}
    if not needs or records.text(idea, "status") == about.GIVEN_UP:
        return None
    return MET if met.met(needs) >= needs else UNMET


def start() -> None:
    """Listen to CKAN's session from now on; again changes nothing."""
    for name, listener, first in (
        # Before links are cut, as logic/watch.py does with what is purged.
        ("before_flush", _before_flush, True),
        ("after_flush", _after_flush, False),
        ("before_commit", _before_commit, False),
        ("after_commit", _forget, False),
        ("after_rollback", _forget, False),
    ):
        if not event.contains(model.Session, name, listener):
            event.listen(model.Session, name, listener, insert=first)


def _before_flush(session: Any, _flush_context: Any, _instances: Any) -> None:
    if not p.plugin_loaded("marathon"):
        return
    before: dict[str, set[str]] = session.info.setdefault(_BEFORE, {})
    first_seen = _datasets((*session.dirty, *session.deleted)).difference(before)
    if first_seen:
        before.update(met.by_datasets(first_seen))


def _after_flush(session: Any, _flush_context: Any) -> None:
    # New ones have their ids by now.
    for id_ in _datasets(session.new) if p.plugin_loaded("marathon") else ():
        session.info.setdefault(_BEFORE, {}).setdefault(id_, set())


def _datasets(things: Iterable[Any]) -> set[str]:
    return {
        each.id
        for each in things
        if isinstance(each, model.Package) and each.type == records.DATASET
    }


def _before_commit(session: Any) -> None:
    before: Mapping[str, set[str]] = session.info.get(_BEFORE) or {}
    # Savepoints announce themselves like commits.
    if not before or session.in_nested_transaction():
        return
    session.flush()
    now = met.by_datasets(list(before))
    changed = set().union(*(needs ^ now[id_] for id_, needs in before.items()))
    reindex.mark(met.asking(changed))


def _forget(session: Any) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_BEFORE, None)
