"""A fault while publishing stops no save, leaves nothing withdrawn in the feed, and heals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.cli.cli import ckan
from ckan.lib import jobs
from ckan.tests import factories as ckan_factories
from ckan.tests.helpers import CKANCliRunner, call_action

from ckanext.marathon.feeds import log_state, publish, source, verify
from ckanext.marathon.feeds.publish import WithdrawalRefused
from ckanext.marathon.model import feed as feed_model
from ckanext.marathon.model import feed_log
from ckanext.marathon.operations import doctor, feed_job, health
from tests import factories

from .conftest import Log

pytestmark = pytest.mark.usefixtures("clean_queues")
Patch = pytest.MonkeyPatch


class Faulty:
    """Stands for a function of publishing that fails in the database, until it is mended."""

    def __init__(self, works: Callable[..., Any], calls_that_fail: int) -> None:
        self.works = works
        self.left = calls_that_fail

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.left:
            self.left -= 1
            # After its work, so that what it wrote has to be undone; PostgreSQL then takes no
            # further statement before the savepoint is left.
            self.works(*args, **kwargs)
            model.Session.execute(sa.text("SELECT 1 / 0"))
        return self.works(*args, **kwargs)


Break = Callable[..., Faulty]


@pytest.fixture
def break_log(monkeypatch: Patch) -> Break:
    """Have the log fail when it is written to, so many times."""

    def run(calls: int = 1) -> Faulty:
        faulty = Faulty(feed_log.write_steps, calls)
        monkeypatch.setattr(feed_log, "write_steps", faulty)
        return faulty

    return run


@pytest.fixture
def dataset(feed: Log, storage: Path) -> dict[str, Any]:
    """A public dataset, on a site that notes its last change in a file."""
    return factories.MarathonDataset(title="Before")


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """Leave no transaction behind: a refused save is open until it is rolled back."""
    yield
    model.Session.rollback()


def rename(dataset: dict[str, Any], title: str = "After") -> None:
    call_action("package_patch", id=dataset["id"], title=title)


class TestOrdinaryChange:
    def test_a_failed_publication_saves_and_leaves_a_gap_until_the_job_runs(
        self, dataset: dict[str, Any], feed: Log, break_log: Break, faults: Any
    ) -> None:
        before, served = feed.number, log_state.read_witness()
        assert served is not None
        break_log()
        rename(dataset)
        assert call_action("package_show", id=dataset["id"])["title"] == "After"
        assert feed.number == before
        assert "Before" in feed.text(dataset["id"])
        assert log_state.read_witness() == served
        found = log_state.read_log_status()
        assert (found.complete, found.gaps) == (False, 1)
        jobs.Worker().work(burst=True)
        assert "After" in feed.text(dataset["id"])
        assert feed.since(before) == [("Update", "dataset")]
        assert (log_state.read_log_status().complete, log_state.read_log_status().gaps) == (True, 0)
        assert faults() == []

    def test_a_new_record_is_published_later(
        self, feed: Log, break_log: Break, faults: Any
    ) -> None:
        owner = factories.Municipality()
        break_log()
        made = factories.Workshop(
            title="Later", owner_org=owner["id"], municipality=[owner["municipality_code"]]
        )
        assert not feed.is_public(made["id"])
        assert publish.fill_gaps()
        assert "Later" in feed.text(made["id"])
        assert faults() == []

    def test_a_change_of_an_organisation_is_published_later(
        self, dataset: dict[str, Any], feed: Log, break_log: Break, faults: Any
    ) -> None:
        break_log()
        call_action("organization_patch", id=dataset["owner_org"], title="Renamed")
        assert "Renamed" not in feed.text(dataset["owner_org"])
        assert publish.fill_gaps()
        assert "Renamed" in feed.text(dataset["owner_org"])
        assert faults() == []

    def test_a_change_whose_description_failed_is_published_later(
        self, dataset: dict[str, Any], feed: Log, monkeypatch: Patch, faults: Any
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(source, "describe_records", Faulty(source.describe_records, 1))
            rename(dataset)
        assert "Before" in feed.text(dataset["id"])
        assert publish.fill_gaps()
        assert faults() == []

    def test_changed_settings_are_published_later(
        self, dataset: dict[str, Any], feed: Log, break_log: Break, ckan_config: Any, faults: Any
    ) -> None:
        title = ckan_config["ckan.site_title"]
        try:
            break_log()
            call_action("config_option_update", **{"ckan.site_title": "Another title"})
            assert "Another title" not in feed.text("")
            assert publish.fill_gaps()
            assert "Another title" in feed.text("")
        finally:
            call_action("config_option_update", **{"ckan.site_title": title})

    def test_a_change_within_a_savepoint_leaves_one_gap(
        self, dataset: dict[str, Any], feed: Log, break_log: Break, faults: Any
    ) -> None:
        package = model.Package.get(dataset["id"])
        assert package
        break_log()
        with model.Session.begin_nested():
            package.title = "Nested"
        assert feed_model.read_gaps()[0] == 0
        undone = model.Session.begin_nested()
        package.title = "Undone"
        model.Session.flush()
        undone.rollback()
        model.repo.commit()
        assert feed_model.read_gaps()[0] == 1
        assert publish.fill_gaps()
        assert "Nested" in feed.text(dataset["id"])
        assert faults() == []

    def test_a_rolled_back_change_leaves_no_gap(
        self, dataset: dict[str, Any], break_log: Break
    ) -> None:
        noted: list[int] = []

        def fail(_session: Any) -> None:
            noted.append(feed_model.read_gaps()[0])
            raise ZeroDivisionError

        package = model.Package.get(dataset["id"])
        assert package
        package.title = "Never"
        model.Session.flush()
        break_log()
        # It comes after our own listener, so that the gap is open already when the commit fails.
        sa.event.listen(model.Session, "before_commit", fail)
        try:
            with pytest.raises(ZeroDivisionError):
                model.repo.commit()
        finally:
            sa.event.remove(model.Session, "before_commit", fail)
        model.Session.rollback()
        assert noted == [1]
        assert feed_model.read_gaps()[0] == 0
        model.repo.commit()
        assert feed_model.read_gaps()[0] == 0
        assert jobs.get_queue().count == 0
        assert call_action("package_show", id=dataset["id"])["title"] == "Before"

    def test_a_lost_connection_while_publishing_fails_the_save_and_leaves_no_gap(
        self, dataset: dict[str, Any], feed: Log, monkeypatch: Patch
    ) -> None:
        before = feed.number

        def lose(_touched: Any) -> None:
            raise sa.exc.OperationalError("", {}, Exception(), connection_invalidated=True)

        monkeypatch.setattr(publish, "publish_changes", lose)
        with pytest.raises(sa.exc.OperationalError):
            rename(dataset)
        model.Session.rollback()
        assert feed_model.read_gaps()[0] == 0
        assert feed.number == before
        assert call_action("package_show", id=dataset["id"])["title"] == "Before"


def make_private(dataset: dict[str, Any]) -> None:
    call_action("package_patch", id=dataset["id"], private=True)


def delete(dataset: dict[str, Any]) -> None:
    call_action("package_delete", id=dataset["id"])


def purge(dataset: dict[str, Any]) -> None:
    call_action("dataset_purge", id=dataset["id"])


def take_down(dataset: dict[str, Any]) -> None:
    call_action("marathon_takedown", id=dataset["id"], reason="Personal data")


WITHDRAWALS = [make_private, delete, purge, take_down]


class TestWithdrawing:
    @pytest.mark.parametrize("withdraw", WITHDRAWALS)
    def test_a_withdrawn_dataset_becomes_a_tombstone(
        self,
        withdraw: Callable[[dict[str, Any]], None],
        dataset: dict[str, Any],
        feed: Log,
        break_log: Break,
        faults: Any,
    ) -> None:
        before, slot = feed.number, feed.slot(dataset["id"])
        break_log()
        withdraw(dataset)
        assert not feed.is_public(dataset["id"])
        assert feed.since(before) == [("Delete", "dataset")]
        assert feed.slot(dataset["id"]) == slot
        assert feed_model.read_gaps()[0] >= 1
        assert publish.fill_gaps()
        assert faults() == []

    def test_a_deleted_organisation_becomes_a_tombstone(
        self, feed: Log, break_log: Break, faults: Any
    ) -> None:
        organization = factories.Municipality()
        assert feed.is_public(organization["id"])
        break_log()
        call_action("organization_delete", id=organization["id"])
        assert not feed.is_public(organization["id"])
        assert publish.fill_gaps()
        assert faults() == []

    def test_a_workshop_with_newly_masked_counts_is_withdrawn_until_the_gap_is_filled(
        self, feed: Log, break_log: Break, faults: Any
    ) -> None:
        workshop = factories.Workshop(participants_total=40, participants_women=20)
        assert '"20"' in feed.text(workshop["id"])
        break_log()
        call_action("package_patch", id=workshop["id"], participants_women=3)
        assert not feed.is_public(workshop["id"])
        assert publish.fill_gaps()
        assert feed.is_public(workshop["id"])
        assert faults() == []

    def test_a_dataset_that_is_no_longer_public_becomes_a_tombstone(
        self, dataset: dict[str, Any], feed: Log, break_log: Break, monkeypatch: Patch
    ) -> None:
        break_log()
        with monkeypatch.context() as patch:
            patch.setattr(source, "is_public", lambda package: False)
            rename(dataset)
        assert not feed.is_public(dataset["id"])

    def test_a_record_of_unknown_visibility_becomes_a_tombstone(
        self, dataset: dict[str, Any], feed: Log, break_log: Break, monkeypatch: Patch
    ) -> None:
        def fail(identifier: str) -> None:
            raise ZeroDivisionError

        break_log()
        with monkeypatch.context() as patch:
            patch.setattr(source, "_show_package", fail)
            rename(dataset)
        assert not feed.is_public(dataset["id"])

    @pytest.mark.parametrize("withdraw", [make_private, delete, purge])
    def test_the_save_is_refused_if_the_tombstone_cannot_be_written(
        self,
        withdraw: Callable[[dict[str, Any]], None],
        dataset: dict[str, Any],
        feed: Log,
        break_log: Break,
        faults: Any,
    ) -> None:
        before, served = feed.number, log_state.read_witness()
        assert served is not None
        break_log(2)
        with pytest.raises(WithdrawalRefused, match="nothing was saved") as refused:
            withdraw(dataset)
        assert isinstance(refused.value, tk.ValidationError)
        model.Session.rollback()
        shown = call_action("package_show", id=dataset["id"])
        assert (shown["private"], shown["state"]) == (False, "active")
        assert feed.number == before
        assert feed_model.read_gaps()[0] == 0
        model.repo.commit()
        assert log_state.read_witness() == served
        assert faults() == []

    def test_the_api_answers_a_refused_withdrawal_with_409_and_the_reason(
        self, dataset: dict[str, Any], break_log: Break, app: Any
    ) -> None:
        admin = ckan_factories.SysadminWithToken()
        break_log(2)
        answer = app.post(
            "/api/3/action/package_patch",
            headers={"Authorization": admin["token"]},
            json={"id": dataset["id"], "private": True},
            status=409,
        )
        assert "nothing was saved" in answer.json["error"]["message"][0]

    def test_an_ordinary_change_is_saved_even_if_the_tombstone_would_fail(
        self, dataset: dict[str, Any], feed: Log, break_log: Break
    ) -> None:
        # The log is written to once alone: there is nothing to take out of it.
        break_log(2)
        rename(dataset)
        assert "Before" in feed.text(dataset["id"])


class TestHealing:
    def test_a_gap_that_fails_again_waits_and_the_others_are_filled(
        self, dataset: dict[str, Any], feed: Log, break_log: Break, monkeypatch: Patch
    ) -> None:
        other = factories.MarathonDataset(title="Before")
        faulty = break_log(3)
        rename(dataset)
        rename(other)
        assert not publish.fill_gaps()
        assert "Before" in feed.text(dataset["id"])
        assert "After" in feed.text(other["id"])
        # It is not due yet.
        assert publish.fill_gaps()
        assert feed_model.read_gaps()[0] == 1
        assert faulty.left == 0
        monkeypatch.setattr(publish, "RETRY_AFTER", timedelta(0))
        feed_model.make_all_due()
        model.Session.commit()
        assert publish.fill_gaps()
        assert "After" in feed.text(dataset["id"])

    def test_a_web_process_fills_gaps_if_no_job_did(
        self, dataset: dict[str, Any], feed: Log, break_log: Break
    ) -> None:
        break_log()
        rename(dataset)
        assert not feed_job.fill_due_gaps()
        assert "After" in feed.text(dataset["id"])

    def test_a_rebuild_closes_gaps(
        self, dataset: dict[str, Any], feed: Log, break_log: Break, ckan_config: Any
    ) -> None:
        break_log()
        rename(dataset)
        verify.rebuild_log(ckan_config["__file__"])
        assert "After" in feed.text(dataset["id"])
        assert feed_model.read_gaps()[0] == 0

    def test_doctor_status_and_health_report_the_gap(
        self, dataset: dict[str, Any], feed: Log, break_log: Break, cli: CKANCliRunner
    ) -> None:
        assert health.check_feed() is health.HealthState.OK
        break_log()
        rename(dataset)
        assert health.check_feed() is health.HealthState.INCOMPLETE
        printed = cli.invoke(ckan, ["marathon", "feed", "status"]).output
        assert "no" in next(row for row in printed.splitlines() if row.startswith("Complete"))
        assert "lacks the last change of 1 records" in printed
        (finding,) = doctor.check_feed()
        assert "lacks the last change of 1 records" in finding.text
        assert finding.mend is not None
        finding.mend()
        assert "After" in feed.text(dataset["id"])
        assert health.check_feed() is health.HealthState.OK
