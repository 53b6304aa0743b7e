"""The form marks exactly the required fields."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup

from tests.factories import NationalBody, officer

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

CHAIN = ("municipality", "service_problem", "idea", "resources")


def marked(form: BeautifulSoup) -> list[str]:
    return [
        name
        for name in CHAIN
        for part in form.select(f'[data-field="{name}"]')
        if part.select("legend > .control-required, h2 > .control-required")
    ]


def test_for_a_municipality_only_idea_and_file_are_marked(
    editor: Reader,
) -> None:
    assert marked(editor.page("/dataset/new")) == ["idea", "resources"]


def test_for_a_national_body_only_problem_and_file_are_marked(app: Any) -> None:
    body = NationalBody()
    assert marked(Reader(app, officer(body["id"])).page("/dataset/new")) == [
        "service_problem",
        "resources",
    ]


@pytest.mark.ckan_config("ckanext.marathon.idea_required", "never")
@pytest.mark.ckan_config("ckan.dataset.create_on_ui_requires_resources", False)
def test_idea_and_file_are_not_marked_if_the_site_requires_neither(editor: Reader) -> None:
    assert marked(editor.page("/dataset/new")) == ["municipality", "service_problem"]


def test_the_form_of_an_idea_does_not_mark_the_file(editor: Reader) -> None:
    assert "resources" not in marked(editor.page("/idea/new"))
