"""After a save the next page names the record, and says who sees it where."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from ckan.tests.helpers import call_action

from tests.factories import Idea, MarathonDataset, Workshop, officer

from .test_account import PASSWORD, Person

pytestmark = pytest.mark.usefixtures("marathon_site")


@pytest.fixture
def person(app: Any, villa_nueva: dict[str, Any]) -> Person:
    """An admin of Villa Nueva who is logged in with a browser."""
    found = Person(app)
    found.log_in(officer(villa_nueva["id"], "admin", password=PASSWORD)["name"])
    return found


@pytest.fixture
def idea(villa_nueva: dict[str, Any]) -> dict[str, Any]:
    workshop = Workshop(owner_org=villa_nueva["id"])["id"]
    return Idea(name="mapa", title="Mapa de fugas", workshop=workshop)


def message_after(person: Person, path: str, data: dict[str, Any]) -> Tag:
    """Send a form and return the message on the page that follows."""
    answer = person.client.post(path, data=data)
    errors = BeautifulSoup(answer.text, "lxml").select(".error-explanation, .marathon-errors")
    assert answer.status_code == 302, [error.text for error in errors]
    shown = answer
    while shown.status_code == 302:
        location = shown.location.removeprefix("http://test.ckan.net").partition("#")[0]
        shown = person.client.get(location)
    page = BeautifulSoup(shown.text, "lxml")
    found = page.select(".flash-messages .alert")
    assert len(found) == 1, answer.location
    return found[0]


def links_of(message: Tag) -> list[str]:
    return [str(link["href"]) for link in message.select("a")]


def new_dataset(idea: dict[str, Any], save: str, **more: str) -> dict[str, Any]:
    return {
        "title": "Fugas <b>por sector</b>",
        "notes": "Ejemplo.",
        "idea": idea["id"],
        "owner_org": idea["owner_org"],
        "license_id": "cc-by",
        "resources__0__url": "https://example.gt/fugas.csv",
        "resources__0__name": "Fugas",
        "save": save,
        **more,
    }


class TestDatasets:
    def test_a_published_dataset_names_its_page_and_the_catalogue(
        self, person: Person, idea: dict[str, Any]
    ) -> None:
        message = message_after(person, "/dataset/new", new_dataset(idea, "publish"))
        assert message.text.split("Everybody")[0].strip() == "Published: Fugas <b>por sector</b>."
        assert "Everybody sees it on its page" in message.text
        page, catalogue = links_of(message)
        assert person.client.get(page).status_code == 200
        assert person.client.get(catalogue).status_code == 200
        assert not message.select("b")

    def test_a_private_dataset_says_that_only_the_organisation_sees_it(
        self, person: Person, idea: dict[str, Any]
    ) -> None:
        message = message_after(person, "/dataset/new", new_dataset(idea, "private"))
        assert "Saved: Fugas" in message.text
        assert "Only your organisation sees it." in message.text
        assert len(links_of(message)) == 1

    def test_an_edited_dataset_is_named_too(self, person: Person, idea: dict[str, Any]) -> None:
        dataset = MarathonDataset(
            title="Fugas", notes="Ejemplo.", idea=[idea["id"]], owner_org=idea["owner_org"]
        )
        sent = {
            **new_dataset(idea, "publish"),
            "title": "Otro título",
            "name": dataset["name"],
            "pkg_name": dataset["id"],
        }
        message = message_after(person, f"/dataset/edit/{dataset['name']}", sent)
        assert "Saved: Otro título" in message.text
        assert "Everybody" in message.text

    def test_a_file_is_named_with_its_dataset(self, person: Person, idea: dict[str, Any]) -> None:
        dataset = MarathonDataset(
            title="Fugas", private=True, idea=[idea["id"]], owner_org=idea["owner_org"]
        )
        sent = {"id": "", "name": "Mayo", "url": "https://example.gt/mayo.csv", "save": "go-x"}
        message = message_after(person, f"/dataset/{dataset['name']}/resource/new", sent)
        assert "The file “Mayo” of Fugas is saved." in message.text
        assert "Only your organisation sees it." in message.text
        (file,) = call_action("package_show", id=dataset["id"])["resources"]
        sent |= {"id": file["id"], "name": "Mayo y junio"}
        path = f"/dataset/{dataset['name']}/resource/{file['id']}/edit"
        assert "“Mayo y junio”" in message_after(person, path, sent).text

    def test_a_title_of_any_length_leaves_the_session_alive(
        self, person: Person, idea: dict[str, Any]
    ) -> None:
        sent = new_dataset(idea, "private", title="Fugas " * 80, name="largo")
        message = message_after(person, "/dataset/new", sent)
        assert len(message.text) < 300
        assert person.is_logged_in()


class TestOthers:
    def test_a_changed_status_names_the_idea(self, person: Person, idea: dict[str, Any]) -> None:
        message = message_after(person, f"/idea/{idea['id']}/status", {"status": "prioritised"})
        assert "Saved: Mapa de fugas." in message.text
        assert links_of(message)[0] == "/idea/mapa"

    def test_an_edited_organisation_is_named(
        self, person: Person, villa_nueva: dict[str, Any]
    ) -> None:
        sent = {"name": "villa-nueva", "title": "Villa Nueva, la nueva", "save": ""}
        message = message_after(person, "/organization/edit/villa-nueva", sent)
        assert "Saved: Villa Nueva, la nueva. Everybody sees it." in message.text

    def test_a_refused_save_says_nothing(self, person: Person, idea: dict[str, Any]) -> None:
        answer = person.client.post(
            "/dataset/new", data={**new_dataset(idea, "publish"), "title": ""}
        )
        assert answer.status_code == 200
        page = BeautifulSoup(answer.text, "lxml")
        assert not page.select(".flash-messages .alert-success")
