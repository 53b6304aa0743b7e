"""The form that replaces a file works without a script and keeps what was typed."""

from __future__ import annotations

import io
from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from tests.factories import Idea, MarathonDataset, officer
from tests.logic.test_file_replace import FEBRUARY, JANUARY, PEOPLE
from tests.logic.test_tables import send

pytestmark = pytest.mark.usefixtures("marathon_site", "storage")


@pytest.fixture
def file() -> dict[str, Any]:
    made = MarathonDataset()
    upload = send(JANUARY, "enero.csv")
    return call_action("resource_create", package_id=made["id"], name="Enero", upload=upload)


@pytest.fixture
def own(file: dict[str, Any]) -> dict[str, str]:
    dataset = call_action("package_show", id=file["package_id"])
    return token_of(officer(dataset["owner_org"]))


def token_of(person: dict[str, Any]) -> dict[str, str]:
    token = call_action("api_token_create", user=person["name"], name="t")["token"]
    return {"Authorization": token}


def address(file: dict[str, Any]) -> str:
    return f"/en/dataset/{file['package_id']}/resource/{file['id']}/replace"


def post(app: Any, file: dict[str, Any], headers: dict[str, str], content: str, **more: Any) -> Any:
    data = {**more, "upload": (io.BytesIO(content.encode()), "nuevo.csv")}
    return app.post(address(file), data=data, headers=headers, follow_redirects=False)


def test_a_file_is_replaced(app: Any, file: dict[str, Any], own: dict[str, str]) -> None:
    page = BeautifulSoup(app.get(address(file), headers=own).body, "lxml")
    assert page.select_one("input[type=file]")["name"] == "upload"
    answer = post(app, file, own, FEBRUARY)
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(file["id"])
    assert call_action("resource_show", id=file["id"])["size"] == len(FEBRUARY.encode())


def test_a_refused_file_is_explained_and_typed_values_stay(
    app: Any, file: dict[str, Any], own: dict[str, str]
) -> None:
    answer = post(app, file, own, PEOPLE, name="Beneficiarios", erase_previous="true")
    assert answer.status_code == 422
    page = BeautifulSoup(answer.body, "lxml")
    assert "Nombre del beneficiario" in page.select_one("[role=alert]").get_text()
    assert page.select_one("#name")["value"] == "Beneficiarios"
    assert page.select_one("#erase").has_attr("checked")
    assert page.select_one("#reason")
    assert post(app, file, own, PEOPLE, reason="Son de ejemplo").status_code == 302


@pytest.mark.parametrize("data", [{}, {"upload": "texto"}, {"beside": "x"}, {"name": "a" * 9000}])
def test_odd_forms_are_refused(
    app: Any, file: dict[str, Any], own: dict[str, str], data: dict[str, str]
) -> None:
    assert app.post(address(file), data=data, headers=own).status_code == 422


def test_others_do_not_get_the_form(app: Any, file: dict[str, Any]) -> None:
    other = token_of(core.User())
    assert app.get(address(file), headers=other).status_code == 403
    assert post(app, file, other, FEBRUARY).status_code == 403


def test_links_and_files_of_ideas_have_no_such_form(
    app: Any, file: dict[str, Any], own: dict[str, str]
) -> None:
    link = call_action(
        "resource_create", package_id=file["package_id"], url="https://example.gt/a.csv"
    )
    assert app.get(address(link), headers=own).status_code == 404
    idea = Idea()
    photo = call_action("resource_create", package_id=idea["id"], upload=send("a,b\n1,2\n"))
    admin = token_of(core.Sysadmin())
    assert app.get(address(photo), headers=admin).status_code == 404


def test_the_only_file_of_a_dataset_is_chosen_and_several_are_listed(
    app: Any, file: dict[str, Any], own: dict[str, str]
) -> None:
    start = f"/en/dataset/{file['package_id']}/replace"
    answer = app.get(start, headers=own, follow_redirects=False)
    assert answer.headers["Location"].endswith(f"{file['id']}/replace")
    call_action("resource_create", package_id=file["package_id"], upload=send("a,b\n1,2\n"))
    page = BeautifulSoup(app.get(start, headers=own).body, "lxml")
    assert len(page.select(".marathon-list a")) == 2
