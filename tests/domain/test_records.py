"""The rules for workshops, ideas and datasets: facts in, faults at fields out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from ckanext.marathon.domain import dataset as dataset_domain
from ckanext.marathon.domain import idea as idea_domain
from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.domain.dataset import IdeaRequired, Publisher
from ckanext.marathon.domain.errors import FieldFault

NEED = "6b1f7e4e-8f8e-4c6f-9a68-0f1f7f2f7d51"
OTHER = "0f1f7f2f-8f8e-4c6f-9a68-6b1f7e4e7d51"


def paths(faults: list[FieldFault]) -> list[tuple]:
    return [fault.path for fault in faults]


class TestWorkshop:
    @pytest.mark.parametrize(
        ("workshop", "at"),
        [
            ({}, []),
            (
                {"starts_at": "2017-06-03T09:00:00-06:00", "ends_at": "2017-06-03T17:00:00-06:00"},
                [],
            ),
            (
                {"starts_at": "2017-06-03T09:00:00-06:00", "ends_at": "2017-06-03T08:00:00-06:00"},
                [("ends_at",)],
            ),
            # Nine in the morning in Guatemala is three in the afternoon in Greenwich.
            (
                {"starts_at": "2017-06-03T09:00:00-06:00", "ends_at": "2017-06-03T14:00:00+00:00"},
                [("ends_at",)],
            ),
            ({"starts_at": "2017-06-03", "ends_at": "2017-06-03T08:00:00-06:00"}, []),
            ({"starts_at": "2017-06-03", "ends_at": "2017-06-02"}, [("ends_at",)]),
            ({"ends_at": "2017-06-03"}, [("starts_at",)]),
            ({"starts_at": "2016-10-17T09:00:00-06:00", "rsvp_by": "2016-10-04"}, []),
            ({"starts_at": "2016-10-17T09:00:00-06:00", "rsvp_by": "2016-10-17"}, []),
            ({"starts_at": "2016-10-17T09:00:00-06:00", "rsvp_by": "2016-10-18"}, [("rsvp_by",)]),
            # Already the 18th in Greenwich, still the 17th in Guatemala.
            ({"starts_at": "2016-10-18T01:00:00+00:00", "rsvp_by": "2016-10-18"}, [("rsvp_by",)]),
            ({"status": "held", "starts_at": "2017-06-04"}, [("status",)]),
            ({"status": "held", "starts_at": "2017-06-04T09:00:00-06:00"}, [("status",)]),
            ({"status": "announced", "starts_at": "2017-06-04"}, []),
            ({"status": "held", "starts_at": "2017-06-03T23:00:00-06:00"}, []),
            # The 4th in Greenwich, still the 3rd in Guatemala.
            ({"status": "held", "starts_at": "2017-06-04T01:00:00+00:00"}, []),
            ({"status": "held"}, []),
            ({"latitude": "14.6"}, [("longitude",)]),
            ({"longitude": "-90.5"}, [("latitude",)]),
            ({"latitude": "14.6", "longitude": "-90.5"}, []),
            ({"participants": 3, "participants_women": 4}, [("participants_women",)]),
            (
                {"participants": 3, "participants_women": 2, "participants_men": 2},
                [("participants",)],
            ),
            ({"venue": "casa de Ana, 5544 3322"}, [("venue",)]),
            ({"participants_note": "lista: ana@example.com"}, [("participants_note",)]),
            (
                {"organiser": [{"name": "ANAM"}, {"name": "ana@example.com"}]},
                [("organiser", 1, "name")],
            ),
            (
                {"invitation": [{"organisation": "ana@example.com"}]},
                [("invitation", 0, "organisation")],
            ),
            (
                {
                    "invitation": [
                        {
                            "invited_on": "2016-09-28",
                            "answered_on": "2016-09-27",
                            "answer": "accepted",
                        }
                    ]
                },
                [("invitation", 0, "answered_on")],
            ),
            (
                {"invitation": [{"invited_on": "2016-09-28", "answered_on": "2016-09-29"}]},
                [("invitation", 0, "answer")],
            ),
        ],
    )
    def test_a_rule_broken_by_a_workshop_is_a_fault_at_its_field(
        self, workshop: dict, at: list
    ) -> None:
        assert paths(workshop_domain.check_workshop(workshop, date(2017, 6, 3))) == at


class TestIdea:
    @pytest.mark.parametrize(
        ("idea", "own", "met", "at"),
        [
            ({"municipality": ["2105"]}, [], {}, []),
            ({"municipality": ["2105", "0101"]}, [], {}, [("municipality",)]),
            ({"data_need": [{"what": "pozos"}]}, [], {}, []),
            ({"data_need": [{"id": NEED}]}, [NEED], {}, []),
            ({"data_need": [{"id": OTHER}]}, [NEED], {}, [("data_need", 0, "id")]),
            ({"data_need": [{"id": NEED}, {"id": NEED}]}, [NEED], {}, [("data_need", 1, "id")]),
            ({"data_need": []}, [NEED], {}, []),
            ({"data_need": []}, [NEED], {NEED: "Pozos"}, [("data_need",)]),
            ({"data_need": []}, [NEED], {NEED: None}, [("data_need",)]),
            ({"data_need": [{"id": NEED}]}, [NEED], {NEED: "Pozos"}, []),
            ({"community": ["Aldea A", "llamar al 5544 3322"]}, [], {}, [("community",)]),
            ({"title": "Llamar a Ana, 5544 3322"}, [], {}, [("title",)]),
            ({"notes": "Lo dijo ana@example.com"}, [], {}, [("notes",)]),
            ({"status_reason": "Lo pidió ana@example.com"}, [], {}, [("status_reason",)]),
            ({"data_need": [{"what": "Tel. 5544 3322"}]}, [], {}, [("data_need", 0, "what")]),
            (
                {"data_need": [{"what": "pozos"}, {"what": "agua", "why": "ana@example.com"}]},
                [],
                {},
                [("data_need", 1, "why")],
            ),
            ({"notes": "Cuesta Q25000000 en 2016-2018, para 1200 vecinos"}, [], {}, []),
        ],
    )
    def test_a_rule_broken_by_an_idea_is_a_fault_at_its_field(
        self, idea: dict[str, Any], own: list[str], met: dict[str, str | None], at: list
    ) -> None:
        assert paths(idea_domain.check_idea(idea, ["2105"], idea_domain.Needs(own, met))) == at

    def test_a_hidden_dataset_is_not_named(self) -> None:
        shown, hidden = (
            str(idea_domain.check_idea({}, [], idea_domain.Needs([NEED], {NEED: title}))[0].fault)
            for title in ("Pozos", None)
        )
        assert "Pozos" in shown
        assert "other records" in hidden


MUNICIPALITY = Publisher("municipality", "2105")
CIVIL = Publisher("civil_society")
COORDINATION = Publisher("coordinating_body")
NATIONAL = Publisher("other_public_body")
LOCAL_BODY = Publisher("other_public_body", "2105")
BY_CODE = Publisher("", "2105", is_older=True)
WITHOUT_ROLE = Publisher()
OUTSIDE = Publisher(is_older=True)

ALL = ["title", "notes", "idea", "municipality", "service_problem"]


class TestDataset:
    @pytest.mark.parametrize(
        ("publisher", "setting", "exempt", "lacking"),
        [
            (MUNICIPALITY, IdeaRequired.NEW, False, ALL),
            (MUNICIPALITY, IdeaRequired.ALWAYS, False, ALL),
            (MUNICIPALITY, IdeaRequired.NEVER, False, [f for f in ALL if f != "idea"]),
            (MUNICIPALITY, IdeaRequired.NEW, True, []),
            (CIVIL, IdeaRequired.NEW, False, ALL),
            (CIVIL, IdeaRequired.NEVER, False, [f for f in ALL if f != "idea"]),
            (COORDINATION, IdeaRequired.ALWAYS, False, ["title", "notes", "service_problem"]),
            (NATIONAL, IdeaRequired.NEW, False, ["title", "notes", "service_problem"]),
            (LOCAL_BODY, IdeaRequired.NEW, False, [f for f in ALL if f != "idea"]),
            (BY_CODE, IdeaRequired.NEW, False, ALL),
            (WITHOUT_ROLE, IdeaRequired.NEW, False, ALL),
            (WITHOUT_ROLE, IdeaRequired.NEW, True, []),
            (WITHOUT_ROLE, IdeaRequired.NEVER, False, [f for f in ALL if f != "idea"]),
            (OUTSIDE, IdeaRequired.NEW, False, []),
            (OUTSIDE, IdeaRequired.NEVER, False, []),
            (OUTSIDE, IdeaRequired.ALWAYS, False, ALL),
        ],
    )
    def test_requirements_depend_on_the_publishers_role(
        self, publisher: Publisher, setting: IdeaRequired, exempt: bool, lacking: list[str]
    ) -> None:
        required = dataset_domain.find_requirements(publisher, exempt, setting)
        assert paths(dataset_domain.check_required({}, [], [], required)) == [(f,) for f in lacking]

    def test_a_complete_dataset_has_no_missing_fields(self) -> None:
        required = dataset_domain.find_requirements(MUNICIPALITY, False, IdeaRequired.ALWAYS)
        dataset = {"title": "Pozos", "notes": "De 2017", "idea": ["x"]}
        assert dataset_domain.check_required(dataset, ["2105"], ["AGU-01"], required) == []

    @pytest.mark.parametrize(
        ("created", "setting", "exempt"),
        [
            (datetime(2026, 1, 1), IdeaRequired.NEW, True),
            (datetime(2026, 1, 1), IdeaRequired.NEVER, True),
            (datetime(2026, 1, 1), IdeaRequired.ALWAYS, False),
            (datetime(2026, 2, 1), IdeaRequired.NEW, False),
            (datetime(2026, 3, 1), IdeaRequired.NEW, False),
            (None, IdeaRequired.NEW, False),
        ],
    )
    def test_datasets_older_than_the_plugin_are_exempt(
        self, created: datetime | None, setting: IdeaRequired, exempt: bool
    ) -> None:
        assert dataset_domain.is_dataset_exempt(created, datetime(2026, 2, 1), setting) is exempt

    @pytest.mark.parametrize(
        ("given", "stored", "at"),
        [
            ("cc-by", "", []),
            ("", "", []),
            ("", "cc-by", []),
            ("nope", "nope", []),
            ("nope", "", [("license_id",)]),
            ("nope", "cc-by", [("license_id",)]),
        ],
    )
    def test_an_unknown_licence_is_refused_unless_already_stored(
        self, given: str, stored: str, at: list
    ) -> None:
        assert paths(dataset_domain.check_licence(given, stored, ["cc-by", "notspecified"])) == at

    def test_a_need_of_another_idea_is_refused(self) -> None:
        assert dataset_domain.check_needs([NEED], [NEED]) == []
        assert paths(dataset_domain.check_needs([NEED, OTHER], [NEED])) == [("data_need",)]

    def test_a_period_does_not_end_before_it_starts(self) -> None:
        periods = [{"start": "2016-01-01"}, {"start": "2016-01-02", "end": "2016-01-01"}]
        assert paths(dataset_domain.check_periods(periods)) == [("temporal_coverage", 1, "end")]
