"""A site that `make run` runs, and people who use it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import requests

from stack.solr import find_free_port
from tests.stack.conftest import Command

Start = Callable[..., Command]
READY = "Ctrl-C stops it"
# How long the web server may take to be there again.
GOING_SECONDS = 60


class RunningSite:
    """A site of `make run`: set up by the first test that needs it, started when it is not."""

    def __init__(self, start: Start, data: Path) -> None:
        self.start = start
        self.data = data
        self.port = str(find_free_port())
        self.url = f"http://localhost:{self.port}"
        self.command: Command | None = None

    def running(self) -> Command:
        if self.command is None or self.command.process.poll() is not None:
            self.command = self.run()
            self.command.wait_for(READY)
        return self.command

    def run(self) -> Command:
        """Start it without waiting."""
        return self.start(
            self.data,
            "run",
            "--data",
            str(self.data),
            MARATHON_PORT=self.port,
            MARATHON_WITHOUT_EXAMPLES="1",
        )

    def manage(self, command: str, **variables: str) -> Command:
        """Return ``stop`` or ``reset`` once it has ended."""
        done = self.start(self.data, command, "--data", str(self.data), **variables)
        done.process.wait()
        return done

    def get(self, path: str) -> requests.Response:
        """GET a path; try again while the workers of a killed master end.

        They answer, cut connections, and for a moment no process listens.
        """
        deadline = time.monotonic() + GOING_SECONDS
        while True:
            try:
                return requests.get(f"{self.url}{path}", timeout=60)
            except requests.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def datasets(self) -> int:
        return int(self.get("/api/3/action/package_search").json()["result"]["count"])

    def spawned(self, name: str) -> list[int]:
        """Return the process ids that the supervisor gave a programme, oldest first."""
        return spawned(self.data, name)


def csrf_token(page: str) -> str:
    token = re.search(r'name="_csrf_token" (?:content|value)="([^"]+)"', page)
    assert token is not None
    return token.group(1)


def log_in(url: str, name: str, password: str) -> requests.Session:
    session = requests.Session()
    token = csrf_token(session.get(f"{url}/user/login").text)
    form = {"login": name, "password": password, "_csrf_token": token}
    answer = session.post(f"{url}/user/login", data=form)
    assert "/marathon/desk" in answer.url
    return session


def spawned(data: Path, name: str) -> list[int]:
    """Return the process ids that the supervisor gave a programme, oldest first."""
    log = (data / "logs" / "supervisord.log").read_text()
    return [int(pid) for pid in re.findall(rf"spawned: '{name}' with pid (\d+)", log)]
