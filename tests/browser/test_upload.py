"""Files that are sent while the form is filled in: a lost line, a closed browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.sites import PASSWORD, Site

from .conftest import DESK, Town, Visit, visiting
from .test_form import box, datasets

PIECES = re.compile(r"/marathon/upload/[0-9a-f-]+$")
ARRIVED = re.compile("ya llegó")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of several pieces."""
    path = tmp_path / "lecturas.csv"
    path.write_text("sector,fugas\n" + "Zona 4,3\n" * 150_000, encoding="utf-8")
    return path


def fill_rest(page: Page, town: Town, title: str) -> None:
    page.fill('[name="title"]', title)
    page.fill('[name="notes"]', "Datos para probar el formulario.")
    box(page, town.idea["title"]).check()
    page.select_option('[name="license_id"]', "cc-by")


def publish(page: Page) -> None:
    page.get_by_role("button", name="Publicar", exact=True).click()
    page.wait_for_url(re.compile(r"/dataset/(?!new)"))


def size_on_site(site: Site, title: str) -> int:
    (name,) = datasets(site, title)
    (file,) = site.action("package_show", id=name)["resources"]
    return file["size"]


class Line:
    """A connection that breaks after some pieces."""

    def __init__(self, page: Page, pieces: int) -> None:
        self.pieces = pieces
        self.sent: list[int] = []
        page.route(PIECES, self._pass)

    def _pass(self, route: Route) -> None:
        if route.request.method != "PATCH":
            route.continue_()
        elif len(self.sent) < self.pieces:
            self.sent.append(int(route.request.headers["upload-offset"]))
            route.continue_()
        else:
            route.abort("internetdisconnected")


class TestSending:
    def test_a_file_is_there_before_the_form_is_sent(
        self, desk: Visit, town: Town, large: Path
    ) -> None:
        title = "Llega antes"
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        bodies: list[int] = []
        page.on(
            "request",
            lambda request: (
                bodies.append(len(request.post_data_buffer or b""))
                if request.method == "POST" and request.url.endswith("/dataset/new")
                else None
            ),
        )
        page.set_input_files('[name="resources__0__upload"]', large)
        expect(page.locator("[data-upload-text]")).to_contain_text(ARRIVED)
        fill_rest(page, town, title)
        publish(page)
        assert size_on_site(desk.site, title) == large.stat().st_size
        assert bodies
        assert max(bodies) < 100_000

    def test_a_lost_line_goes_on_where_it_stopped(
        self, desk: Visit, town: Town, large: Path
    ) -> None:
        title = "Línea cortada"
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        line = Line(page, 2)
        page.set_input_files('[name="resources__0__upload"]', large)
        state = page.locator("[data-upload-text]")
        expect(state).to_contain_text("conexión")
        fill_rest(page, town, title)
        line.pieces = 100
        expect(state).to_contain_text(ARRIVED)
        assert line.sent == sorted(set(line.sent))
        publish(page)
        assert size_on_site(desk.site, title) == large.stat().st_size

    def test_publishing_waits_for_a_file_that_is_on_its_way(
        self, desk: Visit, town: Town, large: Path
    ) -> None:
        title = "Publicado mientras llega"
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        line = Line(page, 1)
        fill_rest(page, town, title)
        page.set_input_files('[name="resources__0__upload"]', large)
        expect(page.locator("[data-upload-text]")).to_contain_text("conexión")
        page.get_by_role("button", name="Publicar", exact=True).click()
        expect(page.locator("[data-progress]")).to_be_visible()
        line.pieces = 100
        page.wait_for_url(re.compile(r"/dataset/(?!new)"))
        assert size_on_site(desk.site, title) == large.stat().st_size

    def test_after_a_closed_browser_the_same_file_goes_on(
        self, chromium: Browser, live_site: Site, town: Town, large: Path
    ) -> None:
        title = "Navegador cerrado"
        with visiting(chromium, live_site, DESK) as visit:
            visit.log_in(town.officer)
            page = visit.go("/dataset/new")
            line = Line(page, 2)
            page.set_input_files('[name="resources__0__upload"]', large)
            expect(page.locator("[data-upload-text]")).to_contain_text("conexión")
            first = line.sent
        with visiting(chromium, live_site, DESK) as visit:
            visit.log_in(town.officer)
            page = visit.go("/dataset/new")
            line = Line(page, 100)
            page.set_input_files('[name="resources__0__upload"]', large)
            expect(page.locator("[data-upload-text]")).to_contain_text(ARRIVED)
            assert line.sent[0] > first[-1]
            fill_rest(page, town, title)
            publish(page)
        assert size_on_site(live_site, title) == large.stat().st_size

    def test_after_an_expired_login_the_file_goes_on(
        self, desk: Visit, town: Town, large: Path
    ) -> None:
        title = "Sesión vencida a medias"
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        line = Line(page, 1)
        page.set_input_files('[name="resources__0__upload"]', large)
        state = page.locator("[data-upload-text]")
        expect(state).to_contain_text("conexión")
        page.context.clear_cookies()
        line.pieces = 100
        expect(state).to_contain_text("sesión")
        tab = page.context.new_page()
        tab.goto(f"{desk.site.url}/user/login")
        tab.fill('form [name="login"]', town.officer)
        tab.fill('form [name="password"]', PASSWORD)
        tab.click('form:has([name="password"]) button[type="submit"]')
        tab.wait_for_url(re.compile(r"/dashboard|/user/|/$"))
        tab.close()
        expect(state).to_contain_text(ARRIVED)
        fill_rest(page, town, title)
        publish(page)
        assert size_on_site(desk.site, title) == large.stat().st_size

    def test_a_removed_file_is_forgotten(self, desk: Visit, town: Town, csv: Path) -> None:
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        page.set_input_files('[name="resources__0__upload"]', csv)
        expect(page.locator("[data-upload-text]")).to_contain_text(ARRIVED)
        with page.expect_response(PIECES) as removed:
            page.get_by_role("button", name="Quitar este archivo").click()
        assert removed.value.status == 204
        expect(page.locator("[data-upload-state]")).to_be_hidden()
        assert page.locator("[data-upload-id]").input_value() == ""

    def test_dropped_files_get_a_place_each(self, phone: Visit, town: Town) -> None:
        phone.log_in(town.officer)
        page = phone.go("/dataset/new")
        carried: Any = page.evaluate_handle(
            """() => {
                const carried = new DataTransfer();
                for (const name of ['uno.csv', 'dos.csv']) {
                  carried.items.add(new File(['a,b\\n1,2\\n'], name, { type: 'text/csv' }));
                }
                return carried;
            }"""
        )
        page.dispatch_event("[data-files]", "drop", {"dataTransfer": carried})
        expect(page.locator("[data-upload-text]")).to_contain_text(["uno.csv", "dos.csv"])
        assert not phone.is_wider_than_its_window()

    def test_the_limit_is_said_before_a_file_is_chosen(self, desk: Visit, town: Town) -> None:
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        expect(page.locator("#at-resource-0")).to_contain_text("2 MB")
