"""The people of an organisation: inviting, withdrawing, and handing over in the browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckan.lib.redis import connect_to_redis
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.marathon.logic import permissions
from ckanext.marathon.model import account
from ckanext.marathon.views import rate_limit
from tests.factories import CivilSociety, officer

from .conftest import Reader
from .test_account import PASSWORD, Person

pytestmark = pytest.mark.usefixtures("marathon_site")

PAGE = "/organization/villa-nueva/officers"
EMAIL = "sucesora@example.gt"


@pytest.fixture(autouse=True)
def no_mail(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ckan_config, "smtp.server", "")


@pytest.fixture
def admin(app: Any, villa_nueva: dict[str, Any]) -> Reader:
    return Reader(app, officer(villa_nueva["id"], "admin", fullname="Ana Ejemplo"))


def leave_path(name: str) -> str:
    return f"{PAGE}/{name}/leave"


def confirm(reader: Reader, name: str, **fields: str) -> Any:
    return reader.post(leave_path(name), {"step": "confirm", **fields})


def hidden_of(answer: Any) -> dict[str, str]:
    form = BeautifulSoup(answer.text, "lxml").select_one('form:has([name="step"][value="do"])')
    assert form, answer.text
    return {box["name"]: box.get("value", "") for box in form.select("[name]")}  # type: ignore[misc]


def link_in(answer: Any) -> str:
    found = BeautifulSoup(answer.text, "lxml").select_one("#one-time-link")
    assert found, answer.text
    return str(found["value"])


def is_member(name: str, organization: str) -> bool:
    model.Session.remove()
    return organization in permissions.read_standing(name).capacities


class TestPage:
    def test_an_admin_of_a_municipality_invites_and_gets_a_link_to_copy(
        self, admin: Reader
    ) -> None:
        answer = admin.post(f"{PAGE}/invite", {"email": EMAIL, "role": "admin"})
        assert answer.status_code == 200
        assert "/user/reset/" in link_in(answer)
        assert "no-store" in answer.headers["Cache-Control"]
        page = admin.page(PAGE)
        assert EMAIL in page.select_one("#people").text  # type: ignore[union-attr]
        assert "/user/reset/" not in page.text

    def test_the_link_of_an_invitation_ends(self, app: Any, admin: Reader, visitor: Reader) -> None:
        answer = admin.post(f"{PAGE}/invite", {"email": EMAIL, "role": "editor"})
        path = link_in(answer).removeprefix("http://test.ckan.net")
        assert visitor.get(path).status_code == 200
        invited = model.User.by_email(EMAIL)
        assert invited
        account.write_invitation_end(invited, datetime.now(UTC) - timedelta(seconds=1))
        model.repo.commit()
        for answer in (visitor.get(path), visitor.post(path, {"password1": "x"})):
            assert answer.status_code == 403
            assert "invitation has ended" in answer.text
        assert "ended" in admin.page(PAGE).select_one("#people").text  # type: ignore[union-attr]
        again = admin.post(f"{PAGE}/invite", {"email": EMAIL, "role": "editor"})
        path = link_in(again).removeprefix("http://test.ckan.net")
        assert visitor.get(path).status_code == 200

    def test_an_invalid_address_stays_in_the_form_with_its_error(self, admin: Reader) -> None:
        answer = admin.post(f"{PAGE}/invite", {"email": "nadie", "role": "editor"})
        assert answer.status_code == 400
        page = BeautifulSoup(answer.text, "lxml")
        box = page.select_one("#field-email")
        assert box
        assert (box["value"], box["aria-invalid"]) == ("nadie", "true")
        assert page.select_one("#email-error")

    def test_an_invitation_sent_twice_keeps_its_link(self, admin: Reader) -> None:
        token = admin.page(PAGE).select_one('#invite [name="token"]')["value"]  # type: ignore[index]
        sent = {"email": EMAIL, "role": "editor", "token": str(token)}
        links = [link_in(admin.post(f"{PAGE}/invite", sent)) for _ in range(2)]
        assert links[0] == links[1]

    def test_the_coordinating_body_invites_and_ends_nothing(
        self, coordinator: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        name = officer(villa_nueva["id"])["name"]
        page = coordinator.page(PAGE)
        assert page.select_one("#field-email")
        assert not page.select('a[href$="/leave"]')
        assert coordinator.get(leave_path(name)).status_code == 403
        assert confirm(coordinator, name).status_code == 403
        answer = coordinator.post(f"{PAGE}/invite", {"email": EMAIL, "role": "editor"})
        assert answer.status_code == 200

    def test_others_do_not_see_the_page(
        self, app: Any, editor: Reader, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        of_another = Reader(app, officer(CivilSociety()["id"], "admin"))
        for person in (editor, of_another):
            assert person.get(PAGE).status_code == 403
            assert person.get(leave_path(editor.name)).status_code == 403
            answer = person.post(f"{PAGE}/invite", {"email": EMAIL, "role": "editor"})
            assert answer.status_code == 403
        assert "/user/login" in visitor.get(PAGE).location
        assert "/user/login" in visitor.get(leave_path(editor.name)).location

    @pytest.mark.parametrize("name", ["no-such", "%00", "x" * 300])
    def test_an_unknown_organisation_or_person_is_no_failure(
        self, admin: Reader, name: str
    ) -> None:
        assert admin.get(f"/organization/{name}/officers").status_code in {400, 404}
        assert admin.get(leave_path(name)).status_code == 400

    def test_the_page_of_the_organisation_leads_here(self, admin: Reader, editor: Reader) -> None:
        for person, count in ((admin, 1), (editor, 0)):
            page = person.page("/organization/villa-nueva")
            assert len(page.select(f'a[href="{PAGE}"]')) == count


class TestHandover:
    def test_the_first_page_does_nothing_and_the_second_says_what_will_happen(
        self, admin: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        leaving = officer(villa_nueva["id"], fullname="Beto Ejemplo")
        factories.APIToken(user=leaving["id"])
        answer = confirm(admin, leaving["name"], email=EMAIL, role="editor")
        assert answer.status_code == 200
        lines = [
            line.text for line in BeautifulSoup(answer.text, "lxml").select(".marathon-plan li")
        ]
        text = "\n".join(lines)
        for words in (EMAIL, "no e-mail", "Beto Ejemplo no longer belongs", "is closed"):
            assert words in text
        assert "1 API token of Beto Ejemplo stops" in text
        assert is_member(leaving["name"], villa_nueva["id"])
        assert model.User.by_email(EMAIL) is None

    def test_what_was_confirmed_is_done_and_the_link_is_shown(
        self, admin: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        leaving = officer(villa_nueva["id"])
        answer = confirm(admin, leaving["name"], email=EMAIL, role="editor")
        done = admin.post(leave_path(leaving["name"]), hidden_of(answer))
        assert done.status_code == 200
        assert "/user/reset/" in link_in(done)
        assert not is_member(leaving["name"], villa_nueva["id"])
        assert model.User.get(leaving["name"]).state == "deleted"

    def test_if_something_changed_meanwhile_it_asks_again(
        self, admin: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        leaving = officer(villa_nueva["id"])
        sent = hidden_of(confirm(admin, leaving["name"]))
        other = CivilSociety()["id"]
        call_action("organization_member_create", id=other, username=leaving["id"], role="editor")
        answer = admin.post(leave_path(leaving["name"]), sent)
        assert answer.status_code == 400
        assert "something has changed" in answer.text
        assert is_member(leaving["name"], villa_nueva["id"])
        answer = admin.post(leave_path(leaving["name"]), hidden_of(answer))
        assert answer.status_code == 200
        assert not is_member(leaving["name"], villa_nueva["id"])
        assert model.User.get(leaving["name"]).state == "active"

    def test_the_last_admin_must_name_a_successor(self, admin: Reader) -> None:
        page = admin.page(leave_path(admin.name))
        assert page.select_one("#field-email[required]")
        answer = confirm(admin, admin.name)
        assert answer.status_code == 400
        assert "successor" in BeautifulSoup(answer.text, "lxml").select_one("#email-error").text  # type: ignore[union-attr]
        answer = confirm(admin, admin.name, email=EMAIL, role="editor")
        assert answer.status_code == 400
        assert "role-error" in answer.text

    def test_an_address_that_is_none_is_an_error_before_anything_happens(
        self, admin: Reader
    ) -> None:
        answer = confirm(admin, admin.name, email="nadie", role="admin")
        assert answer.status_code == 400
        assert "email-error" in answer.text

    def test_pressing_the_button_without_the_plan_does_nothing(
        self, admin: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        leaving = officer(villa_nueva["id"])
        answer = admin.post(leave_path(leaving["name"]), {"step": "do"})
        assert answer.status_code == 400
        assert is_member(leaving["name"], villa_nueva["id"])


@pytest.fixture
def protected(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ckan_config, "ckanext.marathon.protect_accounts", True)


@pytest.mark.usefixtures("protected")
class TestOwnSession:
    def test_whoever_hands_over_is_logged_out_and_gets_the_link_twice_on_two_clicks(
        self, app: Any, villa_nueva: dict[str, Any]
    ) -> None:
        leaving = officer(villa_nueva["id"], "admin", password=PASSWORD)
        person = Person(app)
        person.log_in(leaving["name"])
        copy = person.copy(app)
        assert person.is_logged_in()
        path = leave_path(leaving["name"])
        sent = {"step": "confirm", "email": EMAIL, "role": "admin"}
        sent = hidden_of(person.client.post(path, data=sent))
        done = person.client.post(path, data=sent)
        assert done.status_code == 200
        assert "You are logged out" in done.text
        assert "Log in" in done.text
        assert not person.is_logged_in()
        assert not copy.is_logged_in()
        again = copy.client.post(path, data=sent)
        assert link_in(again) == link_in(done)

    def test_a_session_that_was_ended_by_the_api_is_not_bound_again(
        self, app: Any, villa_nueva: dict[str, Any]
    ) -> None:
        leaving = officer(villa_nueva["id"], "admin", password=PASSWORD)
        other = CivilSociety()["id"]
        call_action("organization_member_create", id=other, username=leaving["id"], role="editor")
        person = Person(app)
        person.log_in(leaving["name"])
        data = {"organization": "villa-nueva", "user": leaving["name"], "email": EMAIL}
        answer = person.client.post("/api/3/action/marathon_officer_handover", json=data)
        assert answer.status_code == 200, answer.text
        assert answer.json["result"]["account_closed"] is False
        assert not person.is_logged_in()
        assert person.log_in(leaving["name"]).status_code == 302
        assert person.is_logged_in()


class TestLastAdmin:
    @pytest.mark.parametrize(
        ("action", "more"),
        [
            ("member_delete", {"object_type": "user"}),
            ("organization_member_delete", {}),
            ("organization_patch", {"users": []}),
        ],
    )
    def test_ckans_own_actions_do_not_remove_the_last_admin(
        self, admin: Reader, villa_nueva: dict[str, Any], action: str, more: dict[str, Any]
    ) -> None:
        data = {"id": villa_nueva["id"], "object": admin.name, "username": admin.name, **more}
        answer = admin.post_json(f"/api/3/action/{action}", data)
        assert answer.status_code == 409, answer.text
        assert "no admin left" in answer.text
        model.Session.remove()
        assert permissions.read_standing(admin.name).capacities[villa_nueva["id"]] == "admin"

    @pytest.mark.parametrize("action", ["organization_member_delete", "user_delete"])
    def test_a_sysadmin_may_remove_the_last_admin(
        self, app: Any, admin: Reader, villa_nueva: dict[str, Any], action: str
    ) -> None:
        id_ = admin.name if action == "user_delete" else villa_nueva["id"]
        sysadmin = Reader(app, factories.Sysadmin())
        answer = sysadmin.post_json(f"/api/3/action/{action}", {"id": id_, "username": admin.name})
        assert answer.status_code == 200, answer.text
        assert not is_member(admin.name, villa_nueva["id"])

    def test_an_admin_may_delete_another_admin_with_ckans_page(
        self, admin: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        other = officer(villa_nueva["id"], "admin")
        path = f"/organization/member_delete/{villa_nueva['id']}?user={other['id']}"
        answer = admin.post(path, {"delete": "1"})
        assert answer.status_code == 302
        assert not is_member(other["name"], villa_nueva["id"])
        path = f"/organization/member_delete/{villa_nueva['id']}?user={admin.name}"
        answer = admin.post(path, {"delete": "1"})
        assert answer.status_code == 400
        assert "no admin left" in answer.text
        assert is_member(admin.name, villa_nueva["id"])


class TestStockPage:
    def test_ckans_page_for_new_members_invites_and_shows_the_link(
        self, app: Any, admin: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        answer = admin.post(
            f"/organization/member_new/{villa_nueva['name']}", {"email": EMAIL, "role": "editor"}
        )
        assert answer.status_code == 302
        assert "manage_members" in answer.location or "members" in answer.location
        invited = model.User.by_email(EMAIL)
        assert invited
        assert invited.state == "pending"
        assert is_member(invited.name, villa_nueva["id"]) is False  # not active yet

    def test_the_api_of_ckan_gives_the_link_too(
        self, admin: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        data = {"group_id": villa_nueva["id"], "email": EMAIL, "role": "editor"}
        answer = admin.post_json("/api/3/action/user_invite", data)
        assert answer.status_code == 200, answer.text
        result = answer.json["result"]
        assert result["state"] == "pending"
        assert "/user/reset/" in result["marathon_invitation"]["link"]
        again = admin.post_json("/api/3/action/user_invite", data)
        assert again.json["result"]["marathon_invitation"]["link"]
        assert again.json["result"]["id"] == result["id"]
        factories.User(email="otra@example.gt")
        known = admin.post_json("/api/3/action/user_invite", {**data, "email": "otra@example.gt"})
        assert known.status_code == 409
        odd = admin.post_json("/api/3/action/user_invite", {**data, "role": "king"})
        assert odd.status_code == 409


@pytest.fixture
def limited(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    forget_counts()
    monkeypatch.setitem(ckan_config, "ckanext.marathon.rate_limits", True)
    monkeypatch.setitem(ckan_config, "ckanext.marathon.rate_limit_invite", "3 per hour")
    yield
    forget_counts()


def forget_counts() -> None:
    rate_limit._paused_until = 0.0
    connection = connect_to_redis()
    for key in connection.scan_iter("*marathon:limit:*"):
        connection.delete(key)


@pytest.mark.usefixtures("limited")
def test_pages_and_api_share_one_limit_on_inviting(
    admin: Reader, villa_nueva: dict[str, Any]
) -> None:
    def ask(number: int) -> Any:
        email = f"persona-{number}@example.gt"
        if number % 2:
            return admin.post(f"{PAGE}/invite", {"email": email, "role": "editor"})
        data = {"organization": villa_nueva["id"], "email": email}
        return admin.post_json("/api/3/action/marathon_officer_invite", data)

    assert [ask(number).status_code for number in range(4)] == [200, 200, 200, 429]
    assert admin.get(PAGE).status_code == 200
    people = model.Session.query(model.User).filter(model.User.email.like("persona-%"))
    assert people.count() == 3
    assert re.search(r"persona-2@", admin.get(PAGE).text)
