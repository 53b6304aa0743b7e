"""Protection against guessed passwords, revealed accounts and ended sessions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from ckan import model
from ckan.lib.redis import connect_to_redis
from ckan.tests import factories
from passlib.hash import pbkdf2_sha512

from tests import private_names
from tests.logic import smtp
from tests.remembered import remembered

PASSWORD = "a-password-for-tests"


@pytest.fixture
def protected(
    ckan_config: Any, marathon_site: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setitem(ckan_config, "ckanext.marathon.protect_accounts", True)
    _forget_counts()
    yield
    _forget_counts()


def _forget_counts() -> None:
    connection = connect_to_redis()
    for key in connection.scan_iter("*marathon:limit:*"):
        connection.delete(key)


@pytest.fixture
@remembered
def officer() -> dict[str, Any]:
    return factories.User(password=PASSWORD)


class Person:
    """Somebody with the cookies of one browser."""

    def __init__(self, app: Any, address: str = "192.0.2.1") -> None:
        self.client = app.flask_app.test_client()
        self.headers = {"X-Forwarded-For": address}

    def log_in(self, name: str, password: str = PASSWORD, **more: str) -> Any:
        form = {"login": name, "password": password, **more}
        return self.client.post("/user/login", data=form, headers=self.headers)

    def is_logged_in(self) -> bool:
        return self.client.get("/dashboard/datasets").status_code == 200

    def copy(self, app: Any) -> Person:
        """Return a client with a copy of the cookies."""
        thief = Person(app)
        for cookie in private_names.read_cookies(self.client):
            thief.client.set_cookie(cookie.key, cookie.decoded_value)
        return thief


# How somebody could ask whether there is an account.
ASKED: tuple[Callable[[Person, str, str], Any], ...] = (
    lambda p, name, _: p.log_in(name, "wrong"),
    lambda p, _, email: p.log_in(email, "wrong"),
    lambda p, name, _: p.client.post("/user/reset", data={"user": name}),
    lambda p, _, email: p.client.post("/user/reset", data={"user": email}),
    lambda p, name, _: p.client.get(f"/user/reset/{name}?key=x"),
    lambda p, name, _: p.client.post(f"/user/reset/{name}?key=x", data={"password1": "x"}),
    lambda p, name, _: p.client.get(f"/user/edit/{name}"),
    lambda p, name, _: p.client.get(f"/user/{name}/api-tokens"),
    lambda p, name, _: p.client.get(f"/api/3/action/api_token_list?user_id={name}"),
    lambda p, _, email: p.client.get(f"/api/3/action/user_list?email={email}"),
)
ASKED_UNLESS_PUBLIC: tuple[Callable[[Person, str, str], Any], ...] = (
    lambda p, name, _: p.client.get(f"/user/{name}"),
    lambda p, name, _: p.client.get(f"/api/3/action/user_show?id={name}"),
    lambda p, name, _: p.client.get(f"/api/3/action/user_autocomplete?q={name}"),
    *(
        lambda p, name, _, action=action: p.client.get(f"/api/3/action/{action}?id={name}")
        for action in (
            *("am_following_user", "followee_list", "organization_list_for_user"),
            *("followee_count", "dataset_followee_count", "group_followee_count"),
            *("organization_followee_count", "user_followee_count", "user_follower_count"),
        )
    ),
    *(
        lambda p, name, _, action=action: p.client.post(
            f"/api/3/action/{action}",
            json={"object_type": "user", "capacity": "editor", "username": name}
            | {"object": name, "id": name if action.startswith("user") else "x"},
        )
        for action in (
            *("member_create", "member_delete", "organization_member_delete"),
            *("group_member_delete", "user_update", "user_patch"),
        )
    ),
)


def whole_answer(answer: Any, *own: str) -> tuple[Any, ...]:
    """Return an answer without the values that were sent and those that always differ."""
    text = answer.get_data(as_text=True)
    for each in own:
        text = text.replace(each, "…")
    text = re.sub(r'(nonce=|name="_csrf_token"[^>]* (?:value|content)=)"[^"]*"', r"\1", text)
    headers = {name: answer.headers.get(name) for name in ("Location", "Content-Type")}
    return answer.status_code, headers, text


def cookie_settings() -> dict[str, Any]:
    """Return the settings of cookies that docs/security.md tells a site of https to have."""
    text = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
    found = re.findall(r"^(\w+_COOKIE_\w+|PERMANENT_\w+) = (\w+)$", text, re.MULTILINE)
    return {name: {"true": True}.get(value, value) for name, value in found if not value.isdigit()}


@pytest.mark.usefixtures("protected")
class TestFailedLogins:
    def test_after_ten_failures_the_right_password_gets_429_too(
        self, app: Any, officer: dict[str, Any]
    ) -> None:
        person = Person(app)
        for _ in range(10):
            assert person.log_in(officer["name"], "wrong").status_code == 200
        refused = person.log_in(officer["name"])
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= 15 * 60
        assert "Too many failed logins" in refused.text
        assert not person.is_logged_in()

    def test_failures_from_another_address_do_not_lock_out_the_officer(
        self, app: Any, officer: dict[str, Any]
    ) -> None:
        for _ in range(11):
            Person(app, "198.51.100.9").log_in(officer["name"], "wrong")
        person = Person(app)
        assert person.log_in(officer["name"]).status_code == 302
        assert person.is_logged_in()

    def test_failures_of_one_address_for_many_accounts_are_limited(self, app: Any) -> None:
        person = Person(app)
        for number in range(100):
            assert person.log_in(f"somebody-{number}", "wrong").status_code == 200
        assert person.log_in("somebody-else", "wrong").status_code == 429

    def test_failures_of_many_addresses_for_one_account_are_limited(
        self, app: Any, officer: dict[str, Any]
    ) -> None:
        for number in range(100):
            answer = Person(app, f"198.51.100.{number}").log_in(officer["name"], "wrong")
            assert answer.status_code == 200
        assert Person(app, "198.51.100.200").log_in(officer["name"], "wrong").status_code == 429

    def test_logins_that_succeed_are_not_counted(self, app: Any, officer: dict[str, Any]) -> None:
        for _ in range(12):
            assert Person(app).log_in(officer["name"]).status_code == 302

    def test_case_and_blanks_in_a_login_do_not_avoid_the_limit(
        self, app: Any, officer: dict[str, Any]
    ) -> None:
        for spelling in (officer["name"], officer["name"].upper(), f" {officer['name']} "):
            for _ in range(4):
                answer = Person(app).log_in(spelling, "wrong")
        assert answer.status_code == 429


@pytest.mark.usefixtures("protected")
class TestExistenceOfAccounts:
    @pytest.mark.parametrize("kind", ["unknown", "deleted", "known"])
    def test_every_failed_login_hashes_one_password(
        self, app: Any, officer: dict[str, Any], kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = officer["name"] if kind != "unknown" else "nobody-of-this-name"
        if kind == "deleted":
            model.User.get(name).delete()
            model.Session.commit()
        Person(app).log_in("somebody", "wrong")  # makes the hash to compare with
        hashed = []
        verify = pbkdf2_sha512.verify
        monkeypatch.setattr(
            pbkdf2_sha512, "verify", lambda *given, **k: hashed.append(1) or verify(*given, **k)
        )
        answer = Person(app).log_in(name, "wrong")
        assert (answer.status_code, len(hashed)) == (200, 1)
        assert "Bad username or password" in answer.text

    def test_password_resets_get_the_same_answer_even_without_a_mail_server(
        self, app: Any, officer: dict[str, Any], ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(ckan_config, "smtp.server", "127.0.0.1:9")
        for name in (officer["name"], officer["email"], "nobody", "nobody@example.org"):
            client = app.flask_app.test_client()
            answer = client.post("/user/reset", data={"user": name})
            assert answer.status_code == 302
            with client.session_transaction() as session:
                ((category, message),) = session["_flashes"]
            assert "unless the account specified does not exist" in message
            assert category == "alert-success"

    @pytest.mark.parametrize("public", [True, False])
    def test_answers_for_known_and_unknown_accounts_are_equal(
        self,
        app: Any,
        officer: dict[str, Any],
        ckan_config: Any,
        monkeypatch: pytest.MonkeyPatch,
        public: bool,
    ) -> None:
        monkeypatch.setitem(ckan_config, "ckan.auth.public_user_details", public)
        deleted = factories.User()
        model.User.get(deleted["id"]).delete()
        model.Session.commit()
        somebody = Person(app)
        somebody.log_in(officer["name"])
        people = {
            "known": (officer["name"], officer["email"]),
            "deleted": (deleted["name"], deleted["email"]),
            "unknown": ("nobody-of-this-name", "nobody@example.org"),
        }
        for way in ASKED + (() if public else ASKED_UNLESS_PUBLIC):
            told = {
                kind: whole_answer(way(Person(app), name, email), name, email)
                for kind, (name, email) in people.items()
            }
            assert told["known"] == told["unknown"], way
            assert told["deleted"] == told["unknown"], way

    def test_the_mail_of_a_password_reset_is_sent_after_the_answer(
        self, app: Any, officer: dict[str, Any], ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with smtp.server() as (mailbox, address):
            monkeypatch.setitem(ckan_config, "smtp.server", address)
            client = app.flask_app.test_client()
            answer = client.post("/user/reset", data={"user": officer["name"]}, buffered=False)
            assert answer.status_code == 302
            assert not mailbox.messages
            answer.close()
            assert "/user/reset/" in mailbox.text()


@pytest.mark.usefixtures("protected")
class TestSession:
    def test_logging_out_ends_a_copy_of_the_session_too(
        self, app: Any, officer: dict[str, Any]
    ) -> None:
        person = Person(app)
        person.log_in(officer["name"])
        thief = person.copy(app)
        assert person.is_logged_in()
        assert thief.is_logged_in()
        person.client.get("/user/_logout")
        assert not thief.is_logged_in()
        assert not thief.is_logged_in()
        assert Person(app).log_in(officer["name"]).status_code == 302

    def test_a_new_password_ends_all_sessions_but_the_one_that_set_it(
        self, app: Any, officer: dict[str, Any]
    ) -> None:
        person, other = Person(app), Person(app)
        for each in (person, other):
            each.log_in(officer["name"])
        form = {
            "name": officer["name"],
            "email": officer["email"],
            "old_password": PASSWORD,
            "password1": "another-password-1",
            "password2": "another-password-1",
            "save": "",
        }
        answer = person.client.post(f"/user/edit/{officer['name']}", data=form)
        assert answer.status_code == 302
        assert person.is_logged_in()
        assert not other.is_logged_in()
        # Refusing the old session must not end the new one.
        assert person.is_logged_in()

    def test_an_ended_session_has_no_rights_in_its_next_request(
        self, app: Any, officer: dict[str, Any]
    ) -> None:
        person = Person(app)
        person.log_in(officer["name"])
        tokens = f"/api/3/action/api_token_list?user_id={officer['id']}"
        assert person.client.get(tokens).status_code == 200
        assert 'class="username"' in person.client.get("/about").text
        # The first request of each copy ends it.
        copies = [person.copy(app) for _ in range(2)]
        person.client.get("/user/_logout")
        assert copies[0].client.get(tokens).status_code == 403
        assert 'class="username"' not in copies[1].client.get("/about").text

    def test_the_remember_cookie_does_not_outlive_the_session(
        self, app: Any, officer: dict[str, Any]
    ) -> None:
        person = Person(app)
        answer = person.log_in(officer["name"], remember="63072000")
        cookies = SimpleCookie()
        for header in answer.headers.getlist("Set-Cookie"):
            cookies.load(header)
        later = Person(app)
        later.client.set_cookie("remember_token", cookies["remember_token"].value)
        assert not later.is_logged_in()

    @pytest.mark.parametrize("secure", [True, False])
    def test_session_cookies_have_the_attributes_of_the_documented_settings(
        self, app: Any, officer: dict[str, Any], monkeypatch: pytest.MonkeyPatch, secure: bool
    ) -> None:
        for name, value in cookie_settings().items():
            monkeypatch.setitem(app.flask_app.config, name, secure if value is True else value)
        answer = Person(app).log_in(officer["name"])
        cookies = [c for c in answer.headers.getlist("Set-Cookie") if not c.startswith("remember")]
        assert cookies
        for cookie in cookies:
            attributes = {part.strip().casefold() for part in cookie.split(";")[1:]}
            assert ("secure" in attributes) is secure, cookie
            assert ("httponly" in attributes) is secure, cookie
            assert "samesite=lax" in attributes, cookie

    def test_the_api_token_of_a_deleted_account_is_refused(
        self, app: Any, officer: dict[str, Any]
    ) -> None:
        headers = {"Authorization": factories.APIToken(user=officer["id"])["token"]}
        path = f"/api/3/action/api_token_list?user_id={officer['id']}"
        assert app.get(path, headers=headers).status_code == 200
        model.User.get(officer["id"]).delete()
        model.Session.commit()
        assert app.get(path, headers=headers).status_code == 403

    def test_api_tokens_stay_valid_after_a_logout(self, app: Any, officer: dict[str, Any]) -> None:
        token = factories.APIToken(user=officer["id"])["token"]
        person = Person(app)
        person.log_in(officer["name"])
        person.client.get("/user/_logout")
        answer = app.get(
            "/api/3/action/user_show",
            headers={"Authorization": token},
            query_string={"id": officer["id"]},
        )
        assert answer.json["result"]["email"] == officer["email"]


def test_without_the_setting_copied_sessions_survive_and_logins_have_no_limit(
    app: Any, marathon_site: None, officer: dict[str, Any]
) -> None:
    person = Person(app)
    person.log_in(officer["name"])
    thief = person.copy(app)
    person.client.get("/user/_logout")
    assert thief.is_logged_in()
    for _ in range(12):
        assert Person(app).log_in(officer["name"], "wrong").status_code == 200
