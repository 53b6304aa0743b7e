"""The starter catalogue: real organisations, workshops and datasets, and marked examples.

What is on the site belongs to its people: an item that is there, however changed or renamed, is
left as it is, and one that somebody deleted stays deleted. Everything goes through CKAN's actions.

An example is removed if it is flagged as one and was made by the starter catalogue, or says in its
title that it is one. Two signs, because purging cannot be undone: on a site with a history of its
own, something else may have called a field ``example``.
"""

from __future__ import annotations

import io
import mimetypes
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import uploader
from ckan.lib.search.common import SearchError, SearchIndexError, SolrConnectionError
from ckan.types import Context
from werkzeug.datastructures import FileStorage

from ckanext.marathon.logic import resource as resource_logic
from ckanext.marathon.logic.action.organization import leave_organization
from ckanext.marathon.model import audit, disk, municipality, package
from ckanext.marathon.model import idea as idea_model
from ckanext.marathon.model import link as link_model
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.operations import starter_content
from ckanext.marathon.operations.starter_content import (
    StarterFile,
    StarterItem,
    derive_address,
    derive_id,
    derive_link_id,
    find_vocabulary_base,
)

FIRST_STATUS = "proposed"

# What CKAN raises while Solr is away, depending on what it was about to do.
SEARCH_DOWN = (SearchError, SearchIndexError, SolrConnectionError)


class StarterOutcome(StrEnum):
    """What became of an item."""

    ADDED = "added"
    COMPLETED = "completed"
    PRESENT = "present"
    LEFT_OUT = "left_out"


class LeftOut(Exception):
    """An item that cannot be put on the site without undoing what somebody decided."""


class StarterError(Exception):
    """An item that the site refused; the text says which and why."""


@contextmanager
def refusals_of(item: StarterItem) -> Iterator[None]:
    """Say of an item that the site refuses, or cannot index, why.

    Raises:
        StarterError: it was refused, or Solr is away.
    """
    try:
        yield
    except tk.ValidationError as error:
        faults = "; ".join(f"{name}: {text}" for name, text in error.error_summary.items())
        raise StarterError(f"{item.title}: {faults}") from error
    except SEARCH_DOWN as error:
        model.Session.rollback()
        raise StarterError(f"{item.title}: {search_is_down()}") from error


