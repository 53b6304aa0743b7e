"""The processes of the site: those of `make run` that hang, and background jobs.

Each process of `make run` touches a file called NAME-PROCESS (``stack/data_directory.py``) as long
as it does not hang: ``web`` for a worker of the web server, ``watch`` for `make run` itself, and
``supervisor``, whose file `make run` touches when it answers.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import rq
from ckan.lib import jobs
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.utils import as_text

WEB, WATCH, SUPERVISOR = "web", "watch", "supervisor"
# A web worker touches its file every second. `make run` waits for servers in between.
_SECONDS = {WEB: 10, WATCH: 60}
# `make run` asks the supervisor every three seconds, and touches its own file in between.
_SECONDS_BEHIND = 7


@dataclass(frozen=True)
class Heartbeat:
    """What a process has said last.

    Attributes:
        name: of what it is.
        pid: its number.
        at: when, in seconds since 1970.
    """

    name: str
    pid: int
    at: float


def list_hanging() -> list[Heartbeat]:
    """Return the processes that run and have said nothing for too long; none where none says it."""
    found = list(_read())
    watched_at = max((beat.at for beat in found if beat.name == WATCH), default=0.0)
    now = time.time()
    return [
        beat
        for beat in found
        if (beat.name in _SECONDS and now - beat.at > _SECONDS[beat.name])
        or (beat.name == SUPERVISOR and watched_at - beat.at > _SECONDS_BEHIND)
    ]


def end_hanging_web_workers() -> list[int]:
    """Kill the web workers that hang, each of which gunicorn replaces; return their numbers."""
    ended = []
    for beat in list_hanging():
        if beat.name == WEB:
            end_process(beat.pid)
            ended.append(beat.pid)
    return ended


def end_process(pid: int) -> None:
    """Kill a process, which does not hear when it is asked."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def is_running(pid: int | None) -> bool:
    """Return whether this machine has a process of that number."""
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return bool(pid)


def _read() -> Iterator[Heartbeat]:
    directory = tk.config["ckanext.marathon.heartbeats"]
    for path in sorted(Path(directory).glob("*-*")) if directory else ():
        name, _, pid = path.name.rpartition("-")
        if pid.isdigit() and is_running(int(pid)) and (name == WATCH or _beats_in(directory, pid)):
            yield Heartbeat(name, int(pid), path.stat().st_mtime)


