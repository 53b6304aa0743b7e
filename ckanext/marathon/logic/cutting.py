"""Cutting the links to a record that is about to be purged.

What others have computed from it becomes their own: a dataset of Villa Nueva does not turn into one
of the whole country, about nothing in particular, because its idea is no more.
"""

from __future__ import annotations

import json

from ckan import model

from ckanext.marathon.logic import references
from ckanext.marathon.model import code, link, records, transition
from ckanext.marathon.model.clock import utcnow
from ckanext.marathon.model.link import Predicate

KINDS = (records.WORKSHOP, records.IDEA, records.DATASET)
_STATED = {
    (records.IDEA, "municipality"): Predicate.IDEA_MUNICIPALITY,
    (records.DATASET, "municipality"): Predicate.DATASET_MUNICIPALITY,
    (records.DATASET, "service_problem"): Predicate.DATASET_PROBLEM,
}
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
    inherited = _inherited(dependent, purged)
    for field, values in inherited.items():
        extras[field] = json.dumps(values)
        link.add(dependent.id, _STATED[dependent.type, field], values)
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


def keep_publisher(dataset: model.Package, organization: model.Group) -> None:
    """Name an organisation that is about to be purged in a dataset that names no publisher."""
    if records.rows(dataset, "publisher"):
        return
    publisher = {"name": organization.title or organization.name}
    if homepage := records.text(organization, "homepage"):
        publisher["url"] = homepage
    dataset.extras = {**(dataset.extras or {}), "publisher": json.dumps([publisher])}
    dataset.metadata_modified = utcnow()


def _inherited(dependent: model.Package, purged: model.Package) -> dict[str, list[str]]:
    """Return what a record computes and would lose, by field; nothing that is its own."""
    if purged.type == records.WORKSHOP:
        before = {"municipality": set(references.municipalities_of_workshop(purged))}
        after: dict[str, set[str]] = {"municipality": set()}
    else:
        ideas = list(records.load(records.items(dependent, "idea")).values())
        left = [idea for idea in ideas if idea.id != purged.id]
        before, after = _of_ideas(ideas), _of_ideas(left)
    return {
        field: sorted(values)
        for field, values in before.items()
        if values != after[field] and not records.items(dependent, field)
    }


def _of_ideas(ideas: list[model.Package]) -> dict[str, set[str]]:
    return {
        "municipality": references.municipalities_of_ideas(ideas),
        "service_problem": references.problems_of_ideas(ideas),
    }
