"""An officer's desk, and the handover to a successor, in a browser with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.sites import PASSWORD, Site

from .conftest import DESK, PHONE, Town, Visit, visiting
from .test_everywhere import RULES

SUCCESSOR = "sucesora@example.gt"


def check(visit: Visit) -> None:
    """Assert that the page fits its window and axe finds nothing."""
    assert not visit.is_wider_than_its_window(), visit.page.url
    found: dict[str, Any] = Axe().run(visit.page, options=RULES).response
    assert [
        (fault["id"], fault["nodes"][0]["html"][:200]) for fault in found["violations"]
    ] == [], visit.page.url


@pytest.fixture
def admin(live_site: Site, town: Town, request: pytest.FixtureRequest) -> Iterator[str]:
    """A new admin of the town."""
    name = f"alcaldia-{abs(hash(request.node.name)) % 10**8}"
    organization = town.organization["id"]
    live_site.action("user_create", name=name, email=f"{name}@example.gt", password=PASSWORD)
    live_site.action("organization_member_create", id=organization, username=name, role="admin")
    yield name
    live_site.action("user_delete", id=name)


def log_in(visit: Visit, name: str, prefix: str) -> Page:
    visit.log_in(name)
    return visit.go(f"{prefix}/marathon/desk")


SIZES: dict[str, ViewportSize] = {"1280": DESK, "390": PHONE}


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("prefix", ["", "/en"])
def test_an_admin_hands_over_and_the_successor_logs_in(
    chromium: Browser, live_site: Site, town: Town, admin: str, prefix: str, width: str
) -> None:
    successor = f"{width}{prefix.strip('/')}-{SUCCESSOR}"
    with visiting(chromium, live_site, SIZES[width]) as visit:
        page = log_in(visit, admin, prefix)
        expect(page.locator("h1")).to_have_text("My desk" if prefix else "Lo mío")
        check(visit)
        page.get_by_role("link", name=re.compile("People and handover|Personas y relevo")).click()
        check(visit)
        page.locator(f'a[href$="/{admin}/leave"]').click()
        check(visit)
        page.fill("#field-email", successor)
        page.select_option("#field-role", "admin")
        page.locator('main button[type="submit"], [role="main"] button[type="submit"]').click()
        expect(page.locator(".marathon-plan")).to_contain_text(successor)
        check(visit)
        page.locator('form:has([name="step"][value="do"]) button').click()
        link = page.locator("#one-time-link").input_value()
        assert "/user/reset/" in link
        check(visit)
        page.goto(f"{live_site.url}/dashboard/datasets")
        assert "/user/login" in page.url
    with visiting(chromium, live_site, SIZES[width]) as visit:
        page = visit.go(link.removeprefix(live_site.url))
        name = page.input_value('[name="name"]')
        page.fill('[name="password1"]', PASSWORD)
        page.fill('[name="password2"]', PASSWORD)
        page.click('form:has([name="password1"]) button[type="submit"]')
        visit.log_in(name)
        page = visit.go(f"{prefix}/marathon/desk")
        expect(page.locator("#waiting")).to_contain_text(town.idea["title"])
    live_site.action("user_delete", id=name)


def test_without_scripts_an_admin_invites_and_withdraws(
    plain: Visit, live_site: Site, town: Town, admin: str
) -> None:
    page = log_in(plain, admin, "")
    page.goto(f"{live_site.url}/organization/{town.organization['name']}/officers")
    page.fill("#field-email", "otra@example.gt")
    page.click('#invite button[type="submit"]')
    assert "/user/reset/" in page.locator("#one-time-link").input_value()
    row = page.locator("#people li", has_text="otra@example.gt")
    row.locator("a").click()
    page.locator('form:has([name="step"]) button[type="submit"]').click()
    page.locator('form:has([name="step"][value="do"]) button').click()
    expect(page.locator(".marathon-plan")).to_be_visible()
    page.goto(f"{live_site.url}/organization/{town.organization['name']}/officers")
    expect(page.locator("#people")).not_to_contain_text("otra@example.gt")


def test_after_a_save_the_page_names_what_was_saved(
    desk: Visit, live_site: Site, town: Town
) -> None:
    desk.log_in(town.officer)
    page = desk.go(f"/dataset/new?idea={town.idea['id']}")
    page.fill('[name="title"]', "Fugas de mayo")
    page.fill('[name="notes"]', "Un ejemplo.")
    page.fill('[name="resources__0__url"]', "https://example.gt/mayo.csv")
    page.click('button[value="private"]')
    message = page.locator(".flash-messages .alert")
    expect(message).to_contain_text("Fugas de mayo")
    expect(message).to_contain_text("Solo su organización lo ve")
    page = desk.go("/marathon/desk")
    expect(page.locator("#drafts")).to_contain_text("Fugas de mayo")
    expect(page.locator("#saves")).to_contain_text("Fugas de mayo")
    check(desk)
    live_site.action("dataset_purge", id="fugas-de-mayo")
