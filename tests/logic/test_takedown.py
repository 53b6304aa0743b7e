"""A takedown removes all traces, tells followers to delete their copies, and is recorded."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.cli.cli import ckan
from ckan.lib import files, uploader
from ckan.tests import factories as ckan_factories
from ckan.tests.helpers import CKANCliRunner, call_action
from werkzeug.datastructures import FileStorage

from ckanext.marathon.feeds.verify import verify_log
from tests import factories

SECRET = "Nombre que un juez mandó quitar"

pytestmark = pytest.mark.usefixtures("marathon_site")


@pytest.fixture
def dataset(storage: Any, tmp_path: Path) -> dict[str, Any]:
    found = factories.MarathonDataset(title=SECRET, notes=SECRET)
    file = tmp_path / "datos.csv"
    file.write_text(f"nombre\n{SECRET}\n", encoding="utf-8")
    with file.open("rb") as stream:
        call_action(
            "resource_create",
            package_id=found["id"],
            name="Tabla",
            upload=FileStorage(stream, "datos.csv"),
        )
    return call_action("package_show", id=found["id"])


def stored() -> bytes:
    """Return all that the tables of the feed hold, rendered pages inflated."""
    from ckanext.marathon.feeds.catalogue import Piece, inflate_piece
    from ckanext.marathon.model.feed import Entry, Rendering, read_description

    model.Session.rollback()
    bodies = model.Session.scalars(sa.select(Entry.body).where(Entry.body.is_not(None)))
    pieces = model.Session.execute(sa.select(Rendering.body, Rendering.size, Rendering.crc))
    return b"".join(
        [*map(read_description, bodies), *(inflate_piece(Piece(*each)) for each in pieces)]
    )


@pytest.mark.parametrize("state", ["private", "draft", "deleted"])
def test_hidden_records_can_be_taken_down_by_the_api(app: Any, state: str) -> None:
    fields = {"private": {"private": True}, "draft": {"state": "draft"}}.get(state, {})
    commitment = factories.Commitment(**fields)
    if state == "deleted":
        call_action("package_delete", id=commitment["id"])
    headers = {"Authorization": ckan_factories.SysadminWithToken()["token"]}
    data = {"id": commitment["id"], "reason": "x"}
    answer = app.post("/api/3/action/marathon_takedown", json=data, headers=headers)
    assert answer.status_code == 200, answer.body
    assert model.Package.get(commitment["id"]) is None


def test_a_takedown_removes_file_feed_entry_and_database_rows(
    app: Any, dataset: dict[str, Any]
) -> None:
    path = Path(uploader.get_resource_uploader({}).get_path(dataset["resources"][0]["id"]))
    assert path.exists()
    for address in ("/catalog.ttl", "/data.json", "/catalog/changes"):
        assert SECRET in app.get(address).get_data(as_text=True)
    assert SECRET.encode() in stored()
    found = call_action("marathon_takedown", id=dataset["name"], reason="Orden judicial")
    assert found == {"id": dataset["id"], "type": "dataset", "files": 1, "unfinished": []}
    assert not path.exists()
    assert SECRET.encode() not in stored()
    for address in ("/catalog.ttl", "/catalog/all.nt", "/data.json", "/catalog.csv"):
        assert SECRET not in app.get(address).get_data(as_text=True)
    assert call_action("package_search", q="juez")["count"] == 0
    assert list(verify_log()) == []


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A storage of CKAN's beside the folder of uploads."""
    path = tmp_path / "shared"
    settings = {"type": "ckan:fs", "path": str(path), "initialize": True}
    files.storages.register("shared", files.make_storage("shared", settings))
    yield path
    files.storages.pop("shared")


