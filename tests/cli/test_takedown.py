"""Takedown lists: written out, applied elsewhere, and applied after a backup was restored."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.cli.cli import ckan
from ckan.tests.helpers import CKANCliRunner, call_action

from ckanext.marathon.model import takedown
from ckanext.marathon.model.takedown import Takedown
from ckanext.marathon.views.outage import TakedownCheck
from tests import factories

pytestmark = pytest.mark.usefixtures("marathon_site", "storage")

LIST = ["marathon", "takedown", "list", "--format", "json"]


@pytest.fixture
def run(cli: CKANCliRunner) -> Callable[..., Any]:
    return lambda *words: cli.invoke(ckan, ["marathon", "takedown", *map(str, words)])


def row(**fields: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "type": "dataset",
        "reason": "Orden judicial",
        "at": "2026-03-01T10:00:00-06:00",
        "files": 0,
        "resources": [],
        "user_id": None,
        **fields,
    }


def restore(package_id: str, listed: bool = True) -> None:
    """Bring a record back as a restored backup does: behind everybody's back."""
    package = model.Package(
        id=package_id, name=f"p-{package_id}", title="Ha vuelto", type="dataset"
    )
    model.Session.add(package)
    if not listed:
        model.Session.execute(sa.delete(Takedown))
    model.Session.commit()


def write(folder: Path, content: Any) -> Path:
    file = folder / "lista.json"
    text = content if isinstance(content, str) else json.dumps(content)
    file.write_text(text, encoding="utf-8")
    return file


class TestApply:
    def test_an_exported_list_can_be_applied_on_another_site(
        self, run: Callable[..., Any], cli: CKANCliRunner, tmp_path: Path
    ) -> None:
        dataset, other = factories.MarathonDataset(), factories.MarathonDataset()
        call_action("marathon_takedown", id=dataset["id"], reason="Orden judicial 17")
        file = write(tmp_path, cli.invoke(ckan, LIST).output)
        (listed,) = json.loads(file.read_text(encoding="utf-8"))
        assert {"id", "type", "reason", "at", "files", "resources"} <= listed.keys()
        restore(dataset["id"], listed=False)
        result = run("apply", file)
        assert result.exit_code == 0, result.output
        assert dataset["id"] in result.output
        assert model.Package.get(dataset["id"]) is None
        assert model.Package.get(other["id"]).state == "active"
        (again,) = json.loads(cli.invoke(ckan, LIST).output)
        assert (again["id"], again["reason"], again["at"]) == (
            listed["id"],
            listed["reason"],
            listed["at"],
        )

    def test_applying_a_list_twice_changes_nothing_more(
        self, run: Callable[..., Any], tmp_path: Path
    ) -> None:
        file = write(tmp_path, [row(id=factories.MarathonDataset()["id"]), row()])
        first, second = run("apply", file), run("apply", file)
        assert "1 taken down, 1 added to the list, 0 were already" in first.output
        assert "0 taken down, 0 added to the list, 2 were already" in second.output
        assert second.exit_code == 0

    def test_the_union_of_the_list_and_the_sites_own_is_applied(
        self, run: Callable[..., Any], tmp_path: Path
    ) -> None:
        own, other = factories.MarathonDataset(), factories.MarathonDataset()
        call_action("marathon_takedown", id=own["id"], reason="Orden judicial")
        restore(own["id"])
        assert run("apply", write(tmp_path, [row(id=other["id"])])).exit_code == 0
        assert model.Package.get(own["id"]) is None
        assert model.Package.get(other["id"]) is None
        assert len(call_action("marathon_takedown_list")) == 2

    def test_restored_files_without_a_record_are_removed(
        self, run: Callable[..., Any], tmp_path: Path, storage: Path
    ) -> None:
        id_, of_another = str(uuid.uuid4()), factories.MarathonDataset()
        call_action("resource_create", package_id=of_another["id"], url="https://example.gt/x")
        kept = call_action("package_show", id=of_another["id"])["resources"][0]["id"]
        paths = []
        for each in (id_, kept):
            path = storage / "resources" / each[:3] / each[3:6] / each[6:]
            path.parent.mkdir(parents=True)
            path.write_text("x", encoding="utf-8")
            paths.append(path)
        assert run("apply", write(tmp_path, [row(resources=[id_, kept])])).exit_code == 0
        assert [path.exists() for path in paths] == [False, True]

    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"id": None}, "field id"),
            ({"id": "../../etc/x"}, "field id"),
            ({"type": ""}, "field type"),
            ({"reason": "  "}, "field reason"),
            ({"reason": 7}, "field reason"),
            ({"at": "2026-03-01"}, "field at"),
            ({"at": "ayer"}, "field at"),
            ({"files": -1}, "field files"),
            ({"files": True}, "field files"),
            ({"resources": ["../x"]}, "field resources"),
            ({"user_id": 7}, "field user_id"),
        ],
    )
    def test_a_wrong_field_is_named_with_its_row_and_nothing_is_applied(
        self, run: Callable[..., Any], tmp_path: Path, fields: dict[str, Any], named: str
    ) -> None:
        dataset = factories.MarathonDataset()
        result = run("apply", write(tmp_path, [row(id=dataset["id"]), row(**fields)]))
        assert result.exit_code == 1
        assert "Row 2" in result.output
        assert named in result.output
        assert model.Package.get(dataset["id"]) is not None
        assert call_action("marathon_takedown_list") == []
        with pytest.raises(tk.ValidationError, match="Row 1"):
            call_action("marathon_takedown_apply", takedowns=[row(**fields)])

    @pytest.mark.parametrize("text", ["", "{}", "[1]", "no", "[" * 5_000, "null", '"x"'])
    def test_a_file_without_a_json_list_is_refused(
        self, run: Callable[..., Any], tmp_path: Path, text: str
    ) -> None:
        result = run("apply", write(tmp_path, text))
        assert result.exit_code == 1
        assert result.output.startswith("Error: ")

    def test_a_file_that_is_not_utf_8_is_refused(
        self, run: Callable[..., Any], tmp_path: Path
    ) -> None:
        file = tmp_path / "x.json"
        file.write_bytes(b"\xff\xfe\x00")
        assert "UTF-8" in run("apply", file).output


