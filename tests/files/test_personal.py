"""Personal data in tables. All people, numbers and addresses are made up."""

from __future__ import annotations

from pathlib import Path

import pytest
from stdnum.gt import nit

from ckanext.marathon.files.privacy import PersonalColumn, find_personal_columns, is_person_name
from ckanext.marathon.files.profile import profile_file
from tests.files.awkward import make_xlsx

# A number with a right check digit, of department 01 and municipality 01, that is all zeros else.
DPI = "0000000000101"
NIT = f"1000001-{nit.calc_check_digit('1000001')}"


def search(tmp_path: Path, content: str | bytes, name: str = "a.csv") -> tuple[PersonalColumn, ...]:
    path = tmp_path / "stored"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return find_personal_columns(path, profile_file(path, name))


@pytest.mark.parametrize(
    ("heading", "value", "kind"),
    [
        ("DPI", "0000 00000 0101", "identity"),
        ("dato", DPI, "identity"),
        ("No. de teléfono", "55550000", "phone"),
        ("contacto", "5555-0000", "phone"),
        ("NIT", NIT, "tax"),
        ("proveedor", NIT, "tax"),
        ("Correo electrónico", "persona@example.org", "email"),
        ("dato", "persona@example.org", "email"),
        ("Nombre del beneficiario", "Persona Inventada", "name"),
        ("columna", "María Ejemplo Inventado", "name"),
        ("columna", "EJEMPLO INVENTADO, MARÍA", "name"),
        ("Fecha de nacimiento", "01/02/1990", "birth"),
        ("Dirección domiciliar", "Calle del ejemplo", "address"),
    ],
)
def test_a_column_of_personal_data_is_found(
    heading: str, value: str, kind: str, tmp_path: Path
) -> None:
    (found,) = search(tmp_path, f'sector,"{heading}"\n' + f'A,"{value}"\n' * 4)
    assert (found.kind, found.letter, found.label) == (kind, "B", heading)
    assert (found.count, found.is_whole) == (4, True)
    assert found.cells[0] == (2, value)


@pytest.mark.parametrize(
    ("heading", "value"),
    [
        ("Beneficiarios", "25"),
        ("Número de vecinos", "1200"),
        ("monto", "55550000"),
        ("Responsable", "Dirección de Aguas"),
        ("lugar", "Colonia San José"),
        ("obra", "Construcción escuela Juan José"),
        ("municipio", "San Juan Sacatepéquez"),
        ("código", "20260101"),
        ("período", "2024-2025"),
        ("sector", "El Ejemplo"),
        ("nota", "se reportó el 12/03/2024"),
    ],
)
def test_figures_and_places_are_no_personal_data(heading: str, value: str, tmp_path: Path) -> None:
    assert search(tmp_path, f'sector,"{heading}"\n' + f'A,"{value}"\n' * 4) == ()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("Avisar a persona@example.org antes del lunes", "email"),
        (f"reportado por el DPI {DPI}", "identity"),
        ("llamar al tel. 5555 0000", "phone"),
    ],
)
def test_single_cells_are_found(value: str, kind: str, tmp_path: Path) -> None:
    rows = ["sin agua"] * 8 + [value]
    (found,) = search(tmp_path, "sector,nota\n" + "".join(f"A,{note}\n" for note in rows))
    assert (found.kind, found.count, found.is_whole) == (kind, 1, False)
    assert found.cells == ((10, value),)


def test_all_sheets_are_searched_also_hidden_ones(tmp_path: Path) -> None:
    rows = [["Sector", "DPI"], *[["A", int("2" + DPI[1:])]] * 3]
    content = make_xlsx(
        [["Sector", "Casos"], ["A", 3]], rows, names=("datos", "lista"), hidden=(1,)
    )
    (found,) = search(tmp_path, content, "a.xlsx")
    assert (found.sheet, found.letter, found.kind) == ("lista", "B", "identity")


def test_only_the_first_cells_are_listed(tmp_path: Path) -> None:
    (found,) = search(tmp_path, "correo\n" + "persona@example.org\n" * 50)
    assert found.count == 50
    assert [cell.row for cell in found.cells] == [2, 3, 4, 5, 6]


def test_a_file_that_is_no_table_has_no_columns(tmp_path: Path) -> None:
    assert search(tmp_path, b"%PDF-1.7\n", "acta.pdf") == ()


def test_names_of_places_are_no_names_of_people() -> None:
    assert is_person_name("Juan Ejemplo")
    assert not is_person_name("Aldea San Juan")
