"""The page of a file shows its table, a chart, and where its data are; downloads of tables."""

from __future__ import annotations

import base64
import csv
import io
import json
from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan.tests.helpers import call_action
from openpyxl import load_workbook

from ckanext.marathon.logic.table import work_off
from ckanext.marathon.model import datastore
from tests.factories import MarathonDataset, officer
from tests.logic.test_tables import ROWS, make_book, upload
from tests.stores import empty_datastore

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
PLUGINS = "marathon datastore scheming_datasets scheming_organizations dcat"
pytestmark = [
    pytest.mark.ckan_config("ckan.plugins", PLUGINS),
    pytest.mark.usefixtures("marathon_site", "storage"),
]


@pytest.fixture(autouse=True)
def store(marathon_site: None) -> None:
    if datastore.is_available():
        empty_datastore()


@pytest.fixture
def file() -> dict[str, Any]:
    made = upload(ROWS)
    work_off()
    return made


def address(file: dict[str, Any]) -> str:
    return f"/en/dataset/{file['package_id']}/resource/{file['id']}"


def visit(app: Any, file: dict[str, Any], query: str = "", **headers: Any) -> BeautifulSoup:
    answer = app.get(address(file) + query, headers=headers)
    assert answer.status_code == 200
    return BeautifulSoup(answer.body, "lxml")


def cells(page: BeautifulSoup, table: int = 0) -> list[list[str]]:
    rows = page.select("table.marathon-data")[table].select("tbody tr")
    return [[cell.get_text() for cell in row.select("td")] for row in rows]


def token_of(person: dict[str, Any]) -> dict[str, str]:
    token = call_action("api_token_create", user=person["name"], name="t")["token"]
    return {"Authorization": token}


def test_the_rows_are_a_table_with_caption_and_headings(app: Any, file: dict[str, Any]) -> None:
    page = visit(app, file)
    assert cells(page) == [
        ["Ejemplo A", "2024-02-01", "1234.5", "0501"],
        ["Ejemplo B", "2024-03-15", "12", "0502"],
    ]
    assert [th.get_text(strip=True) for th in page.select("table.marathon-data thead th")] == [
        "Municipio",
        "Fecha",
        "Monto",
        "Código",
    ]
    assert page.select_one("table.marathon-data caption").get_text() == "All 2 rows"
    wrap = page.select_one(".marathon-table-wrap")
    assert (wrap["tabindex"], wrap["role"]) == ("0", "region")


def test_all_rows_are_searched_and_sorted_without_a_script(app: Any) -> None:
    made = upload("lugar,n\n" + "".join(f"Ejemplo {n},{n}\n" for n in range(1, 121)))
    work_off()
    page = visit(app, made)
    assert len(cells(page)) == 50
    assert page.select_one("caption").get_text() == "Rows 1 to 50 of 120"
    (following,) = page.find_all("a", string="Following rows")
    assert "page=2" in following["href"]
    assert cells(visit(app, made, "?page=3"))[-1] == ["Ejemplo 120", "120"]
    down = visit(app, made, "?sort=n&order=desc")
    assert cells(down)[0] == ["Ejemplo 120", "120"]
    assert down.select_one("th[aria-sort]")["aria-sort"] == "descending"
    found = visit(app, made, "?q=ejemplo+77")
    assert cells(found) == [["Ejemplo 77", "77"]]
    assert "No row has these words" in visit(app, made, "?q=nada").get_text()


@pytest.mark.parametrize(
    "query",
    [
        "?page=0",
        "?page=-3",
        "?page=99999",
        "?page=²",
        "?page=abc&sort=_full_text",
        "?sort=nada&order=x",
        "?q=%27%22%3B--",
        "?chart=municipio",
        "?q=" + "a" * 5000,
    ],
)
def test_odd_parameters_are_no_error(app: Any, file: dict[str, Any], query: str) -> None:
    assert app.get(address(file) + query).status_code == 200


def test_markup_in_cells_is_shown_as_text(app: Any) -> None:
    made = upload("a,b\n<script>alert(1)</script>,<b>x</b>\n")
    work_off()
    page = visit(app, made)
    assert cells(page) == [["<script>alert(1)</script>", "<b>x</b>"]]
    assert not [s for s in page.find_all("script") if "alert(1)" in s.get_text()]


def test_a_chart_has_one_bar_a_row(app: Any) -> None:
    made = upload("sector,viajes,otro\nA,10,1\nB,-5,2\nC,,3\n")
    work_off()
    page = visit(app, made)
    bars = page.select(".marathon-bars li")
    values = [bar.select_one(".marathon-bar-value").get_text() for bar in bars]
    assert values == ["10", "-5"]
    first, second = (bar.select_one("rect") for bar in bars)
    assert (first["x"], float(second["x"])) == ("33.33", 0.0)
    assert [float(rect["width"]) for rect in (first, second)] == [66.67, 33.33]
    chosen = visit(app, made, "?chart=otro")
    assert chosen.select_one(".marathon-chart figcaption strong").get_text() == "otro by sector"


def test_every_sheet_is_shown(app: Any) -> None:
    book = make_book(Enero=[["mes", "pozos"], ["enero", 5]], Febrero=[["mes"], ["febrero"]])
    made = upload(book, "libro.xlsx")
    work_off()
    page = visit(app, made)
    assert cells(page, 1) == [["febrero"]]
    other = page.select("#table-2 .marathon-buttons a")[0]["href"]
    assert other.endswith("table.csv?sheet=2")
    assert app.get(other).body.lstrip("\ufeff").splitlines() == ["mes", "febrero"]


