"""A file is replaced by the one of the next period; the one before is kept, or erased."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from ckanext.marathon.files.series import join_periods, renew_title
from ckanext.marathon.logic import file_version as version_logic
from ckanext.marathon.logic.table import work_off
from ckanext.marathon.model import file_version
from tests.factories import MarathonDataset, officer
from tests.logic.asking import act, refused
from tests.logic.test_tables import send

pytestmark = pytest.mark.usefixtures("marathon_site", "storage")

JANUARY = "sector,horas\nEjemplo A,5\nEjemplo A,6\nEjemplo B,7\nEjemplo B,1\n"
FEBRUARY = (
    "sector,horas,fecha\nEjemplo A,5,01/02/2026\nEjemplo C,6,15/02/2026\n"
    "Ejemplo C,7,20/02/2026\nEjemplo A,7,28/02/2026\nEjemplo A,8,28/02/2026\n"
)
PEOPLE = "Nombre del beneficiario,DPI\nMaría Ejemplo Pérez,1234567890101\nJuan Ejemplo Gómez,2\n"


@pytest.fixture
def file() -> dict[str, Any]:
    made = MarathonDataset()
    file = call_action(
        "resource_create",
        package_id=made["id"],
        name="Agua enero 2026",
        upload=send(JANUARY, "agua-enero-2026.csv"),
    )
    work_off()
    return file


def replace(file: dict[str, Any], content: str | bytes = FEBRUARY, **more: Any) -> dict[str, Any]:
    name = more.pop("file_name", "agua-febrero.csv")
    return call_action("marathon_file_replace", id=file["id"], upload=send(content, name), **more)


def versions(file: dict[str, Any]) -> list[dict[str, Any]]:
    return call_action("marathon_file_version_list", id=file["id"])


def stored(storage: Path) -> dict[str, bytes]:
    """Return the stored files by their id."""
    folder = storage / "resources"
    return {
        "".join(path.relative_to(folder).parts): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


class TestReplacing:
    def test_id_and_address_stay_and_the_facts_are_those_of_the_new_file(
        self, app: Any, file: dict[str, Any]
    ) -> None:
        result = replace(file)
        new = call_action("resource_show", id=file["id"])
        assert new["id"] == file["id"]
        assert new["size"] == len(FEBRUARY.encode())
        assert (new["hash"] != file["hash"], new["format"]) == (True, "CSV")
        assert new["modified"]
        assert app.get(new["url"]).body == FEBRUARY
        # The former address leads to the new file.
        assert app.get(file["url"]).body == FEBRUARY
        assert (result["version"], result["resource"]["id"]) == (1, file["id"])

    def test_title_and_period_are_renewed(self, file: dict[str, Any]) -> None:
        replace(file)
        dataset = call_action("package_show", id=file["package_id"])
        assert dataset["resources"][0]["name"] == "Agua febrero 2026"
        assert dataset["temporal_coverage"] == [{"start": "2026-02-01", "end": "2026-02-28"}]

    def test_a_title_that_is_sent_is_taken(self, file: dict[str, Any]) -> None:
        replace(file, name="Horas de agua")
        assert call_action("resource_show", id=file["id"])["name"] == "Horas de agua"

    def test_another_format_is_told(self, file: dict[str, Any]) -> None:
        replace(file, "texto", file_name="leame.txt")
        new = call_action("resource_show", id=file["id"])
        assert (new["format"], new["mimetype"]) == ("TXT", "text/plain")

    def test_it_is_told_what_changed(self, file: dict[str, Any]) -> None:
        changes = replace(file)["changes"]
        assert changes["rows"] == [4, 5]
        assert (changes["added"], changes["removed"]) == (["fecha"], [])
        assert changes["new_values"] == [{"column": "sector", "values": ["Ejemplo C"], "count": 1}]
        assert versions(file)[0]["changes"] == changes

    def test_the_new_table_replaces_the_former_one(self, file: dict[str, Any]) -> None:
        replace(file)
        work_off()
        (sheet,) = call_action("marathon_table_show", id=file["id"])["sheets"]
        assert sheet["rows"] == 5


class TestVersions:
    def test_the_file_before_is_kept(self, app: Any, file: dict[str, Any]) -> None:
        replace(file)
        replace(file, "a,b\n1,2\n", file_name="otro.csv")
        second, first = versions(file)
        assert (first["number"], second["number"]) == (1, 2)
        assert (first["name"], first["file_name"]) == ("Agua enero 2026", "agua-enero-2026.csv")
        assert (first["hash"], first["size"]) == (file["hash"], file["size"])
        answer = app.get(first["url"])
        assert answer.body == JANUARY
        assert answer.headers["Content-Disposition"] == "attachment; filename=agua-enero-2026.csv"
        assert answer.headers["Content-Type"].startswith("text/csv")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert app.get(second["url"]).body == FEBRUARY

    @pytest.mark.parametrize("number", ["0", "2", "99999999999999999999"])
    def test_a_version_that_does_not_exist_is_404(
        self, app: Any, file: dict[str, Any], number: str
    ) -> None:
        replace(file)
        address = f"/dataset/{file['package_id']}/resource/{file['id']}/version/{number}"
        assert app.get(address, status=404)

    def test_versions_have_the_permissions_of_the_record_of_today(
        self, app: Any, file: dict[str, Any]
    ) -> None:
        replace(file)
        (version,) = versions(file)
        call_action("package_patch", id=file["package_id"], private=True)
        assert app.get(version["url"], status=404)
        package = model.Package.get(file["package_id"])
        assert package
        person = officer(package.owner_org or "")
        token = call_action("api_token_create", user=person["name"], name="t")["token"]
        answer = app.get(version["url"], headers={"Authorization": token})
        assert answer.body == JANUARY
        assert "no-store" in answer.headers["Cache-Control"]
        with pytest.raises((tk.NotAuthorized, tk.ObjectNotFound)):
            act("marathon_file_version_list", core.User(), id=file["id"])

    def test_nothing_is_kept_of_a_file_with_personal_data(
        self, app: Any, storage: Path, file: dict[str, Any]
    ) -> None:
        result = replace(file, erase_previous=True)
        assert result["version"] is None
        (version,) = versions(file)
        assert (version["is_erased"], version["url"]) == (True, "")
        assert list(stored(storage).values()) == [FEBRUARY.encode()]
        address = f"/dataset/{file['package_id']}/resource/{file['id']}/version/1"
        assert app.get(address, status=410)

    @pytest.mark.parametrize("way", ["resource_delete", "dataset_purge"])
    def test_versions_of_a_deleted_file_are_deleted(
        self, storage: Path, file: dict[str, Any], way: str
    ) -> None:
        replace(file)
        target = file["id"] if way == "resource_delete" else file["package_id"]
        call_action(way, {"user": core.Sysadmin()["name"]}, id=target)
        assert version_logic.remove_absent_versions() == 1
        assert JANUARY.encode() not in stored(storage).values()
        assert file_version.list_versions(file["id"]) == []

    def test_a_takedown_removes_versions_too(self, storage: Path, file: dict[str, Any]) -> None:
        replace(file)
        (version,) = file_version.list_versions(file["id"])
        kept = version.id
        result = call_action("marathon_takedown", id=file["package_id"], reason="Orden de un juez")
        assert result["unfinished"] == []
        assert stored(storage) == {}
        assert file_version.list_versions(file["id"]) == []
        (row,) = call_action("marathon_takedown_list")
        # A restored backup has the bytes of the version under this id.
        assert kept in row["resources"]


class TestRefusing:
    @pytest.mark.parametrize(
        ("content", "message"),
        [("", "is empty"), (JANUARY, "is here already")],
    )
    def test_a_file_that_is_empty_or_the_same_is_refused(
        self, storage: Path, file: dict[str, Any], content: str, message: str
    ) -> None:
        with pytest.raises(tk.ValidationError) as caught:
            replace(file, content)
        assert message in str(caught.value.error_dict["upload"])
        assert list(stored(storage).values()) == [JANUARY.encode()]

    def test_without_a_file_it_is_refused(self, file: dict[str, Any]) -> None:
        site = call_action("get_site_user")["name"]
        assert "upload" in refused("marathon_file_replace", site, id=file["id"])

    @pytest.mark.ckan_config("ckan.max_resource_size", 1)
    def test_a_file_that_is_too_large_is_refused(self, file: dict[str, Any]) -> None:
        with pytest.raises(tk.ValidationError) as caught:
            replace(file, b"a" * (2**20 + 1))
        assert "larger than 1 MB" in str(caught.value.error_dict["upload"])

    def test_a_link_is_not_replaced(self) -> None:
        made = MarathonDataset(resources=[{"url": "https://example.gt/a.csv"}])
        with pytest.raises(tk.ValidationError) as caught:
            replace(made["resources"][0])
        assert "is a link" in str(caught.value.error_dict["upload"])

    def test_personal_data_are_pointed_out_with_column_and_rows(
        self, storage: Path, file: dict[str, Any]
    ) -> None:
        with pytest.raises(tk.ValidationError) as caught:
            replace(file, PEOPLE)
        found = " ".join(caught.value.error_dict["upload"])
        assert "Column A, “Nombre del beneficiario”: names of people" in found
        assert "reason" in caught.value.error_dict
        assert list(stored(storage).values()) == [JANUARY.encode()]

    def test_a_reason_lets_them_be_published_and_is_kept_for_the_organisation(
        self, file: dict[str, Any]
    ) -> None:
        replace(file, PEOPLE, reason="Son nombres de ejemplo")
        (version,) = file_version.list_versions(file["id"])
        assert version.changes["reason"] == "Son nombres de ejemplo"
        assert "reason" not in versions(file)[0]["changes"]

    def test_nothing_is_half_done_if_the_save_is_refused(
        self, storage: Path, file: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: Any) -> Any:
            raise tk.ValidationError({"title": ["no"]})

        monkeypatch.setattr(version_logic, "_update_record", refuse)
        with pytest.raises(tk.ValidationError):
            replace(file)
        assert list(stored(storage).values()) == [JANUARY.encode()]
        assert file_version.list_versions(file["id"]) == []

    def test_a_file_that_is_missing_can_only_be_replaced_without_keeping_it(
        self, storage: Path, file: dict[str, Any]
    ) -> None:
        for path in (storage / "resources").rglob("*"):
            if path.is_file():
                path.unlink()
        with pytest.raises(tk.ValidationError) as caught:
            replace(file)
        assert "cannot be read" in str(caught.value.error_dict["upload"])
        assert replace(file, erase_previous=True)["version"] is None

    def test_others_may_not(self, file: dict[str, Any]) -> None:
        for person in (core.User(), None):
            with pytest.raises(tk.NotAuthorized):
                act("marathon_file_replace", person, id=file["id"], upload=send(FEBRUARY))


class TestSeries:
    def test_another_period_is_added_beside(self, file: dict[str, Any]) -> None:
        result = replace(file, beside=True)
        dataset = call_action("package_show", id=file["package_id"])
        assert [each["name"] for each in dataset["resources"]] == [
            "Agua enero 2026",
            "Agua febrero 2026",
        ]
        assert result["resource"]["id"] == dataset["resources"][1]["id"] != file["id"]
        assert versions(file) == []

    @pytest.mark.parametrize(
        ("title", "period", "renewed"),
        [
            ("Agua enero 2026", ("2026-02", "2026-02"), "Agua febrero 2026"),
            ("Agua ENERO de 2025", ("2026-02-01", "2026-02-28"), "Agua FEBRERO de 2026"),
            ("Obras 2025", ("2026", "2026"), "Obras 2026"),
            ("Obras 2025-12", ("2026-01", "2026-01"), "Obras 2026-01"),
            ("Agua enero 2026", ("2026-02", "2026-03"), "Agua febrero a marzo 2026"),
            ("Agua de enero a marzo 2026", ("2026-04", "2026-06"), "Agua de enero a marzo 2026"),
            ("Agua enero 2026", ("2027", "2027"), "Agua enero 2026"),
            ("Agua enero 2026", None, "Agua enero 2026"),
            ("Presupuesto 2025-2026", ("2027", "2027"), "Presupuesto 2025-2026"),
        ],
    )
    def test_a_title_gets_the_next_period(
        self, title: str, period: tuple[str, str] | None, renewed: str
    ) -> None:
        assert renew_title(title, period) == renewed

    def test_periods_are_joined(self) -> None:
        assert join_periods(("2026-01", "2026-01"), ("2026-02", "2026-02")) == (
            "2026-01",
            "2026-02",
        )
        assert join_periods(("2026", "2026"), ("2026-02", "2026-02")) == ("2026", "2026")
        assert join_periods(None, None) is None
