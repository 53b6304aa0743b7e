"""Refused invitations, and answers that do not reveal accounts."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from ckan import model
from ckan.plugins import toolkit as tk
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.marathon.logic import permissions
from tests.factories import CoordinatingBody, Municipality, officer
from tests.logic.asking import act
from tests.logic.inviting import EMAIL, accounts, invite
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

    def test_an_unknown_role_is_an_error_at_its_field(
        self, no_mail: None, admin: str, muni: str
    ) -> None:
        with pytest.raises(tk.ValidationError) as caught:
            invite(admin, muni, role="sysadmin")
        assert set(caught.value.error_dict) == {"role"}

    def test_an_unknown_organisation_is_an_error_for_a_sysadmin(self, no_mail: None) -> None:
        with pytest.raises(tk.ValidationError) as caught:
            invite(factories.Sysadmin()["name"], "no-such")
        assert set(caught.value.error_dict) == {"organization"}

    def test_others_may_not_invite_whether_the_account_exists_or_not(self, muni: str) -> None:
        factories.User(email=EMAIL)
        for user in (officer(muni)["name"], officer(Municipality()["id"], "admin")["name"], ""):
            for email in (EMAIL, "nadie@example.gt"):
                with pytest.raises(tk.NotAuthorized):
                    invite(user, muni, email=email)
            # As in CKAN's own actions, the data are checked before the permissions.
            with pytest.raises(tk.ValidationError):
                invite(user, muni, email="no-es-correo")

    def test_a_group_has_no_officers(self) -> None:
        person = factories.User()
        group = factories.Group(user=person)["id"]
        with pytest.raises(tk.NotAuthorized):
            invite(person["name"], group)
        with pytest.raises(tk.NotAuthorized):
            act("marathon_officer_list", person, organization=group)

    def test_a_coordinating_admin_cannot_invite_people_of_the_coordinating_body(
        self, no_mail: None, muni: str
    ) -> None:
        body = CoordinatingBody()["id"]
        admin = officer(body, "admin", email="yo@infom.example.gt")
        colleague = officer(body, email="colega@infom.example.gt")
        for person in (admin, colleague):
            email = model.User.get(person["id"]).email
            with pytest.raises(tk.ValidationError) as caught:
                invite(admin["name"], muni, email=email)
            assert set(caught.value.error_dict) == {"email"}
            assert muni not in permissions.read_standing(person["name"]).capacities

    def test_a_sysadmin_may_invite_people_of_the_coordinating_body(
        self, no_mail: None, muni: str
    ) -> None:
        colleague = officer(CoordinatingBody()["id"], email="colega@infom.example.gt")
        invite(factories.Sysadmin()["name"], muni, email="colega@infom.example.gt")
        assert muni in permissions.read_standing(colleague["name"]).capacities

    def test_inviting_the_address_of_a_deleted_account_creates_another(
        self, no_mail: None, admin: str, muni: str
    ) -> None:
        gone = factories.User(email=EMAIL)
        call_action("user_delete", id=gone["id"])
        assert invite(admin, muni)["link"]
        assert {u.state for u in accounts()} == {"deleted", "pending"}

    def test_a_mail_address_with_odd_letters_gives_a_valid_user_name(
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
