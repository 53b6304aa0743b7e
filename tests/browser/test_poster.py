"""The poster is one Letter page, and long or odd texts stay within pages, also on a phone."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from .conftest import Town, Visit

LETTER = (612, 792)
# A title as long as one word, one as long as a paragraph, and letters of other scripts.
WORD = "Agua" + "a" * 150
TITLES = {
    "palabra": WORD,
    "parrafo": "Agua potable para todas las comunidades de la cuenca alta " * 8,
    "signos": "<b>Agua</b> & «luz» 🚰🚰🚰 שלום עולם مرحبا بالعالم {date} %s",
}


@pytest.fixture(scope="module")
def odd(live_site: Any, town: Town) -> dict[str, list[dict[str, Any]]]:
    """Kind of title → a workshop, an idea and a dataset that have it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, title in TITLES.items():
        common = {"title": title, "notes": title, "owner_org": town.organization["id"]}
        workshop = live_site.action(
            "package_create",
            type="workshop",
            name=f"taller-{name}",
            municipality=[town.code],
            kind="ideation",
            status="held",
            starts_at="2017-05-27",
            venue=title,
            **common,
        )
        idea = live_site.action(
            "package_create",
            type="idea",
            name=f"idea-{name}",
            workshop=workshop["id"],
            service_problem=["AGU-04"],
            community=[title],
            data_need=[{"what": title, "why": title}, {"what": WORD, "why": ""}],
            summary=[{"lang": "http://lexvo.org/id/iso639-3/quc", "text": title}],
            **common,
        )
        dataset = live_site.action(
            "package_create",
            name=f"datos-{name}",
            idea=[idea["id"]],
            data_need=[idea["data_need"][0]["id"]],
            **common,
        )
        found[name] = [workshop, idea, dataset]
    return found


def printed(visit: Visit, path: str) -> PdfReader:
    page = visit.go(path)
    return PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True, print_background=False)))


def letters(text: str) -> str:
    """Return a text without blanks, which a PDF puts where its lines end."""
    return re.sub(r"\s", "", text)


def test_a_poster_is_one_letter_page_with_title_sentence_and_address(
    desk: Visit, town: Town
) -> None:
    pdf = printed(desk, f"/es/idea/{town.idea['name']}/poster")
    assert len(pdf.pages) == 1
    box = pdf.pages[0].mediabox
    assert (round(box.width), round(box.height)) == LETTER
    text = letters(pdf.pages[0].extract_text())
    for words in (town.idea["title"], f"/i/{town.idea['id'][:8]}", "Maratones de ideas"):
        assert letters(words) in text
    assert letters("Volver a la página") not in text


@pytest.mark.parametrize("name", TITLES)
def test_a_poster_of_odd_texts_stays_one_page(
    desk: Visit, odd: dict[str, list[dict[str, Any]]], name: str
) -> None:
    for thing in odd[name]:
        pdf = printed(desk, f"/{thing['type']}/{thing['name']}/poster")
        assert len(pdf.pages) == 1, thing["type"]
        letter = {"idea": "i", "workshop": "w", "dataset": "d"}[thing["type"]]
        address = letters(f"/{letter}/{thing['id'][:8]}")
        assert address in letters(pdf.pages[0].extract_text()), thing["type"]


def test_the_qr_code_is_drawn(desk: Visit, town: Town) -> None:
    page = desk.go(f"/idea/{town.idea['name']}/poster")
    box = page.locator(".poster-qr svg").bounding_box()
    assert box
    assert box["width"] > 150
    assert box["height"] == pytest.approx(box["width"], abs=2)


@pytest.mark.parametrize("name", TITLES)
def test_on_a_phone_odd_text_stays_in_its_box(
    phone: Visit, odd: dict[str, list[dict[str, Any]]], name: str
) -> None:
    for thing in odd[name]:
        path = f"/{thing['type']}/{thing['name']}"
        for each in (path, f"{path}/poster"):
            phone.go(each)
            assert not phone.is_wider_than_its_window(), each


def test_on_a_phone_the_origin_of_a_dataset_comes_before_its_description(
    phone: Visit, odd: dict[str, list[dict[str, Any]]]
) -> None:
    page = phone.go(f"/dataset/{odd['signos'][2]['name']}")
    boxes = {
        name: page.locator(selector).first.bounding_box()
        for name, selector in {
            "heading": ".primary h1",
            "origin": ".marathon-chain",
            "description": ".notes",
            "side": ".secondary",
        }.items()
    }
    tops = {name: box["y"] for name, box in boxes.items() if box}
    assert list(tops) == ["heading", "origin", "description", "side"]
    assert list(tops.values()) == sorted(tops.values())


def test_without_script_the_short_address_is_text_to_select(plain: Visit, town: Town) -> None:
    page = plain.go(f"/idea/{town.idea['name']}")
    assert page.locator("#short-address").input_value().endswith(f"/i/{town.idea['id'][:8]}")
    assert not page.locator("#share [data-copy]").is_visible()
    page.click('#share a[href$="/poster"]')
    page.locator(".poster").wait_for()


def test_the_button_copies_the_address_and_says_so(desk: Visit, town: Town) -> None:
    page = desk.go(f"/idea/{town.idea['name']}")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#share [data-copy]")
    # The browser copies after the click has returned.
    expect(page.locator("#share [data-copy]")).to_have_text(re.compile("^(Copiado|Copied)$"))
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{desk.site.url}/i/{town.idea['id'][:8]}"
