"""``ckan marathon template``, ``import``, ``imports``, ``undo`` and ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ckan import model
from openpyxl import load_workbook

from tests import factories

pytestmark = pytest.mark.usefixtures("marathon_site")

GOOD = "Código;Título;Municipios participantes\nT-1;Taller de prueba;2105\n"
BAD = GOOD + "T-2;Otro taller;Villa Inexistente\n"


@pytest.fixture
def run(cli: Any) -> Any:
    from ckan.cli.cli import ckan

    def invoke(*arguments: object) -> Any:
        return cli.invoke(ckan, ["marathon", *map(str, arguments)])

    return invoke


@pytest.fixture
def officer() -> tuple[str, str]:
    """An officer and the name of their municipality."""
    town = factories.Municipality(municipality_code="2105")
    return str(factories.officer(town["id"])["name"]), str(town["name"])


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="cp1252")
    return path


def count() -> int:
    model.Session.expire_all()
    return model.Session.query(model.Package).filter_by(state="active").count()


def test_the_template_is_written(run: Any, tmp_path: Path) -> None:
    assert run("template", tmp_path / "plantilla.xlsx").exit_code == 0
    assert "Talleres" in load_workbook(tmp_path / "plantilla.xlsx").sheetnames
    assert run("template", tmp_path / "ideas.csv", "--sheet", "ideas").exit_code == 0
    assert (tmp_path / "ideas.csv").read_text("utf-8-sig").startswith("Código")


def test_a_file_is_previewed_imported_listed_and_undone(
    run: Any, tmp_path: Path, officer: tuple[str, str]
) -> None:
    file = write(tmp_path / "talleres.csv", GOOD)
    options = ("--user", officer[0], "--organization", officer[1])
    assert run("import", file, *options, "--preview").exit_code == 0
    assert count() == 0
    done = run("import", file, *options)
    assert done.exit_code == 0, done.output
    assert count() == 1
    number = done.output.strip().split()[-1]
    listed = run("imports")
    assert number in listed.output
    assert "talleres.csv" in listed.output
    undone = run("undo", number, "--user", officer[0])
    assert undone.exit_code == 0, undone.output
    assert count() == 0
    assert run("undo", number).exit_code == 1
    assert run("undo", "no-such").exit_code == 1


def test_problems_are_printed_with_their_place_and_nothing_is_saved(
    run: Any, tmp_path: Path, officer: tuple[str, str]
) -> None:
    file = write(tmp_path / "talleres.csv", BAD)
    refused = run("import", file, "--user", officer[0], "--organization", officer[1])
    assert refused.exit_code == 1
    (line,) = [line for line in refused.output.splitlines() if "Villa Inexistente" in line]
    assert "talleres.csv" in line
    assert "3" in line
    assert "Municipios participantes" in line
    assert count() == 0


def test_bad_rows_go_into_a_file_to_mend(
    run: Any, tmp_path: Path, officer: tuple[str, str]
) -> None:
    file, mend = write(tmp_path / "talleres.csv", BAD), tmp_path / "mend.xlsx"
    options = ("--user", officer[0], "--organization", officer[1], "--keep-going", "--mend", mend)
    done = run("import", file, *options)
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit), repr(done.exception)
    assert count() == 1
    (sheet,) = load_workbook(mend).worksheets
    assert [cell.value for cell in sheet[2]][:2] == ["T-2", "Otro taller"]


def test_unknown_people_and_organisations_are_refused(run: Any, tmp_path: Path) -> None:
    file = write(tmp_path / "talleres.csv", GOOD)
    assert run("import", file, "--user", "nobody").exit_code == 1
    assert run("import", file, "--organization", "nothing").exit_code == 1
    assert count() == 0


def test_an_export_is_imported_without_changes(
    run: Any, tmp_path: Path, officer: tuple[str, str]
) -> None:
    file = write(tmp_path / "talleres.csv", GOOD)
    run("import", file, "--user", officer[0], "--organization", officer[1])
    assert run("export", tmp_path / "out.xlsx", "--organization", officer[1]).exit_code == 0
    again = run("import", tmp_path / "out.xlsx")
    assert again.exit_code == 0, again.output
    assert count() == 1
