"""Our catalogue served from one process, a portal with its own everything in others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.portal import changes, content
from tests.portal.portal import Portal
from tests.sites import Site

PLUGINS = "marathon scheming_datasets scheming_organizations dcat"
# Small pages, so that a harvest has to turn them.
PAGE_SIZE = 3

Shown = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = {
        "ckanext.dcat.base_uri": content.BASE,
        "ckanext.dcat.datasets_per_page": str(PAGE_SIZE),
        "ckan.site_title": "Maratones de ideas",
        "ckan.locale_default": "es",
    }
    directory = tmp_path_factory.mktemp("catalogue")
    with Site.create("catalogue", directory, PLUGINS, settings) as site:
        site.upgrade()
        site.start()
        # Without it the index, and with it the feed, would not follow ideas and organisations.
        site.background("jobs", "worker")
        content.fill(site)
        yield site


@dataclass
class Harvest:
    """The content of the portal after each harvest, and the reports of the harvests."""

    portal: Portal
    #: by harvest: datasets by IRI
    shown: list[Shown] = field(default_factory=list)
    counts: list[Mapping[str, int]] = field(default_factory=list)
    #: titles in the portal's search after three harvests, whatever their type
    titles: set[str] = field(default_factory=set)
    #: our first page, as the portal fetched it three times
    page: str = ""

    def collect(self) -> None:
        self.counts.append(self.portal.collect())
        self.shown.append(self.portal.datasets())

    @property
    def first(self) -> Shown:
        return self.shown[0]

    @property
    def last(self) -> Shown:
        return self.shown[-1]


@pytest.fixture(scope="session")
def harvest(catalogue: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harvest]:
    """Three harvests of the same, then one after our editors have changed everything."""
    with Portal.open(tmp_path_factory.mktemp("portal")) as portal:
        portal.follow(f"{catalogue.url}/catalog.ttl")
        harvest = Harvest(portal, page=catalogue.get("/catalog.ttl").text)
        for _ in range(3):
            harvest.collect()
        found = portal.action("package_search", rows=1000, include_drafts=True)["results"]
        harvest.titles = {dataset["title"] for dataset in found}
        changes.make(catalogue)
        changes.wait_for_index(catalogue)
        harvest.collect()
        yield harvest


@pytest.fixture(scope="session")
def iris(catalogue: Site, harvest: Harvest) -> dict[str, str]:
    """The IRI of each dataset by the name that it had at first."""
    names = (*changes.PUBLISHED, changes.ADDED)
    shown = {name: shown_as(catalogue, name) for name in names if name != changes.PURGED}
    found = {name: f"{content.BASE}/dataset/{dataset['id']}" for name, dataset in shown.items()}
    known = set(found.values())
    (found[changes.PURGED],) = (iri for iri in harvest.first if iri not in known)
    return found


def shown_as(catalogue: Site, name: str) -> dict[str, Any]:
    new = changes.NEW_NAME if name == changes.RENAMED else name
    return catalogue.action("package_show", id=new)


def copy_of(shown: Shown, iris: Mapping[str, str], name: str) -> dict[str, Any]:
    return shown[iris[name]]
