"""CKAN's forms of files and organisations keep typed values and detect conflicts, too."""

from __future__ import annotations

import io
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from ckan.tests.helpers import call_action

from tests.factories import Idea, MarathonDataset, Workshop, officer
from tests.remembered import remembered
from tests.visitors import shown_values

from .conftest import Reader
from .test_form_rows import JSON

pytestmark = pytest.mark.usefixtures("storage", "marathon_site")

Values = dict[str, Any]
LISTED = ["https://example.gt/x", "https://example.gt/y"]
ORGANIZATION = "/organization/edit/villa-nueva"


@pytest.fixture
@remembered
def dataset(villa_nueva: dict[str, Any]) -> dict[str, Any]:
    workshop = Workshop(owner_org=villa_nueva["id"], municipality=["0115"])
    idea = Idea(workshop=workshop["id"])
    return MarathonDataset(
        owner_org=villa_nueva["id"],
        idea=[idea["id"]],
        resources=[{"url": "https://example.gt/a.csv", "name": "A", "conforms_to": LISTED}],
    )


@pytest.fixture
def path(dataset: dict[str, Any]) -> str:
    return f"/dataset/{dataset['id']}/resource/{dataset['resources'][0]['id']}/edit"


@pytest.fixture
def admin(reader: Any, villa_nueva: dict[str, Any]) -> Reader:
    return reader(officer(villa_nueva["id"], "admin"))


@pytest.fixture
def other_admin(reader: Any, villa_nueva: dict[str, Any]) -> Reader:
    return reader(officer(villa_nueva["id"], "admin"))


def form_in(answer: Any) -> Tag:
    form = BeautifulSoup(answer.text, "lxml").select_one("form:has([data-marathon-form])")
    assert form, answer.text[:1000]
    return form


def values_at(reader: Reader, path: str) -> Values:
    return dict(shown_values(form_in(reader.get(path))))


def resource_of(dataset: dict[str, Any]) -> dict[str, Any]:
    return call_action("package_show", id=dataset["id"])["resources"][0]


