"""Missing and left-over tables and versions of files are found and put right."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.cli.cli import ckan
from ckan.model import meta

from ckanext.marathon.logic.table import work_off
from ckanext.marathon.model import datastore, file_version, table
from ckanext.marathon.model.table import TableState
from ckanext.marathon.operations import backup, doctor, tables, upkeep
from ckanext.marathon.operations.doctor import Health
from tests.logic.test_file_replace import replace
from tests.logic.test_tables import ROWS, rows_of, state_of, upload
from tests.stores import empty_datastore

PLUGINS = "marathon datastore scheming_datasets scheming_organizations dcat"
pytestmark = [
    pytest.mark.ckan_config("ckan.plugins", PLUGINS),
    pytest.mark.usefixtures("marathon_site", "storage", "with_request_context"),
]


@pytest.fixture(autouse=True)
def store(marathon_site: None) -> None:
    empty_datastore()


def findings() -> list[str]:
    found = doctor.check_tables_of_files()
    return [finding.text for finding in found if finding.health is not Health.GOOD]


def mend() -> None:
    for finding in list(doctor.check_tables_of_files()):
        if finding.mend:
            finding.mend()


def drop(resource_id: str) -> None:
    """Drop a table behind the site's back."""
    from ckanext.datastore.backend.postgres import get_write_engine

    with get_write_engine().begin() as connection:
        connection.execute(sa.text(f'DROP TABLE "{resource_id}"'))


class TestTables:
    def test_a_site_with_all_its_tables_has_no_finding(self) -> None:
        upload(ROWS)
        work_off()
        assert findings() == []

    def test_a_table_that_was_lost_is_named_and_loaded_again(self) -> None:
        file = upload(ROWS)
        work_off()
        drop(file["id"])
        assert "1 are missing in the DataStore" in findings()[0]
        mend()
        assert findings() == []
        assert len(rows_of(file)) == 2

    def test_a_table_of_a_file_that_does_not_exist_is_dropped(self) -> None:
        file = upload(ROWS)
        work_off()
        model.Session.execute(sa.delete(table.FileTable))
        model.Session.commit()
        resource = model.Session.get(model.Resource, file["id"])
        model.Session.delete(resource)
        model.Session.execute(sa.delete(table.FileTable))
        model.Session.commit()
        assert "1 belong to no file" in findings()[0]
        mend()
        assert not datastore.has_table(file["id"])

    def test_tables_that_wait_for_long_are_named(self) -> None:
        upload(ROWS)
        assert findings() == []
        old = sa.func.clock_timestamp() - sa.text("interval '1 hour'")
        model.Session.execute(sa.update(table.FileTable).values(since=old))
        model.Session.commit()
        assert "1 wait to be loaded" in findings()[0]

    def test_files_that_cannot_be_read_are_counted(self) -> None:
        upload("<html><table>", "a.xls")
        work_off()
        assert findings()[0].startswith("1 files cannot be read as tables")

    def test_a_load_that_was_interrupted_is_taken_up_again(self) -> None:
        file = upload(ROWS)
        assert table.claim_next_table()
        assert table.claim_next_table() is None
        old = sa.func.clock_timestamp() - table.INTERRUPTED_AFTER - sa.text("interval '1 minute'")
        model.Session.execute(sa.update(table.FileTable).values(since=old))
        model.Session.commit()
        assert work_off() == 1
        assert state_of(file) == TableState.LOADED

    def test_everything_is_loaded_again_after_a_restore(self) -> None:
        file = upload(ROWS)
        work_off()
        assert tables.note_outdated_tables() == 0
        assert tables.note_outdated_tables(everything=True) == 1
        work_off()
        assert len(rows_of(file)) == 2

    @pytest.mark.parametrize(
        ("setting", "value", "text"),
        [
            ("ckan.datastore.sqlsearch.enabled", True, "send SQL"),
            ("ckan.datastore.public_table_search", ["_table_metadata"], "list the tables"),
        ],
    )
    def test_settings_that_show_private_tables_are_a_fault(
        self, ckan_config: Any, monkeypatch: pytest.MonkeyPatch, setting: str, value: Any, text: str
    ) -> None:
        monkeypatch.setitem(ckan_config, setting, value)
        assert text in findings()[0]

    def test_the_commands_list_and_load(self, cli: Any) -> None:
        upload(ROWS)
        bad = upload("<html><table>", "a.xls")
        result = cli.invoke(ckan, ["marathon", "tables", "update", "--later"])
        assert "2 tables wait" in result.output
        result = cli.invoke(ckan, ["marathon", "tables", "update"])
        assert "2 tables were loaded or dropped." in result.output
        result = cli.invoke(ckan, ["marathon", "tables", "check"])
        assert result.exit_code == 0, result.output
        assert f"{bad['package_id']} {bad['id']}: The file is a web page" in result.output


class TestVersions:
    def test_a_backup_names_the_files_of_versions(self) -> None:
        file = upload(ROWS)
        replace(file, "a,b\n1,2\n")
        replace(file, "a,b\n3,4\n", erase_previous=True)
        assert meta.engine is not None
        with meta.engine.connect() as connection:
            named = set(backup.list_named_uploads(connection))
        ids = [file["id"], *file_version.list_stored_ids()]
        assert len(ids) == 2
        assert named == {f"resources/{id_[:3]}/{id_[3:6]}/{id_[6:]}" for id_ in ids}

    def test_versions_are_no_unknown_files(self, storage: Path) -> None:
        file = upload(ROWS)
        replace(file, "a,b\n1,2\n")
        old = time.time() - 3 * 24 * 3600
        paths = [path for path in (storage / "resources").rglob("*") if path.is_file()]
        for path in paths:
            os.utime(path, (old, old))
        assert len(paths) == 2
        assert upkeep.list_unknown_files() == []

    def test_a_version_whose_bytes_are_missing_is_named(self, storage: Path) -> None:
        file = upload(ROWS)
        replace(file, "a,b\n1,2\n")
        work_off()
        (id_,) = file_version.list_stored_ids()
        (storage / "resources" / id_[:3] / id_[3:6] / id_[6:]).unlink()
        assert findings() == [f"1 former versions of files are not in the storage: {id_}"]

    def test_versions_of_deleted_files_are_named_and_deleted(self, storage: Path) -> None:
        file = upload(ROWS)
        replace(file, "a,b\n1,2\n")
        from ckan.tests.helpers import call_action

        call_action("resource_delete", id=file["id"])
        work_off()
        assert findings() == ["1 former versions belong to files that were deleted."]
        mend()
        assert (findings(), file_version.list_stored_ids()) == ([], [])
