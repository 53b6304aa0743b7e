"""Files with personal data: shown before publication, removed, or confirmed with a reason.

The people in the tables are examples and do not exist.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckan.tests.helpers import call_action
from openpyxl import Workbook, load_workbook

from ckanext.marathon.model.personal_data import ConfirmedPersonalData, list_confirmations
from ckanext.marathon.model.upload import BegunUpload
from tests.factories import MarathonDataset

from .conftest import Reader
from .test_form import datasets, filled, idea, soup, with_file, workshop

__all__ = ["filled", "idea", "workshop"]  # fixtures

pytestmark = pytest.mark.usefixtures("storage", "marathon_site")

ROWS = [
    ["Sector", "Nombre del beneficiario", "Teléfono", "Metros"],
    ["Zona 1", "María Ejemplo Pérez", "5555-1234", 12],
    ["Zona 2", "Juan Ejemplo López", "5555-4321", 7],
    ["Zona 3", "Ana Ejemplo García", "4444-1234", 9],
]
PERSONAL = "\n".join(";".join(map(str, row)) for row in ROWS).encode("cp1252")
REASON = "Padrón público según la ley de ejemplo"


def as_workbook() -> bytes:
    workbook = Workbook()
    assert workbook.active
    for row in ROWS:
        workbook.active.append(row)
    workbook.properties.creator = "Nombre de ejemplo"
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def send(editor: Reader, filled: dict[str, Any], body: bytes = PERSONAL, **more: Any) -> Any:
    return editor.post("/dataset/new", with_file({**filled, **more}, "padron.csv", body))


def kept_upload(page: BeautifulSoup) -> dict[str, Any]:
    field = page.select_one('[name="resources__0__begun"]')
    assert field
    return {"resources__0__begun": field["value"]}


def stored_bytes(storage: Path) -> bytes:
    (path,) = [one for one in (storage / "resources").rglob("*") if one.is_file()]
    return path.read_bytes()


class TestNewDataset:
    def test_it_is_not_published_before_somebody_decides(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        page = soup(send(editor, filled))
        assert datasets() == []
        error = page.select_one("#at-resource-0 .error-block")
        shown = page.select_one("[data-personal]")
        assert error
        assert shown
        assert "Nombre del beneficiario" in error.text
        assert "row 2: María Ejemplo Pérez" in shown.text
        assert "Teléfono" in shown.text
        assert len(page.select('[name="resources__0__personal_remove"][checked]')) == 2
        assert page.select_one('[name="resources__0__personal"][checked]') is None

    def test_a_reason_is_stored_with_the_file_and_without_its_values(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        kept = kept_upload(soup(send(editor, filled)))
        without = {
            **kept,
            "resources__0__personal": "confirm",
            "resources__0__personal_reason": " ",
        }
        assert editor.post("/dataset/new", {**filled, **without}).status_code == 200
        said = {**without, "resources__0__personal_reason": REASON}
        assert editor.post("/dataset/new", {**filled, **said}).status_code == 302
        made = call_action("package_show", id=datasets()[0])
        (row,) = list_confirmations(made["id"])
        user = model.User.get(editor.name)
        assert user
        assert (row.reason, row.user_id, row.file_name) == (REASON, user.id, "padron.csv")
        assert row.sha256 == made["resources"][0]["hash"]
        assert [place["column"] for place in row.places] == ["B", "C"]
        assert "Ejemplo" not in str(row.places)

    def test_what_is_ticked_is_removed_from_the_copy(
        self, editor: Reader, filled: dict[str, Any], storage: Path
    ) -> None:
        page = soup(send(editor, filled))
        keys = [box["value"] for box in page.select('[name="resources__0__personal_remove"]')]
        removal = {"resources__0__personal": "remove", "resources__0__personal_remove": keys}
        sent = {**filled, **kept_upload(page), **removal}
        assert editor.post("/dataset/new", sent).status_code == 302
        cleaned = stored_bytes(storage).decode("cp1252")
        assert cleaned.splitlines() == ["Sector;Metros", "Zona 1;12", "Zona 2;7", "Zona 3;9"]
        assert model.Session.query(ConfirmedPersonalData).count() == 0
        assert model.Session.query(BegunUpload).count() == 0

    def test_what_is_left_after_removing_is_asked_about(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        page = soup(send(editor, filled))
        first = page.select_one('[name="resources__0__personal_remove"]')
        assert first
        removal = {
            "resources__0__personal": "remove",
            "resources__0__personal_remove": first["value"],
        }
        again = soup(editor.post("/dataset/new", {**filled, **kept_upload(page), **removal}))
        assert datasets() == []
        shown = again.select_one("[data-personal]")
        assert shown
        assert "Nombre del beneficiario" not in shown.text
        assert "Teléfono" in shown.text

    def test_the_cleaned_copy_is_shown_without_the_script(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        page = soup(send(editor, filled))
        keys = [box["value"] for box in page.select('[name="resources__0__personal_remove"]')]
        removal = {"resources__0__personal": "remove", "resources__0__personal_remove": keys}
        sent = {**filled, **kept_upload(page), **removal, "save": "clean"}
        again = soup(editor.post("/dataset/new", sent))
        assert again.select_one("[data-personal]") is None
        assert [cell.text.split()[0] for cell in again.select(".marathon-profile th")] == [
            "Sector",
            "Metros",
        ]

    def test_without_publishing_it_is_saved_as_it_is(
        self, editor: Reader, filled: dict[str, Any], storage: Path
    ) -> None:
        assert send(editor, filled, save="private").status_code == 302
        assert stored_bytes(storage) == PERSONAL

    def test_of_a_workbook_a_new_one_is_made(
        self, editor: Reader, filled: dict[str, Any], storage: Path
    ) -> None:
        sent = with_file(filled, "padron.xlsx", as_workbook())
        page = soup(editor.post("/dataset/new", sent))
        keys = [box["value"] for box in page.select('[name="resources__0__personal_remove"]')]
        removal = {"resources__0__personal": "remove", "resources__0__personal_remove": keys}
        sent = {**filled, **kept_upload(page), **removal}
        assert editor.post("/dataset/new", sent).status_code == 302
        workbook = load_workbook(io.BytesIO(stored_bytes(storage)))
        assert workbook.active
        rows = [list(row) for row in workbook.active.values]
        assert rows == [["Sector", "Metros"], ["Zona 1", 12], ["Zona 2", 7], ["Zona 3", 9]]
        assert workbook.properties.creator != "Nombre de ejemplo"


class TestReading:
    def test_title_period_and_format_are_filled_in(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        body = b"Fecha,Sector,Horas\n2024-01-05,Zona 1,3\n2024-03-09,Zona 2,5\n"
        file = (io.BytesIO(body), "horas_de_agua.csv")
        sent = {**filled, "title": "", "resources__0__upload": file}
        page = soup(editor.post("/dataset/new", sent))

        def value(name: str) -> object:
            field = page.select_one(f'[name="{name}"]')
            return field and field.get("value")

        assert str(value("title")).lower() == "horas de agua"
        assert value("temporal_coverage-0-start") == "2024-01-05"
        assert value("temporal_coverage-0-end") == "2024-03-09"
        assert value("resources__0__format") == "CSV"
        line = page.select_one(".marathon-profile-line")
        assert line
        assert "2 rows, 3 columns" in " ".join(line.text.split())

    def test_a_damaged_workbook_is_said_to_be_one(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        file = (io.BytesIO(b"PK\x03\x04 not a workbook"), "datos.xlsx")
        sent = {**filled, "title": "", "resources__0__upload": file}
        page = soup(editor.post("/dataset/new", sent))
        assert page.select_one(".marathon-profile-problem")

    def test_the_script_gets_the_same(
        self, editor: Reader, visitor: Reader, filled: dict[str, Any]
    ) -> None:
        page = soup(send(editor, filled))
        id_ = kept_upload(page)["resources__0__begun"]
        answer = editor.get(f"/marathon/upload/{id_}/profile?index=3")
        assert answer.json["personal"] == 2
        fragment = BeautifulSoup(answer.json["html"], "lxml")
        assert fragment.select_one('[name="resources__3__personal_reason"]')
        keys = [str(box["value"]) for box in fragment.select('[type="checkbox"]')]
        assert visitor.get(f"/marathon/upload/{id_}/profile").status_code == 403
        assert visitor.post(f"/marathon/upload/{id_}/clean", {"remove": keys}).status_code == 403
        cleaned = editor.post(f"/marathon/upload/{id_}/clean", {"remove": keys, "index": "3"})
        assert cleaned.json["personal"] == 0
        assert "Nombre del beneficiario" not in cleaned.json["html"]


class TestLater:
    @pytest.fixture
    def private(self, editor: Reader, filled: dict[str, Any]) -> dict[str, Any]:
        assert send(editor, filled, save="private").status_code == 302
        return call_action("package_show", id=datasets()[0])

    def publish(self, editor: Reader, dataset: dict[str, Any], **more: str) -> Any:
        form = editor.page(f"/dataset/edit/{dataset['name']}").select_one("#dataset-edit")
        assert form
        from .test_form_edit import shown_values

        sent = {**shown_values(form), "private": "False", "save": "save", **more}
        return editor.post(f"/dataset/edit/{dataset['name']}", sent)

    def test_publishing_by_editing_asks_for_a_reason(
        self, editor: Reader, visitor: Reader, private: dict[str, Any]
    ) -> None:
        path = f"/dataset/{private['name']}"
        assert self.publish(editor, private).status_code == 200
        assert visitor.get(path).status_code == 404
        said = {f"personal_reason:{private['resources'][0]['id']}": REASON}
        assert self.publish(editor, private, **said).status_code == 302
        assert visitor.get(path).status_code == 200
        (row,) = list_confirmations(private["id"])
        assert row.reason == REASON

    def test_a_file_added_to_a_public_dataset_needs_a_reason(
        self, editor: Reader, idea: dict[str, Any]
    ) -> None:
        dataset = MarathonDataset(idea=[idea["id"]])
        path = f"/dataset/{dataset['name']}/resource/new"
        sent = {"id": "", "save": "go-metadata", "url": "padron.csv", "name": "Padrón"}

        def add(**more: str) -> Any:
            file = (io.BytesIO(PERSONAL), "padron.csv")
            return editor.post(path, {**sent, "upload": file, **more})

        before = len(call_action("package_show", id=dataset["id"])["resources"])
        answer = add()
        assert answer.status_code == 200
        assert "Nombre del beneficiario" in answer.text
        assert len(call_action("package_show", id=dataset["id"])["resources"]) == before
        assert add(**{"personal_reason:new": REASON}).status_code == 302
        after = call_action("package_show", id=dataset["id"])["resources"]
        assert len(after) == before + 1
        (row,) = list_confirmations(dataset["id"])
        assert row.sha256 == after[-1]["hash"]

    def test_a_program_gets_a_notice(self, app: Any, editor: Reader, idea: dict[str, Any]) -> None:
        dataset = MarathonDataset(idea=[idea["id"]])
        answer = editor.post(
            "/api/3/action/resource_create",
            {
                "package_id": dataset["id"],
                "name": "Padrón",
                "upload": (io.BytesIO(PERSONAL), "padron.csv"),
            },
        )
        assert answer.status_code == 200
        assert "Nombre del beneficiario" in answer.text


class TestSameTitle:
    def test_it_is_pointed_out_and_not_refused(
        self, editor: Reader, visitor: Reader, filled: dict[str, Any]
    ) -> None:
        sent = {**filled, "resources__0__url": "https://example.gt/a.csv"}
        assert editor.post("/dataset/new", sent).status_code == 302
        query = f"title=hours++of+WATER&owner_org={filled['owner_org']}"
        (same,) = editor.get(f"/marathon/form/same-title?{query}").json["same"]
        assert same["title"] == "Hours of water"
        assert visitor.get(f"/marathon/form/same-title?{query}").status_code == 403
        again = {**sent, "form_token": "another"}
        assert editor.post("/dataset/new", again).status_code == 302
        assert len(datasets()) == 2
