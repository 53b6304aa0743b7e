"""Errors are shown at the field and in a summary, and typed values are shown again."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckan.tests.helpers import call_action

from ckanext.marathon.model.upload import BegunUpload
from tests.factories import Idea

from .conftest import Reader
from .test_form import CSV, datasets, filled, idea, soup, with_file, workshop

__all__ = ["filled", "idea", "workshop"]  # fixtures

pytestmark = pytest.mark.usefixtures("storage", "marathon_site")

JSON = {"Accept": "application/json"}


def begun() -> list[BegunUpload]:
    return list(model.Session.query(BegunUpload))


class TestErrors:
    def test_each_error_is_at_its_field_and_linked_in_the_summary(
        self, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        sent = {"owner_org": villa_nueva["id"], "save": "publish"}
        page = soup(editor.post("/dataset/new", sent))
        summary = page.select_one(".marathon-errors [role=alert]")
        assert summary
        targets = [str(link["href"]).removeprefix("#") for link in summary.select("a")]
        assert {"at-title", "at-notes", "at-idea", "at-resources"} <= set(targets)
        for target in targets:
            assert page.select_one(f"#{target} .error-block"), target

    def test_without_an_organisation_title_and_description_are_checked_too(
        self, editor: Reader
    ) -> None:
        answer = editor.post("/dataset/new", {"save": "check"}, **JSON)
        assert {"owner_org", "title", "notes"} <= set(answer.json["errors"])

    def test_typed_values_are_shown_again(self, editor: Reader, filled: dict[str, Any]) -> None:
        sent = with_file({**filled, "title": "", "contact-0-name": "Water office", "version": "2"})
        page = soup(editor.post("/dataset/new", sent))
        for name in ("municipality", "service_problem", "idea", "data_need"):
            boxes = page.select(f'[type="checkbox"][name="{name}"][checked]')
            assert [box["value"] for box in boxes] == filled[name][1:], name
        for name, value in (("contact-0-name", "Water office"), ("version", "2")):
            field = page.select_one(f'[name="{name}"]')
            assert field
            assert field["value"] == value
        notes = page.select_one('[name="notes"]')
        assert notes
        assert notes.text.strip() == filled["notes"]
        token = page.select_one('[name="form_token"]')
        assert token
        assert token["value"] == filled["form_token"]

    def test_a_file_is_kept_and_need_not_be_chosen_again(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        page = soup(editor.post("/dataset/new", with_file({**filled, "title": ""})))
        summary, state = page.select_one(".marathon-errors"), page.select_one("[data-upload-text]")
        assert summary
        assert state
        assert "hours.csv" not in summary.text
        assert "hours.csv" in state.text
        kept = page.select_one('[name="resources__0__begun"]')
        assert kept
        sent = {**filled, "resources__0__begun": kept["value"]}
        assert editor.post("/dataset/new", sent).status_code == 302
        (file,) = call_action("package_show", id=datasets()[0])["resources"]
        assert (file["name"], file["size"], file["format"]) == ("hours.csv", len(CSV), "CSV")
        assert begun() == []

    def test_a_file_that_is_gone_has_to_be_chosen_again(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        sent = {**filled, "resources__0__begun": "00000000-0000-0000-0000-000000000000"}
        page = soup(editor.post("/dataset/new", sent))
        assert page.select_one("#at-resource-0 .error-block")
        assert datasets() == []

    @pytest.mark.ckan_config("ckanext.marathon.upload_quota_mb", 0)
    @pytest.mark.ckan_config("ckan.max_resource_size", 0)
    def test_a_file_that_is_not_kept_is_named(self, editor: Reader, filled: dict[str, Any]) -> None:
        page = soup(editor.post("/dataset/new", with_file({**filled, "title": ""})))
        summary = page.select_one(".marathon-errors")
        assert summary
        assert "hours.csv" in summary.text
        field = page.select_one("#at-resource-0 .error-block")
        assert field
        assert "hours.csv" in field.text

    def test_publishing_without_a_licence_asks_for_one(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        page = soup(editor.post("/dataset/new", with_file({**filled, "license_id": ""})))
        assert page.select_one("#at-license_id .error-block")
        assert datasets() == []
        sent = with_file({**filled, "license_id": "", "save": "private"})
        assert editor.post("/dataset/new", sent).status_code == 302

    def test_an_error_within_more_details_opens_them(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        page = soup(editor.post("/dataset/new", with_file({**filled, "url": "nowhere"})))
        place = page.select_one("#at-url")
        assert place
        assert place.select_one(".error-block")
        folded = place.find_parent("details")
        assert folded
        assert folded.has_attr("open")

    def test_publishing_without_a_file_asks_for_one(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        page = soup(editor.post("/dataset/new", filled))
        assert page.select_one("#at-resources .error-block")
        assert datasets() == []

    @pytest.mark.ckan_config("ckan.max_resource_size", 1)
    @pytest.mark.parametrize("size", [0, 2**20 + 1])
    def test_a_file_that_is_empty_or_too_large_leaves_nothing_behind(
        self, editor: Reader, filled: dict[str, Any], size: int
    ) -> None:
        answer = editor.post("/dataset/new", with_file(filled, "hours.csv", b"x" * size))
        assert soup(answer).select_one("#at-resource-0 .error-block")
        assert model.Session.query(model.Package).filter_by(type="dataset").count() == 0

    def test_a_form_with_an_error_can_be_corrected_and_sent_again(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        editor.post("/dataset/new", with_file({**filled, "title": ""}))
        assert editor.post("/dataset/new", with_file(filled)).status_code == 302

    @pytest.mark.parametrize(
        ("odd", "field"),
        [
            ({"title": ["a", "b"]}, "title"),
            ({"title": "\x00"}, "title"),
            ({"new_idea_title__0__x": "1", "save": "add-idea"}, "new_idea"),
            ({"contact-0-name": ["a", "b"]}, "contact"),
            ({"municipality": "9999"}, "municipality"),
            ({"municipality": ["", 'x") OR *:*']}, "municipality"),
            ({"service_problem": "nope"}, "service_problem"),
            ({"idea": "no-such-idea"}, "idea"),
            ({"notes": "a\x00b"}, "notes"),
        ],
    )
    def test_odd_input_is_an_error_at_its_field(
        self, editor: Reader, filled: dict[str, Any], odd: dict[str, Any], field: str
    ) -> None:
        page = soup(editor.post("/dataset/new", with_file({**filled, **odd})))
        targets = {str(link["href"]) for link in page.select(".marathon-errors a")}
        assert targets == {f"#at-{field}"}
        assert datasets() == []

    @pytest.mark.parametrize(
        ("odd", "status"),
        [
            ({"resources__x__url": "a"}, 400),
            ({"resources": "text"}, 400),
            ({"resources__0": "text"}, 400),
            ({"title__0__x": "1"}, 400),
            ({"idea__0__x": "1"}, 400),
            ({"owner_org": "nobody"}, 403),
            ({"owner_org": "\x00"}, 403),
        ],
    )
    def test_odd_input_of_the_form_itself_is_refused(
        self, editor: Reader, filled: dict[str, Any], odd: dict[str, Any], status: int
    ) -> None:
        answer = editor.post("/dataset/new", with_file({**filled, **odd}))
        assert answer.status_code == status
        assert datasets() == []

    def test_of_two_buttons_the_last_one_counts(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        sent = with_file({**filled, "save": ["publish", "check"]})
        assert editor.post("/dataset/new", sent).status_code == 200
        assert datasets() == []

    def test_a_form_with_two_tokens_is_saved(self, editor: Reader, filled: dict[str, Any]) -> None:
        sent = with_file({**filled, "form_token": ["a", "b"]})
        assert editor.post("/dataset/new", sent).status_code == 302
        assert datasets() == ["hours-of-water"]


class TestSolrDown:
    @pytest.fixture(autouse=True)
    def no_solr(
        self,
        editor: Reader,
        filled: dict[str, Any],
        ckan_config: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/nothing")

    def test_the_form_opens_without_solr(self, editor: Reader, idea: dict[str, Any]) -> None:
        page = editor.page("/dataset/new")
        assert page.select(f'[name="idea"][value="{idea["id"]}"]')
        assert page.select('[name="new_idea_workshop"] option[value]')

    @pytest.mark.parametrize("headers", [{}, JSON])
    def test_a_save_without_solr_gets_503_and_keeps_the_typed_values(
        self, editor: Reader, filled: dict[str, Any], headers: dict[str, str], tmp_path: Path
    ) -> None:
        answer = editor.post("/dataset/new", with_file(filled), **headers)
        assert answer.status_code == 503
        assert "search engine does not answer" in answer.text
        assert datasets() == []
        stored = (tmp_path / "resources").rglob("*")
        assert not [path for path in stored if path.is_file()]


class TestScript:
    """Requests of the page's script."""

    def test_fields_are_checked_before_the_file_is_sent(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        light = {
            **filled,
            "title": "",
            "save": "check",
            "private": "false",
            "resources__0__url": "hours.csv",
            "resources__0__url_type": "upload",
        }
        wrong = editor.post("/dataset/new", light, **JSON)
        assert wrong.status_code == 422
        assert list(wrong.json["errors"]) == ["title"]
        assert 'href="#at-title"' in wrong.json["summary"]
        right = editor.post("/dataset/new", {**light, "title": "Hours of water"}, **JSON)
        assert (right.status_code, right.json) == (200, {"errors": {}})
        assert datasets() == []

    def test_errors_have_the_names_of_the_inputs(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        sent = {
            **filled,
            "contact-0-name": "Water office",
            "contact-0-email": "not an address",
            "resources__0__url": "https://example.gt/a.csv",
            "resources__0__license": "not an address",
        }
        answer = editor.post("/dataset/new", sent, **JSON)
        assert set(answer.json["errors"]) == {"contact-0-email", "resources__0__license"}

    def test_success_returns_the_address_of_the_dataset(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        answer = editor.post("/dataset/new", with_file(filled), **JSON)
        assert answer.json["url"].endswith("/dataset/hours-of-water")

    def test_ideas_follow_the_municipality(
        self, editor: Reader, idea: dict[str, Any], workshop: dict[str, Any]
    ) -> None:
        elsewhere = Idea()
        code = elsewhere["municipality"][0]
        mine = editor.get("/marathon/form/ideas?municipality=0115").json
        assert [each["id"] for each in mine["ideas"]] == [idea["id"]]
        assert [each["id"] for each in mine["workshops"]] == [workshop["id"]]
        both = editor.get(f"/marathon/form/ideas?municipality={code}&idea={idea['id']}").json
        assert {each["id"] for each in both["ideas"]} == {idea["id"], elsewhere["id"]}

    def test_an_odd_municipality_has_no_ideas(self, editor: Reader, idea: dict[str, Any]) -> None:
        answer = editor.get("/marathon/form/ideas?municipality=x%22)%20OR%20*:*")
        assert (answer.status_code, answer.json["ideas"]) == (200, [])


class TestMissingIdea:
    def test_an_added_idea_is_proposed_and_returned(
        self, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        sent = {"workshop": workshop["id"], "title": "Report leaks", "service_problem": "AGU-04"}
        answer = editor.post("/marathon/form/add-idea", sent)
        assert answer.json["title"] == "Report leaks"
        assert call_action("package_show", id=answer.json["id"])["status"] == "proposed"

    def test_missing_values_of_an_added_idea_are_errors(
        self, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        answer = editor.post("/marathon/form/add-idea", {"workshop": workshop["id"], "title": ""})
        assert answer.status_code == 422
        assert {"title", "service_problem"} <= set(answer.json["errors"])

    def test_visitors_get_403(self, visitor: Reader, workshop: dict[str, Any]) -> None:
        sent = {"workshop": workshop["id"], "title": "Spam", "service_problem": "AGU-04"}
        assert visitor.post("/marathon/form/add-idea", sent).status_code == 403

    def test_without_scripts_the_form_returns_with_the_added_idea_selected(
        self, editor: Reader, filled: dict[str, Any], workshop: dict[str, Any]
    ) -> None:
        sent = {
            **filled,
            "save": "add-idea",
            "new_idea_workshop": workshop["id"],
            "new_idea_title": "Report leaks",
            "new_idea_service_problem": "AGU-04",
        }
        page = soup(editor.post("/dataset/new", sent))
        assert len(page.select('[type="checkbox"][name="idea"][checked]')) == 2
        assert "Report leaks" in page.text
        title = page.select_one('[name="title"]')
        assert title
        assert title["value"] == filled["title"]
        assert datasets() == []

    def test_without_scripts_errors_of_the_added_idea_are_shown(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        page = soup(editor.post("/dataset/new", {**filled, "save": "add-idea"}))
        place = page.select_one("#at-new_idea")
        assert place
        assert place.has_attr("open")
        assert place.select(".error-block")

    def test_without_scripts_another_municipality_shows_its_ideas(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        elsewhere = Idea(title="Somewhere else")
        sent = {**filled, "save": "refresh", "municipality": ["", *elsewhere["municipality"]]}
        page = soup(editor.post("/dataset/new", sent))
        values = {box["value"] for box in page.select('[type="checkbox"][name="idea"]')}
        assert elsewhere["id"] in values

    def test_without_scripts_another_file_can_be_added(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        sent = {
            **filled,
            "save": "add-file",
            "resources__0__url": "https://example.gt/a.csv",
            "resources__1__upload": (io.BytesIO(CSV), "b.csv"),
        }
        page = BeautifulSoup(editor.post("/dataset/new", sent).text, "lxml")
        assert len(page.select("[data-files] [data-file]")) == 3


class TestTypicalInput:
    """Blanks and omissions that people typically type."""

    def test_a_row_of_blanks_counts_as_empty(self, editor: Reader, villa_nueva: Any) -> None:
        sent = {"title": "Taller", "municipality": "0115", "owner_org": villa_nueva["id"],
                "kind": "ideation", "status": "announced",
                "organiser-0-name": " ", "organiser-0-role": "",
                "invitation-0-organisation": "\u00a0", "invitation-0-invited_on": " "}  # fmt: skip
        answer = editor.post("/workshop/new", {**sent, "save": "publish"})
        assert answer.status_code == 302, answer.text[:3000]
        made = call_action("package_show", id=answer.location.rpartition("/")[2])
        assert not made.get("organiser")
        assert not made.get("invitation")

    def test_blanks_around_an_e_mail_address_are_removed(
        self, editor: Reader, villa_nueva: Any
    ) -> None:
        idea = Idea(owner_org=villa_nueva["id"])
        sent = {"title": "Datos", "notes": "De agua", "idea": idea["id"],
                "owner_org": villa_nueva["id"], "resources__0__url": "https://example.gt/a.csv",
                "license_id": "cc-by", "contact-0-email": " oficina@muni.gob.gt "}  # fmt: skip
        answer = editor.post("/dataset/new", {**sent, "save": "publish"})
        assert answer.status_code == 302, answer.text[:3000]
        made = call_action("package_show", id=answer.location.rpartition("/")[2])
        assert made["contact"][0]["email"] == "oficina@muni.gob.gt"
        wrong = {**sent, "contact-0-email": "oficina.muni.gob.gt", "save": "publish"}
        answer = editor.post("/dataset/new", wrong, Accept="application/json")
        (error,) = answer.json["errors"]["contact-0-email"]
        assert "informacion@muni.gob.gt" in error

    def test_a_missing_workshop_of_an_idea_is_one_error(self, editor: Reader) -> None:
        sent = {"title": "Medir pozos", "workshop": "", "owner_org": "",
                "service_problem": "AGU-01", "save": "publish"}  # fmt: skip
        answer = editor.post("/idea/new", sent, Accept="application/json")
        assert set(answer.json["errors"]) == {"workshop"}
