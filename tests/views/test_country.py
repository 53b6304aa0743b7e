"""``/marathon``: the country at a glance, as a table that is also the map's text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.factories import Idea, MarathonDataset, Municipality, Workshop
from tests.queries import asked

from .conftest import Reader
from .test_pages import hrefs

pytestmark = pytest.mark.usefixtures("marathon_site")


@pytest.fixture
def two_towns() -> Iterator[None]:
    """Mixco with two ideas, and Amatitlán with one and a dataset that meets its need."""
    mixco = Municipality(municipality_code="0108")
    workshop = Workshop(owner_org=mixco["id"], municipality=["0108"])
    for _ in range(2):
        Idea(workshop=workshop["id"])
    amatitlan = Municipality(municipality_code="0114")
    workshop = Workshop(owner_org=amatitlan["id"], municipality=["0114"])
    idea = Idea(workshop=workshop["id"], data_need=[{"what": "Horarios"}])
    MarathonDataset(idea=[idea["id"]], data_need=[idea["data_need"][0]["id"]], title="Horarios")
    return


def rows(page: Any) -> list[list[str]]:
    return [
        [cell.text.strip() for cell in row.select("th, td")]
        for row in page.select("#figures tbody tr, #figures tfoot tr")
    ]


class TestTable:
    def test_the_table_has_a_row_for_each_municipality_and_the_total(
        self, visitor: Reader, two_towns: None
    ) -> None:
        assert rows(visitor.page("/marathon")) == [
            ["Amatitlán", "1", "1", "1", "1", "1"],
            ["Mixco", "1", "2", "0", "0", "0"],
            ["Whole country", "2", "3", "1", "1", "1"],
        ]

    def test_a_link_in_the_heading_sorts_the_table(self, visitor: Reader, two_towns: None) -> None:
        page = visitor.page("/marathon")
        assert "?sort=ideas#figures" in hrefs(page, "#figures")
        page = visitor.page("/marathon?sort=ideas")
        assert [row[0] for row in rows(page)] == ["Mixco", "Amatitlán", "Whole country"]
        assert page.select_one("#figures th[aria-sort=descending]").text.strip() == "Ideas"

    @pytest.mark.parametrize("sort", ["", "nothing", "__class__", "count", "'"])
    def test_an_unknown_sort_sorts_by_name(
        self, visitor: Reader, two_towns: None, sort: str
    ) -> None:
        page = visitor.page(f"/marathon?sort={sort}")
        assert [row[0] for row in rows(page)][:2] == ["Amatitlán", "Mixco"]

    def test_bars_compare_within_a_column(self, visitor: Reader, two_towns: None) -> None:
        cells = visitor.page("/marathon").select("#figures tbody td")
        assert [cell.get("style") for cell in cells[:2]] == ["--share:1.0", "--share:0.5"]
        assert cells[-1].get("style") is None

    def test_the_csv_has_a_row_for_each_municipality(
        self, visitor: Reader, two_towns: None
    ) -> None:
        answer = visitor.get("/marathon/municipalities.csv")
        assert answer.text.lstrip("\ufeff").splitlines() == [
            "code,name,workshops,ideas,data_needs,data_needs_met,datasets",
            "0114,Amatitlán,1,1,1,1,1",
            "0108,Mixco,1,2,0,0,0",
        ]
        assert 'filename="municipalities.csv"' in answer.headers["Content-Disposition"]


class TestPage:
    def test_an_empty_country_shows_a_sentence(self, visitor: Reader) -> None:
        page = visitor.page("/marathon")
        assert not page.select("#figures")
        assert "None yet" in page.select_one("[aria-labelledby=municipalities]").text
        assert [each.text for each in page.select(".marathon-counts strong")] == ["0"] * 5

    def test_the_page_has_the_newest_records_and_a_search(
        self, visitor: Reader, two_towns: None
    ) -> None:
        page = visitor.page("/marathon")
        assert "Horarios" in page.select_one("[aria-labelledby=newest-data]").text
        assert len(page.select("[aria-labelledby=newest-ideas] li")) == 3
        form = page.select_one(".marathon-search")
        assert form["action"] == "/marathon/search"
        assert form.select_one("label[for=country-search]")

    def test_private_records_are_not_counted(self, visitor: Reader) -> None:
        Workshop(private=True)
        assert not visitor.page("/marathon").select("#figures")

    def test_the_page_works_without_solr(
        self,
        visitor: Reader,
        two_towns: None,
        ckan_config: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/none")
        assert len(rows(visitor.page("/marathon"))) == 3

    def test_the_number_of_queries_does_not_grow_with_content(
        self, visitor: Reader, two_towns: None
    ) -> None:
        counts = []
        for _ in range(2):
            MarathonDataset()
            visitor.page("/marathon")
            with asked() as queries:
                visitor.page("/marathon")
            counts.append(len(queries))
        assert counts[0] == counts[1] < 20
