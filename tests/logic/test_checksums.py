"""Every uploaded file has the SHA-256 of its bytes; a link has what somebody stated of it."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.cli.cli import ckan
from ckan.lib import uploader
from ckan.tests.helpers import call_action
from werkzeug.datastructures import FileStorage

from ckanext.marathon.domain import checksums
from ckanext.marathon.feeds.verify import verify
from tests.factories import MarathonDataset

BYTES = b"municipio,horas\n0501,4\n"
OTHER = b"municipio,horas\n0115,6\n"
LINK = "https://example.gt/horas.csv"


def file(content: bytes = BYTES) -> FileStorage:
    return FileStorage(io.BytesIO(content), "horas.csv")


def sha(content: bytes) -> tuple[str, str]:
    return hashlib.sha256(content).hexdigest(), "sha256"


def stated(resource: dict[str, Any]) -> tuple[str, str]:
    return resource.get("hash") or "", resource.get("hash_algorithm") or ""


@pytest.fixture
def resource(marathon_site: None, storage: Path, with_request_context: Any) -> dict[str, Any]:
    dataset = MarathonDataset()
    return call_action("resource_create", package_id=dataset["id"], upload=file(), name="Horas")


class TestUpload:
    def test_it_has_the_checksum_of_its_bytes(self, resource: dict[str, Any]) -> None:
        assert stated(resource) == sha(BYTES)

    def test_another_file_in_its_place_has_its_own(self, resource: dict[str, Any]) -> None:
        """What was read and is sent back with the new file is no statement about it."""
        patched = call_action("resource_patch", id=resource["id"], upload=file(OTHER))
        assert stated(patched) == sha(OTHER)

    def test_it_stays_where_it_is_not_sent_back(self, resource: dict[str, Any]) -> None:
        left = {k: v for k, v in resource.items() if not k.startswith("hash")}
        assert stated(call_action("resource_update", **{**left, "name": "B"})) == sha(BYTES)
        # Of another kind it says the same, and portals look for this one.
        md5 = hashlib.md5(BYTES, usedforsecurity=False).hexdigest()
        assert stated(call_action("resource_patch", id=resource["id"], hash=md5)) == sha(BYTES)

    def test_a_file_that_came_damaged_is_refused(self, resource: dict[str, Any]) -> None:
        for algorithm in ("md5", "sha1", "sha256", "sha512"):
            right = hashlib.new(algorithm, OTHER).hexdigest()
            wrong = hashlib.new(algorithm, b"x").hexdigest()
            with pytest.raises(tk.ValidationError) as refused:
                call_action("resource_patch", id=resource["id"], upload=file(OTHER), hash=wrong)
            assert right in refused.value.error_dict["hash"][0]
            sent = f"{algorithm}:{right}"
            patched = call_action(
                "resource_patch", id=resource["id"], upload=file(OTHER), hash=sent
            )
            assert stated(patched) == sha(OTHER)
        with pytest.raises(tk.ValidationError, match="hash"):
            call_action("resource_patch", id=resource["id"], hash="ab" * 32)
        with pytest.raises(tk.ValidationError, match="hash"):
            call_action("resource_patch", id=resource["id"], upload=file(), hash="no sé")

    def test_a_link_in_its_place_has_none(self, resource: dict[str, Any]) -> None:
        size = len(BYTES)
        assert resource["size"] == size
        linked = call_action(
            "resource_patch", id=resource["id"], url=LINK, url_type="", clear_upload=1
        )
        assert stated(linked) == ("", "")
        assert not linked.get("size")


class TestLink:
    def test_only_what_somebody_stated(self, marathon_site: None) -> None:
        row = {"url": LINK, "hash": "ab" * 16, "hash_algorithm": "md5", "size": 5}
        (one,) = (dataset := MarathonDataset(resources=[row]))["resources"]
        assert stated(one) == ("ab" * 16, "md5")
        moved = call_action("resource_patch", id=one["id"], url=f"{LINK}?v=2")
        assert stated(moved) == ("", "")
        assert stated(call_action("resource_patch", id=one["id"], url=LINK, hash="cd" * 16))[0]
        assert not stated(MarathonDataset(resources=[{"url": LINK}])["resources"][0])[0]
        assert call_action("package_show", id=dataset["id"])["num_resources"] == 1


class TestOlderFiles:
    def forget(self, resource: dict[str, Any], **fields: Any) -> model.Resource:
        stored = model.Resource.get(resource["id"])
        stored.hash, stored.extras = fields.get("hash", ""), {}
        model.Session.commit()
        return stored

    def test_a_command_adds_them_and_dates_stay(self, resource: dict[str, Any], cli: Any) -> None:
        stored = self.forget(resource)
        before = stored.package.metadata_modified
        result = cli.invoke(ckan, ["marathon", "files", "checksums"])
        assert result.exit_code == 0, result.output
        model.Session.expire_all()
        shown = call_action("package_show", id=resource["package_id"])
        assert stated(shown["resources"][0]) == sha(BYTES)
        assert stored.package.metadata_modified == before
        assert list(verify()) == []
        assert "0" in cli.invoke(ckan, ["marathon", "files", "checksums"]).output

    def test_what_was_stated_wrong_or_is_gone_is_told(
        self, resource: dict[str, Any], cli: Any
    ) -> None:
        self.forget(resource, hash="ab" * 16)
        result = cli.invoke(ckan, ["marathon", "files", "checksums"])
        assert result.exit_code == 1
        assert "ab" * 16 in result.output
        model.Session.expire_all()
        assert model.Resource.get(resource["id"]).hash == sha(BYTES)[0]
        self.forget(resource)
        Path(uploader.get_resource_uploader({}).get_path(resource["id"])).unlink()
        result = cli.invoke(ckan, ["marathon", "files", "checksums"])
        assert result.exit_code == 1
        assert resource["id"] in result.output


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"hash": "AB" * 32}, "sha256"),
        ({"hash": "sha256:" + "ab" * 32}, "sha256"),
        ({"hash": "ab" * 32, "hash_algorithm": "SHA-256"}, "sha256"),
        ({"hash": "ab" * 20, "hash_algorithm": "sha256"}, None),
        ({"hash": "zz" * 16}, None),
        ({"hash": None}, None),
        ({}, None),
    ],
)
def test_what_is_a_checksum(given: dict[str, Any], expected: str | None) -> None:
    found = checksums.checksum_of(given)
    assert (found.algorithm if found else None) == expected
