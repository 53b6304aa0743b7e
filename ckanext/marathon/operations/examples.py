"""Takes the examples off the site, and nothing else.

An example is flagged as one and was made by the starter catalogue, or says in its title that it is
one. Two signs, because purging cannot be undone: on a site with a history of its own, something
else may have called a field ``example``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import uploader

from ckanext.marathon.model import example, link
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.operations import starter_content
from ckanext.marathon.operations.starter_ids import id_of
from ckanext.marathon.operations.starter_writer import (
    SEARCH_DOWN,
    StarterError,
    search_is_down,
)

# What refers to something goes before it, as the guards against deleting want it.
ORDER = ("dataset", "idea", "workshop")


@dataclass(frozen=True, slots=True)
class Thing:
    """A package, by its id, type, name and title."""

    id: str
    type: str
    name: str
    title: str


class StillNeeded(Exception):
    """Things that are no examples refer to examples; nothing was removed.

    Attributes:
        things: what refers to them.
    """

    def __init__(self, things: list[Thing]) -> None:
        titles = ", ".join(f"{thing.title} ({thing.type} {thing.name})" for thing in things)
        super().__init__(
            tk._(
                "Nothing was removed: these are no examples, yet refer to examples: {titles}. "
                "Link them to something real or delete them, then try again."
            ).format(titles=titles)
        )
        self.things = things


Progress = Callable[[int, int, Thing], None]


def find() -> list[Thing]:
    """Return the examples on the site, in the order in which they can be removed."""
    made_here = {id_of(item) for item in starter_content.items() if item.is_example}
    found = [
        Thing(row.id, row.type, row.name, row.title)
        for row in example.packages(ORDER)
        if row.id in made_here or (row.title or "").startswith(starter_content.EXAMPLE_TITLE)
    ]
    return sorted(found, key=lambda thing: ORDER.index(thing.type))


def remove(progress: Progress = lambda number, total, thing: None) -> list[Thing]:
    """Purge the examples with their files.

    Purged, not only deleted: then the starter catalogue can add them again. Run again after it
    was stopped halfway, it goes on with what is left.

    Args:
        progress: called after each one with its number, how many there are, and what it was.

    Returns:
        What was removed.

    Raises:
        StillNeeded: something that is no example refers to one; nothing was removed.
        StarterError: the search engine does not answer; the rest is left for the next time.
    """
    things = find()
    if dependents := _dependents([thing.id for thing in things]):
        raise StillNeeded(dependents)
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    kept = example.uploads([thing.id for thing in things])
    for number, thing in enumerate(things, 1):
        _purge(thing, user)
        for package_id, resource_id in kept:
            if package_id == thing.id:
                _remove_file(resource_id)
        progress(number, len(things), thing)
    return things


def _dependents(ids: list[str]) -> list[Thing]:
    """Return what is no example, is not deleted, and refers to one of these."""
    needs = [need for _, need in link.objects(ids, Predicate.IDEA_DATA_NEED)]
    referring = link.subjects(ids, Predicate.IDEA_WORKSHOP, Predicate.DATASET_IDEA)
    referring += link.subjects(needs, Predicate.DATASET_DATA_NEED)
    others = sorted({subject for subject, _ in referring} - set(ids))
    return [Thing(row.id, row.type, row.name, row.title) for row in example.named(others)]


def _purge(thing: Thing, user: str) -> None:
    try:
        tk.get_action("dataset_purge")({"user": user, "ignore_auth": True}, {"id": thing.id})
    except SEARCH_DOWN as error:
        model.Session.rollback()
        raise StarterError(f"{thing.title}: {search_is_down()}") from error


def _remove_file(resource_id: str) -> None:
    uploader.get_resource_uploader({"url": "", "clear_upload": True}).upload(resource_id)