class TestRecordRestoredFromBackup:
    def test_doctor_names_the_restored_record(self, cli: CKANCliRunner) -> None:
        dataset = factories.MarathonDataset()
        call_action("marathon_takedown", id=dataset["id"], reason="Orden judicial")
        restore(dataset["id"])
        result = cli.invoke(ckan, ["marathon", "doctor"])
        assert dataset["id"] in result.output
        assert "takedown apply" in result.output
        assert result.exit_code == 1

    def test_a_starting_process_removes_a_restored_record_before_serving(self, app: Any) -> None:
        dataset = factories.MarathonDataset(title="Nadie lo vea")
        call_action("marathon_takedown", id=dataset["id"], reason="Orden judicial")
        restore(dataset["id"])
        TakedownCheck.due = 0.0
        answer = app.get(f"/dataset/{dataset['id']}", status=410)
        assert "Ha vuelto" not in answer.text
        assert model.Package.get(dataset["id"]) is None
        assert takedown.list_unfinished() == []

    def test_a_list_kept_outside_of_the_backup_replaces_the_lost_one(
        self,
        app: Any,
        cli: CKANCliRunner,
        tmp_path: Path,
        ckan_config: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        file = write(tmp_path, [row()])
        monkeypatch.setitem(ckan_config, "ckanext.marathon.takedown_list", str(file))
        dataset = factories.MarathonDataset()
        call_action("marathon_takedown", id=dataset["id"], reason="Orden judicial")
        listed = json.loads(file.read_text(encoding="utf-8"))
        assert len(listed) == 2, "what was in it stays"
        restore(dataset["id"], listed=False)
        assert dataset["id"] in cli.invoke(ckan, ["marathon", "doctor"]).output
        TakedownCheck.due = 0.0
        app.get("/dataset/")
        assert model.Package.get(dataset["id"]) is None
        assert len(call_action("marathon_takedown_list")) == 2

    def test_an_unreadable_list_is_named_and_not_overwritten(
        self,
        cli: CKANCliRunner,
        tmp_path: Path,
        ckan_config: Any,
        monkeypatch: pytest.MonkeyPatch,
        app: Any,
    ) -> None:
        file = write(tmp_path, "no")
        monkeypatch.setitem(ckan_config, "ckanext.marathon.takedown_list", str(file))
        dataset = factories.MarathonDataset()
        found = call_action("marathon_takedown", id=dataset["id"], reason="Orden judicial")
        assert found["unfinished"] == ["list"]
        assert file.read_text(encoding="utf-8") == "no"
        assert "ckanext.marathon.takedown_list" in cli.invoke(ckan, ["marathon", "doctor"]).output
        TakedownCheck.due = 0.0
        assert app.get("/dataset/").status_code == 200

    def test_the_id_of_a_removed_record_cannot_be_used_again(self) -> None:
        dataset = factories.MarathonDataset()
        call_action("marathon_takedown", id=dataset["id"], reason="Orden judicial")
        with pytest.raises(tk.ValidationError) as refused:
            factories.MarathonDataset(id=dataset["id"])
        assert "id" in refused.value.error_dict
