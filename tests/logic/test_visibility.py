"""What the coordinating body sees of others before it is public, and what asking costs."""

from __future__ import annotations

from typing import Any

import pytest
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.marathon.logic import permissions
from tests.factories import (
    CivilSociety,
    CoordinatingBody,
    Idea,
    MarathonDataset,
    Municipality,
    Workshop,
    officer,
)
from tests.queries import asked

pytestmark = pytest.mark.usefixtures("marathon_site")


def act(user: str | None, action: str, **data: Any) -> Any:
    return call_action(action, context={"user": user or "", "ignore_auth": False}, **data)


@pytest.fixture
def body() -> str:
    return CoordinatingBody()["id"]


@pytest.fixture
def editor(body: str) -> str:
    return officer(body)["name"]


@pytest.fixture
def admin(body: str) -> str:
    return officer(body, "admin")["name"]


@pytest.fixture
def muni() -> dict[str, Any]:
    return Municipality()


def workshop_of(muni: dict[str, Any], **more: Any) -> dict[str, Any]:
    return Workshop(owner_org=muni["id"], municipality=[muni["municipality_code"]], **more)


class TestVisibility:
    def test_private_ideas_and_workshops_are_found_by_search(
        self, editor: str, muni: dict[str, Any]
    ) -> None:
        workshop = workshop_of(muni, private=True)
        Idea(workshop=workshop["id"], owner_org=muni["id"], private=True)
        MarathonDataset(idea=[Idea(workshop=workshop["id"])["id"]], private=True)
        found = act(
            editor,
            "package_search",
            fq="dataset_type:(idea OR workshop OR dataset) +capacity:private",
            include_private=True,
        )
        assert {p["type"] for p in found["results"]} == {"idea", "workshop"}

    def test_others_do_not_find_them(self, muni: dict[str, Any]) -> None:
        workshop_of(muni, private=True)
        for user in (officer(CivilSociety()["id"])["name"], None):
            query = {"fq": "dataset_type:workshop", "include_private": True}
            assert act(user, "package_search", **query)["count"] == 0

    def test_somebody_whose_body_was_deleted_coordinates_no_more(
        self, editor: str, body: str
    ) -> None:
        assert permissions.coordinates(editor)
        call_action("organization_delete", id=body)
        assert not permissions.coordinates(editor)


class TestCost:
    @pytest.mark.usefixtures("with_request_context")
    def test_roles_are_asked_for_once_a_request(self, editor: str, muni: dict[str, Any]) -> None:
        ideas = [Idea(workshop=workshop_of(muni)["id"], private=True) for _ in range(3)]
        permissions.standing(editor)
        with asked() as statements:
            for idea in ideas:
                assert permissions.coordinates(editor)
                permissions.dataset_labels(model.Package.get(idea["id"]), [])
        assert not [s for s in statements if "member" in s]

    @pytest.mark.usefixtures("with_request_context")
    def test_a_change_of_membership_counts_at_once(self, body: str, editor: str) -> None:
        assert permissions.coordinates(editor)
        sysadmin = factories.Sysadmin()["name"]
        act(sysadmin, "organization_member_delete", id=body, username=editor)
        assert not permissions.coordinates(editor)

    def test_a_search_asks_once_whatever_it_finds(self, editor: str, muni: dict[str, Any]) -> None:
        def statements_of_a_search() -> int:
            with asked() as statements:
                act(editor, "package_search", fq="dataset_type:idea", include_private=True)
            return len(statements)

        workshop = workshop_of(muni)["id"]
        Idea(workshop=workshop, private=True)
        one = statements_of_a_search()
        for _ in range(4):
            Idea(workshop=workshop, private=True)
        assert statements_of_a_search() == one
