"""A form that could not be taken comes back filled in, and only to a page of this site."""

from __future__ import annotations

import io
from typing import Any

import flask
import pytest
from bs4 import BeautifulSoup
from ckan.tests import factories
from ckan.tests.helpers import call_action
from sqlalchemy.exc import OperationalError

from tests.factories import Workshop, officer
from tests.remembered import remembered
from tests.visitors import shown_values

from .conftest import Reader
from .test_form_rows import JSON, post, stored, values_of

pytestmark = pytest.mark.usefixtures("storage", "marathon_site")

HERE = {"Origin": "http://test.ckan.net"}
SAME = {"Sec-Fetch-Site": "same-origin"}
THERE = {"Origin": "https://elsewhere.example"}
CODES = "/marathon/municipality/add"


@pytest.fixture
@remembered
def workshop(villa_nueva: dict[str, Any]) -> dict[str, Any]:
    return Workshop(
        owner_org=villa_nueva["id"],
        municipality=["0115"],
        invitation=[{"organisation": "COCODE"}],
    )


def held_in(answer: Any) -> dict[str, list[str]]:
    form = BeautifulSoup(answer.text, "lxml").select_one("form.marathon-held")
    assert form, answer.text[:2000]
    return shown_values(form)


def listed_in(answer: Any) -> dict[str, str]:
    page = BeautifulSoup(answer.text, "lxml")
    labels = [each.get_text() for each in page.select(".marathon-held-list dt")]
    return dict(
        zip(labels, [e.get_text() for e in page.select(".marathon-held-list dd")], strict=True)
    )


