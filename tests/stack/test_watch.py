"""A supervisor that hangs does not keep `make run` waiting."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import errors, processes, supervisor, watch
from stack.paths import Layout
from stack.supervisor import Supervisor


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """Return a supervisor that is there and says nothing; waiting for it takes less than usual."""
    monkeypatch.setattr(supervisor, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(watch, "CHECK_SECONDS", 1)
    layout = Layout.open(tmp_path / "data")
    layout.make_sockets()
    started = Supervisor(layout, [])
    started.launch()
    assert started.responds()
    assert started.process is not None
    os.kill(started.process.pid, signal.SIGSTOP)
    yield started
    processes.end(processes.orphans(layout), patience=0)


def test_it_is_ended_and_that_is_said(hanging: Supervisor) -> None:
    with pytest.raises(errors.ServiceFailed, match="supervisor hung"):
        watch.SiteWatch(hanging.layout, hanging, []).watch_forever()
    assert not hanging.alive()


def test_stopping_does_not_wait_for_it(hanging: Supervisor) -> None:
    begun = time.monotonic()
    hanging.shutdown()
    assert time.monotonic() - begun < 4
    assert processes.orphans(hanging.layout) == []
