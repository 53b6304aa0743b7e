"""A small site with one record of each kind, and requests to its API as different people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ckan import model
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from tests.factories import Idea, MarathonDataset, Municipality, Workshop, officer

ROLES = ("anonymous", "editor", "sysadmin")


class World:
    """The records that requests name, made again after a request has deleted one."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.organization = Municipality(municipality_code="0115", name="villa-nueva")
        people = {"editor": officer(self.organization["id"]), "sysadmin": core.Sysadmin()}
        self.people = people
        self.tokens = {
            role: core.APIToken(user=person["id"])["token"] for role, person in people.items()
        }
        self.group = core.Group()
        self.vocabulary = call_action("vocabulary_create", name="colours", tags=[{"name": "red"}])
        self.make_records()

    def make_records(self) -> None:
        """Make a workshop, an idea and a dataset with a resource."""
        self.workshop = Workshop(owner_org=self.organization["id"], municipality=["0115"])
        self.idea = Idea(workshop=self.workshop["id"])
        self.dataset = MarathonDataset(
            idea=[self.idea["id"]],
            tags=[{"name": "agua"}],
            resources=[{"url": "https://example.org/a.csv", "name": "a", "format": "CSV"}],
        )

    def restore(self) -> None:
        """Make new records where a request has deleted one of them."""
        model.Session.rollback()
        self._revive()
        for record in (self.workshop, self.idea, self.dataset):
            package = model.Package.get(record["id"])
            if (
                package is None
                or package.state != "active"
                or (not package.resources_all[:1] and (record is self.dataset))
            ):
                self.make_records()
                break

    def _revive(self) -> None:
        """Restore the people and records that a form has deleted, which later records need."""
        groups = [model.Group.get(each["id"]) for each in (self.organization, self.group)]
        users = [model.User.get(person["id"]) for person in self.people.values()]
        deleted = [each for each in (*groups, *users) if each and each.state != "active"]
        for each in deleted:
            each.state = "active"
        if deleted:
            model.repo.commit()

    def values(self, name: str) -> list[Any]:
        """Return good values for a parameter of this name."""
        ids = {
            "id": [
                self.dataset["id"],
                self.dataset["resources"][0]["id"],
                self.organization["id"],
                self.group["id"],
                self.idea["name"],
                self.people["editor"]["id"],
                "agua",
                "no-such-record",
            ],
            "package_id": [self.dataset["id"]],
            "dataset_id": [self.dataset["id"]],
            "resource_id": [self.dataset["resources"][0]["id"]],
            "owner_org": [self.organization["id"]],
            "organization_id": [self.organization["id"]],
            "user": [self.people["editor"]["name"]],
            "user_id": [self.people["editor"]["id"]],
            "username": [self.people["editor"]["name"]],
            "object": [self.dataset["id"], self.people["editor"]["id"]],
            "object_type": ["package", "user"],
            "subject": [self.dataset["id"]],
            "vocabulary_id": [self.vocabulary["id"]],
            "capacity": ["editor", "public"],
            "role": ["editor"],
            "q": ["agua"],
            "name": ["a-name"],
            "title": ["A title"],
            "type": ["dataset", "links_to"],
        }
        return ids.get(name, ["text"])

    def request(
        self,
        method: str,
        path: str,
        *,
        role: str,
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
    ) -> Any:
        """Send a request to any page with a role; return the answer without following redirects."""
        sent = dict(headers or {})
        if role in self.tokens:
            sent["Authorization"] = self.tokens[role]
        return self.app.test_client(use_cookies=False).open(
            path, method=method, headers=sent, data=body, follow_redirects=False
        )

    def post(self, role: str, action: str, data: Mapping[str, Any]) -> Any:
        """Call an action over HTTP; return the answer."""
        headers = {"Content-Type": "application/json"}
        if role in self.tokens:
            headers["Authorization"] = self.tokens[role]
        body = json.dumps(data)
        return self.app.post(f"/api/3/action/{action}", data=body, headers=headers)
