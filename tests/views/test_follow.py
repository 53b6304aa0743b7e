"""Following: with an account and without, by e-mail, and without being followed oneself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bs4 import Tag
from ckan.tests import factories
from ckan.tests.helpers import call_action

from tests.factories import Idea, MarathonDataset, Workshop
from tests.logic import smtp
from tests.remembered import remembered

from .conftest import Reader
from .test_home import PLUGINS, whole_site

__all__ = ["whole_site"]

pytestmark = [
    pytest.mark.ckan_config("ckan.plugins", PLUGINS),
    pytest.mark.usefixtures("whole_site"),
]


@pytest.fixture
@remembered
def chain(villa_nueva: dict[str, Any]) -> dict[str, Any]:
    """A workshop of Villa Nueva, its idea, and a dataset that came of it."""
    workshop = Workshop(owner_org=villa_nueva["id"], municipality=["0115"], title="Taller")
    idea = Idea(workshop=workshop["id"], title="Medir los pozos")
    dataset = MarathonDataset(idea=[idea["id"]], title="Pozos")
    return {"organization": villa_nueva, "workshop": workshop, "idea": idea, "dataset": dataset}


@pytest.fixture
def citizen(app: Any) -> Reader:
    """A user who belongs to no organisation."""
    return Reader(app, factories.User(activity_streams_email_notifications=True))


def form(reader: Reader, path: str) -> Tag:
    found = reader.page(path).select_one("#follow form")
    assert found, path
    return found


def press(reader: Reader, path: str) -> Any:
    """Press the button of a page, as a browser without scripts does."""
    pressed = form(reader, path)
    fields = {str(i["name"]): str(i["value"]) for i in pressed.select("input[name]")}
    return reader.post(str(pressed["action"]), fields)


def follows(reader: Reader, action: str, id_: str) -> bool:
    return call_action(action, context={"user": reader.name}, id=id_)


class TestWithAnAccount:
    def test_a_button_follows_and_unfollows_without_scripts(
        self, citizen: Reader, chain: dict[str, Any]
    ) -> None:
        for kind, thing in chain.items():
            path = f"/en/{kind}/{thing['name']}"
            asked = "am_following_group" if kind == "organization" else "am_following_dataset"
            for expected in (True, False):
                answer = press(citizen, path)
                assert answer.status_code == 302, path
                assert answer.headers["Location"].endswith(f"{path}#follow")
                assert follows(citizen, asked, thing["id"]) is expected
            page = citizen.page(path)
            assert len(page.select("#follow form button")) == 1
            assert not page.select("a[hx-post*=follow]")

    def test_the_button_of_a_municipality_follows_its_organisation(
        self, citizen: Reader, chain: dict[str, Any]
    ) -> None:
        press(citizen, "/en/municipality/0115")
        assert follows(citizen, "am_following_group", chain["organization"]["id"])

    def test_following_twice_is_no_error(self, citizen: Reader, chain: dict[str, Any]) -> None:
        fields = {"kind": "dataset", "id": chain["idea"]["id"], "back": "/", "follow": "yes"}
        for follow in ("yes", "yes", "no", "no"):
            answer = citizen.post("/marathon/follow", {**fields, "follow": follow})
            assert answer.status_code == 302, follow

    def test_malformed_objects_to_follow_get_404(
        self, citizen: Reader, chain: dict[str, Any]
    ) -> None:
        fields = {"kind": "dataset", "id": chain["idea"]["id"], "back": "/"}
        for change in (
            {"kind": "user"},
            {"kind": ""},
            {"id": "nobody"},
            {"id": ""},
            {"kind": "organization"},
        ):
            assert citizen.post("/marathon/follow", fields | change).status_code == 404, change

    def test_a_hidden_record_gets_404(self, citizen: Reader, chain: dict[str, Any]) -> None:
        hidden = Idea(workshop=chain["workshop"]["id"], private=True)
        fields = {"kind": "dataset", "id": hidden["id"], "back": "/"}
        assert citizen.post("/marathon/follow", fields).status_code == 404

    def test_following_does_not_redirect_to_another_site(
        self, citizen: Reader, chain: dict[str, Any]
    ) -> None:
        for back in ("https://example.com/", "//example.com", "javascript:alert(1)", "x", ""):
            fields = {"kind": "dataset", "id": chain["idea"]["id"], "back": back}
            answer = citizen.post("/marathon/follow", fields)
            assert "example.com" not in answer.headers["Location"]
            assert "javascript" not in answer.headers["Location"]
            assert answer.status_code == 302

    def test_an_impossible_id_gets_404(self, citizen: Reader) -> None:
        for kind in ("dataset", "organization"):
            fields = {"kind": kind, "id": "\x00", "back": "/"}
            assert citizen.post("/marathon/follow", fields).status_code == 404


class TestWithoutAnAccount:
    def test_visitors_get_a_feed_and_no_button(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        for path in (
            "/en/municipality/0115",
            "/en/service-problem/AGU-01",
            *(f"/en/{kind}/{thing['name']}" for kind, thing in chain.items()),
        ):
            page = visitor.page(path)
            assert page.select("#follow a[type='application/atom+xml']"), path
            assert not page.select("#follow form"), path

    def test_following_redirects_visitors_to_the_login(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        fields = {"kind": "dataset", "id": chain["idea"]["id"], "back": "/idea/"}
        answer = visitor.post("/marathon/follow", fields)
        assert answer.status_code == 302
        assert "/user/login" in answer.headers["Location"]


def act(action: str, **data: Any) -> None:
    """Act as another user, because people get no news of their own changes."""
    call_action(action, context={"user": factories.Sysadmin()["name"]}, **data)


def send(app: Any) -> None:
    """Send the news, as ``ckan marathon notify`` does."""
    with app.flask_app.test_request_context():
        call_action("send_email_notifications")


@pytest.fixture
def mailbox(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[smtp.Mailbox]:
    monkeypatch.setitem(ckan_config, "ckan.activity_streams_email_notifications", True)
    with smtp.server() as (mailbox, address):
        monkeypatch.setitem(ckan_config, "smtp.server", address)
        yield mailbox


class TestByMail:
    def test_followers_of_an_idea_get_mail_about_its_status(
        self, citizen: Reader, chain: dict[str, Any], mailbox: smtp.Mailbox, app: Any
    ) -> None:
        press(citizen, f"/en/idea/{chain['idea']['name']}")
        act("marathon_idea_status_update", id=chain["idea"]["id"], status="prioritised")
        send(app)
        text = mailbox.text()
        assert "Medir los pozos" in text
        assert f"/idea/{chain['idea']['id']}" in text
        assert "/user/edit" in text
        # Once is enough.
        send(app)
        assert len(mailbox.messages) == 1

    def test_mails_are_in_the_language_of_the_site(
        self,
        citizen: Reader,
        chain: dict[str, Any],
        mailbox: smtp.Mailbox,
        app: Any,
        ckan_config: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setitem(ckan_config, "ckan.locale_default", "es")
        call_action("follow_dataset", context={"user": citizen.name}, id=chain["workshop"]["id"])
        act("package_patch", id=chain["workshop"]["id"], status="cancelled")
        send(app)
        assert "Cambió el taller: Taller (cancelado)" in mailbox.text()

    def test_followers_of_an_organisation_get_mail_about_its_ideas_and_datasets(
        self, citizen: Reader, chain: dict[str, Any], mailbox: smtp.Mailbox, app: Any
    ) -> None:
        press(citizen, "/en/organization/villa-nueva")
        # CKAN writes no activities for the site's own account.
        officer = factories.Sysadmin()
        workshop, idea = chain["workshop"]["id"], chain["idea"]["id"]
        Idea(workshop=workshop, title="Ahorrar <agua> & luz", user=officer)
        MarathonDataset(idea=[idea], title="Caudales", user=officer)
        send(app)
        text = mailbox.text()
        assert "New idea: Ahorrar <agua> & luz (now proposed)" in text
        assert "New dataset: Caudales" in text

    def test_followers_without_the_mail_setting_get_none(
        self, reader: Callable[..., Reader], chain: Any, mailbox: smtp.Mailbox, app: Any
    ) -> None:
        somebody = reader(factories.User())
        press(somebody, f"/en/idea/{chain['idea']['name']}")
        act("marathon_idea_status_update", id=chain["idea"]["id"], status="prioritised")
        send(app)
        assert mailbox.messages == []


class TestNoCookies:
    PATHS = (
        "/",
        "/dataset/",
        "/idea/?vocab_data_needs=unmet",
        "/workshop/?q=agua",
        "/marathon/search?q=agua",
        "/municipality",
        "/municipality/0115",
        "/department/01",
        "/service-problem",
        "/service-problem/AGU-01",
        "/organization/",
        "/organization/villa-nueva",
        "/idea/{idea[name]}",
        "/workshop/{workshop[name]}",
        "/dataset/{dataset[name]}",
        "/catalog",
        "/marathon/news.atom",
        "/about",
        "/nowhere",
    )

    def test_visitors_get_no_cookie(self, visitor: Reader, chain: dict[str, Any]) -> None:
        for path in self.PATHS:
            answer = visitor.get(path.format(**chain))
            assert answer.status_code in {200, 404}, path
            assert "Set-Cookie" not in answer.headers, path

    def test_the_login_page_has_a_csrf_token_and_sets_a_cookie(
        self, visitor: Reader, chain: Any
    ) -> None:
        page = visitor.page("/user/login")
        assert page.select("form input[name=_csrf_token][value]")
        assert "Set-Cookie" in visitor.get("/user/login").headers
