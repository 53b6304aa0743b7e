"""What `make run` does once the site runs: keeps an eye on what nobody else can mend.

supervisord starts a server again that ends. Left for this module: a server that runs and does not
answer, supervisord itself when it does not, a server that was given up because the disk was full,
Solr's index that a full disk has closed, the reserve of disk space, and the size of the access log.
"""

from __future__ import annotations

import http.client
import itertools
import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from stack import access_log, heartbeat
from stack.disk import DiskReserve
from stack.messages import StackError
from stack.paths import Layout
from stack.supervisor import Supervisor

# A server is asked so often, waits included, and ended after so many questions without an answer.
CHECK_SECONDS = 3
SILENT_CHECKS = 3
# Without it, readers are served all the same: there is no hurry.
SILENT_CHECKS_OF_SUPERVISOR = 6
# All threads of the web server may be waiting for another server, which is ended before.
SILENT_CHECKS_OF_WEB = 15
RETRY_SECONDS = 15
# One that has just been started says nothing while it loads its data, on a busy machine for long.
START_SECONDS = 40


@dataclass(frozen=True)
class ServerCheck:
    """How to ask a server of ours, by the name of its programme.

    Attributes:
        name: of the programme.
        responds: whether the server answers at all. Any answer counts, an error too: only one
            that says nothing hangs. Returns in a few seconds.
        mend: called while it responds and the disk has room; puts right what the server cannot.
        silent_checks: after so many questions in a row without an answer it is ended.
    """

    name: str
    responds: Callable[[], bool]
    mend: Callable[[], None] | None = None
    silent_checks: int = SILENT_CHECKS


class SiteWatch:
    """Watches one running site."""

    def __init__(self, layout: Layout, supervisor: Supervisor, checks: list[ServerCheck]) -> None:
        """Prepare it.

        Args:
            layout: the data directory.
            supervisor: runs the programmes.
            checks: the servers that are our own.
        """
        self.layout = layout
        self.supervisor = supervisor
        self.checks = checks
        self.reserve = DiskReserve(layout)
        self._silent: dict[str, int] = {}
        self._retried: dict[str, float] = {}
        # The process of each server, and since when it starts; long ago once it has answered.
        self._starting: dict[str, tuple[int, float]] = {}

    def watch_forever(self) -> None:
        """Return never, unless something that should run does not.

        Raises:
            StackError: a programme was given up, or the supervisor ended or hangs.
        """
        for second in itertools.count():
            time.sleep(1)
            heartbeat.beat(self.layout.heartbeats, "watch")
            self.reserve.update()
            if not self.supervisor.alive():
                raise StackError(
                    "the supervisor ended; `make run` starts everything again",
                    "el supervisor terminó; `make run` inicia todo de nuevo",
                )
            if second % CHECK_SECONDS == 0:
                self._check_programs()

    def _check_programs(self) -> None:
        try:
            programs = self.supervisor.list_processes()
        except (OSError, http.client.HTTPException):
            # It hangs, or is ending right now, which is seen a second later.
            self._count_silence("supervisord", SILENT_CHECKS_OF_SUPERVISOR, self._give_up)
            return
        self._silent["supervisord"] = 0
        if self.supervisor.process is not None:
            heartbeat.beat(self.layout.heartbeats, "supervisor", self.supervisor.process.pid)
        for name, (state, _pid) in programs.items():
            if state == "FATAL":
                self._retry(name)
        for check in self.checks:
            self._check_server(check, *programs[check.name])
        if programs.get("web", ("", 0))[0] == "RUNNING" and access_log.rotate(self.layout):
            self.supervisor.send_signal("web", signal.SIGUSR1)

    def _retry(self, name: str) -> None:
        """Start a programme again that was given up, where a full disk may be the reason."""
        if not self.reserve.was_short_lately():
            raise self.supervisor.describe_failure(name)
        now = time.monotonic()
        if now - self._retried.get(name, -RETRY_SECONDS) >= RETRY_SECONDS:
            self._retried[name] = now
            self.supervisor.start(name)

    def _check_server(self, check: ServerCheck, state: str, pid: int) -> None:
        if self._starting.get(check.name, (0, 0.0))[0] != pid:
            self._starting[check.name] = pid, time.monotonic()
        if state != "RUNNING":
            self._silent[check.name] = 0
        elif check.responds():
            self._silent[check.name] = 0
            self._starting[check.name] = pid, -math.inf
            if check.mend and self.reserve.has_room():
                check.mend()
        elif time.monotonic() - self._starting[check.name][1] >= START_SECONDS:
            # The supervisor starts it again.
            self._count_silence(check.name, check.silent_checks, lambda: kill_tree(pid))

    def _count_silence(self, name: str, most: int, end: Callable[[], None]) -> None:
        self._silent[name] = self._silent.get(name, 0) + 1
        if self._silent[name] >= most:
            self._silent[name] = 0
            end()

    def _give_up(self) -> None:
        """End a supervisor that hangs: nothing that ends is started again, and logs fill up."""
        self.supervisor.kill()
        raise StackError(
            "the supervisor hung and was ended; `make run` starts everything again",
            "el supervisor no respondía y se terminó; `make run` inicia todo de nuevo",
        )


def kill_tree(pid: int) -> None:
    """End a process and what it has started, without asking: a process that hangs does not hear.

    PostgreSQL, Valkey and Solr recover from it, as from a power cut.
    """
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=5)
