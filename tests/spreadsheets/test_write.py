"""Tables as CSV, JSON and Excel: dates, codes, empty cells and formulas."""

from __future__ import annotations

import csv
import io
import json
from datetime import date

import pytest
from openpyxl import load_workbook

from ckanext.marathon import spreadsheets
from ckanext.marathon.domain.table import ColumnType
from ckanext.marathon.spreadsheets import Cell, Column, Table

COLUMNS = [
    Column("code", "Código"),
    Column("title", "Título"),
    Column("number", "Número", type=ColumnType.INTEGER),
    Column("day", "Día", type=ColumnType.DATE),
]
ROWS: list[list[Cell]] = [
    ["0501", "Agua, drenaje y «pozos»", 3, date(2017, 6, 3)],
    ["2105", "=1+1", -2, None],
    ["", "una\nlínea\x00 y\x1f otra", 0, None],
]


def table() -> Table:
    return Table("tabla", "Hoja: [una]/dos*tres?", COLUMNS, iter(ROWS))


class TestCsv:
    def rows(self) -> list[list[str]]:
        text = b"".join(spreadsheets.write_csv_lines(table())).decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text, newline="")))

    def test_csv_begins_with_a_byte_order_mark(self) -> None:
        assert next(spreadsheets.write_csv_lines(table())).startswith(spreadsheets.BOM)

    def test_csv_columns_have_machine_names(self) -> None:
        assert self.rows()[0] == ["code", "title", "number", "day"]

    def test_codes_keep_their_zeros_and_dates_are_iso(self) -> None:
        assert self.rows()[1] == ["0501", "Agua, drenaje y «pozos»", "3", "2017-06-03"]

    def test_formulas_are_quoted_and_negative_numbers_are_not(self) -> None:
        assert self.rows()[2] == ["2105", "'=1+1", "-2", ""]

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
    def test_each_first_character_of_a_formula_is_quoted(self, start: str) -> None:
        written = spreadsheets.write_csv_line([f"{start}SUM(1)", f"x{start}"]).decode()
        assert next(csv.reader(io.StringIO(written, newline=""))) == [
            f"'{start}SUM(1)",
            f"x{start}",
        ]


class TestJson:
    def test_rows_are_objects_and_numbers_are_numbers(self) -> None:
        first, second, _third = json.loads(b"".join(spreadsheets.write_json_lines(table())))
        assert first == {
            "code": "0501",
            "title": "Agua, drenaje y «pozos»",
            "number": 3,
            "day": "2017-06-03",
        }
        assert second["day"] is None


class TestExcel:
    def sheet(self) -> list[list[object]]:
        book = load_workbook(io.BytesIO(spreadsheets.write_workbook([table()])))
        assert book.sheetnames == ["Hoja   una  dos tres "]
        return [list(row) for row in book.active.iter_rows(values_only=True)]

    def test_workbook_columns_have_readable_names(self) -> None:
        assert self.sheet()[0] == ["Código", "Título", "Número", "Día"]

    def test_a_text_that_begins_like_a_formula_stays_text(self) -> None:
        book = load_workbook(io.BytesIO(spreadsheets.write_workbook([table()])))
        cell = book.active["B3"]
        assert (cell.value, cell.data_type) == ("=1+1", "s")

    @pytest.mark.parametrize("unknown", ["\x00", "\x1f"])
    def test_characters_invalid_in_excel_are_left_out(self, unknown: str) -> None:
        assert any(unknown in str(cell) for row in ROWS for cell in row)
        assert all(unknown not in str(cell) for row in self.sheet() for cell in row)
        assert self.sheet()[3][1] == "una\nlínea y otra"
