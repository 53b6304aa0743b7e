"""The record of changes as page, CSV and workbook, for members and administrators."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.tests import factories as ckan_factories
from ckan.tests.helpers import call_action
from openpyxl import load_workbook

from ckanext.marathon.model import audit
from ckanext.marathon.views import form_data, history
from tests import factories
from tests.factories import officer
from tests.logic.asking import act
from tests.remembered import remembered
from tests.visitors import shown_values

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

PAGE = "/organization/villa-nueva/changes"


@pytest.fixture
@remembered
def workshop(villa_nueva: dict[str, Any]) -> dict[str, Any]:
    return factories.Workshop(owner_org=villa_nueva["id"], title="Taller del agua")


@pytest.fixture
def recorded_tables() -> dict[str, Any]:
    return {
        "dataset": model.Package,
        "workshop": model.Package,
        audit.RESOURCE: model.Resource,
        audit.ORGANIZATION: model.Group,
        audit.GROUP: model.Group,
    }


def recorded_columns(table: Any) -> list[str]:
    """Return the columns of a table whose changes are recorded by name."""
    hidden = {*audit.IGNORED, "extras", "id", "package_id", "type", "is_organization"}
    columns = [column.key for column in sa.inspect(table).column_attrs]
    return [name for name in columns if name not in hidden]


class TestPermissions:
    def test_an_anonymous_visitor_is_sent_to_log_in(
        self, visitor: Reader, villa_nueva: Any
    ) -> None:
        for page in (PAGE, "/marathon/changes", f"{PAGE}.csv", f"{PAGE}.xlsx"):
            answer = visitor.get(page)
            assert answer.status_code == 302, page
            assert "/user/login" in answer.location

    def test_other_roles_get_403_for_known_and_unknown_organisations(
        self, reader: Any, villa_nueva: Any
    ) -> None:
        other = reader(officer(factories.CivilSociety()["id"], "admin"))
        for page in (PAGE, f"{PAGE}.csv", f"{PAGE}.xlsx", "/organization/nadie/changes"):
            assert other.get(page).status_code == 403, page
        assert reader(ckan_factories.User()).get("/marathon/changes").status_code == 403

    def test_an_unknown_organisation_gets_404_for_a_system_administrator(self, reader: Any) -> None:
        admin = reader(ckan_factories.Sysadmin())
        for page in ("changes", "changes.csv", "changes.xlsx"):
            assert admin.get(f"/organization/x/{page}").status_code == 404, page

    def test_only_members_see_the_link(
        self, editor: Reader, visitor: Reader, workshop: Any
    ) -> None:
        link = f'a[href$="{PAGE}"]'
        assert editor.page("/organization/villa-nueva").select(link)
        assert not visitor.page("/organization/villa-nueva").select(link)


class TestPage:
    def test_an_entry_has_account_record_fields_and_time(
        self, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        act("package_patch", editor.name, id=workshop["id"], notes="Otra", private=True)
        page = editor.page(PAGE)
        first = page.select(".marathon-changes > li")[0].get_text(" ", strip=True)
        for words in (editor.name, "Taller del agua", "Change", "public → private"):
            assert words in first
        assert page.select_one(".marathon-changes time")

    def test_the_page_is_filtered_and_paged(self, reader: Any, workshop: dict[str, Any]) -> None:
        for number in range(60):
            call_action("package_patch", id=workshop["id"], notes=str(number))
        own = reader(officer(workshop["owner_org"], "admin"))
        page = own.page(f"{PAGE}?kind=workshop&action=changed")
        assert len(page.select(".marathon-changes > li")) == 50
        older = page.select_one('[rel="next"]')
        assert older
        second = own.page(older["href"])
        assert len(second.select(".marathon-changes > li")) == 10
        assert not second.select('[rel="next"]')
        assert second.select(".marathon-changes-pages a")
        chosen = second.select_one("#changes-kind option[selected]")
        assert chosen
        assert chosen["value"] == "workshop"

    def test_a_page_without_changes_shows_a_sentence(self, editor: Reader) -> None:
        page = editor.page(f"{PAGE}?until=2020-01-01")
        assert page.select_one(".empty")
        assert not page.select(".marathon-changes")

    @pytest.mark.parametrize("query", ["from=ayer", "before=x", "before=0", "action=x"])
    def test_a_filter_that_cannot_be_read_is_reported(self, editor: Reader, query: str) -> None:
        for ending in ("", ".csv", ".xlsx"):
            answer = editor.get(f"{PAGE}{ending}?{query}")
            if "before" in query and ending:
                continue
            assert answer.status_code == 400, ending
            assert 'role="alert"' in answer.text

    def test_a_system_administrator_sees_takedowns_and_permissions_in_one_place(
        self, reader: Any, workshop: dict[str, Any]
    ) -> None:
        call_action("marathon_takedown", id=workshop["id"], reason="Orden judicial")
        admin = reader(ckan_factories.Sysadmin())
        rows = admin.page("/marathon/changes").select(".marathon-changes > li")
        text = " ".join(each.get_text(" ", strip=True) for each in rows)
        assert "Takedown" in text
        assert "Account" in text
        assert "Taller del agua" not in text

    def test_only_fields_changed_by_a_form_are_named(
        self, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        # The form sends each of its fields, also those that were never stored.
        form = editor.page(f"/workshop/edit/{workshop['name']}").select_one("#dataset-edit")
        assert form
        sent = {**shown_values(form), "title": "Otro taller", "save": "save"}
        assert editor.post(f"/workshop/edit/{workshop['name']}", sent).status_code == 302
        newest = editor.page(PAGE).select(".marathon-changes > li")[0]
        fields = [each.get_text(" ", strip=True) for each in newest.select("ul li")]
        assert fields == ["Title"]

    def test_values_are_shown_by_their_labels(self, visitor: Reader, app: Any) -> None:
        dataset = factories.MarathonDataset(license_id="cc-by")
        entry = {"kind": "dataset", "organization": None, "former_organization": None}
        body = {**entry, "kind": "organization"}
        with app.flask_app.test_request_context(environ_overrides={"CKAN_LANG": "es"}):
            words = [
                history.describe_change(kind, {"field": name, "old": None, "new": new})
                for kind, name, new in (
                    (entry, "license_id", dataset["license_id"]),
                    (body, "role", "municipality"),
                    (body, "pilot", "true"),
                    ({**entry, "kind": "resource"}, "url_type", "upload"),
                    ({**entry, "kind": "workshop"}, "status", "held"),
                )
            ]
        assert [each.words.removeprefix("— → ") for each in words] == [
            "Creative Commons Atribución 4.0 Internacional",
            "municipalidad",
            "sí",
            "en este sitio",
            "realizado",
        ]

    def test_changes_of_many_kinds_are_shown_as_texts(self, reader: Any) -> None:
        dataset = factories.MarathonDataset()
        ckan_factories.Resource(package_id=dataset["id"])
        officer(dataset["owner_org"])
        ckan_factories.Group()
        call_action("marathon_idea_status_update", id=dataset["idea"][0], status="prioritised")
        call_action("config_option_update", **{"ckan.site_title": "Datos"})
        call_action("dataset_purge", id=dataset["id"])
        page = reader(ckan_factories.Sysadmin()).page("/marathon/changes")
        rows = page.select(".marathon-changes > li")
        lines = [row.select_one(".marathon-changes-what") for row in rows]
        # A line begins with the kind of record, and the badge says what was done.
        shown = {(next(line.stripped_strings), line.select_one(".badge").text) for line in lines}
        assert shown == {
            *((kind, "Creation") for kind in ("Account", "Group", "Membership", "Organization")),
            *((kind, "Creation") for kind in ("Dataset", "File", "Idea", "Workshop")),
            *((kind, "Change") for kind in ("Idea", "Setting")),
            *((kind, "Removal for good") for kind in ("Dataset", "File")),
        }

    @pytest.mark.parametrize("language", ["es", "en"])
    def test_every_recorded_column_has_a_label(
        self, app: Any, language: str, recorded_tables: dict[str, Any]
    ) -> None:
        with app.flask_app.test_request_context(environ_overrides={"CKAN_LANG": language}):
            bare = [
                (kind, column)
                for kind, table in recorded_tables.items()
                for column in recorded_columns(table)
                if form_data.name_field(kind, column) == column
            ]
        assert bare == []


class TestFiles:
    def test_the_csv_has_a_row_for_each_change_and_escapes_formulas(
        self, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        call_action("package_patch", id=workshop["id"], title="=1+1", private=True)
        answer = editor.get(f"{PAGE}.csv?kind=workshop")
        assert answer.content_type.startswith("text/csv")
        assert "no-store" in answer.headers["Cache-Control"]
        rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
        assert [each["action"] for each in rows] == ["changed", "created"]
        assert rows[0]["title"] == "'=1+1"
        assert rows[0]["changes"] == "private: False → True | title"

    def test_the_workbook_names_the_record_and_is_not_stored(
        self, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        answer = editor.get(f"{PAGE}.xlsx")
        sheet = load_workbook(io.BytesIO(answer.get_data())).worksheets[0]
        values = [cell.value for row in sheet.iter_rows() for cell in row]
        assert "Taller del agua" in values
        assert "no-store" in answer.headers["Cache-Control"]

    def test_a_csv_has_more_entries_than_one_batch(
        self, editor: Reader, workshop: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(history, "AT_ONCE", 4)
        for number in range(10):
            call_action("package_patch", id=workshop["id"], notes=str(number))
        answer = editor.get(f"{PAGE}.csv?kind=workshop")
        assert len(answer.get_data().splitlines()) == 12
