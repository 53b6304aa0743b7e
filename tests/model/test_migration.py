from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from ckan import model
from ckan.cli.cli import ckan
from ckan.tests.helpers import CKANCliRunner, call_action

import ckanext.marathon
from ckanext.marathon.feeds.verify import verify_log
from ckanext.marathon.logic.erasing import STEPS
from ckanext.marathon.model import clock, takedown
from ckanext.marathon.model import dataset as dataset_model
from ckanext.marathon.model.feed import Change, Entry
from tests import factories

TABLES = {
    "marathon_code",
    "marathon_idea_transition",
    "marathon_installation",
    "marathon_link",
    "marathon_place",
}


def tables() -> set[str]:
    return {name for name in sa.inspect(model.meta.engine).get_table_names() if "marathon" in name}


@pytest.mark.usefixtures("clean_db")
class TestMigration:
    def test_the_tables_are_those_of_the_models(self) -> None:
        with model.meta.engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "include_object": lambda thing, name, kind, *_: (
                        (kind != "table" or name.startswith("marathon_"))
                        and name != "marathon_alembic_version"
                    ),
                    "compare_type": True,
                },
            )
            # Not CKAN's `meta.metadata`: emptying a database puts another one in its place.
            assert compare_metadata(context, tk.BaseModel.metadata) == []
        assert tables() >= TABLES

    def test_migrations_go_down_and_up(self, migrate_db_for: Callable[..., None]) -> None:
        before = tables()
        migrate_db_for("marathon", version="base", forward=False)
        assert tables() == {"marathon_alembic_version"}
        migrate_db_for("marathon")
        assert tables() == before

    def test_ckan_db_upgrade_migrates_the_tables(self, cli: CKANCliRunner) -> None:
        for _ in range(2):
            result = cli.invoke(ckan, ["db", "upgrade", "-p", "marathon"])
            assert not result.exit_code, result.output
        assert tables() >= TABLES
        pending = cli.invoke(ckan, ["db", "pending-migrations"])
        assert "marathon" not in pending.output

    def test_the_migration_records_the_time_of_installation(
        self, migrate_db_for: Callable[..., None]
    ) -> None:
        migrate_db_for("marathon", version="base", forward=False)
        migrate_db_for("marathon")
        row = model.Session.execute(sa.text("SELECT installed_at FROM marathon_installation"))
        ago: timedelta = datetime.utcnow() - row.scalar_one()
        assert abs(ago) < timedelta(minutes=1)

    def test_a_missing_time_of_installation_is_set_once_to_now(self) -> None:
        first = dataset_model.read_installation_time()
        model.repo.commit()
        assert dataset_model.read_installation_time() == first
        assert abs(datetime.utcnow() - first) < timedelta(minutes=1)


@pytest.mark.usefixtures("clean_db")
class TestExtrasAreReadWithCare:
    @pytest.mark.parametrize("text", ["", "x", "{}", "1", "null", "[", '["a", 1, null, ["b"]]'])
    def test_malformed_lists_in_extras_are_read_as_empty(self, text: str) -> None:
        from ckanext.marathon.model import package as package_model

        package = model.Package(name="x", extras={"municipality": text})
        expected: Any = ["a"] if text.startswith('["a"') else []
        assert package_model.read_stored_texts(package, "municipality") == expected
        assert package_model.read_stored_rows(package, "municipality") == []


REVISIONS = Path(ckanext.marathon.__file__).parent / "migration" / "marathon" / "versions"


def earlier_revisions() -> list[str]:
    """Return the revisions before the last, the first of them first."""
    config = Config()
    config.set_main_option("script_location", str(REVISIONS.parent))
    walked = ScriptDirectory.from_config(config).walk_revisions()
    return [each.revision for each in walked][:0:-1]


def test_there_are_earlier_revisions_to_upgrade_from() -> None:
    assert len(earlier_revisions()) >= 4