@dataclass
class StarterWriter:
    """Writes items in the order of :func:`starter_content.items`.

    Attributes:
        user: name of the system administrator who writes.
    """

    user: str
    _ids: dict[tuple[str, str], str] = field(default_factory=dict)

    def use(self, type_: str, name: str, id_: str) -> None:
        """Take what has this id for what the starter catalogue calls by this name."""
        self._ids[type_, name] = id_

    def ensure(self, item: StarterItem) -> tuple[StarterOutcome, str]:
        """Put an item on the site, or find it there.

        Returns:
            What became of it, and why it was left out (else an empty text).

        Raises:
            StarterError: the site's rules refuse it.
        """
        try:
            with refusals_of(item):
                if item.type == "organization":
                    return self._organization(item), ""
                return self._package(item), ""
        except LeftOut as reason:
            return StarterOutcome.LEFT_OUT, str(reason)

    def _organization(self, item: StarterItem) -> StarterOutcome:
        code = item.fields.get("municipality_code")
        found = model.Group.get(
            (municipality.find_municipality(code) if code else None) or derive_id(item)
        )
        found = found or model.Group.get(item.name)
        if found is None:
            self._ids[item.type, item.name] = self._create_organization(item)
            return StarterOutcome.ADDED
        if not found.is_organization:
            raise LeftOut(tk._("the address {name} belongs to a group.").format(name=item.name))
        if found.state != model.State.ACTIVE:
            raise LeftOut(_deleted())
        self._ids[item.type, item.name] = found.id
        return StarterOutcome.PRESENT

    def _create_organization(self, item: StarterItem) -> str:
        context: Context = {"user": self.user, "ignore_auth": True, "defer_commit": True}
        entry = self._entry(item, item.fields)
        created = tk.get_action("organization_create")(context, entry)
        # CKAN makes its creator a member; the site's own user is nobody's colleague.
        leave_organization(created["id"], self.user)
        model.repo.commit()
        return created["id"]

    def _package(self, item: StarterItem) -> StarterOutcome:
        found = model.Package.get(derive_id(item)) or model.Package.get(item.name)
        if found is None:
            self._ids[item.type, item.name] = self._create_package(item)
            self._advance(item)
            return StarterOutcome.ADDED
        if found.type != item.type:
            message = tk._("the address {name} belongs to something else ({type}).")
            raise LeftOut(message.format(name=item.name, type=found.type))
        if found.state == model.State.DELETED:
            raise LeftOut(_deleted())
        self._ids[item.type, item.name] = found.id
        return StarterOutcome.COMPLETED if self._advance(item) else StarterOutcome.PRESENT

    def _create_package(self, item: StarterItem) -> str:
        context: Context = {"user": self.user, "ignore_auth": True}
        entry = self._entry(item, self._resolved(item))
        refused = resource_logic.prepare_uploads(context, entry.get("resources", []))
        if faults := [fault for each in refused for fault in each]:
            raise StarterError(f"{item.title}: {' '.join(faults)}")
        return tk.get_action("package_create")(context, entry)["id"]

    def _advance(self, item: StarterItem) -> bool:
        """Make the changes of status that an idea still lacks, unless people took it elsewhere.

        Returns:
            Whether there was one to make.
        """
        if not item.steps:
            return False
        id_ = self._ids[item.type, item.name]
        planned = [FIRST_STATUS, *(status for status, _ in item.steps)]
        done = [step.status for step in idea_model.read_idea_history(id_)]
        if done != planned[: len(done)] or len(done) == len(planned):
            return False
        for status, reason in item.steps[len(done) - 1 :]:
            self._act("package_patch", {"id": id_, "status": status, "status_reason": reason})
        return True

    def _entry(self, item: StarterItem, fields: Any) -> dict[str, Any]:
        entry = {**fields, "id": derive_id(item), "name": item.name}
        if item.type == "organization":
            return entry
        entry["type"] = item.type
        if item.files:
            entry["resources"] = [self.resource(item, file) for file in item.files]
        return entry

    def _resolved(self, item: StarterItem) -> dict[str, Any]:
        """Return the fields with ids in place of our names."""
        fields = dict(item.fields)
        if "owner_org" in fields:
            fields["owner_org"] = self._reference("organization", fields["owner_org"])
        if "workshop" in fields:
            fields["workshop"] = self._reference("workshop", fields["workshop"])
        if "idea" in fields:
            fields["idea"] = [self._reference("idea", name) for name in fields["idea"]]
        if "documentation" in fields:
            fields["documentation"] = [derive_address(link) for link in fields["documentation"]]
        if item.meets:
            fields["data_need"] = [
                need for idea, number in item.meets for need in self._need(idea, number)
            ]
        return fields

    def _reference(self, type_: str, name: str) -> str:
        try:
            return self._ids[type_, name]
        except KeyError:
            message = tk._("what it refers to ({name}) is not on the site.")
            raise LeftOut(message.format(name=name)) from None

    def _need(self, idea: str, number: int) -> list[str]:
        """Return the id of an idea's data need, none if people removed it meanwhile."""
        shown = self._act("package_show", {"id": self._reference("idea", idea)})
        return [need["id"] for need in shown.get("data_need", [])[number - 1 : number]]

    def resource(self, item: StarterItem, file: StarterFile) -> dict[str, Any]:
        """Return a file as a resource to be saved."""
        if file.link:
            address = derive_address(file.link)
            id_ = derive_link_id(item, file.link)
            return {**file.fields, "id": id_, "url": address, "download_url": address}
        data = starter_content.make_file(file, find_vocabulary_base())
        upload = FileStorage(
            io.BytesIO(data), file.filename, content_type=mimetypes.guess_type(file.filename)[0]
        )
        return {**file.fields, "upload": upload}

    def _act(self, action: str, data_dict: dict[str, Any]) -> dict[str, Any]:
        context: Context = {"user": self.user, "ignore_auth": True}
        if action == "package_show":
            # Solr's copy may be older than what was saved a moment ago.
            context["use_cache"] = False
        return tk.get_action(action)(context, data_dict)


def search_is_down() -> str:
    """Say that nothing can be saved, or removed, while Solr is away."""
    return tk._("The search engine does not answer, so nothing was saved. Try again.")


def _deleted() -> str:
    return tk._("somebody deleted it. Purge it to have it added again.")


