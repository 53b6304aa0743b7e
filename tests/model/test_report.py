"""The figures of a report, by period and place."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.tests.helpers import call_action

from ckanext.marathon.domain import dates
from ckanext.marathon.domain.dates import Period
from ckanext.marathon.model import figures
from ckanext.marathon.model.figures import ReportPart
from tests import factories
from tests.queries import asked
from tests.remembered import remembered

from .chain import Chain, make

pytestmark = pytest.mark.usefixtures("marathon_site")


def until_today() -> Period:
    return Period(None, dates.get_today())


def yesterday() -> Period:
    return Period(None, dates.get_today() - timedelta(days=1))


def today() -> Period:
    return Period(dates.get_today(), dates.get_today())


@pytest.fixture
@remembered
def chain() -> Chain:
    return make(["AGU-01", "AGU"], starts_at="2016-10-17T23:30")


class TestPeriod:
    def test_a_day_ends_at_midnight_in_guatemala(self) -> None:
        period = dates.read_period("2016-10-17", "17/10/2016", date(2020, 1, 1))
        assert period.starts == datetime(2016, 10, 17, 6, tzinfo=UTC)
        assert period.ends == datetime(2016, 10, 18, 6, tzinfo=UTC)

    def test_a_period_without_days_ends_today(self) -> None:
        assert dates.read_period("", " ", date(2020, 1, 1)) == Period(None, date(2020, 1, 1))

    @pytest.mark.parametrize(
        ("first", "last", "fields"),
        [
            ("2016-13-01", "", ["from"]),
            ("x", "y", ["from", "to"]),
            ("2016-10-18", "2016-10-17", ["from"]),
            ("", "2016", ["to"]),
        ],
    )
    def test_a_malformed_period_is_an_error_at_its_field(
        self, first: str, last: str, fields: list[str]
    ) -> None:
        with pytest.raises(dates.UnclearPeriod) as error:
            dates.read_period(first, last, date(2020, 1, 1))
        assert list(error.value.faults) == fields


class TestCountry:
    def test_an_empty_site_has_an_empty_report(self) -> None:
        found = figures.read_report(until_today())
        assert (found.workshops, found.ideas, found.needs, found.parts) == ([], [], [], [])
        assert found.datasets.count == 0

    def test_everything_is_counted_once_and_by_municipality(self, chain: Chain) -> None:
        found = figures.read_report(until_today())
        assert [held.workshop.name for held in found.workshops] == [chain["workshop"]["name"]]
        assert [entered.idea.name for entered in found.ideas] == [chain["idea"]["name"]]
        assert (len(found.needs), found.needs_met) == (2, 1)
        assert [latest.dataset.name for latest in found.datasets.latest] == [
            chain["dataset"]["name"]
        ]
        assert found.parts == [ReportPart("2105", 1, 1, 2, 1, 1), ReportPart("2101", 1)]

    def test_a_workshop_counts_on_its_day_in_guatemala_if_it_was_held(self, chain: Chain) -> None:
        assert (
            len(figures.read_report(Period(date(2016, 10, 17), date(2016, 10, 17))).workshops) == 1
        )
        assert figures.read_report(Period(date(2016, 10, 18), date(2016, 10, 18))).workshops == []
        call_action("package_patch", id=chain["workshop"]["id"], status="announced")
        found = figures.read_report(until_today())
        assert (found.workshops, found.announced) == ([], 1)

    def test_ideas_and_datasets_created_after_the_period_are_left_out(self, chain: Chain) -> None:
        found = figures.read_report(yesterday())
        assert (found.ideas, found.needs, found.steps) == ([], [], [])
        assert found.datasets.count == 0

    def test_an_idea_has_its_status_at_the_end_of_the_period(self, chain: Chain) -> None:
        back(chain["idea"]["id"], 3)
        call_action("package_patch", id=chain["idea"]["id"], status="prioritised")
        before, after = figures.read_report(yesterday()), figures.read_report(today())
        assert (before.by_status, before.steps) == ({"proposed": 1}, [])
        assert after.by_status == {"prioritised": 1}
        assert [step.status for step in after.steps] == ["prioritised"]
        assert after.new_ideas == []
        assert len(before.new_ideas) == 1

    def test_a_need_was_unmet_until_its_dataset_was_published(self, chain: Chain) -> None:
        back(chain["idea"]["id"], 3)
        assert [need.is_met for need in figures.read_report(yesterday()).needs] == [False, False]
        assert figures.read_report(today()).needs_met == 1

    def test_a_dataset_that_comes_back_is_not_published_again(self, chain: Chain) -> None:
        shift_log(3)
        call_action("package_patch", id=chain["dataset"]["id"], private=True)
        assert figures.read_report(until_today()).datasets.count == 0
        call_action("package_patch", id=chain["dataset"]["id"], private=False)
        assert figures.read_report(today()).datasets.count == 0
        assert figures.read_report(yesterday()).datasets.count == 1

    def test_data_needs_of_a_discarded_idea_are_not_counted(self, chain: Chain) -> None:
        call_action(
            "package_patch", id=chain["idea"]["id"], status="discarded", status_reason="Ya existe"
        )
        found = figures.read_report(until_today())
        assert (found.needs, found.by_status) == ([], {"discarded": 1})

    def test_non_public_records_are_not_counted(self, chain: Chain) -> None:
        for kind in ("dataset", "idea", "workshop"):
            call_action("package_patch", id=chain[kind]["id"], private=True)
        found = figures.read_report(until_today())
        assert (found.workshops, found.ideas, found.steps, found.parts) == ([], [], [], [])

    def test_the_milestones_of_the_commitment_are_listed(self) -> None:
        factories.Commitment(
            milestone=[{"title": "Ocho talleres", "due": "2017-06-30", "status": "limited"}]
        )
        ((_commitment, found),) = figures.read_report(until_today()).milestones
        assert (found.title, found.due, found.status) == ("Ocho talleres", "2017-06-30", "limited")

    def test_examples_are_counted(self, chain: Chain) -> None:
        assert figures.read_report(until_today()).examples == 0
        call_action("package_patch", id=chain["dataset"]["id"], example=True)
        assert figures.read_report(until_today()).examples == 1

    def test_the_number_of_queries_does_not_grow(self, chain: Chain) -> None:
        few = queries()
        for _ in range(3):
            idea = factories.Idea(workshop=chain["workshop"]["id"], data_need=[{"what": "Más"}])
            factories.MarathonDataset(idea=[idea["id"]])
        # The last is the clock, which tells whether anything has changed.
        assert queries() == few <= 11


class TestMunicipality:
    def test_the_report_of_a_municipality_counts_its_records_by_problem(self, chain: Chain) -> None:
        factories.MarathonDataset()
        found = figures.read_report(until_today(), "2105")
        assert len(found.ideas) == found.datasets.count == 1
        assert found.parts == [
            ReportPart("AGU-01", 1, 1, 2, 1, 1),
            ReportPart("AGU", 0, 1, 2, 1, 1),
        ]

    def test_records_of_another_municipality_of_the_workshop_are_left_out(
        self, chain: Chain
    ) -> None:
        found = figures.read_report(until_today(), "2101")
        assert [held.workshop.name for held in found.workshops] == [chain["workshop"]["name"]]
        assert (found.ideas, found.needs, found.datasets.count) == ([], [], 0)
        assert found.parts == [ReportPart("AGU-01", 1)]


def back(idea: str, days: int) -> None:
    """Let the history of an idea have begun some days ago."""
    model.Session.execute(
        sa.text("UPDATE marathon_idea_transition SET at = at - :days WHERE idea_id = :idea"),
        {"days": timedelta(days=days), "idea": idea},
    )
    model.repo.commit()


def shift_log(days: int) -> None:
    """Move the publications so far some days into the past."""
    model.Session.execute(
        sa.text("UPDATE marathon_feed_entry SET first_published = first_published - :days"),
        {"days": timedelta(days=days)},
    )
    model.repo.commit()


def queries() -> int:
    """Return how many queries a report takes."""
    with asked() as sent:
        figures.read_report(until_today(), limit=5)
    return len(sent)
