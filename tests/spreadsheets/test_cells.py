"""Cells as officers write them, and what each yields."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.spreadsheets.cells import read_cell, write_cell
from ckanext.marathon.spreadsheets.workbook import (
    LISTS,
    ValueKind,
    WorkbookColumn,
    get_sheet,
    list_choices,
    list_sheets,
)


def column(sheet: str, name: str) -> WorkbookColumn:
    return {found.name: found for found in get_sheet(sheet).columns}[name]


MUNICIPALITY = column("workshops", "municipality")
PROBLEM = column("ideas", "service_problem")
DAY = column("workshops", "rsvp_by")
MOMENT = column("workshops", "starts_at")
PERIOD = column("datasets", "temporal_coverage.start")
COUNT = column("workshops", "participants")
LATITUDE = column("workshops", "latitude")
STATUS = column("ideas", "status")
KIND = column("workshops", "kind")
TICK = column("attendance", "invitation.attended")
FLAG = column("datasets", "private")
FREQUENCY = column("datasets", "frequency")
LICENCE = column("datasets", "license_id")
LANGUAGE = column("workshops", "language")
COMMUNITY = column("ideas", "community")
TITLE = column("ideas", "title")
CODE = column("ideas", "code")
KEYWORDS = column("datasets", "tag_string")
EVIDENCE = column("ideas", "evidence")


@pytest.mark.parametrize(
    ("of", "cell", "value"),
    [
        # Codes that lost their zero, names with and without accents, several at once.
        (MUNICIPALITY, "0501", ["0501"]),
        (MUNICIPALITY, 501, ["0501"]),
        (MUNICIPALITY, 501.0, ["0501"]),
        (MUNICIPALITY, "501.0", ["0501"]),
        (MUNICIPALITY, "'0501", ["0501"]),
        (MUNICIPALITY, "San Carlos Alzatate", ["2105"]),
        (MUNICIPALITY, "  san carlos  ALZATATE ", ["2105"]),
        (MUNICIPALITY, "Municipalidad de San Carlos Alzatate", ["2105"]),
        (MUNICIPALITY, "San Carlos Alzatate (Jalapa)", ["2105"]),
        (MUNICIPALITY, "San Carlos Alzatate, Jalapa", ["2105"]),
        (MUNICIPALITY, "2105 San Carlos Alzatate", ["2105"]),
        (MUNICIPALITY, "2105 | 0115", ["2105", "0115"]),
        (MUNICIPALITY, "2105; Villa Nueva", ["2105", "0115"]),
        (MUNICIPALITY, "2105\n115", ["2105", "0115"]),
        (MUNICIPALITY, "2105, 0115", ["2105", "0115"]),
        (PROBLEM, "AGU-01", ["AGU-01"]),
        (PROBLEM, "agu 1", ["AGU-01"]),
        (PROBLEM, "agu1|RES-01", ["AGU-01", "RES-01"]),
        (PROBLEM, "AGU-01, RES-01", ["AGU-01", "RES-01"]),
        # Dates of Excel, of people and of programs.
        (DAY, datetime(2024, 5, 27), "2024-05-27"),
        (DAY, date(2024, 5, 27), "2024-05-27"),
        (DAY, "27/05/2024", "2024-05-27"),
        (DAY, "27-5-2024", "2024-05-27"),
        (DAY, 45439, "2024-05-27"),
        (DAY, "45439", "2024-05-27"),
        (MOMENT, datetime(2024, 5, 27, 9, 30), "2024-05-27T09:30:00-06:00"),
        (MOMENT, "27/05/2024 9:30", "2024-05-27T09:30:00-06:00"),
        (MOMENT, datetime(2024, 5, 27), "2024-05-27"),
        (MOMENT, 45439.395833333336, "2024-05-27T09:30:00-06:00"),
        # Numbers.
        (COUNT, 30, "30"),
        (COUNT, 30.0, "30"),
        (COUNT, "1,234", "1234"),
        (COUNT, " 30 ", "30"),
        (LATITUDE, 14.48005, "14.48005"),
        (LATITUDE, "-90", "-90"),
        # Words of lists.
        (STATUS, "Priorizada", "prioritised"),
        (STATUS, "en ejecucion", "in_progress"),
        (STATUS, "discarded", "discarded"),
        (KIND, "maratón de ideas (ideatón)", "ideation"),
        (KIND, "Maraton de ideas", "ideation"),
        (TICK, "x", "yes"),
        (TICK, "✓", "yes"),
        (TICK, True, "yes"),
        (TICK, "Sí", "yes"),
        (TICK, "no", "no"),
        (TICK, 0, "no"),
        (FLAG, "no", "false"),
        (LICENCE, "CC-BY-4.0", "cc-by"),
        (LICENCE, "cc-by: Creative Commons Atribución 4.0 Internacional", "cc-by"),
        (LICENCE, "una propia", "una propia"),
        # Texts.
        (TITLE, " Con blancos al final \u00a0", "Con blancos al final"),
        (TITLE, "\ufeffCon marca", "Con marca"),
        (TITLE, 2024, "2024"),
        (TITLE, "Dos\r\nlíneas", "Dos\nlíneas"),
        (CODE, 7.0, "7"),
        (CODE, " T - 1 ", "T - 1"),
        (COMMUNITY, "El Rosario | La Paz; Centro", ["El Rosario", "La Paz; Centro"]),
        (COMMUNITY, "Una || otra", ["Una | otra"]),
        (KEYWORDS, "agua, pozos; riego", ["agua", "pozos", "riego"]),
        (EVIDENCE, "https://a.gt/x https://b.gt/y", None),
        (EVIDENCE, "https://a.gt/x | https://b.gt/y", ["https://a.gt/x", "https://b.gt/y"]),
        # To remove a value.
        (TITLE, "(vacío)", ""),
        (COMMUNITY, "(empty)", []),
    ],
)
def test_a_cell_yields(of: WorkbookColumn, cell: Any, value: Any) -> None:
    if value is None:
        with pytest.raises(Malformed):
            read_cell(of, cell)
        return
    reading = read_cell(of, cell)
    assert reading is not None
    assert reading.value == value


@pytest.mark.parametrize("cell", [None, "", "   ", "\u00a0", "\ufeff"])
def test_an_empty_cell_is_no_value(cell: Any) -> None:
    assert read_cell(TITLE, cell) is None


@pytest.mark.parametrize(
    ("of", "cell", "named"),
    [
        (MUNICIPALITY, "9999", "9999"),
        (MUNICIPALITY, 51, "51"),
        (MUNICIPALITY, "Villa Inexistente", "Villa Inexistente"),
        (MUNICIPALITY, "2105 Villa Nueva", "2105 Villa Nueva"),
        (PROBLEM, "AGU-01 otra cosa", "AGU-01 otra cosa"),
        (PROBLEM, "agua que no llega nunca", "agua"),
        (DAY, "31/06/2024", "31/06/2024"),
        (DAY, "05/2024", "05/2024"),
        (DAY, time(9, 30), "09:30"),
        (DAY, timedelta(hours=36), "12:00"),
        (MOMENT, "mañana", "mañana"),
        (COUNT, "doce", "doce"),
        (COUNT, 1.5, "1.5"),
        (COUNT, "1.234", "1234"),
        (COUNT, "-3", "-3"),
        (LATITUDE, "91", "91"),
        (STATUS, "en trámite", "en trámite"),
        (TICK, "quizás", "quizás"),
        (FREQUENCY, "a veces", "a veces"),
        (EVIDENCE, "a.gt/x", "a.gt/x"),
    ],
)
def test_a_cell_that_cannot_be_read_says_what_it_is(
    of: WorkbookColumn, cell: Any, named: str
) -> None:
    with pytest.raises(Malformed) as raised:
        read_cell(of, cell)
    assert named in str(raised.value.fault)


def test_a_name_of_several_municipalities_lists_them() -> None:
    with pytest.raises(Malformed) as raised:
        read_cell(MUNICIPALITY, "La Libertad")
    assert "Huehuetenango" in str(raised.value.fault)
    assert "Petén" in str(raised.value.fault)
    reading = read_cell(MUNICIPALITY, "La Libertad (Petén)")
    assert reading is not None
    assert len(reading.value) == 1


def test_what_was_corrected_is_told() -> None:
    for of, cell in ((MUNICIPALITY, 501), (DAY, "27/05/2024"), (COUNT, "1,234"), (DAY, 45439)):
        reading = read_cell(of, cell)
        assert reading is not None
        assert reading.notice is not None, cell


def test_values_of_several_rows_are_in_one_cell() -> None:
    role = column("workshops", "organiser.role")
    reading = read_cell(role, "convoca | | facilita", several=True)
    assert reading is not None
    assert reading.value == ["convener", "", "facilitator"]
    start = read_cell(PERIOD, "2023 | 01/02/2024", several=True)
    assert start is not None
    assert start.value == ["2023", "2024-02-01"]


COLUMNS = [found for sheet in list_sheets() for found in sheet.columns]


@pytest.mark.parametrize("lang", ["es", "en"])
def test_every_choice_of_a_list_is_read_as_itself(lang: str) -> None:
    for of in COLUMNS:
        for choice in list_choices(of, lang):
            reading = read_cell(of, choice.text)
            assert reading is not None
            assert reading.value in (choice.value, [choice.value]), (of.name, choice)


_TEXTS = st.text(
    st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1, max_size=30
).filter(lambda text: text == " ".join(text.split()) and not text.startswith("("))
_DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1)).map(date.isoformat)


def values_of(of: WorkbookColumn) -> st.SearchStrategy[Any]:
    """Return stored values of a column."""
    choices = [choice.value for choice in list_choices(of, "es")]
    if choices:
        items: st.SearchStrategy[str] = st.sampled_from(choices)
    elif of.kind in (ValueKind.DAY, ValueKind.DATE, ValueKind.MOMENT):
        items = _DAYS
    elif of.kind == ValueKind.COUNT:
        items = st.integers(0, 10**9).map(str)
    elif of.kind == ValueKind.NUMBER:
        items = st.integers(0, 90).map(str)
    elif of.kind in (ValueKind.ADDRESS, ValueKind.ADDRESSES):
        items = st.integers().map(lambda number: f"https://example.org/{number}?a=b")
    elif of.kind == ValueKind.KEYWORDS:
        items = st.from_regex(r"[a-zñ]{2,12}", fullmatch=True)
    elif of.kind == ValueKind.TICK:
        items = st.sampled_from(["yes", "no"])
    else:
        items = _TEXTS
    return st.lists(items, min_size=1, max_size=4, unique=True) if of.kind in LISTS else items


@given(st.data(), st.sampled_from(COLUMNS))
def test_a_written_value_is_read_as_the_same_value(data: st.DataObject, of: WorkbookColumn) -> None:
    value = data.draw(values_of(of))
    reading = read_cell(of, write_cell(of, value))
    assert reading is not None
    assert reading.value == value


@given(st.lists(st.text("ab| ;\n", max_size=6).map(str.strip), min_size=2, max_size=4))
def test_separators_within_items_survive(items: list[str]) -> None:
    of = column("workshops", "organiser.name")
    reading = read_cell(of, write_cell(of, items), several=True)
    if any(items):
        assert reading is not None
        assert reading.value == items
