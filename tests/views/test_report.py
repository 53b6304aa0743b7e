"""Reports as pages and as workbooks: content and malformed requests."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from ckan.tests.helpers import call_action
from openpyxl import load_workbook

from ckanext.marathon.domain import dates
from tests.factories import Commitment, Idea, MarathonDataset, Workshop
from tests.remembered import remembered

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

COUNTRY, PLACE = "/marathon/report", "/municipality/0115/report"


@pytest.fixture
@remembered
def chain(villa_nueva: dict[str, Any]) -> dict[str, Any]:
    """A chain of Villa Nueva, its idea prioritised, with one of two data needs met."""
    workshop = Workshop(
        owner_org=villa_nueva["id"],
        municipality=["0115"],
        service_problem=["AGU-01"],
        starts_at="2017-05-27T09:00",
        participants=40,
    )
    idea = Idea(workshop=workshop["id"], data_need=[{"what": "Horario"}, {"what": "Cortes"}])
    dataset = MarathonDataset(idea=[idea["id"]], data_need=[idea["data_need"][0]["id"]])
    call_action("package_patch", id=idea["id"], status="prioritised")
    return {"workshop": workshop, "idea": idea, "dataset": dataset}


def seven_workshops(organization: dict[str, Any]) -> None:
    """Hold more workshops in Villa Nueva than a page names."""
    for number in range(7):
        Workshop(
            owner_org=organization["id"],
            municipality=["0115"],
            starts_at=f"2017-05-{number + 1:02}",
        )


def figures(page: BeautifulSoup) -> list[str]:
    return [each.text for each in page.select(".marathon-report-figures dd")]


def sheets(reader: Reader, path: str) -> dict[str, list[tuple[Any, ...]]]:
    answer = reader.get(path)
    assert answer.status_code == 200
    book = load_workbook(io.BytesIO(answer.data))
    return {each.title: list(each.iter_rows(values_only=True)) for each in book.worksheets}


class TestPage:
    @pytest.mark.parametrize("path", [COUNTRY, PLACE])
    def test_the_report_has_figures_and_records(
        self, visitor: Reader, chain: dict[str, Any], path: str
    ) -> None:
        page = visitor.page(path)
        assert figures(page) == ["1", "1", "1", "2", "1", "1"]
        for thing in chain.values():
            assert thing["title"] in page.select(".marathon-report")[0].text
        assert page.select_one(".marathon-report-qr svg")
        assert len(page.select("h1")) == 1

    def test_a_country_is_divided_by_municipality_and_a_municipality_by_problem(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        rows = "section .marathon-table-wrap tbody th a"
        assert [each["href"] for each in visitor.page(COUNTRY).select(rows)] == [
            "/municipality/0115"
        ]
        assert [each["href"] for each in visitor.page(PLACE).select(rows)] == [
            "/service-problem/AGU-01"
        ]

    def test_records_outside_of_the_period_are_left_out(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        assert figures(visitor.page(f"{COUNTRY}?from=2017-05-27&to=2017-05-27")) == [
            *("1", "0", "0", "0", "0", "0")
        ]
        assert figures(visitor.page(f"{COUNTRY}?from=2017-05-28")) == ["0", "1", "1", "2", "1", "1"]

    def test_the_printed_address_gives_the_same_report(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        page = visitor.page(f"{PLACE}?from=2017-01-01")
        address = urlsplit(page.select(".marathon-report footer a")[-1].text)
        assert address.query == f"from=2017-01-01&to={dates.get_today()}"
        assert figures(visitor.page(f"{address.path}?{address.query}")) == figures(page)

    def test_a_shortened_list_counts_and_links_the_rest(
        self, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        seven_workshops(villa_nueva)
        page = visitor.page(f"/es{PLACE}")
        assert len(page.select(".marathon-report-columns section:first-child li")) == 5
        (more,) = page.select(".marathon-more-of-it")
        assert " 2 " in more.text
        assert more.text.endswith("/workshop/?vocab_municipality=0115")

    def test_examples_are_marked_and_counted(self, visitor: Reader, chain: dict[str, Any]) -> None:
        assert not visitor.page(COUNTRY).select(".marathon-example")
        call_action("package_patch", id=chain["idea"]["id"], example=True)
        assert len(visitor.page(COUNTRY).select(".marathon-example")) == 2

    def test_the_country_has_the_milestones(self, visitor: Reader) -> None:
        Commitment(milestone=[{"title": "Ocho talleres", "due": "2017-06-30", "status": "limited"}])
        assert "Ocho talleres" in visitor.page(COUNTRY).text
        assert "Ocho talleres" not in visitor.page(PLACE).text

    @pytest.mark.parametrize("lang", ["es", "en"])
    def test_an_empty_site_has_a_report(self, visitor: Reader, lang: str) -> None:
        for path in (COUNTRY, PLACE):
            assert figures(visitor.page(f"/{lang}{path}")) == ["0"] * 6

    def test_the_report_has_no_counts_of_participants(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        assert "40" not in visitor.page(COUNTRY).select(".marathon-report-columns")[0].text

    def test_the_report_works_without_solr(
        self,
        visitor: Reader,
        chain: dict[str, Any],
        ckan_config: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/nobody")
        assert figures(visitor.page(COUNTRY)) == ["1", "1", "1", "2", "1", "1"]


class TestRefusals:
    @pytest.mark.parametrize("path", [COUNTRY, PLACE, f"{COUNTRY}.xlsx", f"{PLACE}.xlsx"])
    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("from=ayer", "from"),
            ("to=2017-02-30", "to"),
            ("from=2017-05-28&to=2017-05-27", "from"),
            ("from=%00", "from"),
            ("to=9999-12-31", "to"),
        ],
    )
    def test_an_invalid_day_is_an_error_at_its_field(
        self, visitor: Reader, path: str, query: str, field: str
    ) -> None:
        answer = visitor.get(f"{path}?{query}")
        assert answer.status_code == 400
        if "%00" in query:
            return
        page = BeautifulSoup(answer.text, "lxml")
        wrong = page.select_one(f"#report-{field}")
        assert wrong
        assert wrong["aria-invalid"] == "true"
        assert f"{field}={wrong['value']}" in query
        assert page.select_one(f"#report-{field}-error")

    @pytest.mark.parametrize("ending", ["", ".xlsx"])
    def test_a_code_without_its_leading_zero_redirects(self, visitor: Reader, ending: str) -> None:
        answer = visitor.get(f"/municipality/115/report{ending}?to=2017-05-27")
        assert answer.status_code == 301
        assert answer.location.endswith(f"/municipality/0115/report{ending}?to=2017-05-27")

    def test_an_unknown_code_gets_404(self, visitor: Reader) -> None:
        answer = visitor.get("/municipality/9999/report")
        assert visitor.get(urlsplit(answer.location).path).status_code == 404


class TestWorkbook:
    def test_the_workbook_has_the_figures_of_the_page_and_every_list(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        found = sheets(visitor, f"/en{COUNTRY}.xlsx")
        assert list(found) == [
            *("Report", "Workshops", "Ideas", "Changes", "Data needs", "Datasets"),
            *("By place or problem", "Sources"),
        ]
        said = dict(found["Report"])
        names = [
            *("Workshops held", "New ideas", "Ideas at the end"),
            *("Data asked for", "Data met", "Datasets published"),
        ]
        assert [str(said[name]) for name in names] == figures(visitor.page(COUNTRY))
        assert said["Ideas: prioritised"] == 1
        assert [row[1] for row in found["Changes"][1:]] == [chain["idea"]["title"]]
        assert {row[0]: row[2] for row in found["Data needs"][1:]} == {
            "Horario": "yes",
            "Cortes": "no",
        }
        assert found["By place or problem"][1][:2] == ("0115", "Villa Nueva")

    def test_the_workbook_lists_all_seven_workshops(
        self, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        seven_workshops(villa_nueva)
        assert len(sheets(visitor, f"/en{PLACE}.xlsx")["Workshops"]) == 8
