"""The log is built without a command: by one job, or by a web process without a worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ckan import model
from ckan.lib import jobs as queues
from ckan.model.system_info import set_system_info
from rq.job import JobStatus

from ckanext.marathon.feeds.verify import REBUILD_WANTED, is_rebuild_wanted
from ckanext.marathon.model import clock
from ckanext.marathon.operations import doctor, feed_job, health
from ckanext.marathon.operations.doctor import Health
from tests.factories import Municipality

pytestmark = pytest.mark.usefixtures("marathon_site", "with_request_context", "clean_queues")


@pytest.fixture
def incomplete(marathon_site: None, clean_queues: None) -> Iterator[None]:
    """A site that had an organisation before it had a log."""
    Municipality()
    clock.lock_clock()
    clock.set_complete(False)
    model.Session.commit()
    yield
    feed_job._forget(feed_job._name())
    queues.get_queue().connection.delete(feed_job._once())


def waiting() -> list[str]:
    return list(queues.get_queue().job_ids)


@pytest.mark.usefixtures("incomplete")
def test_several_starting_processes_queue_the_job_once(
    ckan_config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ckan_config, "testing", False)
    threads = [threading.Thread(target=feed_job.ensure_feed_queued) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    feed_job.ensure_feed_at_start()
    assert waiting() == [feed_job._name()]


def test_a_complete_log_queues_no_job(
    ckan_config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ckan_config, "testing", False)
    feed_job.ensure_feed_at_start()
    assert waiting() == []


@pytest.mark.usefixtures("incomplete")
def test_the_job_completes_the_log_and_does_nothing_afterwards() -> None:
    feed_job.build()
    assert clock.read_clock().complete
    number = clock.read_clock().number
    feed_job.build()
    assert clock.read_clock().number == number
    assert feed_job.ensure_feed_current()


@pytest.mark.usefixtures("incomplete")
def test_only_one_of_two_concurrent_jobs_builds_the_log() -> None:
    with model.ensure_engine().connect() as other:
        other.execute(feed_job.LOCKED)
        feed_job.build()
        assert not clock.read_clock().complete
        other.execute(feed_job.UNLOCKED)
    feed_job.build()
    assert clock.read_clock().complete


@pytest.mark.usefixtures("incomplete")
@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.FINISHED])
def test_a_job_that_ended_with_an_incomplete_log_is_queued_again(status: JobStatus) -> None:
    feed_job.ensure_feed_queued()
    job = feed_job._find(feed_job._name())
    assert job is not None
    queues.get_queue().empty()
    job = queues.get_queue().enqueue_call(feed_job.build, job_id=feed_job._name())
    queues.get_queue().remove(job)
    job.set_status(status)
    queues.get_queue().connection.delete(feed_job._once())
    feed_job.ensure_feed_queued()
    assert waiting() == [feed_job._name()]


@pytest.mark.usefixtures("incomplete")
def test_without_a_worker_a_web_process_builds_the_log() -> None:
    assert not feed_job.ensure_feed_current()
    assert clock.read_clock().complete
    assert feed_job.ensure_feed_current()


@pytest.mark.usefixtures("incomplete")
def test_with_a_worker_a_web_process_leaves_it_to_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "count_workers", lambda: 1)
    assert not feed_job.ensure_feed_current()
    assert not clock.read_clock().complete
    assert waiting() == [feed_job._name()]


@pytest.mark.usefixtures("incomplete")
def test_doctor_names_the_incomplete_log_and_the_waiting_job() -> None:
    (finding,) = doctor.check_feed()
    assert finding.health is Health.BAD
    assert "ckan marathon feed rebuild" in finding.text
    feed_job.ensure_feed_queued()
    assert [f.text for f in doctor.check_jobs() if "ckan jobs worker" in f.text]


def test_a_migration_can_request_a_rebuild() -> None:
    Municipality()
    assert not health.needs_feed()
    set_system_info(REBUILD_WANTED, "1")
    assert health.needs_feed()
    assert is_rebuild_wanted()
    # Meanwhile what is there is served.
    assert clock.read_clock().complete
    (finding,) = doctor.check_feed()
    assert finding.health is Health.BAD
    feed_job.build()
    assert not is_rebuild_wanted()
    assert not health.needs_feed()


@pytest.mark.usefixtures("incomplete")
def test_feeds_of_an_incomplete_log_get_503_with_retry_after(app: Any) -> None:
    for path in ("/catalog/all.ttl", "/catalog/changes", "/data.json", "/catalog.csv",
                 "/catalog.xlsx", "/catalog/changes.atom"):  # fmt: skip
        answer = app.get(path)
        assert answer.status_code == 503, path
        assert answer.headers["Retry-After"] == "120", path
