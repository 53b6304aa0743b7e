"""``ckan marathon municipality``, as an administrator types it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ckan import model
from ckan.cli.cli import ckan
from ckan.tests.helpers import call_action

from tests.factories import officer
from tests.logic import smtp

pytestmark = pytest.mark.usefixtures("marathon_site")


@pytest.fixture
def run(cli: Any) -> Any:
    return lambda *words: cli.invoke(ckan, ["marathon", "municipality", *words])


@pytest.fixture
def no_mail(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ckan_config, "smtp.server", "")


class TestAdd:
    def test_add_creates_the_organisations_and_prints_them(self, run: Any) -> None:
        result = run("add", "2105", "115")
        assert result.exit_code == 0, result.output
        assert result.output.splitlines() == [
            "2105 Municipalidad de San Carlos Alzatate (san-carlos-alzatate): created",
            "0115 Municipalidad de Villa Nueva (villa-nueva): created. 115 was read as 0115.",
        ]
        shown = call_action("organization_show", id="villa-nueva")
        assert (shown["municipality_code"], shown["role"]) == ("0115", "municipality")

    def test_a_second_run_changes_nothing(self, run: Any) -> None:
        run("add", "2105")
        again = run("add", "2105")
        assert again.exit_code == 0
        assert "there already" in again.output
        query = model.Session.query(model.Group).filter_by(is_organization=True)
        assert query.count() == 1

    def test_an_unknown_code_is_named_and_the_others_are_added(self, run: Any) -> None:
        result = run("add", "9999", "2105")
        assert result.exit_code == 1
        assert "No municipality of Guatemala has the INE code 9999." in result.output
        assert model.Group.get("san-carlos-alzatate")

    def test_without_a_code_the_usage_error_names_the_argument(self, run: Any) -> None:
        result = run("add")
        assert result.exit_code == 2
        assert "CODE" in result.output

    def test_the_output_is_in_the_language_of_the_site(self, cli: Any, tmp_path: Path) -> None:
        ini = tmp_path / "es.ini"
        text = (Path(__file__).parents[2] / "test.ini").read_text(encoding="utf-8")
        ini.write_text(text.replace("locale_default = en", "locale_default = es"), "utf-8")
        result = cli.invoke(ckan, ["-c", str(ini), "marathon", "municipality", "add", "9999"])
        assert "Ningún municipio de Guatemala tiene el código INE 9999" in result.output


class TestOfficer:
    def test_without_a_mail_server_the_link_is_printed(
        self, run: Any, app: Any, no_mail: None
    ) -> None:
        result = run("add", "2105", "--officer", "agua@example.gt", "--role", "admin")
        assert result.exit_code == 0, result.output
        assert "agua@example.gt (admin)" in result.output
        (link,) = re.findall(r"http://test.ckan.net(/user/reset/\S+)", result.output)
        assert app.get(link).status_code == 200

    def test_with_a_mail_server_the_link_is_mailed(
        self, run: Any, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with smtp.server() as (mailbox, address):
            monkeypatch.setitem(ckan_config, "smtp.server", address)
            result = run("add", "2105", "--officer", "agua@example.gt")
        assert "/user/reset/" not in result.output
        assert "/user/reset/" in mailbox.text()

    def test_an_officer_can_be_invited_to_an_existing_municipality(
        self, run: Any, no_mail: None
    ) -> None:
        run("add", "2105")
        assert (
            "agua@example.gt (editor)" in run("add", "2105", "--officer", "agua@example.gt").output
        )

    def test_an_invalid_mail_address_is_an_error(self, run: Any, no_mail: None) -> None:
        result = run("add", "2105", "--officer", "agua")
        assert result.exit_code == 1
        assert "agua is not a valid format" in result.output

    def test_officer_with_two_codes_is_a_usage_error(self, run: Any) -> None:
        result = run("add", "2105", "2101", "--officer", "agua@example.gt")
        assert result.exit_code == 2
        assert model.Group.get("san-carlos-alzatate") is None


class TestList:
    def test_an_empty_list_prints_a_sentence(self, run: Any) -> None:
        assert run("list").output.strip() == "There are no municipalities yet."

    def test_municipalities_are_listed_by_code_with_the_number_of_people(self, run: Any) -> None:
        run("add", "2105", "0115")
        officer(model.Group.get("villa-nueva").id)
        assert run("list").output.splitlines() == [
            "0115  Municipalidad de Villa Nueva (villa-nueva), 1 person",
            "2105  Municipalidad de San Carlos Alzatate (san-carlos-alzatate), 0 people",
        ]
