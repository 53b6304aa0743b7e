"""The programmes of a site that tests start: what they see, how they end."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from stack.supervisor import guarded

CKAN = str(Path(sys.executable).with_name("ckan"))
PATIENCE = 20


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
    done = subprocess.run(
        [CKAN, *arguments],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = f"{done.stdout}\n{done.stderr}"[-6000:]
        raise CommandFailed(f"ckan {' '.join(arguments)}: {done.returncode}\n{said}")
    return done.stdout


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
        guarded(command, signal.SIGTERM),
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
