"""The record of changes on a desktop and on a phone, with the keyboard only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.sites import PASSWORD

from .conftest import DESK, Town, Visit


def picture(visit: Visit, name: str) -> None:
    """Keep a picture where somebody wants to look at it."""
    folder = os.environ.get("MARATHON_PICTURES")
    if folder:
        visit.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize("place", ["desk", "phone"])
def test_an_officer_reads_the_changes(
    place: str, request: pytest.FixtureRequest, town: Town
) -> None:
    visit: Visit = request.getfixturevalue(place)
    site = visit.site
    site.action("package_patch", id=town.idea["id"], private=True)
    site.action("package_patch", id=town.idea["id"], private=False)
    visit.log_in(town.officer)
    visit.go(f"/organization/{town.organization['name']}")
    visit.page.click(f'a[href$="/{town.organization["name"]}/changes"]')
    expect(visit.page.locator("h1")).to_contain_text("Cambios de")
    expect(visit.page.locator(".marathon-changes > li").first).to_contain_text("privado → público")
    assert not visit.is_wider_than_its_window()
    picture(visit, f"changes-{place}")
    visit.page.focus("#changes-kind")
    visit.page.keyboard.type("Id")
    visit.page.focus("#changes-until")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**kind=idea**")
    expect(visit.page.locator(".marathon-changes > li").first).to_contain_text("Idea")
    visit.go(f"/organization/{town.organization['name']}/changes?until=2020-01-01")
    expect(visit.page.locator(".empty")).to_be_visible()
    picture(visit, f"changes-empty-{place}")
    assert not visit.is_wider_than_its_window()


def test_a_system_administrator_sees_everything_in_one_place(phone: Visit, town: Town) -> None:
    visit, name = phone, "administradora"
    visit.site.action("user_create", name=name, email="a@example.gt", password=PASSWORD)
    visit.site.action("user_patch", id=name, sysadmin=True)
    visit.log_in(name)
    visit.go("/marathon/changes")
    expect(visit.page.locator("h1")).to_have_text("Quién cambió qué")
    expect(visit.page.locator(".marathon-changes")).to_contain_text("Membresía")
    assert not visit.is_wider_than_its_window()
    picture(visit, "changes-all-390")
    visit.page.set_viewport_size(DESK)
    picture(visit, "changes-all-1280")
