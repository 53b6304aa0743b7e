"""The form in a browser: errors in place, an idea added on the way, no JavaScript, a phone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.sites import Site

from .conftest import Town, Visit, make_town


@pytest.fixture(scope="session")
def other_town(live_site: Site) -> Town:
    return make_town(live_site, "1307", "Jacaltenango")


def summary(page: Page) -> str:
    return page.locator(".marathon-errors").inner_text()


def box(page: Page, name: str) -> Locator:
    return page.get_by_role("checkbox", name=name)


def datasets(site: Site, title: str) -> list[str]:
    query = {"q": f'title:"{title}"', "include_private": True}
    found = site.action("package_search", query)
    return [each["name"] for each in found["results"] if each["title"] == title]


class TestErrors:
    def test_errors_are_shown_in_place_and_the_chosen_file_stays(
        self, desk: Visit, town: Town, csv: Path
    ) -> None:
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        page.set_input_files('[name="resources__0__upload"]', csv)
        page.get_by_role("button", name="Publicar", exact=True).click()
        expect(page.locator(".marathon-errors [role=alert]")).to_be_visible()
        assert "Título" in summary(page)
        expect(page.locator("#at-title .error-block")).to_be_visible()
        expect(page.locator('[name="title"]')).to_have_attribute("aria-invalid", "true")
        chosen = page.eval_on_selector('[name="resources__0__upload"]', "e => e.files[0].name")
        assert chosen == "fugas.csv"
        page.locator(".marathon-errors a", has_text="Título").click()
        expect(page.locator('[name="title"]')).to_be_focused()

    def test_an_error_within_more_details_unfolds_that_section(
        self, desk: Visit, town: Town
    ) -> None:
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        page.locator("summary", has_text="Más detalles").click()
        page.fill('[name="url"]', "en ninguna parte")
        page.locator("summary", has_text="Más detalles").click()
        page.get_by_role("button", name="Publicar", exact=True).click()
        expect(page.locator("#at-url .error-block")).to_be_visible()

    def test_a_file_that_is_too_large_is_refused_before_it_is_sent(
        self, desk: Visit, town: Town, tmp_path: Path
    ) -> None:
        big = tmp_path / "grande.csv"
        big.write_bytes(b"x" * (3 * 2**20))
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        page.set_input_files('[name="resources__0__upload"]', big)
        expect(page.locator("#at-resource-0 .error-block")).to_contain_text("grande.csv")

    def test_a_lost_connection_keeps_the_typed_form(
        self, desk: Visit, town: Town, csv: Path
    ) -> None:
        title = "Datos de una línea mala"
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        fill(page, town, title, csv)
        page.context.set_offline(True)
        page.get_by_role("button", name="Publicar", exact=True).click()
        expect(page.locator(".marathon-errors [role=alert]")).to_be_visible()
        page.context.set_offline(False)
        page.get_by_role("button", name="Publicar", exact=True).click()
        page.wait_for_url(re.compile(r"/dataset/(?!new)"))
        assert len(datasets(desk.site, title)) == 1


def fill(page: Page, town: Town, title: str, csv: Path) -> None:
    page.fill('[name="title"]', title)
    page.fill('[name="notes"]', "Datos para probar el formulario.")
    box(page, town.idea["title"]).check()
    page.select_option('[name="license_id"]', "cc-by")
    page.set_input_files('[name="resources__0__upload"]', csv)


class TestIdeas:
    def test_offered_ideas_follow_the_municipality(
        self, desk: Visit, town: Town, other_town: Town
    ) -> None:
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        expect(box(page, town.idea["title"])).to_be_visible()
        page.get_by_role("button", name="Quitar Villa Nueva").click()
        picker = page.locator('[data-marathon-picker="municipality"]')
        picker.get_by_role("searchbox").fill("jacalte")
        picker.get_by_role("searchbox").press("Enter")
        expect(box(page, other_town.idea["title"])).to_be_visible()
        expect(box(page, town.idea["title"])).to_have_count(0)

    def test_a_missing_idea_is_added_without_leaving_the_form(
        self, desk: Visit, town: Town, csv: Path
    ) -> None:
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        page.fill('[name="title"]', "Lo escrito se queda")
        page.get_by_text("¿No está la idea?").click()
        page.fill("#new-idea-title", "Reporte de fugas por teléfono")
        page.get_by_role("button", name="Agregar esta idea").click()
        expect(page.locator("[data-new-idea-errors] .error-block")).to_be_visible()
        page.select_option("#new-idea-problem", "AGU-04")
        page.get_by_role("button", name="Agregar esta idea").click()
        expect(box(page, "Reporte de fugas por teléfono")).to_be_checked()
        expect(page.locator('[name="title"]')).to_have_value("Lo escrito se queda")

    def test_needs_appear_with_the_idea_and_go_with_it(self, desk: Visit, town: Town) -> None:
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        need = box(page, "Horarios por sector")
        expect(need).to_be_hidden()
        box(page, town.idea["title"]).check()
        need.check()
        box(page, town.idea["title"]).uncheck()
        expect(need).to_be_hidden()
        assert page.locator('[name="data_need"]:checked').count() == 0


class TestSaving:
    def test_a_double_click_creates_one_dataset(self, desk: Visit, town: Town, csv: Path) -> None:
        title = "Doble clic"
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        fill(page, town, title, csv)
        page.get_by_role("button", name="Publicar", exact=True).dblclick()
        page.wait_for_url(re.compile(r"/dataset/(?!new)"))
        assert len(datasets(desk.site, title)) == 1

    def test_a_problem_is_chosen_with_the_keyboard_alone(self, desk: Visit, town: Town) -> None:
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        search = page.locator('[data-marathon-picker="service_problem"]').get_by_role("searchbox")
        search.focus()
        page.keyboard.type("basura")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
        chips = page.locator('[data-marathon-picker="service_problem"] .marathon-chip')
        expect(chips).to_have_count(1)

    def test_every_part_of_the_form_is_reached_by_keyboard(self, desk: Visit, town: Town) -> None:
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        reached = set()
        for _ in range(120):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.name || document.activeElement.id"))
        assert {"title", "notes", "license_id", "resources__0__upload", "save"} <= reached

    def test_several_files_are_published_at_once(self, desk: Visit, town: Town, csv: Path) -> None:
        title = "Varios archivos"
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        fill(page, town, title, csv)
        page.get_by_role("button", name="Agregar otro archivo").click()
        page.fill('[name="resources__1__url"]', "https://example.gt/fugas.xlsx")
        page.get_by_role("button", name="Publicar", exact=True).click()
        page.wait_for_url(re.compile(r"/dataset/(?!new)"))
        expect(page.locator(".resource-item")).to_have_count(2)


class TestWithoutScript:
    def test_a_dataset_is_published_after_an_error(
        self, plain: Visit, town: Town, csv: Path
    ) -> None:
        plain.log_in(town.officer)
        page = plain.go("/dataset/new")
        page.set_input_files('[name="resources__0__upload"]', csv)
        page.get_by_role("button", name="Publicar", exact=True).click()
        assert "Título" in summary(page)
        expect(page.locator("[data-upload-text]")).to_contain_text("fugas.csv")
        page.fill('[name="title"]', "Sin JavaScript")
        page.fill('[name="notes"]', "Publicado desde un navegador sin JavaScript.")
        box(page, town.idea["title"]).check()
        page.select_option('[name="license_id"]', "cc-by")
        page.get_by_role("button", name="Publicar", exact=True).click()
        page.wait_for_url(re.compile(r"/dataset/(?!new)"))
        expect(page.locator("h1")).to_contain_text("Sin JavaScript")
        expect(page.locator(".resource-item")).to_contain_text("fugas.csv")


class TestEditing:
    def test_an_unpublished_dataset_is_published_by_editing(
        self, desk: Visit, town: Town, csv: Path
    ) -> None:
        desk.log_in(town.officer)
        page = desk.go("/dataset/new")
        fill(page, town, "Para editar", csv)
        page.get_by_role("button", name="Guardar sin publicar").click()
        page.wait_for_url(re.compile(r"/dataset/(?!new)"))
        page.get_by_role("link", name="Administrar").click()
        page.get_by_label("Quién lo ve").select_option("False")
        page.get_by_role("button", name="Guardar los cambios").click()
        page.wait_for_url(re.compile(r"/dataset/para-editar$"))
        assert desk.site.get("/dataset/para-editar").status_code == 200
