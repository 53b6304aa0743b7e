"""Programs of a site that tests start: their environment and their end.

A ``ckan`` command and a web server spend most of their start importing CKAN and libraries. Here
both are forked from a process that has imported these, and no extension: sites differ in which
ones they have.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from stack.child import PR_SET_PDEATHSIG

ROOT = str(Path(__file__).parents[1])
CKAN = str(Path(sys.executable).with_name("ckan"))
PATIENCE = 20
# Packages that CKAN and the plugins import.
IMPORTED = [
    *("ckan.cli.cli", "ckan.config.middleware", "ckanapi", "feedgen.feed", "geomet.wkt"),
    *("html5rdf", "icalendar", "limits", "limits.strategies", "lxml.etree", "openpyxl"),
    *("pyld", "pyoxigraph", "rdflib", "rdflib.plugins.parsers.notation3", "segno", "setuptools"),
    *("gunicorn.app.wsgiapp", "gunicorn.workers.gthread", "flask_compress"),
]


class CommandFailed(AssertionError):
    """A ``ckan`` command ended with an error. The message is its output."""


def environment() -> dict[str, str]:
    """Return the tests' environment without variables that would override a site's ini file."""
    ours = ("CKAN_", "MARATHON_PORTAL_")
    return {key: value for key, value in os.environ.items() if not key.startswith(ours)}


class Program:
    """A program in its own process, which ends with the process of the tests at the latest."""

    def __init__(self, process: ForkServerProcess) -> None:
        process.start()
        self._process = process
        assert process.pid is not None
        self.pid: int = process.pid

    def poll(self) -> int | None:
        """Return its exit code, minus the signal's number where one ended it; ``None``: it runs."""
        return self._process.exitcode

    def wait(self, seconds: float | None = None) -> int:
        """Wait for its end and return its exit code.

        Raises:
            subprocess.TimeoutExpired: it goes on.
        """
        self._process.join(seconds)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("programme", seconds or 0)
        return code

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it without asking."""
        self._process.kill()


def run(*arguments: str) -> str:
    """Run ``ckan <arguments>``; return its standard output.

    Raises:
        CommandFailed: it ended with an error.
    """
    with tempfile.TemporaryDirectory() as directory:
        output, errors = Path(directory, "output"), Path(directory, "errors")
        code = _fork([CKAN, *arguments], output, errors).wait()
        text = output.read_text(encoding="utf-8")
        if code != 0:
            said = f"{text}\n{errors.read_text(encoding='utf-8')}"[-6000:]
            raise CommandFailed(f"ckan {' '.join(arguments)}: {code}\n{said}")
    return text


def start(log: Path, *arguments: str) -> Program:
    """Start ``ckan <arguments>``; its output is appended to ``log``."""
    return _fork([CKAN, *arguments], log, log)


def serve(log: Path, listener: socket.socket, *arguments: str) -> Program:
    """Start ``gunicorn <arguments>``, which answers at a socket."""
    return _fork(["gunicorn", *arguments], log, log, listener)


def _fork(
    command: list[str], output: Path, errors: Path, listener: socket.socket | None = None
) -> Program:
    # The new process takes over the path. CKAN puts its own folder first in it, and that folder has
    # a package "tests", too.
    if sys.path[0] != ROOT:
        sys.path.insert(0, ROOT)
    arguments = (command, environment(), output, errors, listener)
    # A daemon is not waited for when the tests end.
    return Program(_context().Process(target=_become, args=arguments, daemon=True))


@functools.cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context


def _become(
    command: list[str],
    variables: dict[str, str],
    output: Path,
    errors: Path,
    listener: socket.socket | None,
) -> None:
    """Be a command: its arguments, variables and files are those of this process."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    os.environ.clear()
    os.environ.update(variables)
    for number, path in ((1, output), (2, errors)):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    # A daemon may not start processes, and a command may share its work among several.
    multiprocessing.current_process().daemon = False
    sys.argv = command
    try:
        if listener is not None:
            from gunicorn.app import wsgiapp

            sys.argv += ["--bind", f"fd://{listener.fileno()}"]
            wsgiapp.run()
        else:
            from ckan.cli.cli import ckan

            ckan()
    finally:
        # A forked process ends without them.
        atexit._run_exitfuncs()


@functools.cache
def generated_config() -> str:
    """Return the output of ``ckan generate config`` without one line; it runs once.

    Browsers accept a cookie whose domain is empty, but Python's cookie jars refuse it.
    """
    text = run("generate", "config", "/dev/stdout")
    return text.replace("\nSESSION_COOKIE_DOMAIN = \n", "\n")


def end(process: Program | subprocess.Popen[bytes]) -> None:
    """End a programme: asked first, killed if it does not listen."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
