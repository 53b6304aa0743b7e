"""Public and visible packages in SQL and in functions for every kind of viewer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action
from ckan.types import Context
from sqlalchemy.orm import aliased

from ckanext.marathon import visibility
from ckanext.marathon.logic import permissions
from ckanext.marathon.visibility import Viewer
from tests.factories import (
    CivilSociety,
    Idea,
    MarathonDataset,
    officer,
)
from tests.logic.asking import act
from tests.logic.coordinating import admin, body, editor, muni, workshop_of
from tests.queries import asked
from tests.remembered import remembered

__all__ = ["admin", "body", "editor", "muni"]

pytestmark = pytest.mark.usefixtures("marathon_site")

# State, whether it is private, whether everybody sees it.
STORED = [
    ("active", False, True),
    ("active", True, False),
    ("draft", False, False),
    ("deleted", False, False),
    ("deleted", True, False),
]


def store(state: str = "active", private: bool = False, **columns: Any) -> model.Package:
    """Return a dataset with these columns, as rows of the database have them."""
    return store_as(MarathonDataset()["id"], state=state, private=private, **columns)


def store_as(package_id: str, **columns: Any) -> model.Package:
    package = model.Session.get(model.Package, package_id)
    assert package
    for name, value in columns.items():
        setattr(package, name, value)
    model.repo.commit()
    return package


def list_ids(condition: sa.ColumnElement[bool], package: Any) -> set[str]:
    return set(model.Session.scalars(sa.select(package.id).where(condition)))


class TestIsPublic:
    @pytest.fixture
    @remembered
    def packages(self) -> list[tuple[str, bool]]:
        """Return the id of a package of each kind, and whether everybody sees it."""
        return [(store(state, private).id, expected) for state, private, expected in STORED]

    def test_filter_public_selects_only_active_public_packages(
        self, packages: list[tuple[str, bool]]
    ) -> None:
        for package in (model.Package, aliased(model.Package), model.package_table.c):
            found = list_ids(visibility.filter_public(package), package)
            expected = {id_ for id_, is_public in packages if is_public}
            assert found & {id_ for id_, _is_public in packages} == expected

    def test_is_public_holds_only_for_active_public_packages(
        self, packages: list[tuple[str, bool]]
    ) -> None:
        for id_, expected in packages:
            package = model.Session.get(model.Package, id_)
            assert package
            assert visibility.is_public(package) == expected

    @pytest.mark.parametrize(("state", "private", "expected"), STORED)
    def test_is_shown_public_reads_state_and_private(
        self, state: str, private: bool, expected: bool
    ) -> None:
        assert visibility.is_shown_public({"state": state, "private": private}) == expected

    def test_a_shown_record_without_a_state_is_not_public(self) -> None:
        assert not visibility.is_shown_public({"private": False})

    @pytest.mark.parametrize("labels", [["public"], ["member-of-something"]])
    @pytest.mark.parametrize(("state", "private", "expected"), STORED)
    def test_labels_of_another_plugin_hide_a_package_and_publish_none(
        self,
        state: str,
        private: bool,
        expected: bool,
        labels: list[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        other = SimpleNamespace(get_dataset_labels=lambda _package: labels)
        monkeypatch.setattr(visibility, "get_permission_labels", lambda: other)
        package = model.Package(state=state, private=private)
        assert visibility.is_public(package) == (expected and labels == ["public"])

    @pytest.mark.parametrize(
        ("stored", "sent", "expected"),
        [
            (("active", True), {"private": False}, True),
            (("draft", False), {"state": "active"}, True),
            (("active", True), {"title": "Other"}, False),
            (("active", True), {"private": True}, False),
            (("draft", True), {"state": "deleted"}, False),
            (("active", False), {"state": "active", "private": False}, False),
        ],
    )
    def test_is_widened_holds_only_for_publishing_and_activating(
        self, stored: tuple[str, bool], sent: dict[str, Any], expected: bool
    ) -> None:
        state, private = stored
        package = model.Package(state=state, private=private)
        assert visibility.is_widened(package, sent) == expected

    def test_an_organisation_is_shown_to_more_once_it_is_active(self) -> None:
        group = model.Group(name="other")
        group.state = model.State.DELETED
        assert visibility.is_widened(group, {"state": "active"})
        assert not visibility.is_widened(group, {"private": False})

    def test_name_capacity_names_packages_public_or_private(self) -> None:
        shown, hidden = store().id, store(private=True).id
        package = model.Package
        query = sa.select(package.id, visibility.name_capacity(package))
        found = dict(model.Session.execute(query).tuples().all())
        assert (found[shown], found[hidden]) == ("public", "private")

    def test_the_coordination_label_is_added_only_to_hidden_ideas(self) -> None:
        idea = model.Package(type="idea")
        hidden = [visibility.COORDINATION_LABEL]
        assert visibility.add_coordination_label(idea, ["public"]) == ["public"]
        assert visibility.add_coordination_label(idea, ["member-x"]) == ["member-x", *hidden]
        dataset = model.Package(type="dataset")
        assert visibility.add_coordination_label(dataset, ["member-x"]) == ["member-x"]


@pytest.mark.ckan_config("ckan.auth.allow_dataset_collaborators", True)
class TestViewer:
    """``filter_visible`` and ``may_see`` agree for every package and person."""

    @pytest.fixture
    @remembered
    def people(self, editor: str, muni: dict[str, Any]) -> dict[str, str]:
        """Return the name of a person of each kind, by the kind."""
        names = {kind: factories.User()["name"] for kind in ("creator", "collaborator", "other")}
        names |= {
            "nobody": "",
            "member": officer(muni["id"], "member")["name"],
            "coordination": editor,
            "sysadmin": factories.Sysadmin()["name"],
        }
        return names

    @pytest.fixture
    @remembered
    def packages(self, people: dict[str, str], muni: dict[str, Any]) -> dict[str, str]:
        """Return the id of a package of each kind, by the reason why it is hidden."""
        creator = model.User.get(people["creator"])
        assert creator
        own = {"creator_user_id": creator.id}
        found = {
            "public": store().id,
            "of the organisation": store(private=True, owner_org=muni["id"]).id,
            "draft of the organisation": store("draft", owner_org=muni["id"]).id,
            "of no organisation": store(private=True, owner_org=None, **own).id,
            "of another organisation": store(private=True, **own).id,
            "with a collaborator": store(private=True).id,
            "idea": store_as(Idea()["id"], private=True).id,
        }
        act(
            "package_collaborator_create",
            people["sysadmin"],
            id=found["with a collaborator"],
            user_id=people["collaborator"],
            capacity="member",
        )
        return found

    @pytest.mark.parametrize(
        ("kind", "seen"),
        [
            ("nobody", set[str]()),
            ("other", set[str]()),
            ("member", {"of the organisation", "draft of the organisation"}),
            ("creator", {"of no organisation"}),
            ("collaborator", {"with a collaborator"}),
            ("coordination", {"idea"}),
        ],
    )
    def test_a_viewer_sees_public_packages_and_those_of_their_labels(
        self, people: dict[str, str], packages: dict[str, str], kind: str, seen: set[str]
    ) -> None:
        viewer = Viewer(Context(user=people[kind]))
        expected = {packages[name] for name in {"public", *seen}}
        for package in (model.Package, aliased(model.Package), model.package_table.c):
            found = list_ids(viewer.filter_visible(package), package)
            assert found & set(packages.values()) == expected
        loaded = [model.Session.get(model.Package, id_) for id_ in packages.values()]
        assert {each.id for each in loaded if each and viewer.may_see(each)} == expected

    @pytest.mark.parametrize("context", ["sysadmin", "the site itself"])
    def test_sysadmins_and_the_site_see_all(
        self, people: dict[str, str], packages: dict[str, str], context: str
    ) -> None:
        asking: dict[str, Context] = {
            "sysadmin": Context(user=people["sysadmin"]),
            "the site itself": Context(ignore_auth=True),
        }
        viewer = Viewer(asking[context])
        found = list_ids(viewer.filter_visible(), model.package_table.c)
        assert found >= set(packages.values())

    @pytest.mark.parametrize("kind", ["member", "sysadmin"])
    def test_the_outsider_flag_limits_any_user_to_public_packages(
        self, people: dict[str, str], packages: dict[str, str], kind: str
    ) -> None:
        asking: Any = {"user": people[kind], "ignore_auth": True, visibility.OUTSIDER: True}
        found = list_ids(Viewer(asking).filter_visible(), model.package_table.c)
        assert found & set(packages.values()) == {packages["public"]}

    def test_the_user_name_of_the_context_decides(
        self, people: dict[str, str], packages: dict[str, str]
    ) -> None:
        member = model.User.get(people["member"])
        asking = Context(user=people["other"], auth_user_obj=member)
        package = model.Session.get(model.Package, packages["of the organisation"])
        assert package
        assert not Viewer(asking).may_see(package)


class TestVisibility:
    def test_coordinators_find_private_ideas_and_workshops_but_no_datasets(
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

    def test_other_roles_do_not_find_private_ideas_and_workshops(
        self, muni: dict[str, Any]
    ) -> None:
        workshop_of(muni, private=True)
        for user in (officer(CivilSociety()["id"])["name"], None):
            query = {"fq": "dataset_type:workshop", "include_private": True}
            assert act("package_search", user, **query)["count"] == 0

    def test_an_editor_of_a_deleted_coordinating_body_is_no_coordinator(
        self, editor: str, body: str
    ) -> None:
        assert permissions.is_coordinator(editor)
        call_action("organization_delete", id=body)
        assert not permissions.is_coordinator(editor)

    @pytest.mark.parametrize("gone", ["body", "membership", "person", "organisation"])
    def test_only_active_members_of_active_organisations_count(
        self, editor: str, body: str, gone: str
    ) -> None:
        """Each row is changed by SQL, because CKAN deletes related rows together."""
        group, person = model.Group.get(body), model.User.get(editor)
        assert group
        assert person
        member = model.Session.query(model.Member).filter_by(table_id=person.id).one()
        assert permissions.is_coordinator(editor)
        if gone == "organisation":
            group.is_organization = False
        else:
            changed = {"body": group, "membership": member, "person": person}[gone]
            changed.state = model.State.DELETED
        model.repo.commit()
        assert not permissions.is_coordinator(editor)
        assert body not in permissions.read_standing(editor).capacities


class TestCost:
    @pytest.mark.usefixtures("with_request_context")
    def test_roles_are_queried_once_in_a_request(self, editor: str, muni: dict[str, Any]) -> None:
        ideas = [Idea(workshop=workshop_of(muni)["id"], private=True) for _ in range(3)]
        permissions.read_standing(editor)
        with asked() as statements:
            for idea in ideas:
                assert permissions.is_coordinator(editor)
                visibility.add_coordination_label(model.Package.get(idea["id"]), [])
        assert not [s for s in statements if "member" in s]

    @pytest.mark.usefixtures("with_request_context")
    def test_a_change_of_membership_counts_at_once(self, body: str, editor: str) -> None:
        assert permissions.is_coordinator(editor)
        sysadmin = factories.Sysadmin()["name"]
        act("organization_member_delete", sysadmin, id=body, username=editor)
        assert not permissions.is_coordinator(editor)

    @pytest.mark.usefixtures("with_request_context")
    def test_a_rolled_back_change_of_membership_is_not_cached(self, body: str, editor: str) -> None:
        for member in model.Session.query(model.Member).filter_by(group_id=body):
            member.state = model.State.DELETED
        model.Session.flush()
        assert not permissions.is_coordinator(editor)
        model.Session.rollback()
        assert permissions.is_coordinator(editor)

    def test_a_search_queries_roles_once_for_any_number_of_results(
        self, editor: str, muni: dict[str, Any]
    ) -> None:
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
