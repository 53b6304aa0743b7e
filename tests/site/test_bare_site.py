"""The plugin alone: CKAN's own pages stay, and every page that can be reached answers."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from tests.site.conftest import PAGES, PLUGINS, Upgraded
from tests.visitors import Visitor, body, crawl, stylesheets

# Public addresses that other people's programs and bookmarks rely on.
ADDRESSES = (
    "/catalog.ttl",
    "/catalog.rdf",
    "/catalog.xml",
    "/catalog.jsonld",
    "/catalog.n3",
    "/vocabulary/municipality",
    "/vocabulary/municipality/2105",
    "/vocabulary/municipality/2105.ttl",
    "/vocabulary/municipality/2105.jsonld",
    "/vocabulary/department/21",
    "/vocabulary/service-problem/AGU-01",
    "/vocabulary/service-problem.ttl",
    "/vocabulary/idea-status",
    "/municipality",
    "/municipality/2105",
    "/department/21",
    "/service-problem",
    "/service-problem/AGU-01",
    "/workshop/",
    "/idea/",
    "/commitment/",
    "/es/municipality/2105",
    "/es/idea/",
    "/dataset/",
    "/organization/",
    "/dataset/?q=pozos",
    "/api/3/action/status_show",
)


def test_status_show_lists_the_plugins(upgraded: Upgraded) -> None:
    shown = upgraded.site.action("status_show")["extensions"]
    assert shown == PLUGINS.split()


@pytest.mark.parametrize("path", PAGES)
def test_pages_of_ckan_are_unchanged(upgraded: Upgraded, path: str) -> None:
    assert body(upgraded.site.get(path)) == body(upgraded.pages[path])


@pytest.mark.parametrize("path", PAGES)
def test_the_plugin_adds_no_stylesheet(upgraded: Upgraded, path: str) -> None:
    added = stylesheets(upgraded.site.get(path)) - stylesheets(upgraded.pages[path])
    assert {address for address in added if "/ckanext-scheming/" not in address} == set()


@pytest.mark.parametrize("path", ADDRESSES)
def test_public_addresses_get_200(upgraded: Upgraded, path: str) -> None:
    assert upgraded.site.get(path).status_code == 200


def test_every_link_visible_to_a_visitor_gets_200(upgraded: Upgraded) -> None:
    seen = crawl(Visitor(upgraded.site), "/", "/workshop/", "/idea/", "/municipality")
    assert len(seen) > 30
    assert {path: status for path, status in seen.items() if status != 200} == {}


def test_every_link_visible_to_an_administrator_gets_200(
    upgraded: Upgraded, officer: Visitor
) -> None:
    start = ("/", "/dataset/new", "/idea/new", "/workshop/new", "/commitment/new")
    seen = crawl(officer, *start, most=60)
    assert {path: status for path, status in seen.items() if status != 200} == {}


def test_an_unknown_page_gets_404(upgraded: Upgraded) -> None:
    for path in ("/dataset/nada", "/idea/nada", "/workshop/nada", "/municipality/9999"):
        assert upgraded.site.get(path).status_code == 404, path


def test_the_server_logged_no_error(upgraded: Upgraded) -> None:
    upgraded.site.get("/")
    assert "Traceback" not in upgraded.site.log_text()


def test_a_spanish_page_has_the_language_es(upgraded: Upgraded) -> None:
    page = BeautifulSoup(upgraded.site.get("/es/dataset/new").text, "lxml")
    assert page.html is not None
    assert page.html["lang"] == "es"
