"""Where a request asks to go next: an address of this site, or it is as if it did not ask."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from ckan.tests import factories as core

from tests.factories import MarathonDataset, officer

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

ELSEWHERE = (
    *("//example.org", "/\\example.org", "https://example.org/", "http:example.org"),
    *("\t//example.org", " //example.org", "/\t/example.org", "javascript://test.ckan.net/%0ax"),
    *("dataset", "dataset.read", "?x", "#x", "@example.org", ".example.org"),
    *("/x\r\nSet-Cookie: a=b", "/x\ny", "http://[x", "http://test.ckan.net@example.org/"),
)
HERE = ("/idea/", "/idea/?page=2&q=agua#x", "http://test.ckan.net/idea/")


def log_in(app: Any, address: str, name: str) -> Any:
    data = {"login": name, "password": "correct-horse"}
    query = {"next" if address.startswith("/") else "came_from": address}
    client = app.flask_app.test_client()
    return client, client.post("/user/login", query_string=query, data=data)


@pytest.mark.parametrize("address", ELSEWHERE)
def test_login_logout_and_follow_do_not_redirect_to_other_sites(
    app: Any, visitor: Reader, address: str
) -> None:
    person = core.User(password="correct-horse")
    client, answer = log_in(app, address, person["name"])
    assert answer.status_code == 302
    assert answer.headers["Location"] == "http://test.ckan.net/dashboard/datasets"
    left = client.get("/user/_logout", query_string={"came_from": address})
    assert left.status_code == 302
    assert left.headers["Location"] == "http://test.ckan.net/user/logged_out_redirect"
    form = {"kind": "dataset", "id": MarathonDataset()["id"], "back": address}
    followed = Reader(app, person).post("/marathon/follow", form)
    assert followed.headers["Location"] == "http://test.ckan.net/"


@pytest.mark.parametrize("address", HERE)
def test_login_and_logout_redirect_to_addresses_of_the_site(app: Any, address: str) -> None:
    person = core.User(password="correct-horse")
    client, answer = log_in(app, address, person["name"])
    wanted = address if address.startswith("http") else f"http://test.ckan.net{address}"
    assert answer.headers["Location"] == wanted
    left = client.get("/user/_logout", query_string={"came_from": address})
    assert left.headers["Location"] == wanted


@pytest.mark.parametrize("address", ["dataset", "\t//example.org", "/x\ny", "/idea/<NAME>"])
def test_an_edit_redirects_only_within_the_site(app: Any, address: str) -> None:
    dataset = MarathonDataset()
    editor = Reader(app, officer(dataset["owner_org"]))
    names = ("title", "owner_org", "name")
    form = {name: dataset[name] for name in names} | {"idea": dataset["idea"][0]}
    form |= {"notes": "Otras", "private": "False", "license_id": "cc-by"}
    path = f"/dataset/edit/{dataset['id']}?{urlencode({'return_to': address})}"
    answer = editor.post(path, form)
    place = "idea" if address.startswith("/idea") else "dataset"
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"http://test.ckan.net/{place}/{dataset['name']}"
