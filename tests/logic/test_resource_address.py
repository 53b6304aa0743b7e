"""Addresses of resources that a browser would run, or look for on its own machine, are refused."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from ckanext.marathon.domain import addresses
from ckanext.marathon.domain.errors import Malformed
from tests.factories import Idea, MarathonDataset, Workshop

REFUSED = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " \x01javascript:alert(1)",
    "java\nscript:alert(1)",
    "java\tscript\r\n:alert(1)",
    "javascript://example.org/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox",
    "view-source:https://example.org",
    "file:///etc/passwd",
    "blob:https://example.org/1",
    "C:\\datos\\a.csv",
]
TAKEN = [
    *("", "a.csv", "www.example.gt/a.csv", "//example.gt/a:b.csv", "datos/javascript:x", "./a:b"),
    *("https://example.gt/a.csv", "HTTP://example.gt", "ftp://example.gt/a", " https://a.gt/x "),
    *("s3://bucket/a.csv", "sftp://example.gt/a", "urn:x", "mailto:a@example.gt"),
    *("https://example.gt/?u=javascript:x", "#javascript:", "?data:x", "?x=1:2"),
]


@pytest.mark.parametrize("value", REFUSED)
def test_addresses_that_run_code_or_name_local_files_are_refused(value: str) -> None:
    with pytest.raises(Malformed):
        addresses.check_resource_address(value)


@pytest.mark.parametrize("value", TAKEN)
def test_any_other_address_passes(value: str) -> None:
    assert addresses.check_resource_address(value) == value


HOSTS = ["www.example.gt/a.csv", "//example.gt/a.csv", "example.gt:8080/a", "201.0.0.1/a.csv"]
NO_HOSTS = ["datos.csv", "datos/a.csv", "/datos/a.csv", "//servidor/a.csv", "datos@muni.gt", "vea"]


def store(resource_id: str, **fields: Any) -> None:
    """Store fields of a resource as older versions of the site took them."""
    resource = model.Resource.get(resource_id)
    assert resource is not None
    for name, value in fields.items():
        setattr(resource, name, value)
    model.repo.commit()


@pytest.mark.usefixtures("marathon_site")
class TestSaving:
    @pytest.mark.parametrize("factory", [MarathonDataset, Idea, Workshop])
    @pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "vbscript:x"])
    def test_the_error_names_the_field_and_the_remedy(self, factory: Any, url: str) -> None:
        good = {"url": "https://example.gt/a.csv"}
        with pytest.raises(tk.ValidationError) as caught:
            factory(resources=[good, {"url": url}])
        first, second = caught.value.error_dict["resources"]
        assert not first
        assert "https://" in second["url"][0]
        assert url.partition(":")[0] in second["url"][0]

    def test_the_resource_actions_refuse_such_an_address(self) -> None:
        dataset = MarathonDataset()
        with pytest.raises(tk.ValidationError) as caught:
            call_action("resource_create", package_id=dataset["id"], url="javascript:alert(1)")
        assert set(caught.value.error_dict) == {"url"}
        file = core.Resource(package_id=dataset["id"])
        with pytest.raises(tk.ValidationError) as caught:
            call_action("resource_patch", id=file["id"], url="data:text/html,x")
        assert set(caught.value.error_dict) == {"url"}

    def test_another_url_type_does_not_avoid_the_check(self) -> None:
        dataset = MarathonDataset()
        for kind in ("", "link", "x"):
            with pytest.raises(tk.ValidationError):
                call_action(
                    "resource_create", package_id=dataset["id"], url="javascript:x", url_type=kind
                )

    def test_the_name_of_an_uploaded_file_is_not_checked_as_an_address(self) -> None:
        dataset = MarathonDataset()
        file = core.Resource(package_id=dataset["id"])
        store(file["id"], url="a:b.csv", url_type="upload")
        call_action("package_patch", id=dataset["id"], title="Changed")
        assert model.Resource.get(file["id"]).url.endswith("a:b.csv")
        # And does not become one.
        store(file["id"], url="javascript:x", url_type="upload")
        with pytest.raises(tk.ValidationError):
            call_action("resource_patch", id=file["id"], url="javascript:x", url_type="")

    def test_a_record_with_such_a_stored_address_can_be_edited(self) -> None:
        dataset = MarathonDataset()
        file, other = (core.Resource(package_id=dataset["id"]) for _ in range(2))
        store(file["id"], url="javascript:old")
        edited = call_action("package_patch", id=dataset["id"], title="Changed", notes="Changed")
        assert edited["title"] == "Changed"
        call_action("resource_patch", id=file["id"], name="Changed")
        for id_, url in ((file["id"], "javascript:new"), (other["id"], "javascript:old")):
            with pytest.raises(tk.ValidationError) as caught:
                call_action("resource_patch", id=id_, url=url)
            assert set(caught.value.error_dict) == {"url"}
        call_action("resource_patch", id=file["id"], url="https://example.gt/a.csv")


@pytest.mark.usefixtures("marathon_site")
class TestWithoutScheme:
    def test_http_is_added_only_before_a_host(self) -> None:
        made = MarathonDataset(resources=[{"url": each} for each in (*HOSTS, *NO_HOSTS)])
        for shown in (made, call_action("package_show", id=made["id"])):
            found = [row["url"] for row in shown["resources"]]
            # example.gt:8080 reads as a scheme, to CKAN as to browsers.
            assert found[: len(HOSTS)] == [
                *("http://www.example.gt/a.csv", "http://example.gt/a.csv", "example.gt:8080/a"),
                "http://201.0.0.1/a.csv",
            ]
            assert found[len(HOSTS) :] == NO_HOSTS
        (file,) = made["resources"][-1:]
        assert call_action("resource_show", id=file["id"])["url"] == NO_HOSTS[-1]
        graph = call_action("dcat_dataset_show", id=made["id"], format="ttl")
        assert not [each for each in NO_HOSTS if f"<http://{each.lstrip('/')}>" in graph]
        assert "<http://example.gt/a.csv>" in graph

    def test_a_text_without_a_host_gets_one_notice_with_the_remedy(self) -> None:
        made = MarathonDataset(resources=[{"url": each} for each in (*HOSTS, *NO_HOSTS)])
        for number, (url, notice) in enumerate(
            zip(NO_HOSTS, made["marathon_notices"], strict=True), len(HOSTS) + 1
        ):
            assert notice.startswith(f"file {number}, “url”: “{url}”")
            assert "https://" in notice
        again = call_action("package_update", **{**made, "title": "Changed"})
        assert "marathon_notices" not in again
        assert [row["url"] for row in again["resources"]] == [r["url"] for r in made["resources"]]

    def test_an_address_sent_with_http_is_unchanged(self) -> None:
        (file,) = MarathonDataset(resources=[{"url": "http://servidor/a.csv"}])["resources"]
        assert file["url"] == "http://servidor/a.csv"
