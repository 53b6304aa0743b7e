"""Cutting the links to a record that is about to be purged."""

from __future__ import annotations

import json

from ckan import model

from ckanext.marathon.model import code, link, records, transition
from ckanext.marathon.model.clock import utcnow
from ckanext.marathon.model.link import Predicate


def cut(package: model.Package) -> list[str]:
    """Take a record out of those that refer to it, and forget what our tables know of it.

    Nothing is committed. Who refers is locked before what is referred to, as a save does it.

    Returns:
        the ids of the records that changed.
    """
    keeping = {records.WORKSHOP: Predicate.IDEA_WORKSHOP, records.IDEA: Predicate.DATASET_IDEA}
    predicate = keeping.get(package.type)
    needs = [n["id"] for n in records.rows(package, "data_need") if n.get("id")]
    touched: list[str] = []
    if predicate:
        records.lock(records.all_dependents([package.id], predicate))
        records.lock([package.id])
        touched = records.all_dependents([package.id], predicate)
        for dependent in records.lock(touched).values():
            _remove(dependent, package, needs)
    link.remove_subject(package.id)
    code.release(package.id)
    transition.forget(package.id)
    return touched


def _remove(dependent: model.Package, purged: model.Package, needs: list[str]) -> None:
    extras = dict(dependent.extras or {})
    if purged.type == records.WORKSHOP:
        extras["workshop"] = ""
        link.remove(dependent.id, [purged.id])
    else:
        ideas = [each for each in records.items(dependent, "idea") if each != purged.id]
        kept = [each for each in records.items(dependent, "data_need") if each not in needs]
        extras |= {"idea": json.dumps(ideas), "data_need": json.dumps(kept)}
        link.remove(dependent.id, [purged.id, *needs])
    dependent.extras = extras
    # Whoever compares dates, Solr's copy first of all, sees that it changed.
    dependent.metadata_modified = utcnow()
