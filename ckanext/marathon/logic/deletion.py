"""Deleting and purging: guards for dependents, and removing links to purged records.

``ckan dataset delete`` and other extensions change the state without calling an action. The steps
of every save (``logic/saving.py``) see these changes too, except bulk SQL.

Values that other records have computed from a purged record are stored in them: a dataset keeps the
municipality and the problem of its idea when the idea is purged.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import ckan.plugins.toolkit as tk
import click
import sqlalchemy as sa
from ckan import model
from ckan.types import Context

from ckanext.marathon.domain.errors import N_, Fault, FieldFault, make_fault
from ckanext.marathon.domain.idea import Needs
from ckanext.marathon.logic import messages
from ckanext.marathon.logic import package as package_logic
from ckanext.marathon.model import idea as idea_model
from ckanext.marathon.model import importing, link
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.clock import get_utc_now
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.model.unit_of_work import UnitOfWork
from ckanext.marathon.visibility import Viewer

if TYPE_CHECKING:
    from ckanext.marathon.logic.validators.package import Flat

# Dataset type → links to a record of this type that prevent its deletion.
KEEPING = {
    package_model.WORKSHOP: (Predicate.IDEA_WORKSHOP,),
    package_model.IDEA: (Predicate.DATASET_IDEA,),
}

# Records that a message names.
MOST_NAMED = 10

IN_THE_WAY = N_("It cannot be deleted: {names} depend on it. Delete or change those first")
TYPES = {
    package_model.WORKSHOP: N_("workshop"),
    package_model.IDEA: N_("idea"),
    package_model.DATASET: N_("dataset"),
    package_model.COMMITMENT: N_("commitment"),
}


def list_dependents(package: model.Package) -> list[model.Package]:
    """Return the active records that prevent the deletion of a package."""
    return package_model.list_dependents([package.id], *KEEPING.get(package.type, ()))


def list_obstacles(found: Iterable[model.Package], viewer: Viewer) -> list[dict[str, str]]:
    """Return id, type, title and address of those records that the viewer may see."""
    return [
        {
            "id": package.id,
            "type": package.type,
            "title": package.title or package.name,
            "url": tk.url_for(f"{package.type}.read", id=package.name, qualified=True),
        }
        for package in found
        if viewer.may_see(package)
    ]


def write_record_names(found: Collection[model.Package], viewer: Viewer) -> str:
    """Return records as text: «idea “Agua limpia” (address), other records»."""
    seen = list_obstacles(found, viewer)
    words = [
        f"{tk._(TYPES.get(record['type'], record['type']))} “{record['title']}” ({record['url']})"
        for record in seen[:MOST_NAMED]
    ]
    if len(words) < len(found):
        words.append(tk._("other records"))
    return ", ".join(words)


def explain_obstacles(found: Collection[model.Package], viewer: Viewer) -> Fault:
    """Return a fault that names the records that prevent a deletion."""
    return Fault(IN_THE_WAY, {"names": write_record_names(found, viewer)})


def refuse_delete(found: Collection[model.Package], context: Context) -> None:
    """Refuse a deletion if other records depend on the record.

    Raises:
        ckan.plugins.toolkit.ValidationError: ``found`` is not empty. ``message`` is the sentence,
            ``obstacles`` the records that the person may see; everything is rolled back.
    """
    if not found:
        return
    viewer = Viewer(context)
    message = messages.write_fault(explain_obstacles(found, viewer))
    # CKAN's own pages expect a text, not a list.
    errors: dict[str, Any] = {"message": message, "obstacles": list_obstacles(found, viewer)}
    model.Session.rollback()
    raise tk.ValidationError(errors, error_summary={"message": message})


def check_delete(flat: Flat) -> list[FieldFault]:
    """Return a fault if other records depend on a record that a change of state deletes."""
    found = list_dependents(flat.stored) if flat.stored else []
    return [FieldFault(("state",), explain_obstacles(found, Viewer(flat.context)))] if found else []


def check_municipalities_kept(flat: Flat, codes: Collection[str]) -> list[FieldFault]:
    """Return a fault if a removed municipality of a workshop is one of its ideas'."""
    workshop = flat.stored
    if workshop is None:
        return []
    ideas = package_model.list_dependents([workshop.id], Predicate.IDEA_WORKSHOP)
    using = [
        idea
        for idea in ideas
        if set(package_model.read_stored_texts(idea, "municipality")) - set(codes)
    ]
    if not using:
        return []
    gone = sorted(
        {code for idea in using for code in package_model.read_stored_texts(idea, "municipality")}
        - set(codes)
    )
    return [
        make_fault(
            "municipality",
            N_("Still the municipality of {names}: {codes}"),
            names=write_record_names(using, Viewer(flat.context)),
            codes=tuple(gone),
        )
    ]


def read_data_needs(flat: Flat) -> Needs:
    """Return the stored data needs of an idea, and the datasets that meet them."""
    own = [
        need["id"]
        for need in package_model.read_stored_rows(flat.stored, "data_need")
        if need.get("id")
    ]
    pairs = link.list_subject_pairs(own, Predicate.DATASET_DATA_NEED)
    datasets = package_model.load_packages(subject for subject, _ in pairs)
    viewer = Viewer(flat.context)
    met: dict[str, str | None] = {}
    for subject, need in pairs:
        dataset = datasets.get(subject)
        if dataset and dataset.state != model.State.DELETED and not met.get(need):
            met[need] = (dataset.title or dataset.name) if viewer.may_see(dataset) else None
    return Needs(own, met)


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


