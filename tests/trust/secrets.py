"""A municipality with public records and, beside each, hidden ones that hold words of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ckan.tests import factories as core
from ckan.tests.helpers import call_action

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

KINDS = ("dataset", "workshop", "idea", "commitment")
STATES = ("private", "draft", "deleted")
CODE = "0501"


@dataclass
class Secrets:
    """Ids of the records and organisations, and names of people by their role.

    Attributes:
        records: ``("idea", "private")`` and the like → id; ``"public"`` is a state too.
        people: ``anonymous`` is "".
    """

    municipality: str
    body: str
    other: str
    records: dict[tuple[str, str], str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    # Other objects of calls; see tests/trust/furnish.py.
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    files: dict[tuple[str, str], str] = field(default_factory=dict)
    views: dict[tuple[str, str], str] = field(default_factory=dict)
    activities: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    fields: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    own: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def hidden(self) -> dict[str, str]:
        """Return id → word of every record that is not public."""
        return {
            found: word(kind, state)
            for (kind, state), found in self.records.items()
            if state in STATES
        }


def may_see(person: str, kind: str, state: str) -> bool:
    """Return the people who may see each record, as in docs/permissions.md."""
    if state == "public" or person in ("member", "editor", "admin", "sysadmin"):
        return True
    return kind != "dataset" and person in ("coordinating editor", "coordinating admin")


def word(kind: str, state: str) -> str:
    """Return a word that stands in the texts of one record and nowhere else."""
    return f"zq{kind}{state}qz"


def build() -> Secrets:
    """Make the world: about forty saves."""
    found = Secrets(
        Municipality(municipality_code=CODE)["id"], CoordinatingBody()["id"], CivilSociety()["id"]
    )
    found.people = {
        "anonymous": "",
        "registered": core.User()["name"],
        "member": officer(found.municipality, "member")["name"],
        "editor": officer(found.municipality, "editor")["name"],
        "admin": officer(found.municipality, "admin")["name"],
        "editor of another": officer(found.other, "editor")["name"],
        "coordinating member": officer(found.body, "member")["name"],
        "coordinating editor": officer(found.body, "editor")["name"],
        "coordinating admin": officer(found.body, "admin")["name"],
        "sysadmin": core.Sysadmin()["name"],
    }
    for state in ("public", *STATES):
        make_workshop(found, state)
    for state in ("public", *STATES):
        make_idea(found, state)
    # A public idea of a private workshop, and a public dataset of hidden ideas.
    held = found.records["workshop", "private"]
    found.records["idea", "of a private workshop"] = Idea(
        workshop=held, owner_org=found.municipality, title="Idea de un taller"
    )["id"]
    for state in ("public", *STATES):
        make_dataset(found, state)
        make_commitment(found, state)
    site = {"user": call_action("get_site_user")["name"]}
    for kind in ("dataset", "idea", "workshop", "commitment"):
        call_action("package_delete", context=dict(site), id=found.records[kind, "deleted"])
    return found


def common(found: Secrets, kind: str, state: str) -> dict[str, Any]:
    text = word(kind, state)
    hidden = {"private": {"private": True}, "draft": {"state": "draft"}}
    return {
        "owner_org": found.municipality,
        "name": f"{text}-name",
        "title": f"Registro {text}",
        "notes": f"Notas {text}",
        "tags": [{"name": f"tag-{text}"}],
        "resources": [
            {
                "name": f"Archivo {text}",
                "url": f"https://example.gt/{text}.csv",
                "format": f"F{text}",
            }
        ],
        **hidden.get(state, {}),
    }


def make_workshop(found: Secrets, state: str) -> None:
    text = word("workshop", state)
    found.records["workshop", state] = Workshop(
        **common(found, "workshop", state),
        municipality=[CODE],
        service_problem=["AGU-01"],
        starts_at="2026-05-09T09:00",
        venue=f"Salón {text}",
        code=f"c-{text}",
        status="held",
        invitation=[{"organisation": f"Invitada {text}"}],
        participants=20,
        participants_women=19,
    )["id"]


def make_idea(found: Secrets, state: str) -> None:
    text = word("idea", state)
    found.records["idea", state] = Idea(
        **common(found, "idea", state),
        workshop=found.records["workshop", "public"],
        municipality=[CODE],
        community=[f"Aldea {text}"],
        code=f"c-{text}",
        data_need=[{"what": f"Dato {text}"}],
    )["id"]


def make_dataset(found: Secrets, state: str) -> None:
    ideas = [found.records["idea", each] for each in ("public", "private", "draft")]
    found.records["dataset", state] = MarathonDataset(
        **common(found, "dataset", state),
        idea=ideas[:2] if state == "public" else ideas[:1],
    )["id"]


def make_commitment(found: Secrets, state: str) -> None:
    text = word("commitment", state)
    found.records["commitment", state] = Commitment(
        **common(found, "commitment", state),
        axis=f"Eje {text}",
        milestone=[{"title": f"Meta {text}", "due": "2027-01-01"}],
    )["id"]
