"""The tables that municipalities can compare."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from frictionless import Schema

from ckanext.marathon.files.profile import profile_file
from ckanext.marathon.files.table_schemas import (
    TableSchema,
    find_table_schema,
    guess_schema,
    list_schemas_about,
    list_table_schemas,
)
from ckanext.marathon.files.validation import TableReport, read_valid_rows, validate_sheet
from ckanext.marathon.vocabulary import problems
from tests.files.awkward import make_xlsx

SCHEMAS = list_table_schemas()


def get(name: str) -> TableSchema:
    found = find_table_schema(name)
    assert found
    return found


def validate(
    tmp_path: Path, schema: TableSchema, heading: Sequence[str], *rows: Sequence[Any]
) -> TableReport:
    path = tmp_path / "stored"
    path.write_bytes(make_xlsx([list(heading), *map(list, rows)]))
    (sheet,) = profile_file(path, "a.xlsx").sheets
    return validate_sheet(path, sheet, schema)


def list_messages(report: TableReport) -> list[tuple[int, str, str]]:
    return [(error.row, error.letter, str(error.fault)) for error in report.errors]


def test_there_are_five_schemas() -> None:
    assert list(SCHEMAS) == [
        *("budget-execution", "roads", "street-lights", "waste-collection", "water-service")
    ]


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_a_schema_is_a_frictionless_table_schema(schema: TableSchema) -> None:
    descriptor = schema.build_descriptor("https://example.org/vocabulary/table")
    assert list(Schema.metadata_validate(descriptor)) == []
    assert Schema.from_descriptor(descriptor).field_names == [
        column.name for column in schema.fields
    ]


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_a_schema_is_described_in_two_languages(schema: TableSchema) -> None:
    for described in (schema, *schema.fields):
        for texts in (described.title, described.description):
            assert sorted(texts) == ["en", "es"]
            assert all(texts.values())


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_a_schema_is_about_problems_of_the_classification(schema: TableSchema) -> None:
    assert schema.problems
    for notation in schema.problems:
        assert problems.get_problem(notation)
        assert schema in list_schemas_about([notation])


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_headings_mean_one_column(schema: TableSchema) -> None:
    taken: dict[str, str] = {}
    for column in schema.fields:
        for heading in column.headings:
            assert taken.setdefault(heading, column.name) == column.name, heading


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@pytest.mark.parametrize("lang", ["es", "en"])
def test_the_example_is_valid_and_says_that_it_is_one(
    schema: TableSchema, lang: str, tmp_path: Path
) -> None:
    heading = [column.title[lang] for column in schema.fields]
    report = validate(tmp_path, schema, heading, *schema.example)
    assert list_messages(report) == []
    assert report.is_valid
    assert report.row_count == len(schema.example) >= 2
    assert report.extra_columns == ()
    assert all("ejemplo" in " ".join(map(str, row)).lower() for row in schema.example)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_a_schema_is_recognised_by_the_headings_of_a_table(schema: TableSchema) -> None:
    assert guess_schema([column.title["es"] for column in schema.fields]) is schema


def test_a_table_without_the_required_columns_is_of_no_schema() -> None:
    assert guess_schema(["Sector", "Nota"]) is None


def test_schemas_of_an_area_are_offered_for_it() -> None:
    assert get("water-service") in list_schemas_about(["AGU"])
    assert get("water-service") not in list_schemas_about(["RES-01"])
    assert list_schemas_about(["no such notation"]) == []


WATER = get("water-service")
HEADING = ("Municipio", "Colonia", "DÍA", "Hora de inicio", "Viviendas conectadas", "Cloro")


def test_values_are_read_as_offices_write_them(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_bytes(
        make_xlsx(
            [
                list(HEADING),
                [501, "A", "Miércoles", time(6, 30), "1,200", "sí"],
                ["San Carlos Alzatate", "B", "sabado", "2:15 p. m.", 7, False],
                [None, "C", "Todos los días", "18:00 hrs", None, "x"],
                ["0501", "D", "LUNES", datetime(1899, 12, 30, 6, 0), 1, "NO"],
            ]
        )
    )
    (sheet,) = profile_file(path, "a.xlsx").sheets
    assert list_messages(validate_sheet(path, sheet, WATER)) == []
    names = [column.name for column in WATER.fields]
    rows = [dict(zip(names, row, strict=True)) for row in read_valid_rows(path, sheet, WATER)]
    shown = ("municipio", "dia", "hora_inicio", "viviendas", "clorada", "hora_fin")
    assert [tuple(row[name] for name in shown) for row in rows] == [
        ("0501", "miercoles", time(6, 30), 1200, True, None),
        ("2105", "sabado", time(14, 15), 7, False, None),
        (None, "diario", time(18), None, True, None),
        ("0501", "lunes", time(6), 1, False, None),
    ]


@pytest.mark.parametrize(
    ("row", "letter", "message"),
    [
        (("", None, "lunes", "06:00", 1, ""), "B", "The cell is empty"),
        (("", "A", "feriado", "06:00", 1, ""), "C", "“feriado” is not in the list"),
        (("", "A", "lunes", "temprano", 1, ""), "D", "“temprano” is not a time of day"),
        (("", "A", "lunes", "6", 1, ""), "D", "“6” is not a time of day"),
        (("", "A", "lunes", "13:00 pm", 1, ""), "D", "“13:00 pm” is not a time of day"),
        (("", "A", "lunes", "06:00", -1, ""), "E", "-1 is too small: at least 0"),
        (("", "A", "lunes", "06:00", 1.5, ""), "E", "“1.5” is not a whole number"),
        (("", "A", "lunes", "06:00", "muchas", ""), "E", "“muchas” is not a number"),
        (("", "A", "lunes", "06:00", 1, "a veces"), "F", "“a veces” is neither yes nor no"),
        (("Nowhere", "A", "lunes", "06:00", 1, ""), "A", "“Nowhere” is no municipality"),
    ],
)
def test_an_error_names_row_column_and_what_to_do(
    row: tuple[Any, ...], letter: str, message: str, tmp_path: Path
) -> None:
    right = (None, "Otro", "lunes", "06:00", 1, "no")
    report = validate(tmp_path, WATER, HEADING, right, row)
    ((number, found, text),) = list_messages(report)
    assert (number, found) == (3, letter)
    assert text.startswith(message)
    assert (report.error_count, report.is_valid) == (1, False)


def test_rows_that_repeat_each_other_are_named(tmp_path: Path) -> None:
    row = (None, "A", "lunes", "06:00", 1, "no")
    report = validate(tmp_path, WATER, HEADING, row, (None, "B", *row[2:]), row)
    expected = "The row repeats row 2: both have the same Colonia, DÍA, Hora de inicio"
    assert list_messages(report) == [(4, "", expected)]


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    report = validate(tmp_path, WATER, ("Sector", "Día"), ("A", "lunes"))
    (error,) = report.errors
    assert (error.row, error.letter) == (0, "")
    assert error.fault.message.startswith("The column “{name}” is missing")
    assert error.fault.values == {"name": {"es": "Desde", "en": "From"}}


def test_other_columns_are_no_errors(tmp_path: Path) -> None:
    row = (None, "A", "lunes", "06:00", 1, "no", "x")
    report = validate(tmp_path, WATER, (*HEADING, "Encargado"), row)
    assert report.is_valid
    assert report.extra_columns == ("Encargado",)


def test_many_errors_are_counted_and_the_first_are_listed(tmp_path: Path) -> None:
    rows = [(None, f"S{number}", "feriado", "06:00", 1, "no") for number in range(300)]
    report = validate(tmp_path, WATER, HEADING, *rows)
    assert (report.error_count, len(report.errors)) == (300, 100)


def test_amounts_and_days_of_a_csv_are_read(tmp_path: Path) -> None:
    schema = get("roads")
    written = io.StringIO()
    writer = csv.writer(written, delimiter=";")
    writer.writerow(["Tramo", "Estado", "Costo (Q)", "Inicio de la obra", "Longitud (km)"])
    writer.writerow(["A - B", "Malo", "Q 1,234.50", "01/02/2026", "3.5"])
    path = tmp_path / "stored"
    path.write_bytes(written.getvalue().encode("cp1252"))
    (sheet,) = profile_file(path, "a.csv").sheets
    assert validate_sheet(path, sheet, schema).is_valid
    (row,) = read_valid_rows(path, sheet, schema)
    values = dict(zip((column.name for column in schema.fields), row, strict=True))
    assert (values["costo_q"], values["inicio"]) == (1234.5, date(2026, 2, 1))
