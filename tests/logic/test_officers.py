"""Officers are invited by e-mail, or by a link where there is no mail server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action

from tests.factories import CivilSociety, CoordinatingBody, Municipality, officer
from tests.logic import smtp
from tests.logic.inviting import EMAIL, accept, accounts, invite, link_in, path_of, role_in
from tests.remembered import remembered

pytestmark = pytest.mark.usefixtures("marathon_site", "with_request_context")


@pytest.fixture
@remembered
def muni() -> str:
    return Municipality(title="Municipalidad de San Carlos Alzatate")["id"]


@pytest.fixture
@remembered
def admin() -> str:
    return officer(CoordinatingBody()["id"], "admin")["name"]


@pytest.fixture
def no_mail(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ckan_config, "smtp.server", "")


@pytest.fixture
def mailbox(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[smtp.Mailbox]:
    with smtp.server() as (mailbox, address):
        monkeypatch.setitem(ckan_config, "smtp.server", address)
        yield mailbox


class TestByMail:
    def test_an_invitation_creates_a_pending_account_with_the_role_editor(
        self, mailbox: smtp.Mailbox, admin: str, muni: str
    ) -> None:
        result = invite(admin, muni)
        (account,) = accounts()
        assert account.state == "pending"
        assert account.name.startswith("agua-")
        assert role_in(muni, account) == "editor"
        assert result["mail_sent"] is True
        assert result["link"] is None

    def test_the_mail_is_spanish_with_english_beside_it(
        self, mailbox: smtp.Mailbox, admin: str, muni: str
    ) -> None:
        invite(admin, muni, role="admin")
        (message,) = mailbox.messages
        assert message["To"].endswith(f"<{EMAIL}>")
        assert message["Subject"] == "Invitación a CKAN / Invitation to CKAN"
        text = mailbox.text()
        assert "publicar los datos de Municipalidad de San Carlos Alzatate" in text
        assert "publish the data of Municipalidad de San Carlos Alzatate" in text
        assert "administración" in text
        assert "administrator" in text

    def test_names_in_the_mail_are_not_escaped(self, mailbox: smtp.Mailbox, admin: str) -> None:
        muni = Municipality(title='Niñas & Niños <a>\'s "Muni"')
        invite(admin, muni["id"])
        assert 'Niñas & Niños <a>\'s "Muni"' in mailbox.text()

    def test_the_link_of_the_mail_opens_the_account(
        self, app: Any, mailbox: smtp.Mailbox, admin: str, muni: str
    ) -> None:
        invite(admin, muni)
        accept(app, link_in(mailbox.text()))
        (account,) = accounts()
        assert account.state == "active"
        assert account.validate_password("una-contraseña-larga")

    def test_a_second_invitation_renews_the_link(
        self, app: Any, mailbox: smtp.Mailbox, admin: str, muni: str
    ) -> None:
        invite(admin, muni)
        first = link_in(mailbox.text())
        mailbox.messages.clear()
        invite(admin, muni)
        second = link_in(mailbox.text())
        assert len(accounts()) == 1
        assert first != second
        app.get(path_of(first), status=403)
        accept(app, second)

    def test_an_existing_account_becomes_a_member_and_gets_a_mail(
        self, mailbox: smtp.Mailbox, admin: str, muni: str
    ) -> None:
        there = factories.User(email=EMAIL)
        key = model.User.get(there["id"]).reset_key
        result = invite(admin, muni, email=EMAIL.upper())
        (account,) = accounts()
        assert account.id == there["id"]
        assert account.state == "active"
        assert account.reset_key == key
        assert role_in(muni, account) == "editor"
        assert result["mail_sent"] is True
        assert "/user/login" in mailbox.text()
        assert "/user/reset" not in mailbox.text()

    def test_the_answer_does_not_reveal_whether_there_was_an_account(
        self, mailbox: smtp.Mailbox, admin: str, muni: str
    ) -> None:
        factories.User(email=EMAIL)
        known = invite(admin, muni)
        unknown = invite(admin, muni, email="nadie@example.gt")
        assert {**known, "email": ""} == {**unknown, "email": ""}

    def test_a_member_keeps_their_role(self, mailbox: smtp.Mailbox, admin: str, muni: str) -> None:
        officer(muni, "admin", email=EMAIL)
        assert invite(admin, muni, role="member")["role"] == "admin"
        assert role_in(muni, accounts()[0]) == "admin"


class TestWithoutMail:
    def test_the_inviter_gets_a_link_that_works_once(
        self, app: Any, no_mail: None, admin: str, muni: str
    ) -> None:
        result = invite(admin, muni)
        assert result["mail_sent"] is False
        assert "once" in result["notice"]
        accept(app, result["link"])
        assert accounts()[0].state == "active"
        app.get(path_of(result["link"]), status=403)

    def test_the_account_survives_a_mail_that_is_refused(
        self, app: Any, mailbox: smtp.Mailbox, admin: str, muni: str
    ) -> None:
        mailbox.refuse = True
        result = invite(admin, muni)
        assert result["mail_sent"] is False
        accept(app, result["link"])

    def test_the_account_survives_a_server_that_is_not_there(
        self, ckan_config: Any, monkeypatch: pytest.MonkeyPatch, admin: str, muni: str
    ) -> None:
        monkeypatch.setitem(ckan_config, "smtp.server", "127.0.0.1:1")
        result = invite(admin, muni)
        assert result["link"]
        assert role_in(muni, accounts()[0]) == "editor"

    def test_the_account_survives_a_site_that_has_no_address_to_send_from(
        self, ckan_config: Any, mailbox: smtp.Mailbox, monkeypatch: pytest.MonkeyPatch, muni: str
    ) -> None:
        monkeypatch.setitem(ckan_config, "smtp.mail_from", None)
        result = invite(officer(muni, "admin")["name"], muni)
        assert result["mail_sent"] is False
        assert result["link"]
        assert role_in(muni, accounts()[0]) == "editor"
        assert not mailbox.messages

    def test_the_account_survives_a_half_configured_login(
        self, ckan_config: Any, mailbox: smtp.Mailbox, monkeypatch: pytest.MonkeyPatch, muni: str
    ) -> None:
        monkeypatch.setitem(ckan_config, "smtp.user", "marathon")
        assert invite(officer(muni, "admin")["name"], muni)["link"]

    def test_the_link_to_an_active_account_is_not_shown(
        self, no_mail: None, admin: str, muni: str
    ) -> None:
        factories.User(email=EMAIL)
        result = invite(admin, muni)
        assert result["link"] is None
        assert role_in(muni, accounts()[0]) == "editor"

    def test_the_link_to_an_account_invited_by_others_is_shown_to_sysadmins_only(
        self, no_mail: None, muni: str
    ) -> None:
        other = CivilSociety()["id"]
        invite(officer(other, "admin")["name"], other)
        result = invite(officer(muni, "admin")["name"], muni)
        assert result["link"] is None
        assert "system administrator" in result["notice"]
        assert invite(factories.Sysadmin()["name"], muni)["link"]

    def test_an_admin_of_the_municipality_gets_the_link(self, no_mail: None, muni: str) -> None:
        assert invite(officer(muni, "admin")["name"], muni)["link"]


class TestList:
    def test_the_list_has_state_and_address_of_each_officer(
        self, no_mail: None, admin: str, muni: str
    ) -> None:
        invite(admin, muni)
        active = officer(muni, "admin", email="alcaldia@example.gt")
        people = call_action(
            "marathon_officer_list",
            context={"user": admin, "ignore_auth": False},
            organization=muni,
        )
        by_state = {person["state"]: person for person in people}
        assert by_state["pending"]["email"] == EMAIL
        assert by_state["active"]["email"] is None
        assert by_state["active"]["name"] == active["name"]
        assert by_state["active"]["role"] == "admin"
        assert by_state["pending"]["organization"]["id"] == muni
        assert by_state["pending"]["organization"]["municipality_code"]

    def test_without_an_organisation_officers_of_all_municipalities_are_listed(
        self, admin: str, muni: str
    ) -> None:
        officer(muni)
        officer(Municipality()["id"])
        officer(CivilSociety()["id"])
        context = {"user": admin, "ignore_auth": False}
        people = call_action("marathon_officer_list", context=context)
        assert len(people) == 2