def _beats_in(directory: str, pid: str) -> bool:
    """Return whether a process was started to touch its file there; numbers are given again."""
    try:
        variables = Path("/proc", pid, "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"MARATHON_HEARTBEATS={directory}".encode() in variables


_OURS = "ckanext.marathon."
# What RQ writes of a job whose process ended under it, at once or later.
_KILLED = (
    "Work-horse terminated unexpectedly",
    "AbandonedJobError",
    "Job was stuck in intermediate queue",
)
_IDLE_SECONDS = 60
_BUSY_SECONDS = 150


def count_waiting() -> int:
    """Return how many jobs wait for a worker."""
    return sum(len(queue) + len(_list_taken(queue)) for queue in jobs.get_all_queues())


def count_workers() -> int:
    """Return how many workers do the jobs of this site."""
    queues = {queue.name for queue in jobs.get_all_queues()} | {jobs.get_queue().name}
    return sum(bool(queues & set(worker.queue_names())) for worker in _workers())


def _workers() -> list[Any]:
    """Return the workers that are alive; RQ forgets one that was killed only after minutes."""
    return [
        worker
        for worker in rq.Worker.all(connection=jobs.get_queue().connection)
        if worker.hostname != socket.gethostname() or is_running(worker.pid)
    ]


def list_hanging_workers() -> list[Any]:
    """Return the workers of this machine that neither do a job nor take one that waits."""
    waiting = {queue.name for queue in jobs.get_all_queues() if _has_waited(queue)}
    return [
        worker
        for worker in _workers()
        if worker.hostname == socket.gethostname()
        and _is_worker(worker.pid)
        and _is_silent(worker, waiting)
    ]


def _is_worker(pid: int) -> bool:
    """Return whether a process is one that does jobs: numbers are given again."""
    try:
        return b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _has_waited(queue: rq.Queue) -> bool:
    """Return whether the next job of a queue has waited for longer than an idle worker needs."""
    return any(
        _is_late(_fetch(job_id, queue)) for job_id in [*queue.job_ids[:1], *_list_taken(queue)]
    )


def _list_taken(queue: rq.Queue) -> list[str]:
    """Return the ids of jobs that were handed to a worker, which has not begun to do them.

    Redis hands the next job to whoever waits for one, also to a process that hangs.
    """
    started = StartedJobRegistry(queue=queue).get_job_ids(cleanup=False)
    return [each for each in queue.intermediate_queue.get_job_ids() if each not in started]


def _is_late(job: Job | None) -> bool:
    return bool(job and job.enqueued_at and _is_older(job.enqueued_at, _IDLE_SECONDS))


def _is_silent(worker: Any, waiting: set[str]) -> bool:
    """Return whether a worker has said nothing for too long.

    One that does a job says so twice a minute; one that does none says so when it begins to wait,
    and takes what comes at once.
    """
    if worker.last_heartbeat is None:
        return False
    if worker.get_current_job_id():
        return _is_older(worker.last_heartbeat, _BUSY_SECONDS)
    may_take = not waiting.isdisjoint(worker.queue_names())
    return may_take and _is_older(worker.last_heartbeat, _IDLE_SECONDS)


def _is_older(moment: datetime, seconds: float) -> bool:
    at = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return datetime.now(UTC) - at > timedelta(seconds=seconds)


def end_hanging_workers() -> list[int]:
    """Kill the workers that hang, which whoever runs them starts again; return their numbers."""
    ended = []
    for worker in list_hanging_workers():
        end_process(worker.pid)
        ended.append(worker.pid)
    return ended


def list_interrupted() -> list[Job]:
    """Return our jobs whose worker was killed, or hangs, while it did them or took them."""
    current = {worker.get_current_job_id() for worker in _workers()}
    found = []
    for queue in jobs.get_all_queues():
        started = StartedJobRegistry(queue=queue).get_job_ids(cleanup=False)
        for job_id in {*started, *FailedJobRegistry(queue=queue).get_job_ids(cleanup=False)}:
            job = _fetch(job_id, queue)
            if job and job_id not in current and _is_ours(job):
                failed = job_id not in started
                if not failed or any(word in (job.exc_info or "") for word in _KILLED):
                    found.append(job)
        taken = [_fetch(job_id, queue) for job_id in _list_taken(queue)]
        found += [job for job in taken if job and _is_ours(job) and _is_late(job)]
    return found


def _fetch(job_id: str, queue: rq.Queue) -> Job | None:
    try:
        return Job.fetch(job_id, connection=queue.connection)
    except NoSuchJobError:
        return None


def _is_ours(job: Job) -> bool:
    # What calls itself otherwise may not be done twice.
    return (job.func_name or "").startswith(_OURS)


def restart_interrupted() -> int:
    """Put the interrupted jobs back into their queues; return how many there were."""
    interrupted = list_interrupted()
    for job in interrupted:
        queue = rq.Queue(job.origin, connection=job.connection)
        _forget_executions(queue, job)
        FailedJobRegistry(queue=queue).remove(job)
        queue.intermediate_queue.remove(job.id)
        queue.enqueue_job(job)
    return len(interrupted)


def _forget_executions(queue: rq.Queue, job: Job) -> None:
    """Take a job out of those that are being done.

    RQ looks up each execution first, and fails at one that has expired, whose name stays listed
    for a minute. Source: rq 2.10, ``Execution.save`` and ``ExecutionRegistry.add``.
    """
    started = StartedJobRegistry(queue=queue)
    listed: list[Any] = queue.connection.zrange(started.key, 0, -1)
    for entry in map(as_text, listed):
        if started.parse_job_id(entry) == job.id:
            queue.connection.zrem(started.key, entry)
    queue.connection.delete(job.execution_registry.key)
