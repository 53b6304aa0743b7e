"""Portals that copied the site find the same datasets under the same IRIs as before the plugin."""

from __future__ import annotations

import time

from tests.site import existing
from tests.site.conftest import FORMATS, PLUGINS, Upgraded

BASE = "https://datos.example.gt"


def test_stock_served_the_datasets_that_are_compared(upgraded: Upgraded) -> None:
    iris = upgraded.stock.iris["ttl"]
    # Those that visitors see, of both types of the site's own, harvested ones, one with a key.
    assert len(iris) == len(existing.VISIBLE) + len(existing.TYPES) + len(existing.HARVESTED) + 1
    assert set(existing.HARVESTED.values()) < iris


def test_the_catalogue_has_the_same_datasets_in_every_format(upgraded: Upgraded) -> None:
    for extension in FORMATS:
        assert upgraded.now.iris[extension] == upgraded.stock.iris[extension], extension


def test_the_files_of_the_datasets_have_the_same_iris(upgraded: Upgraded) -> None:
    assert upgraded.now.files == upgraded.stock.files


def test_each_address_of_stock_has_the_same_status_and_iris(upgraded: Upgraded) -> None:
    public = {each: said for each, said in upgraded.stock.alone.items() if said[0] == 200}
    assert len(public) >= len(upgraded.stock.iris["ttl"])
    assert {each: upgraded.now.alone[each] for each in public} == public
    others = upgraded.now.alone.keys() - public.keys()
    assert {upgraded.now.alone[each][0] for each in others} == {404}


def test_our_feeds_have_the_same_datasets(upgraded: Upgraded) -> None:
    site, iris = upgraded.site, upgraded.stock.iris["ttl"]
    everything = site.get("/catalog/all.nt").text
    assert {iri for iri in iris if f"#dataset> <{iri}> ." in everything} == iris
    assert {each["identifier"] for each in site.get("/data.json").json()["dataset"]} == iris
    changes = site.get("/catalog/changes.nq").text
    assert {iri for iri in iris if f"#object> <{iri}> " in changes} == iris
    table = site.get("/catalog.csv").content.decode("utf-8-sig")
    assert {iri for iri in iris if iri in table} == iris
    for path in ("/catalog.xlsx", "/catalog/changes.atom"):
        assert site.get(path).status_code == 200, path


def test_verify_finds_nothing_wrong(upgraded: Upgraded) -> None:
    said = upgraded.site.run("marathon", "feed", "verify")
    assert "The log says what is public, all of it and nothing else." in said


def test_before_the_rebuild_doctor_named_the_missing_feed(upgraded: Upgraded) -> None:
    assert "ckan marathon feed rebuild" in upgraded.warned
    assert "1 faults" in upgraded.warned


def test_the_sites_own_types_keep_their_pages(upgraded: Upgraded) -> None:
    for package_type in existing.TYPES:
        name = f"un-{package_type.replace('_', '-')}"
        assert upgraded.site.get(f"/{package_type}/{name}").status_code == 200
        assert upgraded.site.get(f"/dataset/{name}").status_code == 200


def test_the_page_of_a_harvested_dataset_shows_its_iri(upgraded: Upgraded) -> None:
    (name, iri), *_ = existing.HARVESTED.items()
    page = upgraded.site.get(f"/dataset/{name}")
    assert page.status_code == 200
    assert iri in page.text


def test_without_rebuild_and_worker_the_feed_is_built_by_a_web_process(
    upgraded: Upgraded,
) -> None:
    with upgraded.site.database() as database:
        database.exec_driver_sql("UPDATE marathon_feed_clock SET complete = false")
    with upgraded.site.variant("unattended", {"ckan.plugins": PLUGINS}) as site:
        site.start()
        answer = site.get("/catalog/all.ttl")
        deadline = time.monotonic() + 90
        while answer.status_code == 503 and time.monotonic() < deadline:
            assert int(answer.headers["Retry-After"]) > 0
            time.sleep(1)
            answer = site.get("/catalog/all.ttl")
        assert answer.status_code == 200
