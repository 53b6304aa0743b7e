"""The map in a real browser: seen late, on a phone on request, by keyboard, and from here only."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.sites import Site

from .conftest import PHONE, Town, Visit, make_town, served, visiting

CANVAS = ".site-map-canvas"
ACTIVE = f"{CANVAS} path[role=link]"
IN_TABS = f"{CANVAS} path[tabindex='0']"
PANEL = ".site-map-panel"


@pytest.fixture(scope="module")
def live_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site of these tests alone, which count all that a map shows."""
    with served("map", tmp_path_factory.mktemp("map-site")) as site:
        yield site


@pytest.fixture(scope="module")
def town(live_site: Site) -> Town:
    """Villa Nueva."""
    return make_town(live_site, "0115", "Villa Nueva")


@pytest.fixture(scope="module")
def second(live_site: Site, town: Town) -> Town:
    """San Miguel Petapa, east of Villa Nueva."""
    return make_town(live_site, "0117", "San Miguel Petapa")


def loaded(page: Page) -> list[str]:
    """Return the map's files that the page has requested."""
    script = "performance.getEntriesByType('resource').map(each => each.name)"
    return [each for each in page.evaluate(script) if "/marathon/map" in each]


def see(page: Page) -> None:
    page.locator(".site-map").scroll_into_view_if_needed()
    expect(page.locator(ACTIVE).first).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/marathon"])
def test_a_phone_loads_the_map_only_on_request(phone: Visit, second: Town, path: str) -> None:
    page = phone.go(path)
    button = page.get_by_role("button", name="Mostrar el mapa").or_(
        page.get_by_role("button", name="Show the map")
    )
    button.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    assert loaded(page) == []
    button.press("Enter")
    expect(page.locator(ACTIVE)).to_have_count(2)
    assert len(loaded(page)) == 4
    expect(page.locator(".site-map input:checked")).to_be_focused()
    assert not phone.is_wider_than_its_window()


def test_on_a_desktop_the_map_is_loaded_when_it_is_visible(desk: Visit, second: Town) -> None:
    page = desk.go("/")
    page.wait_for_load_state("networkidle")
    assert loaded(page) == []
    see(page)
    assert len(loaded(page)) == 4
    assert page.locator(f"{CANVAS} path.leaflet-interactive").count() == 340


def test_arrow_keys_move_between_municipalities_and_enter_opens_one(
    desk: Visit, town: Town, second: Town
) -> None:
    page = desk.go("/marathon")
    see(page)
    assert page.locator(f"{CANVAS} path:not([tabindex='-1'])").count() == 1
    page.locator(".site-map input:checked").focus()
    page.keyboard.press("Tab")
    focused = page.locator(f"{CANVAS} path:focus")
    expect(focused).to_have_attribute("aria-label", re.compile("Villa Nueva[.] "))
    expect(page.locator(PANEL)).to_contain_text("Villa Nueva")
    page.keyboard.press("ArrowRight")
    expect(focused).to_have_attribute("aria-label", re.compile("San Miguel Petapa[.] "))
    expect(page.locator(PANEL)).to_contain_text("San Miguel Petapa")
    page.keyboard.press("ArrowRight")
    expect(page.locator(PANEL)).to_contain_text("San Miguel Petapa")
    assert page.locator(IN_TABS).count() == 1
    page.keyboard.press("Tab")
    expect(focused).to_have_count(0)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/municipality/{second.code}")


def test_the_colours_and_the_legend_follow_the_choice(desk: Visit, second: Town) -> None:
    page = desk.go("/marathon")
    see(page)
    legend = page.locator(".site-map-legend li")
    expect(legend).to_have_count(2)
    place = page.locator(IN_TABS)
    coloured = place.get_attribute("fill")
    page.locator(".site-map input[value=ideas]").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".site-map input[value=needs_met]")).to_be_checked()
    # No data that the ideas need are published.
    expect(legend).to_have_count(1)
    assert place.get_attribute("fill") != coloured


def test_a_click_opens_the_municipality(desk: Visit, town: Town) -> None:
    page = desk.go("/marathon")
    see(page)
    page.locator(f"{CANVAS} path[aria-label^='Villa Nueva. ']").click()
    page.wait_for_url(f"**/municipality/{town.code}")


def test_without_scripts_the_table_replaces_the_map(plain: Visit, second: Town) -> None:
    page = plain.go("/marathon")
    assert not page.locator(".site-map").is_visible()
    assert page.locator("#figures").get_by_role("link", name=second.name, exact=True).is_visible()
    page.locator("#figures th").get_by_role("link").nth(2).click()
    page.wait_for_url("**sort=ideas**")


def test_the_page_says_if_the_map_cannot_be_loaded(
    chromium: Browser, live_site: Site, second: Town
) -> None:
    with visiting(chromium, live_site, PHONE) as visit:
        visit.page.route("**/marathon/map/leaflet.js*", lambda route: route.abort())
        page = visit.go("/marathon")
        page.locator(".site-map-ask button").click()
        expect(page.locator(".site-map-trouble")).not_to_be_empty()
        expect(page.locator(".site-map-ask button")).to_be_visible()
