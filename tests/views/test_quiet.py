"""Elements of CKAN's pages that are left out, and labels."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from tests.factories import Idea, MarathonDataset, Workshop

from .conftest import Reader
from .test_home import PLUGINS, whole_site

__all__ = ["whole_site"]

pytestmark = [
    pytest.mark.ckan_config("ckan.plugins", PLUGINS),
    pytest.mark.usefixtures("whole_site"),
]

OFFICE = "/es/marathon/municipality"


def words(page: BeautifulSoup, selector: str) -> list[str]:
    return [" ".join(each.stripped_strings) for each in page.select(selector)]


def test_a_dataset_page_has_no_empty_tabs_followers_and_social_buttons(
    visitor: Reader, villa_nueva: dict[str, Any]
) -> None:
    dataset = MarathonDataset(owner_org=villa_nueva["id"])
    for path in (f"/es/dataset/{dataset['name']}", f"/es/dataset/activity/{dataset['name']}"):
        page = visitor.page(path)
        assert words(page, ".nav-tabs li") == ["Conjunto de datos", "Actividad"], path
        assert not page.select(".social, .nums"), path
    group = core.Group(user=core.Sysadmin())
    call_action(
        "member_create",
        id=group["id"],
        object=dataset["id"],
        object_type="package",
        capacity="public",
    )
    page = visitor.page(f"/es/dataset/{dataset['name']}")
    assert words(page, ".nav-tabs li") == ["Conjunto de datos", "Grupos", "Actividad"]


def test_a_list_shows_a_format_once_and_has_a_plural_title(
    visitor: Reader, villa_nueva: dict[str, Any]
) -> None:
    resource = {"url": "https://example.gt/hours.csv", "format": "CSV"}
    MarathonDataset(owner_org=villa_nueva["id"], resources=[resource])
    page = visitor.page("/es/dataset/")
    (item,) = page.select(".dataset-item")
    assert item.text.count("CSV") == 1
    for path, name in [("dataset", "Conjuntos de datos"), ("workshop", "Talleres")]:
        page = visitor.page(f"/es/{path}/")
        title = page.select_one("title")
        assert title
        assert title.text.startswith(f"{name} - ")
        assert words(page, ".breadcrumb .active") == [name]


def test_the_breadcrumb_of_a_new_record_names_its_type(editor: Reader) -> None:
    assert words(editor.page("/es/workshop/new"), ".breadcrumb li")[1:] == [
        "Talleres",
        "Agregar un taller",
    ]
    assert words(editor.page("/es/dataset/new"), ".breadcrumb li")[1:] == [
        "Conjuntos de datos",
        "Publicar datos",
    ]


def test_the_office_is_linked_in_the_menu_of_the_coordinating_body(
    coordinator: Reader, editor: Reader
) -> None:
    for path in ("/es/dataset/", "/es/organization/infom"):
        assert coordinator.page(path).select(f'a[href="{OFFICE}"]'), path
        assert not editor.page(path).select(f'a[href="{OFFICE}"]'), path
    assert coordinator.page("/es/organization/infom").select(f'.primary a[href="{OFFICE}"]')


def test_a_workshop_of_one_day_shows_the_day_once(
    visitor: Reader, villa_nueva: dict[str, Any]
) -> None:
    given = {"owner_org": villa_nueva["id"], "municipality": ["0115"]}
    short = Workshop(**given, starts_at="2017-05-27T09:00", ends_at="2017-05-27T12:30")
    long = Workshop(**given, starts_at="2017-05-27T09:00", ends_at="2017-05-28T12:30")
    text = visitor.page(f"/es/workshop/{short['name']}").text
    assert "27 de mayo de 2017, 9:00–12:30" in text
    assert text.count("27 de mayo de 2017") == 1
    text = visitor.page(f"/es/workshop/{long['name']}").text
    assert "27 de mayo de 2017, 9:00 – 28 de mayo de 2017, 12:30" in text
    assert "May 27, 2017, 9:00 AM–12:30 PM" in visitor.page(f"/en/workshop/{short['name']}").text


def test_the_site_user_is_not_shown_in_the_history_of_an_idea(
    editor: Reader, villa_nueva: dict[str, Any]
) -> None:
    workshop = Workshop(owner_org=villa_nueva["id"], municipality=["0115"])
    site = call_action("get_site_user")["name"]
    idea = Idea(workshop=workshop["id"], user={"name": site})
    (step,) = words(editor.page(f"/es/idea/{idea['name']}"), ".marathon-timeline .is-step")
    assert site not in step
