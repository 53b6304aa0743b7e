"""The profile of spreadsheets as offices make them."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckanext.marathon.files.profile import find_period, profile_file, read_records, suggest_title
from ckanext.marathon.files.tables import name_column, open_tables
from tests.files.awkward import CASES, Awkward, make_xlsx


def _write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "stored"
    path.write_bytes(content)
    return path


READABLE = {name: case for name, case in CASES.items() if not case.unreadable}


def test_there_are_at_least_forty_cases() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("case", READABLE.values(), ids=READABLE)
def test_an_awkward_table_is_read(case: Awkward, tmp_path: Path) -> None:
    profile = profile_file(_write(tmp_path, case.make()), case.name)
    assert profile.problem is None
    shown = [found for found in profile.sheets if not found.is_hidden]
    sheet = profile.main_sheet or shown[0]
    assert {column.name: str(column.type) for column in sheet.columns} == case.columns
    assert sheet.first_rows[:1] == ((case.first_row,) if case.first_row else ())
    assert (sheet.row_count, sheet.heading.row) == (case.rows, case.heading_row)
    assert (profile.encoding, profile.separator) == (case.encoding, case.separator)
    assert len(sheet.problems) == len(case.problems), list(map(str, sheet.problems))
    for problem, expected in zip(sheet.problems, case.problems, strict=True):
        assert str(problem).startswith(expected)
    if case.title is not None:
        assert profile.title == case.title
    assert profile.period == case.period


UNREADABLE = {name: case for name, case in CASES.items() if case.unreadable}


@pytest.mark.parametrize("case", UNREADABLE.values(), ids=UNREADABLE)
def test_the_reason_is_given_why_a_file_is_no_table(case: Awkward, tmp_path: Path) -> None:
    profile = profile_file(_write(tmp_path, case.make()), case.name)
    assert str(profile.problem).startswith(case.unreadable)
    assert profile.sheets == ()


def test_records_have_the_types_of_their_columns(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "código;monto;día;nota\n0501;Q 1,234.50;01/02/2024;x\n0502;-;;\n".encode("cp1252"),
    )
    sheet = profile_file(path, "a.csv").sheets[0]
    assert list(read_records(path, sheet)) == [
        (2, ["0501", 1234.5, date(2024, 2, 1), "x"]),
        (3, ["0502", None, None, None]),
    ]


def test_a_table_is_read_in_part_when_asked_to(tmp_path: Path) -> None:
    path = _write(tmp_path, ("a,b\n" + "1,2\n" * 100).encode())
    sheet = profile_file(path, "a.csv", most_rows=10).sheets[0]
    assert (sheet.row_count, sheet.is_partial) == (10, True)
    whole = profile_file(path, "a.csv", most_rows=100).sheets[0]
    assert (whole.row_count, whole.is_partial) == (100, False)


def test_sheets_may_be_left_unread(tmp_path: Path) -> None:
    rows = [["Sector"], *([f"S{number}"] for number in range(2000))]
    path = _write(tmp_path, make_xlsx(rows, rows, names=("uno", "dos")))
    with open_tables(path) as table:
        names = []
        for sheet in table.sheets:
            names.append(sheet.name)
            next(sheet.rows)
    assert names == ["uno", "dos"]


def test_a_file_that_is_no_table_has_its_type_and_size(tmp_path: Path) -> None:
    path = _write(tmp_path, b"%PDF-1.7\n")
    profile = profile_file(path, "Acta_del taller marzo 2026.pdf")
    assert (profile.format, profile.media_type, profile.size) == (None, "application/pdf", 9)
    assert (profile.title, profile.period) == ("Acta del taller marzo 2026", ("2026-03", "2026-03"))


@pytest.mark.parametrize(
    ("position", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")]
)
def test_columns_have_the_letters_of_a_spreadsheet_program(position: int, letters: str) -> None:
    assert name_column(position) == letters


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("agua enero 2026", ("2026-01", "2026-01")),
        ("agua enero a marzo de 2026", ("2026-01", "2026-03")),
        ("agua ene mar 2026", ("2026-01", "2026-03")),
        ("agua 2026 04", ("2026-04", "2026-04")),
        ("agua 04 2026", ("2026-04", "2026-04")),
        ("agua setiembre del 2026", ("2026-09", "2026-09")),
        ("presupuesto 2026", ("2026", "2026")),
        ("diciembre a enero 2026", None),
        ("agua", None),
        ("zona 12", None),
    ],
)
def test_a_period_is_found_in_a_text(text: str, period: tuple[str, str] | None) -> None:
    assert find_period(text) == period


@pytest.mark.parametrize(
    ("name", "titles", "title"),
    [
        ("HORARIOS_AGUA_FINAL_v2.xlsx", (), "Horarios agua"),
        ("x.csv", ("MUNICIPALIDAD DE EJEMPLO", "Rutas del tren de aseo"), "Rutas del tren de aseo"),
        ("rutas.csv", ("MUNICIPALIDAD DE EJEMPLO",), "Rutas"),
    ],
)
def test_a_title_is_suggested(name: str, titles: tuple[str, ...], title: str) -> None:
    assert suggest_title(name, titles) == title


_TEXT = st.text(
    st.characters(codec="cp1252", exclude_categories=("Cc", "Cf", "Zl", "Zp")), max_size=12
)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    rows=st.lists(st.tuples(_TEXT, _TEXT, _TEXT), min_size=1, max_size=20),
    separator=st.sampled_from(";,\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_the_texts_of_any_csv_come_back(
    rows: list[tuple[str, str, str]], separator: str, encoding: str, tmp_path: Path
) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=separator)
    writer.writerow(["uno", "dos", "tres"])
    writer.writerows(rows)
    path = _write(tmp_path, written.getvalue().encode(encoding))
    with open_tables(path) as table:
        (sheet,) = table.sheets
        read = [row.cells for row in sheet.rows][1:]
    expected = [tuple(cell.strip() or None for cell in row) for row in rows]
    filled = [_trim(row) for row in expected if any(row)]
    assert read == filled


def _trim(cells: tuple[str | None, ...]) -> tuple[str | None, ...]:
    while cells and cells[-1] is None:
        cells = cells[:-1]
    return cells


@pytest.mark.parametrize("content", [b"a" * 3_000_000, b"\xf1" * 1_000_000, b"a," * 1_500_000])
def test_a_long_line_is_read_in_one_pass(content: bytes, tmp_path: Path) -> None:
    # A pattern that begins anew at every letter would take hours.
    profile = profile_file(_write(tmp_path, content), "a.csv")
    assert profile.size == len(content)


def test_times_of_another_zone_are_those_of_guatemala(tmp_path: Path) -> None:
    path = _write(tmp_path, b"inicio,casos\n2024-02-01T12:30:00Z,1\n")
    sheet = profile_file(path, "a.csv").sheets[0]
    ((_, (moment, _)),) = read_records(path, sheet)
    assert str(moment) == "2024-02-01 06:30:00"