@pytest.mark.usefixtures("marathon_site")
class TestUpgrade:
    @pytest.mark.parametrize("revision", earlier_revisions())
    def test_the_log_answers_after_an_upgrade(
        self,
        revision: str,
        app: Any,
        cli: CKANCliRunner,
        migrate_db_for: Callable[..., None],
    ) -> None:
        idea = factories.Idea()
        kept, gone = (factories.MarathonDataset(idea=[idea["id"]]) for _ in range(2))
        call_action("package_delete", id=gone["id"])
        former = app.get("/catalog/changes").headers["Marathon-Feed-Cursor"]
        model.Session.remove()
        migrate_db_for("marathon", version=revision, forward=False)
        had_log = "marathon_feed_change" in tables()
        had_marks = had_log and "mark" in columns_of("marathon_feed_change")
        migrate_db_for("marathon")
        if not clock.read_clock().complete:
            model.Session.commit()
            result = cli.invoke(ckan, ["marathon", "feed", "rebuild"])
            assert not result.exit_code, result.output
        answer = app.get("/catalog.nt")
        assert f"/dataset/{kept['id']}>" in answer.get_data(as_text=True)
        assert f"/dataset/{gone['id']}>" not in answer.get_data(as_text=True)
        cursor = answer.headers["Marathon-Feed-Cursor"]
        assert app.get(f"/catalog/changes?since={cursor}").status_code == 200
        epoch, number, *_ = former.split(".")
        # The cursor of a follower from before the upgrade.
        old = former if had_marks else f"{epoch}.{number}"
        known = app.get(f"/catalog/changes?since={old}")
        assert known.status_code == (200 if had_log else 410)
        # Cursors that this log never gave: with a mark that it does not have, or without one.
        other = f"{epoch}.{number}" if had_marks else former
        assert app.get(f"/catalog/changes?since={other}").status_code == 410
        if had_log:
            assert known.headers["Marathon-Feed-Cursor"] == cursor
        names = app.get("/catalog/changes.nq").get_data(as_text=True)
        # Activities that were published before keep their names, which nobody has heard otherwise.
        nameless = had_log and not had_marks
        assert bool(re.search(rf"#{epoch[:8]}-[0-9]+>", names)) == nameless
        call_action("package_patch", id=kept["id"], title="Después")
        assert "Después" in app.get(f"/catalog/changes.nq?since={cursor}").get_data(as_text=True)
        number = app.get("/catalog/changes").headers["Marathon-Feed-Cursor"].split(".")[1]
        # No version without marks has ever given such a number away.
        assert app.get(f"/catalog/changes?since={epoch}.{number}").status_code == 410
        assert list(verify_log()) == []

    def test_records_taken_down_by_older_versions_are_cleaned_up_again(
        self, storage: Path, migrate_db_for: Callable[..., None]
    ) -> None:
        """Versions without the column for pending removals left traces."""
        dataset = factories.MarathonDataset()
        call_action("marathon_takedown", id=dataset["id"], reason="Orden judicial")
        model.Session.remove()
        migrate_db_for("marathon", version="6f3d1b92c7ae", forward=False)
        assert "pending" not in columns_of("marathon_takedown")
        migrate_db_for("marathon")
        row = takedown.find_takedown(dataset["id"])
        assert row
        assert row.reason == "Orden judicial"
        # Which records named it was not written down either.
        assert {*row.pending} == {*STEPS} - {"neighbours"}
        call_action("marathon_takedown_apply")
        assert takedown.list_unfinished() == []


IRI = "https://origen.example.gt/datos/agua"


