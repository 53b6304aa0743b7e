"""Rows of an edit form survive errors in any field and are finally stored as typed."""

from __future__ import annotations

import io
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from ckan.tests.helpers import call_action

from tests import private_names
from tests.factories import Commitment, Idea, Workshop
from tests.remembered import remembered
from tests.visitors import shown_values

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

JSON = {"Accept": "application/json"}
ROWS = [
    {"organisation": "COCODE", "invited_on": "2017-05-10", "answer": "accepted"},
    {"organisation": "Health centre", "invited_on": "2017-05-11", "answer": "declined"},
]


def form_of(page: BeautifulSoup) -> Tag:
    form = page.select_one("#dataset-edit")
    assert form
    return form


def values_of(reader: Reader, thing: dict[str, Any]) -> dict[str, list[str]]:
    return shown_values(form_of(reader.page(f"/{thing['type']}/edit/{thing['name']}")))


def post(reader: Reader, thing: dict[str, Any], sent: dict[str, Any], **headers: str) -> Any:
    path = f"/{thing['type']}/edit/{thing['name']}"
    return reader.post(path, {**sent, "save": "save"}, **headers)


def shown_after_error(reader: Reader, thing: dict[str, Any], sent: dict[str, Any]) -> Any:
    """Send a form that has an error; return the values that the returned page would send."""
    answer = post(reader, thing, sent)
    assert answer.status_code == 200, answer.status_code
    page = BeautifulSoup(answer.text, "lxml")
    assert page.select(".marathon-errors [role=alert]"), "no error was said"
    return shown_values(form_of(page))


def stored(reader: Reader, thing: dict[str, Any], field: str) -> list[dict[str, Any]]:
    found = call_action("package_show", id=thing["id"], context={"user": reader.name})
    return [{k: v for k, v in row.items() if v} for row in found.get(field) or []]


@pytest.fixture
@remembered
def workshop(villa_nueva: dict[str, Any]) -> dict[str, Any]:
    return Workshop(
        owner_org=villa_nueva["id"],
        municipality=["0115"],
        starts_at="2017-06-03",
        invitation=ROWS,
        organiser=[{"name": "Villa Nueva", "role": "convener"}],
        language=["http://lexvo.org/id/iso639-3/quc"],
    )


@pytest.fixture
@remembered
def idea(workshop: dict[str, Any]) -> dict[str, Any]:
    return Idea(
        workshop=workshop["id"],
        community=["Zona 4", "El Frutal"],
        data_need=[{"what": "Hours"}, {"what": "Leaks"}],
        summary=[{"lang": "http://lexvo.org/id/iso639-3/quc", "text": "Ja'"}],
    )


def edit_rows(sent: dict[str, Any]) -> None:
    """Change the first row, remove the second, add a third and a fourth."""
    for name in [name for name in sent if name.startswith("invitation-1-")]:
        del sent[name]
    sent["invitation-0-answer"] = ["declined"]
    sent["invitation-2-organisation"] = ["Women's association"]
    sent["invitation-2-invited_on"] = ["2017-05-20"]
    sent["invitation-5-organisation"] = ["School"]


EDITED = [
    {"organisation": "COCODE", "invited_on": "2017-05-10", "answer": "declined"},
    {"organisation": "Women's association", "invited_on": "2017-05-20"},
    {"organisation": "School"},
]


