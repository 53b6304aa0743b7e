"""A real site, a real browser, and the people who use them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.sites import PASSWORD, Site

PLUGINS = (
    "marathon_site marathon activity scheming_datasets scheming_organizations dcat "
    "structured_data croissant"
)
# A headless Chromium that asks nobody but the site.
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]
SIZES = {"computer": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="session")
def live_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """San Carlos Alzatate has an officer and a workshop with an idea that needs data."""
    settings = {"ckan.locale_default": "es", "ckan.auth.create_user_via_web": "false"}
    directory = tmp_path_factory.mktemp("browser")
    with Site.create("browser", directory, plugins=PLUGINS, settings=settings) as site:
        site.upgrade()
        site.start()
        site.run("marathon", "municipality", "add", "2105", "0115")
        site.action("user_create", name="oficial", email="oficial@example.gt", password=PASSWORD)
        town = "san-carlos-alzatate"
        site.action("organization_member_create", id=town, username="oficial", role="editor")
        for name, code in ((town, "2105"), ("villa-nueva", "0115")):
            site.action(
                "package_create",
                type="workshop", name=f"taller-{code}", title=f"[Ejemplo] Taller de {code}",
                owner_org=name, municipality=[code], kind="ideation", status="held",
                starts_at="2000-01-01",
            )  # fmt: skip
        site.action(
            "package_create",
            type="idea", name="horario-del-agua", title="[Ejemplo] Publicar el horario del agua",
            workshop="taller-2105", service_problem=["AGU-01"],
            data_need=[{"what": "Horario por sector", "why": "Para saber cuándo llega"}],
        )  # fmt: skip
        site.action(
            "package_create",
            type="idea", name="mapa-de-baches", title="[Ejemplo] Mapa de baches",
            workshop="taller-0115", service_problem=["VIA-01"],
        )  # fmt: skip
        yield site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium: the one `make test` found."""
    path = os.environ.get("MARATHON_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def open_page(live_site: Site, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open the site as somebody, at a size, in a browser without memory.

    Requests to any other host, errors in scripts and answers of 500 fail the test.
    """
    contexts = []
    complaints: list[str] = []

    def visit(path: str = "/", user: str = "", size: str = "computer", script: bool = True) -> Page:
        width, height = SIZES[size]
        context = browser.new_context(
            base_url=live_site.url,
            viewport={"width": width, "height": height},
            locale="es-GT",
            java_script_enabled=script,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.on("request", lambda request: _only_from(live_site, request.url, complaints))
        page.on("response", lambda answer: _no_error(answer, complaints))
        if user:
            page.goto("/user/login")
            page.fill("#field-login", user)
            page.fill("#field-password", PASSWORD)
            page.press("#field-password", "Enter")
            page.wait_for_url(lambda url: "/user/login" not in url)
        page.goto(path)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not complaints


def _only_from(site: Site, url: str, complaints: list[str]) -> None:
    if not url.startswith((site.url, "data:", "blob:")):
        complaints.append(f"another host was asked: {url}")


def _no_error(answer: Any, complaints: list[str]) -> None:
    if answer.status >= 500:
        complaints.append(f"{answer.status}: {answer.url}")