class TestFile:
    def test_an_error_keeps_the_typed_values_and_names_the_file_to_choose_again(
        self, editor: Reader, dataset: dict[str, Any], path: str
    ) -> None:
        sent = {
            **values_at(editor, path),
            "name": "B",
            "issued": "never",
            "upload": (io.BytesIO(b"a,b\n"), "b.csv"),
            "save": "",
        }
        answer = editor.post(path, sent)
        assert answer.status_code == 200
        form = form_in(answer)
        errors = form.select_one("[data-errors]")
        assert errors
        assert "b.csv" in errors.text
        again = shown_values(form)
        assert (again["name"], again["url"]) == (["B"], ["https://example.gt/a.csv"])
        done = editor.post(path, {**again, "issued": "2020-01-01", "save": ""})
        assert done.status_code == 302
        after = resource_of(dataset)
        assert (after["name"], after["issued"]) == ("B", "2020-01-01")
        assert after["conforms_to"] == LISTED
        assert not [key for key in after if key.startswith("form_")]

    def test_the_script_gets_errors_by_field_and_finally_the_address(
        self, editor: Reader, path: str
    ) -> None:
        sent = {**values_at(editor, path), "issued": "never", "save": ""}
        wrong = editor.post(path, sent, **JSON)
        assert (wrong.status_code, list(wrong.json["errors"])) == (422, ["issued"])
        right = editor.post(path, {**sent, "issued": ""}, **JSON)
        assert "/resource/" in right.json["url"]

    def test_an_error_in_a_new_form_keeps_the_typed_values(
        self, editor: Reader, dataset: dict[str, Any]
    ) -> None:
        new = f"/dataset/{dataset['id']}/resource/new"
        sent = {**values_at(editor, new), "name": "B", "issued": "never", "save": "again"}
        answer = editor.post(new, {**sent, "url": "https://example.gt/b.csv"})
        again = shown_values(form_in(answer))
        assert again["name"] == ["B"]
        again["issued"] = [""]
        assert editor.post(new, {**again, "save": "go-dataset-complete"}).status_code == 302
        assert len(call_action("package_show", id=dataset["id"])["resources"]) == 2

    def test_the_second_of_two_saves_gets_a_conflict(
        self, editor: Reader, admin: Reader, dataset: dict[str, Any], path: str
    ) -> None:
        mine = values_at(editor, path)
        theirs = values_at(admin, path)
        sent = {**theirs, "name": "Theirs", "description": "D", "save": ""}
        assert admin.post(path, sent).status_code == 302
        answer = editor.post(path, {**mine, "name": "Mine", "save": ""})
        assert answer.status_code == 409
        assert resource_of(dataset)["name"] == "Theirs"
        again = shown_values(form_in(answer))
        assert (again["name"], again["description"]) == (["Mine"], ["D"])
        assert editor.post(path, {**again, "save": ""}).status_code == 302
        after = resource_of(dataset)
        assert (after["name"], after["description"]) == ("Mine", "D")

    def test_the_address_of_an_unchanged_upload_is_not_in_conflict(
        self, editor: Reader, dataset: dict[str, Any]
    ) -> None:
        new = f"/dataset/{dataset['id']}/resource/new"
        sent = {
            **values_at(editor, new),
            "upload": (io.BytesIO(b"a,b\n"), "b.csv"),
            "url": "b.csv",
            "url_type": "upload",
            "save": "go-dataset-complete",
        }
        assert editor.post(new, sent).status_code == 302
        stored = call_action("package_show", id=dataset["id"])["resources"][1]
        edit = f"/dataset/{dataset['id']}/resource/{stored['id']}/edit"
        mine = values_at(editor, edit)
        call_action("resource_patch", id=stored["id"], description="By a program")
        answer = editor.post(edit, {**mine, "name": "Mine", "save": ""})
        assert answer.status_code == 409
        assert "form_keep:url" not in answer.text
        again = shown_values(form_in(answer))
        assert editor.post(edit, {**again, "save": ""}).status_code == 302
        after = call_action("resource_show", id=stored["id"])
        assert (after["name"], after["description"]) == ("Mine", "By a program")
        assert after["url"].endswith("/download/b.csv")

    def test_without_solr_the_form_is_returned(
        self,
        editor: Reader,
        path: str,
        dataset: dict[str, Any],
        ckan_config: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        sent = {**values_at(editor, path), "name": "B", "save": ""}
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/nothing")
        answer = editor.post(path, sent)
        assert answer.status_code == 503
        assert shown_values(form_in(answer))["name"] == ["B"]
        monkeypatch.undo()
        assert resource_of(dataset)["name"] == "A"


class TestOrganization:
    def test_an_error_keeps_the_typed_values(self, admin: Reader) -> None:
        sent = {**values_at(admin, ORGANIZATION), "description": "D", "contact_email": "no"}
        answer = admin.post(ORGANIZATION, {**sent, "save": ""})
        form = form_in(answer)
        assert form.select_one('.marathon-errors a[href="#at-contact_email"]')
        again = {**shown_values(form), "contact_email": "a@example.gt", "save": ""}
        assert admin.post(ORGANIZATION, again).status_code == 302
        after = call_action("organization_show", id="villa-nueva")
        assert (after["description"], after["contact_email"]) == ("D", "a@example.gt")
        assert after["municipality_code"] == "0115"
        assert not [extra for extra in after.get("extras", []) if extra["key"].startswith("form")]

    def test_an_error_in_a_new_form_keeps_the_typed_values(self, reader: Any) -> None:
        from ckan.tests import factories

        sysadmin = reader(factories.Sysadmin())
        new = "/organization/new"
        sent = {**values_at(sysadmin, new), "title": "T", "name": "t-1", "contact_email": "no"}
        answer = sysadmin.post(new, {**sent, "save": ""})
        again = {**shown_values(form_in(answer)), "contact_email": "", "save": ""}
        assert again["title"] == ["T"]
        assert sysadmin.post(new, again).status_code == 302
        assert call_action("organization_show", id="t-1")["title"] == "T"

    def test_the_second_of_two_saves_gets_a_conflict(
        self, admin: Reader, other_admin: Reader
    ) -> None:
        mine, theirs = values_at(admin, ORGANIZATION), values_at(other_admin, ORGANIZATION)
        first = {**theirs, "description": "Theirs", "homepage": "https://t.gt", "save": ""}
        assert other_admin.post(ORGANIZATION, first).status_code == 302
        second = {**mine, "description": "Mine", "save": ""}
        assert admin.post(ORGANIZATION, second, **JSON).status_code == 409
        answer = admin.post(ORGANIZATION, second)
        assert answer.status_code == 409
        again = {**shown_values(form_in(answer)), "save": ""}
        assert again["description"] == ["Mine"]
        assert again["homepage"] == ["https://t.gt"]
        taken = admin.post(ORGANIZATION, {**again, "form_keep:description": "theirs"})
        assert taken.status_code == 302
        assert call_action("organization_show", id="villa-nueva")["description"] == "Theirs"
        confirmed = admin.post(ORGANIZATION, {**again, "form_keep:description": "mine"})
        assert confirmed.status_code == 302
        assert call_action("organization_show", id="villa-nueva")["description"] == "Mine"


class TestOtherPerson:
    def test_a_form_opened_by_another_account_needs_confirmation(
        self, admin: Reader, other_admin: Reader
    ) -> None:
        sent = {**values_at(admin, ORGANIZATION), "description": "D", "save": ""}
        answer = other_admin.post(ORGANIZATION, sent)
        assert f"This form was opened by “{admin.name}”" in answer.text
        assert call_action("organization_show", id="villa-nueva")["description"] != "D"
        again = {**shown_values(form_in(answer)), "save": ""}
        assert again["form_user"] == [other_admin.name]
        assert other_admin.post(ORGANIZATION, again).status_code == 302
        assert call_action("organization_show", id="villa-nueva")["description"] == "D"
