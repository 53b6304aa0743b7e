"""The agenda: times, filters and counts of workshops."""

from __future__ import annotations

from datetime import date

import pytest
from ckan.tests.helpers import call_action

from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.domain.workshop import Agenda, WorkshopTimes
from ckanext.marathon.model import workshop as workshop_model
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.records import Workshop
from tests import factories

TODAY = date(2026, 3, 10)


def at(id_: str, starts: str = "", ends: str = "", status: str = "announced") -> WorkshopTimes:
    return WorkshopTimes(id_, starts, ends, status)


class TestRules:
    def test_the_next_and_the_latest_past_workshop_come_first(self) -> None:
        found = workshop_domain.arrange_workshops(
            [
                at("old", "2016-10-17T09:00:00-06:00"),
                at("far", "2026-05-01"),
                at("late", "2026-03-11T14:00:00-06:00"),
                at("early", "2026-03-11T09:00:00-06:00"),
                at("all day", "2026-03-11"),
                at("recent", "2026-03-09"),
                at("some day"),
            ],
            TODAY,
        )
        assert found == Agenda(["all day", "early", "late", "far"], ["recent", "old"], ["some day"])

    @pytest.mark.parametrize(
        ("times", "is_over"),
        [
            (at("x", "2026-03-10"), False),
            (at("x", "2026-03-10", status="held"), True),
            (at("x", "2026-03-01", "2026-03-10"), False),
            (at("x", "2026-03-09"), True),
            (at("x", "2026-03-12", status="cancelled"), False),
            (at("x", status="held"), False),
            # Two in the morning in London is still the evening before in Guatemala.
            (at("x", "2026-03-10T02:00:00+00:00"), True),
        ],
    )
    def test_the_last_day_in_guatemala_decides(self, times: WorkshopTimes, is_over: bool) -> None:
        assert workshop_domain.is_workshop_over(times, TODAY) is is_over

    @pytest.mark.parametrize("text", ["", "soon", "2026-13-40", "0001-01-01T00:00:00+14:00"])
    def test_a_workshop_with_a_malformed_start_is_undated(self, text: str) -> None:
        assert workshop_domain.arrange_workshops([at("x", text)], TODAY).undated == ["x"]

    def test_a_malformed_end_is_ignored(self) -> None:
        assert workshop_domain.find_day_span("2026-03-10", "later") == (TODAY, TODAY)

    def test_moments_are_converted_to_guatemalas_time(self) -> None:
        assert (
            workshop_domain.localize_moment("2026-03-10T02:00:00+00:00")
            == "2026-03-09T20:00:00-06:00"
        )
        assert workshop_domain.localize_moment("2026-03-10") == "2026-03-10"

    def test_a_deadline_passes_when_its_day_is_over(self) -> None:
        assert not workshop_domain.has_day_passed("2026-03-10", TODAY)
        assert workshop_domain.has_day_passed("2026-03-09", TODAY)
        assert not workshop_domain.has_day_passed("", TODAY)

    def test_invitations_without_an_answer_are_unanswered(self) -> None:
        rows = [
            {"organisation": "A", "answer": "accepted"},
            {"organisation": "B", "answer": "no_answer"},
            {"organisation": "C", "answer": ""},
            {"organisation": "", "answer": "no_answer"},
        ]
        workshop = Workshop.from_shown({"invitation": rows})
        assert [invitation.organisation for invitation in workshop.unanswered] == ["B", "C"]


@pytest.mark.usefixtures("marathon_site")
class TestQueries:
    def test_only_public_workshops_are_listed(self) -> None:
        shown = factories.Workshop(starts_at="2016-10-17", ends_at="2016-10-18")
        factories.Workshop(private=True)
        gone = factories.Workshop()
        call_action("package_delete", id=gone["id"])
        factories.Idea(workshop=shown["id"])
        assert workshop_model.list_workshop_times() == [
            WorkshopTimes(shown["id"], "2016-10-17", "2016-10-18", "held")
        ]

    def test_workshops_are_filtered_by_municipality_and_problem(self) -> None:
        water = factories.Workshop(municipality=["2105", "0115"], service_problem=["AGU-01"])
        waste = factories.Workshop(municipality=["0115"], service_problem=["RES-01"])
        assert {each.id for each in workshop_model.list_workshop_times("0115")} == {
            water["id"],
            waste["id"],
        }
        assert [each.id for each in workshop_model.list_workshop_times("2105")] == [water["id"]]
        assert [
            each.id for each in workshop_model.list_workshop_times(problems=["AGU-02", "AGU-01"])
        ] == [water["id"]]
        assert workshop_model.list_workshop_times("2105", ["RES-01"]) == []

    def test_filters_offer_only_values_of_public_workshops(self) -> None:
        factories.Workshop(municipality=["2105"], service_problem=["AGU-01"])
        factories.Workshop(municipality=["0115"], service_problem=["RES-01"], private=True)
        assert workshop_model.list_workshop_filters(Predicate.WORKSHOP_MUNICIPALITY) == ["2105"]
        assert workshop_model.list_workshop_filters(Predicate.WORKSHOP_PROBLEM) == ["AGU-01"]

    def test_only_public_ideas_are_counted(self) -> None:
        workshop = factories.Workshop()
        for private in (False, False, True):
            factories.Idea(workshop=workshop["id"], private=private)
        assert workshop_model.count_ideas_of_workshops(
            [workshop["id"], factories.Workshop()["id"]]
        ) == {workshop["id"]: 2}
        assert workshop_model.count_ideas_of_workshops([]) == {}

    def test_workshops_to_come_are_sorted_by_time_and_not_by_text(self) -> None:
        common = {"municipality": ["2105"], "status": "announced"}
        # In Guatemala: the 9th at 18:00 (over), the 10th at 18:30, the 10th at 19:00, the 12th.
        factories.Workshop(starts_at="2026-03-10T00:00:00Z", **common)
        second = factories.Workshop(starts_at="2026-03-10T19:00:00-06:00", **common)
        first = factories.Workshop(starts_at="2026-03-11T00:30:00Z", **common)
        third = factories.Workshop(starts_at="2026-03-12", **common)
        factories.Workshop(starts_at="2026-03-11", **common, private=True)
        factories.Workshop(starts_at="2026-03-11", municipality=["2105"], status="cancelled")
        wanted = [first["id"], second["id"], third["id"]]
        assert [
            each.id for each in workshop_model.list_coming_workshops(["2105", "0115"], TODAY, 3)
        ] == wanted
        assert [
            each.id for each in workshop_model.list_coming_workshops(["2105"], TODAY, 2)
        ] == wanted[:2]
        assert workshop_model.list_coming_workshops([], TODAY, 3) == []

    def test_invitations_are_those_of_announced_workshops(self) -> None:
        invitation = [{"organisation": "ANAM"}]
        open_ = factories.Workshop(status="announced", invitation=invitation, private=True)
        factories.Workshop(status="held", invitation=invitation)
        factories.Workshop(status="announced")
        gone = factories.Workshop(status="announced", invitation=invitation)
        call_action("package_delete", id=gone["id"])
        assert [each.id for each in workshop_model.list_inviting_workshops(None)] == [open_["id"]]
        assert [
            each.id for each in workshop_model.list_inviting_workshops([open_["owner_org"]])
        ] == [open_["id"]]
        assert workshop_model.list_inviting_workshops([]) == []
