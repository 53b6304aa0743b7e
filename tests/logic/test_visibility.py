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
    Idea,
    MarathonDataset,
    officer,
)
from tests.logic.asking import act
from tests.logic.coordinating import admin, body, editor, muni, workshop_of
from tests.queries import asked

__all__ = ["admin", "body", "editor", "muni"]

pytestmark = pytest.mark.usefixtures("marathon_site")


class TestVisibility:
    def test_private_ideas_and_workshops_are_found_by_search(
        self, editor: str, muni: dict[str, Any]
    ) -> None:
        workshop = workshop_of(muni, private=True)
        Idea(workshop=workshop["id"], owner_org=muni["id"], private=True)
        MarathonDataset(idea=[Idea(workshop=workshop["id"])["id"]], private=True)
        found = act(
            "package_search",
            editor,
            fq="dataset_type:(idea OR workshop OR dataset) +capacity:private",
            include_private=True,
        )
        assert {p["type"] for p in found["results"]} == {"idea", "workshop"}

    def test_others_do_not_find_them(self, muni: dict[str, Any]) -> None:
        workshop_of(muni, private=True)
        for user in (officer(CivilSociety()["id"])["name"], None):
            query = {"fq": "dataset_type:workshop", "include_private": True}
            assert act("package_search", user, **query)["count"] == 0

    def test_somebody_whose_body_was_deleted_coordinates_no_more(
        self, editor: str, body: str
    ) -> None:
        assert permissions.coordinates(editor)
        call_action("organization_delete", id=body)
        assert not permissions.coordinates(editor)

    @pytest.mark.parametrize("gone", ["body", "membership", "person", "organisation"])
    def test_only_what_is_active_and_an_organisation_counts(
        self, editor: str, body: str, gone: str
    ) -> None:
        """As rows of the database say it, whatever CKAN deletes along with what."""
        group, person = model.Group.get(body), model.User.get(editor)
        assert group
        assert person
        member = model.Session.query(model.Member).filter_by(table_id=person.id).one()
        assert permissions.coordinates(editor)
        if gone == "organisation":
            group.is_organization = False
        else:
            changed = {"body": group, "membership": member, "person": person}[gone]
            changed.state = model.State.DELETED
        model.repo.commit()
        assert not permissions.coordinates(editor)
        assert body not in permissions.standing(editor).capacities


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
        act("organization_member_delete", sysadmin, id=body, username=editor)
        assert not permissions.coordinates(editor)

    @pytest.mark.usefixtures("with_request_context")
    def test_a_change_that_is_rolled_back_is_not_kept(self, body: str, editor: str) -> None:
        for member in model.Session.query(model.Member).filter_by(group_id=body):
            member.state = model.State.DELETED
        model.Session.flush()
        assert not permissions.coordinates(editor)
        model.Session.rollback()
        assert permissions.coordinates(editor)

    def test_a_search_asks_once_whatever_it_finds(self, editor: str, muni: dict[str, Any]) -> None:
        def statements_of_a_search() -> int:
            with asked() as statements:
                act("package_search", editor, fq="dataset_type:idea", include_private=True)
            return len(statements)

        workshop = workshop_of(muni)["id"]
        Idea(workshop=workshop, private=True)
        one = statements_of_a_search()
        for _ in range(4):
            Idea(workshop=workshop, private=True)
        assert statements_of_a_search() == one
