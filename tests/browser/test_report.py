"""A report prints on one Letter-size page, however much there is to say."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.sites import Site

from .conftest import Town, Visit, make_town

LETTER = (612.0, 792.0)  # Points: 8.5 by 11 inches.
LONG = "Calendario de abastecimiento de agua potable por sector, con sus cortes y sus motivos, "
COUNTRY, FULL, EMPTY = "/marathon/report", "/municipality/1301/report", "/municipality/2201/report"


@pytest.fixture(scope="module")
def full(live_site: Site) -> Town:
    """Huehuetenango, with more of everything than a page can name, all of it long."""
    site, town = live_site, make_town(live_site, "1301", "Huehuetenango")
    codes = [f"13{number:02}" for number in range(1, 32)]
    for number in range(9):
        site.action(
            "package_create",
            type="workshop",
            name=f"taller-{number}",
            title=f"{LONG * 2}{number}",
            owner_org=town.organization["id"],
            kind="ideation",
            status="announced" if number == 8 else "held",
            municipality=codes,
            service_problem=["AGU-01", "AGU-02", "VIA-01", "RES-01", "SEG-01", "GOB-06"],
            starts_at=f"2017-06-{number + 1:02}",
        )
        idea = site.action(
            "package_create",
            type="idea",
            name=f"idea-{number}",
            title=f"{LONG * 2}{number}",
            workshop=town.workshop["id"],
            service_problem=["AGU-04", "AGU-05", "VIA-05", "EDU-01", "SAL-01", "GOB-04"],
            data_need=[{"what": LONG}],
            example=number == 0,
        )
        site.action("package_patch", id=idea["id"], status="prioritised")
        site.action(
            "package_create",
            name=f"datos-{number}",
            title=f"{'Palabralarguísimasinespacios' * 9}{number}",
            notes="Prueba",
            owner_org=town.organization["id"],
            idea=[idea["id"]],
            data_need=[idea["data_need"][0]["id"]],
        )
    site.action(
        "package_create",
        type="commitment",
        name="compromiso",
        title="Maratones de ideas",
        plan="Tercer Plan de Acción Nacional de Gobierno Abierto",
        owner_org=town.organization["id"],
        milestone=[
            {"title": f"{LONG * 2}{number}", "due": "2017-06-30", "status": "substantial"}
            for number in range(9)
        ],
    )
    return town


@pytest.mark.parametrize("locale", ["es", "en"])
@pytest.mark.parametrize("path", [COUNTRY, FULL, "/municipality/0115/report", EMPTY])
def test_a_report_is_one_letter_page_with_heading_and_sources(
    desk: Visit, full: Town, town: Town, path: str, locale: str
) -> None:
    page = desk.go(f"/{locale}{path}?from=2016-01-01")
    for pdf in (page.pdf(format="Letter"), page.pdf(prefer_css_page_size=True)):
        keep(pdf, f"report{path.replace('/', '-')}-{locale}.pdf")
        reader = PdfReader(io.BytesIO(pdf))
        assert len(reader.pages) == 1
        box = reader.pages[0].mediabox
        assert (float(box.width), float(box.height)) == LETTER
        text = " ".join(reader.pages[0].extract_text().split())
        assert (page.locator("h1").text_content() or "").strip() in text
        assert "/marathon/data" in text
        assert f"{path}?from=2016-01-01&to=" in text.replace(" ", "")


def test_a_printed_report_is_not_cut_off(desk: Visit, full: Town) -> None:
    for path in (COUNTRY, FULL):
        page = desk.go(f"/es{path}")
        page.set_viewport_size({"width": 720, "height": 960})  # 7.5 by 10 inches.
        page.emulate_media(media="print")
        heights = page.eval_on_selector(
            ".marathon-report", "each => [each.scrollHeight, each.clientHeight]"
        )
        assert heights[0] <= heights[1], path
        page.emulate_media(media="screen")


def test_the_report_fits_a_phone(phone: Visit, full: Town) -> None:
    for path in (COUNTRY, FULL, EMPTY, "/marathon/data"):
        phone.go(f"/es{path}")
        assert not phone.is_wider_than_its_window(), path


def test_without_scripts_the_form_asks_for_another_period(plain: Visit, full: Town) -> None:
    page = plain.go("/es/municipality/1301/report")
    page.fill("#report-from", "2017-06-03")
    page.fill("#report-to", "2017-06-04")
    page.click(".marathon-report-form button")
    assert page.locator(".marathon-report-figures dd").first.text_content() == "2"
    assert page.input_value("#report-from") == "2017-06-03"


def keep(pdf: bytes, name: str) -> None:
    """Leave a sheet for people to look at, where ``MARATHON_SHEETS`` names a folder."""
    folder = os.environ.get("MARATHON_SHEETS")
    if folder:
        Path(folder, name).write_bytes(pdf)
