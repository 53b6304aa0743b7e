"""Officers are invited by e-mail, or by a link where there is no mail server."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ckan import model
from ckan.plugins import toolkit as tk
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.marathon.logic import permissions
from tests.factories import CivilSociety, CoordinatingBody, Municipality, officer
from tests.logic import smtp

pytestmark = pytest.mark.usefixtures("marathon_site", "with_request_context")
EMAIL = "agua@sancarlos.example.gt"


def invite(user: str | None, organization: str, email: Any = EMAIL, **more: Any) -> dict[str, Any]:
    context = {"user": user or "", "ignore_auth": False}
    return call_action(
        "marathon_officer_invite", context=context, email=email, organization=organization, **more
    )


def accounts(email: str = EMAIL) -> list[model.User]:
    return model.Session.query(model.User).filter(model.User.email == email).all()


def role_in(organization: str, account: model.User) -> str | None:
    members = call_action("organization_show", id=organization, include_users=True)["users"]
    return next((m["capacity"] for m in members if m["id"] == account.id), None)


@pytest.fixture
def muni() -> str:
    return Municipality(title="Municipalidad de San Carlos Alzatate")["id"]


@pytest.fixture
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
    def test_makes_a_pending_account_and_an_editor(
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

    def test_somebody_with_an_account_becomes_a_member_and_is_told(
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

    def test_the_answer_does_not_say_whether_there_was_an_account(
        self, mailbox: smtp.Mailbox, admin: str, muni: str
    ) -> None:
        factories.User(email=EMAIL)
        known = invite(admin, muni)
        unknown = invite(admin, muni, email="nadie@example.gt")
        assert {**known, "email": ""} == {**unknown, "email": ""}

    def test_a_member_keeps_the_role_they_have(
        self, mailbox: smtp.Mailbox, admin: str, muni: str
    ) -> None:
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

    def test_nobody_is_handed_the_link_to_an_account_in_use(
        self, no_mail: None, admin: str, muni: str
    ) -> None:
        factories.User(email=EMAIL)
        result = invite(admin, muni)
        assert result["link"] is None
        assert role_in(muni, accounts()[0]) == "editor"

    def test_nobody_is_handed_the_link_to_what_others_gave(self, no_mail: None, muni: str) -> None:
        other = CivilSociety()["id"]
        invite(officer(other, "admin")["name"], other)
        result = invite(officer(muni, "admin")["name"], muni)
        assert result["link"] is None
        assert "system administrator" in result["notice"]
        assert invite(factories.Sysadmin()["name"], muni)["link"]

    def test_a_municipality_s_own_admin_gets_the_link(self, no_mail: None, muni: str) -> None:
        assert invite(officer(muni, "admin")["name"], muni)["link"]


class TestRefusals:
    @pytest.mark.parametrize(
        "email", ["", None, "no-es-correo", "a@b@c", "x" * 500, {"a": 1}, [EMAIL], 7]
    )
    def test_a_bad_address_is_an_error_at_its_field(
        self, no_mail: None, admin: str, muni: str, email: Any
    ) -> None:
        with pytest.raises(tk.ValidationError) as caught:
            invite(admin, muni, email=email)
        assert set(caught.value.error_dict) == {"email"}
        assert [u for u in model.Session.query(model.User) if u.state == "pending"] == []

    def test_a_role_that_is_none_is_an_error_at_its_field(
        self, no_mail: None, admin: str, muni: str
    ) -> None:
        with pytest.raises(tk.ValidationError) as caught:
            invite(admin, muni, role="sysadmin")
        assert set(caught.value.error_dict) == {"role"}

    def test_a_sysadmin_is_told_that_an_organisation_does_not_exist(self, no_mail: None) -> None:
        with pytest.raises(tk.ValidationError) as caught:
            invite(factories.Sysadmin()["name"], "no-such")
        assert set(caught.value.error_dict) == {"organization"}

    def test_others_may_not_invite_whether_the_account_exists_or_not(self, muni: str) -> None:
        factories.User(email=EMAIL)
        for email in (EMAIL, "nadie@example.gt", "no-es-correo"):
            for user in (officer(muni)["name"], officer(Municipality()["id"], "admin")["name"], ""):
                with pytest.raises(tk.NotAuthorized):
                    invite(user, muni, email=email)

    def test_the_coordinating_body_does_not_invite_itself(self, no_mail: None, muni: str) -> None:
        body = CoordinatingBody()["id"]
        admin = officer(body, "admin", email="yo@infom.example.gt")
        colleague = officer(body, email="colega@infom.example.gt")
        for person in (admin, colleague):
            email = model.User.get(person["id"]).email
            with pytest.raises(tk.ValidationError) as caught:
                invite(admin["name"], muni, email=email)
            assert set(caught.value.error_dict) == {"email"}
            assert muni not in permissions.standing(person["name"]).capacities

    def test_a_sysadmin_may_add_its_people(self, no_mail: None, muni: str) -> None:
        colleague = officer(CoordinatingBody()["id"], email="colega@infom.example.gt")
        invite(factories.Sysadmin()["name"], muni, email="colega@infom.example.gt")
        assert muni in permissions.standing(colleague["name"]).capacities

    def test_a_deleted_account_does_not_come_back(
        self, no_mail: None, admin: str, muni: str
    ) -> None:
        gone = factories.User(email=EMAIL)
        call_action("user_delete", id=gone["id"])
        assert invite(admin, muni)["link"]
        assert {u.state for u in accounts()} == {"deleted", "pending"}

    def test_an_address_of_odd_letters_gets_a_usable_name(
        self, no_mail: None, admin: str, muni: str
    ) -> None:
        invite(admin, muni, email="_@example.gt")
        assert re.fullmatch(r"[a-z0-9_-]+", accounts("_@example.gt")[0].name)


class TestAtTheSameInstant:
    def test_two_invitations_of_one_address_make_one_account(
        self, no_mail: None, app: Any, admin: str, muni: str
    ) -> None:
        failures: list[BaseException] = []

        def again() -> None:
            try:
                with app.flask_app.test_request_context():
                    invite(admin, muni)
            except BaseException as fault:
                failures.append(fault)
            finally:
                model.Session.remove()

        threads = [threading.Thread(target=again) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(accounts()) == 1


class TestList:
    def test_says_who_is_pending_and_with_which_address(
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

    def test_without_an_organisation_it_is_of_all_municipalities(
        self, admin: str, muni: str
    ) -> None:
        officer(muni)
        officer(Municipality()["id"])
        officer(CivilSociety()["id"])
        context = {"user": admin, "ignore_auth": False}
        people = call_action("marathon_officer_list", context=context)
        assert len(people) == 2


def link_in(text: str) -> str:
    (link,) = set(re.findall(r"http\S+/user/reset/\S+", text))
    return link


def path_of(link: str) -> str:
    return link.removeprefix("http://test.ckan.net")


def accept(app: Any, link: str) -> None:
    password = {"password1": "una-contraseña-larga", "password2": "una-contraseña-larga"}
    assert app.get(path_of(link)).status_code == 200
    app.post(path_of(link), data=password, follow_redirects=False)
    model.Session.expire_all()
