"""What holds on every page: fits a phone, is light, has a language, headings and names."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from .conftest import Town, Visit

PAGES = [
    "/",
    "/marathon",
    "/about",
    "/agenda",
    "/catalog",
    "/dataset/",
    "/workshop/",
    "/idea/",
    "/idea/?vocab_data_needs=unmet",
    "/idea/{idea}",
    "/idea/{idea}/poster",
    "/workshop/{workshop}",
    "/organization/",
    "/organization/{organization}",
    "/marathon",
    "/marathon/commitment",
    "/marathon/data",
    "/marathon/report",
    "/marathon/search?q=agua",
    "/marathon/search?q=nada-de-esto",
    "/municipality",
    "/municipality/{code}",
    "/municipality/{code}/report",
    "/department/01",
    "/service-problem",
    "/service-problem/AGU-04",
    "/vocabulary",
    "/vocabulary/service-problem",
    "/vocabulary/municipality/{code}",
    "/user/login",
    "/no-existe",
]
# WCAG 2.2 AA, and what the rules' authors recommend besides.
RULES = {
    "runOnly": {
        "type": "tag",
        "values": [
            *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"),
            "best-practice",
        ],
    }
}
# Bytes as they are sent, all that a page loads when nothing is kept from before.
HEAVIEST = 300_000
FOR_OFFICERS = ["/dataset/new", "/workshop/new", "/idea/new", "/idea/edit/{idea}"]


def filled(path: str, town: Town) -> str:
    return path.format(
        idea=town.idea["name"],
        workshop=town.workshop["name"],
        organization=town.organization["name"],
        code=town.code,
    )


def test_every_page_fits_a_phone(phone: Visit, town: Town) -> None:
    too_wide = []
    for path in PAGES:
        phone.go(filled(path, town))
        if phone.is_wider_than_its_window():
            too_wide.append(path)
    assert too_wide == []


def test_the_forms_fit_a_phone(phone: Visit, town: Town) -> None:
    phone.log_in(town.officer)
    for path in FOR_OFFICERS:
        page = phone.go(filled(path, town))
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert not phone.is_wider_than_its_window(), path


@pytest.mark.parametrize("locale", ["es", "en"])
def test_every_page_says_its_language_and_has_a_main_heading(
    desk: Visit, town: Town, locale: str
) -> None:
    for path in PAGES:
        page = desk.go(f"/{locale}{filled(path, town)}")
        assert page.locator("html").get_attribute("lang") == locale
        assert page.locator("h1").count() >= 1, path
        nameless = page.eval_on_selector_all(
            "img:not([alt]), a:not([aria-label])",
            "found => found.filter(e => e.tagName === 'IMG' || "
            "!(e.textContent.trim() || e.title || e.querySelector('img[alt]'))).length",
        )
        assert nameless == 0, path


@pytest.mark.parametrize("locale", ["es", "en"])
def test_axe_finds_nothing_on_any_page(phone: Visit, town: Town, locale: str) -> None:
    found = {}
    for path in PAGES:
        page = phone.go(f"/{locale}{filled(path, town)}")
        violations = Axe().run(page, options=RULES).response["violations"]
        if violations:
            found[path] = [(each["id"], each["nodes"][0]["html"]) for each in violations]
    assert found == {}


def test_axe_finds_nothing_at_a_desk(desk: Visit, town: Town) -> None:
    found = {}
    for path in PAGES:
        page = desk.go(filled(path, town))
        violations = Axe().run(page, options=RULES).response["violations"]
        if violations:
            found[path] = [(each["id"], each["nodes"][0]["html"]) for each in violations]
    assert found == {}


def test_a_first_visit_is_light(phone: Visit, town: Town) -> None:
    network = phone.page.context.new_cdp_session(phone.page)
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sent: list[float] = []

    def note(event: dict[str, Any]) -> None:
        sent.append(event["encodedDataLength"])

    network.on("Network.loadingFinished", note)
    heavy = {}
    # Whoever logs in needs CKAN's scripts.
    for path in (each for each in PAGES if not each.startswith("/user/")):
        sent.clear()
        phone.go(filled(path, town))
        phone.page.wait_for_load_state("networkidle")
        if sum(sent) > HEAVIEST:
            heavy[path] = sum(sent)
    assert heavy == {}


def test_on_a_phone_the_results_are_seen_once_a_filter_is_chosen(phone: Visit, town: Town) -> None:
    page = phone.go("/idea/")
    page.click(".show-filters")
    page.click(f'.filters a[href*="vocab_municipality={town.code}"]')
    page.wait_for_url(f"**vocab_municipality={town.code}**")
    page.locator(".filters").wait_for(state="hidden")
    assert page.locator(".dataset-item").first.is_visible()
