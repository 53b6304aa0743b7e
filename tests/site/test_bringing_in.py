"""An existing site becomes part of the chain one dataset at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.site import existing
from tests.site.conftest import Chain, Upgraded
from tests.site.existing import CODE
from tests.sites import ActionFailed, Site

REFUSED = 409


@pytest.fixture
def tagged(upgraded: Upgraded, chain: Chain) -> Iterator[str]:
    """An old dataset with an idea, which is taken away again after the test."""
    site = upgraded.site
    site.action("package_patch", id=existing.DCAT, idea=[chain.idea])
    yield existing.DCAT
    site.action("package_patch", id=existing.DCAT, idea=[])


def found_by(site: Site, name: str, **search: object) -> bool:
    found = site.action("package_search", search)
    return name in {dataset["name"] for dataset in found["results"]}


def test_adding_an_idea_gives_an_older_dataset_place_and_problem(
    upgraded: Upgraded, tagged: str
) -> None:
    shown = upgraded.site.action("package_show", id=tagged)
    assert shown["municipality"] == [CODE]
    assert shown["service_problem"] == ["AGU-01"]
    assert shown["municipality_origin"] == "idea"


def test_the_dataset_is_found_by_place_and_problem(upgraded: Upgraded, tagged: str) -> None:
    assert found_by(upgraded.site, tagged, fq=f"vocab_municipality:{CODE}")
    assert found_by(upgraded.site, tagged, fq="vocab_service_problem:AGU-01")


def test_the_page_of_the_dataset_links_to_idea_and_workshop(
    upgraded: Upgraded, tagged: str
) -> None:
    page = upgraded.site.get(f"/dataset/{tagged}").text
    assert "Saber qué pozos tienen agua" in page
    assert "Maratón de ideas de Antigua" in page


def test_the_rdf_of_the_dataset_has_the_chain(
    upgraded: Upgraded, chain: Chain, tagged: str
) -> None:
    turtle = upgraded.site.get(f"/dataset/{tagged}.ttl").content.decode("utf-8")
    assert f"/idea/{chain.idea}>" in turtle
    assert f"/workshop/{chain.workshop}>" in turtle
    assert f"/vocabulary/municipality/{CODE}>" in turtle


def test_other_older_datasets_need_no_new_fields(upgraded: Upgraded, tagged: str) -> None:
    del tagged
    notes = upgraded.datasets[existing.PLAIN]["notes"]
    changed = upgraded.site.action("package_patch", id=existing.PLAIN, notes="Lecturas diarias.")
    assert changed["notes"] == "Lecturas diarias."
    assert not any(changed.get(field) for field in ("idea", "municipality", "service_problem"))
    upgraded.site.action("package_patch", id=existing.PLAIN, notes=notes)


def test_idea_and_workshop_are_not_in_the_catalogue(
    upgraded: Upgraded, chain: Chain, tagged: str
) -> None:
    del tagged
    catalogue = upgraded.site.get("/catalog.ttl").content.decode("utf-8")
    assert f"/dataset/{chain.idea}>" not in catalogue
    assert f"/dataset/{chain.workshop}>" not in catalogue


def test_a_new_dataset_of_a_municipality_needs_an_idea(upgraded: Upgraded, chain: Chain) -> None:
    del chain
    with pytest.raises(ActionFailed) as refused:
        existing.publish_without_idea(upgraded.site, "nuevo")
    assert refused.value.status == REFUSED
    assert list(refused.value.error["idea"]), refused.value.error
