"""The same form sent twice at the same instant, as a bad line or an impatient finger does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from bs4 import BeautifulSoup

from tests.sites import PASSWORD, Site
from tests.visitors import Visitor, shown_values

from .conftest import Town

AT_ONCE = 4


def test_a_form_sent_twice_becomes_one_dataset(live_site: Site, town: Town) -> None:
    officer = Visitor(live_site)
    officer.log_in(town.officer, PASSWORD)
    page = officer.get("/dataset/new")
    form = BeautifulSoup(page.text, "lxml").select_one("#dataset-edit")
    assert form
    fields: dict[str, Any] = {
        **shown_values(form),
        "title": "Enviado a la vez",
        "notes": "El mismo formulario, varias veces a la vez.",
        "idea": town.idea["id"],
        "license_id": "cc-by",
        "save": "publish",
    }
    cookies = officer.session.cookies.get_dict()

    def send(_number: int) -> requests.Response:
        return requests.post(
            f"{live_site.url}/dataset/new",
            data=fields,
            files={"resources__0__upload": ("fugas.csv", b"sector,fugas\n")},
            cookies=cookies,
            headers={"Referer": page.url},
            allow_redirects=False,
            timeout=120,
        )

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(send, range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {302}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    query = {"q": 'title:"Enviado a la vez"', "include_private": True}
    assert live_site.action("package_search", query)["count"] == 1
