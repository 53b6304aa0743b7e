"""Puts one item of the starter catalogue on the site, unless it is there already.

What is on the site belongs to its people: an item that is there, however changed or renamed, is
left as it is, and one that somebody deleted stays deleted. Everything goes through CKAN's actions.
"""

from __future__ import annotations

import io
import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.search.common import SearchError, SearchIndexError, SolrConnectionError
from ckan.types import Context
from werkzeug.datastructures import FileStorage

from ckanext.marathon.logic import uploads
from ckanext.marathon.logic.action.organization import leave
from ckanext.marathon.model import place, transition
from ckanext.marathon.operations import starter_files
from ckanext.marathon.operations.starter_content import File, Item
from ckanext.marathon.operations.starter_ids import (
    address_of,
    id_of,
    id_of_link,
    vocabulary_base,
)

FIRST_STATUS = "proposed"

# What CKAN raises while Solr is away, depending on what it was about to do.
SEARCH_DOWN = (SearchError, SearchIndexError, SolrConnectionError)


class Outcome(StrEnum):
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
def refusals_of(item: Item) -> Iterator[None]:
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
class Writer:
    """Writes items in the order of :func:`starter_content.items`.

    Attributes:
        user: name of the system administrator who writes.
    """

    user: str
    _ids: dict[tuple[str, str], str] = field(default_factory=dict)

    def use(self, type_: str, name: str, id_: str) -> None:
        """Take what has this id for what the starter catalogue calls by this name."""
        self._ids[type_, name] = id_

    def ensure(self, item: Item) -> tuple[Outcome, str]:
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
            return Outcome.LEFT_OUT, str(reason)

    def _organization(self, item: Item) -> Outcome:
        code = item.fields.get("municipality_code")
        found = model.Group.get((place.holder(code) if code else None) or id_of(item))
        found = found or model.Group.get(item.name)
        if found is None:
            self._ids[item.type, item.name] = self._create_organization(item)
            return Outcome.ADDED
        if not found.is_organization:
            raise LeftOut(tk._("the address {name} belongs to a group.").format(name=item.name))
        if found.state != model.State.ACTIVE:
            raise LeftOut(_deleted())
        self._ids[item.type, item.name] = found.id
        return Outcome.PRESENT

    def _create_organization(self, item: Item) -> str:
        context: Context = {"user": self.user, "ignore_auth": True, "defer_commit": True}
        entry = self._entry(item, item.fields)
        created = tk.get_action("organization_create")(context, entry)
        # CKAN makes its creator a member; the site's own user is nobody's colleague.
        leave(created["id"], self.user)
        model.repo.commit()
        return created["id"]

    def _package(self, item: Item) -> Outcome:
        found = model.Package.get(id_of(item)) or model.Package.get(item.name)
        if found is None:
            self._ids[item.type, item.name] = self._create_package(item)
            self._advance(item)
            return Outcome.ADDED
        if found.type != item.type:
            message = tk._("the address {name} belongs to something else ({type}).")
            raise LeftOut(message.format(name=item.name, type=found.type))
        if found.state == model.State.DELETED:
            raise LeftOut(_deleted())
        self._ids[item.type, item.name] = found.id
        return Outcome.COMPLETED if self._advance(item) else Outcome.PRESENT

    def _create_package(self, item: Item) -> str:
        context: Context = {"user": self.user, "ignore_auth": True}
        entry = self._entry(item, self._resolved(item))
        refused = uploads.prepare(context, entry.get("resources", []))
        if faults := [fault for each in refused for fault in each]:
            raise StarterError(f"{item.title}: {' '.join(faults)}")
        return tk.get_action("package_create")(context, entry)["id"]

    def _advance(self, item: Item) -> bool:
        """Make the changes of status that an idea still lacks, unless people took it elsewhere.

        Returns:
            Whether there was one to make.
        """
        if not item.steps:
            return False
        id_ = self._ids[item.type, item.name]
        planned = [FIRST_STATUS, *(status for status, _ in item.steps)]
        done = [step.status for step in transition.history(id_)]
        if done != planned[: len(done)] or len(done) == len(planned):
            return False
        for status, reason in item.steps[len(done) - 1 :]:
            self._act("package_patch", {"id": id_, "status": status, "status_reason": reason})
        return True

    def _entry(self, item: Item, fields: Any) -> dict[str, Any]:
        entry = {**fields, "id": id_of(item), "name": item.name}
        if item.type == "organization":
            return entry
        entry["type"] = item.type
        if item.files:
            entry["resources"] = [self.resource(item, file) for file in item.files]
        return entry

    def _resolved(self, item: Item) -> dict[str, Any]:
        """Return the fields with ids in place of our names."""
        fields = dict(item.fields)
        if "owner_org" in fields:
            fields["owner_org"] = self._reference("organization", fields["owner_org"])
        if "workshop" in fields:
            fields["workshop"] = self._reference("workshop", fields["workshop"])
        if "idea" in fields:
            fields["idea"] = [self._reference("idea", name) for name in fields["idea"]]
        if "documentation" in fields:
            fields["documentation"] = [address_of(link) for link in fields["documentation"]]
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

    def resource(self, item: Item, file: File) -> dict[str, Any]:
        """Return a file as a resource to be saved."""
        if file.link:
            address = address_of(file.link)
            id_ = id_of_link(item, file.link)
            return {**file.fields, "id": id_, "url": address, "download_url": address}
        data = starter_files.content(file, vocabulary_base())
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
