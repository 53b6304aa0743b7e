"""``ckan marathon activity scrub`` corrects older activities, and the doctor recommends it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.cli.cli import ckan

from ckanext.marathon.model import activity as activity_model
from ckanext.marathon.operations import doctor, upkeep
from ckanext.marathon.operations.doctor import Health
from tests import factories

STOCK = {
    "id": "row-1",
    "type": "workshop",
    "participants": 74_007_403,
    "participants_women": 74_007_400,
    "participants_men": "3",
    "title": "Taller",
    "extras": [{"key": "participants_women", "value": "74007400"}],
    "history": [{"status": "proposed", "user": "ana"}],
    "workshop_info": {"title": "Taller privado"},
}

pytestmark = pytest.mark.usefixtures("marathon_site", "with_request_context")


@pytest.fixture
def labelled_table(marathon_site: None) -> Iterator[None]:
    """Give the table its labels, which CKAN makes with the plugin alone, and take them back."""
    was_there = activity_model.has_table()
    if not was_there:
        model.Session.execute(sa.text("ALTER TABLE activity ADD permission_labels text[]"))
        model.repo.commit()
    yield
    model.Session.rollback()
    if not was_there:
        model.Session.execute(sa.text("ALTER TABLE activity DROP permission_labels"))
    model.Session.execute(sa.text("DELETE FROM activity"))
    model.repo.commit()


@pytest.fixture
def write(labelled_table: None) -> Callable[..., None]:
    """Write a row as ckanext-activity alone does, into its table, the plugin not being loaded."""
    execute = model.Session.execute
    insert = sa.text(
        "INSERT INTO activity (id, timestamp, user_id, object_id, activity_type, data, "
        "permission_labels) VALUES (:id, now(), 'u', :object, :type, :data, :labels)"
    )

    def run(id_: str, object_id: str, type_: str, data: Any, labels: list[str] | None) -> None:
        text = json.dumps(data) if data is not None else None
        execute(
            insert,
            {"id": id_, "object": object_id, "type": type_, "data": text, "labels": labels},
        )
        model.repo.commit()

    return run


def row(id_: str) -> Any:
    query = sa.text("SELECT data, permission_labels AS labels FROM activity WHERE id = :id")
    return model.Session.execute(query, {"id": id_}).one()


def complaints() -> list[str]:
    found = [f for f in doctor.check_activities() if f.health is not Health.GOOD]
    return [finding.text for finding in found]


class TestScrub:
    def test_scrub_removes_data_hidden_from_outsiders(self, write: Callable[..., None]) -> None:
        workshop = factories.Workshop()
        package = {**STOCK, "id": workshop["id"]}
        write("a", workshop["id"], "new package", {"package": package, "actor": "ana"}, ["public"])
        (complaint,) = complaints()
        assert ": 1 or more." in complaint
        done = upkeep.scrub_activities()
        assert (done.rows, done.data, done.labels) == (1, 1, 0)
        kept = row("a").data
        assert "Taller" in kept
        assert "74007403" in kept
        for secret in ("74007400", "ana", "Taller privado"):
            assert secret not in kept, secret
        assert complaints() == []
        again = upkeep.scrub_activities()
        assert (again.rows, again.data, again.labels) == (1, 0, 0)

    @pytest.mark.parametrize("fields", [{"private": True}, {"state": "draft"}])
    def test_scrub_hides_activities_of_records_no_longer_public(
        self, fields: dict[str, Any], write: Callable[..., None]
    ) -> None:
        workshop = factories.Workshop(**fields)
        organization = workshop["owner_org"]
        write("a", workshop["id"], "changed package", None, ["public"])
        write("b", workshop["id"], "new resource view", {"title": "Vista"}, None)
        write("c", "purged-1", "new package", {"package": {"title": "Purgado"}}, ["public"])
        write("d", "purged-2", "new organization", {"group": {"title": "Purgada"}}, None)
        assert ": 4 or more." in complaints()[0]
        upkeep.scrub_activities()
        insiders = [f"member-{organization}", "marathon-coordination"]
        assert row("a").labels == [*insiders, activity_model.WAS_PUBLIC]
        assert row("b").labels == insiders
        assert row("c").labels == row("d").labels == []
        assert complaints() == []

    def test_the_command_prints_the_number_of_changes(
        self, write: Callable[..., None], cli: Any
    ) -> None:
        workshop = factories.Workshop(private=True)
        write("a", workshop["id"], "new package", {"package": STOCK, "actor": "ana"}, ["public"])
        answer = cli.invoke(ckan, ["marathon", "activity", "scrub"])
        assert not answer.exit_code, answer.output
        assert "Activities: 1; record changed: 1; readers changed: 1." in answer.output

    def test_malformed_activity_data_stay(self, write: Callable[..., None]) -> None:
        workshop = factories.Workshop()
        write("a", workshop["id"], "new package", [1], ["public"])
        write("b", workshop["id"], "new package", {"package": "?"}, ["public"])
        assert upkeep.scrub_activities().data == 0

    def test_without_the_activity_table_nothing_is_scrubbed(self) -> None:
        model.Session.execute(sa.text("ALTER TABLE activity RENAME TO activity_of_others"))
        try:
            assert upkeep.scrub_activities() == upkeep.ScrubbedActivities()
            assert complaints() == []
            factories.Workshop(private=True)
        finally:
            model.Session.rollback()
            model.Session.execute(
                sa.text("ALTER TABLE IF EXISTS activity_of_others RENAME TO activity")
            )
            model.repo.commit()


def test_changes_are_labelled_while_the_plugin_is_not_loaded(write: Callable[..., None]) -> None:
    workshop = factories.Workshop()
    write("a", workshop["id"], "new package", {"package": {"title": "Taller"}}, ["public"])
    package = model.Package.get(workshop["id"])
    assert package
    package.private = True
    model.repo.commit()
    assert "public" not in row("a").labels
    package.private = False
    model.repo.commit()
    assert row("a").labels == ["public"]
