"""Drafts of forms."""

from __future__ import annotations

import io
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckan.tests.helpers import call_action

from ckanext.marathon.logic import draft as draft_logic
from ckanext.marathon.model.draft import Draft
from ckanext.marathon.model.upload import BegunUpload

from .conftest import Reader
from .test_form import CSV, filled, idea, workshop

__all__ = ["filled", "idea", "workshop"]  # fixtures

pytestmark = pytest.mark.usefixtures("storage", "marathon_site")

JSON = {"Accept": "application/json"}


def keep(reader: Reader, values: dict[str, Any], version: int = 0, kind: str = "dataset") -> Any:
    path = f"/marathon/draft/{kind}/{values['form_token']}"
    return reader.post(path, {**values, "draft_version": str(version)}, **JSON)


def count_drafts() -> int:
    return model.Session.query(Draft).count()


def offered(reader: Reader, kind: str = "dataset") -> list[str]:
    return [str(link["href"]) for link in reader.page(f"/{kind}/new").select(".marathon-drafts a")]


def shown_in(page: BeautifulSoup, name: str) -> str:
    field = page.select_one(f'[name="{name}"]')
    assert field
    return field.text.strip() if field.name == "textarea" else str(field.get("value", ""))


class TestKeeping:
    def test_what_was_typed_is_offered_and_shown_again(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        answer = keep(editor, {**filled, "contact-0-name": "Oficina"})
        assert (answer.status_code, answer.json["version"]) == (200, 1)
        (link,) = offered(editor)
        page = editor.page(link)
        assert shown_in(page, "title") == filled["title"]
        assert shown_in(page, "notes") == filled["notes"]
        assert shown_in(page, "contact-0-name") == "Oficina"
        assert shown_in(page, "form_token") == filled["form_token"]
        assert page.select_one(f'[name="idea"][value="{filled["idea"][1]}"][checked]')
        # The draft that is open is not offered.
        assert page.select(".marathon-drafts") == []

    def test_neither_token_nor_button_is_stored(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        keep(editor, {**filled, "_csrf_token": "secret", "form_user": editor.name})
        (draft,) = model.Session.query(Draft)
        names = {name for name, _value in draft.inputs}
        assert "title" in names
        assert not names & {"_csrf_token", "form_user", "form_token", "save", "draft_version"}

    def test_a_second_tab_does_not_overwrite_the_first(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        keep(editor, filled)
        assert keep(editor, {**filled, "title": "First tab"}, 1).json["version"] == 2
        assert keep(editor, {**filled, "title": "Second tab"}, 1).status_code == 409
        (draft,) = model.Session.query(Draft)
        assert draft.title == "First tab"

    def test_a_workshop_has_drafts_too(self, editor: Reader, filled: dict[str, Any]) -> None:
        values = {"title": "Taller", "form_token": filled["form_token"]}
        assert keep(editor, values, kind="workshop").status_code == 200
        assert offered(editor) == []
        (link,) = offered(editor, "workshop")
        assert shown_in(editor.page(link), "title") == "Taller"

    def test_a_form_with_errors_is_kept_without_the_script(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        file = (io.BytesIO(CSV), "hours.csv")
        editor.post("/dataset/new", {**filled, "notes": "", "resources__0__upload": file})
        (link,) = offered(editor)
        page = editor.page(link)
        state = page.select_one("[data-upload-text]")
        assert state
        assert "hours.csv" in state.text
        sent = {**filled, "resources__0__begun": shown_in(page, "resources__0__begun")}
        assert editor.post("/dataset/new", sent).status_code == 302
        assert count_drafts() == 0


class TestEnd:
    def test_a_saved_form_has_no_draft_and_gets_none(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        keep(editor, filled)
        sent = {**filled, "resources__0__url": "https://example.gt/a.csv"}
        assert editor.post("/dataset/new", sent).status_code == 302
        assert count_drafts() == 0
        assert keep(editor, filled).status_code == 410
        assert count_drafts() == 0

    def test_a_discarded_draft_is_gone_with_its_file(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        file = (io.BytesIO(CSV), "hours.csv")
        editor.post("/dataset/new", {**filled, "notes": "", "resources__0__upload": file})
        (upload,) = model.Session.query(BegunUpload)
        path = upload.path
        assert path.exists()
        answer = editor.post(f"/marathon/draft/dataset/{filled['form_token']}/discard", {})
        assert answer.status_code == 302
        assert (count_drafts(), model.Session.query(BegunUpload).count()) == (0, 0)
        assert not path.exists()

    def test_a_closed_account_leaves_no_draft(self, editor: Reader, filled: dict[str, Any]) -> None:
        keep(editor, filled)
        call_action("user_delete", id=editor.name)
        assert count_drafts() == 0

    def test_old_drafts_are_removed(self, editor: Reader, filled: dict[str, Any]) -> None:
        keep(editor, filled)
        (draft,) = model.Session.query(Draft)
        draft.saved = datetime.now(UTC) - timedelta(days=29)
        model.Session.commit()
        assert draft_logic.forget_old_drafts() == 0
        draft.saved = datetime.now(UTC) - timedelta(days=31)
        model.Session.commit()
        assert draft_logic.forget_old_drafts() == 1


class TestWhose:
    def test_nobody_else_sees_changes_or_discards_a_draft(
        self, editor: Reader, coordinator: Reader, visitor: Reader, filled: dict[str, Any]
    ) -> None:
        keep(editor, filled)
        path = f"/dataset/new?draft={filled['form_token']}"
        assert shown_in(coordinator.page(path), "title") == ""
        assert offered(coordinator) == []
        assert keep(coordinator, {**filled, "title": "Theirs"}, 1).status_code == 409
        coordinator.post(f"/marathon/draft/dataset/{filled['form_token']}/discard", {})
        assert keep(visitor, filled).status_code == 403
        (draft,) = model.Session.query(Draft)
        assert draft.title == filled["title"]

    def test_a_list_has_titles_and_files(self, editor: Reader, filled: dict[str, Any]) -> None:
        file = (io.BytesIO(CSV), "hours.csv")
        editor.post("/dataset/new", {**filled, "notes": "", "resources__0__upload": file})
        user = model.User.get(editor.name)
        assert user
        (summary,) = draft_logic.list_drafts(user.id)
        assert (summary.title, summary.files) == (filled["title"], ("hours.csv",))


class TestOddDrafts:
    @pytest.mark.parametrize(
        ("odd", "status"),
        [
            ({"notes": "x" * (300 * 1024)}, 413),
            ({"resources__x__url": "a"}, 400),
            ({"title": "a\x00b"}, 200),
        ],
    )
    def test_odd_values_are_refused_or_left_out(
        self, editor: Reader, filled: dict[str, Any], odd: dict[str, Any], status: int
    ) -> None:
        assert keep(editor, {**filled, **odd}).status_code == status
        assert count_drafts() == (status == 200)

    @pytest.mark.parametrize("path", ["dataset/no-uuid", "group/{token}"])
    def test_an_odd_address_is_answered_with_404(
        self, editor: Reader, filled: dict[str, Any], path: str
    ) -> None:
        answer = editor.post(f"/marathon/draft/{path.format(token=filled['form_token'])}", filled)
        assert answer.status_code == 404

    def test_too_many_drafts_are_refused(
        self, editor: Reader, filled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(draft_logic, "MOST_DRAFTS", 2)
        forms = [{**filled, "form_token": str(uuid.uuid4())} for _ in range(3)]
        assert [keep(editor, form).status_code for form in forms] == [200, 200, 413]
