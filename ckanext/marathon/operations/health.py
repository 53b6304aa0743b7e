"""Health checks with time limits: servers at start-up, hanging processes, background jobs.

CKAN connects to its servers while it starts. Without PostgreSQL that ends in a traceback, also of
``ckan marathon doctor``; with a hanging Valkey it never ends. Here start-up fails with one clear
line instead.

Each process of `make run` regularly touches a file called NAME-PID (``stack/data_directory.py``):
``web`` is a worker of the web server, ``watch`` is `make run` itself, and ``supervisor`` is touched
by `make run` when supervisord answers. An old file means that its process hangs.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import redis
import requests
import rq
import sqlalchemy as sa
from ckan.exceptions import CkanConfigurationException
from ckan.lib import jobs
from redis.exceptions import TimeoutError as RedisTimeoutError
from rq.job import Job
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.utils import as_text
from rq.worker import BaseWorker
from sqlalchemy.exc import OperationalError

from ckanext.marathon.feeds.verify import IS_REBUILD_WANTED
from ckanext.marathon.model import disk, feed

WEB, WATCH, SUPERVISOR = "web", "watch", "supervisor"
# A web worker touches its file every second. `make run` waits for servers in between.
_SECONDS = {WEB: 10, WATCH: 60}
# `make run` asks the supervisor every three seconds, and touches its own file in between.
_SECONDS_BEHIND = 7


@dataclass(frozen=True)
class Heartbeat:
    """The last heartbeat of a process.

    Attributes:
        name: kind of process: ``web``, ``watch`` or ``supervisor``.
        pid: process id.
        at: time in seconds since 1970.
    """

    name: str
    pid: int
    at: float


def list_hanging() -> list[Heartbeat]:
    """Return the running processes whose last heartbeat is too old."""
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
    """Kill hanging web workers, which gunicorn replaces; return their process ids."""
    ended: list[int] = []
    for beat in list_hanging():
        if beat.name == WEB:
            end_process(beat.pid)
            ended.append(beat.pid)
    return ended


def end_process(pid: int) -> None:
    """Kill a hanging process, which does not react to SIGTERM."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def is_running(pid: int | None) -> bool:
    """Return whether this machine has a process with that id."""
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
    """Return whether a process belongs to that data directory, because ids are reused."""
    try:
        variables = Path("/proc", pid, "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"MARATHON_HEARTBEATS={directory}".encode() in variables


_OURS = "ckanext.marathon."
# RQ's messages for a job whose process was killed, detected at once or later.
_KILLED = (
    "Work-horse terminated unexpectedly",
    "AbandonedJobError",
    "Job was stuck in intermediate queue",
)
_IDLE_SECONDS = 60
_BUSY_SECONDS = 150


def count_waiting() -> int:
    """Return the number of jobs that no worker has started."""
    return sum(len(queue) + len(_list_taken(queue)) for queue in jobs.get_all_queues())


def count_workers() -> int:
    """Return the number of workers of this site's queues."""
    queues = {queue.name for queue in jobs.get_all_queues()} | {jobs.get_queue().name}
    return sum(bool(queues & set(worker.queue_names())) for worker in _workers())


def _workers() -> list[BaseWorker]:
    """Return the running workers; RQ lists killed ones for some minutes."""
    connection = jobs.get_queue().connection
    # rq gives a parameter of this function no type.
    workers = rq.Worker.all(connection=connection)  # pyright: ignore[reportUnknownMemberType]
    return [
        worker
        for worker in workers
        if worker.hostname != socket.gethostname() or is_running(worker.pid)
    ]


def list_hanging_workers() -> list[BaseWorker]:
    """Return the workers of this machine that neither run a job nor take a queued one."""
    waiting = {queue.name for queue in jobs.get_all_queues() if _has_waited(queue)}
    return [
        worker
        for worker in _workers()
        if worker.hostname == socket.gethostname()
        and _is_worker(worker.pid)
        and _is_silent(worker, waiting)
    ]


def _is_worker(pid: int | None) -> bool:
    """Return whether a process is a job worker, because process ids are reused."""
    try:
        return b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _has_waited(queue: rq.Queue) -> bool:
    """Return whether the next job of a queue has waited longer than an idle worker needs."""
    return any(
        _is_late(queue.fetch_job(job_id)) for job_id in [*queue.job_ids[:1], *_list_taken(queue)]
    )


def _list_taken(queue: rq.Queue) -> list[str]:
    """Return the ids of jobs taken by a worker that has not started them.

    Redis gives the next job to any waiting process, even to a hanging one.
    """
    started = StartedJobRegistry(queue=queue).get_job_ids(cleanup=False)
    return [id_ for id_ in queue.intermediate_queue.get_job_ids() if id_ not in started]


def _is_late(job: Job | None) -> bool:
    return bool(job and job.enqueued_at and _is_older(job.enqueued_at, _IDLE_SECONDS))


def _is_silent(worker: Any, waiting: set[str]) -> bool:
    """Return whether the last heartbeat of a worker is too old.

    A worker with a job sends one twice a minute. An idle one sends it when it begins to wait for
    jobs, and takes a queued job at once.
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
    """Kill workers that hang, so that their supervisor restarts them; return their pids."""
    ended: list[int] = []
    for worker in list_hanging_workers():
        assert worker.pid is not None, "its process was looked at"
        end_process(worker.pid)
        ended.append(worker.pid)
    return ended


def list_interrupted() -> list[Job]:
    """Return our jobs whose worker was killed or hangs after it took them."""
    current = {worker.get_current_job_id() for worker in _workers()}
    found: list[Job] = []
    for queue in jobs.get_all_queues():
        started = StartedJobRegistry(queue=queue).get_job_ids(cleanup=False)
        for job_id in {*started, *FailedJobRegistry(queue=queue).get_job_ids(cleanup=False)}:
            job = queue.fetch_job(job_id)
            if job and job_id not in current and _is_ours(job):
                failed = job_id not in started
                if not failed or any(word in (job.exc_info or "") for word in _KILLED):
                    found.append(job)
        taken = [queue.fetch_job(job_id) for job_id in _list_taken(queue)]
        found += [job for job in taken if job and _is_ours(job) and _is_late(job)]
    return found


def _is_ours(job: Job) -> bool:
    # Only our own jobs: others may not be safe to repeat.
    return (job.func_name or "").startswith(_OURS)


def restart_interrupted() -> int:
    """Put the interrupted jobs back into their queues; return their number."""
    interrupted = list_interrupted()
    for job in interrupted:
        queue = rq.Queue(job.origin, connection=job.connection)
        _forget_executions(queue, job)
        FailedJobRegistry(queue=queue).remove(job)
        queue.intermediate_queue.remove(job.id)
        queue.enqueue_job(job)
    return len(interrupted)


def _forget_executions(queue: rq.Queue, job: Job) -> None:
    """Remove a job's executions from the registry of running jobs.

    RQ fails at an execution that has expired, whose name stays listed for a minute.
    Source: rq 2.10, ``Execution.save`` and ``ExecutionRegistry.add``.
    """
    started = StartedJobRegistry(queue=queue)
    # redis gives a parameter of this function no type.
    listed: list[Any] = queue.connection.zrange(started.key, 0, -1)  # pyright: ignore[reportUnknownMemberType]
    for entry in map(as_text, listed):
        if started.parse_job_id(entry) == job.id:
            queue.connection.zrem(started.key, entry)
    queue.connection.delete(job.execution_registry.key)


def check_servers() -> None:
    """Check that PostgreSQL answers and that Valkey does not hang.

    A stopped Valkey or Solr is accepted, because the site can be read without them.

    Raises:
        CkanConfigurationException: a server does not answer; the text names its setting.
    """
    try:
        check_database()
    except TimeoutError:
        raise CkanConfigurationException(
            "✗ PostgreSQL hangs: nothing answers at sqlalchemy.url. Restart it / "
            "PostgreSQL no responde en sqlalchemy.url: reinícielo"
        ) from None
    except OperationalError as fault:
        if disk.is_disk_full(fault):
            raise CkanConfigurationException(
                "✗ The disk is full, and PostgreSQL takes no connection: make room / "
                "El disco está lleno y PostgreSQL no acepta conexiones: libere espacio"
            ) from None
        # CKAN itself waits for a PostgreSQL that is starting.
        if "starting up" not in str(fault):
            raise CkanConfigurationException(
                "✗ PostgreSQL cannot be reached at sqlalchemy.url: start it / "
                "PostgreSQL no está disponible en sqlalchemy.url: inícielo"
            ) from None
    if check_one(check_queue) is HealthState.SILENT:
        raise CkanConfigurationException(
            "✗ Redis (Valkey) hangs: nothing answers at ckan.redis.url. Restart it / "
            "Redis (Valkey) no responde en ckan.redis.url: reinícielo"
        )


# Time limit of a check in seconds; after it the result is ``SILENT``.
SECONDS = 3.0
_CONNECT_SECONDS = 2
# Results are reused for so many seconds, because anybody may request them at any rate.
KEPT_SECONDS = 1.0


class HealthState(StrEnum):
    """The result of a check; the value is part of the answer of ``/health``."""

    OK = "ok"
    #: the server refuses the connection or reports an error
    FAILING = "failing"
    #: the server does not answer within the limit
    SILENT = "silent"
    #: the feed's log does not have everything that is public
    INCOMPLETE = "incomplete"
    #: the disk has too little space for saves
    FULL = "full"


def check_database() -> HealthState:
    """Return whether PostgreSQL answers a query."""
    _query(sa.text("SELECT 1"))
    return HealthState.OK


def check_feed() -> HealthState:
    """Return whether the feed's log is complete."""
    complete = _query(feed.IS_LOG_COMPLETE)
    return HealthState.OK if complete else HealthState.INCOMPLETE


def needs_feed() -> bool:
    """Return whether the feed's log must be built; see ``verify.is_rebuild_wanted``.

    Uses a connection of its own, because forked processes would inherit one of the pool.
    """
    return bool(_query(IS_REBUILD_WANTED))


def _query(statement: sa.Executable) -> object:
    options = f"-c statement_timeout={_CONNECT_SECONDS}s"
    engine = sa.create_engine(
        tk.config["sqlalchemy.url"],
        poolclass=sa.NullPool,
        connect_args={"connect_timeout": _CONNECT_SECONDS, "options": options},
    )
    try:
        with engine.connect() as connection:
            return connection.scalar(statement)
    except OperationalError as fault:
        if "timeout expired" in str(fault):
            raise TimeoutError from fault
        raise


def check_search() -> HealthState:
    """Return whether Solr answers a search."""
    _ask_solr("select", q="*:*", rows="0").raise_for_status()
    return HealthState.OK


def check_indexing() -> HealthState:
    """Return whether Solr accepts changes: it refuses them after its disk was full.

    Sends an empty commit, which writes nothing. Not used by ``/health``, because a commit beside
    concurrent changes takes longer.
    """
    return (
        HealthState.FAILING
        if _ask_solr("update", commit="true").status_code == 500
        else HealthState.OK
    )


def _ask_solr(handler: str, **parameters: str) -> requests.Response:
    user, password = tk.config.get("solr_user"), tk.config.get("solr_password")
    address = f"{str(tk.config['solr_url']).rstrip('/')}/{handler}"
    account = (user, password) if user and password else None
    try:
        return requests.get(address, params=parameters, auth=account, timeout=_CONNECT_SECONDS)
    except requests.Timeout as fault:
        raise TimeoutError from fault


def check_queue() -> HealthState:
    """Return whether Valkey (or Redis), which stores the background jobs, answers."""
    limits = {"socket_timeout": _CONNECT_SECONDS, "socket_connect_timeout": _CONNECT_SECONDS}
    try:
        # redis gives the options of both functions no type.
        address = tk.config["ckan.redis.url"]
        with redis.Redis.from_url(address, **limits) as client:  # pyright: ignore[reportUnknownMemberType]
            client.ping()  # pyright: ignore[reportUnknownMemberType]
    except RedisTimeoutError as fault:
        raise TimeoutError from fault
    except redis.ResponseError as fault:
        # While Valkey cannot write its file, it refuses all commands, even PING.
        return HealthState.FULL if str(fault).startswith("MISCONF") else HealthState.FAILING
    return HealthState.OK


def check_disk() -> HealthState:
    """Return whether the disk has room for saves."""
    return HealthState.OK if disk.has_room() else HealthState.FULL


CHECKS: dict[str, Callable[[], HealthState]] = {
    "database": check_database,
    "search": check_search,
    "queue": check_queue,
    "feed": check_feed,
    "disk": check_disk,
}


@dataclass
class _Answer:
    """A running check; ``state`` is set when the server has answered."""

    began: float
    state: HealthState | None = None


class BoundedCheck:
    """A check that runs in one thread at a time, with a time limit for its result.

    A hanging server blocks one thread, however often the result is requested.
    """

    def __init__(self, check: Callable[[], HealthState]) -> None:
        """Set the check."""
        self._check = check
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._answer = _Answer(-KEPT_SECONDS)

    def begin(self) -> None:
        """Start the check, unless it is running or its result is recent."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            if time.monotonic() - self._answer.began < KEPT_SECONDS:
                return
            self._answer = _Answer(time.monotonic())
            self._thread = threading.Thread(target=self._ask, args=[self._answer], daemon=True)
            self._thread.start()

    def _ask(self, answer: _Answer) -> None:
        try:
            answer.state = self._check()
        except TimeoutError:
            answer.state = HealthState.SILENT
        # Any exception of a client counts as a failure.
        except Exception:
            answer.state = HealthState.FAILING

    def wait(self) -> HealthState:
        """Return the result, ``SILENT`` if there is none within ``SECONDS`` after the start."""
        answer, thread = self._answer, self._thread
        if thread is not None:
            thread.join(max(0.0, answer.began + SECONDS - time.monotonic()))
        return answer.state or HealthState.SILENT


def check_all() -> dict[str, HealthState]:
    """Return name → state of all checks, after ``SECONDS`` at the latest."""
    for check in _BOUNDED.values():
        check.begin()
    return {name: check.wait() for name, check in _BOUNDED.items()}


def check_one(check: Callable[[], HealthState]) -> HealthState:
    """Return the result of one check, in bounded time."""
    bounded = BoundedCheck(check)
    bounded.begin()
    return bounded.wait()


_BOUNDED = {name: BoundedCheck(check) for name, check in CHECKS.items()}
