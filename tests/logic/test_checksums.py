"""Uploads get the SHA-256 of their bytes. The checksum of a link is the one that was entered."""

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

from ckanext.marathon.domain import file as file_domain
from ckanext.marathon.feeds.verify import verify_log
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
    def test_an_upload_has_the_checksum_of_its_bytes(self, resource: dict[str, Any]) -> None:
        assert stated(resource) == sha(BYTES)

    def test_a_replaced_file_gets_a_new_checksum(self, resource: dict[str, Any]) -> None:
        """The former checksum, sent back with the new file, is ignored."""
        patched = call_action("resource_patch", id=resource["id"], upload=file(OTHER))
        assert stated(patched) == sha(OTHER)

    def test_the_checksum_stays_if_it_is_not_sent_back(self, resource: dict[str, Any]) -> None:
        left = {k: v for k, v in resource.items() if not k.startswith("hash")}
        assert stated(call_action("resource_update", **{**left, "name": "B"})) == sha(BYTES)
        # Another algorithm is as good, but portals look for this one.
        md5 = hashlib.md5(BYTES, usedforsecurity=False).hexdigest()
        assert stated(call_action("resource_patch", id=resource["id"], hash=md5)) == sha(BYTES)

    def test_an_upload_with_another_checksum_is_refused(self, resource: dict[str, Any]) -> None:
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

    def test_a_link_that_replaces_an_upload_has_no_checksum(self, resource: dict[str, Any]) -> None:
        size = len(BYTES)
        assert resource["size"] == size
        linked = call_action(
            "resource_patch", id=resource["id"], url=LINK, url_type="", clear_upload=1
        )
        assert stated(linked) == ("", "")
        assert not linked.get("size")


KEY = "marathon_notices"


def refusal(action: str, **data: Any) -> dict[str, Any]:
    with pytest.raises(tk.ValidationError) as refused:
        call_action(action, **data)
    return refused.value.error_dict


class TestSizeOfAnUpload:
    """Size and checksum are of the same bytes, and both are the site's."""

    def test_a_wrong_size_is_refused_and_the_error_names_the_right_one(
        self, resource: dict[str, Any]
    ) -> None:
        for action, sent in (
            ("resource_patch", {"id": resource["id"]}),
            ("resource_update", {**resource}),
        ):
            for size in (999, "999", "1,000"):
                (message,) = refusal(action, **{**sent, "size": size})["size"]
                assert str(len(BYTES)) in message
            assert refusal(action, **{**sent, "size": "much"})["size"]
        shown = call_action("resource_show", id=resource["id"])
        assert (shown["size"], stated(shown)) == (len(BYTES), sha(BYTES))

    def test_a_size_that_differs_from_the_sent_bytes_is_refused(
        self, resource: dict[str, Any]
    ) -> None:
        new = {"package_id": resource["package_id"], "name": "B"}
        for wrong in (999, "999", "much"):
            assert refusal("resource_create", **new, upload=file(), size=wrong)["size"]
            other = {"id": resource["id"], "upload": file(OTHER), "size": wrong}
            assert refusal("resource_patch", **other)["size"]
        right = call_action("resource_create", **new, upload=file(), size=len(BYTES))
        assert (right["size"], KEY in right) == (len(BYTES), False)
        longer = OTHER + b"1,2\n"
        # The size that was read is the former file's.
        patched = call_action("resource_patch", id=resource["id"], upload=file(longer))
        assert (patched["size"], KEY in patched) == (len(longer), False)

    def test_the_size_stays_if_it_is_not_sent_back(self, resource: dict[str, Any]) -> None:
        left = {k: v for k, v in resource.items() if k not in ("size", "url_type")}
        for size in ({}, {"size": ""}, {"size": None}):
            kept = call_action("resource_update", **{**left, **size, "name": "B"})
            assert (kept["size"], kept["url_type"]) == (len(BYTES), "upload")
            assert (stated(kept), KEY in kept) == (sha(BYTES), False)

    def test_package_update_checks_the_size_too(self, resource: dict[str, Any]) -> None:
        shown = call_action("package_show", id=resource["package_id"])
        shown["resources"][0]["size"] = 999
        assert refusal("package_update", **shown)["resources"][0]["size"]


class TestContradictionsToAnUpload:
    def test_a_checksum_of_another_kind_is_compared_with_the_file(
        self, resource: dict[str, Any]
    ) -> None:
        right, wrong = (hashlib.md5(b, usedforsecurity=False).hexdigest() for b in (BYTES, OTHER))
        (message,) = refusal("resource_patch", id=resource["id"], hash=wrong)["hash"]
        assert right in message
        kept = call_action("resource_patch", id=resource["id"], hash=right)
        assert (stated(kept), ["md5 is right" in n for n in kept[KEY]]) == (sha(BYTES), [True])
        Path(uploader.get_resource_uploader({}).get_path(resource["id"])).unlink()
        kept = call_action("resource_patch", id=resource["id"], hash=wrong)
        assert (stated(kept), ["cannot be read" in n for n in kept[KEY]]) == (sha(BYTES), [True])

    def test_another_algorithm_without_a_hash_is_refused(self, resource: dict[str, Any]) -> None:
        for more in ({}, {"upload": file(OTHER)}):
            sent = {"id": resource["id"], **more}
            assert refusal("resource_patch", **sent, hash_algorithm="md5")["hash_algorithm"]
        kept = call_action("resource_patch", id=resource["id"], hash_algorithm="SHA-256")
        assert (stated(kept), KEY in kept) == (sha(BYTES), False)

    def test_a_wrong_media_type_gets_a_notice(self, resource: dict[str, Any]) -> None:
        patched = call_action("resource_patch", id=resource["id"], mimetype="application/pdf")
        assert patched["mimetype"] == "text/csv"
        assert ["application/pdf" in notice for notice in patched[KEY]] == [True]

    def test_the_address_of_another_file_is_refused_with_how_to_link(
        self, resource: dict[str, Any]
    ) -> None:
        assert (
            "clear_upload"
            in refusal("resource_patch", id=resource["id"], url=LINK + "?a")["url"][0]
        )
        renamed = call_action("resource_patch", id=resource["id"], url="b.csv")
        assert (renamed["url"].rpartition("/")[2], stated(renamed)) == ("b.csv", sha(BYTES))


