"""The coordinating body adds municipalities and invites officers in the browser."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.tests.helpers import call_action

from tests.factories import officer

from .conftest import Reader
from .test_pages import texts

pytestmark = pytest.mark.usefixtures("marathon_site")

PAGE = "/marathon/municipality"


def invite(reader: Reader, **fields: str) -> Any:
    sent = {"organization": "villa-nueva", "email": "luz@example.gt", "role": "editor", **fields}
    return reader.post(f"{PAGE}/invite", sent)


class TestWhoMay:
    def test_nobody_in_particular_is_sent_to_log_in(self, visitor: Reader) -> None:
        answer = visitor.get(PAGE)
        assert answer.status_code == 302
        assert "/user/login" in answer.location

    def test_an_officer_is_told_that_it_is_not_for_them(self, editor: Reader) -> None:
        assert editor.get(PAGE).status_code == 403
        assert editor.post(f"{PAGE}/add", {"code": "2105"}).status_code == 403
        assert invite(editor).status_code == 403

    def test_a_municipality_invites_its_officers_elsewhere(
        self, reader: Any, villa_nueva: dict[str, Any]
    ) -> None:
        own = reader(officer(villa_nueva["id"], "admin"))
        assert invite(own).status_code == 403
        assert call_action("user_list", email="luz@example.gt") == []

    def test_what_no_organisation_is_called_is_refused(self, coordinator: Reader) -> None:
        assert invite(coordinator, organization="\x00").status_code in {400, 403}

    def test_its_editors_are_told_too(self, reader: Any, coordinator: Reader) -> None:
        body = call_action("organization_show", id="infom")
        assert reader(officer(body["id"], "editor")).get(PAGE).status_code == 403


class TestMunicipalities:
    def test_one_is_found_by_name_or_code(self, coordinator: Reader) -> None:
        for words in ("alzatate", "2105", "San Carlos Alzatate"):
            boxes = coordinator.page(f"{PAGE}?q={words}").select('[name="code"]')
            assert "2105" in [box["value"] for box in boxes], words

    def test_one_is_added_and_then_listed(self, coordinator: Reader) -> None:
        answer = coordinator.post(f"{PAGE}/add", {"code": "2105"})
        assert answer.status_code == 200
        assert call_action("organization_show", id="san-carlos-alzatate")
        assert "San Carlos Alzatate (2105)" in texts(coordinator.page(PAGE), "#list")

    def test_one_that_is_there_cannot_be_ticked(
        self, coordinator: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        box = coordinator.page(f"{PAGE}?q=0115").select_one('[name="code"][value="0115"]')
        assert box
        assert box.has_attr("disabled")

    def test_adding_nothing_says_what_is_missing(self, coordinator: Reader) -> None:
        answer = coordinator.post(f"{PAGE}/add", {})
        assert answer.status_code == 400
        assert "alert-danger" in answer.text


class TestOfficers:
    def test_where_no_mail_goes_out_the_link_is_shown_once(
        self, coordinator: Reader, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        answer = invite(coordinator)
        assert answer.status_code == 200
        assert "/user/reset/" in answer.text
        assert "/user/reset/" not in coordinator.get(PAGE).text

    def test_an_invitation_that_waits_is_listed_and_can_be_repeated(
        self, coordinator: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        invite(coordinator)
        row = coordinator.page(PAGE).select_one("#org-villa-nueva")
        assert row
        assert "luz@example.gt" in row.text
        assert invite(coordinator).status_code == 200

    def test_an_address_that_is_none_is_said_where_it_was_typed(
        self, coordinator: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        answer = invite(coordinator, email="nobody")
        assert answer.status_code == 400
        assert 'value="nobody"' in answer.text
        assert 'role="alert"' in answer.text
