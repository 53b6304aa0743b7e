"""Handling of hanging processes by `make run`. test_faults.py tests it with real servers."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import run, supervisor
from stack.data_directory import Layout, end_processes, find_orphans
from stack.messages import StackError
from stack.run import ServerCheck, SiteWatch
from stack.supervisor import Program, Supervisor


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """Return a supervisor that does not answer; the time to wait for it is shorter than usual."""
    monkeypatch.setattr(supervisor, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(run, "CHECK_SECONDS", 1)
    monkeypatch.setattr(run, "SILENT_CHECKS_OF_SUPERVISOR", 2)
    layout = Layout.open(tmp_path / "data")
    layout.make_sockets()
    started = Supervisor(layout, [])
    started.launch()
    assert started.responds()
    assert started.process is not None
    os.kill(started.process.pid, signal.SIGSTOP)
    yield started
    end_processes(find_orphans(layout), patience=0)


def test_a_hanging_server_is_killed_except_while_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "CHECK_SECONDS", 1)
    monkeypatch.setattr(run, "START_SECONDS", 1.5)
    layout = Layout.open(tmp_path / "data")
    layout.make_sockets()
    sleeping = [sys.executable, "-c", "import time; time.sleep(600)"]
    started = Supervisor(layout, [Program("mute", sleeping)])
    asked: list[int] = []

    def responds() -> bool:
        asked.append(started.list_processes()["mute"][1])
        if len(set(asked)) == 2:
            raise KeyboardInterrupt
        return False

    started.launch()
    watching = SiteWatch(layout, started, [ServerCheck("mute", responds, silent_checks=1)])
    try:
        started.start("mute")
        with pytest.raises(KeyboardInterrupt):
            watching.watch_forever()
    finally:
        started.shutdown()
    # Asked at once, after one second, and after two.
    assert asked[0] == asked[1] != asked[-1]


def test_a_hanging_supervisor_is_ended_with_an_error(hanging: Supervisor) -> None:
    with pytest.raises(StackError, match="supervisor hung"):
        SiteWatch(hanging.layout, hanging, []).watch_forever()
    assert not hanging.is_alive()


def test_a_supervisor_ending_during_a_request_has_its_own_error(
    hanging: Supervisor,
) -> None:
    assert hanging.process is not None
    # It is asked after a second, and waited for.
    threading.Timer(1.2, hanging.process.kill).start()
    with pytest.raises(StackError, match="supervisor ended"):
        SiteWatch(hanging.layout, hanging, []).watch_forever()


def test_stop_does_not_wait_for_a_hanging_supervisor(hanging: Supervisor) -> None:
    begun = time.monotonic()
    hanging.shutdown()
    assert time.monotonic() - begun < 4
    assert find_orphans(hanging.layout) == []
