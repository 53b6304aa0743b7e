"""The users of a measurement under load: a locustfile, run by ``bench.load``.

Fifty readers request feeds, pages and the API, with up to two seconds between two requests. Four
writers change titles of datasets, each of other ones, and note the last confirmed title.
"""

from __future__ import annotations

import itertools
import json
import os
import random
from pathlib import Path

from locust import FastHttpUser, between, constant, events, task
from locust.contrib.fasthttp import ResponseContextManager

SIZE = int(os.environ["LOAD_SIZE"])
TOKEN = os.environ["LOAD_TOKEN"]
WRITTEN = Path(os.environ["LOAD_WRITTEN"])
READERS, WRITERS = 50, 4

_numbers = itertools.count(1)
_confirmed: dict[str, str] = {}
_faults: list[str] = []


@events.request.add_listener
def note_fault(
    name: str, exception: BaseException | None, response: object = None, **_more: object
) -> None:
    """Store a failure with its details; locust's own result has only the number."""
    if exception is not None:
        _faults.append(f"{name}: {exception!r} {(getattr(response, 'text', '') or '')[:100]}")


@events.test_stop.add_listener
def write_results(**_more: object) -> None:
    """Write a file with the confirmed titles and the failures."""
    found = {"titles": _confirmed, "faults": _faults}
    WRITTEN.write_text(json.dumps(found), encoding="utf-8")


class Reader(FastHttpUser):
    """A reader with an address of their own behind a proxy."""

    fixed_count = READERS
    wait_time = between(0, 2)
    network_timeout = connection_timeout = 120

    def on_start(self) -> None:
        """Get an address."""
        self.headers = {
            "X-Forwarded-For": f"192.0.2.{next(_numbers)}",
            "Accept-Encoding": "gzip",
        }
        self.tags: dict[str, str] = {}

    def read(
        self, name: str, path: str, headers: dict[str, str] | None = None
    ) -> ResponseContextManager:
        """GET a path."""
        return self.client.get(path, name=name, headers=self.headers | (headers or {}))

    @task(2)
    def harvest(self) -> None:
        """Read a page of the catalogue, like a harvester that sends ``If-None-Match``."""
        path = f"/catalog.ttl?page={random.randint(1, -(-SIZE // 100))}"
        tag = self.tags.get(path)
        answer = self.read("page of the feed", path, {"If-None-Match": tag} if tag else None)
        if answer.headers and "ETag" in answer.headers:
            self.tags[path] = answer.headers["ETag"]

    @task(3)
    def look_at_a_dataset(self) -> None:
        """Open a dataset."""
        self.read("dataset", f"/dataset/datos-{random.randrange(SIZE)}")

    @task(2)
    def search(self) -> None:
        """Search datasets."""
        word = random.choice(("agua", "pozo", "salud"))
        # Only datasets have files; stock has no schema for the other types in the database.
        self.read("dataset search", f"/dataset/?q={word}&res_format=CSV")

    @task(1)
    def open_home(self) -> None:
        """Open the home page."""
        self.read("home", "/")

    @task(2)
    def ask_the_api(self) -> None:
        """Search and show by API."""
        self.read("package_search", "/api/3/action/package_search?q=agua&rows=20")
        name = f"datos-{random.randrange(SIZE)}"
        self.read("package_show", f"/api/3/action/package_show?id={name}")


class Writer(FastHttpUser):
    """An officer's program that saves one dataset after the other."""

    fixed_count = WRITERS
    wait_time = constant(1)
    network_timeout = connection_timeout = 120

    def on_start(self) -> None:
        """Choose the datasets of this writer."""
        self.first = next(_numbers)
        self.turn = 0

    @task
    def save(self) -> None:
        """Change a title."""
        self.turn += 1
        name = f"datos-{(self.first * 25 + self.turn % 25) % SIZE}"
        title = f"Datos de ejemplo, cambio {self.first}-{self.turn}"
        answer = self.client.post(
            "/api/3/action/package_patch",
            name="save",
            json={"id": name, "title": title},
            headers={"Authorization": TOKEN},
        )
        if answer.ok:
            _confirmed[name] = title
        else:
            # The client does not know whether it was saved: both titles are accepted.
            _confirmed.pop(name, None)
