"""The programmes of a site that tests start: what they see, how they end.

A ``ckan`` command spends most of its time importing CKAN and libraries. :func:`run` forks it from a
process that has imported these, and no extension: sites differ in which ones they have.
"""

from __future__ import annotations

import atexit
import functools
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import IO

from stack.supervisor import guard_command

CKAN = str(Path(sys.executable).with_name("ckan"))
PATIENCE = 20
# What CKAN and our plugins import of others.
IMPORTED = [
    *("ckan.cli.cli", "ckan.config.middleware", "ckanapi", "feedgen.feed", "geomet.wkt"),
    *("html5rdf", "icalendar", "limits", "limits.strategies", "lxml.etree", "openpyxl"),
    *("pyld", "pyoxigraph", "rdflib", "rdflib.plugins.parsers.notation3", "segno", "setuptools"),
]


class CommandFailed(AssertionError):
    """A ``ckan`` command ended with an error; the message is what it said."""


def environment() -> dict[str, str]:
    """Return the tests' environment without what would overrule a site's ini file."""
    ours = ("CKAN_", "MARATHON_PORTAL_")
    return {key: value for key, value in os.environ.items() if not key.startswith(ours)}


def run(*arguments: str) -> str:
    """Run ``ckan <arguments>``; return what it wrote to standard output.

    Raises:
        CommandFailed: it ended with an error.
    """
    with tempfile.TemporaryDirectory() as directory:
        output, errors = Path(directory, "output"), Path(directory, "errors")
        command = [CKAN, *arguments]
        begun = _context().Process(target=_become, args=(command, environment(), output, errors))
        begun.start()
        begun.join()
        code, text = begun.exitcode, output.read_text(encoding="utf-8")
        begun.close()
        if code != 0:
            said = f"{text}\n{errors.read_text(encoding='utf-8')}"[-6000:]
            raise CommandFailed(f"ckan {' '.join(arguments)}: {code}\n{said}")
    return text


@functools.cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context


def _become(command: list[str], variables: dict[str, str], output: Path, errors: Path) -> None:
    """Be a ``ckan`` command: its arguments, variables and files are those of this process."""
    os.environ.clear()
    os.environ.update(variables)
    for number, path in ((1, output), (2, errors)):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    sys.argv = command
    from ckan.cli.cli import ckan

    try:
        ckan()
    finally:
        # A forked process ends without them.
        atexit._run_exitfuncs()


@functools.cache
def generated_config() -> str:
    """Return what ``ckan generate config`` writes, made once a run, without one line.

    Browsers take a cookie whose domain is empty; Python's cookie jars refuse it.
    """
    text = run("generate", "config", "/dev/stdout")
    return text.replace("\nSESSION_COOKIE_DOMAIN = \n", "\n")


def spawn(command: list[str], log: IO[bytes], *handles: int) -> subprocess.Popen[bytes]:
    """Start a programme that ends with this process at the latest.

    Args:
        command: programme and arguments.
        log: where its output goes.
        handles: open files that it inherits, under the same numbers.
    """
    return subprocess.Popen(
        guard_command(command, signal.SIGTERM),
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        pass_fds=handles,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a programme: asked first, killed if it does not listen."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
