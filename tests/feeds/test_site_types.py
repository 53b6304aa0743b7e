"""Datasets of the site's own types stay in the feed, described by the profiles that it has."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from rdflib import Graph, URIRef

from ckanext.marathon.feeds.inventory import CLASSES
from ckanext.marathon.feeds.verify import LogFault, rebuild_log
from ckanext.marathon.model.feed import Entry
from ckanext.marathon.rdf.namespaces import DCAT, DCT
from tests import factories

from .conftest import SITE, Get, Log, act

Faults = Callable[[], list[LogFault]]


def add(package_type: str, owner: str, **fields: Any) -> str:
    """Store a package as if it were older than the plugin; return its id."""
    extras = fields.pop("extras", {})
    package = model.Package(
        name=fields.pop("name", package_type), type=package_type, owner_org=owner, **fields
    )
    package.extras = extras
    model.Session.add(package)
    model.Session.commit()
    return package.id


@pytest.fixture
def owner(feed: Log) -> str:
    return factories.Municipality(title="Muni")["id"]


@pytest.fixture
def report(owner: str) -> str:
    """A record of the site's own type whose fields are blank nodes in stock ckanext-dcat."""
    extras = {
        "contact_name": "Oficina de agua",
        "contact_email": "agua@example.gt",
        "temporal_start": "2018-01-01",
        "spatial_text": "Antigua",
        "publisher_uri": f"{SITE}/organization/somebody-else",
        "publisher_name": "An impostor",
    }
    return add("informe", owner, title="Informe", notes="Del año.", version="2", extras=extras)


def described(get: Get, address: str) -> Graph:
    answer = get(address)
    assert answer.status_code == 200, answer.body
    return Graph().parse(data=answer.body, format="turtle")


def test_a_sites_own_type_is_in_the_log_described_by_the_sites_profile(
    feed: Log, report: str
) -> None:
    told = feed.text(report)
    assert f"<{SITE}/dataset/{report}>" in told
    assert '"Informe"' in told
    # The statements of stock ckanext-dcat, with named nodes.
    assert '"Oficina de agua"' in told
    assert "#node-" in told
    assert "_:" not in told


def test_a_sites_own_type_says_nothing_about_other_records(feed: Log, report: str) -> None:
    assert "An impostor" not in feed.text(report)


def test_verify_finds_no_fault_in_a_sites_own_type(feed: Log, report: str, faults: Faults) -> None:
    del feed, report
    assert faults() == []


@pytest.mark.parametrize("address", ["/catalog.ttl", "/catalog/all.ttl"])
def test_a_sites_own_type_is_in_the_catalogue(
    get: Get, report: str, owner: str, address: str
) -> None:
    dataset = factories.MarathonDataset(owner_org=owner)["id"]
    found = set(described(get, address).objects(None, DCAT.dataset))
    assert found == {URIRef(f"{SITE}/dataset/{each}") for each in (report, dataset)}


def test_a_sites_own_type_is_in_inventories_changes_and_its_owners_part(
    get: Get, report: str, owner: str
) -> None:
    iri = f"{SITE}/dataset/{report}"
    (inventoried,) = json.loads(get("/data.json").body)["dataset"]
    assert inventoried["identifier"] == iri
    # CKAN's own times are UTC without saying so, and readers would take them for local times.
    assert re.fullmatch(r"\S+T\S+(?:Z|[+-]\d\d:\d\d)", inventoried["modified"])
    rows = list(csv.DictReader(io.StringIO(get("/catalog.csv").body.lstrip("\ufeff"))))
    assert [row["identificador"] for row in rows] == [iri]
    assert f"<{iri}>" in get("/catalog/changes.nq").body
    assert f"<{iri}>" in get(f"/organization/{owner}/catalog/all.nt").body
    assert get("/catalog.xlsx").status_code == 200
    assert "Informe" in get("/catalog/changes.atom").body


def test_a_sites_own_type_can_be_fetched_in_every_format(get: Get, report: str) -> None:
    for extension in ("ttl", "rdf", "xml", "jsonld", "nt", "n3"):
        assert get(f"/dataset/{report}.{extension}").status_code == 200, extension
    graph = described(get, "/dataset/informe.ttl")
    title = graph.value(URIRef(f"{SITE}/dataset/{report}"), DCT.title)
    assert str(title) == "Informe"


def test_a_dataset_series_keeps_its_class(feed: Log, get: Get, owner: str) -> None:
    series = add("dataset_series", owner, title="Serie", notes="De informes.")
    iri = f"{SITE}/dataset/{series}"
    assert f"<{iri}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{CLASSES[1]}>" in feed.text(
        series
    )
    assert [each["title"] for each in json.loads(get("/data.json").body)["dataset"]] == ["Serie"]


def test_a_private_record_gets_404_and_a_deleted_one_410(
    feed: Log, get: Get, owner: str, report: str, faults: Faults
) -> None:
    hidden = add("informe", owner, name="oculto", title="Oculto", private=True)
    assert not feed.is_public(hidden)
    assert get(f"/dataset/{hidden}.ttl").status_code == 404
    act("package_delete", id=report)
    assert not feed.is_public(report)
    assert get(f"/dataset/{report}.ttl").status_code == 410
    assert faults() == []


@pytest.mark.parametrize("package_type", ["harvest", "showcase"])
def test_types_that_stock_does_not_publish_are_not_published(
    feed: Log, owner: str, package_type: str
) -> None:
    assert not feed.is_public(add(package_type, owner, title="Fuente"))


def test_an_idea_is_not_published_as_a_dataset(get: Get, feed: Log) -> None:
    idea = factories.Idea()
    assert f"/dataset/{idea['id']}>" not in get("/catalog/all.nt").body
    assert feed.is_public(idea["id"])


def test_a_rebuild_publishes_records_older_than_the_plugin(
    feed: Log, report: str, faults: Faults
) -> None:
    model.Session.execute(sa.delete(Entry).where(Entry.thing == report))
    model.Session.commit()
    assert not feed.is_public(report)
    rebuild_log("")
    assert feed.is_public(report)
    assert faults() == []


VERSIONS = {
    "marathon": "http://www.w3.org/ns/dcat#version",
    "euro_dcat_ap_2": "http://www.w3.org/2002/07/owl#versionInfo",
    "marathon euro_dcat_ap_2": "http://www.w3.org/2002/07/owl#versionInfo",
}


@pytest.mark.parametrize("profiles", VERSIONS)
def test_the_configured_profile_describes_a_sites_own_type(
    feed: Log, owner: str, ckan_config: dict[str, Any], profiles: str
) -> None:
    ckan_config["ckanext.dcat.rdf.profiles"] = profiles
    report = add("informe", owner, title="Informe", version="2")
    assert f'<{VERSIONS[profiles]}> "2"' in feed.text(report)


def test_an_unknown_profile_leaves_a_sites_own_type_in_the_feed(
    feed: Log, owner: str, ckan_config: dict[str, Any]
) -> None:
    ckan_config["ckanext.dcat.rdf.profiles"] = "no_such_profile"
    report = add("informe", owner, title="Informe", notes="x")
    assert '"Informe"' in feed.text(report)