class TestExpiredSession:
    def test_an_edit_form_is_returned_complete_with_a_login_link(
        self, editor: Reader, visitor: Reader, workshop: dict[str, Any]
    ) -> None:
        sent: dict[str, Any] = values_of(editor, workshop)
        sent |= {"title": "Mine & <b>", "invitation-1-organisation": ["School"]}
        answer = post(visitor, workshop, sent, **HERE)
        assert answer.status_code == 403
        page = BeautifulSoup(answer.text, "lxml")
        link = page.select_one('a[href$="/user/login"][target="_blank"]')
        assert link
        assert "Your session has ended" in page.text
        assert not page.select(".flash-messages .alert")
        given_back: dict[str, Any] = held_in(answer)
        assert given_back["title"] == ["Mine & <b>"]
        # Sent again after a log-in, it is saved as it was typed.
        form = page.select_one("form.marathon-held")
        assert form
        assert editor.post(str(form["action"]), given_back, **HERE).status_code == 302
        names = [row["organisation"] for row in stored(editor, workshop, "invitation")]
        assert names == ["COCODE", "School"]

    def test_a_new_form_is_returned_and_names_the_file_to_choose_again(
        self, editor: Reader, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        sent = {
            "title": "June",
            "owner_org": villa_nueva["id"],
            "kind": "ideation",
            "status": "announced",
            "municipality": ["", "0115"],
            "resources__0__upload": (io.BytesIO(b"%PDF-"), "minutes.pdf"),
            "save": "publish",
        }
        answer = visitor.post("/workshop/new", sent, **HERE)
        assert answer.status_code == 403
        page = BeautifulSoup(answer.text, "lxml")
        assert page.select_one('input[type=file][name="resources__0__upload"]')
        assert "minutes.pdf" in page.text
        assert editor.post("/workshop/new", held_in(answer), **HERE).status_code == 302
        assert call_action("package_show", id="june")["municipality"] == ["0115"]

    @pytest.mark.parametrize("path", ["/organization/edit/villa-nueva", CODES])
    def test_other_forms_are_returned_too(
        self, visitor: Reader, villa_nueva: dict[str, Any], path: str
    ) -> None:
        answer = visitor.post(path, {"code": "0101", "title": "T"}, **HERE)
        assert answer.status_code == 403
        assert held_in(answer)["code"] == ["0101"]

    def test_the_script_gets_403_and_then_the_new_session(
        self, visitor: Reader, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        answer = post(visitor, workshop, {"title": "Mine"}, **HERE, **JSON)
        assert (answer.status_code, answer.json["held"]) == (403, "login")
        nobody = visitor.get("/marathon/form/session")
        assert nobody.json["user"] == ""
        assert "no-store" in nobody.headers["Cache-Control"]
        session = editor.get("/marathon/form/session").json
        assert session["user"] == editor.name
        assert session["token"]

    def test_the_returned_form_is_not_cached(
        self, visitor: Reader, workshop: dict[str, Any]
    ) -> None:
        answer = post(visitor, workshop, {"title": "Mine"}, **HERE)
        assert "no-store" in answer.headers["Cache-Control"]

    def test_the_returned_form_shows_no_stored_values(
        self, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        hidden = Workshop(owner_org=villa_nueva["id"], private=True, title="Very private")
        answer = post(visitor, hidden, {"title": "Mine"}, **HERE)
        assert held_in(answer)["title"] == ["Mine"]
        assert "Very private" not in answer.text

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            THERE,
            {"Referer": "https://elsewhere.example/"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site", **HERE},
        ],
    )
    def test_forms_sent_from_other_sites_are_not_returned(
        self, visitor: Reader, workshop: dict[str, Any], headers: dict[str, str]
    ) -> None:
        answer = post(visitor, workshop, {"title": "Send money"}, **headers)
        assert answer.status_code == 403
        assert "Send money" not in answer.text

    def test_a_password_is_not_returned(self, visitor: Reader) -> None:
        sent = {"about": "Officer", "email": "officer@example.gt"}
        sent |= dict.fromkeys(("old_password", "password1", "password2"), "secret-word")
        answer = visitor.post("/user/edit/nobody", sent, **HERE)
        assert held_in(answer)["about"] == ["Officer"]
        assert "secret-word" not in answer.text


class TestListOfTypedValues:
    def test_typed_values_are_listed_with_the_labels_of_the_form(
        self, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        sent = {
            "title": "Junio",
            "notes": "Pozos",
            "tag_string": "agua",
            "owner_org": villa_nueva["id"],
            "municipality": "0115",
            "status": "held",
            "invitation-1-organisation": "COCODE",
            "invitation-1-answer": "accepted",
            "resources__0__name": "Description",
            "resources__" + "9" * 7 + "__name": "x",
            "anything": "else",
        }
        answer = visitor.post("/es/workshop/new", sent, **HERE)
        assert listed_in(answer) == {
            "Título": "Junio",
            "Descripción": "Pozos",
            "Palabras clave": "agua",
            "Municipios participantes": "Villa Nueva",
            "Estado": "realizado",
            "Invitaciones 2: Organización invitada (no una persona)": "COCODE",
            "Invitaciones 2: Respuesta": "aceptó",
            # A text is never translated.
            "Archivo 1: Título": "Description",
            # Not of the form.
            "resources__" + "9" * 7 + "__name": "x",
            "anything": "else",
        }

    @pytest.mark.parametrize(
        ("path", "sent", "label"),
        [
            (
                "/es/organization/edit/villa-nueva",
                {"contact_name": "OAIP"},
                "Contacto (oficina o unidad)",
            ),
            ("/es/dataset/none/resource/none/edit", {"mimetype": "text/csv"}, "Tipo de medio"),
        ],
    )
    def test_typed_values_of_organisations_and_files_are_listed(
        self,
        visitor: Reader,
        villa_nueva: dict[str, Any],
        path: str,
        sent: dict[str, str],
        label: str,
    ) -> None:
        assert listed_in(visitor.post(path, sent, **HERE)) == {label: next(iter(sent.values()))}


class TestForgery:
    @pytest.fixture(autouse=True)
    def guarded(self, app: Any, workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        # After the site was made, which reads the settings again.
        monkeypatch.setitem(app.flask_app.config, "WTF_CSRF_ENABLED", True)
        extension = app.flask_app.extensions["csrf"]
        # Whatever earlier tests left out of it does not count here.
        monkeypatch.setattr(extension, "_exempt_views", set())

    def logged_in(self, app: Any, user: dict[str, Any]) -> Any:
        client = app.flask_app.test_client()
        with client.session_transaction() as session:
            session["_user_id"] = user["id"]
            session["_fresh"] = True
        return client

    def test_a_form_of_an_earlier_session_is_returned_and_can_be_saved(
        self, app: Any, workshop: dict[str, Any], villa_nueva: dict[str, Any]
    ) -> None:
        user = officer(villa_nueva["id"])
        client = self.logged_in(app, user)
        path = f"/workshop/edit/{workshop['name']}"
        page = BeautifulSoup(client.get(path).text, "lxml")
        form = page.select_one("#dataset-edit")
        assert form
        sent = {**shown_values(form), "title": "Mine", "save": "save", "_csrf_token": "old"}
        answer = client.post(path, data=sent, headers=SAME)
        assert answer.status_code == 400
        assert "long time" in answer.text
        again = held_in(answer)
        assert again["_csrf_token"] != ["old"]
        assert len(again["_csrf_token"]) == 1
        done = client.post(path, data=again, headers=SAME)
        assert done.status_code == 302
        assert call_action("package_show", id=workshop["id"])["title"] == "Mine"

    def test_a_form_of_another_site_gets_400_without_its_text(
        self, app: Any, workshop: dict[str, Any], villa_nueva: dict[str, Any]
    ) -> None:
        client = self.logged_in(app, officer(villa_nueva["id"]))
        path = f"/workshop/edit/{workshop['name']}"
        answer = client.post(path, data={"title": "Send money"}, headers=THERE)
        assert answer.status_code == 400
        assert "Send money" not in answer.text


class TestDatabaseAway:
    def test_the_form_is_returned_without_a_database(
        self, app: Any, editor: Reader, workshop: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent: dict[str, Any] = {**values_of(editor, workshop), "title": "Mine"}

        def refuse(*_args: Any, **_more: Any) -> Any:
            raise OperationalError("SELECT 1", {}, Exception("server closed the connection"))

        def answer_503(_fault: Exception) -> Any:
            return flask.make_response("away", 503)

        handlers = app.flask_app.error_handler_spec[None][None]
        monkeypatch.setitem(handlers, OperationalError, answer_503)
        monkeypatch.setattr("ckanext.marathon.logic.edits.lock_package", refuse)
        answer = post(editor, workshop, sent, **HERE)
        assert answer.status_code == 503
        assert "cannot save at the moment" in answer.text
        again = held_in(answer)
        monkeypatch.undo()
        assert post(editor, workshop, again, **HERE).status_code == 302
        assert call_action("package_show", id=workshop["id"])["title"] == "Mine"


class TestTooLarge:
    def test_the_text_sent_with_a_too_large_file_is_returned(
        self, app: Any, editor: Reader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.flask_app.config, "MAX_CONTENT_LENGTH", 100_000)
        sent = {
            "title": "June",
            "resources__0__upload": (io.BytesIO(b"x" * 300_000), "big.csv"),
            "notes": "After the file",
            "save": "publish",
        }
        answer = editor.post("/workshop/new", sent, **HERE)
        assert answer.status_code == 413
        again = held_in(answer)
        assert (again["title"], again["notes"]) == (["June"], ["After the file"])
        assert "big.csv" in answer.text
        assert "xxxxx" not in answer.text


class TestDeletedRecord:
    def test_typed_values_for_a_deleted_record_are_returned(
        self, reader: Any, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        sent = {**values_of(editor, workshop), "notes": "A long text"}
        factories.Sysadmin()
        call_action("dataset_purge", id=workshop["id"])
        answer = post(editor, workshop, sent, **HERE)
        assert answer.status_code in {404, 410}
        assert "no longer there" in answer.text
        assert held_in(answer)["notes"] == ["A long text"]
