"""A dataset as it is shown: where it comes from."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from ckan import model

from ckanext.marathon.domain import dataset as dataset_domain
from ckanext.marathon.logic import permissions
from ckanext.marathon.logic.references import municipalities_of_workshop, needs_of_ideas
from ckanext.marathon.logic.show.idea import info
from ckanext.marathon.logic.show.put import put
from ckanext.marathon.model import dataset as dataset_model
from ckanext.marathon.model import package
from ckanext.marathon.visibility import Viewer


def complete(viewer: Viewer, dataset: model.Package, pkg_dict: dict[str, Any]) -> None:
    """Set municipality and problem with their origins, ``ideas`` and ``first_published``.

    What is computed is the same for everybody; which ideas are named is not.
    """
    first = dataset_model.read_first_published([dataset.id]).get(dataset.id)
    pkg_dict["first_published"] = first.astimezone(UTC).isoformat() if first else None
    named = package.read_stored_texts(dataset, "idea")
    ideas = package.load_packages(named)
    workshops = package.load_packages(
        w for idea in ideas.values() if (w := package.read_stored_text(idea, "workshop"))
    )
    inherited: dict[str, set[str]] = {"municipality": set(), "service_problem": set()}
    for idea in ideas.values():
        workshop = workshops.get(package.read_stored_text(idea, "workshop"))
        own = package.read_stored_texts(idea, "municipality")
        inherited["municipality"].update(own or municipalities_of_workshop(workshop))
        inherited["service_problem"].update(package.read_stored_texts(idea, "service_problem"))
    for field, values in inherited.items():
        resolved = dataset_domain.resolve_values(
            package.read_stored_texts(dataset, field), values, dataset_domain.FROM_IDEA
        )
        put(pkg_dict, field, resolved.values)
        pkg_dict[f"{field}_origin"] = resolved.origin
    visible = [ideas[id_] for id_ in named if id_ in ideas and viewer.may_see(ideas[id_])]
    pkg_dict["ideas"] = [_idea(viewer, idea, workshops) for idea in visible]
    wanted = package.read_stored_texts(dataset, "data_need")
    if len(visible) < len(named) and not permissions.keeps_links(viewer, dataset):
        needs = needs_of_ideas(visible)
        put(pkg_dict, "idea", [idea.id for idea in visible])
        put(pkg_dict, "data_need", [need for need in wanted if need in needs])
    elif named:
        # Solr's copy, which this may come from, has those of an outsider.
        put(pkg_dict, "idea", named)
        put(pkg_dict, "data_need", wanted)


def _idea(
    viewer: Viewer, idea: model.Package, workshops: dict[str, model.Package]
) -> dict[str, Any]:
    workshop = workshops.get(package.read_stored_text(idea, "workshop"))
    shown = info(workshop) if workshop and viewer.may_see(workshop) else None
    return {
        "id": idea.id,
        "name": idea.name,
        "title": idea.title or idea.name,
        "status": package.read_stored_text(idea, "status"),
        "workshop": shown,
    }
