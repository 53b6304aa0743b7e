"""An admin hands over to a successor: what ends, what stays, and who may do it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from ckan import model
from ckan.plugins import toolkit as tk
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.marathon.logic import permissions
from ckanext.marathon.model import account
from tests.factories import CivilSociety, CoordinatingBody, MarathonDataset, Municipality, officer
from tests.logic import smtp
from tests.logic.asking import act
from tests.logic.inviting import EMAIL, accept, accounts, invite, link_in, role_in
from tests.remembered import remembered

pytestmark = pytest.mark.usefixtures("marathon_site", "with_request_context")


@pytest.fixture
@remembered
def muni() -> str:
    return Municipality(title="Municipalidad de San Carlos Alzatate")["id"]


@pytest.fixture
def no_mail(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ckan_config, "smtp.server", "")


@pytest.fixture
def mailbox(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[smtp.Mailbox]:
    with smtp.server() as (mailbox, address):
        monkeypatch.setitem(ckan_config, "smtp.server", address)
        yield mailbox


def hand_over(user: str | None, organization: str, leaving: str, **more: Any) -> dict[str, Any]:
    context = {"user": user or "", "ignore_auth": False}
    data = {"organization": organization, "user": leaving, **more}
    return call_action("marathon_officer_handover", context=context, **data)


def preview(user: str, organization: str, leaving: str) -> dict[str, Any]:
    context = {"user": user, "ignore_auth": False}
    return call_action(
        "marathon_officer_departure_show", context=context, organization=organization, user=leaving
    )


def state_of(name: str) -> str:
    model.Session.expire_all()
    return model.User.get(name).state


def tokens_of(user_id: str) -> int:
    return account.count_tokens(user_id, None)


def is_member(name: str, organization: str) -> bool:
    return organization in permissions.read_standing(name).capacities


@pytest.mark.usefixtures("no_mail")
class TestOneStep:
    def test_the_successor_is_invited_and_the_membership_of_the_leaver_ends(
        self, app: Any, muni: str
    ) -> None:
        leaving = officer(muni, "admin")
        result = hand_over(leaving["name"], muni, leaving["name"], email=EMAIL)
        (successor,) = accounts()
        assert role_in(muni, successor) == "admin"
        assert not is_member(leaving["name"], muni)
        assert result["account_closed"] is True
        assert state_of(leaving["name"]) == "deleted"
        accept(app, result["invitation"]["link"])
        assert accounts()[0].state == "active"

    def test_tokens_and_sessions_end_with_the_membership(self, muni: str) -> None:
        admin, leaving = officer(muni, "admin"), officer(muni, "editor")
        factories.APIToken(user=leaving["id"])
        factories.APIToken(user=leaving["id"])
        before = account.read_session_number(model.User.get(leaving["id"]))
        result = hand_over(admin["name"], muni, leaving["name"])
        assert result["tokens_revoked"] == 2
        assert tokens_of(leaving["id"]) == 0
        assert account.read_session_number(model.User.get(leaving["id"])) != before

    def test_the_account_stays_open_if_it_has_another_organisation(self, muni: str) -> None:
        admin, leaving = officer(muni, "admin"), officer(muni, "editor")
        other = CivilSociety()["id"]
        call_action("organization_member_create", id=other, username=leaving["id"], role="editor")
        factories.APIToken(user=leaving["id"])
        shown = preview(admin["name"], muni, leaving["name"])
        assert (shown["account"], shown["tokens"]) == ("other_organization", 1)
        result = hand_over(admin["name"], muni, leaving["name"])
        assert result["account_closed"] is False
        assert result["tokens_revoked"] == 1
        assert state_of(leaving["name"]) == "active"
        assert is_member(leaving["name"], other)
        assert not is_member(leaving["name"], muni)

    def test_what_the_leaver_published_stays(self, muni: str) -> None:
        admin, leaving = officer(muni, "admin"), officer(muni, "editor")
        dataset = MarathonDataset(owner_org=muni, user=leaving["name"])
        hand_over(admin["name"], muni, leaving["name"])
        assert call_action("package_show", id=dataset["id"])["state"] == "active"

    def test_collaborations_on_datasets_of_the_organisation_end(
        self, ckan_config: Any, monkeypatch: pytest.MonkeyPatch, muni: str
    ) -> None:
        monkeypatch.setitem(ckan_config, "ckan.auth.allow_dataset_collaborators", True)
        admin, leaving = officer(muni, "admin"), officer(muni, "editor")
        other = CivilSociety()["id"]
        call_action("organization_member_create", id=other, username=leaving["id"], role="editor")
        ids = [MarathonDataset(owner_org=muni)["id"], MarathonDataset(owner_org=other)["id"]]
        for id_ in ids:
            call_action(
                "package_collaborator_create", id=id_, user_id=leaving["id"], capacity="editor"
            )
        hand_over(admin["name"], muni, leaving["name"])
        left = model.Session.query(model.PackageMember.package_id).filter_by(user_id=leaving["id"])
        assert [row[0] for row in left] == [ids[1]]

    def test_a_member_who_succeeds_an_admin_gets_the_role(self, muni: str) -> None:
        leaving, editor = officer(muni, "admin"), officer(muni, "editor", email=EMAIL)
        hand_over(leaving["name"], muni, leaving["name"], email=EMAIL)
        assert role_in(muni, model.User.get(editor["id"])) == "admin"

    def test_a_successor_who_is_admin_keeps_that_role(self, muni: str) -> None:
        admin = officer(muni, "admin", email=EMAIL)
        leaving = officer(muni, "editor")
        result = hand_over(admin["name"], muni, leaving["name"], email=EMAIL)
        assert result["invitation"]["role"] == "admin"
        assert role_in(muni, model.User.get(admin["id"])) == "admin"

    def test_an_invitation_that_was_not_accepted_is_withdrawn(self, app: Any, muni: str) -> None:
        admin = officer(muni, "admin")["name"]
        link = invite(admin, muni)["link"]
        (invited,) = accounts()
        result = hand_over(admin, muni, invited.name)
        assert result["account_closed"] is True
        assert app.get(link.removeprefix("http://test.ckan.net")).status_code == 403
        # Also if a system administrator opens the account again.
        assert not model.User.get(invited.id).reset_key
        # The address can be invited again.
        assert invite(admin, muni)["link"]

    def test_nothing_happens_if_the_successor_is_refused(self, muni: str) -> None:
        leaving = officer(muni, "admin")
        with pytest.raises(tk.ValidationError) as caught:
            hand_over(leaving["name"], muni, leaving["name"], email="no-es-correo")
        assert set(caught.value.error_dict) == {"email"}
        assert is_member(leaving["name"], muni)
        assert state_of(leaving["name"]) == "active"

    def test_the_record_of_changes_has_who_left_and_who_came(self, muni: str) -> None:
        admin, leaving = officer(muni, "admin"), officer(muni, "editor")
        factories.APIToken(user=leaving["id"])
        hand_over(admin["name"], muni, leaving["name"], email=EMAIL)
        entries = act(
            "marathon_change_list", {"name": admin["name"]}, organization=muni, kind="member"
        )["results"]
        ended = next(entry for entry in entries if entry["record"] == leaving["id"])
        assert ended["action"] == "deleted"
        changes = {change["field"]: (change["old"], change["new"]) for change in ended["changes"]}
        assert changes["capacity"] == ("editor", None)
        assert changes["api_tokens"] == ("1", "0")
        assert changes["successor"] == (None, accounts()[0].name)
        came = next(entry for entry in entries if entry["record"] == accounts()[0].id)
        assert came["action"] == "created"


@pytest.mark.usefixtures("no_mail")
class TestAccountsThatStay:
    def test_the_account_of_a_sysadmin_is_left_alone(self, muni: str) -> None:
        admin, sysadmin = officer(muni, "admin"), factories.Sysadmin()
        call_action("organization_member_create", id=muni, username=sysadmin["id"], role="editor")
        factories.APIToken(user=sysadmin["id"])
        assert preview(admin["name"], muni, sysadmin["name"])["account"] == "sysadmin"
        result = hand_over(admin["name"], muni, sysadmin["name"])
        assert (result["account_closed"], result["sessions_ended"]) == (False, False)
        assert tokens_of(sysadmin["id"]) == 1
        assert state_of(sysadmin["name"]) == "active"
        assert not is_member(sysadmin["name"], muni)

    def test_an_account_older_than_its_membership_is_not_closed(self, muni: str) -> None:
        admin, stranger = officer(muni, "admin"), factories.User(email=EMAIL)
        factories.APIToken(user=stranger["id"])
        old = model.User.get(stranger["id"])
        old.created -= timedelta(days=3)
        for token in old.api_tokens:
            token.created_at -= timedelta(days=2)
        model.repo.commit()
        invite(admin["name"], muni)
        factories.APIToken(user=stranger["id"])
        shown = preview(admin["name"], muni, stranger["name"])
        assert (shown["account"], shown["tokens"]) == ("older", 1)
        result = hand_over(admin["name"], muni, stranger["name"])
        assert (result["account_closed"], result["tokens_revoked"]) == (False, 1)
        assert tokens_of(stranger["id"]) == 1
        assert state_of(stranger["name"]) == "active"


@pytest.mark.usefixtures("no_mail")
class TestLastAdmin:
    def test_the_last_admin_cannot_leave_without_a_successor(self, muni: str) -> None:
        admin = officer(muni, "admin")["name"]
        officer(muni, "editor")
        assert preview(admin, muni, admin)["is_last_admin"] is True
        with pytest.raises(tk.ValidationError) as caught:
            hand_over(admin, muni, admin)
        assert set(caught.value.error_dict) == {"email"}
        assert is_member(admin, muni)

    def test_the_successor_of_the_last_admin_is_an_admin(self, muni: str) -> None:
        admin = officer(muni, "admin")["name"]
        with pytest.raises(tk.ValidationError) as caught:
            hand_over(admin, muni, admin, email=EMAIL, role="editor")
        assert set(caught.value.error_dict) == {"role"}
        assert accounts() == []

    def test_an_invited_admin_who_has_not_accepted_does_not_count(self, muni: str) -> None:
        admin = officer(muni, "admin")["name"]
        invite(admin, muni, role="admin")
        with pytest.raises(tk.ValidationError):
            hand_over(admin, muni, admin)
        assert hand_over(admin, muni, admin, email=EMAIL)["invitation"]["link"]

    def test_one_of_two_admins_may_leave_without_a_successor(self, muni: str) -> None:
        admin, other = officer(muni, "admin")["name"], officer(muni, "admin")["name"]
        assert hand_over(admin, muni, admin)["invitation"] is None
        assert is_member(other, muni)

    def test_the_leaver_is_not_their_own_successor(self, muni: str) -> None:
        admin = officer(muni, "admin", email=EMAIL)["name"]
        with pytest.raises(tk.ValidationError) as caught:
            hand_over(admin, muni, admin, email=EMAIL.upper())
        assert set(caught.value.error_dict) == {"email"}


@pytest.mark.usefixtures("no_mail")
class TestPermissions:
    def test_others_may_not_end_a_membership_or_see_what_would_end(self, muni: str) -> None:
        leaving = officer(muni, "editor")["name"]
        coordinator = officer(CoordinatingBody()["id"], "admin")["name"]
        of_another = officer(Municipality()["id"], "admin")["name"]
        for user in (leaving, coordinator, of_another, factories.User()["name"], ""):
            for ask in (hand_over, preview):
                with pytest.raises(tk.NotAuthorized):
                    ask(user, muni, leaving)
        assert is_member(leaving, muni)

    def test_a_sysadmin_may_hand_over_for_an_organisation(self, muni: str) -> None:
        leaving = officer(muni, "admin")["name"]
        sysadmin = factories.Sysadmin()["name"]
        assert hand_over(sysadmin, muni, leaving, email=EMAIL)["invitation"]["link"]
        assert not is_member(leaving, muni)

    def test_an_unknown_person_and_one_of_another_organisation_get_the_same_error(
        self, muni: str
    ) -> None:
        admin = officer(muni, "admin")["name"]
        elsewhere = officer(Municipality()["id"], "admin")["name"]
        deleted = officer(muni, "editor")["name"]
        call_action("user_delete", id=deleted)
        errors = []
        for leaving in (elsewhere, deleted, "nobody-of-this-name"):
            for ask in (hand_over, preview):
                with pytest.raises(tk.ValidationError) as caught:
                    ask(admin, muni, leaving)
                errors.append(caught.value.error_dict)
        assert all(error == errors[0] for error in errors)
        assert set(errors[0]) == {"user"}

    @pytest.mark.parametrize("value", [None, "", ["a"], {"a": 1}, "\x00", 7])
    def test_odd_values_are_errors_and_not_failures(self, muni: str, value: Any) -> None:
        admin = officer(muni, "admin")["name"]
        context = {"user": admin, "ignore_auth": False}
        for field in ("organization", "user"):
            data = {"organization": muni, "user": admin, "email": EMAIL, field: value}
            with pytest.raises((tk.ValidationError, tk.NotAuthorized)):
                call_action("marathon_officer_handover", context=context, **data)
        assert is_member(admin, muni)


class TestMail:
    def test_the_invitation_names_the_inviter_and_the_last_day(
        self, mailbox: smtp.Mailbox, muni: str
    ) -> None:
        admin = officer(muni, "admin", fullname="Licda. Ejemplo")["name"]
        result = invite(admin, muni)
        text = mailbox.text()
        assert "Licda. Ejemplo le invita a publicar los datos de Municipalidad de San" in text
        assert "Licda. Ejemplo invites you to publish the data of Municipalidad de San" in text
        assert "a más tardar el" in text
        assert link_in(text)
        assert result["until"] is None

    def test_the_leaver_is_told_if_somebody_else_ended_the_membership(
        self, mailbox: smtp.Mailbox, muni: str
    ) -> None:
        admin, leaving = officer(muni, "admin")["name"], officer(muni, "editor")
        hand_over(admin, muni, leaving["name"])
        text = mailbox.text()
        assert "ha terminado" in text
        assert "has ended" in text
        mailbox.messages.clear()
        hand_over(admin, muni, admin, email=EMAIL)
        assert [message["To"] for message in mailbox.messages if EMAIL not in message["To"]] == []

    def test_a_name_with_line_breaks_stays_one_line(self, mailbox: smtp.Mailbox, muni: str) -> None:
        admin = officer(muni, "admin", fullname="Ana\r\nBcc: x@example.gt")["name"]
        assert invite(admin, muni)["mail_sent"] is True
        assert "Ana Bcc: x@example.gt le invita" in mailbox.text()


@pytest.mark.usefixtures("no_mail")
class TestAtTheSameInstant:
    def test_two_admins_cannot_end_each_other_and_leave_nobody(self, app: Any, muni: str) -> None:
        names = [officer(muni, "admin")["name"] for _ in range(2)]
        one, other = names
        calls = [lambda: hand_over(one, muni, other), lambda: hand_over(other, muni, one)]
        outcomes = at_once(app, calls)
        assert sorted(map(type_name, outcomes)) == ["NotAuthorized", "dict"]
        assert sum(is_member(name, muni) for name in names) == 1

    def test_two_admins_cannot_both_leave_without_a_successor(self, app: Any, muni: str) -> None:
        names = [officer(muni, "admin")["name"] for _ in range(2)]
        outcomes = at_once(app, [lambda a=a: hand_over(a, muni, a) for a in names])
        assert sorted(map(type_name, outcomes)) == ["ValidationError", "dict"]
        assert sum(is_member(name, muni) for name in names) == 1

    def test_a_handover_sent_twice_is_done_once(self, app: Any, muni: str) -> None:
        admin, leaving = officer(muni, "admin")["name"], officer(muni, "editor")["name"]
        ask = lambda: hand_over(admin, muni, leaving, email=EMAIL)  # noqa: E731
        outcomes = at_once(app, [ask] * 4)
        assert sorted(map(type_name, outcomes)) == ["ValidationError"] * 3 + ["dict"]
        assert len(accounts()) == 1

    def test_crossed_handovers_of_two_organisations_do_not_block_each_other(
        self, app: Any, muni: str
    ) -> None:
        other = CivilSociety()["id"]
        one = officer(muni, "admin", email="uno@example.gt")["name"]
        two = officer(other, "admin", email="dos@example.gt")["name"]
        outcomes = at_once(
            app,
            [
                lambda: hand_over(one, muni, one, email="dos@example.gt"),
                lambda: hand_over(two, other, two, email="uno@example.gt"),
            ],
        )
        assert "OperationalError" not in map(type_name, outcomes)
        assert "dict" in map(type_name, outcomes)


def type_name(outcome: object) -> str:
    return type(outcome).__name__


def at_once(app: Any, calls: list[Any]) -> list[Any]:
    """Return what concurrent calls return or raise."""
    outcomes: list[Any] = []

    def run(call: Any) -> None:
        try:
            with app.flask_app.test_request_context():
                outcomes.append(call())
        except BaseException as fault:
            outcomes.append(fault)
        finally:
            model.Session.remove()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
