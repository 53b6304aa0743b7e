"""Importing workbooks: what is created, changed, left alone, and problems with their place."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.lib.search.common import SearchIndexError
from ckan.tests.helpers import call_action
from openpyxl import Workbook

from ckanext.marathon.logic import bulk, import_undo, importing
from ckanext.marathon.logic.importing import ImportFile, ImportOptions, ImportReport
from ckanext.marathon.model import importing as ledger
from ckanext.marathon.model import search_index
from tests import factories

pytestmark = pytest.mark.usefixtures("marathon_site")

Sheets = dict[str, list[list[Any]]]


def write_book(path: Path, sheets: Sheets) -> ImportFile:
    """Write a workbook: name of a sheet → its rows."""
    book = Workbook()
    assert book.active is not None
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    book.save(path)
    return ImportFile(path, path.name)


@pytest.fixture
def town() -> dict[str, Any]:
    """A municipality with an officer."""
    organization = factories.Municipality(municipality_code="2105", title="Muni de prueba")
    return {"org": organization, "officer": factories.officer(organization["id"])["name"]}


def bring(town: dict[str, Any], *files: ImportFile, **options: Any) -> ImportReport:
    """Import files as the officer of the town."""
    chosen = ImportOptions(
        **{"user": town["officer"], "organization": town["org"]["id"], **options}
    )
    row = None
    if not chosen.is_trial:
        row = {"id": str(uuid.uuid4()), "files": importing.describe_files(files)}
    return importing.import_files(files, chosen, row)


WORKSHOPS = [
    ["Código", "Título", "Tipo", "Estado", "Municipios participantes", "Inicia"],
    ["T-1", "Taller de prueba", "maratón de ideas", "realizado", 2105, "27/05/2024"],
]
IDEAS = [
    ["Código", "Idea", "Taller", "Problema de servicio al que responde", "Votos"],
    ["I-1", "Publicar el calendario", "T-1", "agu 1", 12],
    ["I-2", "Mapa de pozos", "t-1", "AGU-01", "1,200"],
]
NEEDS = [
    ["Idea", "Qué dato", "Para qué"],
    ["I-1", "Horarios de bombeo", "Saber cuándo llega"],
    ["I-1", "Sectores", None],
]
INVITED = [
    ["Taller", "Organización invitada", "Fecha de invitación", "Respuesta"],
    ["T-1", "Comité de agua de prueba", "2024-05-01", "aceptó"],
]
TICKS = [
    ["Taller", "Organización", "Asistió"],
    ["T-1", "comite de agua de prueba", "x"],
    ["T-1", "Escuela de prueba", "no"],
]
DATASETS = [
    ["Código", "Título", "Descripción", "Ideas", "Necesidades que cubre", "Licencia", "Archivos"],
    [
        "D-1",
        "Calendario del agua",
        "Días y horas",
        "I-1",
        "horarios de bombeo",
        "cc-by",
        "https://example.org/agua.csv",
    ],
]
CHAIN: Sheets = {
    "Talleres": WORKSHOPS,
    "Invitaciones": INVITED,
    "Asistencia": TICKS,
    "Ideas": IDEAS,
    "Datos necesarios": NEEDS,
    "Conjuntos de datos": DATASETS,
}


def show_by_code(type_: str, code: str) -> dict[str, Any]:
    (package,) = [
        package
        for package in model.Session.query(model.Package).filter_by(type=type_, state="active")
        if (package.extras or {}).get("code") == code
    ]
    context = {"ignore_auth": True, "use_cache": False, "for_update": True}
    return call_action("package_show", id=package.id, context=context)


def count_packages() -> int:
    return model.Session.query(model.Package).count()


class TestAWorkbook:
    def test_creates_the_chain_whose_rows_refer_to_each_other(
        self, town: dict[str, Any], tmp_path: Path
    ) -> None:
        report = bring(town, write_book(tmp_path / "libro.xlsx", CHAIN))
        assert report.problems == []
        assert dict(report.counts) == {
            ("workshop", "created"): 1,
            ("idea", "created"): 2,
            ("dataset", "created"): 1,
        }
        workshop = show_by_code("workshop", "T-1")
        assert (workshop["status"], workshop["starts_at"]) == ("held", "2024-05-27")
        assert workshop["invitation"] == [
            {
                "organisation": "Comité de agua de prueba",
                "invited_on": "2024-05-01",
                "answer": "accepted",
                "attended": "yes",
            },
            {"organisation": "Escuela de prueba", "attended": "no"},
        ]
        idea = show_by_code("idea", "I-1")
        assert idea["workshop"] == workshop["id"]
        assert [need["what"] for need in idea["data_need"]] == ["Horarios de bombeo", "Sectores"]
        assert show_by_code("idea", "I-2")["votes"] == 1200
        dataset = show_by_code("dataset", "D-1")
        assert dataset["idea"] == [idea["id"]]
        assert dataset["data_need"] == [idea["data_need"][0]["id"]]
        assert dataset["resources"][0]["url"] == "https://example.org/agua.csv"

    def test_changes_nothing_the_second_time(self, town: dict[str, Any], tmp_path: Path) -> None:
        book = write_book(tmp_path / "libro.xlsx", CHAIN)
        bring(town, book)
        before = show_by_code("idea", "I-1")
        report = bring(town, book)
        assert report.problems == []
        assert {outcome for _, outcome in report.counts} == {"unchanged"}
        assert not report.is_saved
        assert show_by_code("idea", "I-1") == before

    def test_changes_only_the_cells_that_differ(self, town: dict[str, Any], tmp_path: Path) -> None:
        bring(town, write_book(tmp_path / "libro.xlsx", CHAIN))
        again = [IDEAS[0], ["I-1", "Publicar el calendario", "T-1", None, 15], IDEAS[2]]
        report = bring(town, write_book(tmp_path / "otra.xlsx", {"Ideas": again}))
        assert report.problems == []
        assert dict(report.counts) == {("idea", "changed"): 1, ("idea", "unchanged"): 1}
        (changed,) = [record for record in report.records if record.outcome == "changed"]
        assert changed.fields in {("Votos",), ("Votes",)}
        idea = show_by_code("idea", "I-1")
        assert (idea["votes"], idea["service_problem"]) == (15, ["AGU-01"])
        assert len(idea["data_need"]) == 2

    def test_a_preview_saves_nothing_and_finds_the_same(
        self, town: dict[str, Any], tmp_path: Path
    ) -> None:
        book = write_book(tmp_path / "libro.xlsx", CHAIN)
        preview = bring(town, book, is_trial=True)
        assert count_packages() == 0
        assert preview.problems == []
        assert preview.counts == bring(town, book).counts

    def test_records_who_imported_what(self, town: dict[str, Any], tmp_path: Path) -> None:
        report = bring(town, write_book(tmp_path / "libro.xlsx", CHAIN))
        found = ledger.find_import(report.import_id)
        assert found is not None
        assert (found.user_name, found.state) == (town["officer"], "done")
        assert found.files[0]["name"] == "libro.xlsx"
        changes = list(ledger.read_changes_backwards(report.import_id))
        assert [change.package_type for change in changes] == [
            *("dataset", "idea", "idea", "workshop")
        ]

    def test_what_is_saved_stays_saved_if_the_search_engine_is_away(
        self, town: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(**_options: Any) -> None:
            raise SearchIndexError("away")

        monkeypatch.setattr(bulk.search, "rebuild", fail)
        report = bring(town, write_book(tmp_path / "libro.xlsx", CHAIN))
        assert report.is_saved
        assert count_packages() == 4
        assert search_index.count_due_packages() == 4


class TestProblems:
    def test_one_bad_row_keeps_everything_from_being_saved(
        self, town: dict[str, Any], tmp_path: Path
    ) -> None:
        bad = [*IDEAS, ["I-3", "Otra", "T-1", "agua potable que no existe", 1]]
        book = write_book(tmp_path / "libro.xlsx", {**CHAIN, "Ideas": bad})
        report = bring(town, book)
        assert count_packages() == 0
        (problem,) = report.problems
        assert problem[:6] == (
            "libro.xlsx",
            "Ideas",
            4,
            "D",
            "Problema de servicio al que responde",
            "agua potable que no existe",
        )
        assert "AGU-01" in problem.message

    def test_all_problems_are_found_in_one_pass(self, town: dict[str, Any], tmp_path: Path) -> None:
        sheets: Sheets = {
            "Talleres": [
                WORKSHOPS[0],
                ["T-1", None, "reunión", "realizado", "Villa Inexistente", "31/06/2024"],
                [None, "Sin código", None, None, 2105, None],
            ],
            "Ideas": [
                IDEAS[0],
                ["I-1", "Idea", "T-1", "AGU-01", -1],
                ["I-1", "Otra idea", "T-9", "AGU-01", 2],
            ],
            "Datos necesarios": [NEEDS[0], ["I-77", "Un dato", None], [None, "Otro", None]],
        }
        report = bring(town, write_book(tmp_path / "libro.xlsx", sheets))
        places = {(p.sheet, p.row, p.column) for p in report.problems}
        assert places == {
            *(("Talleres", 2, "C"), ("Talleres", 2, "E"), ("Talleres", 2, "F")),
            *(("Talleres", 3, "A"), ("Ideas", 2, "E"), ("Ideas", 3, "A")),
            *(("Datos necesarios", 2, "A"), ("Datos necesarios", 3, "A")),
        }

    def test_rules_of_the_site_are_reported_at_their_cell(
        self, town: dict[str, Any], tmp_path: Path
    ) -> None:
        sheets: Sheets = {
            "Talleres": WORKSHOPS,
            "Ideas": [
                [*IDEAS[0], "Descripción"],
                ["I-1", "Idea", "T-1", "AGU-01", 1, "Llame al 5555-1234"],
                ["I-2", "", "T-1", "AGU-01", 1, None],
            ],
            "Datos necesarios": [NEEDS[0], ["I-2", "Dato", "Escriba a ana@example.org"]],
        }
        report = bring(town, write_book(tmp_path / "libro.xlsx", sheets))
        assert [(p.sheet, p.row, p.column) for p in report.problems] == [
            *(("Ideas", 2, "F"), ("Ideas", 3, "B"), ("Datos necesarios", 2, "C"))
        ]
        assert count_packages() == 0

    def test_a_problem_of_a_row_in_another_sheet_is_reported_there(
        self, town: dict[str, Any], tmp_path: Path
    ) -> None:
        needs = [NEEDS[0], NEEDS[1], ["I-1", "Dato", "Escriba a ana@example.org"]]
        book = write_book(tmp_path / "l.xlsx", {**CHAIN, "Datos necesarios": needs})
        report = bring(town, book)
        assert ("Datos necesarios", 3, "C") in {(p.sheet, p.row, p.column) for p in report.problems}

    def test_good_rows_are_saved_if_that_is_wanted_and_the_others_kept_to_mend(
        self, town: dict[str, Any], tmp_path: Path
    ) -> None:
        bad = [*IDEAS, ["I-3", "Otra", "T-1", "no existe", 1]]
        book = write_book(tmp_path / "libro.xlsx", {**CHAIN, "Ideas": bad})
        report = bring(town, book, keep_going=True)
        assert report.is_saved
        assert count_packages() == 4
        (row,) = report.bad_rows
        assert row.cells[0] == "I-3"

    def test_an_officer_cannot_import_into_another_organisation(
        self, town: dict[str, Any], tmp_path: Path
    ) -> None:
        other = factories.Municipality(title="Otra municipalidad")
        rows = [[*WORKSHOPS[0], "Organización"], [*WORKSHOPS[1], "otra Municipalidad"]]
        report = bring(town, write_book(tmp_path / "libro.xlsx", {"Talleres": rows}))
        assert other["id"]
        assert report.problem_count == 1
        assert count_packages() == 0


class TestUndo:
    def test_deletes_what_was_created_and_restores_what_was_changed(
        self, town: dict[str, Any], tmp_path: Path
    ) -> None:
        bring(town, write_book(tmp_path / "libro.xlsx", {**CHAIN, "Conjuntos de datos": []}))
        before = show_by_code("idea", "I-1")
        changed = [*IDEAS[:1], ["I-1", "Otro título", "T-1", "AGU-01|AGU-02", 99], *IDEAS[2:]]
        more = write_book(
            tmp_path / "mas.xlsx",
            {
                "Ideas": [*changed, ["I-3", "Nueva", "T-1", "AGU-01", 1]],
                "Datos necesarios": [NEEDS[0], ["I-1", "Un dato más", None]],
            },
        )
        second = bring(town, more)
        assert second.problems == []
        new = show_by_code("idea", "I-3")
        report = import_undo.undo_import(second.import_id, town["officer"])
        assert [(r.outcome, r.reason) for r in report.records] == [
            ("deleted", ""),
            ("restored", ""),
        ]
        after = show_by_code("idea", "I-1")
        ignored = {"metadata_modified"}
        assert {k: v for k, v in after.items() if k not in ignored} == {
            k: v for k, v in before.items() if k not in ignored
        }
        deleted = model.Package.get(new["id"])
        assert deleted is not None
        assert deleted.state == "deleted"

    def test_undoes_a_whole_chain(self, town: dict[str, Any], tmp_path: Path) -> None:
        first = bring(town, write_book(tmp_path / "libro.xlsx", CHAIN))
        report = import_undo.undo_import(first.import_id, town["officer"])
        assert [record.outcome for record in report.records] == ["deleted"] * 4
        again = bring(town, write_book(tmp_path / "otra.xlsx", CHAIN))
        assert again.count("created") == 4

    def test_what_was_edited_since_stays_and_is_listed(
        self, town: dict[str, Any], tmp_path: Path
    ) -> None:
        bring(town, write_book(tmp_path / "libro.xlsx", CHAIN))
        rows = [IDEAS[0], ["I-1", "Otro título", "T-1", "AGU-01", 99], IDEAS[2]]
        second = bring(
            town,
            write_book(
                tmp_path / "mas.xlsx",
                {"Ideas": [*rows, ["I-3", "Nueva", "T-1", "AGU-01", 1]]},
            ),
        )
        for code, field, value in (("I-1", "votes", 100), ("I-3", "title", "Corregida")):
            call_action("package_patch", id=show_by_code("idea", code)["id"], **{field: value})
        report = import_undo.undo_import(second.import_id, town["officer"])
        assert [record.outcome for record in report.records] == ["kept", "partly_restored"]
        assert [record.title for record in report.list_left()] == ["Corregida", "Otro título"]
        idea = show_by_code("idea", "I-1")
        assert (idea["title"], idea["votes"]) == ("Publicar el calendario", 100)
        assert show_by_code("idea", "I-3")["title"] == "Corregida"

    def test_a_record_on_which_others_depend_stays(
        self, town: dict[str, Any], tmp_path: Path
    ) -> None:
        first = bring(town, write_book(tmp_path / "libro.xlsx", {"Talleres": WORKSHOPS}))
        factories.Idea(workshop=show_by_code("workshop", "T-1")["id"], title="Depende")
        report = import_undo.undo_import(first.import_id, town["officer"])
        assert [record.outcome for record in report.records] == ["kept"]
        assert "Depende" in report.records[0].reason

    def test_an_import_is_undone_once(self, town: dict[str, Any], tmp_path: Path) -> None:
        first = bring(town, write_book(tmp_path / "libro.xlsx", CHAIN))
        import_undo.undo_import(first.import_id, town["officer"])
        with pytest.raises(tk.ValidationError):
            import_undo.undo_import(first.import_id, town["officer"])

    def test_purging_a_record_erases_its_values_from_the_ledger(
        self, town: dict[str, Any], tmp_path: Path
    ) -> None:
        bring(town, write_book(tmp_path / "libro.xlsx", CHAIN))
        rows = [IDEAS[0], IDEAS[1], ["I-2", "Título que se borra", "T-1", "AGU-01", 3]]
        second = bring(town, write_book(tmp_path / "mas.xlsx", {"Ideas": rows}))
        call_action("dataset_purge", id=show_by_code("idea", "I-2")["id"])
        (change,) = ledger.read_changes_backwards(second.import_id)
        assert (change.before, change.after, change.digest) == ({}, {}, "")
