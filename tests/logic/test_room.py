"""While the disk is nearly full, all saves are refused and reading works."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from ckan import model
from ckan.tests import factories, helpers
from psycopg2 import OperationalError as ConnectError
from sqlalchemy.exc import OperationalError

from ckanext.marathon.logic.resource import NoRoom
from ckanext.marathon.model import disk
from tests.factories import Workshop

pytestmark = pytest.mark.usefixtures("marathon_site")


@pytest.fixture
def watched(ckan_config: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a function that sets how many megabytes have to be free."""
    monkeypatch.setitem(ckan_config, "ckanext.marathon.disk_path", str(tmp_path))

    def need(megabytes: int) -> None:
        monkeypatch.setitem(ckan_config, "ckanext.marathon.disk_free_mb", megabytes)

    return need


@pytest.fixture
def full(marathon_site: None, watched: Any) -> Iterator[str]:
    """Make records, then fill the disk; yield an administrator's token."""
    Workshop(name="taller")
    factories.User(name="lectora")
    token = factories.SysadminWithToken()["token"]
    watched(10**9)
    yield token
    model.Session.rollback()


@pytest.mark.usefixtures("full", "with_request_context")
class TestFullDisk:
    def test_a_full_disk_refuses_change_creation_and_deletion(self) -> None:
        for action, data in (
            ("package_patch", {"id": "taller", "title": "Otro"}),
            ("organization_create", {"name": "otra", "title": "Otra", "role": "other_public_body"}),
            ("package_delete", {"id": "taller"}),
            ("user_create", {"name": "nueva", "email": "n@example.gt", "password": "12345678"}),
        ):
            with pytest.raises(NoRoom):
                helpers.call_action(action, **data)
            model.Session.rollback()
        assert helpers.call_action("package_show", id="taller")["title"] != "Otro"
        assert helpers.call_action("package_show", id="taller")["state"] == "active"
        assert model.User.get("nueva") is None

    def test_a_full_disk_refuses_changes_outside_of_actions(self) -> None:
        package = model.Package.get("taller")
        assert package is not None
        package.title = "Otro"
        with pytest.raises(NoRoom):
            model.Session.commit()
        model.Session.rollback()


@pytest.mark.usefixtures("full", "with_request_context")
def test_a_full_disk_allows_updating_last_active() -> None:
    user = model.User.get("lectora")
    assert user is not None
    user.last_active = datetime(2026, 11, 29)
    model.Session.commit()
    user.fullname = "Otra"
    with pytest.raises(NoRoom):
        model.Session.commit()


def test_with_free_space_everything_is_saved(watched: Any) -> None:
    watched(1)
    Workshop(name="taller")
    assert helpers.call_action("package_patch", id="taller", title="Otro")["title"] == "Otro"


def test_without_the_option_no_disk_is_watched(
    ckan_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ckan_config, "ckanext.marathon.disk_free_mb", 10**9)
    Workshop(name="taller")
    assert disk.count_free_megabytes() is None


def test_a_missing_disk_path_refuses_nothing(
    watched: Any, ckan_config: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    watched(10**9)
    monkeypatch.setitem(ckan_config, "ckanext.marathon.disk_path", str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError):
        disk.count_free_megabytes()
    Workshop(name="taller")
    assert helpers.call_action("package_show", id="taller")["state"] == "active"


@pytest.mark.parametrize(
    ("fault", "is_full"),
    [
        (OSError(errno.ENOSPC, ""), True),
        (OSError(errno.EDQUOT, ""), True),
        (OperationalError("", {}, ConnectError(f"FATAL:  {os.strerror(errno.ENOSPC)}")), True),
        (OperationalError("", {}, ConnectError("FATAL:  the database is starting up")), False),
        (FileNotFoundError(errno.ENOENT, ""), False),
        (ValueError(), False),
    ],
)
def test_faults_of_a_full_disk_are_recognised(fault: Exception, is_full: bool) -> None:
    assert disk.is_disk_full(fault) == is_full


def test_a_program_gets_503_for_a_save_on_a_full_disk(app: Any, full: str) -> None:
    headers = {"Authorization": full}
    data = {"id": "taller", "title": "Otro"}
    answer = app.post("/api/action/package_patch", json=data, headers=headers)
    assert answer.status_code == 503, answer.body
    assert answer.json["error"]["__type"] == "Disk Full"
    assert answer.headers["Retry-After"]
    # Reading, with the note of when the token was used last.
    app.get("/api/action/package_show?id=taller", headers=headers, status=200)
