"""The small forms of officers show the typed values again when they are refused."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan.tests.helpers import call_action

from tests.factories import Idea, Workshop
from tests.remembered import remembered
from tests.visitors import shown_values

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")


class TestStatus:
    @pytest.fixture
    @remembered
    def idea(self, villa_nueva: dict[str, Any]) -> dict[str, Any]:
        workshop = Workshop(owner_org=villa_nueva["id"], municipality=["0115"])
        return Idea(workshop=workshop["id"], status="proposed")

    def test_the_reason_of_a_refused_step_is_shown_again(
        self, editor: Reader, idea: dict[str, Any]
    ) -> None:
        sent = {"status": "implemented", "reason": "The council decided so"}
        answer = editor.post(f"/idea/{idea['id']}/status", sent)
        assert answer.status_code == 200
        form = BeautifulSoup(answer.text, "lxml").select_one("#change-status[open] form")
        assert form
        assert form.select_one("[role=alert]")
        again = shown_values(form)
        assert again["reason"] == ["The council decided so"]
        sent = {**again, "status": "prioritised"}
        assert editor.post(f"/idea/{idea['id']}/status", sent).status_code == 302
        assert call_action("package_show", id=idea["id"])["status"] == "prioritised"

    def test_the_reason_is_shown_again_without_solr(
        self,
        editor: Reader,
        idea: dict[str, Any],
        ckan_config: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/nothing")
        sent = {"status": "prioritised", "reason": "The council decided so"}
        answer = editor.post(f"/idea/{idea['id']}/status", sent)
        assert answer.status_code == 503
        assert "The council decided so" in answer.text


class TestOffice:
    def test_values_of_a_refused_invitation_are_shown_again(
        self, coordinator: Reader, reader: Any, villa_nueva: dict[str, Any]
    ) -> None:
        admin = reader(call_action("user_show", id=coordinator.name))
        sent = {"organization": "villa-nueva", "email": "no address", "role": "admin"}
        answer = admin.post("/marathon/municipality/invite", sent)
        assert answer.status_code == 400
        page = BeautifulSoup(answer.text, "lxml")
        form = page.select_one("#org-villa-nueva form:has(input[type=email])")
        assert form
        again = shown_values(form)
        assert (again["email"], again["role"]) == (["no address"], ["admin"])

    def test_the_search_and_the_added_rows_are_shown_again(self, coordinator: Reader) -> None:
        sent = {"q": "San Juan", "code": ["0110", "9999"]}
        answer = coordinator.post("/marathon/municipality/add", sent)
        assert answer.status_code == 200
        page = BeautifulSoup(answer.text, "lxml")
        assert page.select_one('input[name="q"][value="San Juan"]')
        boxes = {str(box["value"]): box for box in page.select('input[name="code"]')}
        assert boxes["0110"].has_attr("disabled")
        assert not boxes["0314"].has_attr("disabled")
        added, failed = page.select("[role=status] li")
        assert "Added: Municipalidad de San Juan Sacatepéquez (0110)" in added.text
        assert "No municipality of Guatemala has the INE code 9999" in failed.text

    def test_the_search_is_shown_again_if_no_municipality_was_selected(
        self, coordinator: Reader
    ) -> None:
        answer = coordinator.post("/marathon/municipality/add", {"q": "San Juan"})
        assert answer.status_code == 400
        page = BeautifulSoup(answer.text, "lxml")
        assert page.select_one('input[name="q"][value="San Juan"]')
        assert page.select('input[name="code"]')
        assert "at least one INE code" in page.select_one("[role=alert]").text
