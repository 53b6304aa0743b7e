"""Cutting the links to a record that is about to be purged."""

from __future__ import annotations

import json

from ckan import model

from ckanext.marathon.model import code, link, records, transition
from ckanext.marathon.model.clock import utcnow
from ckanext.marathon.model.link import Predicate

KINDS = (records.WORKSHOP, records.IDEA, records.DATASET)
_REFERRING = {records.WORKSHOP: Predicate.IDEA_WORKSHOP, records.IDEA: Predicate.DATASET_IDEA}


def lock(package: model.Package) -> list[str]:
    """Lock a record that will be purged and those that refer to it.

    Who refers is locked before what is referred to, as a save does it.

    Returns:
        the ids of those that refer to it, deleted ones too.
    """
    predicate = _REFERRING.get(package.type)
    if predicate is None:
        return []
    records.lock(records.all_dependents([package.id], predicate))
    records.lock([package.id])
    touched = records.all_dependents([package.id], predicate)
    records.lock(touched)
    return touched


def cut(package: model.Package) -> None:
    """Take a record out of those that refer to it, and forget what our tables know of it."""
    needs = [n["id"] for n in records.rows(package, "data_need") if n.get("id")]
    predicate = _REFERRING.get(package.type)
    touched = records.all_dependents([package.id], predicate) if predicate else []
    for dependent in records.load(touched).values():
        _remove(dependent, package, needs)
    link.remove_subject(package.id)
    code.release(package.id)
    transition.forget(package.id)


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
