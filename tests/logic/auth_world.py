"""A municipality with all it can have, and one person of each kind to try it with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ckan.tests import factories

from tests.factories import (
    CivilSociety,
    Commitment,
    CoordinatingBody,
    Idea,
    MarathonDataset,
    Municipality,
    Workshop,
    officer,
)

Check = tuple[str, dict[str, Any]]


@dataclass
class World:
    """Ids of records, and names of people (``None``: anonymous) by columns of the docs' table."""

    people: dict[str, str | None]
    ids: dict[str, str]


def build() -> World:
    """Make these records and people, with about thirty saves."""
    body, muni, other = CoordinatingBody()["id"], Municipality()["id"], CivilSociety()["id"]
    people: dict[str, str | None] = {
        "SA": factories.Sysadmin()["name"],
        "OE": officer(other)["name"],
        "U": factories.User()["name"],
        "–": None,
    }
    for letter, organization in (("C", body), ("M", muni)):
        for capacity in ("admin", "editor", "member"):
            name = officer(organization, capacity)["name"]
            people[letter + capacity[0].upper()] = name
    workshop = Workshop(owner_org=muni)["id"]
    idea = Idea(workshop=workshop, owner_org=muni)["id"]
    common = {"owner_org": muni}
    of_idea = {**common, "workshop": workshop}
    of_dataset = {**common, "idea": [idea]}
    ids = {
        "body": body,
        "muni": muni,
        "other": other,
        "group": factories.Group()["id"],
        "user": factories.User()["name"],
        "workshop": workshop,
        "idea": idea,
        "commitment": Commitment(**common)["id"],
        "dataset": MarathonDataset(**of_dataset)["id"],
        "private workshop": Workshop(private=True, **common)["id"],
        "private idea": Idea(private=True, **of_idea)["id"],
        "private commitment": Commitment(private=True, **common)["id"],
        "private dataset": MarathonDataset(private=True, **of_dataset)["id"],
        "draft idea": Idea(state="draft", **of_idea)["id"],
    }
    for thing in ("workshop", "idea", "dataset", "private idea", "private dataset"):
        ids[f"file of {thing}"] = factories.Resource(package_id=ids[thing])["id"]
    return World(people, ids)


def checks(ids: dict[str, str]) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return the data of the action in each row of the docs' table."""
    muni = ids["muni"]

    def new(package_type: str, owner: str = "muni") -> Callable[[], dict[str, Any]]:
        return lambda: {"type": package_type, "owner_org": ids[owner], "title": "x"}

    def thing(name: str) -> Callable[[], dict[str, Any]]:
        return lambda: {"id": ids[name]}

    def details(name: str, **more: Any) -> Callable[[], dict[str, Any]]:
        return lambda: {"id": ids[name], "title": "x", **more}

    def grouped(name: str) -> Callable[[], dict[str, Any]]:
        return lambda: {"id": ids[name], "groups": [{"id": ids["group"]}]}

    def member() -> dict[str, Any]:
        return {
            "id": muni,
            "username": ids["user"],
            "object": ids["user"],
            "object_type": "user",
            "role": "editor",
            "capacity": "editor",
        }

    def invitation(name: str) -> Callable[[], dict[str, Any]]:
        return lambda: {"email": "x@example.gt", "organization": ids[name]}

    def leaving() -> dict[str, Any]:
        return {"organization": muni, "user": ids["user"]}

    table: dict[str, Callable[[], dict[str, Any]]] = {
        "an idea for a dataset being filled in": lambda: {"workshop": ids["workshop"]},
        "ideas to choose from": dict,
        "a new workshop of the coordinating body": new("workshop", "body"),
        "a new dataset of the coordinating body": new("dataset", "body"),
        "a dataset into a group": grouped("dataset"),
        "an idea into a group": grouped("idea"),
        "a new idea of M, in a group": lambda: {
            **new("idea")(),
            "groups": [{"id": ids["group"]}],
        },
        "a collaborator for a dataset of M": thing("dataset"),
        "a collaborator for an idea of M": thing("idea"),
        "datasets of M, many at once": lambda: {"org_id": muni, "datasets": [ids["dataset"]]},
        "the table of a file of a private dataset of M": thing("file of private dataset"),
        "former versions of a file of a private dataset of M": thing("file of private dataset"),
        "a file of a dataset of M, replaced": thing("file of dataset"),
        "an idea of M for good": thing("idea"),
        "an idea of M taken down, with its files": thing("idea"),
        "an idea of M to another organisation": thing("idea"),
        "an idea of M, its status too": thing("idea"),
        "a municipality, by its code": lambda: {"codes": ["2105"]},
        "an organisation": lambda: {"name": "x"},
        "an organisation with people in it": lambda: {
            "name": "x",
            "users": [{"name": ids["user"], "capacity": "admin"}],
        },
        "details of M": details("muni"),
        "people of M, with its details": details(
            "muni", users=[{"name": ids["user"], "capacity": "admin"}]
        ),
        "parents of M, with its details": details("muni", groups=[{"id": ids["body"]}]),
        "M's role": details("muni"),
        "M's code and pilot mark": details("muni"),
        "details of the coordinating body": details("body"),
        "details of the other organisation": details("other"),
        "M itself": thing("muni"),
        "M itself, for good": thing("muni"),
        "a member of M": member,
        "CKAN's invitation to M": lambda: {"group_id": muni, "email": "x@example.gt"},
        "an officer of M": invitation("muni"),
        "an officer of the other organisation": invitation("other"),
        "an officer of the coordinating body": invitation("body"),
        "an officer of M leaves, with a successor": leaving,
        "what ends if an officer of M leaves": leaving,
        "what was taken down, and why": dict,
        "a list of takedowns, applied": dict,
        "who changed what of M": lambda: {"organization": muni},
        "who changed what, of all one looks after": dict,
        "who has not answered M's invitations": lambda: {"organization": muni},
        "who has not answered, of all one looks after": dict,
        "an import into M": lambda: {"organization": muni},
        "an import whose rows name organisations": dict,
        "one's own imports": dict,
        "one import of one's own": dict,
        "officers of M": lambda: {"organization": muni},
        "officers of all municipalities": dict,
        "M with its people": lambda: {"id": muni, "include_users": True},
        "the users": dict,
        "the user with an e-mail address": lambda: {"email": "x@example.gt"},
        "an account": thing("user"),
        "somebody else's account": thing("user"),
        "the site's settings": dict,
    }
    for name in ("dataset", "workshop", "idea", "commitment"):
        article = "an" if name == "idea" else "a"
        table[f"a public {name} of M"] = thing(name)
        table[f"a private {name} of M"] = thing(f"private {name}")
        table[f"a new {name} of M"] = new(name)
        table[f"{article} {name} of M"] = thing(name)
        if name == "commitment":
            continue
        file = f"file of {name}"
        table[f"a new file of {article} {name} of M"] = lambda name=name: {"package_id": ids[name]}
        table[f"a file of {article} {name} of M"] = thing(file)
        table[f"a view of a file of {article} {name} of M"] = lambda file=file: {
            "resource_id": ids[file]
        }
    table["a draft idea of M"] = thing("draft idea")
    table["a file of a private idea of M"] = thing("file of private idea")
    table["a file of a private dataset of M"] = thing("file of private dataset")
    return table
