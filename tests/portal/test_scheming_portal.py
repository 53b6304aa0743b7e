"""A portal that also uses scheming, with ckanext-dcat's own schema, copies the whole chain.

It harvests as docs/harvesting.md says for a first try: two commands, without consumers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.portal import changes, content, manual
from tests.portal.conftest import Shown
from tests.portal.portal import Portal, field
from tests.sites import Site

NAMES = {content.VILLA_NUEVA: "Villa Nueva", content.JACALTENANGO: "Jacaltenango"}


@pytest.fixture(scope="module")
def shown(catalogue: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    _, settings = manual.settings()
    with Portal.open(tmp_path_factory.mktemp("scheming"), settings) as portal:
        counts = portal.collect_by_command(catalogue.url)
        found = portal.datasets()
        assert counts["added"] == len(found)
        yield found


@pytest.fixture(scope="module")
def ours(catalogue: Site) -> dict[str, Any]:
    return catalogue.action("package_show", id=changes.UNTOUCHED)


@pytest.fixture(scope="module")
def copied(shown: Shown, ours: dict[str, Any]) -> dict[str, Any]:
    return shown[f"{content.BASE}/dataset/{ours['id']}"]


def test_all_datasets_arrive_and_nothing_else(catalogue: Site, shown: Shown) -> None:
    published = catalogue.action("package_search", rows=100)["results"]
    public = [dataset for dataset in published if not dataset["private"]]
    assert set(shown) == {f"{content.BASE}/dataset/{dataset['id']}" for dataset in public}


def test_the_place_arrives(copied: dict[str, Any], ours: dict[str, Any]) -> None:
    (place,) = copied["spatial_coverage"]
    (code,) = ours["municipality"]
    assert place["uri"] == f"{content.BASE}/vocabulary/municipality/{code}"
    assert place["text"] == NAMES[code]


def test_the_themes_arrive(copied: dict[str, Any]) -> None:
    assert f"{content.BASE}/vocabulary/service-problem/AGU-01" in copied["theme"]
    assert len(copied["theme"]) > 1


def test_the_publisher_and_the_contact_arrive(copied: dict[str, Any]) -> None:
    (publisher,) = copied["publisher"]
    assert publisher["uri"].startswith(f"{content.BASE}/organization/")
    assert publisher["name"]
    assert copied["contact"][0]["email"] == "aguas@villa-nueva.example.gt"


def test_the_idea_arrives(copied: dict[str, Any], ours: dict[str, Any]) -> None:
    (idea,) = ours["idea"]
    related = field(copied, "related_resource")
    assert json.loads(related) == [f"{content.BASE}/idea/{idea}"]
    assert not copied.get("qualified_relation")


def test_the_workshop_arrives_as_the_activity_that_made_it(copied: dict[str, Any]) -> None:
    (activity,) = copied["provenance_activity"]
    assert activity["label"] == "Ideatón de Villa Nueva"
    assert activity["uri"].startswith(f"{content.BASE}/workshop/")
    assert activity["startedAtTime"] == "2026-05-27T09:00:00-06:00"


def test_resources_arrive_with_size_media_type_and_licence(copied: dict[str, Any]) -> None:
    (resource,) = copied["resources"]
    assert resource["name"] == "Presupuesto 2026"
    assert resource["mimetype"] == "text/csv"
    assert resource["size"] == len(content.CSV)
    assert resource["license"]
