"""The list of unanswered invitations: permissions, filters and order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan.tests.helpers import call_action

from ckanext.marathon.domain import dates
from tests import factories
from tests.remembered import remembered

pytestmark = pytest.mark.usefixtures("marathon_site", "with_request_context")

SILENT = [{"organisation": "ANAM"}, {"organisation": "COCODE", "answer": "accepted"}]


def day(number: int) -> str:
    return (dates.get_today() + timedelta(number)).isoformat()


def announced(owner: str, title: str, **fields: Any) -> dict[str, Any]:
    return factories.Workshop(
        owner_org=owner, title=title, status="announced", invitation=SILENT, **fields
    )


def listed(user: dict[str, Any] | None, **data: Any) -> list[dict[str, Any]]:
    context = {"user": user["name"] if user else "", "ignore_auth": False}
    return call_action("marathon_invitation_list", context=context, **data)


def titles(rows: list[dict[str, Any]]) -> list[str]:
    return [each["workshop"]["title"] for each in rows]


@pytest.fixture
@remembered
def town() -> str:
    return factories.Municipality()["id"]


class TestInvitationList:
    def test_invitations_are_sorted_by_deadline_with_none_last(self, town: str) -> None:
        announced(town, "Open", starts_at=day(3))
        announced(town, "Later", starts_at=day(20), rsvp_by=day(9))
        announced(town, "Late", starts_at=day(5), rsvp_by=day(-1))
        found = listed(factories.officer(town))
        assert titles(found) == ["Late", "Later", "Open"]
        assert [each["overdue"] for each in found] == [True, False, False]

    def test_a_row_counts_the_invited_and_names_the_unanswered(self, town: str) -> None:
        workshop = announced(town, "Water", starts_at=day(3), rsvp_by=day(2))
        (row,) = listed(factories.officer(town))
        assert row["workshop"]["id"] == workshop["id"]
        assert row["organization"]["id"] == town
        assert row["rsvp_by"] == day(2)
        assert row["invited"] == 2
        assert row["unanswered"] == [{"organisation": "ANAM", "invited_on": None}]

    def test_officers_see_their_own_and_the_coordinating_body_all(self, town: str) -> None:
        announced(town, "Ours", starts_at=day(3), private=True)
        announced(factories.Municipality()["id"], "Theirs", starts_at=day(4))
        assert titles(listed(factories.officer(town))) == ["Ours"]
        body = factories.officer(factories.CoordinatingBody()["id"])
        assert titles(listed(body)) == ["Ours", "Theirs"]
        assert titles(listed(body, organization=town)) == ["Ours"]

    def test_past_invitations_are_listed_on_request(self, town: str) -> None:
        announced(town, "Past", starts_at="2016-10-17", rsvp_by="2016-10-04")
        officer = factories.officer(town)
        assert listed(officer) == []
        assert titles(listed(officer, past=True)) == ["Past"]

    def test_answered_cancelled_and_held_workshops_are_not_listed(self, town: str) -> None:
        announced(town, "Off", starts_at=day(3))
        answered = [{"organisation": "ANAM", "answer": "declined"}]
        factories.Workshop(
            owner_org=town, status="announced", starts_at=day(3), invitation=answered
        )
        call_action("package_patch", id=factories.Workshop(owner_org=town)["id"], invitation=SILENT)
        off = listed(factories.officer(town))[0]["workshop"]["id"]
        call_action("package_patch", id=off, status="cancelled")
        assert listed(factories.officer(town)) == []

    @pytest.mark.parametrize("organization", ["nobody", "a\x00b", ["x"], {"id": "x"}, 7])
    def test_an_unknown_organisation_is_refused(self, town: str, organization: Any) -> None:
        with pytest.raises(tk.NotAuthorized):
            listed(factories.officer(town), organization=organization)

    def test_a_member_and_a_visitor_are_refused(self, town: str) -> None:
        for user in (factories.officer(town, "member"), None):
            with pytest.raises(tk.NotAuthorized):
                listed(user)

    def test_the_parameter_past_is_a_boolean(self, town: str) -> None:
        with pytest.raises(tk.ValidationError):
            listed(factories.officer(town), past="perhaps")
