"""Sheets as officers make them: headings in any row and language, titles above, blanks below."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.spreadsheets.paste import write_pasted
from ckanext.marathon.spreadsheets.rows import RecordRow, SheetReader
from ckanext.marathon.spreadsheets.template import write_template, write_template_csv
from ckanext.marathon.spreadsheets.workbook import find_sheet, get_sheet, list_sheets


def read(rows: list[list[Any]], sheet: str = "ideas") -> tuple[list[RecordRow], SheetReader]:
    reader = SheetReader(get_sheet(sheet))
    return list(reader.read_rows(enumerate(rows, 1))), reader


HEAD = ["Código", "Idea", "Taller"]
ROW = ["I-1", "Pozos", "T-1"]
VALUES = {"code": "I-1", "title": "Pozos", "workshop": "T-1"}


@pytest.mark.parametrize(
    "rows",
    [
        [HEAD, ROW],
        [["code", "title", "workshop_code"], ROW],
        [["Code", "Idea", "Workshop"], ROW],
        [["CODIGO", "titulo", "TALLER"], ROW],
        [["Código *", "Idea *", "Taller *"], ROW],
        [["Código / Code", "Idea / Idea", "Taller / Workshop"], ROW],
        [["Código (clave)", "Idea", "Taller"], ROW],
        [["Municipalidad de ejemplo", None, None], [], ["Listado", "2024"], HEAD, ROW],
        [HEAD, ["Code", "Idea", "Workshop"], ROW],
        [HEAD, ROW, HEAD, [None, None, None], ["", " ", None]],
        [["Taller", "Código", "Idea"], ["T-1", "I-1", "Pozos"]],
        [[None, *HEAD], [None, *ROW]],
        [[*HEAD, None, None], [*ROW, None, "  "]],
        [HEAD, ["(ejemplo; esta fila no se importa)", "Otra", "T-9"], ROW],
        [HEAD, ["(example; this row is not imported)", "Otra", "T-9"], ROW],
    ],
)
def test_headings_are_found(rows: list[list[Any]]) -> None:
    found, _ = read(rows)
    assert [dict(row.values) for row in found] == [VALUES]


def test_rows_have_the_numbers_of_the_spreadsheet() -> None:
    found, _ = read([["Título"], HEAD, ROW, [], ["I-2", "Otra", "T-1"]])
    assert [row.number for row in found] == [3, 5]
    assert found[1].find_place("workshop") == (5, 2)


def test_example_rows_are_counted_and_codes_of_examples_are_not_taken_for_them() -> None:
    found, reader = read([HEAD, ["(ejemplo)", "x", "y"], ["EJEMPLO-1", "Pozos", "T-1"]])
    assert reader.examples == 1
    assert found[0].values["code"] == "EJEMPLO-1"


def test_unknown_and_doubled_columns_are_reported() -> None:
    _, reader = read([[*HEAD, "Color", "Idea"], [*ROW, "azul", "x"]])
    assert [(remark.place.column, remark.heading) for remark in reader.remarks] == [
        *((3, "Color"), (4, "Idea"))
    ]


def test_a_sheet_without_headings_is_refused() -> None:
    with pytest.raises(Malformed):
        read([["a", "b"], ["c", "d"]])


def test_an_empty_sheet_has_no_rows() -> None:
    assert read([])[0] == []


def test_several_values_need_as_many_in_the_other_column() -> None:
    head = ["Código", "Título", "Organizadores", "Rol de los organizadores"]
    rows = [head, ["T-1", "Taller", "A | B", "convoca"], ["T-2", "Taller", "A | B", "convoca |"]]
    found, _ = read(rows, "workshops")
    (fault,) = found[0].faults
    assert (fault.place.row, fault.place.column) == (2, 3)
    assert found[1].faults == ()


@pytest.mark.parametrize("lang", ["es", "en"])
def test_the_template_is_read_without_problems_and_has_no_rows(lang: str) -> None:
    book = load_workbook(io.BytesIO(write_template(lang)))
    names = {sheet.name for title in book.sheetnames if (sheet := find_sheet(title))}
    assert names == {sheet.name for sheet in list_sheets()}
    for title in book.sheetnames:
        sheet = find_sheet(title)
        if sheet is None:
            continue
        page = book[title]
        assert isinstance(page, Worksheet)
        rows = [list(row) for row in page.iter_rows(values_only=True)]
        found, reader = read(rows, sheet.name)
        assert found == []
        assert reader.remarks == []
        assert reader.examples == 1


def test_the_template_has_notes_and_lists_of_names() -> None:
    book = load_workbook(io.BytesIO(write_template("es")))
    page = book["Talleres"]
    assert isinstance(page, Worksheet)
    assert all(cell.comment and cell.comment.text for cell in page[1])
    assert page.data_validations.count >= 5
    texts = {cell for row in book["Listas"].iter_rows(values_only=True) for cell in row}
    assert {"San Carlos Alzatate (Jalapa)", "realizado", "anual"} <= texts


@pytest.mark.parametrize("name", [sheet.name for sheet in list_sheets()])
def test_example_rows_are_valid_by_themselves(name: str) -> None:
    """An officer who keeps the example as a start finds nothing to correct in it."""
    text = write_template_csv(get_sheet(name), "es").decode("utf-8-sig")
    rows: list[list[Any]] = list(csv.reader(io.StringIO(text)))
    key = [c.field for c in get_sheet(name).list_columns(with_extra=False)].index(
        get_sheet(name).key
    )
    rows[2][key] = "T-01"
    found, _ = read(rows, name)
    assert [row.faults for row in found] == [()]


def test_pasted_rows_may_have_headings_or_not() -> None:
    for text in ("Código\tIdea\nI-1\tPozos", "I-1\tPozos"):
        name, content = write_pasted(text, "ideas")
        rows: list[list[Any]] = list(csv.reader(io.StringIO(content.decode()), delimiter="\t"))
        found, _ = read(rows)
        assert name == "Ideas"
        assert dict(found[0].values) == {"code": "I-1", "title": "Pozos"}
