"""The one form: everything on one page, published with one button."""

from __future__ import annotations

import io
import uuid
from typing import Any
from urllib.parse import unquote

import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action

from tests.factories import Idea, Workshop
from tests.remembered import remembered

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("storage", "marathon_site")

CSV = b"sector,hours\nZona 4,6\n"


@pytest.fixture
@remembered
def workshop(villa_nueva: dict[str, Any]) -> dict[str, Any]:
    return Workshop(owner_org=villa_nueva["id"], municipality=["0115"], title="Marathon of May")


@pytest.fixture
@remembered
def idea(workshop: dict[str, Any]) -> dict[str, Any]:
    needs = [{"what": "Hours of service", "why": "To know when water comes"}]
    return Idea(workshop=workshop["id"], title="Map of leaks", data_need=needs)


@pytest.fixture
def filled(villa_nueva: dict[str, Any], idea: dict[str, Any]) -> dict[str, Any]:
    """The values that an officer fills in. Each test adds a file and the button."""
    return {
        "title": "Hours of water",
        "notes": "Days and hours at which each sector gets water.",
        "owner_org": villa_nueva["id"],
        "municipality": ["", "0115"],
        "service_problem": ["", "AGU-01"],
        "idea": ["", idea["id"]],
        "data_need": ["", idea["data_need"][0]["id"]],
        "license_id": "cc-by",
        "form_token": str(uuid.uuid4()),
        "save": "publish",
    }


def with_file(filled: dict[str, Any], name: str = "hours.csv", body: bytes = CSV) -> dict[str, Any]:
    return {**filled, "resources__0__upload": (io.BytesIO(body), name)}


def datasets() -> list[str]:
    query = model.Session.query(model.Package.name)
    return [name for (name,) in query.filter_by(type="dataset", state="active")]


def soup(answer: Any) -> BeautifulSoup:
    assert answer.status_code == 200
    return BeautifulSoup(answer.text, "lxml")