def lock_for_purge(package: model.Package) -> list[str]:
    """Lock a record that will be purged, and the records that refer to it.

    Referring records are locked first, in the same order as by a save, so that there are no
    deadlocks.

    Returns:
        the ids of the referring records, including deleted ones.
    """
    predicate = _REFERRING.get(package.type)
    if predicate is None:
        return []
    package_model.lock_packages(package_model.list_dependent_ids([package.id], predicate))
    package_model.lock_packages([package.id])
    touched = package_model.list_dependent_ids([package.id], predicate)
    package_model.lock_packages(touched)
    return touched


def cut_links(package: model.Package) -> None:
    """Remove a record from the records that refer to it, and its rows from our tables."""
    needs = [n["id"] for n in package_model.read_stored_rows(package, "data_need") if n.get("id")]
    predicate = _REFERRING.get(package.type)
    touched = package_model.list_dependent_ids([package.id], predicate) if predicate else []
    for dependent in package_model.load_packages(touched).values():
        _remove_reference(dependent, package, needs)
    link.remove_subject(package.id)
    package_model.release_code(package.id)
    importing.erase_changes_of([package.id])
    idea_model.delete_history(package.id)


def _remove_reference(dependent: model.Package, purged: model.Package, needs: list[str]) -> None:
    extras = dict(dependent.extras or {})
    inherited = _find_lost_values(dependent, purged)
    for field, values in inherited.items():
        extras[field] = json.dumps(values)
        link.add_links(dependent.id, _STATED[dependent.type, field], values)
    if purged.type == package_model.WORKSHOP:
        extras["workshop"] = ""
        link.remove_links(dependent.id, [purged.id])
    else:
        ideas = [
            id_ for id_ in package_model.read_stored_texts(dependent, "idea") if id_ != purged.id
        ]
        kept = [
            id_
            for id_ in package_model.read_stored_texts(dependent, "data_need")
            if id_ not in needs
        ]
        extras |= {"idea": json.dumps(ideas), "data_need": json.dumps(kept)}
        link.remove_links(dependent.id, [purged.id, *needs])
    dependent.extras = extras
    # Solr and harvesters compare this date to find changed records.
    dependent.metadata_modified = get_utc_now()


def keep_publisher(dataset: model.Package, organization: model.Group) -> None:
    """Store an organisation that will be purged as publisher of a dataset that has none."""
    if package_model.read_stored_rows(dataset, "publisher"):
        return
    publisher = {"name": organization.title or organization.name}
    if homepage := package_model.read_stored_text(organization, "homepage"):
        publisher["url"] = homepage
    dataset.extras = {**(dataset.extras or {}), "publisher": json.dumps([publisher])}
    dataset.metadata_modified = get_utc_now()


def _find_lost_values(dependent: model.Package, purged: model.Package) -> dict[str, list[str]]:
    """Return field → values that a record has computed from a purged record and would lose."""
    if purged.type == package_model.WORKSHOP:
        before = {"municipality": set(package_logic.list_workshop_municipalities(purged))}
        after: dict[str, set[str]] = {"municipality": set()}
    else:
        ideas = list(
            package_model.load_packages(package_model.read_stored_texts(dependent, "idea")).values()
        )
        left = [idea for idea in ideas if idea.id != purged.id]
        before, after = _compute_values(ideas), _compute_values(left)
    return {
        field: sorted(values)
        for field, values in before.items()
        if values != after[field] and not package_model.read_stored_texts(dependent, field)
    }


def _compute_values(ideas: list[model.Package]) -> dict[str, set[str]]:
    return {
        "municipality": package_logic.list_idea_municipalities(ideas),
        "service_problem": package_logic.list_idea_problems(ideas),
    }


class DeletionRefused(tk.ValidationError, click.ClickException):
    """Other records depend on a deleted one: a ValidationError, and one line for ``ckan``."""

    def __init__(self, message: str) -> None:
        """Initialise both base classes with the message."""
        tk.ValidationError.__init__(self, {"message": message})
        self.message = message


def refuse_deletion_with_dependents(unit: UnitOfWork) -> None:
    """Refuse to delete a package if other records depend on it.

    Raises:
        DeletionRefused: other records depend on it.
    """
    for package in [record for record in unit.session.dirty if isinstance(record, model.Package)]:
        if _is_being_deleted(package):
            _refuse_if_needed(package)


def cut_links_of_purged(unit: UnitOfWork) -> None:
    """Cut the links to packages that the session will delete."""
    for package in [record for record in unit.session.deleted if isinstance(record, model.Package)]:
        if package.type in KINDS:
            cut_links(package)


def _is_being_deleted(package: model.Package) -> bool:
    inspected: Any = sa.inspect(package)
    history = inspected.attrs.state.history
    return package.state == model.State.DELETED and history.has_changes()


def _refuse_if_needed(package: model.Package) -> None:
    found = list_dependents(package)
    if found:
        viewer = Viewer(Context())
        raise DeletionRefused(messages.write_fault(explain_obstacles(found, viewer)))
