"""Hidden characters are refused at their field with their name, and left out if they are stored.

Control and directional characters, those without width, and those that XML does not allow.
"""

from __future__ import annotations

import io
from typing import Any
from xml.etree import ElementTree

import ckan.plugins.toolkit as tk
import openpyxl
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.lib import search
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from ckanext.marathon.logic import parameters
from tests.factories import Idea, MarathonDataset, Municipality

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

UNWRITABLE = ["\x0b", "\x01", "\x1f", "\ufffe", "\uffff"]
HIDDEN = [*UNWRITABLE, "\x85", "\u200b", "\u200f", "\u202e", "\u2068", "\u061c", "\ufdd0"]
WRITABLE = ["\t", "\n", "\u02bc", "’", " مياه ", "\U0001f4a7", "👩\u200d🌾"]


@pytest.fixture
def sysadmin(marathon_site: None, app: Any) -> Reader:
    return Reader(app, core.Sysadmin())


def store(table: str, id_: str, title: str) -> None:
    """Write a title as an earlier version of the site stored it."""
    with model.meta.engine.begin() as connection:
        statement = sa.text(f'UPDATE "{table}" SET title = :title WHERE id = :id')
        connection.execute(statement, {"title": title, "id": id_})
    model.Session.remove()


@pytest.mark.parametrize("character", ["\x0b", "\ufffe", "\u202e", "\u200b"])
class TestStoredAlready:
    def test_workbooks_and_feeds_can_be_parsed(self, visitor: Reader, character: str) -> None:
        dataset = MarathonDataset(tags=[{"name": "agua"}])
        group = core.Group()
        call_action(
            "member_create",
            id=group["id"],
            object=dataset["id"],
            object_type="package",
            capacity="public",
        )
        idea = model.Session.scalar(sa.select(model.Package).where(model.Package.type == "idea"))
        for table, id_ in (
            ("package", dataset["id"]),
            ("package", idea.id),
            ("group", dataset["owner_org"]),
            ("group", group["id"]),
        ):
            store(table, id_, f"Agua{character}limpia")
        search.rebuild(quiet=True)
        for path in (
            "/feeds/dataset.atom",
            f"/feeds/group/{group['name']}.atom",
            f"/feeds/organization/{dataset['organization']['name']}.atom",
            "/feeds/tag/agua.atom",
            f"/feeds/custom.atom?q=Agua{character}limpia",
            "/catalog/changes.atom",
            "/marathon/news.atom",
            "/catalog.rdf",
        ):
            answer = visitor.get(path)
            assert answer.status_code == 200, (path, answer.status_code)
            ElementTree.fromstring(answer.body)
        municipality = call_action("organization_show", id=dataset["owner_org"])
        for path in (
            "/catalog.xlsx",
            "/marathon/report.xlsx",
            f"/municipality/{municipality['municipality_code']}/report.xlsx",
        ):
            answer = visitor.get(path)
            assert answer.status_code == 200, path
            book = openpyxl.load_workbook(io.BytesIO(answer.data))
            assert book.sheetnames

    def test_pages_and_tables_leave_out_hidden_characters(
        self, visitor: Reader, sysadmin: Reader, character: str
    ) -> None:
        dataset, person = MarathonDataset(), core.User()
        idea = model.Session.scalar(sa.select(model.Package).where(model.Package.type == "idea"))
        store("package", dataset["id"], f"Agua{character}limpia")
        store("package", idea.id, f"Agua{character}limpia")
        store("group", dataset["owner_org"], f"Villa{character}Nueva")
        with model.meta.engine.begin() as connection:
            statement = sa.text('UPDATE "user" SET fullname = :name WHERE id = :id')
            connection.execute(statement, {"name": f"Ana{character}Xol", "id": person["id"]})
        model.Session.remove()
        search.rebuild(quiet=True)
        paths = {
            f"/dataset/{dataset['name']}": ("Agualimpia", "VillaNueva"),
            "/dataset/": ("Agualimpia",),
            f"/organization/{dataset['organization']['name']}": ("VillaNueva",),
            "/catalog.csv": (),
            "/marathon/data/ideas.json": ("Agualimpia",),
            "/marathon/data/ideas.csv": ("Agualimpia",),
        }
        for path, texts in paths.items():
            answer = visitor.get(path)
            assert answer.status_code == 200, path
            assert character not in answer.text.removeprefix("\ufeff"), path
            assert all(text in answer.text for text in texts), path
        page = sysadmin.get(f"/user/{person['name']}")
        assert "AnaXol" in page.text
        assert character not in page.text

    def test_an_edit_form_shows_the_text_without_hidden_characters(
        self, sysadmin: Reader, character: str
    ) -> None:
        group = core.Group()
        store("group", group["id"], f"Agua{character}limpia")
        page = sysadmin.get(f"/group/edit/{group['name']}")
        assert 'value="Agualimpia"' in page.text


