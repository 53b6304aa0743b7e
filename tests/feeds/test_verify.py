"""``feed verify`` finds every damage of the log, and ``feed rebuild`` corrects it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ckan import model
from ckan.cli.cli import ckan
from ckan.tests.helpers import CKANCliRunner

from ckanext.marathon.feeds import catalogue, log_state, publish
from ckanext.marathon.feeds.catalogue import THE_WHOLE
from ckanext.marathon.feeds.verify import LogFault, LogFaultKind
from ckanext.marathon.model import clock, unit_of_work
from tests import factories
from tests.remembered import remembered

from .conftest import Log

Faults = Callable[[], list[LogFault]]


@pytest.fixture
@remembered
def dataset(feed: Log) -> dict[str, Any]:
    return factories.MarathonDataset()


def bulk(statement: str) -> None:
    """Change rows as nobody should: past every listener."""
    model.Session.connection().exec_driver_sql(statement)
    model.Session.commit()


# Damage to the database or the log, and the fault that is reported.
DAMAGE = [
    ("UPDATE package SET title = 'Behind its back' WHERE type = 'dataset'", LogFaultKind.OUTDATED),
    ("UPDATE package SET private = true WHERE type = 'dataset'", LogFaultKind.NOT_PUBLIC),
    ("UPDATE package SET state = 'deleted' WHERE type = 'dataset'", LogFaultKind.NOT_PUBLIC),
    ("DELETE FROM marathon_feed_entry WHERE kind = 'dataset'", LogFaultKind.MISSING),
    (
        "UPDATE marathon_feed_entry SET body = NULL, digest = NULL WHERE kind = 'dataset'",
        LogFaultKind.MISSING,
    ),
    ("UPDATE marathon_feed_entry SET digest = 'x' WHERE kind = 'dataset'", LogFaultKind.OUTDATED),
    ("UPDATE marathon_feed_entry SET body = 'x' WHERE kind = 'idea'", LogFaultKind.OUTDATED),
    ("""UPDATE "group" SET title = 'Behind its back'""", LogFaultKind.OUTDATED),
    ("UPDATE marathon_feed_window SET live = 7", LogFaultKind.PAGE),
    ("DELETE FROM marathon_feed_window", LogFaultKind.PAGE),
    ("DELETE FROM marathon_feed_member", LogFaultKind.OUTDATED),
    (
        "UPDATE marathon_feed_member SET scope = 'idea/x' WHERE scope LIKE 'idea/%%'",
        LogFaultKind.OUTDATED,
    ),
    ("UPDATE marathon_feed_member SET current = false", LogFaultKind.OUTDATED),
    ("UPDATE marathon_feed_member SET changed = changed - 1", LogFaultKind.SCOPE),
    ("UPDATE marathon_feed_member SET changed = changed + 1", LogFaultKind.SCOPE),
    ("UPDATE marathon_feed_member SET iri = 'https://example.gt/' || place", LogFaultKind.SCOPE),
    (r"UPDATE marathon_feed_rendering SET body = '\x030000'", LogFaultKind.PAGE),
]


class TestVerify:
    def test_a_correct_log_has_no_faults(self, dataset: Any, faults: Faults) -> None:
        assert faults() == []

    @pytest.mark.parametrize(("statement", "wrong"), DAMAGE)
    def test_damage_is_found(
        self, statement: str, wrong: LogFaultKind, dataset: Any, faults: Faults
    ) -> None:
        document = catalogue.read_page(THE_WHOLE, 1, "ttl", "http://test.ckan.net/catalog.ttl")
        assert document
        list(document.pieces)
        document.close()
        bulk(statement)
        assert wrong in {fault.wrong for fault in faults()}

    def test_a_malformed_dataset_is_published_by_a_rebuild(
        self, feed: Log, faults: Faults, cli: CKANCliRunner
    ) -> None:
        dataset = factories.MarathonDataset(title="Wells")
        # No schema takes this, but an older version or another plugin may have left it.
        bulk(
            """UPDATE package SET extras = extras || '{"temporal_coverage": "[[1]]"}'::jsonb
            WHERE type = 'dataset'"""
        )
        result = cli.invoke(ckan, ["marathon", "feed", "rebuild"])
        assert not result.exit_code, result.output
        assert '"Wells"' in feed.text(dataset["id"])
        assert faults() == []


class TestCommands:
    def test_verify_lists_differences_and_exits_with_1(
        self, dataset: Any, cli: CKANCliRunner
    ) -> None:
        assert cli.invoke(ckan, ["marathon", "feed", "verify"]).exit_code == 0
        bulk(DAMAGE[0][0])
        result = cli.invoke(ckan, ["marathon", "feed", "verify"])
        assert result.exit_code == 1
        assert f"/dataset/{dataset['id']}" in result.output

    @pytest.mark.parametrize(("statement", "wrong"), DAMAGE)
    def test_rebuild_corrects_a_damaged_log(
        self, statement: str, wrong: LogFaultKind, dataset: Any, faults: Faults, cli: CKANCliRunner
    ) -> None:
        bulk(statement)
        result = cli.invoke(ckan, ["marathon", "feed", "rebuild"])
        assert not result.exit_code, result.output
        assert faults() == []

    def test_a_rebuild_with_several_processes_publishes_everything(
        self, dataset: Any, feed: Log, faults: Faults, cli: CKANCliRunner
    ) -> None:
        bulk("DELETE FROM marathon_feed_entry")
        bulk("DELETE FROM marathon_feed_window")
        result = cli.invoke(ckan, ["marathon", "feed", "rebuild", "--workers", "2"])
        assert not result.exit_code, result.output
        assert feed.is_public(dataset["id"])
        assert faults() == []

    def test_without_a_terminal_progress_goes_to_stderr(
        self, dataset: Any, cli: CKANCliRunner
    ) -> None:
        result = cli.invoke(ckan, ["marathon", "feed", "rebuild"])
        assert re.search(r"^Writing the log: (\d+) / \1$", result.stderr, re.MULTILINE)
        assert "Writing the log" not in result.stdout

    def test_a_rebuild_of_a_correct_log_adds_no_change(
        self, dataset: Any, feed: Log, cli: CKANCliRunner
    ) -> None:
        before = feed.number
        cli.invoke(ckan, ["marathon", "feed", "rebuild"])
        assert feed.number == before

    def test_status_prints_the_number_of_datasets_and_the_address(
        self, dataset: Any, cli: CKANCliRunner
    ) -> None:
        output = cli.invoke(ckan, ["marathon", "feed", "status"]).output
        assert "1 dataset" in output
        assert "http://test.ckan.net" in output

    def test_the_epoch_command_begins_a_new_epoch(self, dataset: Any, cli: CKANCliRunner) -> None:
        before = log_state.read_state()
        result = cli.invoke(ckan, ["marathon", "feed", "new-epoch", "--yes"])
        assert not result.exit_code, result.output
        after = log_state.read_state()
        assert after.epoch != before.epoch
        assert after.number == before.number


class TestRestored:
    def test_a_copy_of_the_tables_begins_a_new_epoch(self, dataset: Any, feed: Log) -> None:
        before = log_state.read_state()
        for statement in (
            "ALTER TABLE marathon_feed_clock RENAME TO former",
            "CREATE TABLE marathon_feed_clock (LIKE former INCLUDING ALL)",
            "INSERT INTO marathon_feed_clock SELECT * FROM former",
            "DROP TABLE former",
        ):
            bulk(statement)
        assert log_state.read_state().epoch != before.epoch

    def test_tables_restored_in_part_are_a_fault(
        self, dataset: Any, faults: Faults, cli: CKANCliRunner
    ) -> None:
        bulk("UPDATE marathon_feed_clock SET mark = mark # 1")
        assert [each.wrong for each in faults()] == [LogFaultKind.CLOCK]
        result = cli.invoke(ckan, ["marathon", "feed", "verify"])
        assert result.exit_code == 1
        assert "a backup was restored in part" in result.output
        assert "feed rebuild" not in result.output

    def test_a_lost_change_that_was_served_is_a_fault(
        self, storage: Path, dataset: Any, faults: Faults
    ) -> None:
        factories.MarathonDataset()
        served = log_state.read_witness()
        assert served is not None
        assert faults() == []
        bulk(f"UPDATE marathon_feed_change SET mark = mark # 1 WHERE number = {served.number}")
        bulk("UPDATE marathon_feed_clock SET mark = mark # 1")
        assert faults() == [LogFault(LogFaultKind.LOST, str(served.number))]
        before = log_state.read_state().epoch
        assert log_state.begin_epoch_after_loss()
        assert log_state.read_state().epoch != before
        assert faults() == []
        assert not log_state.begin_epoch_after_loss()

    @pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"number": "x", "mark": 1}'])
    def test_an_unreadable_witness_is_no_fault(
        self, storage: Path, dataset: Any, faults: Faults, text: str
    ) -> None:
        (storage / log_state.WITNESS_NAME).write_text(text, encoding="utf-8")
        assert faults() == []

    def test_a_rolled_back_change_does_not_move_the_witness(
        self, storage: Path, dataset: Any
    ) -> None:
        factories.MarathonDataset()
        before = log_state.read_witness()
        assert before is not None
        package = model.Package.get(dataset["id"])
        package.title = "Otro"
        model.Session.flush()
        publish.note_settings()
        publish.publish_touched(unit_of_work.get_unit())
        assert clock.read_clock().number > before.number
        model.Session.rollback()
        model.Session.commit()
        assert log_state.read_witness() == before
