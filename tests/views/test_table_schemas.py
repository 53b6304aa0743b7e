"""Pages of the tables that municipalities can compare, and checking a file."""

from __future__ import annotations

import io
import json

import pytest
from frictionless import Resource, Schema
from openpyxl import load_workbook

from ckanext.marathon.files.table_schemas import list_table_schemas
from tests.files.awkward import make_xlsx

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

WATER = "/marathon/tables/water-service"
HEADING = ["Sector", "Día", "Desde"]


def check(reader: Reader, content: bytes, name: str = "agua.xlsx", path: str = WATER) -> str:
    answer = reader.post(f"/es{path}", {"file": (io.BytesIO(content), name)})
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def test_the_list_leads_to_each_table(visitor: Reader) -> None:
    links = {link["href"] for link in visitor.page("/marathon/tables").select("article a[href]")}
    assert {f"/marathon/tables/{name}" for name in list_table_schemas()} <= links


@pytest.mark.parametrize("name", list_table_schemas())
def test_a_page_explains_the_columns(visitor: Reader, name: str) -> None:
    schema = list_table_schemas()[name]
    for start, lang in (("/es", "es"), ("", "en")):
        page = visitor.page(f"{start}/marathon/tables/{name}")
        assert page.h1.get_text() == schema.title[lang]
        codes = [code.get_text() for code in page.select("table code")]
        assert codes == [column.name for column in schema.fields]
        assert not page.select("input[type=file]")


def test_programs_get_the_schema(visitor: Reader) -> None:
    answer = visitor.get(f"{WATER}/schema.json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    descriptor = json.loads(answer.text)
    assert descriptor["id"].endswith(WATER)
    assert list(Schema.metadata_validate(descriptor)) == []


@pytest.mark.parametrize("name", list_table_schemas())
def test_the_example_passes_the_check(visitor: Reader, editor: Reader, name: str) -> None:
    path = f"/marathon/tables/{name}"
    answer = visitor.get(f"{path}/example.csv")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "2 filas, sin errores" in check(editor, answer.data, "ejemplo.csv", path)
    # Frictionless alone, with nothing but what the site publishes, finds it valid too.
    descriptor = json.loads(visitor.get(f"{path}/schema.json").text)
    resource = Resource(data=answer.data, format="csv", schema=Schema.from_descriptor(descriptor))
    report = resource.validate()
    assert report.valid, report.flatten(["rowNumber", "fieldName", "note"])


@pytest.mark.parametrize("name", list_table_schemas())
def test_the_filled_in_template_passes_the_check(editor: Reader, name: str) -> None:
    schema = list_table_schemas()[name]
    path = f"/marathon/tables/{name}"
    book = load_workbook(io.BytesIO(editor.get(f"/es{path}/template.xlsx").data))
    assert book.sheetnames == ["Datos", "Ejemplo"]
    for row in schema.example:
        book["Datos"].append(list(row))
    filled = io.BytesIO()
    book.save(filled)
    assert "2 filas, sin errores" in check(editor, filled.getvalue(), path=path)


def test_errors_name_row_column_and_what_to_do(editor: Reader) -> None:
    text = check(editor, make_xlsx([HEADING, ["A", "lunes", "06:00"], ["B", "feriado", "06:00"]]))
    assert "1 error." in text
    assert "B: Día" in text
    assert "“feriado” no está en la lista. Escriba uno de: Lunes, Martes" in text


def test_a_missing_column_is_named_in_the_readers_language(editor: Reader) -> None:
    content = make_xlsx([["Sector", "Día"], ["A", "lunes"]])
    assert "Falta la columna “Desde”" in check(editor, content)
    answer = editor.post(WATER, {"file": (io.BytesIO(content), "agua.xlsx")})
    assert "The column “From” is missing" in answer.text


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "vacio.csv", "El archivo está vacío"),
        (b"%PDF-1.7\n", "acta.pdf", "El archivo no tiene una tabla con filas"),
        (b"<html><table></table></html>", "reporte.xls", "El archivo es una página web"),
        (b"sector,dia\n", "solo.csv", "El archivo no tiene una tabla con filas"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_the_reason(
    editor: Reader, content: bytes, name: str, message: str
) -> None:
    assert message in check(editor, content, name)


def test_a_form_without_a_file_says_so(editor: Reader) -> None:
    answer = editor.post(f"/es{WATER}", {"other": "x"})
    assert answer.status_code == 200
    assert "Elija un archivo" in answer.text


def test_only_people_who_are_logged_in_check_files(visitor: Reader) -> None:
    answer = visitor.post(WATER, {"file": (io.BytesIO(b"a"), "a.csv")})
    assert answer.status_code in {302, 403}
    assert "Inicie sesión" in visitor.get(f"/es{WATER}").text


@pytest.mark.parametrize("path", ["", "/schema.json", "/example.csv", "/template.xlsx"])
def test_an_unknown_table_is_404_with_the_known_ones(visitor: Reader, path: str) -> None:
    answer = visitor.get(f"/marathon/tables/nothing{path}")
    assert answer.status_code == 404
    assert WATER in answer.text


def test_a_service_problem_leads_to_its_table(visitor: Reader) -> None:
    assert visitor.page("/service-problem/AGU-01").select_one(f'a[href="{WATER}"]')
    assert not visitor.page("/service-problem/EDU-01").select('a[href^="/marathon/tables"]')