class TestSaved:
    @pytest.mark.parametrize("character", HIDDEN)
    def test_a_hidden_character_is_refused_at_its_field(
        self, sysadmin: Reader, character: str
    ) -> None:
        dataset, group, person = MarathonDataset(), core.Group(), core.User()
        text = f"Agua{character}limpia"
        for action, data, field in (
            ("package_patch", {"id": dataset["id"], "title": text}, "title"),
            ("package_patch", {"id": dataset["id"], "notes": text}, "notes"),
            ("package_patch", {"id": dataset["id"], "tags": [{"name": text}]}, "tags"),
            ("package_patch", {"id": dataset["id"], "tag_string": text}, "tag_string"),
            ("resource_create", {"package_id": dataset["id"], "name": text, "url": "a"}, "name"),
            ("organization_patch", {"id": dataset["owner_org"], "title": text}, "title"),
            ("group_patch", {"id": group["id"], "title": text}, "title"),
            ("user_patch", {"id": person["id"], "fullname": text}, "fullname"),
            ("config_option_update", {"ckan.site_title": text}, "ckan.site_title"),
            ("vocabulary_create", {"name": text, "tags": []}, "name"),
        ):
            answer = sysadmin.post_json(f"/api/3/action/{action}", data)
            assert answer.status_code == 409, action
            error = str(answer.json["error"][field])
            assert f"U+{ord(character):04X}" in error, (action, error)
            assert "“Agua”" in error, (action, error)

    @pytest.mark.parametrize("character", WRITABLE)
    def test_other_characters_are_saved(self, character: str) -> None:
        notes = f"Agua{character}limpia"
        assert MarathonDataset(notes=notes)["notes"] == notes

    def test_a_password_with_a_hidden_character_is_accepted(self, sysadmin: Reader) -> None:
        person = {"name": "ana", "email": "ana@example.gt", "password": "agua\u200blimpia1"}
        answer = sysadmin.post_json("/api/3/action/user_create", person)
        assert answer.status_code == 200, answer.text

    def test_hidden_characters_in_datastore_rows_are_no_error(self) -> None:
        rows = {"records": [{"nombre": "Agua\u200f"}]}
        assert not parameters.find_wrong_types("datastore_upsert", rows, writes=True)
        assert parameters.find_wrong_types("group_create", rows, writes=True)

    @pytest.mark.parametrize(
        ("path", "fields"),
        [
            ("/group/new", {"name": "agua"}),
            ("/organization/new", {"name": "agua"}),
            ("/dataset/new", {"name": "agua"}),
            ("/idea/new", {"name": "agua"}),
        ],
    )
    def test_a_form_names_the_hidden_character_and_saves_nothing(
        self, sysadmin: Reader, path: str, fields: dict[str, str]
    ) -> None:
        fields["owner_org"] = Municipality()["id"]
        answer = sysadmin.post(path, {**fields, "title": "Agua\u202elimpia"})
        assert answer.status_code == 200, path
        assert "U+202E RIGHT-TO-LEFT OVERRIDE" in answer.text
        assert model.Group.get("agua") is None
        assert model.Package.get("agua") is None

    def test_the_account_form_names_the_hidden_character_and_saves_nothing(
        self, reader: Any
    ) -> None:
        person = core.User(password="correct horse")
        answer = reader(person).post(
            f"/user/edit/{person['name']}",
            {
                "name": person["name"],
                "email": person["email"],
                "fullname": "Ana\u202eXol",
                "old_password": "correct horse",
                "save": "",
            },
        )
        assert "U+202E RIGHT-TO-LEFT OVERRIDE" in answer.text
        model.Session.remove()
        stored = model.User.get(person["id"])
        assert stored
        assert stored.fullname == person["fullname"]

    def test_a_hidden_character_in_a_row_is_refused_at_its_place(self) -> None:
        with pytest.raises(tk.ValidationError) as refusal:
            Idea(data_need=[{"what": "x", "why": "x"}, {"what": "Agua\ufffe", "why": "x"}])
        first, second = refusal.value.error_dict["data_need"]
        assert not first
        assert "U+FFFE" in second["what"][0]
