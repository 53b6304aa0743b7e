"""CKAN's own pages on a site of the marathons: their words, their lists and what they offer."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from ckan import model
from ckan.tests.factories import Organization, SysadminWithToken
from werkzeug.datastructures import FileStorage

from ckanext.marathon.logic.resource import make_resource_uploader

PLUGINS = (
    "marathon_site marathon activity scheming_datasets scheming_organizations dcat "
    "structured_data croissant"
)

pytestmark = [
    pytest.mark.ckan_config("ckan.plugins", PLUGINS),
    pytest.mark.usefixtures("whole_site"),
]


@pytest.fixture
def whole_site(marathon_site: None, migrate_db_for: Callable[[str], None]) -> None:
    """An empty site with every plugin of the stack, the activity stream's tables included."""
    columns = sa.inspect(model.meta.engine).get_columns("activity")
    if all(column["name"] != "permission_labels" for column in columns):
        migrate_db_for("activity")


def read_page(app: Any, path: str, token: str = "") -> BeautifulSoup:
    headers = {"Authorization": token} if token else {}
    return BeautifulSoup(app.get(path, status=200, headers=headers).body, "lxml")


@pytest.mark.ckan_config("ckan.datasets_per_page", 1)
@pytest.mark.parametrize(
    ("locale", "words"), [("es", ["Anterior", "Siguiente"]), ("en", ["Previous", "Next"])]
)
def test_a_list_says_which_page_comes_before_and_after(
    app: Any, locale: str, words: list[str]
) -> None:
    for number in range(3):
        Organization(title=f"Municipalidad {number}")
    page = read_page(app, f"/{locale}/organization/?page=2&sort=name+asc")
    pager = page.select_one("nav.pagination-wrapper")
    assert pager is not None
    assert pager["aria-label"]
    links = [link for link in pager.select("a") if not link.text.strip().isdigit()]
    assert [link.text.strip() for link in links] == words
    assert ["page=1" in str(links[0]["href"]), "page=3" in str(links[1]["href"])] == [True, True]


@pytest.mark.ckan_config("ckan.max_resource_size", 1)
@pytest.mark.parametrize(
    ("locale", "words"),
    [("es", "El archivo es demasiado grande: este sitio recibe hasta 1 MB"), ("en", "up to 1 MB")],
)
def test_a_file_that_is_too_large_is_refused_in_the_language_of_the_page(
    app: Any, storage: Path, locale: str, words: str
) -> None:
    large = FileStorage(io.BytesIO(b"x" * 3 * 2**20), filename="grande.csv")
    with app.flask_app.test_request_context(f"/{locale}/", environ_base={"CKAN_LANG": locale}):
        uploader = make_resource_uploader({"upload": large, "id": "0" * 36})
        assert uploader is not None
        with pytest.raises(tk.ValidationError) as refused:
            uploader.upload("0" * 36, 1)
    assert not [path for path in storage.rglob("*") if path.is_file()]
    assert words in refused.value.error_dict["upload"][0]


def test_a_stock_page_has_the_words_of_the_site(app: Any) -> None:
    token = SysadminWithToken()["token"]
    page = read_page(app, "/es/ckan-admin/trash", token)
    assert "Eliminar para siempre" in page.text or "eliminados" in page.text
    assert "Purgar" not in page.text
    heading = page.select_one("h1")
    assert heading is not None
    assert heading.text == "Administración"


def test_the_question_before_deleting_has_one_button_and_a_link_back(app: Any) -> None:
    token = SysadminWithToken()["token"]
    organization = Organization(title="De paso")
    page = read_page(app, f"/es/organization/delete/{organization['name']}", token)
    form = page.select_one("#organization-confirm-delete-form")
    assert form is not None
    assert [button["name"] for button in form.select("button")] == ["delete"]
    back = form.select_one("a")
    assert back is not None
    assert str(back["href"]).endswith(f"/organization/edit/{organization['name']}")