class TestBlankForm:
    def test_the_officers_municipality_and_organisation_are_preselected(
        self, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        page = editor.page("/dataset/new")
        ticked = page.select('[name="municipality"][checked]')
        assert [box["value"] for box in ticked] == ["0115"]
        owner = page.select_one('[name="owner_org"]')
        assert owner
        assert owner["value"] == villa_nueva["id"]

    def test_only_ideas_of_the_officers_municipality_are_offered(
        self, editor: Reader, idea: dict[str, Any]
    ) -> None:
        Idea(title="Somewhere else")
        page = editor.page("/dataset/new")
        assert [box["value"] for box in page.select('[type="checkbox"][name="idea"]')] == [
            idea["id"]
        ]

    def test_data_needs_of_the_offered_ideas_are_offered(
        self, editor: Reader, idea: dict[str, Any]
    ) -> None:
        boxes = editor.page("/dataset/new").select('[type="checkbox"][name="data_need"]')
        assert [box["value"] for box in boxes] == [idea["data_need"][0]["id"]]

    def test_problems_are_grouped_and_explained(self, editor: Reader) -> None:
        page = editor.page("/dataset/new")
        picker = page.select_one('[data-marathon-picker="service_problem"]')
        assert picker
        assert len(picker.select("details")) == 13
        boxes = picker.select(".marathon-option")
        assert len(boxes) == 73
        assert all(box.select_one("small") for box in boxes)

    def test_every_input_has_a_label(self, editor: Reader) -> None:
        for path in ("/dataset/new", "/workshop/new", "/idea/new"):
            form = editor.page(path).select_one("#dataset-edit")
            assert form
            for field in form.select("input:not([type=hidden]), select, textarea"):
                if field.find_parent(attrs={"name": "repeating-template"}):
                    continue
                named = (
                    field.find_parent("label")
                    or field.get("aria-label")
                    or form.select(f'label[for="{field.get("id")}"]')
                    or field.find_parent("fieldset", class_="scheming-fieldset")
                )
                assert named, (path, field)

    def test_a_link_can_preselect_idea_and_data_need(
        self, editor: Reader, idea: dict[str, Any]
    ) -> None:
        need = idea["data_need"][0]["id"]
        page = editor.page(f"/dataset/new?idea={idea['id']}&data_need={need}")
        assert page.select_one(f'[name="idea"][value="{idea["id"]}"][checked]')
        assert page.select_one(f'[name="data_need"][value="{need}"][checked]')

    def test_visitors_are_redirected_to_the_login_with_the_address(self, visitor: Reader) -> None:
        answer = visitor.get("/dataset/new?idea=a")
        assert answer.status_code == 302
        assert "/user/login?came_from=/dataset/new?idea=a" in unquote(answer.location)
        # The query string is passed on unchanged.
        for odd in (
            "endpoint=x",
            "_method=PUT",
            "controller=a&action=b",
            "idea=a&idea=b",
        ):
            answer = visitor.get(f"/dataset/new?{odd}")
            assert answer.status_code == 302
            assert unquote(answer.location).endswith(f"/dataset/new?{odd}")
        assert visitor.post("/dataset/new", {"title": "Spam"}).status_code == 302
        assert datasets() == []

    def test_users_without_an_organisation_get_403(self, reader: Any) -> None:
        assert reader(factories.User()).get("/dataset/new").status_code == 403


class TestPublish:
    def test_dataset_and_file_are_public_after_one_post(
        self, editor: Reader, visitor: Reader, filled: dict[str, Any], idea: dict[str, Any]
    ) -> None:
        answer = editor.post("/dataset/new", with_file(filled))
        assert answer.status_code == 302
        assert answer.location.endswith("/dataset/hours-of-water")
        shown = call_action("package_show", id="hours-of-water")
        assert not shown["private"]
        assert shown["idea"] == [idea["id"]]
        (resource,) = shown["resources"]
        assert (resource["name"], resource["format"], resource["size"]) == (
            "hours.csv",
            "CSV",
            len(CSV),
        )
        path = f"/dataset/{shown['id']}/resource/{resource['id']}/download/hours.csv"
        assert visitor.get(path).data == CSV

    def test_several_files_and_a_link_are_saved_at_once(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        sent = {
            **with_file(filled),
            "resources__1__url": "https://example.gt/hours.xlsx",
            "resources__1__name": "The same as a spreadsheet",
            "resources__4__upload": (io.BytesIO(b"{}"), "map.geojson"),
        }
        assert editor.post("/dataset/new", sent).status_code == 302
        shown = call_action("package_show", id="hours-of-water")["resources"]
        names = ["hours.csv", "The same as a spreadsheet", "map.geojson"]
        assert [each["name"] for each in shown] == names

    def test_two_datasets_may_have_the_same_title(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        editor.post("/dataset/new", with_file(filled))
        editor.post("/dataset/new", with_file({**filled, "form_token": str(uuid.uuid4())}))
        assert sorted(datasets()) == ["hours-of-water", "hours-of-water-2"]

    def test_the_same_form_sent_twice_is_saved_once(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        first = editor.post("/dataset/new", with_file(filled))
        second = editor.post("/dataset/new", with_file(filled))
        assert first.location == second.location
        assert datasets() == ["hours-of-water"]

    def test_a_form_whose_dataset_was_deleted_saves_again(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        editor.post("/dataset/new", with_file(filled))
        call_action("package_delete", id="hours-of-water")
        assert editor.post("/dataset/new", with_file(filled)).status_code == 302
        assert len(datasets()) == 1

    def test_an_unpublished_dataset_is_visible_to_the_organisation_only(
        self, editor: Reader, visitor: Reader, filled: dict[str, Any]
    ) -> None:
        answer = editor.post("/dataset/new", {**filled, "save": "private"})
        assert answer.status_code == 302
        assert visitor.get("/dataset/hours-of-water").status_code == 404
        assert editor.get("/dataset/hours-of-water").status_code == 200

    def test_publishing_for_another_organisation_is_refused(
        self, editor: Reader, filled: dict[str, Any]
    ) -> None:
        other = Workshop()["owner_org"]
        answer = editor.post("/dataset/new", with_file({**filled, "owner_org": other}))
        assert answer.status_code == 403 or "error-block" in answer.text
        assert datasets() == []

    def test_a_workshop_is_published_with_its_minutes(
        self, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        sent = {
            "title": "Marathon of June",
            "owner_org": villa_nueva["id"],
            "kind": "ideation",
            "status": "announced",
            "municipality": ["", "0115"],
            "starts_at": "03/06/2017 9:00",
            "resources__0__upload": (io.BytesIO(b"%PDF-"), "minutes.pdf"),
            "save": "publish",
        }
        assert editor.post("/workshop/new", sent).status_code == 302
        shown = call_action("package_show", id="marathon-of-june")
        assert shown["starts_at"] == "2017-06-03T09:00:00-06:00"
        assert shown["resources"][0]["name"] == "minutes.pdf"