class TestLink:
    @pytest.fixture
    def link(self, marathon_site: None) -> dict[str, Any]:
        row = {"url": LINK, "hash": "ab" * 16, "hash_algorithm": "md5", "size": 5}
        return MarathonDataset(resources=[row])["resources"][0]

    @pytest.mark.parametrize("is_sent_back", [False, True])
    @pytest.mark.parametrize("action", ["resource_update", "resource_patch", "package_update"])
    def test_hash_and_size_are_emptied_when_the_address_changes(
        self, link: dict[str, Any], action: str, is_sent_back: bool
    ) -> None:
        facts = ("hash", "hash_algorithm", "size")
        left = link if is_sent_back else {k: v for k, v in link.items() if k not in facts}
        moved: dict[str, Any]
        if action == "package_update":
            package = call_action("package_show", id=link["package_id"])
            changed = {**package, "resources": [{**left, "url": f"{LINK}?v=2"}]}
            answer = call_action(action, **changed)
            moved = answer["resources"][0]
        else:
            moved = answer = call_action(action, **{**left, "url": f"{LINK}?v=2"})
        assert (stated(moved), moved.get("size")) == (("", ""), None)
        (notice,) = answer[KEY]
        assert notice.startswith("file 1, “url”: ")
        assert "“hash”" in notice
        assert "“size”" in notice
        assert (model.Resource.get(link["id"]).size, model.Resource.get(link["id"]).hash) == (
            None,
            "",
        )

    def test_hash_and_size_sent_with_a_new_address_are_kept(self, link: dict[str, Any]) -> None:
        new = {"url": f"{LINK}?v=2", "hash": "cd" * 32, "size": 7}
        moved = call_action("resource_patch", id=link["id"], **new)
        # The algorithm that was read is the former one's.
        assert (stated(moved), moved["size"], KEY in moved) == (("cd" * 32, "sha256"), 7, False)
        half = call_action("resource_patch", id=link["id"], url=LINK, size=8)
        assert (stated(half), half["size"]) == (("", ""), 8)

    def test_the_hash_stays_while_the_address_does(self, link: dict[str, Any]) -> None:
        left = {k: v for k, v in link.items() if k not in ("hash", "hash_algorithm", "size")}
        kept = call_action("resource_update", **{**left, "name": "B"})
        assert (stated(kept), kept["size"], KEY in kept) == (("ab" * 16, "md5"), 5, False)

    @pytest.mark.parametrize("empty", ["", None])
    def test_hash_and_size_can_be_emptied(self, link: dict[str, Any], empty: str | None) -> None:
        without = call_action("resource_patch", id=link["id"], size=empty)
        assert (without.get("size"), stated(without)) == (None, ("ab" * 16, "md5"))
        assert (
            call_action("package_show", id=link["package_id"])["resources"][0].get("size") is None
        )
        without = call_action("resource_patch", id=link["id"], hash="")
        assert stated(without) == ("", "")

    def test_an_address_with_http_added_by_ckan_counts_as_unchanged(
        self, marathon_site: None
    ) -> None:
        row = {"url": "example.gt/a.csv", "hash": "ab" * 16, "size": 5}
        dataset = MarathonDataset(resources=[row])["id"]
        (shown,) = call_action("package_show", id=dataset)["resources"]
        assert shown["url"] == "http://example.gt/a.csv"
        kept = call_action("resource_update", **{**shown, "name": "B"})
        assert (stated(kept)[0], kept["size"]) == ("ab" * 16, 5)

    def test_a_malformed_hash_is_stored_with_one_notice(self, marathon_site: None) -> None:
        row = {"url": LINK, "hash": "abc"}
        made = MarathonDataset(resources=[row, {"url": LINK, "hash": "ab" * 16}])
        (notice,) = made["marathon_notices"]
        assert notice.startswith("file 1, “hash”: “abc”")
        assert "sha256" in notice
        (file, _) = made["resources"]
        assert file["hash"] == "abc"
        again = call_action("resource_update", **{**file, "name": "B"})
        assert (again["hash"], again.get("marathon_notices")) == ("abc", None)
        other = call_action("resource_patch", id=file["id"], hash="abd")
        assert "“abd”" in other["marathon_notices"][0]

    def test_a_link_gets_no_computed_hash_or_size(self, marathon_site: None) -> None:
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

    def test_the_command_adds_checksums_and_keeps_dates(
        self, resource: dict[str, Any], cli: Any
    ) -> None:
        stored = self.forget(resource)
        before = stored.package.metadata_modified
        result = cli.invoke(ckan, ["marathon", "files", "checksums"])
        assert result.exit_code == 0, result.output
        model.Session.expire_all()
        shown = call_action("package_show", id=resource["package_id"])
        assert stated(shown["resources"][0]) == sha(BYTES)
        assert stored.package.metadata_modified == before
        assert list(verify_log()) == []
        assert "0" in cli.invoke(ckan, ["marathon", "files", "checksums"]).output

    def test_the_command_names_wrong_checksums_and_missing_files(
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
def test_checksums_are_recognised_by_length_and_prefix(
    given: dict[str, Any], expected: str | None
) -> None:
    found = file_domain.read_checksum(given)
    assert (found.algorithm if found else None) == expected
