"""Saving an edit form changes only the edited fields."""

from __future__ import annotations

import io
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from ckan import model
from ckan.lib import search
from ckan.tests import factories
from ckan.tests.helpers import call_action

from tests.factories import Idea, MarathonDataset, Workshop
from tests.remembered import remembered
from tests.visitors import shown_values

from .conftest import Reader

FILE = {"name": "Hours", "url": "https://example.gt/hours.csv"}

pytestmark = pytest.mark.usefixtures("marathon_site")

# Fields that every save changes.
CLOCKS = {"metadata_modified", "num_tags", "num_resources"}


def form_of(reader: Reader, thing: dict[str, Any]) -> Tag:
    form = reader.page(f"/{thing['type']}/edit/{thing['name']}").select_one("#dataset-edit")
    assert form
    return form


def save(reader: Reader, thing: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """Send the form with some fields changed; return the record as an insider sees it."""
    sent: dict[str, Any] = {**shown_values(form_of(reader, thing)), **changed, "save": "save"}
    answer = reader.post(f"/{thing['type']}/edit/{thing['name']}", sent)
    assert answer.status_code == 302, answer.text[:3000]
    return shown(thing, reader)


def shown(thing: dict[str, Any], reader: Reader) -> dict[str, Any]:
    found = call_action("package_show", id=thing["id"], context={"user": reader.name})
    return {key: value for key, value in found.items() if key not in CLOCKS}


def filled(value: Any) -> Any:
    """Return a value without its empty parts: a form sends "" where a program sends nothing."""
    if isinstance(value, dict):
        return {key: inner for key, each in value.items() if (inner := filled(each)) is not None}
    if isinstance(value, list):
        return [inner for each in value if (inner := filled(each)) is not None] or None
    return None if value == "" else value


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    before, after = filled(before), filled(after)
    keys = before.keys() | after.keys()
    return {k: (before.get(k), after.get(k)) for k in keys if before.get(k) != after.get(k)}


@pytest.fixture
@remembered
def workshop(villa_nueva: dict[str, Any]) -> dict[str, Any]:
    return Workshop(
        owner_org=villa_nueva["id"],
        municipality=["0115", "2105"],
        code="VN-1",
        starts_at="2017-06-03",
        ends_at="2017-06-03T12:30",
        participants=60,
        participants_youth=3,
        organiser=[{"name": "Villa Nueva", "role": "convener"}],
        invitation=[{"organisation": "COCODE", "invited_on": "2017-05-10", "answer": "accepted"}],
        language=["http://lexvo.org/id/iso639-3/quc"],
        example=True,
    )


@pytest.fixture
@remembered
def idea(workshop: dict[str, Any]) -> dict[str, Any]:
    return Idea(
        workshop=workshop["id"],
        community=["Zona 4", "El Frutal"],
        votes=12,
        data_need=[{"what": "Hours", "why": "To plan"}, {"what": "Leaks"}],
        summary=[{"lang": "http://lexvo.org/id/iso639-3/quc", "text": "Ja'"}],
        example=True,
    )


@pytest.fixture
@remembered
def dataset(idea: dict[str, Any]) -> dict[str, Any]:
    return MarathonDataset(
        idea=[idea["id"]],
        data_need=[idea["data_need"][0]["id"]],
        license_id="cc-by",
        frequency="http://publications.europa.eu/resource/authority/frequency/MONTHLY",
        contact=[{"name": "Water office", "email": "water@example.gt"}],
        temporal_coverage=[{"start": "2017-01-01", "end": "2017-12-31"}],
        tags=[{"name": "agua"}, {"name": "pozos"}],
        author="Somebody",
        maintainer_email="office@example.gt",
        extras=[{"key": "responsable", "value": "Oficina de agua"}],
        resources=[{"url": "https://example.gt/a.csv", "name": "A", "hash": "abc", "size": 7}],
        example=True,
    )


class TestUnchangedForms:
    def test_an_unchanged_workshop_form_changes_nothing(
        self, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        before = shown(workshop, editor)
        assert differences(before, save(editor, workshop)) == {}

    def test_an_unchanged_idea_form_changes_nothing(
        self, editor: Reader, idea: dict[str, Any]
    ) -> None:
        before = shown(idea, editor)
        assert differences(before, save(editor, idea)) == {}

    def test_an_unchanged_dataset_form_changes_nothing(
        self, editor: Reader, dataset: dict[str, Any]
    ) -> None:
        before = shown(dataset, editor)
        assert before["municipality_origin"] == "idea"
        assert differences(before, save(editor, dataset)) == {}


class TestChanged:
    def test_a_municipality_ticked_becomes_the_datasets_own(
        self, editor: Reader, dataset: dict[str, Any]
    ) -> None:
        after = save(editor, dataset, municipality=["", "0115"])
        assert (after["municipality"], after["municipality_origin"]) == (["0115"], "own")

    def test_the_last_choice_can_be_removed(self, editor: Reader, dataset: dict[str, Any]) -> None:
        assert save(editor, dataset, data_need="")["data_need"] == []

    def test_a_private_dataset_can_be_published_by_editing(
        self, editor: Reader, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        dataset = MarathonDataset(idea=[idea["id"]], private=True, resources=[FILE])
        assert visitor.get(f"/dataset/{dataset['name']}").status_code == 404
        save(editor, dataset, private="False", license_id="cc-by")
        assert visitor.get(f"/dataset/{dataset['name']}").status_code == 200

    def test_without_file_and_licence_a_dataset_stays_private(
        self, editor: Reader, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        dataset = MarathonDataset(idea=[idea["id"]], private=True)
        path = f"/dataset/edit/{dataset['name']}"
        sent: dict[str, Any] = {**shown_values(form_of(editor, dataset)), "private": "False"}
        page = BeautifulSoup(editor.post(path, sent).text, "lxml")
        targets = {str(link["href"]) for link in page.select(".marathon-errors a")}
        assert targets == {"#at-resources", "#at-license_id"}
        assert visitor.get(f"/dataset/{dataset['name']}").status_code == 404
        public = MarathonDataset(idea=[idea["id"]])
        assert save(editor, public, title="Public already")["title"] == "Public already"

    @pytest.mark.parametrize(
        "sent",
        [
            {"url": "", "name": "Nothing"},
            {"url": "", "upload": (io.BytesIO(b""), "empty.csv")},
        ],
    )
    def test_a_file_that_is_missing_or_empty_is_not_added(
        self, editor: Reader, dataset: dict[str, Any], sent: dict[str, Any]
    ) -> None:
        before = shown(dataset, editor)["resources"]
        path = f"/dataset/{dataset['name']}/resource/new"
        answer = editor.post(path, {"id": "", "save": "go-metadata", **sent})
        assert answer.status_code == 200
        assert "error-block" in answer.text
        assert shown(dataset, editor)["resources"] == before

    def test_an_error_keeps_the_typed_values(self, editor: Reader, dataset: dict[str, Any]) -> None:
        sent: dict[str, Any] = {
            **shown_values(form_of(editor, dataset)),
            "title": "Another title",
            "url": "nowhere",
            "save": "save",
        }
        answer = editor.post(f"/dataset/edit/{dataset['name']}", sent)
        assert answer.status_code == 200
        assert 'value="Another title"' in answer.text
        assert 'href="#at-url"' in answer.text

    @pytest.mark.parametrize("left", [["first"], ["second"], []])
    def test_an_idea_that_was_removed_stays_removed_after_an_error(
        self, editor: Reader, workshop: dict[str, Any], left: list[str]
    ) -> None:
        ids = {name: Idea(workshop=workshop["id"])["id"] for name in ("first", "second")}
        dataset = MarathonDataset(idea=list(ids.values()))
        kept = [ids[name] for name in left]
        path = f"/dataset/edit/{dataset['name']}"
        sent: dict[str, Any] = {**shown_values(form_of(editor, dataset)), "save": "save"}
        # The list sends an empty value with those that are ticked.
        answer = editor.post(path, {**sent, "idea": ["", *kept], "title": ""})
        form = BeautifulSoup(answer.text, "lxml").select_one("#dataset-edit")
        assert form
        again: dict[str, Any] = {**shown_values(form), "save": "save"}
        assert again["idea"] == ["", *kept]
        answer = editor.post(path, {**again, "title": "Wells"})
        # A dataset of a municipality needs an idea.
        assert answer.status_code == (302 if kept else 200)
        assert shown(dataset, editor)["idea"] == (kept or list(ids.values()))

    def test_a_draft_of_a_program_is_finished_in_the_form(
        self, editor: Reader, visitor: Reader, villa_nueva: dict[str, Any], idea: dict[str, Any]
    ) -> None:
        draft = MarathonDataset(idea=[idea["id"]], state="draft", resources=[FILE])
        form = form_of(editor, draft)
        sent: dict[str, Any] = {**shown_values(form), "state": "active", "license_id": "cc-by"}
        assert editor.post(str(form["action"]), sent).status_code == 302
        package = model.Package.get(draft["id"])
        assert package
        assert package.state == "active"
        assert visitor.get(f"/dataset/{draft['name']}").status_code == 200


class TestOldSpellings:
    def test_older_spellings_are_recognised_or_kept(
        self, editor: Reader, dataset: dict[str, Any]
    ) -> None:
        # As sites had them before the plugin: written below the validators.
        package = model.Package.get(dataset["id"])
        assert package
        written = {"frequency": "monthly", "language": '["es", "klingon"]'}
        package.extras = {**package.extras, **written}
        model.repo.commit()
        search.rebuild(dataset["id"])
        form = form_of(editor, dataset)
        frequency = form.select_one('[name="frequency"] option[selected]')
        assert frequency
        assert str(frequency["value"]).endswith("/MONTHLY")
        ticked = [str(box["value"]) for box in form.select('[name="language"][checked]')]
        assert ticked[0].endswith("/SPA")
        assert ticked[1] == "klingon"

    @pytest.mark.ckan_config("ckan.auth.create_unowned_dataset", True)
    def test_a_dataset_without_organisation_gets_none_preselected(
        self, reader: Any, villa_nueva: dict[str, Any]
    ) -> None:
        admin = reader(factories.Sysadmin())
        unowned = MarathonDataset(owner_org=None)
        owner = form_of(admin, unowned).select_one('[name="owner_org"]')
        assert owner
        assert not owner.get("value")
        assert not owner.select("option[selected]")
