"""Background jobs in the queues of Valkey."""

from __future__ import annotations

from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job


def find_job(job_id: str, queue: Queue) -> Job | None:
    """Return a job of a queue; ``None`` if there is none of this id."""
    try:
        # rq gives its parameter ``serializer`` no type.
        return Job.fetch(job_id, connection=queue.connection)  # pyright: ignore[reportUnknownMemberType]
    except NoSuchJobError:
        return None
