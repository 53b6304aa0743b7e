"""The records: the same of a noun from what CKAN shows and from what the database stores."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from ckanext.marathon.records import (
    Commitment,
    DataNeed,
    Idea,
    Milestone,
    Organiser,
    Organization,
    Workshop,
)


def stored(shown: dict[str, Any]) -> Any:
    """Return a row of the database that has what an action shows."""
    columns = {name: shown.get(name) for name in ("id", "name", "title", "owner_org")}
    extras = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in shown.items()
        if name not in columns
    }
    return SimpleNamespace(**columns, extras=extras)


WORKSHOP = {
    "id": "w",
    "name": "taller",
    "title": "Taller",
    "owner_org": "o",
    "municipality": ["0115"],
    "starts_at": "2026-05-27",
    "latitude": "14.5",
    "organiser": [{"name": "INFOM", "role": "convener"}],
    "participants": 60,
    "example": True,
}
IDEA = {
    "id": "i",
    "name": "idea",
    "workshop": "w",
    "votes": 3,
    "data_need": [{"id": "n", "what": "Paradas", "why": ""}],
}
COMMITMENT = {
    "id": "c",
    "lead": ["INFOM"],
    "milestone": [{"title": "Ocho", "due": "2018", "status": "", "evidence": ["http://a.gt"]}],
}


def test_what_is_stored_reads_as_what_is_shown() -> None:
    assert Workshop.from_stored(stored(WORKSHOP)) == Workshop.from_shown(WORKSHOP)
    assert Idea.from_stored(stored(IDEA)) == Idea.from_shown(IDEA)
    assert Commitment.from_stored(stored(COMMITMENT)) == Commitment.from_shown(COMMITMENT)


def test_a_workshop_is_typed() -> None:
    workshop = Workshop.from_shown(WORKSHOP)
    assert (workshop.latitude, workshop.longitude) == (14.5, None)
    assert workshop.participants["participants"] == 60
    assert workshop.organisers == (Organiser("INFOM", "convener"),)
    assert workshop.is_example
    assert workshop.owner_id == "o"


def test_an_idea_knows_its_workshop_also_where_that_is_shown_within_it() -> None:
    assert Idea.from_shown({**IDEA, "workshop": {"id": "w", "title": "Taller"}}).workshop_id == "w"


def test_an_idea_names_its_data_needs() -> None:
    idea = Idea.from_shown(IDEA)
    assert idea.data_needs == (DataNeed("n", "Paradas"),)
    assert (idea.name_need("n"), idea.name_need("x")) == ("Paradas", "")


def test_a_milestone_of_a_stored_commitment_may_have_its_evidence_as_json_within_json() -> None:
    row = {"title": "Ocho", "evidence": '["http://a.gt"]'}
    found = Commitment.from_stored(stored({"id": "c", "milestone": [row]}))
    assert found.milestones == (Milestone("Ocho", "", "", ("http://a.gt",)),)


def test_a_record_without_title_is_called_by_its_name() -> None:
    assert Organization.from_shown({"id": "o", "name": "infom", "title": ""}).label == "infom"


def test_an_organisation_has_what_profiles_of_ckanext_dcat_read() -> None:
    shown = {"id": "o", "email": "a@b.gt", "identifier": "X", "role": ""}
    assert Organization.from_shown(shown).of_profiles == {"email": "a@b.gt", "identifier": "X"}
