"""In a browser: rows, an ended session, two officers, a phone, a browser without JavaScript."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.sites import PASSWORD

from .conftest import DESK, Town, Visit, visiting

_number = itertools.count(1)


@pytest.fixture
def workshop(desk: Visit, town: Town) -> dict[str, Any]:
    number = next(_number)
    return desk.site.action(
        "package_create",
        type="workshop",
        name=f"para-editar-{number}",
        title=f"Taller {number}",
        owner_org=town.organization["id"],
        kind="ideation",
        status="held",
        municipality=[town.code],
        invitation=[{"organisation": "COCODE"}, {"organisation": "Centro de salud"}],
    )


@pytest.fixture
def second(chromium: Browser, live_site: Any) -> Iterator[Visit]:
    """A colleague at another desk."""
    with visiting(chromium, live_site, DESK) as visit:
        yield visit


def open_form(visit: Visit, town: Town, workshop: dict[str, Any]) -> Page:
    visit.log_in(town.officer)
    page = visit.go(f"/workshop/edit/{workshop['name']}")
    page.locator("summary", has_text="Personas y organizaciones").click()
    return page


def invited(visit: Visit, workshop: dict[str, Any]) -> list[str]:
    rows = visit.site.action("package_show", id=workshop["id"])["invitation"]
    return [row["organisation"] for row in rows]


def save(page: Page) -> None:
    page.get_by_role("button", name="Guardar los cambios").click()


def add_row(page: Page, number: int, name: str) -> None:
    rows = page.locator("#at-invitation")
    rows.locator('a[name="repeating-add"]').click()
    page.fill(f'[name="invitation-{number}-organisation"]', name)


class TestRowsAfterAnError:
    def test_added_changed_and_removed_rows_survive_an_error(
        self, desk: Visit, town: Town, workshop: dict[str, Any]
    ) -> None:
        page = open_form(desk, town, workshop)
        page.fill('[name="invitation-0-organisation"]', "COCODE de Zona 4")
        page.locator("#at-invitation a[name=repeating-remove]").nth(1).click()
        add_row(page, 2, "Escuela")
        page.fill('[name="title"]', "")
        save(page)
        expect(page.locator(".marathon-errors [role=alert]")).to_be_visible()
        expect(page.locator(".marathon-errors")).to_be_focused()
        page.fill('[name="title"]', "Corregido")
        save(page)
        page.wait_for_url(re.compile(rf"/workshop/{workshop['name']}$"))
        assert invited(desk, workshop) == ["COCODE de Zona 4", "Escuela"]

    def test_an_error_is_shown_at_the_row_that_was_added(
        self, desk: Visit, town: Town, workshop: dict[str, Any]
    ) -> None:
        page = open_form(desk, town, workshop)
        page.locator("#at-invitation a[name=repeating-remove]").first.click()
        add_row(page, 2, "")
        page.select_option('[name="invitation-2-answer"]', "accepted")
        save(page)
        field = page.locator('[name="invitation-2-organisation"]')
        expect(field).to_have_attribute("aria-invalid", "true")
        page.fill('[name="invitation-2-organisation"]', "Escuela")
        save(page)
        page.wait_for_url(re.compile(rf"/workshop/{workshop['name']}$"))
        assert invited(desk, workshop) == ["Centro de salud", "Escuela"]


class TestExpiredSession:
    def test_after_a_login_in_another_tab_the_same_button_saves(
        self, desk: Visit, town: Town, workshop: dict[str, Any]
    ) -> None:
        page = open_form(desk, town, workshop)
        page.fill('[name="title"]', "Escrito antes")
        page.context.clear_cookies()
        save(page)
        alert = page.locator(".marathon-errors [role=alert]")
        expect(alert).to_contain_text("Su sesión")
        with page.context.expect_page() as opened:
            alert.get_by_role("link").click()
        tab = opened.value
        tab.fill('form [name="login"]', town.officer)
        tab.fill('form [name="password"]', PASSWORD)
        tab.click('form:has([name="password"]) button[type="submit"]')
        tab.wait_for_url(re.compile(r"/dashboard|/marathon/desk|/user/|/$"))
        tab.close()
        expect(page.locator('[name="title"]')).to_have_value("Escrito antes")
        save(page)
        page.wait_for_url(re.compile(rf"/workshop/{workshop['name']}$"))
        assert desk.site.action("package_show", id=workshop["id"])["title"] == "Escrito antes"

    def test_without_scripts_the_typed_text_is_saved_after_a_login(
        self, plain: Visit, town: Town, desk: Visit, workshop: dict[str, Any]
    ) -> None:
        plain.log_in(town.officer)
        page = plain.go(f"/workshop/edit/{workshop['name']}")
        page.fill('[name="title"]', "Sin JavaScript")
        page.context.clear_cookies()
        save(page)
        expect(page.get_by_role("alert")).to_contain_text("Todavía no se ha guardado")
        tab = page.context.new_page()
        tab.goto(plain.site.url + "/user/login")
        tab.fill('form [name="login"]', town.officer)
        tab.fill('form [name="password"]', PASSWORD)
        tab.click('form:has([name="password"]) button[type="submit"]')
        tab.wait_for_url(re.compile(r"/dashboard|/marathon/desk|/user/|/$"))
        for _ in range(2):
            again = page.get_by_role("button", name="Enviar de nuevo")
            if again.count():
                again.click()
        page.wait_for_url(re.compile(rf"/workshop/{workshop['name']}$"))
        assert plain.site.action("package_show", id=workshop["id"])["title"] == "Sin JavaScript"


class TestTwoOfficers:
    def test_the_second_officer_sees_both_versions_and_can_keep_both(
        self, desk: Visit, second: Visit, town: Town, workshop: dict[str, Any]
    ) -> None:
        mine = open_form(desk, town, workshop)
        theirs = open_form(second, town, workshop)
        add_row(theirs, 2, "Escuela")
        theirs.fill('[name="title"]', "De la colega")
        save(theirs)
        theirs.wait_for_url(re.compile(rf"/workshop/{workshop['name']}$"))
        add_row(mine, 2, "Mercado")
        mine.fill('[name="title"]', "Mío")
        save(mine)
        conflict = mine.locator(".marathon-conflict")
        expect(conflict).to_contain_text("De la colega")
        expect(mine.locator(".marathon-errors")).to_be_focused()
        expect(mine.locator('[name="title"]')).to_have_value("Mío")
        save(mine)
        mine.wait_for_url(re.compile(rf"/workshop/{workshop['name']}$"))
        assert invited(desk, workshop) == ["COCODE", "Centro de salud", "Mercado", "Escuela"]
        assert desk.site.action("package_show", id=workshop["id"])["title"] == "Mío"

    def test_on_a_phone_the_conflict_page_fits_the_window(
        self, phone: Visit, desk: Visit, town: Town, workshop: dict[str, Any]
    ) -> None:
        page = open_form(phone, town, workshop)
        desk.site.action("package_patch", id=workshop["id"], title="Por un programa " * 8)
        page.fill('[name="title"]', "Mío")
        save(page)
        expect(page.locator(".marathon-conflict")).to_be_visible()
        assert not phone.is_wider_than_its_window()
