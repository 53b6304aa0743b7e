"""Jobs whose worker was killed are found and repeated."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import rq
from ckan.lib import jobs as ckan_jobs
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.registry import StartedJobRegistry

from ckanext.marathon.operations import health

pytestmark = pytest.mark.usefixtures("marathon_site")


@pytest.fixture
def queue() -> Iterator[rq.Queue]:
    found = ckan_jobs.get_queue()
    _empty(found)
    yield found
    _empty(found)


def _empty(queue: rq.Queue) -> None:
    queue.delete(delete_jobs=True)
    queue.connection.delete(StartedJobRegistry(queue=queue).key)


def begin(queue: rq.Queue) -> tuple[Job, Execution]:
    """Begin a job as a worker does, which then ends without a word."""
    job = queue.enqueue("ckanext.marathon.logic.reindex.bring_up_to_date", "x", job_timeout=3600)
    queue.remove(job)
    with queue.connection.pipeline() as pipeline:
        execution = Execution.create(job, ttl=1000, pipeline=pipeline)
        job.set_status(JobStatus.STARTED, pipeline=pipeline)
        pipeline.execute()
    return job, execution


@pytest.mark.parametrize("has_expired", [False, True])
def test_an_interrupted_job_is_repeated_even_after_its_execution_expired(
    queue: rq.Queue, has_expired: bool
) -> None:
    job, execution = begin(queue)
    if has_expired:
        queue.connection.delete(execution.key)
    assert [each.id for each in health.list_interrupted()] == [job.id]
    assert health.restart_interrupted() == 1
    assert queue.job_ids == [job.id]
    assert StartedJobRegistry(queue=queue).get_job_ids(cleanup=False) == []
    assert health.list_interrupted() == []
    assert Job.fetch(job.id, connection=queue.connection).get_executions() == []
