"""Checks of every page: it fits a phone, is small, and has language, headings and labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests import proving

from .conftest import Town, Visit

PAGES = [
    "/",
    "/about",
    "/agenda",
    "/catalog",
    "/dataset/",
    "/workshop/",
    "/idea/",
    "/idea/?vocab_data_needs=unmet",
    "/dataset/{dataset}",
    "/dataset/{dataset}/resource/{resource}",
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
    "/marathon/search?q=zzyzx",
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
# WCAG 2.2 AA, and the best practices of the rules' authors.
RULES = {
    "runOnly": {
        "type": "tag",
        "values": [
            *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"),
            "best-practice",
        ],
    },
    # Every place that is as it should be takes as long to describe as all the rest.
    "resultTypes": ["violations"],
}
# Rules whose result depends on the length of the words and the width of the window.
RULES_OF_LAYOUT = RULES
if not proving.FULL:
    RULES_OF_LAYOUT = {**RULES, "runOnly": {"type": "rule", "values": ["target-size"]}}
# Bytes of everything that a page loads with an empty cache, as they are sent.
HEAVIEST = 300_000
# What a reader does not see although it is on the page, and no scroll bar leads to it.
CUT_OFF = """() => [...document.querySelectorAll('.main *')].filter(element => {
  const box = element.getBoundingClientRect();
  if (box.width < 2 || box.height < 2 || box.right <= innerWidth + 1) return false;
  for (let outer = element.parentElement; outer; outer = outer.parentElement) {
    const style = getComputedStyle(outer);
    if (['auto', 'scroll'].includes(style.overflowX)) return false;
    if (style.position === 'absolute' && outer.getBoundingClientRect().width < 2) return false;
  }
  return true;
}).slice(0, 2).map(element => element.outerHTML.slice(0, 120))"""
FOR_OFFICERS = ["/dataset/new", "/workshop/new", "/idea/new", "/idea/edit/{idea}"]


@pytest.mark.parametrize("locale", ["es", "en"])
def test_every_page_on_a_phone_fits_is_small_and_has_no_faults(
    phone: Visit, filled: Callable[[str], str], locale: str
) -> None:
    """Width, size in bytes, language, heading and labels; axe finds no violation.

    All rules of axe are applied to the Spanish pages on a phone and the English ones on a desktop;
    to the others only those that depend on where a line breaks. ``make prove`` applies all to all.
    """
    network = phone.page.context.new_cdp_session(phone.page)
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sent: list[float] = []

    def note(event: dict[str, Any]) -> None:
        sent.append(event["encodedDataLength"])

    network.on("Network.loadingFinished", note)
    found: dict[str, list[str]] = {}
    for path in PAGES:
        sent.clear()
        page = phone.go(f"/{locale}{filled(path)}")
        faults = violations(page, RULES if locale == "es" else RULES_OF_LAYOUT)
        if phone.is_wider_than_its_window():
            faults.append("wider than the window")
        faults += [f"cut off: {element}" for element in page.evaluate(CUT_OFF)]
        if page.locator("html").get_attribute("lang") != locale:
            faults.append("another language")
        if not page.locator("h1").count():
            faults.append("no heading")
        # Pages of people who are logged in need CKAN's scripts.
        if sum(sent) > HEAVIEST and not path.startswith("/user/"):
            faults.append(f"{sum(sent):.0f} bytes")
        nameless = page.eval_on_selector_all(
            "img:not([alt]), a:not([aria-label])",
            "found => found.filter(e => e.tagName === 'IMG' || "
            "!(e.textContent.trim() || e.title || e.querySelector('img[alt]'))).length",
        )
        if nameless:
            faults.append(f"{nameless} links or pictures without a name")
        if faults:
            found[path] = faults
    assert found == {}


def test_axe_finds_no_faults_on_a_desktop(desk: Visit, filled: Callable[[str], str]) -> None:
    for locale, rules in (("en", RULES), ("es", RULES_OF_LAYOUT)):
        found = {path: violations(desk.go(f"/{locale}{filled(path)}"), rules) for path in PAGES}
        assert {path: faults for path, faults in found.items() if faults} == {}, locale


def violations(page: Page, rules: dict[str, Any] = RULES) -> list[str]:
    """Return what axe finds on a page: the rule, and the first element that breaks it."""
    found = Axe().run(page, options=rules).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found]


def test_the_forms_fit_a_phone(phone: Visit, town: Town, filled: Callable[[str], str]) -> None:
    phone.log_in(town.officer)
    for path in FOR_OFFICERS:
        page = phone.go(filled(path))
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert not phone.is_wider_than_its_window(), path


def test_a_wide_table_shows_where_it_goes_on_and_is_scrolled_by_keys(phone: Visit) -> None:
    table = phone.go("/marathon").locator(".marathon-table-wrap").first
    assert table.evaluate("e => e.scrollWidth > e.clientWidth")
    assert "gradient" in table.evaluate("e => getComputedStyle(e).backgroundImage")
    table.focus()
    phone.page.keyboard.press("ArrowRight")
    phone.page.wait_for_function(
        "() => document.querySelector('.marathon-table-wrap').scrollLeft > 0"
    )


def test_on_a_phone_the_results_come_before_the_filters(phone: Visit, town: Town) -> None:
    page = phone.go("/idea/")
    filters = page.locator(".marathon-filters")
    filters.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    filters.locator(f'a[href*="vocab_municipality={town.code}"]').first.click()
    page.wait_for_url(f"**vocab_municipality={town.code}**")
    result, choices = page.locator(".dataset-item").first, page.locator(".marathon-filters")
    assert result.is_visible()
    assert result.bounding_box()["y"] < choices.bounding_box()["y"]


def test_the_side_column_does_not_show_through_the_head_of_a_file(
    desk: Visit, filled: Callable[[str], str]
) -> None:
    page = desk.go(filled("/dataset/{dataset}/resource/{resource}"))
    head = page.locator(".module-resource")
    assert head.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"


def test_long_names_without_blanks_are_broken(phone: Visit, filled: Callable[[str], str]) -> None:
    for path in ("/dataset/{dataset}", "/dataset/{dataset}/resource/{resource}"):
        page = phone.go(filled(path))
        heading = page.locator(".primary h1, .module-content h1").first
        heading.evaluate("e => e.textContent = 'consolidado_de_agua_potable_por_municipio_2024'")
        assert heading.evaluate("e => e.scrollWidth <= e.clientWidth"), path


def test_the_arrows_of_pages_are_drawn(desk: Visit) -> None:
    page = desk.go("/dataset/")
    for name in ("left", "right"):
        icon = f'<i class="fa-solid fa-chevron-{name}"></i>'
        page.evaluate("icon => document.body.insertAdjacentHTML('beforeend', icon)", icon)
        box = page.locator(f".fa-chevron-{name}").last.bounding_box()
        assert box is not None
        assert box["width"] > 5
