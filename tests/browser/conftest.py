"""A real site in a process of its own, and a real Chromium that looks at it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
    ViewportSize,
    expect,
    sync_playwright,
)

from stack.testing import BROWSERS
from tests.sites import PASSWORD, Site

PLUGINS = (
    "marathon_site marathon activity scheming_datasets scheming_organizations dcat "
    "structured_data croissant"
)
# A headless Chromium that asks nobody but the site.
FLAGS = [
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]
DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
# For a long upload on a busy machine. Playwright's own half minute is enough on an idle one.
PATIENCE = 60_000
# From the top of a page to its content.
MOST_TABS = 200


@dataclass
class Town:
    """The records of one municipality on the site."""

    code: str
    name: str
    organization: dict[str, Any]
    workshop: dict[str, Any]
    idea: dict[str, Any]
    officer: str


@dataclass
class Visit:
    """A page of a browser.

    ``complaints`` are errors of scripts and servers, requests to other hosts and violations of the
    content security policy. If there is any, the test fails at its end.
    """

    page: Page
    site: Site
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Open a path of the site."""
        self.page.goto(self.site.url + path)
        return self.page

    def log_in(self, name: str) -> None:
        """Log in through the form."""
        self.go("/user/login")
        self.page.fill('form [name="login"]', name)
        self.page.fill('form [name="password"]', PASSWORD)
        self.page.click('form:has([name="password"]) button[type="submit"]')
        self.page.wait_for_url(re.compile(r"/dashboard|/marathon/desk|/user/|/$"))

    def is_wider_than_its_window(self) -> bool:
        """Return whether one must scroll sideways."""
        # Before all its styles and scripts are there a page may be wider for a moment.
        self.page.wait_for_load_state("load")
        script = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        return self.page.evaluate(script)


def reach(page: Page, wanted: Locator) -> None:
    """Press Tab until an element has the focus."""
    expect(wanted).to_be_visible()
    for _ in range(MOST_TABS):
        if wanted.evaluate("it => it === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key does not lead to {wanted}")


@contextmanager
def served(name: str, directory: Path) -> Iterator[Site]:
    """Run an empty site with the plugins."""
    settings = {
        "ckan.locale_default": "es",
        "ckan.locales_offered": "es en",
        "ckan.locale_order": "es en",
        "ckan.site_title": "Maratones de ideas",
        "ckan.max_resource_size": "2",
        "ckan.gravatar_default": "disabled",
    }
    with Site.create(name, directory, plugins=PLUGINS, settings=settings) as site:
        site.upgrade()
        # As installing.md says; without it the scripts' texts are in English.
        site.run("translation", "js")
        site.start()
        yield site


@pytest.fixture(scope="session")
def live_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with a municipality, its officer, a workshop and an idea."""
    with served("browser", tmp_path_factory.mktemp("live-site")) as site:
        yield site


@pytest.fixture(scope="session")
def town(live_site: Site) -> Town:
    """Villa Nueva, as the starter of every test."""
    return make_town(live_site, "0115", "Villa Nueva")


def make_town(site: Site, code: str, name: str) -> Town:
    """Create a municipality with an officer, a workshop and an idea that needs two data."""
    slug = name.lower().replace(" ", "-")
    organization = site.action(
        "organization_create",
        name=slug,
        title=f"Municipalidad de {name}",
        municipality_code=code,
        role="municipality",
    )
    officer = f"oficial-{slug}"
    site.action("user_create", name=officer, email=f"{officer}@example.gt", password=PASSWORD)
    site.action("organization_member_create", id=slug, username=officer, role="editor")
    workshop = site.action(
        "package_create",
        type="workshop",
        name=f"maraton-{slug}",
        title=f"Maratón de ideas de {name}",
        owner_org=organization["id"],
        kind="ideation",
        status="held",
        municipality=[code],
        starts_at="2017-05-27T09:00",
    )
    idea = site.action(
        "package_create",
        type="idea",
        name=f"mapa-de-fugas-{slug}",
        title=f"Mapa de fugas de {name}",
        workshop=workshop["id"],
        service_problem=["AGU-04"],
        data_need=[
            {"what": "Fugas reportadas", "why": "Dar prioridad a las reparaciones"},
            {"what": "Horarios por sector", "why": ""},
        ],
    )
    return Town(code, name, organization, workshop, idea, officer)


@pytest.fixture(scope="module")
def filled(live_site: Site, town: Town) -> Iterator[Callable[[str], str]]:
    """Return a function that puts names of records into a path; the dataset has a file.

    Other modules do not find that dataset.
    """
    dataset = live_site.action(
        "package_create",
        type="dataset",
        name="fugas-por-sector",
        title="Fugas por sector",
        notes="Fugas reportadas en cada sector.",
        owner_org=town.organization["id"],
        idea=[town.idea["id"]],
        data_need=[town.idea["data_need"][0]["id"]],
        license_id="cc-by",
        resources=[{"name": "Fugas", "url": "https://example.gt/fugas.csv", "format": "CSV"}],
    )
    things = {
        "dataset": dataset["name"],
        "resource": dataset["resources"][0]["id"],
        "idea": town.idea["name"],
        "workshop": town.workshop["name"],
        "organization": town.organization["name"],
        "code": town.code,
    }
    yield lambda path: path.format(**things)
    live_site.action("dataset_purge", id=dataset["id"])


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser of ``MARATHON_CHROMIUM``, else the first Chromium on the PATH."""
    found = os.environ.get("MARATHON_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)))
    assert found, "no chromium: install it, or name it in MARATHON_CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def visiting(
    browser: Browser, site: Site, size: ViewportSize, script: bool = True
) -> Iterator[Visit]:
    """Open a page in a browser without cookies or cache; in the end there must be no complaint."""
    context = browser.new_context(viewport=size, locale="es-GT", java_script_enabled=script)
    context.set_default_timeout(PATIENCE)
    visit = Visit(context.new_page(), site)
    page, complain = visit.page, visit.complaints.append

    def note(request: Request) -> None:
        if not request.url.startswith((site.url, "data:", "blob:")):
            complain(f"another host was asked: {request.url}")

    def judge(answer: Response) -> None:
        if answer.status >= 500:
            complain(f"{answer.status}: {answer.url}")

    def read(message: ConsoleMessage) -> None:
        # In other languages than English, CKAN's table view has setTimeout call nothing: browsers
        # take that for the text "undefined", which the policy forbids to run, without any effect.
        is_known = "datatablesview" in message.location["url"] and "Evaluating" in message.text
        if not is_known and "Content Security Policy" in message.text:
            complain(f"policy: {page.url}: {message.text} ({message.location})")

    page.on("console", read)
    page.on("pageerror", lambda error: complain(f"script: {error}"))
    page.on("request", note)
    page.on("response", judge)
    yield visit
    context.close()
    assert visit.complaints == []


@pytest.fixture
def desk(chromium: Browser, live_site: Site) -> Iterator[Visit]:
    """A browser at a desk."""
    with visiting(chromium, live_site, DESK) as visit:
        yield visit


@pytest.fixture
def phone(chromium: Browser, live_site: Site) -> Iterator[Visit]:
    """A browser on a phone."""
    with visiting(chromium, live_site, PHONE) as visit:
        yield visit


@pytest.fixture
def plain(chromium: Browser, live_site: Site) -> Iterator[Visit]:
    """A browser without JavaScript."""
    with visiting(chromium, live_site, DESK, script=False) as visit:
        yield visit


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """A small file to publish."""
    path = tmp_path / "fugas.csv"
    path.write_text("sector,fugas\nZona 4,3\nEl Frutal,5\n", encoding="utf-8")
    return path
