"""Datasets that were there before the plugin: nothing breaks, nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.site import existing
from tests.site.conftest import Upgraded
from tests.visitors import Visitor

# Changed by every save. The other core fields of a dataset must not change.
RENEWED = {"metadata_modified", "num_resources", "organization", "resources"}

CONCEPTS = {"frequency", "language", "theme", "conforms_to"}


def filled_fields(dataset: dict[str, Any]) -> dict[str, Any]:
    """Return the extras and fields of a dataset that are not empty."""
    extras = {extra["key"]: extra["value"] for extra in dataset.get("extras") or []}
    fields = {key: value for key, value in dataset.items() if key not in {*RENEWED, "extras"}}
    return {key: value for key, value in {**extras, **fields}.items() if value}


def files(dataset: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the fields of the resources that are neither empty nor changed by each save."""
    return [
        {key: value for key, value in resource.items() if value and key != "metadata_modified"}
        for resource in dataset["resources"]
    ]


def assert_nothing_lost(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Fail if a value is lost or differs.

    A value that is a concept of an authority has become its IRI. Free text in a field that takes
    codes today is kept beside it.
    """
    kept = filled_fields(after)
    for key, value in filled_fields(before).items():
        if key in CONCEPTS:
            assert kept.get(key), f"{key} was {value!r} and is gone"
        else:
            now = kept.get(key) or kept.get(f"{key}_text")
            assert now == value, f"{key} was {value!r}, is {now!r}"
    assert files(before) == files(after)


@pytest.mark.parametrize("name", existing.VISIBLE)
def test_a_visitor_can_open_its_page(upgraded: Upgraded, name: str) -> None:
    page = upgraded.site.get(f"/dataset/{name}")
    assert page.status_code == 200
    assert upgraded.datasets[name]["title"] in page.text


@pytest.mark.parametrize("name", existing.VISIBLE)
def test_the_search_finds_it(upgraded: Upgraded, name: str) -> None:
    title = upgraded.datasets[name]["title"]
    found = upgraded.site.action("package_search", q=f'title:"{title}"')
    assert name in {dataset["name"] for dataset in found["results"]}


@pytest.mark.parametrize("name", existing.VISIBLE)
def test_pages_of_its_files_get_200(upgraded: Upgraded, name: str) -> None:
    for resource in upgraded.datasets[name]["resources"]:
        path = f"/dataset/{name}/resource/{resource['id']}"
        assert upgraded.site.get(path).status_code == 200


def test_an_uploaded_file_can_still_be_downloaded(upgraded: Upgraded) -> None:
    url = upgraded.datasets[existing.UPLOADED]["resources"][0]["url"]
    assert upgraded.site.get(url.removeprefix(upgraded.site.url)).text.startswith("renglon,monto")


@pytest.mark.parametrize("name", existing.VISIBLE)
@pytest.mark.parametrize("suffix", ["ttl", "rdf", "jsonld"])
def test_it_is_published_as_rdf(upgraded: Upgraded, name: str, suffix: str) -> None:
    answer = upgraded.site.get(f"/dataset/{name}.{suffix}")
    assert answer.status_code == 200
    assert upgraded.datasets[name]["title"] in answer.content.decode("utf-8")


def test_the_catalogue_lists_public_datasets_and_not_the_private_one(upgraded: Upgraded) -> None:
    catalogue = upgraded.site.get("/catalog.ttl").content.decode("utf-8")
    for name in existing.VISIBLE:
        assert f"/dataset/{upgraded.datasets[name]['id']}> a dcat:Dataset" in catalogue
    assert upgraded.datasets[existing.PRIVATE]["id"] not in catalogue


def test_a_private_dataset_stays_private(upgraded: Upgraded) -> None:
    path = f"/dataset/{existing.PRIVATE}"
    assert upgraded.site.get(path).status_code in (403, 404)
    assert upgraded.site.get(f"{path}.ttl").status_code in (403, 404)


@pytest.mark.parametrize("name", [*existing.VISIBLE, existing.PRIVATE])
def test_a_record_sent_back_as_shown_loses_nothing(upgraded: Upgraded, name: str) -> None:
    site = upgraded.site
    site.action("package_update", site.action("package_show", id=name))
    after = site.action("package_show", id=name)
    assert_nothing_lost(upgraded.datasets[name], after)


@pytest.mark.parametrize("name", [*existing.VISIBLE, existing.PRIVATE])
def test_saving_the_form_unchanged_loses_nothing(
    upgraded: Upgraded, officer: Visitor, name: str
) -> None:
    answer = officer.submit(f"/dataset/edit/{name}", {})
    assert answer.url.endswith(f"/dataset/{name}"), answer.text[:2000]
    after = upgraded.site.action("package_show", id=name)
    assert_nothing_lost(upgraded.datasets[name], after)
    assert after.get("owner_org") == upgraded.datasets[name]["owner_org"]


@pytest.mark.parametrize("name", existing.VISIBLE)
def test_one_field_can_be_patched(upgraded: Upgraded, name: str) -> None:
    site = upgraded.site
    before = site.action("package_show", id=name)
    site.action("package_patch", id=name, version="2026")
    after = site.action("package_show", id=name)
    assert after["version"] == "2026"
    site.action("package_patch", id=name, version=before["version"])


@pytest.mark.parametrize("name", existing.VISIBLE)
def test_a_file_can_be_added_and_removed(upgraded: Upgraded, name: str) -> None:
    site = upgraded.site
    added = site.action("resource_create", package_id=name, url="https://example.gt/nuevo.csv")
    assert site.get(f"/dataset/{name}/resource/{added['id']}").status_code == 200
    site.action("resource_delete", id=added["id"])
    assert_nothing_lost(upgraded.datasets[name], site.action("package_show", id=name))


def test_a_deleted_dataset_can_be_restored_and_purged(upgraded: Upgraded) -> None:
    site = upgraded.site
    site.action("package_patch", id=existing.TRASHED, state="active")
    assert site.get(f"/dataset/{existing.TRASHED}").status_code == 200
    site.action("package_delete", id=existing.TRASHED)
    site.action("dataset_purge", id=existing.TRASHED)
    assert site.get(f"/dataset/{existing.TRASHED}").status_code == 404
