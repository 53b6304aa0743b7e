"""Looking up what a record refers to, locked until the save is done.

What does not exist and what the person may not see are told apart by nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ckan import model
from ckan.types import Context

from ckanext.marathon.model import package as package_model
from ckanext.marathon.visibility import Viewer


def linkable(
    context: Context, references: Collection[str], package_type: str, already: Collection[str]
) -> dict[str, model.Package]:
    """Return reference → package for those that a record may link to, in the order given.

    Args:
        context: of the person who links.
        references: names or ids.
        package_type: the type they must have.
        already: ids that the record links to now; the person need not see those.

    Returns:
        active packages only, locked against change until this transaction ends.
    """
    ids = package_model.find_package_ids(references, package_type)
    packages = package_model.lock_targets(ids.values())
    viewer = Viewer(context)
    trusted = bool(context.get("ignore_auth"))
    return {
        reference: package
        for reference in references
        if (package := packages.get(ids.get(reference, "")))
        and package.state == model.State.ACTIVE
        and (trusted or package.id in already or viewer.may_see(package))
    }


def municipalities_of_workshop(workshop: model.Package | None) -> list[str]:
    """Return the codes of the municipalities that take part in a workshop."""
    return package_model.read_stored_texts(workshop, "municipality")


def municipalities_of_ideas(ideas: Iterable[model.Package]) -> set[str]:
    """Return the codes of ideas: their own, else those of their workshops."""
    ideas = list(ideas)
    own = {idea.id: package_model.read_stored_texts(idea, "municipality") for idea in ideas}
    silent = [
        package_model.read_stored_text(idea, "workshop") for idea in ideas if not own[idea.id]
    ]
    workshops = package_model.load_packages(each for each in silent if each)
    codes = {code for each in own.values() for code in each}
    return codes.union(*(municipalities_of_workshop(each) for each in workshops.values()))


def problems_of_ideas(ideas: Iterable[model.Package]) -> set[str]:
    """Return the notations of the problems that ideas answer."""
    return {
        notation
        for idea in ideas
        for notation in package_model.read_stored_texts(idea, "service_problem")
    }


def needs_of_ideas(ideas: Iterable[model.Package]) -> set[str]:
    """Return the ids of the data needs of ideas."""
    needs = [need for idea in ideas for need in package_model.read_stored_rows(idea, "data_need")]
    return {need["id"] for need in needs if need.get("id")}
