"""Edits reach the portal with its next harvest."""

from __future__ import annotations

import pytest

from tests.portal import changes, content
from tests.portal.conftest import Harvest, copy_of
from tests.portal.portal import field
from tests.sites import Site

Iris = dict[str, str]


def test_an_edited_dataset_is_updated(harvest: Harvest, iris: Iris) -> None:
    before, after = (
        copy_of(shown, iris, changes.EDITED) for shown in (harvest.first, harvest.last)
    )
    assert after["id"] == before["id"]
    assert (after["title"], after["notes"]) == ("Pozos, corregido", "Corregido.")


def test_an_unchanged_file_keeps_its_id(harvest: Harvest, iris: Iris) -> None:
    before, after = (
        copy_of(shown, iris, changes.EDITED) for shown in (harvest.first, harvest.last)
    )
    kept = {resource["id"]: resource["url"] for resource in after["resources"]}
    assert kept[before["resources"][0]["id"]] == before["resources"][0]["url"]
    assert sorted(resource["name"] for resource in after["resources"]) == ["Mapa", "Tabla"]


def test_a_renamed_dataset_keeps_its_id(harvest: Harvest, iris: Iris) -> None:
    before, after = (
        copy_of(shown, iris, changes.RENAMED) for shown in (harvest.first, harvest.last)
    )
    assert after["id"] == before["id"]
    assert after["title"] == "Profundidad de los pozos"
    assert field(after, "publisher_name") == "Municipalidad de Jacaltenango"


@pytest.mark.parametrize("name", changes.GONE)
def test_a_dataset_that_is_no_longer_public_is_deleted(
    harvest: Harvest, iris: Iris, name: str
) -> None:
    assert iris[name] not in harvest.last
    assert harvest.portal.page(copy_of(harvest.first, iris, name)).status_code in (403, 404)


def test_no_other_dataset_is_deleted(harvest: Harvest, iris: Iris) -> None:
    stay = {*changes.PUBLISHED, changes.ADDED} - set(changes.GONE)
    assert set(harvest.last) == {iris[name] for name in stay}
    assert harvest.counts[-1]["deleted"] == len(changes.GONE)
    assert harvest.counts[-1]["added"] == 1


def test_a_place_inherited_from_the_idea_is_updated(harvest: Harvest, iris: Iris) -> None:
    moved = copy_of(harvest.last, iris, changes.UNTOUCHED)
    assert (
        field(moved, "spatial_uri") == f"{content.VOCABULARY}/municipality/{content.JACALTENANGO}"
    )


def test_a_publisher_with_a_new_title_keeps_its_iri(harvest: Harvest, iris: Iris) -> None:
    before, after = (
        copy_of(shown, iris, changes.UNTOUCHED) for shown in (harvest.first, harvest.last)
    )
    assert field(after, "publisher_uri") == field(before, "publisher_uri")
    assert field(after, "publisher_name") == "Villa Nueva, municipalidad"


def test_a_dataset_public_again_is_harvested_after_purging_the_copy(
    catalogue: Site, harvest: Harvest, iris: Iris
) -> None:
    former = copy_of(harvest.first, iris, changes.WITHDRAWN)
    harvest.portal.action("dataset_purge", id=former["id"])
    catalogue.action("package_patch", id=changes.WITHDRAWN, private=False)
    assert harvest.portal.collect()["added"] == 1
    assert iris[changes.WITHDRAWN] in harvest.portal.datasets()


def test_a_site_that_moves_to_another_address_keeps_its_datasets(
    catalogue: Site, harvest: Harvest
) -> None:
    before = {iri: copied["id"] for iri, copied in harvest.portal.datasets().items()}
    with catalogue.variant("moved", {}) as moved:
        moved.start()
        harvest.portal.move_source(f"{moved.url}/catalog.ttl")
        counts = harvest.portal.collect()
        harvest.portal.move_source(f"{catalogue.url}/catalog.ttl")
    assert (counts["added"], counts["deleted"]) == (0, 0)
    after = {iri: copied["id"] for iri, copied in harvest.portal.datasets().items()}
    assert after == before
