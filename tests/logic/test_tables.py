"""Tables are read from uploaded files after a save, and disappear with the file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests import factories as core
from ckan.tests.helpers import call_action
from openpyxl import Workbook
from werkzeug.datastructures import FileStorage

from ckanext.marathon.logic import reindex
from ckanext.marathon.logic.table import work_off
from ckanext.marathon.model import datastore, table
from ckanext.marathon.model.table import TableState
from tests.factories import Idea, MarathonDataset
from tests.logic.asking import act
from tests.stores import empty_datastore

PLUGINS = "marathon datastore scheming_datasets scheming_organizations dcat"
pytestmark = [
    pytest.mark.ckan_config("ckan.plugins", PLUGINS),
    pytest.mark.usefixtures("marathon_site", "storage"),
]

ROWS = (
    "Municipio;Fecha;Monto;Código\n"
    "Ejemplo A;01/02/2024;Q 1,234.50;0501\n"
    "Ejemplo B;15/03/2024;12.00;0502\n"
)


@pytest.fixture(autouse=True)
def store(marathon_site: None) -> None:
    if datastore.is_available():
        empty_datastore()


def send(content: str | bytes, name: str = "obras.csv") -> FileStorage:
    data = content if isinstance(content, bytes) else content.encode()
    return FileStorage(io.BytesIO(data), name)


def upload(content: str | bytes, name: str = "obras.csv", **dataset: Any) -> dict[str, Any]:
    """Return a file of a new dataset, whose table is not loaded yet."""
    made = MarathonDataset(**dataset)
    return call_action("resource_create", package_id=made["id"], upload=send(content, name))


def replace(file: dict[str, Any], content: str, name: str = "obras.csv") -> None:
    call_action("resource_patch", id=file["id"], upload=send(content, name))


def search(file: dict[str, Any], **query: Any) -> dict[str, Any]:
    return call_action("datastore_search", resource_id=file["id"], **query)


def rows_of(file: dict[str, Any], **query: Any) -> list[list[Any]]:
    return [list(row.values())[1:] for row in search(file, **query)["records"]]


def state_of(file: dict[str, Any]) -> str:
    found = table.find_table(file["id"])
    return found.state if found else ""


def message_of(file: dict[str, Any]) -> str:
    found = table.find_table(file["id"])
    assert found
    return str(found.fault.get("message"))


def make_book(**sheets: Sequence[Sequence[Any]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


class TestLoading:
    def test_a_table_is_loaded_with_its_types(self) -> None:
        file = upload(ROWS)
        assert state_of(file) == TableState.WAITING
        assert work_off() == 1
        assert state_of(file) == TableState.LOADED
        found = search(file)
        types = {field["id"]: field["type"] for field in found["fields"]}
        assert types == {
            "_id": "int",
            "municipio": "text",
            "fecha": "date",
            "monto": "numeric",
            "codigo": "text",
        }
        assert [row["_id"] for row in found["records"]] == [1, 2]
        # Day first, an amount with its currency, and a code with its zero.
        assert rows_of(file)[0] == ["Ejemplo A", "2024-02-01", 1234.5, "0501"]
        assert found["total"] == 2

    def test_headings_are_kept_as_labels(self) -> None:
        file = upload(ROWS)
        work_off()
        fields = search(file)["fields"]
        assert [field.get("info", {}).get("label") for field in fields[1:]] == [
            "Municipio",
            "Fecha",
            "Monto",
            "Código",
        ]

    def test_rows_can_be_filtered_and_searched(self) -> None:
        file = upload(ROWS)
        work_off()
        assert rows_of(file, filters={"codigo": "0502"})[0][0] == "Ejemplo B"
        assert [row[0] for row in rows_of(file, q="ejemplo b")] == ["Ejemplo B"]

    def test_rows_that_are_added_later_are_found_too(self) -> None:
        file = upload(ROWS)
        work_off()
        call_action(
            "datastore_upsert",
            resource_id=file["id"],
            method="insert",
            records=[{"municipio": "Zunilatenco"}],
            force=True,
        )
        (row,) = search(file, q="zunilatenco")["records"]
        assert row["_id"] == 3

    def test_the_dataset_is_not_changed_by_loading(self) -> None:
        file = upload(ROWS)
        before = call_action("package_show", id=file["package_id"])
        work_off()
        reindex.work_off()
        after = call_action("package_show", id=file["package_id"])
        assert after["metadata_modified"] == before["metadata_modified"]
        assert after["resources"][0]["datastore_active"] is True
        assert (
            "datastore_active" not in {**before["resources"][0]}
            or not before["resources"][0]["datastore_active"]
        )

    def test_a_cell_with_any_character_is_loaded_as_it_is(self) -> None:
        odd = 'tab\tbackslash\\ quote" line\nend'
        file = upload(make_book(Hoja=[["texto", "n"], [odd, 1], ["\\N", 2], ["\\.", 3]]), "a.xlsx")
        work_off()
        assert [row[0] for row in rows_of(file)] == [odd, "\\N", "\\."]

    def test_empty_cells_are_null(self) -> None:
        file = upload("a,b\n1,\n,x\n")
        work_off()
        assert rows_of(file) == [[1, None], [None, "x"]]

    @pytest.mark.parametrize("size", [1, 7, 4096, -1])
    def test_the_lines_for_copy_are_the_same_whatever_is_asked_for(self, size: int) -> None:
        rows = [["a", None], ["ñandú", "1"]] * 5
        lines = datastore.CopyLines(rows)
        read = b"".join(iter(lambda: lines.read(size), b""))
        wanted = "".join(
            f"{n}\t{row[0]}\t{row[1] or chr(92) + 'N'}\n" for n, row in enumerate(rows, 1)
        )
        assert (read.decode(), lines.count) == (wanted, 10)

    def test_the_first_sheet_with_rows_is_the_table_and_the_others_are_kept(self) -> None:
        book = make_book(
            Portada=[["Ejemplo"]], Enero=[["mes", "pozos"], ["enero", 5]], Febrero=[["x"], ["y"]]
        )
        file = upload(book, "libro.xlsx")
        work_off()
        assert rows_of(file) == [["enero", 5]]
        kept = table.find_table(file["id"])
        assert kept
        assert [sheet["name"] for sheet in kept.sheets] == ["Enero", "Febrero", "Portada"]
        assert kept.sheets[1]["first"] == [["y"]]

    def test_at_most_fifty_rows_are_kept_for_the_page(self) -> None:
        file = upload("n,m\n" + "".join(f"{n},x\n" for n in range(70)))
        work_off()
        kept = table.find_table(file["id"])
        assert kept
        assert (kept.sheets[0]["rows"], len(kept.sheets[0]["first"])) == (70, 50)
        assert search(file, limit=0)["total"] == 70

    def test_only_uploads_of_datasets_become_tables(self) -> None:
        link = {"url": "https://example.gt/a.csv", "format": "CSV"}
        made = MarathonDataset(resources=[link])
        idea = Idea()
        call_action("resource_create", package_id=idea["id"], upload=send(ROWS))
        photo = call_action("resource_create", package_id=made["id"], upload=send(b"x", "a.png"))
        assert work_off() == 0
        assert state_of(photo) == ""


class TestReplacing:
    def test_a_replaced_file_replaces_the_rows(self) -> None:
        file = upload("a,b\nx,1\n")
        work_off()
        replace(file, "a,b\ny,2\nz,3\n")
        assert state_of(file) == TableState.WAITING
        work_off()
        assert [row["_id"] for row in search(file)["records"]] == [1, 2]
        assert rows_of(file) == [["y", 2], ["z", 3]]

    def test_other_columns_make_the_table_again(self) -> None:
        file = upload("a,b\nx,1\n")
        work_off()
        replace(file, "c\nnueva\n")
        work_off()
        assert rows_of(file) == [["nueva"]]

    def test_a_file_that_is_no_table_leaves_none(self) -> None:
        file = upload("a,b\nx,1\n")
        work_off()
        replace(file, "%PDF-1.4 texto", "acta.pdf")
        assert work_off() == 1
        assert state_of(file) == ""
        assert not datastore.has_table(file["id"])
        assert call_action("resource_show", id=file["id"])["datastore_active"] is False

    def test_a_file_that_cannot_be_read_leaves_none_and_says_why(self) -> None:
        file = upload("a,b\nx,1\n")
        work_off()
        replace(file, "<html><table>")
        work_off()
        assert state_of(file) == TableState.FAILED
        assert message_of(file).startswith("The file is a web page")
        assert not datastore.has_table(file["id"])

    def test_a_change_of_texts_loads_nothing(self) -> None:
        file = upload(ROWS)
        work_off()
        call_action("resource_patch", id=file["id"], name="Otro nombre")
        call_action("package_patch", id=file["package_id"], title="Otro título")
        assert work_off() == 0

    def test_a_file_replaced_while_it_is_loaded_is_loaded_again(self) -> None:
        file = upload("a,b\nx,1\n")
        claimed = table.claim_next_table()
        assert claimed
        replace(file, "a,b\ny,2\n")
        assert not table.settle_table(claimed, state=TableState.LOADED)
        model.Session.commit()
        work_off()
        assert rows_of(file) == [["y", 2]]

    def test_a_slow_job_does_not_store_the_rows_of_a_replaced_file(self) -> None:
        file = upload("a,b\nx,1\n")
        slow = table.claim_next_table()
        assert slow
        replace(file, "a,b\ny,2\n")
        # Another job is reading the new file when the first one is done with the former.
        assert table.claim_next_table()
        assert not table.settle_table(slow, state=TableState.LOADED)
        model.Session.commit()
        assert state_of(file) == TableState.LOADING


class TestFaults:
    @pytest.mark.parametrize(
        ("content", "name", "message"),
        [
            ("<html><table></table></html>", "reporte.xls", "The file is a web page"),
            (b"PK\x03\x04 truncated", "libro.xlsx", "The file is damaged"),
            ("a,b\n", "vacia.csv", "The table has no rows"),
        ],
    )
    def test_the_reason_is_kept_and_the_file_can_be_downloaded(
        self, app: Any, content: str | bytes, name: str, message: str
    ) -> None:
        file = upload(content, name)
        work_off()
        assert state_of(file) == TableState.FAILED
        assert message_of(file).startswith(message)
        assert app.get(call_action("resource_show", id=file["id"])["url"]).status_code == 200

    def test_a_missing_file_is_named(self, storage: Path) -> None:
        file = upload(ROWS)
        for path in (storage / "resources").rglob("*"):
            if path.is_file():
                path.unlink()
        work_off()
        assert message_of(file).startswith("The file is not in the storage")

    def test_one_fault_does_not_stop_the_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bad, good = upload("<html>", "a.csv"), upload(ROWS)
        assert work_off() == 2
        assert (state_of(bad), state_of(good)) == (TableState.FAILED, TableState.LOADED)

    def test_a_rolled_back_save_notes_nothing(self) -> None:
        made = MarathonDataset()
        with pytest.raises(tk.ValidationError):
            call_action(
                "resource_create", package_id=made["id"], upload=send(ROWS), size="12345678"
            )
        assert work_off() == 0


class TestLeaving:
    @pytest.mark.parametrize("way", ["resource_delete", "package_delete", "dataset_purge"])
    def test_a_deleted_file_leaves_no_table(self, way: str) -> None:
        file = upload(ROWS)
        work_off()
        assert datastore.has_table(file["id"])
        user = core.Sysadmin()["name"]
        target = file["id"] if way == "resource_delete" else file["package_id"]
        call_action(way, {"user": user}, id=target)
        work_off()
        assert not datastore.has_table(file["id"])
        assert table.find_table(file["id"]) is None

    def test_a_restored_dataset_gets_its_table_back(self) -> None:
        file = upload(ROWS)
        work_off()
        call_action("package_delete", id=file["package_id"])
        call_action("package_patch", id=file["package_id"], state="active")
        work_off()
        assert len(rows_of(file)) == 2

    def test_a_takedown_removes_table_and_rows_of_the_page(self) -> None:
        file = upload(ROWS)
        work_off()
        call_action("marathon_takedown", id=file["package_id"], reason="Orden de un juez")
        assert not datastore.has_table(file["id"])
        assert table.find_table(file["id"]) is None


class TestPermissions:
    @pytest.fixture
    def private(self) -> dict[str, Any]:
        file = upload(ROWS, private=True)
        work_off()
        return file

    def test_the_table_of_a_private_dataset_is_read_by_its_organisation_only(
        self, private: dict[str, Any]
    ) -> None:
        from tests.factories import officer

        package = model.Package.get(private["package_id"])
        assert package
        own, other = officer(package.owner_org or ""), core.User()
        assert act("datastore_search", own, resource_id=private["id"])["total"] == 2
        for person in (other, None):
            with pytest.raises((tk.NotAuthorized, tk.ObjectNotFound)):
                act("datastore_search", person, resource_id=private["id"])

    def test_nobody_gets_the_list_of_all_tables(self, private: dict[str, Any]) -> None:
        with pytest.raises((tk.NotAuthorized, tk.ObjectNotFound)):
            act("datastore_search", None, resource_id="_table_metadata")

    def test_sql_queries_are_off(self) -> None:
        with pytest.raises(KeyError):
            tk.get_action("datastore_search_sql")
