"""Every change of public content is in the log with its commit, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ckan import model
from ckan.cli.cli import ckan
from ckan.lib.plugins import get_permission_labels
from ckan.model.system_info import delete_system_info
from ckan.tests import factories as ckan_factories
from ckan.tests.helpers import CKANCliRunner, call_action

from ckanext.marathon import visibility
from ckanext.marathon.feeds import log_state, source
from ckanext.marathon.feeds.port import Key
from ckanext.marathon.feeds.publish import publish_settings
from ckanext.marathon.model.feed import Kind
from tests import factories

from .conftest import Log

CSV = {"name": "wells", "url": "https://example.gt/wells.csv", "format": "CSV"}


class World:
    """A chain, and the entries that a change made in the log."""

    def __init__(self) -> None:
        self.owner = factories.Municipality(title="Here")
        self.other = factories.Municipality(title="There")
        code = self.owner["municipality_code"]
        self.workshop = factories.Workshop(owner_org=self.owner["id"], municipality=[code])
        self.idea = factories.Idea(workshop=self.workshop["id"], data_need=[{"what": "Wells"}])
        self.dataset = factories.MarathonDataset(
            idea=[self.idea["id"]], resources=[CSV], tags=[{"name": "water"}]
        )


@pytest.fixture
def world(feed: Log) -> World:
    return World()


Change = Callable[[World], Any]
DATASET = {("Update", "dataset")}


def patch(kind: str, **data: Any) -> Change:
    return lambda world: call_action("package_patch", id=getattr(world, kind)["id"], **data)


def resource_ids(world: World) -> list[str]:
    return [each["id"] for each in call_action("package_show", id=world.dataset["id"])["resources"]]


def reorder(world: World) -> None:
    call_action("resource_create", package_id=world.dataset["id"], **{**CSV, "name": "second"})
    ids = resource_ids(world)
    call_action("package_resource_reorder", id=world.dataset["id"], order=ids[::-1])


def another_workshop(world: World) -> None:
    elsewhere = factories.Workshop(
        owner_org=world.other["id"], municipality=[world.other["municipality_code"]]
    )
    call_action("package_patch", id=world.idea["id"], workshop=elsewhere["id"], municipality=[])


def in_savepoint(world: World) -> None:
    package = model.Package.get(world.dataset["id"])
    assert package
    with model.Session.begin_nested():
        package.title = "Nested"
    model.repo.commit()


UPDATES: dict[str, tuple[Change, set[tuple[str, str]]]] = {
    "package_update": (
        lambda w: call_action("package_update", **{**w.dataset, "title": "Other"}),
        DATASET,
    ),
    "package_patch": (patch("dataset", title="Other"), DATASET),
    "package_revise": (
        lambda w: call_action(
            "package_revise", match={"id": w.dataset["id"]}, update={"notes": "Revised"}
        ),
        DATASET,
    ),
    "resource_create": (
        lambda w: call_action("resource_create", package_id=w.dataset["id"], **CSV),
        DATASET,
    ),
    "resource_patch": (
        lambda w: call_action("resource_patch", id=resource_ids(w)[0], name="Other"),
        DATASET,
    ),
    "resource_delete": (
        lambda w: call_action("resource_delete", id=resource_ids(w)[0]),
        DATASET,
    ),
    "resources reordered": (reorder, DATASET),
    "tags": (patch("dataset", tags=[{"name": "rain"}]), DATASET),
    "another organisation": (
        lambda w: call_action(
            "package_owner_org_update", id=w.dataset["id"], organization_id=w.other["id"]
        ),
        DATASET,
    ),
    "organisation's title": (
        lambda w: call_action("organization_patch", id=w.owner["id"], title="Renamed"),
        {("Update", "organization"), *DATASET},
    ),
    "organisation's office": (
        lambda w: call_action(
            "organization_patch", id=w.owner["id"], contact_email="oficina@example.gt"
        ),
        {("Update", "organization"), ("Update", "dataset")},
    ),
    # The neighbours that a dataset names are described with it.
    "idea's title": (patch("idea", title="Other"), {("Update", "idea"), *DATASET}),
    "idea's problem": (
        patch("idea", service_problem=["RES-01"]),
        {("Update", "idea"), ("Update", "dataset")},
    ),
    "idea's data need": (
        lambda w: call_action(
            "package_patch",
            id=w.idea["id"],
            data_need=[*w.idea["data_need"], {"what": "Springs"}],
        ),
        {("Update", "idea"), *DATASET},
    ),
    "idea in another workshop": (
        another_workshop,
        {("Create", "workshop"), ("Update", "idea"), ("Update", "dataset")},
    ),
    "workshop's title": (patch("workshop", title="Other"), {("Update", "workshop"), *DATASET}),
    # Ideas have their places from their workshops, and datasets from their ideas.
    "workshop's places": (
        lambda w: call_action(
            "package_patch",
            id=w.workshop["id"],
            municipality=[w.owner["municipality_code"], w.other["municipality_code"]],
        ),
        {("Update", "workshop"), ("Update", "idea"), ("Update", "dataset")},
    ),
    "idea hidden": (
        patch("idea", private=True),
        {("Delete", "idea"), ("Update", "dataset")},
    ),
    "nested savepoint": (in_savepoint, DATASET),
}


class TestUpdates:
    @pytest.mark.parametrize("name", UPDATES)
    def test_an_update_adds_exactly_the_expected_changes(
        self, name: str, world: World, feed: Log, faults: Any
    ) -> None:
        change, expected = UPDATES[name]
        before = feed.number
        change(world)
        assert set(feed.since(before)) == expected
        assert feed.slot(world.dataset["id"]) == 1
        assert faults() == []


class TestSettings:
    @pytest.fixture
    def restored(self, ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setitem(ckan_config, "ckan.site_title", "CKAN")
        yield
        delete_system_info("ckan.site_title")

    def test_a_changed_site_title_updates_the_catalogue_entry(
        self, feed: Log, restored: None, world: World, faults: Any
    ) -> None:
        before = feed.number
        call_action("config_option_update", **{"ckan.site_title": "Maratones"})
        assert feed.since(before) == [("Update", "catalog")]
        assert '"Maratones"' in feed.text("")
        assert faults() == []

    def test_changed_ini_settings_are_published_once_by_a_new_process(
        self, app: Any, world: World, feed: Log, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = feed.number
        monkeypatch.setitem(ckan_config, "ckan.site_title", "Otro nombre")
        publish_settings.cache_clear()
        assert "Otro nombre" in app.get("/catalog.ttl").text
        assert feed.since(before) == [("Update", "catalog")]
        app.get("/catalog.ttl")
        assert feed.since(before) == [("Update", "catalog")]

    def test_a_visit_to_an_empty_site_publishes_nothing(self, app: Any, feed: Log) -> None:
        publish_settings.cache_clear()
        app.get("/catalog.ttl")
        assert feed.number == 0


GONE: dict[str, Change] = {
    "package_delete": lambda w: call_action("package_delete", id=w.dataset["id"]),
    "dataset_purge": lambda w: call_action("dataset_purge", id=w.dataset["id"]),
    "private": patch("dataset", private=True),
    "bulk_update_private": lambda w: call_action(
        "bulk_update_private", datasets=[w.dataset["id"]], org_id=w.owner["id"]
    ),
    "bulk_update_delete": lambda w: call_action(
        "bulk_update_delete", datasets=[w.dataset["id"]], org_id=w.owner["id"]
    ),
    "draft": lambda w: call_action("package_patch", id=w.dataset["id"], state="draft"),
}


class TestWithdrawn:
    @pytest.mark.parametrize("name", GONE)
    def test_a_withdrawn_dataset_becomes_a_tombstone_in_its_slot(
        self, name: str, world: World, feed: Log, faults: Any
    ) -> None:
        before = feed.number
        GONE[name](world)
        assert feed.since(before) == [("Delete", "dataset")]
        assert not feed.is_public(world.dataset["id"])
        assert feed.slot(world.dataset["id"]) == 1
        assert faults() == []

    @pytest.mark.parametrize("command", ["delete", "purge"])
    def test_ckans_dataset_commands_are_captured(
        self, command: str, world: World, feed: Log, faults: Any, cli: CKANCliRunner
    ) -> None:
        before = feed.number
        result = cli.invoke(ckan, ["dataset", command, world.dataset["id"]])
        assert not result.exit_code, result.output
        assert feed.since(before) == [("Delete", "dataset")]
        assert faults() == []

    def test_a_restored_dataset_keeps_its_slot(self, world: World, feed: Log, faults: Any) -> None:
        call_action("package_delete", id=world.dataset["id"])
        factories.MarathonDataset(idea=[world.idea["id"]])
        before = feed.number
        call_action("package_patch", id=world.dataset["id"], state="active")
        assert feed.since(before) == [("Create", "dataset")]
        assert feed.slot(world.dataset["id"]) == 1
        assert faults() == []

    def test_a_deleted_organisation_becomes_a_tombstone(self, feed: Log, faults: Any) -> None:
        owner = factories.Municipality()
        before = feed.number
        call_action("organization_delete", id=owner["id"])
        assert ("Delete", "organization") in feed.since(before)
        call_action("organization_purge", id=owner["id"])
        assert faults() == []

    def test_a_purged_idea_is_removed_from_its_datasets(
        self, world: World, feed: Log, faults: Any
    ) -> None:
        before = feed.number
        call_action("dataset_purge", id=world.idea["id"])
        assert set(feed.since(before)) == {("Delete", "idea"), ("Update", "dataset")}
        assert world.idea["id"] not in feed.text(world.dataset["id"])
        assert faults() == []


class TestNeverPublic:
    @pytest.mark.parametrize("hidden", [{"private": True}, {"state": "draft"}])
    def test_a_never_public_dataset_leaves_no_entry(
        self, hidden: dict[str, Any], feed: Log, faults: Any
    ) -> None:
        dataset = factories.MarathonDataset(**hidden)
        assert feed.slot(dataset["id"]) is None
        assert feed.text(dataset["id"]) == ""
        call_action("dataset_purge", id=dataset["id"])
        assert ("Delete", "dataset") not in feed.since(0)
        assert faults() == []

    def test_a_dataset_hidden_by_labels_is_not_described(
        self, feed: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another plugin's labels hold, also where ``package_show`` breaks."""

        def break_down(_identifier: str) -> None:
            raise RuntimeError

        labels = SimpleNamespace(
            get_dataset_labels=lambda _package: ["member-of-something"],
            get_user_dataset_labels=get_permission_labels().get_user_dataset_labels,
        )
        monkeypatch.setattr(visibility, "get_permission_labels", lambda: labels)
        monkeypatch.setattr(source, "_show_package", break_down)
        dataset = factories.MarathonDataset()
        assert feed.slot(dataset["id"]) is None

    def test_a_group_is_not_described_as_an_organisation(self, feed: Log) -> None:
        group = Key(Kind.ORGANIZATION, ckan_factories.Group()["id"])
        assert source.describe_records([group], log_state.find_settings()) == {group: None}

    def test_groups_and_users_are_not_captured(self, feed: Log) -> None:
        ckan_factories.Group()
        ckan_factories.User()
        assert feed.number == 0


class TestTransactions:
    @pytest.fixture
    def package(self, world: World) -> Iterator[Any]:
        return model.Package.get(world.dataset["id"])

    def test_a_rolled_back_change_is_not_captured(
        self, package: Any, feed: Log, faults: Any
    ) -> None:
        before = feed.number
        package.title = "Never"
        model.Session.flush()
        model.Session.rollback()
        model.repo.commit()
        assert feed.number == before
        assert faults() == []

    def test_a_rolled_back_savepoint_is_not_captured(
        self, package: Any, feed: Log, faults: Any
    ) -> None:
        before = feed.number
        nested = model.Session.begin_nested()
        package.title = "Never"
        model.Session.flush()
        nested.rollback()
        package.notes = "Kept"
        model.repo.commit()
        assert feed.since(before) == [("Update", "dataset")]
        assert "Never" not in feed.text(package.id)
        assert "Kept" in feed.text(package.id)
        assert faults() == []

    def test_nothing_is_in_the_log_before_the_commit(self, package: Any, feed: Log) -> None:
        before = feed.number
        package.title = "Later"
        model.Session.flush()
        assert feed.number == before
        model.repo.commit()
        assert feed.number == before + 1
