"""Characters that XML cannot hold: refused at their field; where they are stored, left out."""

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

from tests.factories import Idea, MarathonDataset

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

UNWRITABLE = ["\x0b", "\x01", "\x1f", "\ufffe", "\uffff"]
# What XML holds, however odd.
WRITABLE = ["\t", "\n", "\x85", "\ufdd0", "\U0001ffff", "\U0001f4a7"]


@pytest.fixture
def sysadmin(marathon_site: None, app: Any) -> Reader:
    return Reader(app, core.Sysadmin())


def store(table: str, id_: str, title: str) -> None:
    """Write a title as an earlier version of the site stored it."""
    with model.meta.engine.begin() as connection:
        statement = sa.text(f'UPDATE "{table}" SET title = :title WHERE id = :id')
        connection.execute(statement, {"title": title, "id": id_})
    model.Session.remove()


@pytest.mark.parametrize("character", UNWRITABLE)
class TestStoredAlready:
    def test_workbooks_and_feeds_are_whole(self, visitor: Reader, character: str) -> None:
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


class TestSaved:
    @pytest.mark.parametrize("character", UNWRITABLE)
    def test_it_is_refused_at_its_field(self, sysadmin: Reader, character: str) -> None:
        dataset, group = MarathonDataset(), core.Group()
        title = f"Agua{character}limpia"
        for action, data in (
            ("package_patch", {"id": dataset["id"], "title": title}),
            ("organization_patch", {"id": dataset["owner_org"], "title": title}),
            ("group_patch", {"id": group["id"], "title": title}),
        ):
            answer = sysadmin.post_json(f"/api/3/action/{action}", data)
            assert answer.status_code == 409, action
            assert "cannot be stored" in answer.json["error"]["title"][0], action

    @pytest.mark.parametrize("character", WRITABLE)
    def test_other_characters_are_saved(self, character: str) -> None:
        notes = f"Agua{character}limpia"
        assert MarathonDataset(notes=notes)["notes"] == notes

    @pytest.mark.parametrize("kind", ["group", "organization"])
    def test_a_form_says_so_too(self, sysadmin: Reader, kind: str) -> None:
        answer = sysadmin.post(f"/{kind}/new", {"name": "agua", "title": "Agua\x0blimpia"})
        assert answer.status_code == 200
        assert "cannot be stored" in answer.text
        assert model.Group.get("agua") is None

    def test_an_idea_with_one_in_a_row_of_its_data_needs(self) -> None:
        with pytest.raises(tk.ValidationError) as refusal:
            Idea(data_need=[{"what": "Agua\ufffe", "why": "x"}])
        assert "cannot be stored" in str(refusal.value.error_dict["data_need"])