class TestErrorElsewhere:
    @pytest.mark.parametrize(
        ("field", "wrong", "right"),
        [("title", "", "Marathon"), ("starts_at", "never", "2017-06-03")],
    )
    def test_rows_changed_removed_and_added_are_stored_after_the_correction(
        self, editor: Reader, workshop: dict[str, Any], field: str, wrong: str, right: str
    ) -> None:
        sent = values_of(editor, workshop)
        edit_rows(sent)
        again = shown_after_error(editor, workshop, {**sent, field: wrong})
        assert stored(editor, workshop, "invitation") == ROWS
        assert post(editor, workshop, {**again, field: right}).status_code == 302
        assert stored(editor, workshop, "invitation") == EDITED

    def test_rows_keep_their_new_order(self, editor: Reader, workshop: dict[str, Any]) -> None:
        sent = values_of(editor, workshop)
        turned = {
            name.replace("invitation-0-", "invitation-9-"): value for name, value in sent.items()
        }
        again = shown_after_error(editor, workshop, {**turned, "title": ""})
        assert post(editor, workshop, {**again, "title": "M"}).status_code == 302
        assert stored(editor, workshop, "invitation") == ROWS[::-1]

    def test_the_last_row_can_be_removed(self, editor: Reader, workshop: dict[str, Any]) -> None:
        sent = values_of(editor, workshop)
        none = {k: v for k, v in sent.items() if not k.startswith("invitation-")}
        again = shown_after_error(editor, workshop, {**none, "title": ""})
        assert not [n for n in again if n.startswith("invitation-0-") and again[n] != [""]]
        assert post(editor, workshop, {**again, "title": "M"}).status_code == 302
        assert stored(editor, workshop, "invitation") == []

    def test_more_than_ten_rows_keep_their_order(
        self, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        sent: dict[str, Any] = values_of(editor, workshop)
        names = [f"Organisation {number}" for number in range(13)]
        for number, name in enumerate(names):
            sent[f"invitation-{number}-organisation"] = name
        assert post(editor, workshop, sent).status_code == 302
        assert [row["organisation"] for row in stored(editor, workshop, "invitation")] == names

    def test_a_form_may_have_260_rows(self, editor: Reader, workshop: dict[str, Any]) -> None:
        sent: dict[str, Any] = values_of(editor, workshop)
        for number in range(260):
            sent[f"invitation-{number}-organisation"] = f"Organisation {number}"
            for inner in ("invited_on", "answer", "answered_on"):
                sent.setdefault(f"invitation-{number}-{inner}", "")
        assert len(sent) > 1_000
        assert post(editor, workshop, sent).status_code == 302
        assert len(stored(editor, workshop, "invitation")) == 260

    def test_needs_summaries_and_communities_of_an_idea_are_kept(
        self, editor: Reader, idea: dict[str, Any]
    ) -> None:
        sent: dict[str, Any] = values_of(editor, idea)
        sent |= {
            "data_need-1-what": "Leaks by street",
            "data_need-2-what": "Complaints",
            "summary-1-lang": "http://lexvo.org/id/iso639-3/cak",
            "summary-1-text": "Ya'",
            "community": ["Zona 5"],
        }
        again = shown_after_error(editor, idea, {**sent, "title": ""})
        assert post(editor, idea, {**again, "title": "Idea"}).status_code == 302
        needs = stored(editor, idea, "data_need")
        assert [need["what"] for need in needs] == ["Hours", "Leaks by street", "Complaints"]
        assert [need["id"] for need in needs][:2] == [need["id"] for need in idea["data_need"]]
        assert [row["text"] for row in stored(editor, idea, "summary")] == ["Ja'", "Ya'"]
        assert call_action("package_show", id=idea["id"])["community"] == ["Zona 5"]

    def test_emptied_fields_stay_empty(self, editor: Reader, idea: dict[str, Any]) -> None:
        sent: dict[str, Any] = values_of(editor, idea)
        del sent["community"]
        again = shown_after_error(editor, idea, {**sent, "title": ""})
        assert [text for text in again.get("community", []) if text] == []
        assert post(editor, idea, {**again, "title": "Idea"}).status_code == 302
        assert not call_action("package_show", id=idea["id"])["community"]

    def test_milestones_of_a_commitment_are_kept(
        self, coordinator: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        owner = call_action("organization_show", id="infom")["id"]
        commitment = Commitment(owner_org=owner, milestone=[{"title": "First"}])
        sent: dict[str, Any] = values_of(coordinator, commitment)
        sent |= {"milestone-0-due": "2026-06-30", "milestone-1-title": "Second"}
        again = shown_after_error(coordinator, commitment, {**sent, "title": ""})
        assert post(coordinator, commitment, {**again, "title": "C"}).status_code == 302
        rows = stored(coordinator, commitment, "milestone")
        assert [(row["title"], row.get("due")) for row in rows] == [
            ("First", "2026-06-30"),
            ("Second", None),
        ]


class TestErrorInARow:
    def test_every_row_stays_and_the_wrong_one_can_be_corrected(
        self, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        sent = values_of(editor, workshop)
        edit_rows(sent)
        sent["invitation-5-organisation"] = [""]
        sent["invitation-5-answer"] = ["accepted"]
        again = shown_after_error(editor, workshop, sent)
        assert again["invitation-1-organisation"] == ["Women's association"]
        assert again["invitation-2-answer"] == ["accepted"]
        again["invitation-2-organisation"] = ["School"]
        assert post(editor, workshop, again).status_code == 302
        assert stored(editor, workshop, "invitation")[2] == {
            "organisation": "School",
            "answer": "accepted",
        }

    def test_the_script_gets_the_number_of_the_row(
        self, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        sent = values_of(editor, workshop)
        edit_rows(sent)
        sent["invitation-5-organisation"] = [""]
        sent["invitation-5-answer"] = ["accepted"]
        answer = post(editor, workshop, sent, **JSON)
        assert answer.status_code == 422
        assert list(answer.json["errors"]) == ["invitation-5-organisation"]
        # As the row's own heading counts it.
        assert "Invitation 6: Organisation invited" in answer.json["summary"]


class TestNew:
    def test_rows_of_a_new_workshop_are_shown_again(
        self, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        sent: dict[str, Any] = {
            "title": "",
            "owner_org": villa_nueva["id"],
            "kind": "ideation",
            "status": "announced",
            "municipality": ["", "0115"],
            "invitation-0-organisation": "COCODE",
            "invitation-3-organisation": "School",
            "invitation-11-organisation": "Clinic",
            "save": "publish",
        }
        page = BeautifulSoup(editor.post("/workshop/new", sent).text, "lxml")
        again: dict[str, Any] = {**shown_values(form_of(page)), "title": "June", "save": "publish"}
        assert editor.post("/workshop/new", again).status_code == 302
        rows = call_action("package_show", id="june", context={"user": editor.name})["invitation"]
        assert [row["organisation"] for row in rows] == ["COCODE", "School", "Clinic"]

    def test_the_error_of_a_file_is_at_its_place_after_removed_ones(
        self, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        sent = {"title": "x", "resources__2__upload": (io.BytesIO(b""), "empty.csv")}
        errors = editor.post("/dataset/new", sent, **JSON).json["errors"]
        # This site has no storage, so there is an error at the file.
        assert errors["resources__2__upload"][0].startswith("This site takes no files")
        assert not [name for name in errors if name.startswith("resources__0__")]


class TestSearchIsAway:
    @pytest.mark.parametrize("headers", [{}, JSON])
    def test_the_form_is_returned_with_503_and_a_sentence(
        self,
        editor: Reader,
        workshop: dict[str, Any],
        headers: dict[str, str],
        ckan_config: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        sent = values_of(editor, workshop)
        edit_rows(sent)
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/nothing")
        answer = post(editor, workshop, sent, **headers)
        assert answer.status_code == 503
        assert "try again in a minute" in answer.text
        monkeypatch.undo()
        assert stored(editor, workshop, "invitation") == ROWS
        if not headers:
            again = shown_values(form_of(BeautifulSoup(answer.text, "lxml")))
            assert post(editor, workshop, again).status_code == 302
            assert stored(editor, workshop, "invitation") == EDITED


class TestValkeyIsAway:
    def test_a_new_form_is_saved_without_valkey(
        self,
        editor: Reader,
        villa_nueva: dict[str, Any],
        ckan_config: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        sent = {
            "title": "Without Valkey",
            "owner_org": villa_nueva["id"],
            "kind": "ideation",
            "status": "announced",
            "municipality": ["", "0115"],
            "form_token": "a-token",
            "save": "publish",
        }
        private_names.forget_valkey_connections(monkeypatch)
        monkeypatch.setitem(ckan_config, "ckan.redis.url", "redis://127.0.0.1:9/0")
        answer = editor.post("/workshop/new", sent)
        assert answer.status_code == 302, answer.text[:2000]
        assert call_action("package_show", id="without-valkey")["title"] == "Without Valkey"
