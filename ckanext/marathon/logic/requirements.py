"""What a dataset must have, looked up for the organisation that publishes it."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.marathon.domain import dataset
from ckanext.marathon.model import dataset as dataset_model
from ckanext.marathon.model import package


def of_dataset(owner_org: str, stored: model.Package | None) -> dataset.Requirements:
    """Return what a dataset must have.

    One that loses its organisation, as when that is deleted, must have what it had to have there.

    Args:
        owner_org: id or name of its organisation, ``""`` for none.
        stored: the dataset as it is, ``None`` for a new one.
    """
    reference = owner_org or (stored.owner_org if stored else "")
    return _of(_publisher(model.Group.get(reference)), stored)


def lacks_role(owner_org: str) -> bool:
    """Return whether an organisation (id or name) has neither a role nor a municipality's code."""
    organization = model.Group.get(owner_org)
    return organization is not None and not _publisher(organization).acts_as


def _publisher(organization: model.Group | None) -> dataset.Publisher:
    if organization is None:
        return dataset.Publisher()
    return dataset.Publisher(
        role=package.read_stored_text(organization, "role"),
        municipality_code=package.read_stored_text(organization, "municipality_code"),
        is_older=organization.created < dataset_model.read_installation_time(),
    )


def of_a_municipality() -> dataset.Requirements:
    """Return what a new dataset of a municipality must have; no organisation must give more."""
    return _of(dataset.Publisher(role=dataset.MUNICIPALITY), None)


def _of(publisher: dataset.Publisher, stored: model.Package | None) -> dataset.Requirements:
    setting = dataset.IdeaRequired(tk.config["ckanext.marathon.idea_required"])
    created = stored.metadata_created if stored else None
    exempt = dataset.is_dataset_exempt(created, dataset_model.read_installation_time(), setting)
    return dataset.find_requirements(publisher, exempt, setting)
