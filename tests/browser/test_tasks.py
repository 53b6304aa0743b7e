"""Typical tasks of visitors, from the home page, on a phone and with the keyboard only.

Each takes at most four steps. A step is a search or a link that is followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.sites import Site

from .conftest import Town, Visit, make_town, reach

MOST_STEPS = 4


class Keyboard:
    """A visitor without a mouse. ``steps`` is the number of searches and followed links."""

    def __init__(self, visit: Visit) -> None:
        self.page = visit.page
        self.steps = 0
        visit.go("/")

    def search(self, words: str) -> None:
        """Type into the page's first search field."""
        reach(self.page, self.page.get_by_role("searchbox").first)
        self.page.keyboard.type(words)
        self._go_on()

    def follow(self, name: str | re.Pattern[str]) -> None:
        """Follow the first link of a name."""
        reach(self.page, self.page.get_by_role("link", name=name).first)
        self._go_on()

    def reach_download(self) -> str:
        """Move to the first file to download and return its address."""
        link = self.page.locator("a.marathon-download").first
        reach(self.page, link)
        return str(link.get_attribute("href"))

    def _go_on(self) -> None:
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        self.steps += 1


@pytest.fixture(scope="module")
def jalapa(live_site: Site) -> Iterator[Town]:
    """A municipality of these tests alone, because other tests count municipalities."""
    town = make_town(live_site, "2101", "Jalapa")
    yield town
    for thing in (town.idea, town.workshop):
        live_site.action("dataset_purge", id=thing["id"])


@pytest.fixture(scope="module")
def idea(live_site: Site, jalapa: Town) -> Iterator[dict[str, Any]]:
    """An idea about water that was prioritised and needs two data."""
    made = live_site.action(
        "package_create",
        type="idea",
        name="pozos-comunitarios",
        title="Pozos comunitarios con bomba solar",
        workshop=jalapa.workshop["id"],
        owner_org=jalapa.organization["id"],
        municipality=["2101"],
        service_problem=["AGU-01"],
        data_need=[{"what": "Ubicación de los pozos"}, {"what": "Caudal de cada pozo"}],
    )
    yield live_site.action("package_patch", id=made["id"], status="prioritised")
    live_site.action("dataset_purge", id=made["id"])


@pytest.fixture(scope="module")
def dataset(live_site: Site, jalapa: Town, idea: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A dataset that meets one of the needs."""
    made = live_site.action(
        "package_create",
        name="pozos-del-municipio",
        title="Pozos del municipio",
        notes="Pozos de ejemplo de estas pruebas, con su lugar.",
        owner_org=jalapa.organization["id"],
        idea=[idea["id"]],
        data_need=[idea["data_need"][0]["id"]],
        resources=[{"name": "Pozos", "url": f"{live_site.url}/base/css/main.css", "format": "CSV"}],
    )
    yield made
    live_site.action("dataset_purge", id=made["id"])


def test_the_status_of_an_idea_is_found_in_four_steps(phone: Visit, idea: dict[str, Any]) -> None:
    keyboard = Keyboard(phone)
    keyboard.search("pozos bomba solar")
    keyboard.follow(re.compile(idea["title"]))
    assert phone.page.url.endswith(f"/idea/{idea['name']}")
    expect(phone.page.locator("main, [role=main]").first).to_contain_text(
        re.compile("priorizada", re.IGNORECASE)
    )
    assert keyboard.steps <= MOST_STEPS


def test_data_on_water_of_a_municipality_are_opened_in_four_steps(
    phone: Visit, dataset: dict[str, Any]
) -> None:
    keyboard = Keyboard(phone)
    keyboard.search("agua Jalapa")
    keyboard.follow(re.compile(dataset["title"]))
    assert phone.page.url.endswith(f"/dataset/{dataset['name']}")
    address = keyboard.reach_download()
    assert phone.page.request.get(address).ok
    # Opening it is one more.
    assert keyboard.steps + 1 <= MOST_STEPS


def test_ideas_that_still_wait_for_data_are_found_in_four_steps(
    phone: Visit, idea: dict[str, Any], dataset: dict[str, Any]
) -> None:
    keyboard = Keyboard(phone)
    keyboard.follow(re.compile("datos? necesarios? sin publicar|aún esperan datos"))
    expect(phone.page.get_by_role("link", name=re.compile(idea["title"])).first).to_be_visible()
    assert keyboard.steps <= MOST_STEPS
