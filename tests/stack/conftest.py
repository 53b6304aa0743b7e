"""Starts the real commands of the stack and sees to it that nothing is left of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from stack.data_directory import Layout, end_processes, find_orphans

if TYPE_CHECKING:
    from tests.stack.running import RunningSite

ROOT = Path(__file__).parents[2]
PATIENCE = 300.0


def clean_environment(**variables: str) -> dict[str, str]:
    """Return the environment without the variables that name the servers of the tests."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CKAN_", "MARATHON_PORTAL_"))
    }
    return {**kept, "PYTHONPATH": str(ROOT), **variables}


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
    """Wait until a condition is true; fail if it is not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


class Command:
    """A command of the stack that is running."""

    def __init__(self, data: Path, arguments: list[str], environment: dict[str, str]) -> None:
        self.data = data
        self.output = data.parent / f"{data.name}.{time.monotonic_ns()}.out"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stack", *arguments],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def wait_for(self, text: str) -> None:
        """Wait until it has printed ``text``."""
        until(lambda: text in self.said() or self.process.poll() is not None)
        assert text in self.said(), self.said()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE)

    def servers(self) -> list[psutil.Process]:
        """Return every process that was started for its data directory."""
        return find_orphans(Layout(self.data.resolve()))


@contextmanager
def starting() -> Iterator[Callable[..., Command]]:
    """Yield a function that starts a command on a data directory; end all commands afterwards."""
    begun: list[Command] = []

    def start(data: Path, *arguments: str, **variables: str) -> Command:
        begun.append(Command(data, list(arguments), clean_environment(**variables)))
        return begun[-1]

    try:
        yield start
    finally:
        for command in begun:
            if command.process.poll() is None:
                command.process.terminate()
                command.process.wait(timeout=PATIENCE)
            end_processes(command.servers(), patience=5)


@pytest.fixture
def start() -> Iterator[Callable[..., Command]]:
    """Return a function that starts a command on a data directory."""
    with starting() as start:
        yield start


@pytest.fixture(scope="session")
def first_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """A site of ``make run``, which the first test that runs it sets up."""
    from tests.stack.running import RunningSite

    with starting() as start:
        yield RunningSite(start, tmp_path_factory.mktemp("run") / "data")
