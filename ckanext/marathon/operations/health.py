"""Whether the site can start and do its work: quick, and in bounded time when a server hangs.

CKAN asks its servers while it starts. Without PostgreSQL that ends in a traceback, also of
``ckan marathon doctor``; a Valkey that hangs is waited for without end. Start-up says so in one
clear line instead.

Each process of `make run` touches a file called NAME-PROCESS (``stack/data_directory.py``) as
long as it does not hang: ``web`` for a worker of the web server, ``watch`` for `make run` itself,
and ``supervisor``, whose file `make run` touches when supervisord answers. Background jobs are
checked too.
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
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.utils import as_text
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
        name: of what it is.
        pid: its number.
        at: when, in seconds since 1970.
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
    """Kill the web workers that hang, each of which gunicorn replaces; return their numbers."""
    ended: list[int] = []
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
    """Kill workers that hang, so that their supervisor restarts them; return their pids."""
    ended: list[int] = []
    for worker in list_hanging_workers():
        end_process(worker.pid)
        ended.append(worker.pid)
    return ended


def list_interrupted() -> list[Job]:
    """Return our jobs whose worker was killed, or hangs, while it did them or took them."""
    current = {worker.get_current_job_id() for worker in _workers()}
    found: list[Job] = []
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


def check_servers() -> None:
    """Make sure that PostgreSQL answers and that Valkey does not hang.

    Valkey may be down, and Solr too: the site can be read without them.

    Raises:
        CkanConfigurationException: says which setting names the server that does not answer.
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
        # CKAN itself waits for one that is starting.
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


# Of one check; what is silent for longer is reported as such.
SECONDS = 3.0
_CONNECT_SECONDS = 2
# A monitor, or somebody who means harm, may ask as often as they want.
KEPT_SECONDS = 1.0


class HealthState(StrEnum):
    """The result of a check, in the word that monitors read."""

    OK = "ok"
    #: it refuses, or reports an error
    FAILING = "failing"
    #: it says nothing
    SILENT = "silent"
    #: the feed's log does not have everything that is public
    INCOMPLETE = "incomplete"
    #: its disk has no room for changes
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
    """Return whether the feed's log is to be put together: as ``verify.is_rebuild_wanted``.

    On a connection of its own, which no process that is forked from this one gets.
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
    """Return whether Solr takes changes: it refuses all after its disk was full.

    Asks for a commit of nothing, which writes nothing. Not for every monitor: a commit of what
    others are adding right now takes longer.
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
    """Return whether Valkey (or Redis), which keeps the background jobs, answers."""
    limits = {"socket_timeout": _CONNECT_SECONDS, "socket_connect_timeout": _CONNECT_SECONDS}
    try:
        with redis.Redis.from_url(tk.config["ckan.redis.url"], **limits) as client:
            client.ping()
    except RedisTimeoutError as fault:
        raise TimeoutError from fault
    except redis.ResponseError as fault:
        # It answers nothing else, not even a ping, while it cannot write its file.
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
    """One question to a server; ``state`` is there once it has answered."""

    began: float
    state: HealthState | None = None


class BoundedCheck:
    """A check that is asked by one thread at a time and never waited for longer than a limit.

    A server that hangs holds one thread, however often the site is asked how it is.
    """

    def __init__(self, check: Callable[[], HealthState]) -> None:
        """Prepare it."""
        self._check = check
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._answer = _Answer(-KEPT_SECONDS)

    def begin(self) -> None:
        """Ask, unless a question is open or has just been answered."""
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
        # Whatever a server or its client makes of a fault, it is one.
        except Exception:
            answer.state = HealthState.FAILING

    def wait(self) -> HealthState:
        """Return the answer, ``SILENT`` where there is none within ``SECONDS`` of the question."""
        answer, thread = self._answer, self._thread
        if thread is not None:
            thread.join(max(0.0, answer.began + SECONDS - time.monotonic()))
        return answer.state or HealthState.SILENT


def check_all() -> dict[str, HealthState]:
    """Return the state of everything by its name, after ``SECONDS`` at the latest."""
    for check in _BOUNDED.values():
        check.begin()
    return {name: check.wait() for name, check in _BOUNDED.items()}


def check_one(check: Callable[[], HealthState]) -> HealthState:
    """Return the result of one check, in bounded time."""
    bounded = BoundedCheck(check)
    bounded.begin()
    return bounded.wait()


_BOUNDED = {name: BoundedCheck(check) for name, check in CHECKS.items()}
