"""The programmes of the stack, run under supervisord.

supervisord (https://supervisord.org) starts, restarts and stops them and keeps their logs within
bounds. This module writes its configuration, talks to it over its socket, and waits until each
programme answers. See docs/adr for why this one was chosen.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stack import supervisor_client
from stack.messages import StackError
from stack.paths import Layout, last_line, write_secret
from stack.processes import MARK

CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class Program:
    """One long-running programme."""

    name: str
    command: list[str]
    #: asked to end by this signal
    stop_signal: signal.Signals = signal.SIGTERM
    #: seconds to end in before it is killed
    patience: int = 20
    #: started in this order, stopped in the opposite one
    priority: int = 10
    #: account to run under when started as root
    account: str | None = None
    directory: Path | None = None

    def section(self, layout: Layout) -> str:
        """Return its part of supervisord's configuration."""
        command = guarded(self.command, self.stop_signal, self.account)
        lines = [
            f"[program:{self.name}]",
            f"command={_escape(shlex.join(command))}",
            f"directory={_escape(str(self.directory or layout.root))}",
            f"priority={self.priority}",
            "autostart=false",
            "autorestart=true",
            "startsecs=1",
            "startretries=5",
            f"stopsignal={self.stop_signal.name.removeprefix('SIG')}",
            f"stopwaitsecs={self.patience}",
            "redirect_stderr=true",
            f"stdout_logfile={_escape(str(log_of(layout, self.name)))}",
            "stdout_logfile_maxbytes=10MB",
            "stdout_logfile_backups=3",
        ]
        return "\n".join(lines) + "\n"


def guarded(command: list[str], stop: signal.Signals, account: str | None = None) -> list[str]:
    """Return the command that runs ``command`` and ends it when its parent ends."""
    prefix = [sys.executable, "-I", "-S", str(CHILD), str(int(stop)), account or "-"]
    return [*prefix, *command]


def log_of(layout: Layout, name: str) -> Path:
    """Return the log file of a programme."""
    return layout.logs / f"{name}.log"


def _escape(value: str) -> str:
    return value.replace("%", "%%")


class Supervisor:
    """A supervisord for one data directory."""

    def __init__(
        self, layout: Layout, programs: list[Program], environment: dict[str, str] | None = None
    ) -> None:
        """Prepare it; nothing runs yet.

        Args:
            layout: the data directory.
            programs: what it can start.
            environment: added to our own environment for every programme.
        """
        self.layout = layout
        self.programs = programs
        self.environment = environment or {}
        self.process: subprocess.Popen[bytes] | None = None
        self.socket = layout.sockets / "supervisor"
        self._ask = partial(supervisor_client.ask, self.socket)
        self.output: deque[str] = deque(maxlen=50)

    def launch(self) -> None:
        """Start supervisord itself, with no programme running.

        Raises:
            StackError: it does not answer.
        """
        config = self.layout.run / "supervisord.conf"
        write_secret(config, self._config())
        self.socket.unlink(missing_ok=True)
        supervisord = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(config)]
        self.process = subprocess.Popen(
            guarded(supervisord, signal.SIGTERM),
            stdin=subprocess.DEVNULL,
            # Not a file: supervisord ends when it cannot write to its standard error, which it
            # does for each line of a log that a full disk refuses.
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **self.environment, MARK: str(self.layout.root)},
            # Ctrl-C reaches us alone; we decide in which order things stop.
            start_new_session=True,
        )
        threading.Thread(target=self._read_output, args=[self.process], daemon=True).start()
        self._wait_for("supervisord", self.responds, 15)

    def _read_output(self, process: subprocess.Popen[bytes]) -> None:
        """Keep the last lines that supervisord itself prints; it must never wait for a reader."""
        assert process.stdout is not None
        with process.stdout as output:
            for line in output:
                self.output.append(line.decode("utf-8", "replace").strip())

    def start(self, name: str) -> None:
        """Start a programme; returns at once."""
        self._ask("startProcess", name, False)

    def stop(self, name: str) -> None:
        """Stop a programme and wait until it has ended."""
        self._ask("stopProcess", name, True)

    def wait(self, name: str, healthy: Callable[[], bool], seconds: float) -> None:
        """Wait until ``healthy`` returns true.

        Raises:
            StackError: it gave up, or ``seconds`` have passed.
        """
        self._wait_for(name, healthy, seconds)

    def list_processes(self) -> dict[str, tuple[str, int]]:
        """Return supervisord's word for a programme's state, such as ``RUNNING``, and its pid.

        Raises:
            TimeoutError: supervisord hangs.
        """
        found = self._ask("getAllProcessInfo", seconds=supervisor_client.ANSWER_SECONDS)
        return {info["name"]: (str(info["statename"]), int(info["pid"])) for info in found}

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a programme that runs."""
        self._ask("signalProcess", name, number.name.removeprefix("SIG"))

    def describe_failure(self, name: str) -> StackError:
        """Return the error that names a programme and the last line of its log."""
        log = log_of(self.layout, name)
        last = last_line(log)
        if name == "supervisord":
            last = next((line for line in reversed(self.output) if line), last)
        return StackError(
            f"{name} does not run: {last or 'it wrote nothing'} (all of it in {log})",
            f"{name} no funciona; vea {log}",
        )

    def alive(self) -> bool:
        """Return whether supervisord itself runs."""
        return self.process is not None and self.process.poll() is None

    def responds(self) -> bool:
        """Return whether supervisord itself answers within a few seconds."""
        try:
            self._ask("getState", seconds=supervisor_client.ANSWER_SECONDS)
        except TimeoutError:
            return False
        return True

    def kill(self) -> None:
        """End supervisord itself without asking; the kernel asks its programmes to end."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def shutdown(self) -> None:
        """Stop every programme, last started first, then supervisord."""
        if self.process is None:
            return
        if self.process.poll() is None:
            # One that hangs would not hear it.
            patience = sum(program.patience for program in self.programs) + 5
            patience = patience if _quietly(self.responds) else 0
            self.process.terminate()
            try:
                self.process.wait(timeout=patience)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None

    def _wait_for(self, name: str, healthy: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.alive():
                raise self.describe_failure("supervisord")
            if _quietly(healthy):
                return
            if name != "supervisord" and _quietly(lambda: self._is_given_up(name)):
                raise self.describe_failure(name)
            time.sleep(0.1)
        raise self.describe_failure(name)

    def _is_given_up(self, name: str) -> bool:
        return self.list_processes()[name][0] == "FATAL"

    def _config(self) -> str:
        # supervisord kills a whole group at once: each programme is a group of its own here, and
        # the groups stop in the opposite order of their priorities.
        head = "\n".join(
            [
                "[supervisord]",
                f"logfile={_escape(str(log_of(self.layout, 'supervisord')))}",
                "logfile_maxbytes=10MB",
                "logfile_backups=1",
                f"pidfile={_escape(str(self.layout.run / 'supervisord.pid'))}",
                f"childlogdir={_escape(str(self.layout.logs))}",
                "nodaemon=true",
                "umask=077",
                "silent=true",
                *(["user=root"] if os.geteuid() == 0 else []),
                "[unix_http_server]",
                f"file={_escape(str(self.socket))}",
                "chmod=0700",
                "[rpcinterface:supervisor]",
                "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
                "",
            ]
        )
        return head + "".join(program.section(self.layout) for program in self.programs)


def _quietly(healthy: Callable[[], bool]) -> bool:
    """Return whether the check passes; while a service starts, any fault is a no."""
    try:
        return healthy()
    except Exception:
        return False
