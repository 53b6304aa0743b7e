"""Typed records made from ``package_show`` and from database rows are equal."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ckanext.marathon.records import (
    Agent,
    Commitment,
    CoveredPeriod,
    CoveredPlace,
    DataNeed,
    Dataset,
    Idea,
    IdeaStep,
    Milestone,
    Organiser,
    Organization,
    PackageRecord,
    Resource,
    Workshop,
    read_package_record,
)

ROOT = Path(__file__).parents[2]


def stored(shown: dict[str, Any]) -> Any:
    """Return a row of the database with the values that an action shows."""
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


def test_stored_and_shown_packages_give_the_same_record() -> None:
    assert Workshop.from_stored(stored(WORKSHOP)) == Workshop.from_shown(WORKSHOP)
    assert Idea.from_stored(stored(IDEA)) == Idea.from_shown(IDEA)
    assert Commitment.from_stored(stored(COMMITMENT)) == Commitment.from_shown(COMMITMENT)


def test_the_fields_of_a_workshop_are_read_as_typed_values() -> None:
    workshop = Workshop.from_shown(WORKSHOP)
    assert (workshop.latitude, workshop.longitude) == (14.5, None)
    assert workshop.participants["participants"] == 60
    assert workshop.organisers == (Organiser("INFOM", "convener"),)
    assert workshop.is_example
    assert workshop.owner_id == "o"


def test_an_idea_has_its_workshop_id_if_the_workshop_is_a_dict() -> None:
    assert Idea.from_shown({**IDEA, "workshop": {"id": "w", "title": "Taller"}}).workshop_id == "w"


def test_an_idea_has_its_workshop_and_history_where_they_are_shown_with_it() -> None:
    workshop = {"id": "w", "name": "taller", "title": "Taller", "starts_at": "2017-05-27"}
    history = [
        {"at": "2017-05-28T00:00:00Z", "status": "proposed", "organization": None},
        {
            "at": "2017-06-01T00:00:00Z",
            "status": "prioritised",
            "reason": "Votada",
            "user": "ana",
            "organization": {"id": "m", "name": "muni", "title": ""},
        },
    ]
    found = Idea.from_shown({"id": "i", "workshop_info": workshop, "history": history})
    assert found.workshop
    assert (found.workshop.label, found.workshop.starts_at) == ("Taller", "2017-05-27")
    assert found.steps == (
        IdeaStep("2017-05-28T00:00:00Z", "proposed"),
        IdeaStep("2017-06-01T00:00:00Z", "prioritised", "Votada", "ana", "muni"),
    )
    dataset = Dataset.from_shown({"id": "d", "ideas": [{"id": "i", "workshop": workshop}]})
    assert dataset.ideas[0].workshop == found.workshop
    assert Idea.from_shown({"id": "i", "workshop": "w"}).workshop is None


def test_an_idea_has_its_data_needs() -> None:
    idea = Idea.from_shown(IDEA)
    assert idea.data_needs == (DataNeed("n", "Paradas"),)
    assert (idea.name_need("n"), idea.name_need("x")) == ("Paradas", "")


def test_a_milestone_of_a_stored_commitment_may_have_its_evidence_as_json_within_json() -> None:
    row = {"title": "Ocho", "evidence": '["http://a.gt"]'}
    found = Commitment.from_stored(stored({"id": "c", "milestone": [row]}))
    assert found.milestones == (Milestone("Ocho", "", "", ("http://a.gt",)),)


def test_a_record_without_title_is_titled_by_its_name() -> None:
    assert Organization.from_shown({"id": "o", "name": "infom", "title": ""}).label == "infom"


def test_an_organisation_has_the_fields_that_ckanext_dcat_reads() -> None:
    shown = {"id": "o", "email": "a@b.gt", "identifier": "X", "role": ""}
    assert Organization.from_shown(shown).of_profiles == {"email": "a@b.gt", "identifier": "X"}


DATASET: dict[str, Any] = {
    "id": "d",
    "title": "Pozos",
    "idea": ["i"],
    "ideas": [{"id": "i", "workshop": "w"}],
    "tags": [{"name": "agua"}, {"name": "pozos"}],
    "language": ["es", "en"],
    "temporal_coverage": [{"start": "2018", "end": ""}],
    "spatial_coverage": [{"text": "Lago", "geom": {"type": "Point", "coordinates": [1, 2]}}],
    "spatial_resolution_in_meters": "2.50",
    "publisher": [{"name": "INE", "type": "Company"}, {"name": ""}],
    "metadata_modified": "2026-07-04T10:00:00.123456",
    "theme_text": ["Agua"],
    "issued_text": "",
    "resources": [
        {
            "id": "r",
            "size": "12.0",
            "hash": f"sha256:{'A' * 64}",
            "created": "2026-07-01T10:00:00",
            "last_modified": "2026-07-02T10:00:00",
            "metadata_modified": "2026-07-03T10:00:00",
            "url_text": '["a", "b"]',
            "access_services": '[{"endpoint_url": "https://a.gt/wms", "title": "Mapas"}]',
        },
        {},
    ],
}


def test_the_fields_of_a_dataset_are_read_as_typed_values() -> None:
    dataset = Dataset.from_shown(DATASET)
    assert (dataset.tags, dataset.languages) == (("agua", "pozos"), ("es", "en"))
    assert dataset.periods == (CoveredPeriod("2018", ""),)
    shape = '{"type": "Point", "coordinates": [1, 2]}'
    assert dataset.places == (CoveredPlace(text="Lago", geom=shape),)
    assert dataset.spatial_resolution == Decimal("2.50")
    assert dataset.publishers == (Agent(name="INE", kind="Company"),)
    assert dataset.saved_at == datetime(2026, 7, 4, 10, 0, 0, 123456)
    assert [(idea.id, idea.workshop_id) for idea in dataset.ideas] == [("i", "w")]


def test_the_fields_of_a_resource_are_read_as_typed_values() -> None:
    (resource,) = Dataset.from_shown(DATASET).resources
    assert (resource.size, resource.set_aside) == (12, {"url": ("a", "b")})
    assert resource.checksum == ("sha256", "a" * 64)
    assert resource.created_at == datetime(2026, 7, 1, 10)
    # CKAN's columns of the file, before its extras.
    assert resource.saved_at == datetime(2026, 7, 2, 10)
    (service,) = resource.services
    assert (service.endpoint_urls, service.title) == (("https://a.gt/wms",), "Mapas")


def test_refused_values_are_in_set_aside_unless_empty() -> None:
    assert Dataset.from_shown(DATASET).set_aside == {"theme": ("Agua",)}


def test_first_publication_is_known_only_from_package_show() -> None:
    published = datetime.fromisoformat("2026-03-04T05:06:07+00:00")
    for first, found in ((published.isoformat(), published), (None, None)):
        dataset = Dataset.from_shown({**DATASET, "first_published": first})
        assert (dataset.knows_publication, dataset.first_published) == (True, found)
    assert not Dataset.from_shown(DATASET).knows_publication


def test_empty_fields_of_a_dataset_are_filled_from_its_extras() -> None:
    said = {
        "dcat_issued": "2015",
        "identifier": "ID-1",
        "publisher_name": "INE",
        "temporal_start": "2018",
        "title": "Otro",
        "dcat_type": "tabla",
        "guid": "g",
    }
    extras = [{"key": key, "value": value} for key, value in said.items()]
    shown = {"id": "d", "title": "Pozos", "maintainer": "Ana", "extras": extras}
    dataset = Dataset.from_shown(shown)
    assert (dataset.title, dataset.issued) == ("Pozos", "2015")
    assert dataset.alternate_identifiers == ("ID-1",)
    assert dataset.publishers == (Agent(name="INE"),)
    assert dataset.contacts == (Agent(name="Ana"),)
    assert dataset.periods == (CoveredPeriod("2018", ""),)
    assert dataset.harvested.kinds == ("tabla",)
    assert dataset.is_copy
    assert "publisher" not in shown, "what was shown is not changed"


def test_a_package_is_read_by_its_type() -> None:
    for package_type, record in (
        ("", Dataset),
        ("dataset", Dataset),
        ("workshop", Workshop),
        ("idea", Idea),
        ("commitment", Commitment),
        ("dataset_series", PackageRecord),
    ):
        assert type(read_package_record({"id": "x", "type": package_type})) is record


SCHEMA: dict[str, Any] = yaml.safe_load((ROOT / "schemas" / "dataset.yaml").read_text())


def list_shown(field: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a dataset or file of which only one field is filled."""
    name = field["field_name"]
    if "repeating_subfields" in field:
        return [{name: [{"other": "1"}]}]
    if name == "tag_string":
        # A form sends one text for all of them.
        return [{"tags": [{"name": "agua"}]}]
    return [{name: "1"}, {name: True}]


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        (SCHEMA["dataset_fields"], Dataset.from_shown),
        (SCHEMA["resource_fields"], Resource.from_shown),
    ],
    ids=["dataset", "resource"],
)
def test_every_field_of_the_schema_is_in_the_record(fields: list[Any], read: Any) -> None:
    empty = read({"id": "x"})
    unread = [
        field["field_name"]
        for field in fields
        if all(read({"id": "x", **shown}) == empty for shown in list_shown(field))
    ]
    assert unread == []


def test_every_subfield_of_the_schema_is_in_the_record() -> None:
    empty = Dataset.from_shown({"id": "x"})
    rows = [
        (field["field_name"], inner["field_name"])
        for field in SCHEMA["dataset_fields"]
        for inner in field.get("repeating_subfields", [])
    ]
    unread = []
    for name, inner in rows:
        # A row with another value, so that there is one in any case.
        rest = Dataset.from_shown({"id": "x", name: [{"other": "1"}]})
        if Dataset.from_shown({"id": "x", name: [{"other": "1", inner: "1"}]}) in (rest, empty):
            unread.append((name, inner))
    assert unread == []
