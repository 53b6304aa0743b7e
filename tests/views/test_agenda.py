"""The agenda: coming and past workshops as page, as calendar and for search engines."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from typing import Any

import icalendar
import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from ckan import model
from ckan.lib.search.common import is_available
from ckan.tests.helpers import call_action

from ckanext.marathon.domain import dates
from ckanext.marathon.feeds.calendar import write_calendar
from tests import factories

from .conftest import Reader
from .test_pages import hrefs

pytestmark = pytest.mark.usefixtures("marathon_site")

HOSTILE = 'Agua; limpia,\r\nATTENDEE:mailto:x \\ "x" ñ <script>alert(1)</script>'


def day(number: int) -> str:
    return (dates.get_today() + timedelta(number)).isoformat()


def announced(**fields: Any) -> dict[str, Any]:
    return factories.Workshop(status="announced", **fields)


def make_older(identifier: str, hours: int) -> None:
    """Move creation and last change of a record some hours back; calendars count in seconds."""
    package = model.Package.get(identifier)
    assert package
    moment = package.metadata_created - timedelta(hours=hours)
    values = {"metadata_created": moment, "metadata_modified": moment}
    table = model.Package.__table__
    model.Session.execute(sa.update(table).where(table.c.id == identifier).values(values))
    model.repo.commit()


def part(page: BeautifulSoup, id_: str) -> str:
    found = page.select_one(f"section#{id_}")
    return " ".join(found.get_text(" ").split()) if found else ""


def titles(page: BeautifulSoup, id_: str) -> list[str]:
    return [each.get_text(strip=True) for each in page.select(f"section#{id_} h3")]


def events(reader: Reader, path: str) -> list[icalendar.Event]:
    answer = reader.get(path)
    assert answer.status_code == 200, path
    return icalendar.Calendar.from_ical(answer.data).events


class TestPage:
    def test_the_agenda_lists_coming_past_and_undated_workshops(self, visitor: Reader) -> None:
        announced(title="Next", starts_at=f"{day(3)}T09:00:00-06:00")
        announced(title="Later", starts_at=day(9))
        factories.Workshop(title="Over", starts_at="2016-10-17")
        factories.Workshop(title="Whenever")
        page = visitor.page("/agenda")
        assert titles(page, "coming") == ["Next", "Later"]
        assert titles(page, "past") == ["Over"]
        assert titles(page, "undated") == ["Whenever"]

    def test_an_entry_has_time_place_organisation_and_results(
        self, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        workshop = factories.Workshop(
            owner_org=villa_nueva["id"],
            municipality=["0115", "2105"],
            starts_at="2017-06-03T15:00:00+00:00",
            ends_at="2017-06-03T18:00:00+00:00",
            venue="Salón municipal",
            venue_municipality="0115",
        )
        factories.Idea(workshop=workshop["id"])
        past = visitor.page("/en/agenda").select_one("#past")
        assert past
        text = " ".join(past.get_text(" ").split())
        # In Guatemala's time, whatever offset somebody sent.
        for said in (
            "June 3, 2017, 9:00 AM–12:00 PM",
            "idea marathon",
            "held",
            "Salón municipal, Villa Nueva",
            "San Carlos Alzatate",
            "1 idea",
        ):
            assert said in text.replace("\u202f", " "), said
        links = [str(a["href"]) for a in past.select("a")]
        assert f"/en/organization/{villa_nueva['name']}" in links
        assert f"/en/workshop/{workshop['name']}#ideas" in links

    def test_an_entry_has_the_deadline_to_confirm(self, visitor: Reader) -> None:
        announced(title="Open", starts_at=day(9), rsvp_by=day(3))
        announced(title="Closed", starts_at=day(12), rsvp_by=day(-1))
        open_, closed = visitor.page("/agenda").select("#coming .marathon-meeting")
        assert "Confirm by" in open_.get_text()
        assert "deadline to confirm has passed" in closed.get_text()

    def test_a_cancelled_workshop_is_marked_without_confirmation(self, visitor: Reader) -> None:
        factories.Workshop(status="cancelled", starts_at=day(9), rsvp_by=day(3))
        text = part(visitor.page("/agenda"), "coming")
        assert "cancelled" in text
        assert "It does not take place." in text
        assert "Confirm by" not in text
        assert "Add to calendar" not in text

    def test_the_agenda_is_filtered_by_municipality_and_problem(self, visitor: Reader) -> None:
        announced(
            title="Water", starts_at=day(1), municipality=["0115"], service_problem=["AGU-01"]
        )
        announced(
            title="Waste", starts_at=day(2), municipality=["2105"], service_problem=["RES-01"]
        )
        for query, expected in (
            ("municipality=0115", ["Water"]),
            ("municipality=115", ["Water"]),
            ("problem=RES-01", ["Waste"]),
            ("problem=agu", ["Water"]),
            ("municipality=0115&problem=RES-01", []),
            ("municipality=&problem=", ["Water", "Waste"]),
        ):
            assert titles(visitor.page(f"/agenda?{query}"), "coming") == expected, query

    @pytest.mark.parametrize(
        "path",
        [
            "/agenda?municipality=9999",
            "/agenda?problem=%3Cscript%3E",
            "/agenda.ics?municipality=x",
            "/municipality/9999/agenda",
            "/municipality/9999/agenda.ics",
            "/workshop/none/event.ics",
        ],
    )
    def test_unknown_filters_and_workshops_get_404(self, visitor: Reader, path: str) -> None:
        assert visitor.get(path).status_code == 404

    @pytest.mark.parametrize("number", ["0", "-1", "x", "99999999999999999999", "²", "7"])
    def test_an_impossible_page_number_shows_the_only_page(
        self, visitor: Reader, number: str
    ) -> None:
        factories.Workshop(title="Over", starts_at="2016-10-17")
        assert titles(visitor.page(f"/agenda?page={number}&coming={number}"), "past") == ["Over"]

    def test_pages_of_past_workshops_keep_the_filter(
        self, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        for number in range(1, 22):
            factories.Workshop(
                owner_org=villa_nueva["id"],
                title=f"Day {number}",
                starts_at=f"2017-06-{number:02}",
            )
        first = visitor.page("/agenda?municipality=0115")
        assert titles(first, "past") == [f"Day {number}" for number in range(21, 1, -1)]
        (following,) = [str(a["href"]) for a in first.select("a[rel=next]")]
        second = visitor.page(following)
        assert titles(second, "past") == ["Day 1"]
        assert "Page 2 of 2" in part(second, "past")
        assert "municipality=0115" in str(second.select_one("a[rel=prev]")["href"])

    def test_private_workshops_are_not_listed_and_have_no_calendar(
        self, visitor: Reader, editor: Reader
    ) -> None:
        hidden = announced(title="Hidden", starts_at=day(3), private=True)
        for path in ("/agenda", "/agenda.ics"):
            assert "Hidden" not in editor.get(path).text
        assert visitor.get(f"/workshop/{hidden['name']}/event.ics").status_code == 404

    def test_an_empty_agenda_offers_adding_a_workshop_to_editors(
        self, visitor: Reader, editor: Reader
    ) -> None:
        assert "No workshop or meeting is announced" in part(visitor.page("/agenda"), "coming")
        assert "/workshop/new" not in hrefs(visitor.page("/agenda"), "#coming")
        assert "/workshop/new" in hrefs(editor.page("/agenda"), "#coming")

    def test_the_agenda_of_a_municipality_has_its_own_address(self, visitor: Reader) -> None:
        answer = visitor.get("/municipality/115/agenda")
        assert answer.status_code == 302
        assert answer.headers["Location"].endswith("/agenda?municipality=0115")

    def test_the_agenda_works_without_solr_and_escapes_titles(
        self, visitor: Reader, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        announced(title=HOSTILE, venue=HOSTILE, starts_at=day(3))
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/none")
        assert not is_available()
        answer = visitor.get("/agenda")
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "&lt;script&gt;alert" in answer.text


class TestCalendar:
    def test_the_calendar_has_events_for_a_workshop_and_its_deadline(
        self, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        workshop = announced(
            owner_org=villa_nueva["id"],
            title="Maratón de Villa Nueva",
            starts_at="2030-06-03T09:00:00-06:00",
            ends_at="2030-06-03T12:30:00-06:00",
            rsvp_by="2030-05-20",
            venue="Salón municipal",
            venue_municipality="0115",
            latitude="14.5269",
            longitude="-90.5875",
            service_problem=["AGU-01"],
            notes="**Traiga** sus ideas",
        )
        answer = visitor.get("/en/agenda.ics")
        assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
        calendar = icalendar.Calendar.from_ical(answer.data)
        assert calendar["PRODID"]
        assert calendar["X-WR-CALNAME"] == "Agenda of the idea marathons"
        assert calendar["REFRESH-INTERVAL"].params["VALUE"] == "DURATION"
        assert calendar["SOURCE"] == "http://test.ckan.net/en/agenda.ics"
        event, deadline = calendar.events
        assert event["UID"] == f"{workshop['id']}@test.ckan.net"
        assert event["SUMMARY"] == "Maratón de Villa Nueva"
        assert event["DTSTART"].params["TZID"] == "America/Guatemala"
        assert event.start.isoformat() == "2030-06-03T09:00:00-06:00"
        assert event.end.isoformat() == "2030-06-03T12:30:00-06:00"
        assert event["STATUS"] == "CONFIRMED"
        assert event["LOCATION"] == "Salón municipal, Villa Nueva, Guatemala"
        assert event["GEO"].to_ical() == "14.5269;-90.5875"
        assert event["URL"] == f"http://test.ckan.net/en/workshop/{workshop['name']}"
        assert "idea marathon" in event["CATEGORIES"].to_ical().decode()
        said = str(event["DESCRIPTION"])
        assert "Confirm by: May 20, 2030" in said
        assert "Traiga sus ideas" in said
        assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt
        assert deadline["UID"] == f"{workshop['id']}.confirm@test.ckan.net"
        assert deadline.start.isoformat() == "2030-05-20"
        assert [each["TZID"] for each in calendar.walk("VTIMEZONE")] == ["America/Guatemala"]

    def test_lines_are_folded_and_hostile_titles_are_escaped(self, visitor: Reader) -> None:
        announced(title=HOSTILE, venue=HOSTILE, starts_at=day(3), notes=HOSTILE * 20)
        body = visitor.get("/agenda.ics").data
        assert all(len(line) <= 75 for line in body.split(b"\r\n"))
        assert b"\nATTENDEE" not in body
        (event,) = icalendar.Calendar.from_ical(body).events
        assert event["SUMMARY"] == " ".join(HOSTILE.split())

    def test_the_name_of_a_calendar_is_escaped_as_text(self) -> None:
        body = write_calendar("Agua, basura; caminos", "https://example.gt/agenda.ics", [])
        assert b"\r\nNAME:Agua\\, basura\\; caminos\r\n" in body
        assert b"\r\nX-WR-CALNAME:Agua\\, basura\\; caminos\r\n" in body

    @pytest.mark.parametrize("last", ["2030-06-04", "2030-06-03"])
    def test_an_end_without_an_hour_is_the_end_of_its_day(self, visitor: Reader, last: str) -> None:
        factories.Workshop(starts_at="2030-06-03T14:00", ends_at=last, status="announced")
        (event,) = icalendar.Calendar.from_ical(visitor.get("/agenda.ics").data).events
        assert event.start.isoformat() == "2030-06-03T14:00:00-06:00"
        over = date.fromisoformat(last) + timedelta(days=1)
        assert event.end.isoformat() == f"{over.isoformat()}T00:00:00-06:00"

    def test_a_start_without_an_hour_is_an_all_day_event(self, visitor: Reader) -> None:
        factories.Workshop(starts_at="2017-06-03")
        factories.Workshop(starts_at="2017-06-01", ends_at="2017-06-02T15:00:00-06:00")
        later, earlier = events(visitor, "/agenda.ics")
        assert (later.start.isoformat(), later.end.isoformat()) == ("2017-06-03", "2017-06-04")
        assert (earlier.start.isoformat(), earlier.end.isoformat()) == ("2017-06-01", "2017-06-03")

    def test_a_missing_end_is_not_invented(self, visitor: Reader) -> None:
        factories.Workshop(starts_at="2017-06-03T09:00:00-06:00")
        (event,) = events(visitor, "/agenda.ics")
        assert "DTEND" not in event

    def test_a_cancelled_workshop_is_a_cancelled_event(self, visitor: Reader) -> None:
        factories.Workshop(status="cancelled", title="Off", starts_at=day(9), rsvp_by=day(3))
        (event,) = events(visitor, "/en/agenda.ics")
        assert event["STATUS"] == "CANCELLED"
        assert event["SUMMARY"] == "Cancelled: Off"

    def test_workshops_without_a_date_are_in_no_calendar(self, visitor: Reader) -> None:
        workshop = factories.Workshop()
        assert events(visitor, "/agenda.ics") == []
        assert visitor.get(f"/workshop/{workshop['name']}/event.ics").status_code == 404

    def test_a_change_keeps_the_uid_and_raises_the_sequence(self, visitor: Reader) -> None:
        workshop = announced(starts_at=day(3), title="Before")
        make_older(workshop["id"], hours=1)
        path = f"/workshop/{workshop['name']}/event.ics"
        (before,) = events(visitor, path)
        call_action("package_patch", id=workshop["id"], title="After", name="renamed")
        (after,) = events(visitor, "/workshop/renamed/event.ics")
        assert after["UID"] == before["UID"]
        assert after["SEQUENCE"] > before["SEQUENCE"]
        assert after["LAST-MODIFIED"].dt > before["LAST-MODIFIED"].dt
        assert after["DTSTAMP"].dt == after["LAST-MODIFIED"].dt

    def test_each_municipality_has_its_own_calendar(
        self, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        announced(owner_org=villa_nueva["id"], title="Ours", starts_at=day(3))
        announced(title="Theirs", starts_at=day(3))
        for path in ("/municipality/0115/agenda.ics", "/agenda.ics?municipality=115"):
            assert [each["SUMMARY"] for each in events(visitor, path)] == ["Ours"]

    def test_a_known_etag_gets_304_until_a_change(self, visitor: Reader) -> None:
        workshop = announced(starts_at=day(3), rsvp_by=day(2))
        tag = visitor.get("/agenda.ics").headers["ETag"]
        again = visitor.get("/agenda.ics", **{"If-None-Match": tag})
        assert (again.status_code, again.data) == (304, b"")
        call_action("package_patch", id=workshop["id"], rsvp_by=day(1))
        assert visitor.get("/agenda.ics", **{"If-None-Match": tag}).status_code == 200


class TestSearchEngines:
    @staticmethod
    def event(reader: Reader, workshop: dict[str, Any]) -> dict[str, Any] | None:
        scripts = reader.page(f"/workshop/{workshop['name']}").select(
            'script[type="application/ld+json"]'
        )
        assert len(scripts) < 2
        return json.loads(scripts[0].text) if scripts else None

    def test_a_workshop_is_an_event(self, visitor: Reader, villa_nueva: dict[str, Any]) -> None:
        workshop = factories.Workshop(
            owner_org=villa_nueva["id"],
            title=HOSTILE,
            starts_at="2017-06-03T15:00:00+00:00",
            ends_at="2017-06-03T18:00:00+00:00",
            venue="Salón",
            venue_municipality="0115",
            latitude="14.5",
            longitude="-90.5",
            notes="Ideas **para** el agua",
        )
        found = self.event(visitor, workshop)
        assert found
        assert found["@type"] == "Event"
        assert found["name"] == workshop["title"]
        assert found["startDate"] == "2017-06-03T09:00:00-06:00"
        assert found["endDate"] == "2017-06-03T12:00:00-06:00"
        assert found["eventStatus"] == "https://schema.org/EventScheduled"
        assert found["eventAttendanceMode"].startswith("https://schema.org/")
        assert found["location"] == {
            "@type": "Place",
            "name": "Salón",
            "address": {
                "@type": "PostalAddress",
                "addressCountry": "GT",
                "addressLocality": "Villa Nueva",
            },
            "geo": {"@type": "GeoCoordinates", "latitude": 14.5, "longitude": -90.5},
        }
        assert found["organizer"][0]["name"] == "Villa Nueva"
        assert found["description"] == "Ideas para el agua"

    def test_a_cancelled_event_is_marked_and_its_place_not_invented(self, visitor: Reader) -> None:
        workshop = factories.Workshop(status="cancelled", starts_at="2017-06-03", venue="INFOM")
        found = self.event(visitor, workshop)
        assert found
        assert found["eventStatus"].endswith("EventCancelled")
        assert found["startDate"] == "2017-06-03"
        assert "addressLocality" not in found["location"]["address"]

    def test_a_private_or_undated_workshop_is_no_event(
        self, visitor: Reader, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        own = {"owner_org": villa_nueva["id"]}
        assert self.event(visitor, factories.Workshop(**own)) is None
        hidden = factories.Workshop(starts_at="2017-06-03", private=True, **own)
        assert self.event(editor, hidden) is None

    def test_the_page_of_a_workshop_links_to_calendar_and_agenda(self, visitor: Reader) -> None:
        workshop = announced(starts_at=day(3))
        links = hrefs(visitor.page(f"/workshop/{workshop['name']}"), ".marathon-chain")
        assert f"/workshop/{workshop['name']}/event.ics" in links
        assert "/agenda" in links


class TestInvitations:
    @pytest.fixture
    def workshop(self, villa_nueva: dict[str, Any]) -> dict[str, Any]:
        return announced(
            owner_org=villa_nueva["id"],
            title="Taller",
            starts_at=day(5),
            rsvp_by=day(-1),
            invitation=[
                {"organisation": "=ANAM", "invited_on": day(-9)},
                {"organisation": "COCODE", "answer": "accepted"},
            ],
        )

    def test_the_list_names_the_unanswered_and_marks_overdue_workshops(
        self, editor: Reader, coordinator: Reader, workshop: dict[str, Any]
    ) -> None:
        for reader in (editor, coordinator):
            page = reader.page("/agenda/invitations")
            text = page.select_one(".primary").get_text(" ")
            assert "Overdue" in text
            assert "=ANAM" in text
            assert "COCODE" not in text
            assert f"/workshop/{workshop['name']}#invitations" in hrefs(page, "h2")
        assert "/agenda/invitations" in hrefs(editor.page("/agenda"), ".primary")

    def test_the_csv_has_a_row_for_each_unanswered_invitation(
        self, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        answer = editor.get("/agenda/invitations.csv")
        assert answer.headers["Content-Type"].startswith("text/csv")
        assert {"private", "no-cache"} <= set(answer.headers["Cache-Control"].split(", "))
        (row,) = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
        assert row["workshop"] == "Taller"
        assert row["organisation"] == "'=ANAM"
        assert (row["rsvp_by"], row["overdue"], row["invited_on"]) == (day(-1), "yes", day(-9))

    def test_invitations_are_403_for_members_and_need_a_login(
        self, visitor: Reader, reader: Any
    ) -> None:
        for path in ("/agenda/invitations", "/agenda/invitations.csv"):
            answer = visitor.get(path)
            assert answer.status_code == 302
            assert "/user/login" in answer.headers["Location"]
            member = reader(factories.officer(factories.Municipality()["id"], "member"))
            assert member.get(path).status_code == 403
        assert "/agenda/invitations" not in hrefs(visitor.page("/agenda"), ".primary")

    def test_an_empty_list_shows_a_sentence(self, editor: Reader) -> None:
        for query in ("", "?past=1", "?past=%3Cx%3E"):
            assert "Nobody" in editor.page(f"/agenda/invitations{query}").get_text()
