"""PostgreSQL, Valkey and Solr for as long as one command runs, for the tests."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from stack import processes
from stack.messages import Progress, StackError
from stack.paths import Layout, write_secret
from stack.postgres import READER, Postgres
from stack.solr import USER, Solr, free_port
from stack.supervisor import Supervisor, guarded
from stack.valkey import Valkey

CORES = ("ckan_test", "portal_test")
DATABASES = ("ckan_test", "datastore_test", "portal_test")

NEEDED_MEGABYTES = 300


@contextmanager
def running(data: Path, fresh: bool, progress: Progress) -> Iterator[dict[str, str]]:
    """Run the three services; the variables that point CKAN at them are yielded.

    Raises:
        StackError: a service cannot be had; the message says which and why.
    """
    layout = Layout.open(data)
    with processes.holding(layout):
        if fresh:
            layout.clear()
        layout.check_space(NEEDED_MEGABYTES)
        layout.make_sockets()
        postgres = Postgres(layout, careless=True)
        valkey = Valkey(layout, careless=True)
        solr = Solr(layout, free_port(), careless=True)
        solr_program = solr.prepare(progress, *CORES)
        postgres.prepare(progress)
        valkey.prepare()
        programs = [postgres.program(), valkey.program(), solr_program]
        supervisor = Supervisor(layout, programs)
        try:
            with progress.show_step("PostgreSQL, Valkey, Solr"):
                supervisor.launch()
                for program in programs:
                    supervisor.start(program.name)
                supervisor.wait("valkey", valkey.healthy, 30)
                supervisor.wait("postgres", postgres.healthy, 60)
                postgres.create(*DATABASES)
                supervisor.wait("solr", lambda: solr.healthy(*CORES), 120)
            yield {
                "CKAN_SQLALCHEMY_URL": postgres.url("ckan_test"),
                "CKAN_DATASTORE_WRITE_URL": postgres.url("datastore_test"),
                "CKAN_DATASTORE_READ_URL": postgres.url("datastore_test", READER),
                "CKAN_REDIS_URL": valkey.url(0),
                "CKAN_SOLR_URL": solr.url("ckan_test"),
                "CKAN_SOLR_USER": USER,
                "CKAN_SOLR_PASSWORD": solr.password,
                "MARATHON_PORTAL_SQLALCHEMY_URL": postgres.url("portal_test"),
                "MARATHON_PORTAL_REDIS_URL": valkey.url(1),
                "MARATHON_PORTAL_SOLR_URL": solr.url("portal_test"),
            }
        finally:
            supervisor.shutdown()


def run(data: Path, fresh: bool, env_file: Path | None, command: list[str]) -> int:
    """Run ``command`` on top of the services.

    Returns:
        its exit code; 128 + the signal's number where a signal ended it.
    """
    stopping = _Stopping()
    try:
        with running(data, fresh, Progress()) as variables:
            if env_file:
                write_env_file(env_file, variables)
            if stopping.signal is not None:
                return 128 + stopping.signal
            child = subprocess.Popen(
                guarded(_found(command), signal.SIGTERM), env={**os.environ, **variables}
            )
            stopping.child = child
            code = child.wait()
            return code if code >= 0 else 128 - code
    finally:
        if env_file:
            env_file.unlink(missing_ok=True)


def _found(command: list[str]) -> list[str]:
    import shutil

    program = shutil.which(command[0])
    if program is None:
        raise StackError(f"{command[0]}: no such command", f"{command[0]}: no existe ese comando")
    return [program, *command[1:]]


class _Stopping:
    """Passes SIGTERM and SIGINT on to the command, so that the services outlive it."""

    def __init__(self) -> None:
        self.child: subprocess.Popen[bytes] | None = None
        self.signal: int | None = None
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._received)

    def _received(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.signal = number
        if self.child is None:
            raise KeyboardInterrupt
        # On a terminal, Ctrl-C has already reached the command: it is in the same group.
        if not (number == signal.SIGINT and sys.stdin.isatty()):
            self.child.send_signal(number)


def write_env_file(path: Path, variables: dict[str, str]) -> None:
    """Write ``export`` lines that a shell can source; only the owner can read them."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    write_secret(path, "\n".join(lines) + "\n")
