"""What stands in the way of deleting or changing something that others depend on."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context

from ckanext.marathon.domain.errors import N_, Fault, FieldFault, make_fault
from ckanext.marathon.domain.idea import Needs
from ckanext.marathon.logic import say
from ckanext.marathon.model import link
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.visibility import Viewer

if TYPE_CHECKING:
    from ckanext.marathon.logic.validators.flat import Flat

# Which links keep a thing of a type from being deleted.
KEEPING = {
    package_model.WORKSHOP: (Predicate.IDEA_WORKSHOP,),
    package_model.IDEA: (Predicate.DATASET_IDEA,),
}

# As many are named; the rest is counted.
MOST_NAMED = 10

IN_THE_WAY = N_("It cannot be deleted: {names} depend on it. Delete or change those first")
TYPES = {
    package_model.WORKSHOP: N_("workshop"),
    package_model.IDEA: N_("idea"),
    package_model.DATASET: N_("dataset"),
    package_model.COMMITMENT: N_("commitment"),
}


def dependents(package: model.Package) -> list[model.Package]:
    """Return the records, not deleted, that keep a package from being deleted."""
    return package_model.list_dependents([package.id], *KEEPING.get(package.type, ()))


def obstacles(found: Iterable[model.Package], viewer: Viewer) -> list[dict[str, str]]:
    """Return id, type, title and address of the records that the person may see."""
    return [
        {
            "id": each.id,
            "type": each.type,
            "title": each.title or each.name,
            "url": tk.url_for(f"{each.type}.read", id=each.name, qualified=True),
        }
        for each in found
        if viewer.may_see(each)
    ]


def named(found: Collection[model.Package], viewer: Viewer) -> str:
    """Return records as words: «idea “Agua limpia” (address), other records»."""
    seen = obstacles(found, viewer)
    words = [
        f"{tk._(TYPES.get(each['type'], each['type']))} “{each['title']}” ({each['url']})"
        for each in seen[:MOST_NAMED]
    ]
    if len(words) < len(found):
        words.append(tk._("other records"))
    return ", ".join(words)


def in_the_way(found: Collection[model.Package], viewer: Viewer) -> Fault:
    """Return the sentence that names what stands in the way of a deletion."""
    return Fault(IN_THE_WAY, {"names": named(found, viewer)})


def refuse_delete(found: Collection[model.Package], context: Context) -> None:
    """Give up a deletion that leaves others without what they depend on.

    Raises:
        ckan.plugins.toolkit.ValidationError: at ``message``, with the records that the person may
            see under ``obstacles``; everything is rolled back.
    """
    if not found:
        return
    viewer = Viewer(context)
    message = say.text(in_the_way(found, viewer))
    # A text, not a list: CKAN's own pages take it so.
    errors: dict[str, Any] = {"message": message, "obstacles": obstacles(found, viewer)}
    model.Session.rollback()
    raise tk.ValidationError(errors, error_summary={"message": message})


def check_delete(flat: Flat) -> list[FieldFault]:
    """Return a fault if the record is being deleted by its state and others depend on it."""
    found = dependents(flat.stored) if flat.stored else []
    return [FieldFault(("state",), in_the_way(found, Viewer(flat.context)))] if found else []


def check_municipalities_kept(flat: Flat, codes: Collection[str]) -> list[FieldFault]:
    """Return a fault if an idea of the workshop is of a municipality that is taken out."""
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
            names=named(using, Viewer(flat.context)),
            codes=tuple(gone),
        )
    ]


def needs(flat: Flat) -> Needs:
    """Return the data needs that an idea has, and the datasets that meet them."""
    own = [
        each["id"]
        for each in package_model.read_stored_rows(flat.stored, "data_need")
        if each.get("id")
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
