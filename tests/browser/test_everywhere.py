"""What holds on every page: fits a phone, has a language, headings and names."""

from __future__ import annotations

import pytest

from .conftest import Town, Visit

PAGES = [
    "/",
    "/about",
    "/dataset/",
    "/workshop/",
    "/idea/",
    "/idea/{idea}",
    "/workshop/{workshop}",
    "/organization/",
    "/organization/{organization}",
    "/municipality",
    "/municipality/{code}",
    "/department/01",
    "/service-problem",
    "/service-problem/AGU-04",
    "/vocabulary",
    "/vocabulary/service-problem",
    "/vocabulary/municipality/{code}",
    "/user/login",
]
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


def test_on_a_phone_the_results_are_seen_once_a_filter_is_chosen(phone: Visit, town: Town) -> None:
    page = phone.go("/idea/")
    page.click(".show-filters")
    page.click(f'.filters a[href*="vocab_municipality={town.code}"]')
    page.wait_for_url(f"**vocab_municipality={town.code}**")
    page.locator(".filters").wait_for(state="hidden")
    assert page.locator(".dataset-item").first.is_visible()
