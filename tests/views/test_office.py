"""The coordinating body adds municipalities and invites officers in the browser."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan.tests.helpers import call_action

from tests.factories import CivilSociety, officer

from .conftest import Reader
from .test_pages import texts

pytestmark = pytest.mark.usefixtures("marathon_site")

PAGE = "/marathon/municipality"


def invite(reader: Reader, **fields: str) -> Any:
    sent = {"organization": "villa-nueva", "email": "luz@example.gt", "role": "editor", **fields}
    return reader.post(f"{PAGE}/invite", sent)


class TestPermissions:
    def test_visitors_are_redirected_to_the_login(self, visitor: Reader) -> None:
        answer = visitor.get(PAGE)
        assert answer.status_code == 302
        assert "/user/login" in answer.location

    def test_an_officer_of_a_municipality_gets_403(self, editor: Reader) -> None:
        assert editor.get(PAGE).status_code == 403
        assert editor.post(f"{PAGE}/add", {"code": "2105"}).status_code == 403
        assert invite(editor).status_code == 403

    def test_an_admin_of_a_municipality_gets_403(
        self, reader: Any, villa_nueva: dict[str, Any]
    ) -> None:
        own = reader(officer(villa_nueva["id"], "admin"))
        assert invite(own).status_code == 403
        assert call_action("user_list", email="luz@example.gt") == []

    def test_an_invalid_organisation_is_refused(self, coordinator: Reader) -> None:
        assert invite(coordinator, organization="\x00").status_code in {400, 403}

    def test_an_editor_of_the_coordinating_body_gets_403(
        self, reader: Any, coordinator: Reader
    ) -> None:
        body = call_action("organization_show", id="infom")
        assert reader(officer(body["id"], "editor")).get(PAGE).status_code == 403


class TestMunicipalities:
    def test_a_municipality_is_found_by_name_or_code(self, coordinator: Reader) -> None:
        for words in ("alzatate", "2105", "San Carlos Alzatate"):
            boxes = coordinator.page(f"{PAGE}?q={words}").select('[name="code"]')
            assert "2105" in [box["value"] for box in boxes], words

    def test_an_added_municipality_is_listed(self, coordinator: Reader) -> None:
        answer = coordinator.post(f"{PAGE}/add", {"code": "2105"})
        assert answer.status_code == 200
        assert call_action("organization_show", id="san-carlos-alzatate")
        assert "San Carlos Alzatate (2105)" in texts(coordinator.page(PAGE), "#list")

    def test_an_existing_municipality_cannot_be_selected(
        self, coordinator: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        box = coordinator.page(f"{PAGE}?q=0115").select_one('[name="code"][value="0115"]')
        assert box
        assert box.has_attr("disabled")

    def test_a_code_that_could_not_be_added_stays_ticked_beside_its_error(
        self, coordinator: Reader
    ) -> None:
        CivilSociety(name="san-carlos-alzatate")
        answer = coordinator.post(f"{PAGE}/add", {"q": "jalapa", "code": "2105"})
        page = BeautifulSoup(answer.text, "lxml")
        box, error = page.select_one("#add-2105"), page.select_one("#add-2105-error")
        assert box
        assert box.has_attr("checked")
        assert error
        assert "san-carlos-alzatate" in error.text

    def test_adding_none_gets_400(self, coordinator: Reader) -> None:
        answer = coordinator.post(f"{PAGE}/add", {})
        assert answer.status_code == 400
        assert "alert-danger" in answer.text


class TestOfficers:
    def test_without_a_mail_server_the_link_is_shown_once(
        self, coordinator: Reader, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        answer = invite(coordinator)
        assert answer.status_code == 200
        assert "/user/reset/" in answer.text
        assert "/user/reset/" not in coordinator.get(PAGE).text

    def test_a_pending_invitation_is_listed_and_can_be_repeated(
        self, coordinator: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        invite(coordinator)
        row = coordinator.page(PAGE).select_one("#org-villa-nueva")
        assert row
        assert "luz@example.gt" in row.text
        assert invite(coordinator).status_code == 200

    def test_an_invalid_mail_address_is_an_error_at_its_field(
        self, coordinator: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        answer = invite(coordinator, email="nobody")
        assert answer.status_code == 400
        assert 'value="nobody"' in answer.text
        assert 'role="alert"' in answer.text
