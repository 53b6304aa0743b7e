"""Begun uploads, by the protocol tus."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import call_action

from ckanext.marathon.logic import upload as upload_logic
from ckanext.marathon.model import upload as upload_model

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("storage", "marathon_site")

TUS = {"Tus-Resumable": "1.0.0"}


class Sender:
    """Somebody who sends a file in pieces."""

    def __init__(self, app: Any, reader: Reader) -> None:
        self._app = app
        self._headers = {**reader._headers, **TUS}

    def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._app.client.open(
            path, method=method, data=body, headers={**self._headers, **named}
        )

    def begin(self, name: str, size: int, **more: str) -> Any:
        metadata = f"filename {base64.b64encode(name.encode()).decode()}"
        return self.call(
            "POST", "/marathon/upload", Upload_Length=str(size), Upload_Metadata=metadata, **more
        )

    def append(self, path: str, offset: int, piece: bytes, **more: str) -> Any:
        headers = {"Content_Type": "application/offset+octet-stream", **more}
        return self.call("PATCH", path, piece, Upload_Offset=str(offset), **headers)

    def list(self) -> list[dict[str, Any]]:
        return self.call("GET", "/marathon/upload").json["uploads"]


def path_of(answer: Any) -> str:
    assert answer.status_code == 201, answer.text
    location = answer.headers["Location"]
    return location[location.index("/marathon/upload") :]


@pytest.fixture
def sender(app: Any, editor: Reader) -> Sender:
    return Sender(app, editor)


@pytest.fixture
def stranger(app: Any, reader: Callable[..., Reader], marathon_site: None) -> Sender:
    """Somebody with an account and no organisation."""
    from ckan.tests import factories

    return Sender(app, reader(factories.User()))


class TestSending:
    def test_a_file_arrives_in_pieces(self, sender: Sender) -> None:
        path = path_of(sender.begin("agua.csv", 10))
        first = sender.append(path, 0, b"sector")
        assert (first.status_code, first.headers["Upload-Offset"]) == (204, "6")
        head = sender.call("HEAD", path)
        assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == ("6", "10")
        assert "no-store" in head.headers["Cache-Control"]
        assert sender.append(path, 6, b",m3\n").headers["Upload-Offset"] == "10"
        (own,) = sender.list()
        assert (own["name"], own["received"], own["is_complete"]) == ("agua.csv", 10, True)
        stored = model.Session.get(upload_model.BegunUpload, own["id"])
        assert stored
        assert stored.sha256 == hashlib.sha256(b"sector,m3\n").hexdigest()
        assert stored.path.read_bytes() == b"sector,m3\n"

    def test_a_piece_in_the_wrong_place_changes_nothing(self, sender: Sender) -> None:
        path = path_of(sender.begin("agua.csv", 10))
        sender.append(path, 0, b"sector")
        assert sender.append(path, 3, b"xxx").status_code == 409
        assert sender.call("HEAD", path).headers["Upload-Offset"] == "6"

    def test_more_than_was_announced_is_refused(self, sender: Sender) -> None:
        path = path_of(sender.begin("agua.csv", 4))
        assert sender.append(path, 0, b"sector").status_code == 413
        assert sender.call("HEAD", path).headers["Upload-Offset"] == "0"

    def test_a_piece_of_another_type_is_refused(self, sender: Sender) -> None:
        path = path_of(sender.begin("agua.csv", 4))
        assert sender.append(path, 0, b"x", Content_Type="text/csv").status_code == 415

    def test_two_tabs_do_not_write_at_once(self, sender: Sender) -> None:
        path = path_of(sender.begin("agua.csv", 4))
        stored = upload_model.find_folder() / path.rpartition("/")[2]
        with upload_model.open_to_append(stored):
            assert sender.append(path, 0, b"x").status_code == 423
        assert sender.append(path, 0, b"x").status_code == 204

    def test_a_cancelled_upload_leaves_nothing(self, sender: Sender) -> None:
        path = path_of(sender.begin("agua.csv", 4))
        sender.append(path, 0, b"xx")
        assert sender.call("DELETE", path).status_code == 204
        assert sender.call("HEAD", path).status_code == 404
        assert not (upload_model.find_folder() / path.rpartition("/")[2]).exists()

    def test_clients_that_only_post_can_send_too(self, sender: Sender) -> None:
        path = path_of(sender.begin("agua.csv", 2))
        answer = sender.call(
            "POST",
            path,
            b"xy",
            Upload_Offset="0",
            Content_Type="application/offset+octet-stream",
            X_HTTP_Method_Override="PATCH",
        )
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "2")

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("C:\\Datos\\agua 2024.csv", "agua 2024.csv"),
            ("../../etc/agua.csv", "agua.csv"),
            ("Año/niñez.csv", "niñez.csv"),
            (f"{'a' * 400}.csv", f"{'a' * 251}.csv"),
        ],
    )
    def test_a_name_is_kept_without_its_folders(
        self, sender: Sender, given: str, kept: str
    ) -> None:
        assert sender.begin(given, 4).status_code == 201
        assert sender.list()[0]["name"] == kept


class TestRefusals:
    def test_the_limit_is_said_before(self, app: Any, visitor: Reader) -> None:
        answer = Sender(app, visitor).call("OPTIONS", "/marathon/upload")
        assert answer.status_code == 204
        assert answer.headers["Tus-Max-Size"] == str(upload_logic.find_limit())
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert "termination" in answer.headers["Tus-Extension"]

    def test_another_version_of_the_protocol_is_refused(self, sender: Sender) -> None:
        answer = sender.call("POST", "/marathon/upload", Tus_Resumable="0.2.2")
        assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0")

    @pytest.mark.ckan_config("ckan.max_resource_size", 1)
    def test_a_file_that_is_too_large_is_refused_before_it_is_sent(self, sender: Sender) -> None:
        answer = sender.begin("agua.csv", 2**20 + 1)
        assert answer.status_code == 413
        assert "agua.csv" in answer.json["message"]
        assert sender.begin("agua.csv", 2**20).status_code == 201

    def test_an_empty_file_is_refused(self, sender: Sender) -> None:
        assert sender.begin("agua.csv", 0).status_code == 400

    @pytest.mark.parametrize("length", ["", "-1", "1.5", "9" * 30, "²"])
    def test_an_odd_length_is_refused(self, sender: Sender, length: str) -> None:
        metadata = f"filename {base64.b64encode(b'agua.csv').decode()}"
        answer = sender.call(
            "POST",
            "/marathon/upload",
            Upload_Length=length.encode("utf-8").decode("latin-1"),
            Upload_Metadata=metadata,
        )
        assert answer.status_code == 400

    @pytest.mark.parametrize("metadata", ["", "filename", "filename ¡", "filename /w==", "x,,"])
    def test_a_file_without_a_readable_name_is_refused(self, sender: Sender, metadata: str) -> None:
        answer = sender.call(
            "POST", "/marathon/upload", Upload_Length="4", Upload_Metadata=metadata
        )
        assert answer.status_code == 400

    @pytest.mark.ckan_config("ckan.max_resource_size", 1)
    @pytest.mark.ckan_config("ckanext.marathon.upload_quota_mb", 2)
    def test_one_person_may_not_fill_the_disk(self, sender: Sender) -> None:
        for _ in range(2):
            assert sender.begin("agua.csv", 2**20).status_code == 201
        answer = sender.begin("agua.csv", 2**20)
        assert answer.status_code == 403
        assert "2" in answer.json["message"]

    def test_a_nearly_full_disk_takes_no_files(
        self, sender: Sender, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = path_of(sender.begin("agua.csv", 4))
        monkeypatch.setitem(tk.config, "ckanext.marathon.disk_path", str(tmp_path))
        monkeypatch.setitem(tk.config, "ckanext.marathon.disk_free_mb", 10**9)
        for answer in (sender.begin("agua.csv", 4), sender.append(path, 0, b"xx")):
            assert answer.status_code == 503
            assert answer.headers["Retry-After"]
        assert sender.list()[0]["received"] == 0


class TestWhose:
    def test_without_a_right_to_publish_nobody_may_send(
        self, app: Any, visitor: Reader, stranger: Sender
    ) -> None:
        for somebody in (Sender(app, visitor), stranger):
            assert somebody.begin("agua.csv", 4).status_code == 403
            assert somebody.call("GET", "/marathon/upload").status_code == 403

    def test_nobody_sees_or_changes_another_persons_upload(
        self, app: Any, sender: Sender, coordinator: Reader
    ) -> None:
        path = path_of(sender.begin("agua.csv", 4))
        other = Sender(app, coordinator)
        assert other.call("HEAD", path).status_code == 404
        assert other.append(path, 0, b"xx").status_code == 404
        assert other.call("DELETE", path).status_code == 404
        assert other.list() == []
        assert sender.call("HEAD", path).status_code == 200

    def test_expired_uploads_are_removed(self, sender: Sender) -> None:
        path = path_of(sender.begin("agua.csv", 4))
        sender.append(path, 0, b"xx")
        stored = model.Session.get(upload_model.BegunUpload, path.rpartition("/")[2])
        assert stored
        bytes_ = stored.path
        stored.expires = datetime.now(UTC) - timedelta(seconds=1)
        model.Session.commit()
        assert sender.call("HEAD", path).status_code == 404
        assert upload_logic.forget_expired() == 1
        assert not bytes_.exists()

    def test_a_closed_account_leaves_nothing(self, sender: Sender, editor: Reader) -> None:
        path = path_of(sender.begin("agua.csv", 4))
        sender.append(path, 0, b"xx")
        bytes_ = upload_model.find_folder() / path.rpartition("/")[2]
        assert bytes_.exists()
        call_action("user_delete", id=editor.name)
        model.Session.expire_all()
        assert not bytes_.exists()
        assert model.Session.get(upload_model.BegunUpload, bytes_.name) is None
