from __future__ import annotations

from typing import Any

import pytest
from ckan.tests.helpers import call_action

from tests import factories
from tests.logic.asking import act, refused


@pytest.mark.usefixtures("marathon_site")
class TestWorkshopRules:
    @pytest.mark.parametrize(
        ("fields", "errors"),
        [
            ({"municipality": []}, ["municipality"]),
            ({"municipality": "9999"}, ["municipality"]),
            ({"municipality": ["0101", "abc"]}, ["municipality"]),
            ({"service_problem": "NOPE-01"}, ["service_problem"]),
            ({"kind": "party"}, ["kind"]),
            ({"title": "x" * 501}, ["title"]),
            ({"starts_at": "2199-06-03T09:00"}, ["status"]),
            ({"starts_at": "mañana"}, ["starts_at"]),
            ({"starts_at": "2017-06-03T09:00", "ends_at": "2017-06-03T08:00"}, ["ends_at"]),
            ({"starts_at": "2017-06-03T09:00", "rsvp_by": "04/06/2017"}, ["rsvp_by"]),
            ({"participants": 9, "participants_women": 6, "participants_men": 6}, ["participants"]),
            ({"participants": "doce"}, ["participants"]),
            ({"participants": -1}, ["participants"]),
            ({"venue_municipality": "9999"}, ["venue_municipality"]),
            ({"venue_municipality": ["0101", "0102"]}, ["venue_municipality"]),
            ({"latitude": 91, "longitude": 0}, ["latitude"]),
            ({"language": ["klingon"]}, ["language"]),
            ({"source_url": "javascript:alert(1)"}, ["source_url"]),
            ({"venue": "llamar al 5544-3322"}, ["venue"]),
            ({"organiser": [{"name": "x@example.com"}]}, ["organiser"]),
            ({"organiser": [{"role": "convener"}]}, ["organiser"]),
            ({"invitation": [{"organisation": "ANAM", "attended": "maybe"}]}, ["invitation"]),
        ],
    )
    def test_each_fault_is_an_error_at_its_field(
        self, fields: dict[str, Any], errors: list[str]
    ) -> None:
        organization = factories.Municipality()
        data = {
            "name": "taller",
            "type": "workshop",
            "title": "Taller",
            "owner_org": organization["id"],
            "municipality": [organization["municipality_code"]],
            "kind": "ideation",
            "status": "held",
            **fields,
        }
        user = factories.officer(organization["id"])
        assert list(refused("package_create", user, **data)) == errors

    def test_all_fields_are_stored_and_read_back(self) -> None:
        organization = factories.Municipality(municipality_code="0501")
        fields = {
            "code": "T-1",
            "kind": "information_meeting",
            "status": "announced",
            "municipality": ["0501", "2105"],
            "service_problem": ["AGU-01"],
            "starts_at": "2016-10-17T09:00:00-06:00",
            "ends_at": "2016-10-17T12:00:00-06:00",
            "rsvp_by": "2016-10-04",
            "venue": "INFOM",
            "venue_municipality": "0101",
            "latitude": "14.6",
            "longitude": "-90.5",
            "organiser": [{"name": "INFOM", "role": "convener"}, {"name": "ANAM"}],
            "invitation": [
                {
                    "organisation": "Municipalidad de San Carlos Alzatate",
                    "invited_on": "2016-09-28",
                    "answer": "accepted",
                    "answered_on": "2016-09-30",
                    "attended": "yes",
                }
            ],
            "participants": 40,
            "participants_women": 20,
            "participants_men": 20,
            "source_url": "https://www.infom.gob.gt/",
            "example": False,
        }
        made = factories.Workshop(owner_org=organization["id"], **fields)
        shown = call_action("package_show", id=made["id"])
        assert {name: shown[name] for name in fields} == fields
        assert shown["participants_masked"] == []

    def test_kind_and_status_stay_if_not_sent(self) -> None:
        made = factories.Workshop(kind="follow_up", status="held")
        left_out = {k: v for k, v in made.items() if k not in ("kind", "status")}
        updated = call_action("package_update", **{**left_out, "title": "Otro"})
        assert (updated["kind"], updated["status"]) == ("follow_up", "held")
        new = factories.Workshop(kind="", status="")
        assert (new["kind"], new["status"]) == ("ideation", "announced")

    def test_values_from_spreadsheets_are_repaired_with_notices(self) -> None:
        organization = factories.Municipality(municipality_code="0501")
        made = factories.Workshop(
            owner_org=organization["id"],
            municipality=["501"],
            service_problem="agu-1",
            starts_at="17/10/2016 9:00",
            participants="12.0",
        )
        assert made["municipality"] == ["0501"]
        assert made["service_problem"] == ["AGU-01"]
        assert made["starts_at"] == "2016-10-17T09:00:00-06:00"
        assert made["participants"] == 12
        assert [n for n in made["marathon_notices"] if "501" in n and "0501" in n]
        assert [n for n in made["marathon_notices"] if "AGU-01" in n]

    def test_empty_rows_are_dropped(self) -> None:
        made = factories.Workshop(
            organiser=[
                {"name": "", "role": ""},
                {"name": "INFOM", "role": "", "shoe_size": 42},
                {},
            ]
        )
        assert call_action("package_show", id=made["id"])["organiser"] == [{"name": "INFOM"}]

    def test_rows_may_be_sent_as_form_keys(self) -> None:
        made = factories.Workshop(**{"organiser-0-name": "INFOM", "organiser-0-role": "convener"})
        assert made["organiser"] == [{"name": "INFOM", "role": "convener"}]

    def test_errors_of_a_row_count_the_empty_rows_before_it(self) -> None:
        organization = factories.Municipality()
        errors = refused(
            "package_create",
            factories.officer(organization["id"]),
            type="workshop",
            name="taller",
            title="Taller",
            kind="ideation",
            status="held",
            owner_org=organization["id"],
            municipality=organization["municipality_code"],
            organiser=[{"name": ""}, {"name": "INFOM", "role": "nobody"}],
        )
        assert list(errors) == ["organiser"]
        assert errors["organiser"][0] == {}
        assert list(errors["organiser"][1]) == ["role"]

    def test_the_coordinating_body_may_convene_for_any_municipality(self) -> None:
        municipality = factories.Municipality()
        body = factories.CoordinatingBody()
        made = act(
            "package_create",
            factories.officer(body["id"]),
            type="workshop",
            name="taller",
            title="Taller",
            kind="ideation",
            status="announced",
            owner_org=municipality["id"],
            municipality=municipality["municipality_code"],
        )
        assert made["owner_org"] == municipality["id"]

    def test_an_officer_cannot_convene_for_another_municipality(self) -> None:
        mine, other = factories.Municipality(), factories.Municipality()
        workshop = factories.Workshop(owner_org=mine["id"])
        user = factories.officer(mine["id"])
        errors = refused("package_patch", user, id=workshop["id"], owner_org=other["id"])
        assert list(errors) == ["owner_org"]