# What refers to something goes before it, as the guards against deleting want it.
ORDER = ("dataset", "idea", "workshop")


@dataclass(frozen=True, slots=True)
class ExampleRecord:
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

    def __init__(self, things: list[ExampleRecord]) -> None:
        titles = ", ".join(f"{thing.title} ({thing.type} {thing.name})" for thing in things)
        super().__init__(
            tk._(
                "Nothing was removed: these are no examples, yet refer to examples: {titles}. "
                "Link them to something real or delete them, then try again."
            ).format(titles=titles)
        )
        self.things = things


RemovalProgress = Callable[[int, int, ExampleRecord], None]


def find_examples() -> list[ExampleRecord]:
    """Return the examples on the site, in the order in which they can be removed."""
    made_here = {derive_id(item) for item in starter_content.read_items() if item.is_example}
    found = [
        ExampleRecord(row.id, row.type, row.name, row.title)
        for row in package.list_examples(ORDER)
        if row.id in made_here or (row.title or "").startswith(starter_content.EXAMPLE_TITLE)
    ]
    return sorted(found, key=lambda thing: ORDER.index(thing.type))


def remove_examples(
    progress: RemovalProgress = lambda number, total, thing: None,
) -> list[ExampleRecord]:
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
    things = find_examples()
    if dependents := _dependents([thing.id for thing in things]):
        raise StillNeeded(dependents)
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    kept = package.list_example_files([thing.id for thing in things])
    for number, thing in enumerate(things, 1):
        _purge(thing, user)
        for package_id, resource_id in kept:
            if package_id == thing.id:
                _remove_file(resource_id)
        progress(number, len(things), thing)
    return things


def _dependents(ids: list[str]) -> list[ExampleRecord]:
    """Return what is no example, is not deleted, and refers to one of these."""
    needs = [need for _, need in link_model.list_object_pairs(ids, Predicate.IDEA_DATA_NEED)]
    referring = link_model.list_subject_pairs(ids, Predicate.IDEA_WORKSHOP, Predicate.DATASET_IDEA)
    referring += link_model.list_subject_pairs(needs, Predicate.DATASET_DATA_NEED)
    others = sorted({subject for subject, _ in referring} - set(ids))
    return [
        ExampleRecord(row.id, row.type, row.name, row.title)
        for row in package.name_examples(others)
    ]


def _purge(thing: ExampleRecord, user: str) -> None:
    try:
        tk.get_action("dataset_purge")({"user": user, "ignore_auth": True}, {"id": thing.id})
    except SEARCH_DOWN as error:
        model.Session.rollback()
        raise StarterError(f"{thing.title}: {search_is_down()}") from error


def _remove_file(resource_id: str) -> None:
    uploader.get_resource_uploader({"url": "", "clear_upload": True}).upload(resource_id)


@dataclass(frozen=True, slots=True)
class StarterStep:
    """An item that is done: which of how many, what it is, what became of it and why."""

    number: int
    total: int
    type: str
    title: str
    outcome: StarterOutcome
    reason: str = ""


StarterProgress = Callable[[StarterStep], None]


def load_starter(
    examples: bool = True, progress: StarterProgress = lambda step: None
) -> Counter[StarterOutcome]:
    """Put on the site what it lacks of the starter catalogue.

    Args:
        examples: with the made-up workshops, ideas and datasets.
        progress: called after each item.

    Returns:
        How many items were added, completed, found present and left out.

    Raises:
        StarterError: the site has no place for files, or its rules refuse an item.
        ContentError: the catalogue's own files are faulty.
    """
    items = starter_content.read_items(examples)
    _check_storage()
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    writer = StarterWriter(user)
    outcomes: Counter[StarterOutcome] = Counter()
    for number, item in enumerate(items, 1):
        with audit.record_as_import():
            outcome, reason = writer.ensure(item)
        outcomes[outcome] += 1
        progress(StarterStep(number, len(items), item.type, item.title, outcome, reason))
    return outcomes


def _check_storage() -> None:
    """Raise unless CKAN can keep files; it would drop them without a word.

    Raises:
        StarterError: neither ``ckan.storage_path`` nor a storage for resources is configured.
    """
    if not disk.keeps_files():
        raise StarterError(
            tk._("This site cannot keep files: set ckan.storage_path in its configuration.")
        )
