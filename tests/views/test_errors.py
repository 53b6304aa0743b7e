"""Error pages are in the reader's language and offer search and home page."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan.lib.base import render
from flask import Flask
from werkzeug.exceptions import default_exceptions

from .test_home import PLUGINS, whole_site

__all__ = ["whole_site"]

pytestmark = [
    pytest.mark.ckan_config("ckan.plugins", PLUGINS),
    pytest.mark.usefixtures("whole_site"),
]


def error_page(app: Flask, lang: str, before: str = "", **variables: Any) -> BeautifulSoup:
    """Render an error as CKAN's handler does, after another page if ``before`` names one."""
    with app.test_request_context(environ_overrides={"CKAN_LANG": lang}):
        app.preprocess_request()
        if before:
            render(before)
        return BeautifulSoup(render("error_document_template.html", variables), "lxml")


@pytest.mark.parametrize(
    ("lang", "title", "search"),
    [
        ("es", "Esta página no existe", "Buscar en los datos abiertos"),
        ("en", "There is no such page", "Search the open data"),
    ],
)
def test_an_unknown_address_gets_404_with_search_and_home(
    app: Any, lang: str, title: str, search: str
) -> None:
    answer = app.get(f"/{lang}/nowhere", follow_redirects=False)
    assert answer.status_code == 404
    page = BeautifulSoup(answer.text, "lxml")
    content = page.select_one("#error-content")
    assert content
    assert [each.text for each in page.select("h1")] == [title]
    assert "requested URL" not in content.text
    assert search in content.text
    form = content.select_one("form")
    assert form
    assert form["action"] == f"/{lang}/dataset/"
    assert f"/{lang}/" in [link["href"] for link in content.select("a")]


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 413, 429, 500])
def test_no_error_page_is_in_english_on_a_spanish_site(app: Any, code: int) -> None:
    stock = default_exceptions.get(code)
    said = stock.description if stock else ""
    page = error_page(app.flask_app, "es", code=code, content=said, name="Stock Name")
    content = page.select_one("#error-content")
    assert content
    assert str(said) not in content.text
    assert "Stock Name" not in page.text
    for english in (" the ", "Error %", "page", "Search"):
        assert english not in content.text


def test_the_page_of_a_failure_midway_has_its_styles(app: Any) -> None:
    fresh = error_page(app.flask_app, "es", code=[500], content="Internal server error")
    late = error_page(
        app.flask_app, "es", before="page.html", code=[500], content="Internal server error"
    )
    sheets = [link["href"] for link in late.select('link[rel="stylesheet"]')]
    assert sheets
    assert sheets == [link["href"] for link in fresh.select('link[rel="stylesheet"]')]
    assert "Internal" not in late.text
