"""A stock portal copies the catalogue while editors work on it: nothing lost, nothing twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests import proving
from tests.portal import content
from tests.portal.conftest import PAGE_SIZE, PLUGINS
from tests.portal.portal import Portal
from tests.sites import Site

HARVESTS = proving.count("harvests while editors work", 2, 10)
DATASETS = 5 * PAGE_SIZE


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = {
        "ckanext.dcat.base_uri": content.BASE,
        "ckanext.dcat.datasets_per_page": str(PAGE_SIZE),
    }
    with Site.create("busy", tmp_path_factory.mktemp("busy"), PLUGINS, settings) as site:
        site.upgrade()
        site.start()
        content.fill(site)
        for number in range(DATASETS):
            content.dataset(site, f"fugas-{number}", title=f"Fugas {number}")
        yield site


@pytest.fixture(scope="module")
def portal(busy: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with Portal.open(tmp_path_factory.mktemp("portal-of-busy")) as portal:
        portal.follow(f"{busy.url}/catalog.ttl")
        yield portal


class Editor(threading.Thread):
    """Edits, deletes and adds datasets one after the other until it is stopped."""

    def __init__(self, site: Site, name: str, names: list[str]) -> None:
        super().__init__()
        self._site, self._name, self._names = site, name, names
        self._rng = proving.rng(name)
        self.stopping = threading.Event()
        #: IRIs of datasets that were not public all the time
        self.gone: set[str] = set()
        self.edits = 0

    def run(self) -> None:
        while not self.stopping.is_set():
            name = self._rng.choice(self._names)
            # Some have to be left for the rounds to come.
            others = ["hide"] if len(self._names) > PAGE_SIZE else []
            what = self._rng.choice(["edit", "edit", "edit", "add", *others])
            if what == "add":
                # Each its own title: ckanext-dcat's harvester names what is new by it, and two of
                # one harvest alike.
                new = f"{self._name}-{self.edits}"
                content.dataset(self._site, new, title=f"Nuevo, {new}")
            elif what == "hide":
                shown = self._site.action("package_patch", id=name, private=True)
                self.gone.add(f"{content.BASE}/dataset/{shown['id']}")
                # Nor does it come back: ckanext-dcat's harvester ends over what it had deleted.
                self._names.remove(name)
            else:
                title = f"Fugas {self._rng.random()}"
                self._site.action("package_patch", id=name, title=title)
            self.edits += 1


def published(site: Site) -> dict[str, str]:
    """Return the title of each public dataset by IRI."""
    found = site.action("package_search", rows=1000)["results"]
    return {f"{content.BASE}/dataset/{each['id']}": each["title"] for each in found}


def test_a_harvest_during_edits_ends_with_equal_datasets(busy: Site, portal: Portal) -> None:
    names = [f"fugas-{number}" for number in range(DATASETS)]
    for number in range(HARVESTS):
        there = set(published(busy))
        editor = Editor(busy, f"ronda-{number}", names)
        editor.start()
        try:
            portal.collect()
        finally:
            editor.stopping.set()
            editor.join(timeout=60)
        assert editor.edits > 1, "nobody edited meanwhile: nothing was tried"
        # Fails where one is there twice.
        arrived = set(portal.datasets())
        assert there - editor.gone - arrived == set()
    portal.collect()
    titles = {iri: shown["title"] for iri, shown in portal.datasets().items()}
    assert titles == published(busy)