class TestDownloads:
    def test_csv_json_and_excel_have_all_rows_with_their_types(
        self, app: Any, file: dict[str, Any]
    ) -> None:
        text = app.get(f"{address(file)}/table.csv").body.lstrip("\ufeff")
        rows = list(csv.reader(io.StringIO(text)))
        assert rows[0] == ["municipio", "fecha", "monto", "codigo"]
        assert rows[1] == ["Ejemplo A", "2024-02-01", "1234.5", "0501"]
        records = json.loads(app.get(f"{address(file)}/table.json").body)
        assert records[1] == {
            "municipio": "Ejemplo B",
            "fecha": "2024-03-15",
            "monto": 12,
            "codigo": "0502",
        }
        book = load_workbook(io.BytesIO(app.get(f"{address(file)}/table.xlsx").data))
        first = [cell.value for cell in book.worksheets[0][2]]
        assert (first[0], first[1].date().isoformat(), first[2], first[3]) == (
            "Ejemplo A",
            "2024-02-01",
            1234.5,
            "0501",
        )

    def test_more_rows_than_a_page_of_the_datastore(self, app: Any) -> None:
        made = upload("n,m\n" + "".join(f"{n},x\n" for n in range(12_345)))
        work_off()
        lines = app.get(f"{address(made)}/table.csv").body.splitlines()
        assert (len(lines), lines[-1]) == (12_346, "12344,x")

    @pytest.mark.parametrize("query", ["?sheet=2", "?sheet=0", "?sheet=x", "?sheet=²"])
    def test_a_sheet_that_does_not_exist_is_404(
        self, app: Any, file: dict[str, Any], query: str
    ) -> None:
        assert app.get(f"{address(file)}/table.csv{query}", status=404)

    def test_a_file_of_another_dataset_is_404(self, app: Any, file: dict[str, Any]) -> None:
        other = MarathonDataset()
        assert app.get(f"/dataset/{other['id']}/resource/{file['id']}/table.csv", status=404)

    def test_formulas_stay_text(self, app: Any) -> None:
        made = upload("a,b\n=1+1,x\n")
        work_off()
        assert "'=1+1" in app.get(f"{address(made)}/table.csv").body

    def test_private_tables_are_not_cached_and_seen_by_the_organisation_only(
        self, app: Any
    ) -> None:
        made = upload(ROWS, private=True)
        work_off()
        dataset = call_action("package_show", id=made["package_id"])
        own = token_of(officer(dataset["owner_org"]))
        answer = app.get(f"{address(made)}/table.csv", headers=own)
        assert "no-store" in answer.headers["Cache-Control"]
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert app.get(f"{address(made)}/table.csv", status=404)


class TestStates:
    def test_a_table_that_is_not_read_yet_says_so(self, app: Any) -> None:
        page = visit(app, upload(ROWS))
        assert "is being read" in page.get_text()
        assert not page.select("table.marathon-data")

    def test_a_fault_is_told_to_the_officer_only(self, app: Any) -> None:
        made = upload("<html><table>", "a.xls")
        work_off()
        dataset = call_action("package_show", id=made["package_id"])
        own = token_of(officer(dataset["owner_org"]))
        assert "The file is a web page" in visit(app, made, **own).get_text()
        outside = visit(app, made).get_text()
        assert "cannot be shown as a table" in outside
        assert "web page" not in outside

    def test_problems_of_a_table_are_shown_to_the_officer_only(self, app: Any) -> None:
        made = upload("n,m,\n1,x,z\n2,y,w\n")
        work_off()
        dataset = call_action("package_show", id=made["package_id"])
        own = token_of(officer(dataset["owner_org"]))
        assert "has no name" in visit(app, made, **own).get_text()
        assert "has no name" not in visit(app, made).get_text()


def test_pictures_are_shown_and_a_pdf_is_opened_by_the_browser(app: Any) -> None:
    picture = upload(PNG, "foto.png")
    page = visit(app, picture)
    assert page.select_one(".marathon-picture img")["src"].endswith("foto.png")
    pdf = upload(b"%PDF-1.4\n%\xe2\xe3\n", "acta.pdf")
    link = visit(app, pdf).select_one("a[target=_blank]")
    assert link["href"].endswith("acta.pdf")


def test_the_addresses_for_programs_answer(app: Any, file: dict[str, Any]) -> None:
    page = visit(app, file)
    found = [box["value"] for box in page.select("input[data-copy-source]")]
    assert len(found) == 6
    for each in found:
        assert app.get(each).status_code == 200


def test_the_api_answers_alike_for_a_hidden_table_and_a_missing_one(app: Any) -> None:
    made = upload(ROWS, private=True)
    work_off()

    def ask(action: str, resource_id: str, status: int = 404) -> str:
        data: dict[str, Any] = {"resource_id": resource_id}
        if action == "datastore_create":
            data["fields"] = [{"id": "a"}]
        answer = app.post(f"/api/3/action/{action}", json=data, status=status)
        return str(answer.body).replace(resource_id, "ID")

    missing = "6f9619ff-8b86-4d01-b42d-00cf4fc964fe"
    for action in ("datastore_info", "datastore_search", "datastore_create", "datastore_upsert"):
        assert ask(action, made["id"]) == ask(action, missing), action
