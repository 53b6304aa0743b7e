"""The main job: an officer publishes data for an idea, and a visitor finds it and its reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.sites import Site

Open = Callable[..., Page]
# What makes a page scroll sideways.
WIDER = """() => document.documentElement.scrollWidth <= window.innerWidth ? [] :
    [...document.querySelectorAll('body *')]
        .filter(each => each.getBoundingClientRect().right > window.innerWidth + 1)
        .map(each => each.outerHTML.slice(0, 150))"""
IDEA = "[Ejemplo] Publicar el horario del agua"
CSV = "sector,día,hora\nEjemplo 1,lunes,6:00\n"


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "horario.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


def fill_in(page: Page, title: str, csv: Path) -> None:
    """Fill in what an officer has to: title, description, problem, idea, need and file."""
    page.get_by_label("Título", exact=False).first.fill(title)
    page.locator("textarea[name=notes]").fill("[Ejemplo] Cuándo llega el agua a cada sector.")
    page.get_by_placeholder("¿Qué está mal?", exact=False).fill("no cae agua")
    page.get_by_label("Agua potable irregular", exact=False).first.check()
    page.get_by_label(IDEA, exact=False).first.check()
    page.get_by_label("Horario por sector", exact=False).first.check()
    page.locator("input[type=file]").first.set_input_files(csv)


@pytest.mark.parametrize("size", ["computer", "phone"])
def test_an_officer_publishes_and_a_visitor_finds_it_and_where_it_comes_from(
    live_site: Site, open_page: Open, csv: Path, size: str
) -> None:
    title = f"[Ejemplo] Horario del agua, {size}"
    page = open_page("/dataset/new", user="oficial", size=size)
    # The officer's own municipality is chosen, and only its ideas are offered.
    expect(page.get_by_text("San Carlos Alzatate").first).to_be_visible()
    expect(page.get_by_label(IDEA, exact=False).first).to_be_visible()
    assert "Mapa de baches" not in page.content()
    fill_in(page, title, csv)
    page.get_by_role("button", name="Publicar", exact=True).click()
    page.wait_for_url("**/dataset/*horario*")
    expect(page.get_by_role("heading", name=title).first).to_be_visible()

    found = live_site.action("package_search", fq=f'title:"{title}"')["results"]
    assert [len(dataset["resources"]) for dataset in found] == [1]
    assert live_site.get(found[0]["resources"][0]["url"].removeprefix(live_site.url)).content == (
        CSV.encode()
    )
    assert found[0]["municipality"] == ["2105"]
    assert len(found[0]["data_need"]) == 1

    for start in ("/municipality/2105", "/service-problem/AGU-01"):
        visitor = open_page(start, size=size)
        visitor.get_by_role("link", name=title).first.click()
        visitor.wait_for_url("**/dataset/*")
        visitor.get_by_role("link", name=IDEA).first.click()
        visitor.wait_for_url("**/idea/horario-del-agua")
        expect(visitor.get_by_role("link", name=title).first).to_be_visible()
        visitor.get_by_role("link", name="[Ejemplo] Taller de 2105").first.click()
        visitor.wait_for_url("**/workshop/taller-2105")
        visitor.get_by_role("link", name=IDEA).first.click()
        visitor.get_by_role("link", name=title).first.click()
        visitor.wait_for_url("**/dataset/*")
        assert visitor.evaluate(WIDER) == [], "wider than the screen"


def test_errors_are_named_at_their_fields_and_nothing_typed_is_lost(
    live_site: Site, open_page: Open, csv: Path
) -> None:
    page = open_page("/dataset/new", user="oficial")
    page.locator("textarea[name=notes]").fill("Lo que ya escribí")
    page.locator("input[type=file]").first.set_input_files(csv)
    page.get_by_role("button", name="Publicar", exact=True).click()
    summary = page.get_by_role("alert").filter(has_text="Todavía no se guardó").first
    expect(summary).to_be_visible()
    expect(summary).to_contain_text("Título")
    assert page.locator("textarea[name=notes]").input_value() == "Lo que ya escribí"
    assert live_site.action("package_search", q="Lo que ya escribí")["count"] == 0


def test_a_missing_idea_is_added_without_leaving_the_form(live_site: Site, open_page: Open) -> None:
    page = open_page("/dataset/new", user="oficial")
    page.get_by_label("Título", exact=False).first.fill("[Ejemplo] Pozos")
    page.get_by_text("¿No está la idea?", exact=False).click()
    page.locator("#new-idea-title").fill("[Ejemplo] Cuidar los pozos")
    page.locator("#new-idea-problem").select_option("AGU-06")
    page.get_by_role("button", name="Agregar esta idea").click()
    expect(page.get_by_role("checkbox", name="[Ejemplo] Cuidar los pozos").first).to_be_checked()
    assert page.url.endswith("/dataset/new")
    assert page.get_by_label("Título", exact=False).first.input_value() == "[Ejemplo] Pozos"
    ideas = live_site.action("package_search", fq="dataset_type:idea", q="pozos")["results"]
    assert [idea["status"] for idea in ideas] == ["proposed"]


def test_it_works_without_javascript(live_site: Site, open_page: Open, csv: Path) -> None:
    page = open_page("/dataset/new", user="oficial", script=False)
    page.locator("input[name=title]").fill("[Ejemplo] Sin JavaScript")
    page.locator("textarea[name=notes]").fill("[Ejemplo] Desde un teléfono viejo.")
    page.get_by_role("checkbox", name=IDEA).first.check()
    page.locator("input[type=file]").first.set_input_files(csv)
    page.get_by_role("button", name="Publicar", exact=True).click()
    page.wait_for_url("**/dataset/*")
    found = live_site.action("package_search", fq='title:"Sin JavaScript"')["results"]
    assert [dataset["municipality"] for dataset in found] == [["2105"]]


def test_the_whole_form_is_reached_by_keyboard(open_page: Open) -> None:
    page = open_page("/dataset/new", user="oficial")
    names = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        names.add(page.evaluate("document.activeElement.name || document.activeElement.id"))
    assert {"title", "notes", "license_id", "save"} <= names
    assert any("upload" in name for name in names)
