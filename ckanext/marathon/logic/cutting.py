"""Cutting the links to a record that is about to be purged.

What others have computed from it becomes their own: a dataset of Villa Nueva does not turn into one
of the whole country, about nothing in particular, because its idea is no more.
"""

from __future__ import annotations

import json

from ckan import model

from ckanext.marathon.logic import references
from ckanext.marathon.model import idea as idea_model
from ckanext.marathon.model import link
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.clock import get_utc_now
from ckanext.marathon.model.link import Predicate

KINDS = (package_model.WORKSHOP, package_model.IDEA, package_model.DATASET)
_STATED = {
    (package_model.IDEA, "municipality"): Predicate.IDEA_MUNICIPALITY,
    (package_model.DATASET, "municipality"): Predicate.DATASET_MUNICIPALITY,
    (package_model.DATASET, "service_problem"): Predicate.DATASET_PROBLEM,
}
_REFERRING = {
    package_model.WORKSHOP: Predicate.IDEA_WORKSHOP,
    package_model.IDEA: Predicate.DATASET_IDEA,
}


def lock(package: model.Package) -> list[str]:
    """Lock a record that will be purged and those that refer to it.

    Who refers is locked before what is referred to, as a save does it.

    Returns:
        the ids of those that refer to it, deleted ones too.
    """
    predicate = _REFERRING.get(package.type)
    if predicate is None:
        return []
    package_model.lock_packages(package_model.list_dependent_ids([package.id], predicate))
    package_model.lock_packages([package.id])
    touched = package_model.list_dependent_ids([package.id], predicate)
    package_model.lock_packages(touched)
    return touched


def cut(package: model.Package) -> None:
    """Take a record out of those that refer to it, and forget what our tables know of it."""
    needs = [n["id"] for n in package_model.read_stored_rows(package, "data_need") if n.get("id")]
    predicate = _REFERRING.get(package.type)
    touched = package_model.list_dependent_ids([package.id], predicate) if predicate else []
    for dependent in package_model.load_packages(touched).values():
        _remove(dependent, package, needs)
    link.remove_subject(package.id)
    package_model.release_code(package.id)
    idea_model.forget_history(package.id)


def _remove(dependent: model.Package, purged: model.Package, needs: list[str]) -> None:
    extras = dict(dependent.extras or {})
    inherited = _inherited(dependent, purged)
    for field, values in inherited.items():
        extras[field] = json.dumps(values)
        link.add_links(dependent.id, _STATED[dependent.type, field], values)
    if purged.type == package_model.WORKSHOP:
        extras["workshop"] = ""
        link.remove_links(dependent.id, [purged.id])
    else:
        ideas = [
            each for each in package_model.read_stored_texts(dependent, "idea") if each != purged.id
        ]
        kept = [
            each
            for each in package_model.read_stored_texts(dependent, "data_need")
            if each not in needs
        ]
        extras |= {"idea": json.dumps(ideas), "data_need": json.dumps(kept)}
        link.remove_links(dependent.id, [purged.id, *needs])
    dependent.extras = extras
    # Whoever compares dates, Solr's copy first of all, sees that it changed.
    dependent.metadata_modified = get_utc_now()


def keep_publisher(dataset: model.Package, organization: model.Group) -> None:
    """Name an organisation that is about to be purged in a dataset that names no publisher."""
    if package_model.read_stored_rows(dataset, "publisher"):
        return
    publisher = {"name": organization.title or organization.name}
    if homepage := package_model.read_stored_text(organization, "homepage"):
        publisher["url"] = homepage
    dataset.extras = {**(dataset.extras or {}), "publisher": json.dumps([publisher])}
    dataset.metadata_modified = get_utc_now()


def _inherited(dependent: model.Package, purged: model.Package) -> dict[str, list[str]]:
    """Return what a record computes and would lose, by field; nothing that is its own."""
    if purged.type == package_model.WORKSHOP:
        before = {"municipality": set(references.municipalities_of_workshop(purged))}
        after: dict[str, set[str]] = {"municipality": set()}
    else:
        ideas = list(
            package_model.load_packages(package_model.read_stored_texts(dependent, "idea")).values()
        )
        left = [idea for idea in ideas if idea.id != purged.id]
        before, after = _of_ideas(ideas), _of_ideas(left)
    return {
        field: sorted(values)
        for field, values in before.items()
        if values != after[field] and not package_model.read_stored_texts(dependent, field)
    }


def _of_ideas(ideas: list[model.Package]) -> dict[str, set[str]]:
    return {
        "municipality": references.municipalities_of_ideas(ideas),
        "service_problem": references.problems_of_ideas(ideas),
    }
