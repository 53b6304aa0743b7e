"""The desk: what a person has begun, what waits, what expires, what they saved last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.marathon.model import account
from tests.factories import CivilSociety, Idea, MarathonDataset, Workshop, officer
from tests.queries import asked

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

PAGE = "/marathon/desk"
SECTIONS = ["drafts", "waiting", "expiring", "saves"]


@pytest.fixture(autouse=True)
def no_mail(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ckan_config, "smtp.server", "")


def section(page: BeautifulSoup, key: str) -> Tag:
    found = page.select_one(f"#{key}")
    assert found
    return found


def titles(page: BeautifulSoup, key: str) -> list[str]:
    return [link.text for link in section(page, key).select("li > div:first-child > a")]


def hrefs(page: BeautifulSoup, key: str) -> list[str]:
    return [str(link["href"]) for link in section(page, key).select("a.btn")]


class TestAccess:
    def test_visitors_are_redirected_to_the_login_and_back(self, visitor: Reader) -> None:
        answer = visitor.get(PAGE)
        assert answer.status_code == 302
        assert "/user/login" in answer.location
        assert "desk" in answer.location

    def test_somebody_without_an_organisation_is_told_what_to_do(self, app: Any) -> None:
        page = Reader(app, factories.User()).page(PAGE)
        assert "You belong to no organisation yet" in page.text
        assert not page.select("section")

    def test_every_empty_section_says_what_comes_there(self, editor: Reader) -> None:
        page = editor.page(PAGE)
        assert [found["id"] for found in page.select("section")] == SECTIONS
        for key in SECTIONS:
            assert section(page, key).select_one(".empty"), key

    def test_no_cache_keeps_the_page(self, editor: Reader) -> None:
        assert "no-store" in editor.get(PAGE).headers["Cache-Control"]

    def test_records_of_another_organisation_are_not_on_the_desk(
        self, app: Any, editor: Reader
    ) -> None:
        other = CivilSociety()["id"]
        idea = Idea(title="Ajena")
        MarathonDataset(owner_org=other, title="Privado ajeno", private=True, idea=[idea["id"]])
        text = editor.page(PAGE).text
        assert "Ajena" not in text
        assert "ajeno" not in text


class TestDrafts:
    def test_private_records_and_drafts_are_listed(
        self, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        of_town = {"owner_org": villa_nueva["id"]}
        MarathonDataset(title="Cerrado", private=True, **of_town)
        Idea(title="A medias", state="draft", workshop=Workshop(**of_town)["id"], **of_town)
        MarathonDataset(title="Abierto", **of_town)
        page = editor.page(PAGE)
        assert set(titles(page, "drafts")) == {"Cerrado", "A medias"}
        marks = {mark.text for mark in section(page, "drafts").select(".badge")}
        assert marks == {"not public", "draft"}
        assert all("/edit/" in href for href in hrefs(page, "drafts"))

    def test_a_reader_of_the_organisation_has_nothing_to_continue(
        self, app: Any, villa_nueva: dict[str, Any]
    ) -> None:
        MarathonDataset(title="Cerrado", private=True, owner_org=villa_nueva["id"])
        page = Reader(app, officer(villa_nueva["id"], "member")).page(PAGE)
        assert titles(page, "drafts") == []
        assert not page.select('a[href*="/dataset/new"].btn-primary')

    def test_more_than_ten_are_counted(self, editor: Reader, villa_nueva: dict[str, Any]) -> None:
        for number in range(12):
            MarathonDataset(title=f"Cerrado {number}", private=True, owner_org=villa_nueva["id"])
        page = editor.page(PAGE)
        assert len(titles(page, "drafts")) == 10
        assert "(12)" in section(page, "drafts").text
        assert "10 of 12" in section(page, "drafts").text


class TestWaiting:
    def test_an_idea_waits_until_all_its_needs_are_met(
        self, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        workshop = Workshop(owner_org=villa_nueva["id"])["id"]
        needs = [{"what": "Fugas", "why": ""}, {"what": "Horarios", "why": ""}]
        idea = Idea(title="Mapa de fugas", workshop=workshop, data_need=needs)
        ids = [need["id"] for need in idea["data_need"]]
        page = editor.page(PAGE)
        assert titles(page, "waiting") == ["Mapa de fugas"]
        assert "Fugas; Horarios" in section(page, "waiting").text
        assert hrefs(page, "waiting") == [f"/dataset/new?idea={idea['id']}"]
        of_town = {"owner_org": villa_nueva["id"], "idea": [idea["id"]]}
        MarathonDataset(data_need=ids[:1], **of_town)
        page = editor.page(PAGE)
        assert "Data needed: Horarios" in section(page, "waiting").text
        assert f"data_need={ids[1]}" in hrefs(page, "waiting")[0]
        MarathonDataset(data_need=ids[1:], private=True, **of_town)
        assert titles(editor.page(PAGE), "waiting") == ["Mapa de fugas"]
        MarathonDataset(data_need=ids[1:], **of_town)
        assert titles(editor.page(PAGE), "waiting") == []

    def test_an_idea_about_the_municipality_that_another_body_owns_waits_too(
        self, editor: Reader, infom: dict[str, Any], villa_nueva: dict[str, Any]
    ) -> None:
        workshop = Workshop(owner_org=infom["id"], municipality=["0115"])["id"]
        Idea(title="De la coordinación", workshop=workshop, owner_org=infom["id"])
        Idea(title="Descartada", workshop=workshop, status="discarded")
        assert "De la coordinación" in titles(editor.page(PAGE), "waiting")

    def test_a_discarded_idea_waits_for_nothing(
        self, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        workshop = Workshop(owner_org=villa_nueva["id"])["id"]
        idea = Idea(title="Descartada", workshop=workshop)
        call_action(
            "marathon_idea_status_update", id=idea["id"], status="discarded", reason="Ejemplo"
        )
        assert titles(editor.page(PAGE), "waiting") == []

    def test_unanswered_invitations_of_own_workshops_are_listed(
        self, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        invitation = [{"organisation": "Comité de ejemplo", "invited_on": "2026-01-05"}]
        fields = {"status": "announced", "invitation": invitation, "starts_at": "2062-05-06"}
        Workshop(title="El nuestro", owner_org=villa_nueva["id"], **fields)
        Workshop(title="El ajeno", **fields)
        page = editor.page(PAGE)
        assert titles(page, "waiting") == ["El nuestro"]
        assert "1 answer is missing" in section(page, "waiting").text

    def test_invited_people_wait_on_the_desk_of_an_admin_only(
        self, app: Any, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        admin = Reader(app, officer(villa_nueva["id"], "admin"))
        data = {"email": "nueva@example.gt", "organization": villa_nueva["id"]}
        admin.post_json("/api/3/action/marathon_officer_invite", data)
        assert titles(admin.page(PAGE), "waiting") == ["nueva@example.gt"]
        assert "nueva@example.gt" not in editor.page(PAGE).text
        for days, key in ((2, "expiring"), (-1, "expiring")):
            invited = model.User.by_email("nueva@example.gt")
            assert invited
            account.write_invitation_end(invited, datetime.now(UTC) + timedelta(days=days))
            model.repo.commit()
            page = admin.page(PAGE)
            assert titles(page, "waiting") == []
            assert titles(page, key) == ["nueva@example.gt"]
        assert section(admin.page(PAGE), "expiring").select_one(".marathon-late")


class TestExpiring:
    def test_an_overdue_dataset_comes_first_with_the_day(
        self, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        of_town = {"owner_org": villa_nueva["id"]}
        for title, frequency, modified in (
            ("Atrasado", "MONTHLY", "2024-01-31"),
            ("Más atrasado", "ANNUAL", "2019-05-06"),
            ("Irregular", "IRREG", "2019-05-06"),
            ("Sin frecuencia", "", "2019-05-06"),
        ):
            MarathonDataset(title=title, frequency=frequency, modified=modified, **of_town)
        MarathonDataset(title="Reciente", frequency="ANNUAL", **of_town)
        page = editor.page(PAGE)
        assert titles(page, "expiring") == ["Más atrasado", "Atrasado"]
        assert "was due on February 29, 2024" in section(page, "expiring").text

    def test_a_new_file_counts_as_an_update_and_a_new_title_does_not(
        self, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        late = MarathonDataset(
            title="Atrasado",
            frequency="MONTHLY",
            modified="2024-01-31",
            owner_org=villa_nueva["id"],
        )
        call_action("package_patch", id=late["id"], title="Otro título")
        assert titles(editor.page(PAGE), "expiring") == ["Otro título"]
        call_action(
            "resource_create", package_id=late["id"], name="Mayo", url="https://example.gt/a.csv"
        )
        assert titles(editor.page(PAGE), "expiring") == []

    def test_what_is_due_within_a_week_is_shown_without_a_warning(
        self, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        MarathonDataset(title="Semanal", frequency="DAILY", owner_org=villa_nueva["id"])
        page = editor.page(PAGE)
        assert titles(page, "expiring") == ["Semanal"]
        assert "is due on" in section(page, "expiring").text
        assert not section(page, "expiring").select(".marathon-late")

    def test_a_stored_file_is_replaced_and_a_link_is_edited(
        self, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        of_town = {"owner_org": villa_nueva["id"], "frequency": "DAILY"}
        stored = {"name": "Mayo", "url": "mayo.csv", "url_type": "upload"}
        linked = {"name": "Mayo", "url": "https://example.gt/mayo.csv"}
        MarathonDataset(name="guardado", title="A", resources=[stored], **of_town)
        MarathonDataset(name="enlazado", title="B", resources=[linked], **of_town)
        page = editor.page(PAGE)
        assert hrefs(page, "expiring") == ["/dataset/guardado/replace", "/dataset/edit/enlazado"]
        assert editor.get("/dataset/guardado/replace").status_code in {200, 302}


class TestSaves:
    def test_the_last_saves_are_the_persons_own_and_say_who_sees_them(
        self, app: Any, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        fields = {"type": "workshop", "kind": "ideation", "status": "held"}
        of_town = {"owner_org": villa_nueva["id"], "municipality": ["0115"]}
        for name, private in (("taller-uno", False), ("taller-dos", True)):
            sent = {"name": name, "title": name, "private": private, **fields, **of_town}
            assert editor.post_json("/api/3/action/package_create", sent).status_code == 200
        editor.post_json("/api/3/action/package_patch", {"id": "taller-uno", "title": "Taller uno"})
        Workshop(title="De otra persona", **of_town)
        page = editor.page(PAGE)
        assert titles(page, "saves") == ["Taller uno", "taller-dos"]
        texts = [item.text for item in section(page, "saves").select("small")]
        assert "everybody sees it" in texts[0]
        assert "only your organisation sees it" in texts[1]

    def test_a_deleted_record_is_not_listed(
        self, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        sent = {
            "name": "taller-uno",
            "title": "Taller uno",
            "type": "workshop",
            "kind": "ideation",
            "status": "held",
            "owner_org": villa_nueva["id"],
            "municipality": ["0115"],
        }
        editor.post_json("/api/3/action/package_create", sent)
        editor.post_json("/api/3/action/package_delete", {"id": "taller-uno"})
        assert titles(editor.page(PAGE), "saves") == []


def test_the_number_of_queries_does_not_grow_with_the_records(
    editor: Reader, villa_nueva: dict[str, Any]
) -> None:
    def fill(number: int) -> None:
        of_town = {"owner_org": villa_nueva["id"]}
        idea = Idea(title=f"Idea {number}", workshop=Workshop(**of_town)["id"])
        MarathonDataset(
            title=f"Atrasado {number}", frequency="MONTHLY", modified="2024-01-31", **of_town
        )
        MarathonDataset(private=True, idea=[idea["id"]], **of_town)

    fill(1)
    editor.get(PAGE)
    with asked() as few:
        editor.get(PAGE)
    for number in range(2, 6):
        fill(number)
    editor.get(PAGE)
    with asked() as many:
        editor.get(PAGE)
    assert len(many) <= len(few) + 1
