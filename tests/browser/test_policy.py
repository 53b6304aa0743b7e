"""The content security policy breaks no script of CKAN or the plugins, and no other script runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import sqlalchemy as sa
from playwright.sync_api import Browser, Error, Page, expect

from tests.domain.test_media_type import DRAWING, PAGE, TABLE
from tests.sites import ADMIN, Site

from .conftest import DESK, PLUGINS, Town, Visit, make_town, visiting

VIEWS = "datastore datatables_view text_view image_view"
PAGES = [
    "/",
    "/about",
    "/agenda",
    "/catalog",
    "/dataset/",
    "/dataset/groups/{dataset}",
    "/dataset/activity/{dataset}",
    "/dataset/{dataset}",
    "/dataset/{dataset}/resource/{table}",
    "/dataset/{dataset}/resource/{text}",
    "/idea/{idea}",
    "/idea/{idea}/poster",
    "/workshop/{workshop}",
    "/organization/",
    "/organization/{organization}",
    "/organization/about/{organization}",
    "/organization/activity/{organization}",
    "/group/",
    "/marathon",
    "/marathon/report",
    "/municipality/{code}",
    "/service-problem/AGU-04",
    "/user/login",
    "/user/reset",
    "/no-existe",
]
FOR_OFFICERS = [
    "/dashboard/",
    "/dashboard/datasets",
    "/dashboard/organizations",
    "/dataset/new",
    "/dataset/edit/{dataset}",
    "/dataset/resources/{dataset}",
    "/dataset/{dataset}/resource/new",
    "/dataset/{dataset}/resource/{table}/edit",
    "/dataset/{dataset}/resource/{table}/views",
    "/dataset/{dataset}/resource/{table}/edit_view/{view}",
    "/dataset/{dataset}/dictionary/{table}",
    "/idea/new",
    "/idea/edit/{idea}",
    "/workshop/new",
    "/workshop/edit/{workshop}",
    "/user/{officer}",
    "/user/edit/{officer}",
    "/user/{officer}/api-tokens",
]
FOR_ADMINS = [
    "/ckan-admin/",
    "/ckan-admin/config",
    "/ckan-admin/trash",
    "/organization/new",
    "/organization/edit/{organization}",
    "/organization/members/{organization}",
    "/organization/member_new/{organization}",
    "/organization/bulk_process/{organization}",
    "/group/new",
    "/user/",
    "/user/register",
]


@pytest.fixture(scope="module")
def live_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with the views of CKAN's own that a reader may meet, and their data."""
    reading, writing = (os.environ[f"CKAN_DATASTORE_{name}_URL"] for name in ("READ", "WRITE"))
    settings = {
        "ckan.locale_default": "es",
        "ckan.locales_offered": "es en",
        "ckan.locale_order": "es en",
        "ckan.gravatar_default": "disabled",
        "ckan.views.default_views": "text_view image_view",
        "ckan.upload.group.mimetypes": "image/svg+xml image/png",
        "ckan.datastore.read_url": reading,
        "ckan.datastore.write_url": writing,
    }
    directory = tmp_path_factory.mktemp("policy-site")
    with Site.create("policy", directory, plugins=f"{PLUGINS} {VIEWS}", settings=settings) as site:
        site.upgrade()
        granted = site.run("datastore", "set-permissions")
        statements = granted[granted.index("\\connect") :].partition("\n")[2]
        engine = sa.create_engine(writing, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql(statements.replace("%", "%%"))
        site.start()
        yield site


@pytest.fixture(scope="module")
def town(live_site: Site) -> Town:
    """Villa Nueva."""
    return make_town(live_site, "0115", "Villa Nueva")


@pytest.fixture(scope="module")
def names(live_site: Site, town: Town) -> dict[str, str]:
    """Names for the paths: a dataset with a table in the DataStore, a text and a page."""
    dataset = live_site.action(
        "package_create",
        name="fugas",
        title="Fugas",
        notes="Fugas por sector.",
        owner_org=town.organization["id"],
        idea=[town.idea["id"]],
    )

    def upload(name: str, body: bytes) -> dict[str, Any]:
        found = {"package_id": dataset["id"], "name": name, "format": name.rpartition(".")[2]}
        return live_site.action("resource_create", found, upload=(name, body))

    table, text = upload("fugas.csv", TABLE), upload("fugas.txt", TABLE)
    page = upload("pagina.html", PAGE)
    live_site.action(
        "datastore_create",
        resource_id=table["id"],
        force=True,
        fields=[{"id": "sector", "type": "text"}, {"id": "fugas", "type": "int"}],
        records=[{"sector": "El Frutal", "fugas": 3}, {"sector": "Zona 4", "fugas": 5}],
    )
    view = live_site.action(
        "resource_view_create", resource_id=table["id"], title="Tabla", view_type="datatables_view"
    )
    (text_view,) = live_site.action("resource_view_list", id=text["id"])
    return {
        "dataset": dataset["name"],
        "table": table["id"],
        "text": text["id"],
        "page": urlsplit(page["url"]).path,
        "view": view["id"],
        "text_view": text_view["id"],
        "idea": town.idea["name"],
        "workshop": town.workshop["name"],
        "organization": town.organization["name"],
        "code": town.code,
        "officer": town.officer,
    }


def read_all(visit: Visit, paths: list[str], names: dict[str, str]) -> None:
    """Open pages one after another, each until its scripts have run."""
    broken = {}
    for path in paths:
        answer = visit.page.goto(visit.site.url + path.format(**names), wait_until="load")
        assert answer is not None
        if "script-src 'self'" not in answer.headers.get("content-security-policy", ""):
            broken[path] = "no policy"
        if answer.status >= 400 and path != "/no-existe":
            broken[path] = str(answer.status)
    assert broken == {}


def test_public_pages_break_no_content_security_policy(desk: Visit, names: dict[str, str]) -> None:
    read_all(desk, PAGES, names)


def test_officers_pages_break_no_content_security_policy(
    desk: Visit, town: Town, names: dict[str, str]
) -> None:
    desk.log_in(town.officer)
    read_all(desk, FOR_OFFICERS, names)


def test_administrators_pages_break_no_content_security_policy(
    desk: Visit, names: dict[str, str]
) -> None:
    desk.log_in(ADMIN)
    read_all(desk, FOR_ADMINS, names)


def test_the_table_of_the_datastore_works(desk: Visit, names: dict[str, str]) -> None:
    page = desk.go("/dataset/{dataset}/resource/{table}/view/{view}".format(**names))
    expect(page.locator("#dtprv tbody")).to_contain_text("El Frutal")
    # An event handler that stands in the page.
    page.locator("#refit-button").first.click()


def test_the_text_of_a_file_is_shown(desk: Visit, names: dict[str, str]) -> None:
    page = desk.go("/dataset/{dataset}/resource/{text}/view/{text_view}".format(**names))
    expect(page.locator("pre[data-module=text_view]")).to_contain_text("El Frutal")


def test_event_handlers_of_ckans_pages_work(desk: Visit, town: Town, names: dict[str, str]) -> None:
    desk.log_in(town.officer)
    page = desk.go("/user/{officer}/api-tokens".format(**names))
    page.locator('form [name="name"]').fill("prueba")
    page.locator('form:has([name="name"]) button[type=submit]').click()
    revoke = page.locator("#revoke-tokens-button")
    expect(revoke).to_be_disabled()
    made = page.locator("#api-tokens-table tbody tr")
    expect(made).to_have_count(1)
    page.locator('[name="token"]').first.check()
    expect(revoke).to_be_enabled()
    revoke.click()
    page.locator(".modal .btn-primary").click()
    expect(revoke).to_be_disabled()
    page = desk.go("/dataset/{dataset}/resource/new".format(**names))
    page.locator("#resource-link-button").click()
    expect(page.locator("#field-resource-url")).to_be_focused()


def insert(page: Page, code: str) -> None:
    """Put markup into a page, as a hole in a template would."""
    page.evaluate("code => document.body.append(document.createRange()"
                  ".createContextualFragment(code))", code)  # fmt: skip


@pytest.mark.parametrize(
    "markup",
    [
        "<script>window.ran = true</script>",
        "<script nonce=''>window.ran = true</script>",
        "<script nonce='x'>window.ran = true</script>",
        "<img src='/no-existe.png' onerror='window.ran = true'>",
        "<script src='data:text/javascript,window.ran=true'></script>",
        "<script src='{page}'></script>",
    ],
)
def test_a_script_that_is_in_no_template_does_not_run(
    desk: Visit, names: dict[str, str], markup: str
) -> None:
    page = desk.go("/dataset/{dataset}".format(**names))
    insert(page, markup.replace("{page}", names["page"]))
    page.wait_for_timeout(500)
    assert page.evaluate("window.ran") is None
    desk.complaints.clear()


def test_an_uploaded_page_is_downloaded_and_not_opened(desk: Visit, names: dict[str, str]) -> None:
    page = desk.go("/about")
    with page.expect_download() as download, pytest.raises(Error, match="Download is starting"):
        page.goto(desk.site.url + names["page"])
    assert Path(download.value.path()).read_bytes() == PAGE
    assert download.value.suggested_filename == "pagina.html"


def test_a_drawing_is_shown_as_a_logo_and_not_opened_as_a_page(
    chromium: Browser, live_site: Site, town: Town
) -> None:
    logo = ("escudo.svg", DRAWING, "image/svg+xml")
    answer = requests.post(
        f"{live_site.url}/api/3/action/organization_patch",
        {"id": town.organization["id"]},
        headers={"Authorization": live_site.token},
        files={"image_upload": logo},
        timeout=60,
    )
    path = urlsplit(answer.json()["result"]["image_display_url"]).path
    assert path.endswith(".svg")
    with visiting(chromium, live_site, DESK) as visit:
        page = visit.go(f"/organization/{town.organization['name']}")
        insert(page, f"<img id='logo' src='{path}'>")
        expect(page.locator("#logo")).to_have_js_property("naturalWidth", 1)
        with page.expect_download(), pytest.raises(Error, match="Download is starting"):
            page.goto(live_site.url + path)
