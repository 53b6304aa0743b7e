"""The programs of the stack, run under supervisord.

supervisord (https://supervisord.org) starts, restarts and stops them and keeps their logs within
bounds. This module writes its configuration, calls it over its socket, and waits until each program
answers. ADR 10 has the reasons for choosing it.
"""

from __future__ import annotations

import http.client
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import xmlrpc.client
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from stack.data_directory import MARK, Layout, read_last_line, write_config
from stack.messages import StackError

CHILD = Path(__file__).with_name("child.py")
# Timeouts in seconds: of short calls, after which it counts as hanging, and of longer ones.
ANSWER_SECONDS = 5
ACT_SECONDS = 120


@dataclass(frozen=True)
class Program:
    """One long-running program.

    Attributes:
        name: name of the program, its log file and its section of the configuration.
        command: path and arguments.
        stop_signal: signal for a normal end.
        patience: seconds after this signal until it is killed.
        priority: programs are stopped from the highest to the lowest.
        account: account under which it runs if the stack was started as root.
        directory: working directory; by default the data directory.
    """

    name: str
    command: list[str]
    stop_signal: signal.Signals = signal.SIGTERM
    patience: int = 20
    priority: int = 10
    account: str | None = None
    directory: Path | None = None

    @property
    def guarded_command(self) -> str:
        """Return the quoted command line."""
        return shlex.join(guard_command(self.command, self.stop_signal, self.account))


def guard_command(
    command: list[str], stop: signal.Signals, account: str | None = None
) -> list[str]:
    """Return a command that runs ``command`` and ends it when its parent ends."""
    return [sys.executable, "-I", "-S", str(CHILD), str(int(stop)), account or "-", *command]


class Supervisor:
    """A supervisord for one data directory."""

    def __init__(
        self, layout: Layout, programs: list[Program], environment: dict[str, str] | None = None
    ) -> None:
        """Set the programs; nothing is started.

        Args:
            layout: the data directory.
            programs: the programs that it can start.
            environment: variables added to our own for every program.
        """
        self.layout = layout
        self.programs = programs
        self.environment = environment or {}
        self.process: subprocess.Popen[bytes] | None = None
        self.socket = layout.sockets / "supervisor"
        self.output: deque[str] = deque(maxlen=50)

    def launch(self) -> None:
        """Start supervisord without starting a program.

        Raises:
            StackError: it does not answer.
        """
        config = self.layout.run / "supervisord.conf"
        write_config(
            config,
            "supervisord.conf",
            layout=self.layout,
            socket=self.socket,
            programs=self.programs,
            is_root=os.geteuid() == 0,
        )
        self.socket.unlink(missing_ok=True)
        supervisord = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(config)]
        self.process = subprocess.Popen(
            guard_command(supervisord, signal.SIGTERM),
            stdin=subprocess.DEVNULL,
            # A pipe and no file: on a full disk supervisord reports each failed log line on
            # standard error, and it ends if that fails too.
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **self.environment, MARK: str(self.layout.root)},
            # Ctrl-C reaches only this process, which stops the programs in order.
            start_new_session=True,
        )
        threading.Thread(target=self._read_output, args=[self.process], daemon=True).start()
        self.wait_for("supervisord", self.responds, 15)

    def _read_output(self, process: subprocess.Popen[bytes]) -> None:
        """Read supervisord's output, so that it never blocks, and keep the last lines."""
        assert process.stdout is not None
        with process.stdout as output:
            for line in output:
                self.output.append(line.decode("utf-8", "replace").strip())

    def start(self, name: str) -> None:
        """Start a program; returns at once."""
        self._call("startProcess", name, False)

    def stop(self, name: str) -> None:
        """Stop a program and wait until it has ended."""
        self._call("stopProcess", name, True)

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a running program."""
        self._call("signalProcess", name, number.name.removeprefix("SIG"))

    def list_processes(self) -> dict[str, tuple[str, int]]:
        """Return program → its state in supervisord's words, such as ``RUNNING``, and its pid.

        Raises:
            TimeoutError: supervisord hangs.
        """
        processes = self._call("getAllProcessInfo", seconds=ANSWER_SECONDS)
        return {info["name"]: (str(info["statename"]), int(info["pid"])) for info in processes}

    def responds(self) -> bool:
        """Return whether supervisord itself answers within a few seconds."""
        try:
            self._call("getState", seconds=ANSWER_SECONDS)
        except TimeoutError:
            return False
        return True

    def is_alive(self) -> bool:
        """Return whether supervisord itself runs."""
        return self.process is not None and self.process.poll() is None

    def wait_for(self, name: str, is_healthy: Callable[[], bool], seconds: float) -> None:
        """Wait until ``is_healthy`` returns true.

        Raises:
            StackError: supervisord gave the program up, or ``seconds`` have passed.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.is_alive():
                raise self.describe_failure("supervisord")
            if _is_true(is_healthy):
                return
            if name != "supervisord" and _is_true(lambda: self._is_given_up(name)):
                raise self.describe_failure(name)
            time.sleep(0.1)
        raise self.describe_failure(name)

    def _is_given_up(self, name: str) -> bool:
        return self.list_processes()[name][0] == "FATAL"

    def describe_failure(self, name: str) -> StackError:
        """Return an error with the name of a program and the last line of its log."""
        log = self.layout.logs / f"{name}.log"
        last = read_last_line(log)
        if name == "supervisord":
            last = next((line for line in reversed(self.output) if line), last)
        return StackError(
            f"{name} does not run: {last or 'it wrote nothing'} (all of it in {log})",
            f"{name} no funciona; vea {log}",
        )

    def kill(self) -> None:
        """Kill supervisord; the kernel then sends its programs their signal."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def shutdown(self) -> None:
        """Stop every program, the last started first, then supervisord."""
        if self.process is None:
            return
        if self.process.poll() is None:
            # A hanging supervisord does not react to SIGTERM.
            patience = sum(program.patience for program in self.programs) + 5
            patience = patience if _is_true(self.responds) else 0
            self.process.terminate()
            try:
                self.process.wait(timeout=patience)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None

    def _call(self, method: str, *arguments: str | bool, seconds: float = ACT_SECONDS) -> Any:
        """Call a method of supervisord's XML-RPC interface.

        Raises:
            TimeoutError: there was no answer in time.
            OSError: the socket has no listener.
            xmlrpc.client.Fault: supervisord refuses.
        """
        transport = UnixSocketTransport(self.socket, seconds)
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as server:
            return getattr(server.supervisor, method)(*arguments)


class UnixSocketTransport(xmlrpc.client.Transport):
    """XML-RPC over a Unix socket with a timeout, which supervisord's own client lacks."""

    def __init__(self, path: Path, seconds: float) -> None:
        """Set the path of the socket."""
        super().__init__()
        self._path, self._seconds = path, seconds

    def make_connection(self, host: tuple[str, dict[str, str]] | str) -> http.client.HTTPConnection:
        """Return a connection; the base class closes it afterwards."""
        connection = http.client.HTTPConnection("localhost", timeout=self._seconds)
        self._connection = host, connection
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(self._seconds)
        connection.sock.connect(str(self._path))
        return connection


def _is_true(check: Callable[[], bool]) -> bool:
    """Return whether the check passes; exceptions of a starting server count as no."""
    try:
        return check()
    except Exception:
        return False


def kill_tree(pid: int) -> None:
    """Kill a process and its children; a process that hangs does not react to SIGTERM.

    PostgreSQL, Valkey and Solr recover as after a power cut.
    """
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(family, timeout=5)
