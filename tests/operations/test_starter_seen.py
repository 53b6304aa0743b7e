"""Pages and files of the starter catalogue as a visitor sees them."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.tests.helpers import call_action

from ckanext.marathon.operations import starter
from ckanext.marathon.operations.starter import find_vocabulary_base, read_items

from .conftest import show

pytestmark = pytest.mark.usefixtures("loaded")


def test_a_visitor_can_download_every_file_unchanged(app: Any) -> None:
    for item in read_items():
        resources = show(item.name)["resources"] if item.files else []
        assert len(resources) == len(item.files)
        for file, resource in zip(item.files, resources, strict=True):
            answer = app.get(resource["url"])
            assert answer.status_code == 200
            assert resource["url"].endswith(file.filename)
            if file.link:
                assert resource["url"].endswith(file.link)
                continue
            made = starter.make_file(file, find_vocabulary_base())
            assert answer.body.encode() == made
            assert resource["size"] == len(made)


def test_a_visitor_sees_every_package() -> None:
    for item in read_items():
        if item.type != "organization":
            seen = show(item.name, user="", ignore_auth=False)
            assert seen["state"] == "active"
            assert seen["title"] == item.title


def test_four_records_have_dates_statuses_and_problems_of_their_sources() -> None:
    meeting = show("reunion-informativa-piloto-2016")
    assert meeting["kind"] == "information_meeting"
    assert meeting["status"] == "announced"
    assert meeting["starts_at"] == "2016-10-17T09:00:00-06:00"
    assert meeting["rsvp_by"] == "2016-10-04"
    assert meeting["invitation"][0]["invited_on"] == "2016-09-28"
    assert not meeting["invitation"][0].get("answer")
    villa_nueva = show("ideaton-villa-nueva-2017")
    assert villa_nueva["status"] == "held"
    assert not villa_nueva.get("starts_at")
    assert villa_nueva["service_problem"] == ["SEG-01", "VIA-05"]
    jacaltenango = show("ideaton-jacaltenango-2017")
    assert (jacaltenango["status"], jacaltenango["starts_at"]) == ("announced", "2017-06-03")
    commitment = show("maratones-de-ideas")
    assert commitment["axis"] == "Participación ciudadana"
    assert not commitment.get("milestone")


def test_roles_codes_and_pilot_are_those_of_the_sources() -> None:
    found = {
        name: call_action("organization_show", id=name) for name in call_action("organization_list")
    }
    assert found["infom"]["role"] == "coordinating_body"
    assert found["anam"]["role"] == "other_public_body"
    assert found["san-carlos-alzatate"]["municipality_code"] == "2105"
    assert {name for name, each in found.items() if each.get("pilot")} == {"san-carlos-alzatate"}
    assert {name: each["users"] for name, each in found.items() if each["users"]} == {}


def test_example_ideas_have_the_history_of_their_steps() -> None:
    for item in read_items():
        if item.type == "idea":
            history = show(item.name)["history"]
            assert [step["status"] for step in history] == [
                "proposed",
                *(status for status, _ in item.steps),
            ]
            assert [step["reason"] for step in history[1:]] == [r for _, r in item.steps]


def test_the_chain_of_an_example_can_be_followed() -> None:
    dataset = show("ejemplo-datos-horario-del-agua")
    idea = show("ejemplo-idea-horario-del-agua")
    assert dataset["idea"] == [idea["id"]]
    assert dataset["data_need"] == [idea["data_need"][0]["id"]]
    assert idea["workshop"] == show("ejemplo-taller-san-carlos-alzatate")["id"]
    assert (dataset["municipality"], dataset["municipality_origin"]) == (["2105"], "idea")
    assert dataset["service_problem"] == ["AGU-01"]
