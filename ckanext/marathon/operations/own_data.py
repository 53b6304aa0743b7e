"""The dataset that lists the site's own tables (``/marathon/data``) for portals.

It is an item of the starter catalogue. Here it is created on sites without that catalogue, and
updated when the site's address or the tables have changed. Texts that people edited stay.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context

from ckanext.marathon.domain import dataset
from ckanext.marathon.model import figures, package
from ckanext.marathon.operations import starter
from ckanext.marathon.operations.starter import (
    StarterError,
    StarterItem,
    StarterOutcome,
    StarterWriter,
    derive_address,
    derive_id,
    refusals_of,
)

NAME = "talleres-ideas-y-datos-necesarios"
DICTIONARY = "/marathon/data"
# Fields of a resource that depend on the site and on this version of the program.
_OURS = ("url", "download_url", "format")


def publish_own_data(organization: str = "") -> StarterOutcome:
    """Publish or update the dataset; restore it if somebody deleted it.

    Args:
        organization: name or id of the owner of a new dataset; "" means the coordinating body.

    Returns:
        ``ADDED``, ``COMPLETED`` or, if there was nothing to do, ``PRESENT``.

    Raises:
        StarterError: there is no owner, its name is taken, or the site refuses it.
    """
    (item,) = (each for each in starter.read_items(examples=False) if each.name == NAME)
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    writer = StarterWriter(user)
    found = model.Package.get(derive_id(item)) or model.Package.get(item.name)
    if found is None:
        writer.use("organization", item.fields["owner_org"], _owner(organization))
        return writer.ensure(item)[0]
    if found.type != package.DATASET:
        message = tk._("the address {name} belongs to something else ({type}).")
        raise StarterError(message.format(name=item.name, type=found.type))
    with refusals_of(item):
        return _refresh(writer, item, found.id)


def _owner(organization: str) -> str:
    """Return the id of the organisation that is to own the dataset.

    Raises:
        StarterError: there is no such organisation, or not exactly one coordinating body.
    """
    if organization:
        found = model.Group.get(organization)
        if found is None or not found.is_organization or found.state != model.State.ACTIVE:
            message = tk._("There is no organisation {name}.")
            raise StarterError(message.format(name=organization))
        return found.id
    coordinating = figures.list_organizations_with_role(dataset.COORDINATING_BODY, 2)
    if len(coordinating) != 1:
        raise StarterError(
            tk._(
                "Say who publishes the dataset with --organization: there is not exactly one "
                "organisation that coordinates."
            )
        )
    return coordinating[0].id


def _refresh(writer: StarterWriter, item: StarterItem, id_: str) -> StarterOutcome:
    context: Context = {"user": writer.user, "ignore_auth": True, "use_cache": False}
    shown = tk.get_action("package_show")(context, {"id": id_})
    wanted = [writer.resource(item, file) for file in item.files]
    change: dict[str, Any] = {
        "documentation": _documented(shown.get("documentation") or []),
        "resources": _resources(shown["resources"], wanted),
        "state": model.State.ACTIVE,
    }
    if all(shown.get(name) == value for name, value in change.items()):
        return StarterOutcome.PRESENT
    again: Context = {"user": writer.user, "ignore_auth": True}
    tk.get_action("package_patch")(again, {"id": id_, **change})
    return StarterOutcome.COMPLETED


def _resources(shown: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the resources with corrected addresses, and with the missing ones added."""
    ours = {each["id"]: each for each in wanted}
    known = {each["id"] for each in shown}
    kept = [
        {**each, **{name: ours[each["id"]][name] for name in _OURS}} if each["id"] in ours else each
        for each in shown
    ]
    return [*kept, *(each for each in wanted if each["id"] not in known)]


def _documented(addresses: list[str]) -> list[str]:
    """Return the documentation links, with the present address of our page."""
    here = derive_address(DICTIONARY)
    return [here, *(each for each in addresses if not each.endswith(DICTIONARY))]