def test_only_its_files_are_removed_from_ckans_storages(
    dataset: dict[str, Any], shared: Path
) -> None:
    as_admin = {"user": ckan_factories.Sysadmin()["name"], "ignore_auth": True}
    own, other = (
        call_action("file_create", as_admin, name=name, storage="shared", upload=upload)["id"]
        for name in ("suyo.txt", "ajeno.txt")
        for upload in [FileStorage(io.BytesIO(SECRET.encode()), name)]
    )
    package = {"owner_type": "package", "owner_id": dataset["id"]}
    call_action("file_ownership_transfer", as_admin, id=own, **package)
    assert len(list(shared.iterdir())) == 2
    call_action("marathon_takedown", id=dataset["id"], reason="Orden judicial")
    assert len(list(shared.iterdir())) == 1
    assert call_action("file_show", as_admin, id=other)["name"] == "ajeno.txt"
    with pytest.raises(tk.ObjectNotFound):
        call_action("file_show", as_admin, id=own)


def test_followers_get_a_delete(app: Any, dataset: dict[str, Any]) -> None:
    cursor = app.get("/catalog/changes").headers["Marathon-Feed-Cursor"]
    call_action("marathon_takedown", id=dataset["id"], reason="Orden judicial")
    changes = app.get(f"/catalog/changes?since={cursor}").get_data(as_text=True)
    assert "as:Delete" in changes
    assert dataset["id"] in changes
    assert SECRET not in changes
    for address in (f"/dataset/{dataset['id']}", f"/dataset/{dataset['id']}.ttl"):
        assert app.get(address, status=410).status_code == 410


def test_a_takedown_is_recorded(dataset: dict[str, Any]) -> None:
    call_action("marathon_takedown", id=dataset["id"], reason=" Orden judicial 17 ")
    (row,) = call_action("marathon_takedown_list")
    assert (row["id"], row["type"], row["files"]) == (dataset["id"], "dataset", 1)
    assert row["reason"] == "Orden judicial 17"
    assert row["at"].startswith("20")


def test_an_idea_is_cut_out_of_its_datasets(dataset: dict[str, Any]) -> None:
    (idea,) = dataset["idea"]
    call_action("marathon_takedown", id=idea, reason="Orden judicial")
    assert call_action("package_show", id=dataset["id"])["idea"] == []
    assert list(verify_log()) == []


@pytest.mark.parametrize("reason", ["", "  ", None, 7, ["x"], "x" * 5_001, "a\x00b"])
def test_a_reason_has_to_be_given(dataset: dict[str, Any], reason: Any) -> None:
    with pytest.raises(tk.ValidationError) as refused:
        call_action("marathon_takedown", id=dataset["id"], reason=reason)
    assert list(refused.value.error_dict) == ["reason"]
    assert call_action("package_show", id=dataset["id"])["title"] == SECRET
    assert call_action("marathon_takedown_list") == []


@pytest.mark.parametrize("id", ["no-such-thing", None, 7, "", "a\x00b", "\ud800"])
def test_an_unknown_record_is_not_found(id: Any) -> None:
    with pytest.raises(tk.ObjectNotFound):
        call_action("marathon_takedown", id=id, reason="Orden judicial")


def test_only_sysadmins_may_take_down_or_list_takedowns(dataset: dict[str, Any]) -> None:
    admin = factories.officer(dataset["owner_org"], "admin")
    for user in (admin["name"], ckan_factories.User()["name"], ""):
        context = {"user": user, "ignore_auth": False}
        with pytest.raises(tk.NotAuthorized):
            call_action("marathon_takedown", context, id=dataset["id"], reason="Porque sí")
        with pytest.raises(tk.NotAuthorized):
            call_action("marathon_takedown_list", context)


def test_the_command_asks_first(cli: CKANCliRunner, dataset: dict[str, Any]) -> None:
    remove = ["marathon", "takedown", "remove", dataset["name"], "--reason", "Orden judicial"]
    assert cli.invoke(ckan, remove, input="n\n").exit_code == 1
    assert call_action("package_show", id=dataset["id"])["state"] == "active"
    result = cli.invoke(ckan, remove, input="y\n")
    assert result.exit_code == 0, result.output
    again = cli.invoke(ckan, [*remove, "--yes"])
    assert again.exit_code == 1
    assert "nothing of this id" in again.output
    assert "Orden judicial" in cli.invoke(ckan, ["marathon", "takedown", "list"]).output