@pytest.mark.usefixtures("marathon_site")
class TestFirstPublished:
    """Of logs that are older than it, the migration finds out when datasets were published."""

    def upgrade(self, migrate_db_for: Callable[..., None]) -> dict[tuple[str, str], datetime]:
        """Repeat the migration; return record and IRI → time of the first publication."""
        model.Session.remove()
        migrate_db_for("marathon", version="a3c7e91b5d24", forward=False)
        assert "first_published" not in columns_of("marathon_feed_entry")
        migrate_db_for("marathon")
        rows = model.Session.execute(sa.select(Entry.thing, Entry.iri, Entry.first_published))
        return {(row.thing, row.iri.rpartition("/")[2]): row.first_published for row in rows}

    def spread(self) -> None:
        """Have an hour between two changes, and each record made just before its first."""
        for statement in (
            "UPDATE marathon_feed_change SET published = timestamptz '2026-03-01 00:00Z'"
            " + number * interval '1 hour'",
            """
            UPDATE package SET metadata_created = timestamp '2026-03-01'
                + (SELECT min(number) FROM marathon_feed_change WHERE iri LIKE '%' || package.id)
                * interval '1 hour' - interval '1 min'
            WHERE id IN (SELECT thing FROM marathon_feed_entry WHERE kind = 'dataset')
                AND extras ->> 'uri' IS NULL
            """,
            "UPDATE marathon_installation SET installed_at = timestamp '2026-02-01'",
        ):
            model.Session.execute(sa.text(statement))
        model.Session.commit()

    def changes_of(self, iri: str) -> list[tuple[str, datetime]]:
        query = sa.select(Change.activity, Change.published).where(Change.iri.endswith(iri))
        found = model.Session.execute(query.order_by(Change.number))
        return list(found.tuples())

    def test_the_first_of_several_publications_counts(
        self, migrate_db_for: Callable[..., None]
    ) -> None:
        dataset = factories.MarathonDataset()
        call_action("package_patch", id=dataset["id"], title="Otro")
        call_action("package_delete", id=dataset["id"])
        call_action("package_patch", id=dataset["id"], state="active")
        purged = factories.MarathonDataset(idea=dataset["idea"])
        call_action("dataset_purge", id=purged["id"])
        self.spread()
        for each in (dataset["id"], purged["id"]):
            told = self.changes_of(each)
            assert [activity for activity, _at in told][:1] == ["Create"]
        assert [activity for activity, _ in self.changes_of(dataset["id"])].count("Create") == 2
        found = self.upgrade(migrate_db_for)
        for each in (dataset["id"], purged["id"]):
            assert found[each, each] == self.changes_of(each)[0][1]
        # Only datasets say so.
        assert {at for (thing, _iri), at in found.items() if thing in dataset["idea"]} == {None}

    def test_a_dataset_older_than_the_plugin_was_published_when_created(
        self, migrate_db_for: Callable[..., None]
    ) -> None:
        dataset = factories.MarathonDataset()
        statement = "UPDATE package SET metadata_created = timestamp '2019-05-04 03:02:01'"
        model.Session.execute(sa.text(statement))
        model.Session.commit()
        found = self.upgrade(migrate_db_for)
        assert found[dataset["id"], dataset["id"]].isoformat() == "2019-05-04T03:02:01+00:00"

    def test_the_upgrade_dates_a_new_iri_by_the_first_change_under_the_former(
        self, migrate_db_for: Callable[..., None]
    ) -> None:
        source = factories.NationalBody()["id"]
        harvested = harvest(source, "agua", IRI)
        other = f"{IRI}-2"
        call_action("package_patch", id=harvested, extras=[{"key": "uri", "value": other}])
        self.spread()
        (created, first), *_ = self.changes_of(IRI)
        assert created == "Create"
        model.Session.execute(
            sa.text("UPDATE package SET metadata_created = :at"),
            {"at": first.astimezone(UTC).replace(tzinfo=None) - timedelta(minutes=1)},
        )
        model.Session.commit()
        found = self.upgrade(migrate_db_for)
        assert found[harvested, "agua"] == found[harvested, "agua-2"] == first

    def test_publications_of_the_former_owner_of_an_iri_do_not_count(
        self, migrate_db_for: Callable[..., None]
    ) -> None:
        source = factories.NationalBody()["id"]
        former = harvest(source, "agua", IRI)
        call_action("package_delete", id=former)
        latter = harvest(source, "agua-otra-vez", IRI)
        self.spread()
        told = self.changes_of(IRI)
        assert [activity for activity, _at in told] == ["Create", "Delete", "Create"]
        for id_, (_activity, at) in ((former, told[0]), (latter, told[2])):
            model.Session.execute(
                sa.text("UPDATE package SET metadata_created = :at WHERE id = :id"),
                {"at": at.astimezone(UTC).replace(tzinfo=None) - timedelta(minutes=1), "id": id_},
            )
        model.Session.commit()
        assert self.upgrade(migrate_db_for)[latter, "agua"] == told[2][1]


def harvest(owner: str, name: str, uri: str) -> str:
    """Save a dataset in the way of harvesters; return its id."""
    made = call_action(
        "package_create",
        name=name,
        title=name,
        notes="De otra parte.",
        owner_org=owner,
        service_problem=["AGU-01"],
        extras=[{"key": "uri", "value": uri}],
    )
    return made["id"]


def test_there_are_migrations_before_the_log_and_before_its_marks() -> None:
    """The other tests of upgrades need these starting points."""
    names = {path.name.partition("_")[2] for path in REVISIONS.glob("*.py")}
    assert {"core_tables.py", "feed_log.py", "feed_scopes.py", "feed_marks.py"} <= names


def columns_of(table: str) -> set[str]:
    return {each["name"] for each in sa.inspect(model.meta.engine).get_columns(table)}
