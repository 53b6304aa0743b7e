"""Officers import a spreadsheet in the browser: upload or paste, look, confirm, undo."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from ckan import model
from openpyxl import Workbook, load_workbook

from ckanext.marathon.logic import import_runs
from ckanext.marathon.model import importing as ledger

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

PAGE = "/marathon/import"
WORKSHOPS = "Código;Título;Municipios participantes\nT-1;Taller de prueba;{code}\n"
PASTED = "I-1\tIdea pegada\tT-1\tAGU-01\nI-2\tOtra idea\tT-1\tAGU-01"


def make_file(content: bytes, name: str) -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def send(reader: Reader, **fields: Any) -> Any:
    return reader.post(PAGE, {"pasted": "", "sheet": "", "organization": "", **fields})


@pytest.fixture
def organization(villa_nueva: dict[str, Any]) -> str:
    return str(villa_nueva["id"])


def upload(editor: Reader, organization: str, text: str, name: str = "talleres.csv") -> str:
    """Upload a CSV file and return the path of its import."""
    answer = send(editor, upload=make_file(text.encode("cp1252"), name), organization=organization)
    assert answer.status_code == 302, answer.text
    return re.sub(r"^https?://[^/]+", "", answer.location)


def import_workshop(editor: Reader, organization: str) -> str:
    path = upload(editor, organization, WORKSHOPS.format(code="0115"))
    assert editor.post(f"{path}/confirm", {}).status_code == 302
    return path


class TestPermissions:
    def test_visitors_are_redirected_to_the_login(self, visitor: Reader) -> None:
        assert "/user/login" in visitor.get(PAGE).location

    def test_a_member_gets_403(self, reader: Any, villa_nueva: dict[str, Any]) -> None:
        from tests.factories import officer

        member = reader(officer(villa_nueva["id"], "member"))
        assert member.get(PAGE).status_code == 403
        assert send(member, pasted=PASTED).status_code == 403

    def test_an_import_of_somebody_else_is_not_found(
        self, editor: Reader, reader: Any, villa_nueva: dict[str, Any], organization: str
    ) -> None:
        from tests.factories import officer

        path = import_workshop(editor, organization)
        other = reader(officer(villa_nueva["id"], "editor"))
        assert other.get(path).status_code == 404
        assert other.post(f"{path}/undo", {}).status_code == 404
        assert model.Session.query(model.Package).filter_by(state="active").count() == 1


class TestTemplate:
    def test_the_template_is_a_workbook_for_everybody(self, visitor: Reader) -> None:
        answer = visitor.get(f"{PAGE}/template.xlsx")
        book = load_workbook(io.BytesIO(answer.data))
        assert "Talleres" in book.sheetnames or "Workshops" in book.sheetnames

    def test_a_sheet_of_it_is_csv(self, visitor: Reader) -> None:
        answer = visitor.get(f"{PAGE}/template/ideas.csv")
        assert answer.status_code == 200
        assert answer.data.startswith(b"\xef\xbb\xbf")
        assert visitor.get(f"{PAGE}/template/nothing.csv").status_code == 404


class TestImport:
    def test_a_preview_saves_nothing_until_it_is_confirmed(
        self, editor: Reader, organization: str
    ) -> None:
        path = upload(editor, organization, WORKSHOPS.format(code="Villa Nueva"))
        page = editor.page(path)
        assert "Taller de prueba" in page.select_one("#records").text
        assert model.Session.query(model.Package).count() == 0
        editor.post(f"{path}/confirm", {})
        (package,) = model.Session.query(model.Package)
        assert (package.title, package.extras["municipality"]) == ("Taller de prueba", '["0115"]')
        assert editor.page(path).select_one("#undo")

    def test_pasted_rows_need_no_headings(self, editor: Reader, organization: str) -> None:
        import_workshop(editor, organization)
        answer = send(editor, pasted=PASTED, sheet="ideas", organization=organization)
        path = re.sub(r"^https?://[^/]+", "", answer.location)
        editor.post(f"{path}/confirm", {})
        titles = {p.title for p in model.Session.query(model.Package).filter_by(type="idea")}
        assert titles == {"Idea pegada", "Otra idea"}

    def test_problems_are_listed_with_their_cells_and_nothing_can_be_saved(
        self, editor: Reader, organization: str
    ) -> None:
        path = upload(editor, organization, WORKSHOPS.format(code="Nowhere"))
        page = editor.page(path)
        (problem,) = page.select("#problems li")
        assert "C (Municipios participantes)" in problem.strong.text
        assert problem.q.text == "Nowhere"
        assert not page.select_one("#confirm form")
        # Even if a browser sends the form all the same.
        editor.post(f"{path}/confirm", {})
        assert model.Session.query(model.Package).count() == 0
        found = ledger.find_import(path.split("/")[-1])
        assert found is not None
        assert found.state == "failed"

    def test_the_rows_that_were_not_saved_can_be_downloaded_mended_and_imported(
        self, editor: Reader, organization: str
    ) -> None:
        text = WORKSHOPS.format(code="Villa Nueva") + "T-2;Otro taller;Nowhere\n"
        path = upload(editor, organization, text)
        editor.post(f"{path}/confirm", {"keep_going": "true"})
        assert [p.title for p in model.Session.query(model.Package)] == ["Taller de prueba"]
        book = load_workbook(io.BytesIO(editor.get(f"{path}/mend.xlsx").data))
        (sheet,) = book.worksheets
        assert [cell.value for cell in sheet[2]][:3] == ["T-2", "Otro taller", "Nowhere"]
        sheet["C2"].value = "0115"
        mended = io.BytesIO()
        book.save(mended)
        answer = send(
            editor,
            upload=make_file(mended.getvalue(), "mended.xlsx"),
            organization=organization,
        )
        path = re.sub(r"^https?://[^/]+", "", answer.location)
        assert not editor.page(path).select_one("#problems")
        editor.post(f"{path}/confirm", {})
        assert model.Session.query(model.Package).count() == 2

    def test_a_confirmed_import_is_undone(self, editor: Reader, organization: str) -> None:
        path = import_workshop(editor, organization)
        editor.post(f"{path}/undo", {})
        assert editor.page(path).select_one("#undone")
        (package,) = model.Session.query(model.Package)
        assert package.state == "deleted"

    def test_an_import_is_made_once_if_the_form_is_sent_twice(
        self, editor: Reader, organization: str
    ) -> None:
        path = import_workshop(editor, organization)
        editor.post(f"{path}/confirm", {})
        assert model.Session.query(model.Package).count() == 1

    def test_larger_files_are_read_in_the_background(
        self, editor: Reader, organization: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(import_runs, "MOST_AT_ONCE", 10)
        path = upload(editor, organization, WORKSHOPS.format(code="0115"))
        page = editor.page(path)
        assert page.select_one('meta[http-equiv="refresh"]')
        import_runs.preview_import(path.split("/")[-1])
        assert editor.page(path).select_one("#confirm form")

    @pytest.mark.parametrize(
        "content", [b"", b"%PDF-1.4 not a table", b"\x00\x01\x02", b"PK\x03\x04 broken"]
    )
    def test_what_is_no_table_gets_a_sentence(
        self, editor: Reader, organization: str, content: bytes
    ) -> None:
        answer = send(editor, upload=make_file(content, "libro.xlsx"), organization=organization)
        assert answer.status_code in {302, 400}
        if answer.status_code == 302:
            page = editor.page(re.sub(r"^https?://[^/]+", "", answer.location))
            assert page.select("#problems li")

    def test_nothing_sent_gets_a_sentence(self, editor: Reader) -> None:
        assert send(editor).status_code == 400

    def test_an_unknown_sheet_or_organisation_is_refused(self, editor: Reader) -> None:
        assert send(editor, pasted=PASTED, sheet="nothing").status_code == 400
        assert send(editor, pasted=PASTED, organization="nobody").status_code == 403


def test_the_list_has_the_last_imports(editor: Reader, organization: str) -> None:
    import_workshop(editor, organization)
    assert "talleres.csv" in editor.page(PAGE).select_one("#list").text


def test_the_desk_has_the_last_imports(editor: Reader, organization: str) -> None:
    path = upload(editor, organization, WORKSHOPS.format(code="0115"))
    saves = editor.page("/marathon/desk").select_one("#saves")
    assert saves
    assert saves.select_one(f'a[href$="{path}"]')
    assert "not confirmed yet" in saves.get_text()


def test_a_workbook_with_the_wrong_sheets_is_explained(editor: Reader, organization: str) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["a", "b"])
    written = io.BytesIO()
    book.save(written)
    answer = send(
        editor, upload=make_file(written.getvalue(), "otro.xlsx"), organization=organization
    )
    page = editor.page(re.sub(r"^https?://[^/]+", "", answer.location))
    assert "Sheet" in page.select_one("#notices").text
