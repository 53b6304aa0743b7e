"""Pages of people who are logged in: Spanish throughout, no faults, and all of it fits a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.sites import PASSWORD, Site
from tests.words import describe_faults

from .conftest import DESK, PHONE, Town, Visit, visiting
from .test_everywhere import CUT_OFF, RULES, RULES_OF_LAYOUT, violations

# Pages by who opens them. An address that several see is opened once.
OFFICER = [
    *("/marathon/desk", "/dashboard/", "/dashboard/datasets", "/dashboard/organizations"),
    *("/user/{officer}", "/user/edit/{officer}", "/user/{officer}/organizations"),
    *("/user/activity/{officer}", "/user/{officer}/api-tokens"),
    *("/dataset/new", "/workshop/new", "/idea/new"),
    *("/idea/edit/{idea}", "/workshop/edit/{workshop}"),
    *("/dataset/edit/{dataset}", "/dataset/resources/{dataset}", "/dataset/activity/{dataset}"),
    *("/dataset/delete/{dataset}", "/dataset/{dataset}", "/dataset/{dataset}/resource/new"),
    *("/dataset/{dataset}/replace", "/dataset/{dataset}/resource/{resource}/replace"),
    *("/marathon/tables", "/marathon/tables/water-service"),
    "/dataset/{dataset}/resource/{resource}",
    "/dataset/{dataset}/resource/{resource}/edit",
    "/dataset/{dataset}/resource/{resource}/delete",
    *("/idea/{idea}", "/workshop/{workshop}", "/idea/delete/{idea}"),
]
ADMIN = [
    *("/organization/edit/{organization}", "/organization/members/{organization}"),
    *("/organization/manage_members/{organization}", "/organization/member_new/{organization}"),
    "/organization/member_delete/{organization}?user={officer}",
    "/organization/{organization}/officers",
    "/organization/{organization}/officers/{officer}/leave",
    *("/organization/bulk_process/{organization}", "/organization/activity/{organization}"),
    *("/organization/{organization}", "/organization/about/{organization}"),
]
SYSADMIN = [
    *("/", "/organization/new", "/commitment/new", "/organization/delete/{organization}"),
    *("/marathon/changes", "/dataset/groups/{dataset}", "/dataset/followers/{dataset}"),
    *("/ckan-admin/", "/ckan-admin/config", "/ckan-admin/reset_config", "/ckan-admin/trash"),
    *("/ckan-admin/trash?name=package", "/ckan-admin/activities"),
    *("/user/", "/user/edit/{officer}", "/user/delete/{officer}", "/no-existe"),
]
# Texts of the page and of what is announced or shown on hovering. Names of people and records are
# Spanish too; code, other languages and addresses say so.
TEXTS = """() => {
  const found = new Set([document.title]);
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const place = walk.currentNode.parentElement;
    if (!place.closest('script, style, code, pre, textarea, [lang]:not([lang|=es]), [hreflang=en]'))
      found.add(walk.currentNode.textContent.replace(/\\s+/g, ' ').trim());
  }
  const names = ['title', 'placeholder', 'aria-label', 'alt', 'data-bs-title', 'data-bs-content',
    'data-bs-original-title', 'data-module-content'];
  for (const element of document.querySelectorAll(names.map(name => `[${name}]`).join()))
    for (const name of names)
      if (element.hasAttribute(name)) found.add(element.getAttribute(name).replace(/\\s+/g, ' '));
  return [...found];
}"""


class Person(NamedTuple):
    """Somebody with an account, and the pages that we open for them."""

    name: str
    pages: list[str]


@pytest.fixture(scope="module")
def people(live_site: Site, town: Town) -> Iterator[list[Person]]:
    """The officer of the town, the administrator of its organisation, a system administrator."""
    admin, director = f"admin-{town.organization['name']}", "direccion-general"
    for name in (admin, director):
        live_site.action("user_create", name=name, email=f"{name}@example.gt", password=PASSWORD)
    live_site.action("user_patch", id=director, sysadmin=True)
    live_site.action(
        "organization_member_create",
        id=town.organization["name"],
        username=admin,
        role="admin",
    )
    yield [Person(town.officer, OFFICER), Person(admin, ADMIN), Person(director, SYSADMIN)]
    live_site.action("organization_member_delete", id=town.organization["name"], username=admin)


# CKAN's scripts fill the page in when their texts have come, and ours name what they put into it.
IS_FILLED_IN = """() => !document.querySelector('[data-module="autocomplete"]')
  || document.querySelector('.select2-container [aria-label]')"""

Look = Callable[[Page], list[str]]


def look_at_pages(
    browser: Browser, site: Site, size: Any, locale: str, person: Person, fill: Any, look: Look
) -> dict[str, list[str]]:
    """Return the faults of each page that has some."""
    found: dict[str, list[str]] = {}
    with visiting(browser, site, size) as visit:
        visit.log_in(person.name)
        for path in person.pages:
            page = visit.go(f"/{locale}{fill(path)}")
            page.wait_for_function(IS_FILLED_IN)
            faults = look(page)
            if visit.is_wider_than_its_window():
                faults.append("wider than the window")
            if page.locator("html").get_attribute("lang") != locale:
                faults.append("another language")
            if faults:
                found[path] = faults
    return found


@pytest.mark.parametrize("index", [0, 1, 2], ids=["officer", "admin", "sysadmin"])
def test_pages_on_a_phone_are_spanish_and_have_no_faults(
    chromium: Browser,
    live_site: Site,
    town: Town,
    people: list[Person],
    filled: Callable[[str], str],
    index: int,
) -> None:
    def look(page: Page) -> list[str]:
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        return [
            *violations(page, RULES),
            *describe_faults(page.evaluate(TEXTS)),
            *(f"cut off: {element}" for element in page.evaluate(CUT_OFF)),
        ]

    def fill(path: str) -> str:
        return filled(path.replace("{officer}", town.officer))

    assert look_at_pages(chromium, live_site, PHONE, "es", people[index], fill, look) == {}


@pytest.mark.parametrize("index", [0, 1, 2], ids=["officer", "admin", "sysadmin"])
def test_pages_at_a_desk_in_english_have_no_faults(
    chromium: Browser,
    live_site: Site,
    town: Town,
    people: list[Person],
    filled: Callable[[str], str],
    index: int,
) -> None:
    """All rules of axe with ``make prove``, else those that depend on width and language."""

    def fill(path: str) -> str:
        return filled(path.replace("{officer}", town.officer))

    def look(page: Page) -> list[str]:
        return violations(page, RULES_OF_LAYOUT)

    assert look_at_pages(chromium, live_site, DESK, "en", people[index], fill, look) == {}


def test_without_scripts_the_menu_opens_on_a_phone(chromium: Browser, live_site: Site) -> None:
    with visiting(chromium, live_site, PHONE, script=False) as visit:
        page = visit.go("/idea/")
        inside = page.locator("#main-navigation-toggle a", has_text="Talleres")
        expect(inside).to_be_hidden()
        expect(page.locator("button.navbar-toggler")).to_be_hidden()
        page.get_by_role("link", name="Menú", exact=True).click()
        inside.click()
        page.wait_for_url("**/workshop/")


def test_with_scripts_only_the_button_opens_the_menu(phone: Visit) -> None:
    page = phone.go("/idea/")
    expect(page.locator(".site-menu-link")).to_have_count(0)
    page.locator("button.navbar-toggler").click()
    expect(page.locator("#main-navigation-toggle a", has_text="Talleres")).to_be_visible()


def test_cancel_deletes_no_organisation(
    chromium: Browser, live_site: Site, people: list[Person]
) -> None:
    live_site.action("organization_create", name="de-paso", title="De paso")
    with visiting(chromium, live_site, DESK, script=False) as visit:
        visit.log_in(people[2].name)
        page = visit.go("/organization/delete/de-paso")
        page.get_by_role("link", name="Cancelar").click()
        page.wait_for_url("**/organization/edit/de-paso")
        assert live_site.action("organization_show", id="de-paso")["state"] == "active"
        page = visit.go("/organization/delete/de-paso")
        page.locator("#organization-confirm-delete-form button").click()
        page.wait_for_url("**/organization/")
    assert live_site.action("organization_show", id="de-paso")["state"] == "deleted"
    live_site.action("organization_purge", id="de-paso")


def test_groups_and_views_are_offered_only_where_there_are_any(
    desk: Visit, live_site: Site, people: list[Person], filled: Callable[[str], str]
) -> None:
    desk.log_in(people[2].name)
    groups = desk.page.locator('a[href$="/dashboard/groups"]')
    desk.go("/dashboard/datasets")
    expect(groups).to_have_count(0)
    desk.go(filled("/dataset/{dataset}/resource/{resource}/edit"))
    expect(desk.page.locator(".page-header")).not_to_contain_text("Vistas")
    live_site.action("group_create", name="alcaldes", title="Alcaldes")
    try:
        desk.go("/dashboard/datasets")
        expect(groups).to_have_count(1)
    finally:
        live_site.action("group_purge", id="alcaldes")
