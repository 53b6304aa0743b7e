"""The three-minute path, drafts, and a file with personal data, as an officer goes through them.

The people in the tables are examples and do not exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.sites import PASSWORD, Site

from .conftest import DESK, PHONE, Town, Visit, visiting
from .test_everywhere import violations
from .test_form import box, datasets
from .test_upload import ARRIVED, publish

KEPT = re.compile(r"Borrador guardado a las \d\d:\d\d")


@pytest.fixture
def hours(tmp_path: Path) -> Path:
    """A table as an office exports it."""
    path = tmp_path / "horas_de_agua_2024.csv"
    rows = "".join(f"2024-0{month}-15;Zona {month};{month}\r\n" for month in range(1, 7))
    path.write_bytes(("Fecha;Sector;Horas al día\r\n" + rows).encode("cp1252"))
    return path


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A table with personal data of people who do not exist."""
    path = tmp_path / "beneficiarios.csv"
    names = ("María Ejemplo Pérez", "Juan Ejemplo López", "Ana Ejemplo García")
    rows = "".join(f"Zona {n},{name},5555-000{n},{n}\n" for n, name in enumerate(names))
    path.write_text(f"Sector,Nombre completo,Teléfono,Metros\n{rows}", encoding="utf-8")
    return path


class Counter:
    """Counts what a person does with the mouse and which fields they fill in."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0
        self.fields = 0

    def click(self, role: str, name: str | re.Pattern[str]) -> None:
        self.clicks += 1
        self.page.get_by_role(role, name=name, exact=isinstance(name, str)).first.click()  # type: ignore[arg-type]

    def fill(self, field: str, text: str) -> None:
        self.fields += 1
        self.page.fill(f'[name="{field}"]', text)


class TestThreeMinutes:
    @pytest.mark.parametrize("size", [DESK, PHONE])
    def test_a_file_is_published_with_few_clicks_and_fields(
        self, chromium: Browser, live_site: Site, town: Town, hours: Path, size: dict[str, int]
    ) -> None:
        with visiting(chromium, live_site, size) as visit:  # type: ignore[arg-type]
            visit.log_in(town.officer)
            page = visit.go("/")
            if size is PHONE:
                page.get_by_role("button", name=re.compile("Men|nave", re.I)).first.click()
                # A click into a menu that is still opening may be lost.
                opened = re.compile(r"\bshow\b")
                expect(page.locator("#main-navigation-toggle")).to_have_class(opened)
            person = Counter(page)
            person.click("link", "Publicar datos")
            page.wait_for_url("**/dataset/new")
            person.clicks += 1
            page.set_input_files('[name="resources__0__upload"]', hours)
            expect(page.locator("[data-upload-text]")).to_contain_text(ARRIVED)
            expect(page.locator(".marathon-profile-line")).to_contain_text("6 filas, 3 columnas")
            expect(page.locator(".marathon-profile-line")).to_contain_text("Windows-1252")
            expect(page.locator(".marathon-profile th")).to_have_count(3)
            title = page.locator('[name="title"]')
            expect(title).to_have_value(re.compile("horas de agua", re.I))
            start = page.locator('[name="temporal_coverage-0-start"]')
            expect(start).to_have_value("2024-01-15")
            person.fill("notes", "Horas de agua por sector, medidas por la municipalidad.")
            person.clicks += 1
            box(page, town.idea["title"]).check()
            person.clicks += 1
            person.fields += 1
            page.select_option('[name="license_id"]', "cc-by")
            assert not visit.is_wider_than_its_window()
            person.clicks += 1
            publish(page)
            # The link, the file, the idea, the licence and the button; the description and the
            # licence. Everything else is read from the file or has a good value already.
            assert (person.clicks, person.fields) == (5, 2)
            name = page.url.rpartition("/")[2]
            made = live_site.action("package_show", id=name)
            assert made["temporal_coverage"][0]["start"] == "2024-01-15"
            assert made["municipality"] == [town.code]
            assert made["resources"][0]["format"] == "CSV"
            live_site.action("dataset_purge", id=made["id"])


class TestAccessible:
    @pytest.mark.parametrize(("language", "kind"), [("es", "phone"), ("en", "desk")])
    def test_file_personal_data_and_drafts_have_no_faults(
        self,
        request: pytest.FixtureRequest,
        town: Town,
        people: Path,
        language: str,
        kind: str,
    ) -> None:
        visit: Visit = request.getfixturevalue(kind)
        visit.log_in(town.officer)
        page = visit.go(f"/{language}/dataset/new")
        page.set_input_files('[name="resources__0__upload"]', people)
        expect(page.locator("[data-personal]")).to_be_visible()
        page.fill('[name="notes"]', "Para mirar")
        expect(page.locator("[data-draft-state]")).not_to_be_empty()
        assert violations(page) == []
        page = visit.go(f"/{language}/dataset/new")
        expect(page.locator(".marathon-drafts li").first).to_be_visible()
        assert violations(page) == []
        assert not visit.is_wider_than_its_window()
        page.locator(".marathon-drafts button").first.click()


class TestPersonalData:
    def test_an_officer_removes_them_from_the_copy(
        self, phone: Visit, town: Town, people: Path
    ) -> None:
        title = "Sin datos personales"
        phone.log_in(town.officer)
        page = phone.go("/dataset/new")
        page.set_input_files('[name="resources__0__upload"]', people)
        personal = page.locator("[data-personal]")
        expect(personal).to_contain_text("Nombre completo")
        expect(personal).to_contain_text("fila 2: María Ejemplo Pérez")
        assert not phone.is_wider_than_its_window()
        fill(page, town, title)
        page.get_by_role("button", name="Publicar", exact=True).click()
        expect(page.locator("#at-resource-0 .error-block")).to_contain_text("datos personales")
        assert datasets(phone.site, title) == []
        page.get_by_role("button", name="Quitarlo ahora y ver el resultado").click()
        expect(personal).to_have_count(0)
        expect(page.locator(".marathon-profile th")).to_have_count(2)
        publish(page)
        (name,) = datasets(phone.site, title)
        (file,) = phone.site.action("package_show", id=name)["resources"]
        text = phone.site.get(f"/dataset/{name}/resource/{file['id']}/download/{file['name']}").text
        assert text.splitlines()[:2] == ["Sector,Metros", "Zona 0,0"]

    def test_an_officer_says_why_they_may_be_public(
        self, desk: Visit, town: Town, people: Path
    ) -> None:
        title = "Con motivo"
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        page.set_input_files('[name="resources__0__upload"]', people)
        fill(page, town, title)
        page.get_by_label("Por qué pueden ser públicos").fill("Son ejemplos inventados")
        expect(page.get_by_label("Pueden ser públicos", exact=True)).to_be_checked()
        publish(page)
        assert len(datasets(desk.site, title)) == 1


def fill(page: Page, town: Town, title: str) -> None:
    page.fill('[name="title"]', title)
    page.fill('[name="notes"]', "Datos para probar el formulario.")
    box(page, town.idea["title"]).check()
    page.select_option('[name="license_id"]', "cc-by")


class TestDrafts:
    @pytest.fixture
    def visit_again(self, chromium: Browser, live_site: Site) -> Callable[[], object]:
        @contextmanager
        def visit() -> Iterator[Visit]:
            with visiting(chromium, live_site, DESK) as found:
                yield found

        return visit

    def test_after_a_closed_browser_the_draft_goes_on(
        self, visit_again: Callable[[], object], town: Town, hours: Path
    ) -> None:
        title = "Borrador de ayer"
        with visit_again() as visit:  # type: ignore[attr-defined]
            visit.log_in(town.officer)
            page = visit.go("/dataset/new")
            page.set_input_files('[name="resources__0__upload"]', hours)
            expect(page.locator(".marathon-profile-line")).to_be_visible()
            fill(page, town, title)
            expect(page.locator("[data-draft-state]")).to_have_text(KEPT)
            page.wait_for_timeout(2500)
        with visit_again() as visit:  # type: ignore[attr-defined]
            visit.log_in(town.officer)
            page = visit.go("/dataset/new")
            offer = page.locator(".marathon-drafts li", has_text=title)
            expect(offer).to_contain_text("horas_de_agua_2024.csv")
            offer.get_by_role("link", name="Seguir").click()
            expect(page.locator('[name="title"]')).to_have_value(title)
            expect(page.locator('[name="license_id"]')).to_have_value("cc-by")
            expect(box(page, town.idea["title"])).to_be_checked()
            expect(page.locator(".marathon-profile-line")).to_be_visible()
            publish(page)
            page.go_back()
            page.goto(f"{visit.site.url}/dataset/new")
            expect(page.locator(".marathon-drafts li", has_text=title)).to_have_count(0)
            assert len(datasets(visit.site, title)) == 1

    def test_an_expired_login_keeps_the_draft_after_logging_in(
        self, desk: Visit, town: Town
    ) -> None:
        title = "Sesión que vence"
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        page.fill('[name="title"]', title)
        expect(page.locator("[data-draft-state]")).to_have_text(KEPT)
        page.context.clear_cookies()
        page.fill('[name="notes"]', "Escrito sin sesión.")
        expect(page.locator("[data-draft-state]")).to_contain_text("sesión")
        tab = page.context.new_page()
        tab.goto(f"{desk.site.url}/user/login")
        tab.fill('form [name="login"]', town.officer)
        tab.fill('form [name="password"]', PASSWORD)
        tab.click('form:has([name="password"]) button[type="submit"]')
        tab.wait_for_url(re.compile(r"/dashboard|/user/|/$"))
        page.fill('[name="notes"]', "Escrito con sesión.")
        expect(page.locator("[data-draft-state]")).to_have_text(KEPT)
        tab.goto(f"{desk.site.url}/dataset/new")
        offer = tab.locator(".marathon-drafts li", has_text=title)
        offer.get_by_role("link", name="Seguir").click()
        expect(tab.locator('[name="notes"]')).to_have_value("Escrito con sesión.")
        tab.goto(f"{desk.site.url}/dataset/new")
        tab.locator(".marathon-drafts li", has_text=title).get_by_role("button").click()
        expect(tab.locator(".marathon-drafts li", has_text=title)).to_have_count(0)
        tab.close()

    def test_a_title_that_exists_is_pointed_out(
        self, desk: Visit, town: Town, filled: Callable[[str], str]
    ) -> None:
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        page.fill('[name="title"]', "fugas  por SECTOR")
        notice = page.locator(".marathon-same-title")
        expect(notice.get_by_role("link")).to_have_attribute("href", filled("/dataset/{dataset}"))
