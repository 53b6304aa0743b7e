"""Two officers edit one record: the second save shows both versions, field by field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from ckan import model
from ckan.tests.helpers import call_action

from tests.factories import Workshop, officer
from tests.remembered import remembered
from tests.visitors import shown_values

from .conftest import Reader
from .test_form_rows import JSON, form_of, post, stored, values_of

pytestmark = pytest.mark.usefixtures("marathon_site")

Values = dict[str, Any]


@pytest.fixture
@remembered
def workshop(villa_nueva: dict[str, Any]) -> dict[str, Any]:
    return Workshop(
        owner_org=villa_nueva["id"],
        municipality=["0115"],
        starts_at="2017-06-03",
        invitation=[{"organisation": "COCODE", "answer": "accepted"}],
    )


@pytest.fixture
def colleague(reader: Any, villa_nueva: dict[str, Any]) -> Reader:
    return reader(officer(villa_nueva["id"], fullname="Ana López"))


def page_of(answer: Any) -> BeautifulSoup:
    assert answer.status_code == 409, answer.status_code
    return BeautifulSoup(answer.text, "lxml")


def warning(page: BeautifulSoup) -> str:
    found = page.select_one(".marathon-conflict")
    assert found
    return " ".join(found.get_text(" ").split())


def shown(thing: dict[str, Any], reader: Reader) -> dict[str, Any]:
    return call_action("package_show", id=thing["id"], context={"user": reader.name})


class TestSecondSave:
    def test_the_second_save_is_refused_with_a_filled_form_and_saving_again_confirms_it(
        self, editor: Reader, colleague: Reader, workshop: dict[str, Any]
    ) -> None:
        mine, theirs = values_of(editor, workshop), values_of(colleague, workshop)
        assert post(colleague, workshop, {**theirs, "title": "Theirs"}).status_code == 302
        page = page_of(post(editor, workshop, {**mine, "title": "Mine"}))
        assert shown(workshop, editor)["title"] == "Theirs"
        assert "somebody else saved this" in warning(page)
        assert "Theirs" in warning(page)
        again: Values = shown_values(form_of(page))
        assert again["title"] == ["Mine"]
        assert post(editor, workshop, again).status_code == 302
        assert shown(workshop, editor)["title"] == "Mine"

    def test_the_other_version_can_be_chosen_for_a_field(
        self, editor: Reader, colleague: Reader, workshop: dict[str, Any]
    ) -> None:
        mine, theirs = values_of(editor, workshop), values_of(colleague, workshop)
        post(colleague, workshop, {**theirs, "title": "Theirs", "venue": "Hall"})
        page = page_of(post(editor, workshop, {**mine, "title": "Mine", "venue": "School"}))
        again: Values = {**shown_values(form_of(page)), "form_keep:title": "theirs"}
        assert post(editor, workshop, again).status_code == 302
        after = shown(workshop, editor)
        assert (after["title"], after["venue"]) == ("Theirs", "School")

    def test_changes_made_only_by_the_other_are_kept(
        self, editor: Reader, colleague: Reader, workshop: dict[str, Any]
    ) -> None:
        mine, theirs = values_of(editor, workshop), values_of(colleague, workshop)
        post(colleague, workshop, {**theirs, "venue": "Hall", "private": "True"})
        page = page_of(post(editor, workshop, {**mine, "title": "Mine"}))
        assert not page.select("[name='form_keep:venue']")
        again: Values = shown_values(form_of(page))
        assert (again["venue"], again["private"]) == (["Hall"], ["True"])
        assert post(editor, workshop, again).status_code == 302
        after = shown(workshop, editor)
        assert (after["title"], after["venue"], after["private"]) == ("Mine", "Hall", True)

    def test_rows_added_by_the_first_save_are_kept(
        self, editor: Reader, colleague: Reader, workshop: dict[str, Any]
    ) -> None:
        mine, theirs = values_of(editor, workshop), values_of(colleague, workshop)
        post(colleague, workshop, {**theirs, "invitation-1-organisation": "Clinic"})
        # Not touched by the second: theirs.
        again = shown_values(form_of(page_of(post(editor, workshop, {**mine, "title": "M"}))))
        assert again["invitation-1-organisation"] == ["Clinic"]
        # Added by both: the second's, and those of the first unless they say otherwise.
        page = page_of(post(editor, workshop, {**mine, "invitation-1-organisation": "School"}))
        merged = shown_values(form_of(page))
        assert post(editor, workshop, merged).status_code == 302
        names = [row["organisation"] for row in stored(editor, workshop, "invitation")]
        assert names == ["COCODE", "School", "Clinic"]

    def test_own_rows_replace_those_of_the_other_only_if_chosen(
        self, editor: Reader, colleague: Reader, workshop: dict[str, Any]
    ) -> None:
        mine, theirs = values_of(editor, workshop), values_of(colleague, workshop)
        post(colleague, workshop, {**theirs, "invitation-1-organisation": "Clinic"})
        page = page_of(post(editor, workshop, {**mine, "invitation-1-organisation": "School"}))
        again: Values = {**shown_values(form_of(page)), "form_keep:invitation": "mine"}
        assert post(editor, workshop, again).status_code == 302
        names = [row["organisation"] for row in stored(editor, workshop, "invitation")]
        assert names == ["COCODE", "School"]

    def test_a_third_save_is_a_conflict_too(
        self, editor: Reader, colleague: Reader, workshop: dict[str, Any]
    ) -> None:
        mine = values_of(editor, workshop)
        post(colleague, workshop, {**values_of(colleague, workshop), "title": "One"})
        again = shown_values(form_of(page_of(post(editor, workshop, {**mine, "title": "Mine"}))))
        post(colleague, workshop, {**values_of(colleague, workshop), "title": "Two"})
        assert "Two" in warning(page_of(post(editor, workshop, dict(again))))

    def test_the_version_of_the_form_survives_an_error(
        self, editor: Reader, colleague: Reader, workshop: dict[str, Any]
    ) -> None:
        mine = values_of(editor, workshop)
        post(colleague, workshop, {**values_of(colleague, workshop), "venue": "Hall"})
        answer = post(editor, workshop, {**mine, "title": ""})
        assert answer.status_code == 200
        again: Values = shown_values(form_of(BeautifulSoup(answer.text, "lxml")))
        assert post(editor, workshop, {**again, "title": "Mine"}).status_code == 409

    def test_the_script_gets_409_for_a_conflict(
        self, editor: Reader, colleague: Reader, workshop: dict[str, Any]
    ) -> None:
        mine = values_of(editor, workshop)
        post(colleague, workshop, {**values_of(colleague, workshop), "title": "Theirs"})
        answer = post(editor, workshop, {**mine, "title": "Mine"}, **JSON)
        assert (answer.status_code, answer.json) == (409, {"conflict": True})

    def test_a_change_by_the_api_is_a_conflict_too(
        self, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        mine = values_of(editor, workshop)
        call_action("package_patch", id=workshop["id"], venue="Hall")
        page = page_of(post(editor, workshop, {**mine, "title": "Mine"}))
        assert shown_values(form_of(page))["venue"] == ["Hall"]


class TestNoConflict:
    def test_a_form_sent_twice_is_no_conflict(
        self, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        sent = {**values_of(editor, workshop), "title": "Mine"}
        assert post(editor, workshop, sent).status_code == 302
        assert post(editor, workshop, sent).status_code == 302

    def test_a_request_without_a_version_is_saved(
        self, editor: Reader, colleague: Reader, workshop: dict[str, Any]
    ) -> None:
        mine = values_of(editor, workshop)
        del mine["form_version"]
        post(colleague, workshop, {**values_of(colleague, workshop), "title": "Theirs"})
        assert post(editor, workshop, {**mine, "title": "Mine"}).status_code == 302

    @pytest.mark.parametrize("odd", ["", "nonsense", "[]", "[" * 50_000])
    def test_a_malformed_version_counts_as_none(
        self, editor: Reader, workshop: dict[str, Any], odd: str
    ) -> None:
        sent = {**values_of(editor, workshop), "form_version": odd, "form_keep:title": "theirs"}
        sent |= {"form_keep:nothing": "theirs", "form_keep:none": "both", "form_keep:title": "x"}
        assert post(editor, workshop, {**sent, "title": "Mine"}).status_code == 302
        assert call_action("package_show", id=workshop["id"])["title"] == "Mine"

    def test_a_version_with_a_malformed_field_is_a_conflict_in_it(
        self, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        sent = {**values_of(editor, workshop), "form_version": '{"title": {"a": 1}}'}
        assert post(editor, workshop, {**sent, "title": "Mine"}).status_code == 409
        assert call_action("package_show", id=workshop["id"])["title"] == workshop["title"]

    def test_a_new_file_is_no_conflict(self, editor: Reader, workshop: dict[str, Any]) -> None:
        mine = values_of(editor, workshop)
        call_action("resource_create", package_id=workshop["id"], url="https://example.gt/a")
        assert post(editor, workshop, {**mine, "title": "Mine"}).status_code == 302
        assert len(shown(workshop, editor)["resources"]) == 1


@pytest.mark.ckan_config(
    "ckan.plugins", "marathon activity scheming_datasets scheming_organizations dcat"
)
class TestNameOfTheOther:
    @pytest.fixture(autouse=True)
    def activities(self, marathon_site: None, migrate_db_for: Callable[[str], None]) -> None:
        columns = sa.inspect(model.meta.engine).get_columns("activity")
        if all(each["name"] != "permission_labels" for each in columns):
            migrate_db_for("activity")

    def test_an_insider_sees_the_name(
        self, editor: Reader, colleague: Reader, workshop: dict[str, Any]
    ) -> None:
        mine = values_of(editor, workshop)
        post(colleague, workshop, {**values_of(colleague, workshop), "title": "Theirs"})
        assert "Ana López saved it on" in warning(
            page_of(post(editor, workshop, {**mine, "title": "Mine"}))
        )

    def test_a_collaborator_does_not_see_the_name(
        self, reader: Any, colleague: Reader, workshop: dict[str, Any], ckan_config: Any
    ) -> None:
        other = officer(Workshop()["owner_org"])
        ckan_config["ckan.auth.allow_dataset_collaborators"] = True
        call_action(
            "package_collaborator_create",
            id=workshop["id"],
            user_id=other["id"],
            capacity="editor",
        )
        outsider = reader(other)
        mine = values_of(outsider, workshop)
        post(colleague, workshop, {**values_of(colleague, workshop), "venue": "Hall"})
        said = warning(page_of(post(outsider, workshop, {**mine, "title": "Mine"})))
        assert "It was saved on" in said
        assert "Ana" not in said


class TestApi:
    def test_package_revise_takes_metadata_modified_as_a_condition(
        self, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        path = "/api/3/action/package_revise"
        sent = {
            "match__id": workshop["id"],
            "match__metadata_modified": shown(workshop, editor)["metadata_modified"],
            "update__title": "By a program",
        }
        assert editor.post(path, sent).status_code == 200
        second = editor.post(path, {**sent, "update__title": "By another"})
        assert second.status_code == 409
        assert "metadata_modified" in second.text
        assert shown(workshop, editor)["title"] == "By a program"
