"""When a dataset is overdue by its own frequency."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from ckanext.marathon.domain import dataset
from ckanext.marathon.domain.dataset import find_due_day, find_updated_day, is_overdue
from ckanext.marathon.vocabulary import authorities

TODAY = date(2026, 5, 6)
BASE = "http://publications.europa.eu/resource/authority/frequency/"


class TestDueDay:
    @pytest.mark.parametrize(
        ("frequency", "updated", "due"),
        [
            ("DAILY", date(2026, 5, 6), date(2026, 5, 7)),
            ("HOURLY", date(2026, 5, 6), date(2026, 5, 7)),
            ("WEEKLY", date(2026, 12, 28), date(2027, 1, 4)),
            ("MONTHLY", date(2026, 1, 31), date(2026, 2, 28)),
            ("MONTHLY", date(2024, 1, 31), date(2024, 2, 29)),
            ("MONTHLY", date(2026, 12, 15), date(2027, 1, 15)),
            ("QUARTERLY", date(2026, 11, 30), date(2027, 2, 28)),
            ("ANNUAL", date(2024, 2, 29), date(2025, 2, 28)),
            (f"{BASE}ANNUAL_2", date(2026, 3, 31), date(2026, 9, 30)),
            ("mensual", date(2026, 4, 1), date(2026, 5, 1)),
            ("R/P1Y", date(2026, 4, 1), date(2027, 4, 1)),
        ],
    )
    def test_the_day_after_which_it_is_overdue(
        self, frequency: str, updated: date, due: date
    ) -> None:
        assert find_due_day(frequency, updated) == due
        assert not is_overdue(frequency, updated, due)
        assert is_overdue(frequency, updated, date.fromordinal(due.toordinal() + 1))

    @pytest.mark.parametrize("frequency", ["", None, "IRREG", "AS_NEEDED", "whenever", 7])
    def test_no_day_without_a_fixed_frequency(self, frequency: object) -> None:
        assert find_due_day(frequency, date(2001, 1, 1)) is None
        assert not is_overdue(frequency, date(2001, 1, 1), TODAY)

    def test_every_frequency_of_the_table_has_an_interval_or_none(self) -> None:
        codes = {concept.code for concept in authorities.get_table("frequency").scheme.concepts}
        assert len(codes) > 30
        with_day = {code for code in codes if find_due_day(code, TODAY)}
        assert codes - with_day == dataset.WITHOUT_DAY


class TestUpdatedDay:
    def test_the_latest_date_counts(self) -> None:
        stated = ["2026-01-05", "2026-03-01"]
        saved = [datetime(2026, 2, 1, 12), None]
        assert find_updated_day(stated, saved, TODAY) == date(2026, 3, 1)
        saved.append(datetime(2026, 4, 1, 12))
        assert find_updated_day(stated, saved, TODAY) == date(2026, 4, 1)

    def test_a_time_is_a_day_in_guatemala(self) -> None:
        assert find_updated_day([], [datetime(2026, 4, 2, 3)], TODAY) == date(2026, 4, 1)

    def test_a_month_counts_with_its_last_day_and_not_after_today(self) -> None:
        assert find_updated_day(["2026-03"], [], TODAY) == date(2026, 3, 31)
        assert find_updated_day(["2026"], [], TODAY) == TODAY

    def test_a_date_in_the_future_is_a_mistake(self) -> None:
        assert find_updated_day(["2062-01-01", "2026-01-05"], [], TODAY) == date(2026, 1, 5)

    @pytest.mark.parametrize("stated", [[], [""], [None], ["yesterday"], ["9999-12-31"]])
    def test_nothing_known(self, stated: list[object]) -> None:
        assert find_updated_day(stated, [], TODAY) is None
