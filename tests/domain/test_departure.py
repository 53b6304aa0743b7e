"""What ends when an officer leaves an organisation, and the state of an invitation's link."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ckanext.marathon.domain.officer import (
    AccountFate,
    LinkState,
    Membership,
    check_departure,
    find_link_state,
    plan_departure,
)

NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)


class TestPlan:
    def test_an_account_without_another_organisation_is_closed(self) -> None:
        plan = plan_departure(Membership(role="editor", account_created=NOW, joined=NOW))
        assert plan.closes_account
        assert (plan.ends_sessions, plan.revokes_tokens, plan.tokens_since) == (True, True, None)

    def test_an_account_with_another_organisation_loses_sessions_and_tokens(self) -> None:
        plan = plan_departure(Membership(role="editor", has_other_organization=True))
        assert plan.account == AccountFate.OTHER_ORGANIZATION
        assert (plan.ends_sessions, plan.revokes_tokens, plan.tokens_since) == (True, True, None)

    def test_the_account_of_a_sysadmin_is_left_alone(self) -> None:
        plan = plan_departure(Membership(role="admin", is_sysadmin=True))
        assert plan.account == AccountFate.SYSADMIN
        assert (plan.ends_sessions, plan.revokes_tokens) == (False, False)

    @pytest.mark.parametrize(
        ("age", "fate"),
        [
            (timedelta(seconds=1), AccountFate.CLOSED),
            (timedelta(days=1), AccountFate.CLOSED),
            (timedelta(days=1, seconds=1), AccountFate.OLDER),
            (timedelta(days=900), AccountFate.OLDER),
        ],
    )
    def test_an_account_older_than_its_membership_is_not_closed(
        self, age: timedelta, fate: AccountFate
    ) -> None:
        plan = plan_departure(Membership(role="editor", account_created=NOW - age, joined=NOW))
        assert plan.account == fate
        assert plan.tokens_since == (NOW if fate == AccountFate.OLDER else None)

    def test_without_a_record_of_joining_the_account_counts_as_made_for_it(self) -> None:
        plan = plan_departure(Membership(role="editor", account_created=NOW, joined=None))
        assert plan.closes_account


class TestCheck:
    @pytest.mark.parametrize(
        ("officer", "successor", "role", "is_same", "field"),
        [
            (Membership(role=""), "", "", False, "user"),
            (Membership(role="admin"), "", "", False, "email"),
            (Membership(role="admin"), "a@example.gt", "editor", False, "role"),
            (Membership(role="admin"), "a@example.gt", "admin", True, "email"),
            (Membership(role="editor"), "a@example.gt", "editor", True, "email"),
        ],
    )
    def test_faults(
        self, officer: Membership, successor: str, role: str, is_same: bool, field: str
    ) -> None:
        (fault,) = check_departure(officer, successor, role, is_same_person=is_same)
        assert fault.path == (field,)
        assert str(fault.fault)

    @pytest.mark.parametrize(
        ("officer", "successor", "role"),
        [
            (Membership(role="admin"), "a@example.gt", "admin"),
            (Membership(role="admin", other_admins=1), "", "admin"),
            (Membership(role="editor"), "", "editor"),
            (Membership(role="member"), "a@example.gt", "editor"),
        ],
    )
    def test_allowed_departures(self, officer: Membership, successor: str, role: str) -> None:
        assert check_departure(officer, successor, role, is_same_person=False) == []


@pytest.mark.parametrize(
    ("until", "state"),
    [
        (None, LinkState.OPEN),
        (NOW + timedelta(days=4), LinkState.OPEN),
        (NOW + timedelta(days=3), LinkState.ENDING),
        (NOW + timedelta(seconds=1), LinkState.ENDING),
        (NOW, LinkState.ENDED),
        (NOW - timedelta(days=1), LinkState.ENDED),
    ],
)
def test_the_state_of_a_link(until: datetime | None, state: LinkState) -> None:
    assert find_link_state(until, NOW) == state
