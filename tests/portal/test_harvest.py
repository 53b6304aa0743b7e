"""A stock portal copies the catalogue over HTTP: all of it, once, and only datasets."""

from __future__ import annotations

import json

import pytest
import requests

from tests.portal import changes, content
from tests.portal.conftest import PAGE_SIZE, Harvest, copy_of
from tests.portal.portal import field
from tests.sites import Site

AUTHORITY = "http://publications.europa.eu/resource/authority"


def test_all_datasets_arrive(harvest: Harvest, iris: dict[str, str]) -> None:
    assert set(harvest.first) == {iris[name] for name in changes.PUBLISHED}
    assert harvest.counts[0]["added"] == len(changes.PUBLISHED)


def test_the_harvest_reads_several_pages(harvest: Harvest) -> None:
    pages = -(-len(harvest.first) // PAGE_SIZE)
    assert pages > 1
    assert f"/catalog.ttl?page={pages}" in harvest.page
    assert harvest.page.count("a dcat:Dataset") == PAGE_SIZE


def test_no_other_record_arrives(harvest: Harvest) -> None:
    ours = {"Ideatón de Villa Nueva", "Vigilar los pozos", "Programa piloto de maratones"}
    unpublished = {"Reservado", "Sin terminar"}
    assert not harvest.titles & (ours | unpublished)


@pytest.mark.parametrize("name", changes.PUBLISHED)
def test_every_copy_has_a_title_and_a_description(
    harvest: Harvest, iris: dict[str, str], name: str
) -> None:
    copied = copy_of(harvest.first, iris, name)
    assert copied["title"]
    assert copied["notes"]


def test_the_portal_has_a_page_for_a_copied_dataset(harvest: Harvest, iris: dict[str, str]) -> None:
    page = harvest.portal.page(copy_of(harvest.first, iris, changes.UNTOUCHED))
    assert page.status_code == 200
    assert "Presupuesto de agua" in page.text


@pytest.mark.parametrize(
    ("name", "publisher"),
    [(changes.UNTOUCHED, "Municipalidad de Villa Nueva"), (changes.NATIONAL, "INFOM")],
)
def test_the_publisher_arrives(
    harvest: Harvest, iris: dict[str, str], name: str, publisher: str
) -> None:
    copied = copy_of(harvest.first, iris, name)
    assert field(copied, "publisher_name") == publisher
    assert field(copied, "publisher_uri").startswith(f"{content.BASE}/organization/")


def test_the_contact_arrives(harvest: Harvest, iris: dict[str, str]) -> None:
    copied = copy_of(harvest.first, iris, changes.EDITED)
    assert field(copied, "contact_name") == "Unidad de Aguas"
    assert field(copied, "contact_email") == "aguas@villa-nueva.example.gt"


def test_resources_arrive_with_name_format_and_address(
    harvest: Harvest, iris: dict[str, str]
) -> None:
    (resource,) = copy_of(harvest.first, iris, changes.EDITED)["resources"]
    assert resource["name"] == "Tabla"
    assert resource["description"] == "Una fila por pozo"
    assert resource["url"] == "https://example.gt/pozos-1.csv"
    assert resource["format"].upper() == "CSV"
    assert resource["uri"].startswith(f"{iris[changes.EDITED]}/resource/")


def test_a_harvested_file_can_be_downloaded_from_the_portal(
    harvest: Harvest, iris: dict[str, str]
) -> None:
    (resource,) = copy_of(harvest.first, iris, changes.UNTOUCHED)["resources"]
    assert requests.get(resource["url"], timeout=60).content == content.CSV
    assert requests.head(resource["url"], timeout=60).ok


def test_the_place_arrives(harvest: Harvest, iris: dict[str, str]) -> None:
    copied = copy_of(harvest.first, iris, changes.UNTOUCHED)
    assert (
        field(copied, "spatial_uri") == f"{content.VOCABULARY}/municipality/{content.VILLA_NUEVA}"
    )
    assert field(copied, "spatial_text") == "Villa Nueva"
    assert json.loads(field(copied, "spatial_centroid"))["type"] == "Point"
    assert json.loads(field(copied, "spatial_bbox"))["type"] == "Polygon"


def test_a_national_dataset_is_about_guatemala(harvest: Harvest, iris: dict[str, str]) -> None:
    copied = copy_of(harvest.first, iris, changes.NATIONAL)
    assert field(copied, "spatial_uri") == f"{AUTHORITY}/country/GTM"


def test_the_themes_arrive(harvest: Harvest, iris: dict[str, str]) -> None:
    themes = json.loads(field(copy_of(harvest.first, iris, changes.UNTOUCHED), "theme"))
    assert f"{content.VOCABULARY}/service-problem/AGU-01" in themes
    assert [theme for theme in themes if theme.startswith(f"{AUTHORITY}/data-theme/")]


def test_the_link_to_the_idea_arrives(
    catalogue: Site, harvest: Harvest, iris: dict[str, str]
) -> None:
    idea = catalogue.action("package_show", id=content.IDEA)["id"]
    related = json.loads(field(copy_of(harvest.first, iris, changes.UNTOUCHED), "related_resource"))
    assert related == [f"{content.BASE}/idea/{idea}"]


def test_frequency_language_period_licence_and_keywords_arrive(
    harvest: Harvest, iris: dict[str, str]
) -> None:
    copied = copy_of(harvest.first, iris, changes.UNTOUCHED)
    assert field(copied, "frequency") == f"{AUTHORITY}/frequency/MONTHLY"
    assert json.loads(field(copied, "language")) == [f"{AUTHORITY}/language/SPA"]
    assert field(copied, "temporal_start") == "2026-01-01"
    assert field(copied, "temporal_end") == "2026-06-30"
    assert {tag["name"] for tag in copied["tags"]} == {"agua", "pozos"}
    assert copied["license_id"] == "cc-by"


def test_three_harvests_make_no_duplicates(harvest: Harvest) -> None:
    ids = [{iri: copied["id"] for iri, copied in shown.items()} for shown in harvest.shown[:3]]
    assert ids[0] == ids[1] == ids[2]
    for counts in harvest.counts[1:3]:
        assert (counts["added"], counts["deleted"]) == (0, 0)
