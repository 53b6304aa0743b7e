"""The inventory in formats other than RDF: data.json, CSV and Excel."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import openpyxl
import pytest
from ckan import model
from ckan.tests.helpers import call_action

from ckanext.marathon import spreadsheets
from ckanext.marathon.feeds import sheet
from ckanext.marathon.model import clock
from tests import factories
from tests.remembered import remembered

from .conftest import SITE, Get, Log
from .schemas import argentine_faults, us_faults

HOSTILE = (
    '=HYPERLINK("http://example.gt";"x")\n\t"; DROP <script>alert(1)</script> ñ 𝒳 ' + "x" * 40_000
)

pytestmark = pytest.mark.ckan_config("ckanext.dcat.datasets_per_page", 2)


@pytest.fixture
@remembered
def datasets(feed: Log) -> list[dict[str, Any]]:
    """Five datasets on three pages, of a municipality with an office."""
    owner = factories.Municipality(
        municipality_code="0501", title="Oficina de Escuintla", contact_email="datos@example.gt"
    )
    workshop = factories.Workshop(owner_org=owner["id"], municipality=["0501"])
    idea = factories.Idea(
        owner_org=owner["id"],
        workshop=workshop["id"],
        municipality=["0501"],
        title="Pozos nuevos",
    )
    rows = [
        factories.MarathonDataset(
            owner_org=owner["id"],
            idea=[idea["id"]],
            title=f"Pozos {number}",
            notes="Pozos de agua",
            license_id="cc-by",
            frequency="http://publications.europa.eu/resource/authority/frequency/ANNUAL",
            language=["http://publications.europa.eu/resource/authority/language/SPA"],
            temporal_coverage=[{"start": "2016-01-01", "end": "2016-12-31"}],
            resources=[
                {"name": "Tabla", "url": f"https://example.gt/{number}.csv", "format": "CSV"},
                {"name": "Página", "url": "https://example.gt/pozos"},
            ],
        )
        for number in range(4)
    ]
    return [*rows, factories.MarathonDataset(title=HOSTILE[:400], notes=HOSTILE)]


def inventory(get: Get, part: str = "", query: str = "") -> dict[str, Any]:
    answer = get(f"{part}/data.json{query}")
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    return json.loads(answer.data)


def table(get: Get, part: str = "") -> list[dict[str, str]]:
    answer = get(f"{part}/catalog.csv")
    assert answer.status_code == 200
    assert answer.content_type == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


class TestDataJson:
    def test_data_json_is_valid_and_complete(
        self, datasets: list[dict[str, Any]], get: Get
    ) -> None:
        found = inventory(get)
        assert us_faults(found) == []
        ids = {each["identifier"] for each in found["dataset"]}
        assert ids == {f"{SITE}/dataset/{each['id']}" for each in datasets}
        assert found["title"]
        assert found["publisher"]["name"]

    @pytest.mark.ckan_config("email_to", "portal@example.gt")
    def test_data_json_is_valid_with_the_mail_address_of_the_site(
        self, datasets: Any, get: Get
    ) -> None:
        found = inventory(get)
        assert us_faults(found) == []
        (foreign,) = (row for row in found["dataset"] if not row["title"].startswith("Pozos"))
        assert foreign["contactPoint"]["hasEmail"] == "mailto:portal@example.gt"

    def test_the_contact_with_a_mail_address_is_preferred(
        self, datasets: list[dict[str, Any]], get: Get
    ) -> None:
        contacts = [
            {"name": "Ventanilla", "url": "https://example.gt/ventanilla"},
            {"name": "Archivo", "email": "archivo@ejemplo.gob.gt"},
        ]
        call_action("package_patch", id=datasets[0]["id"], contact=contacts)
        iri = f"{SITE}/dataset/{datasets[0]['id']}"
        (found,) = (each for each in inventory(get)["dataset"] if each["identifier"] == iri)
        assert found["contactPoint"]["fn"] == "Archivo"
        assert found["contactPoint"]["hasEmail"] == "mailto:archivo@ejemplo.gob.gt"

    def test_data_json_has_the_fields_of_a_dataset(
        self, datasets: list[dict[str, Any]], get: Get
    ) -> None:
        (found,) = (each for each in inventory(get)["dataset"] if each["title"] == "Pozos 0")
        assert found["publisher"]["name"] == "Oficina de Escuintla"
        assert found["contactPoint"]["hasEmail"] == "mailto:datos@example.gt"
        assert found["temporal"] == "2016-01-01/2016-12-31"
        assert found["accrualPeriodicity"] == "R/P1Y"
        assert found["language"] == ["es"]
        assert found["accessLevel"] == "public"
        assert found["superTheme"]
        assert "Escuintla" in found["spatial"]
        by_title = {each["title"]: each for each in found["distribution"]}
        assert by_title["Tabla"]["mediaType"] == "text/csv"
        assert by_title["Página"]["accessURL"] == "https://example.gt/pozos"
        # What Argentina's profile asks for.
        for field in ("superTheme", "accrualPeriodicity", "issued", "identifier"):
            assert found[field], field
        assert all(each["identifier"] and each["title"] for each in found["distribution"])
        assert inventory(get)["superThemeTaxonomy"]

    @pytest.mark.ckan_config("email_to", "datos@example.gt")
    def test_profile_ar_satisfies_argentinas_profile_and_the_default_does_not(
        self, datasets: list[dict[str, Any]], get: Get
    ) -> None:
        found = inventory(get, query="?profile=ar")
        assert argentine_faults(found) == []
        assert argentine_faults(inventory(get)) != []
        (one,) = (each for each in found["dataset"] if each["title"] == "Pozos 0")
        assert one["contactPoint"]["hasEmail"] == "datos@example.gt"
        assert one["language"] == ["spa"]
        assert {each["accrualPeriodicity"] for each in found["dataset"]} == {"R/P1Y", "eventual"}
        part = inventory(get, "/municipality/0501", "?profile=ar")
        assert argentine_faults(part) == []

    def test_each_profile_has_its_own_etag(self, datasets: Any, get: Get) -> None:
        tag = get("/data.json").headers["ETag"]
        assert get("/data.json?profile=us", If_None_Match=tag).status_code == 304
        answer = get("/data.json?profile=ar", If_None_Match=tag)
        assert answer.status_code == 200
        again = get("/data.json?profile=ar", If_None_Match=answer.headers["ETag"])
        assert again.status_code == 304

    def test_an_unknown_profile_gets_400_with_the_known_ones(self, datasets: Any, get: Get) -> None:
        for name in ("dcat", "AR", "us,ar", "json-ar"):
            answer = get(f"/data.json?profile={name}")
            assert answer.status_code == 400
            assert "us, ar" in answer.text

    def test_data_json_of_a_part_without_datasets_is_valid_and_empty(
        self, datasets: Any, get: Get
    ) -> None:
        found = inventory(get, "/municipality/1307")
        assert us_faults(found) == []
        assert found["dataset"] == []

    def test_data_json_of_a_municipality_has_its_datasets_and_name(
        self, datasets: list[dict[str, Any]], get: Get
    ) -> None:
        found = inventory(get, "/municipality/0501")
        assert us_faults(found) == []
        assert len(found["dataset"]) == 4
        assert found["title"].endswith("Escuintla")

    def test_a_known_etag_gets_304(self, datasets: list[dict[str, Any]], get: Get) -> None:
        paths = ("/data.json", "/catalog.csv", "/catalog.xlsx")
        tags = {path: get(path).headers["ETag"] for path in paths}
        for path, tag in tags.items():
            assert get(path, If_None_Match=tag).status_code == 304, path
        call_action("package_patch", id=datasets[0]["id"], title="Otro")
        for path, tag in tags.items():
            answer = get(path, If_None_Match=tag)
            assert (answer.status_code, answer.headers["ETag"] == tag) == (200, False), path
        assert {row["title"] for row in inventory(get)["dataset"]} >= {"Otro", "Pozos 1"}


class TestTable:
    def test_the_csv_has_a_row_for_each_dataset(
        self, datasets: list[dict[str, Any]], get: Get
    ) -> None:
        rows = table(get)
        assert len(rows) == 5
        (row,) = (each for each in rows if each["titulo"] == "Pozos 1")
        assert row["organizacion"] == "Oficina de Escuintla"
        assert row["codigos_municipio"] == "0501"
        assert row["ideas"] == "Pozos nuevos"
        assert row["correo"] == "datos@example.gt"
        assert row["formatos"] == "CSV | —"
        assert row["periodo"] == "2016-01-01/2016-12-31"
        paired = ("archivos", "formatos", "direcciones", "bytes", "sha256")
        assert {len(row[name].split(" | ")) for name in paired} == {2}
        assert row["direcciones"] == "https://example.gt/1.csv | https://example.gt/pozos"
        assert len(table(get, "/department/05")) == 4

    def test_no_cell_is_a_formula(self, datasets: Any, get: Get) -> None:
        assert not [
            cell for row in table(get) for cell in row.values() if cell[:1] in "=+-@" and cell
        ]
        book = openpyxl.load_workbook(io.BytesIO(get("/catalog.xlsx").data))
        cells = [cell for row in book["inventario"].iter_rows() for cell in row]
        assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
        assert all(len(str(cell.value or "")) <= spreadsheets.LONGEST for cell in cells)

    def test_the_workbook_equals_the_csv(self, datasets: Any, get: Get) -> None:
        answer = get("/catalog.xlsx")
        assert answer.content_type == spreadsheets.XLSX
        assert 'filename="inventario.xlsx"' in answer.headers["Content-Disposition"]
        book = openpyxl.load_workbook(io.BytesIO(answer.data))
        titles, *rows = book["inventario"].iter_rows(values_only=True)
        assert list(titles) == list(sheet.COLUMNS)
        # What CSV must quote for spreadsheets is a text by its type in a workbook.
        expected = [
            {
                k: v.removeprefix("'")[: spreadsheets.LONGEST - 1]
                for k, v in row.items()
                if v and "\x07" not in v
            }
            for row in table(get)
        ]
        found = [dict(zip(titles, row, strict=True)) for row in rows]
        for mine, theirs in zip(found, expected, strict=True):
            assert {k: mine[k][: spreadsheets.LONGEST - 1] for k in theirs} == theirs

    def test_an_incomplete_log_gets_503_with_retry_after(self, datasets: Any, get: Get) -> None:
        clock.lock_clock()
        clock.set_complete(False)
        model.Session.commit()
        for path in ("/data.json", "/catalog.csv", "/catalog.xlsx"):
            assert get(path).status_code == 503


def test_the_atom_changes_show_no_tags_and_no_markdown(feed: Log, get: Get) -> None:
    factories.MarathonDataset(notes="<p>Agua <b>potable</b></p>\n\n- **Pozos** &amp; ríos")
    text = get("/catalog/changes.atom").text
    assert "Pozos &amp; ríos" in text
    assert [mark for mark in ("**", "&lt;", "&amp;amp;") if mark in text] == []
