"""A site of `make run` to which accidents happen, on a disk that can be filled."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import redis
import requests
import rq

from stack.data_directory import Layout, count_free_megabytes, find_orphans
from stack.supervisor import Supervisor
from stack.valkey import Valkey
from tests.stack.conftest import PATIENCE, clean_environment, until
from tests.stack.running import RunningSite, Start, csrf_token, log_in
from tests.visitors import Visitor

DISK = "700M"
# Smaller than the largest upload that is allowed.
STORAGE = "6M"
LARGE = b"pozo,profundidad\n" * 500_000
GIVEN_SECONDS = 60
# Documented: three seconds at most, and the result is repeated for a second.
HEALTH_SECONDS = 10


@contextlib.contextmanager
def mounted(directory: Path, size: str) -> Iterator[None]:
    """Give a directory a small disk of its own.

    Raises:
        subprocess.CalledProcessError: mounting is not permitted.
    """
    directory.mkdir(parents=True, exist_ok=True)
    options = f"size={size},mode=0755"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


class FaultySite(RunningSite):
    """The site, with methods of readers and editors, and methods that damage it."""

    def __init__(self, start: Start, data: Path) -> None:
        super().__init__(start, data)
        self.layout = Layout(data.resolve())
        self.filler = data / "filler"
        self.name = "pozos-de-prueba"

    # What people get

    def unread(self, *paths: str) -> dict[str, int]:
        """Return the pages that cannot be read with their status, 0 where there is no answer."""
        found = {path: self.status(path) for path in paths}
        return {path: status for path, status in found.items() if status != 200}

    def status(self, path: str) -> int:
        try:
            return requests.get(f"{self.url}{path}", timeout=GIVEN_SECONDS).status_code
        except requests.RequestException:
            return 0

    @cached_property
    def session(self) -> requests.Session:
        """Return an administrator's browser."""
        return self.log_in("admin")

    def log_in(self, name: str) -> requests.Session:
        """Return the browser of somebody with an account."""
        logins = json.loads((self.data / "site" / "logins.json").read_text())
        return log_in(self.url, name, logins[name])

    def visitor(self, session: requests.Session) -> Visitor:
        """Return a visitor with a browser's cookies, to fill in forms."""
        visitor = Visitor(self)  # type: ignore[arg-type]
        visitor.session = session
        return visitor

    @cached_property
    def token(self) -> str:
        """Return the headers by which a request is the administrator's."""
        return csrf_token(self.session.get(f"{self.url}/organization/edit/infom").text)

    def call(self, action: str, files: Any = None, **fields: Any) -> requests.Response:
        """Call an action as the administrator."""
        headers = {"X-CSRFToken": self.token, "Referer": self.url}
        sent: dict[str, Any] = {"data": fields, "files": files} if files else {"json": fields}
        address = f"{self.url}/api/3/action/{action}"
        return self.session.post(address, headers=headers, timeout=GIVEN_SECONDS, **sent)

    def save(self, title: str) -> int:
        """Give the dataset another title; return the status of the answer, 0 without an answer."""
        try:
            return self.call("package_patch", id=self.name, title=title).status_code
        except requests.RequestException:
            return 0

    @contextlib.contextmanager
    def queue(self) -> Iterator[rq.Queue]:
        """Give the queue of its background jobs."""
        with redis.Redis.from_url(Valkey(self.layout).url()) as connection:
            yield rq.Queue("ckan:marathon:default", connection=connection)

    def has_job_worker(self) -> bool:
        """Return whether the running worker has registered for jobs."""
        with self.queue() as queue:
            pids = [worker.pid for worker in rq.Worker.all(connection=queue.connection)]
        return self.pid("worker") in pids

    def stored_files(self) -> set[Path]:
        """Return the stored files of resources, parts of files too."""
        folder = self.data / "site" / "storage" / "resources"
        return {path for path in folder.rglob("*") if path.is_file()}

    def upload(self, content: bytes) -> requests.Response:
        """Add a file to the dataset."""
        files = {"upload": ("pozos.csv", content)}
        return self.call("resource_create", files, package_id=self.name, name="Pozos", format="CSV")

    def shown(self) -> dict[str, Any]:
        """Return the dataset as the database has it."""
        answer = self.call("package_show", id=self.name, use_cache=False)
        return answer.json()["result"]

    def title_in_feed(self) -> str:
        """Return the dataset's title as portals get it."""
        inventory = requests.get(f"{self.url}/data.json", timeout=GIVEN_SECONDS).json()
        titles = [one["title"] for one in inventory["dataset"] if self.shown()["id"] in str(one)]
        return titles[0]

    def titles_found(self, title: str) -> int:
        """Return how many datasets of that title a search finds."""
        answer = self.call("package_search", q=f'title:"{title}"')
        return answer.json()["result"]["count"]

    def health(self) -> tuple[int, dict[str, str]]:
        answer = requests.get(f"{self.url}/health", timeout=GIVEN_SECONDS)
        return answer.status_code, answer.json()["checks"]

    def reports(self, **words: str) -> None:
        """Wait until ``/health`` reports a fault, within the documented seconds.

        Each web worker repeats its last result for a second.
        """

        def is_told() -> bool:
            begun = time.monotonic()
            code, checks = self.health()
            assert time.monotonic() - begun < HEALTH_SECONDS, checks
            return code == 503 and words.items() <= checks.items()

        until(is_told, HEALTH_SECONDS)

    def is_well(self) -> bool:
        try:
            return self.health()[0] == 200 and self.status("/dataset") == 200
        except requests.RequestException:
            return False

    def recovers(self, seconds: float = PATIENCE) -> None:
        """Wait until it is well again, without anybody's help."""
        until(self.is_well, seconds)
        title = f"Recuperado {os.urandom(4).hex()}"
        until(lambda: self.save(title) == 200, seconds)
        assert self.shown()["title"] == title

    def run_ckan(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `ckan marathon` command on the site."""
        ckan = Path(sys.executable).with_name("ckan")
        ini = self.data / "site" / "ckan.ini"
        command = [sys.executable, str(ckan), "-c", str(ini), "marathon", *arguments]
        environment = clean_environment()
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, check=False, timeout=150
        )

    def doctor(self, *options: str) -> tuple[int, str]:
        """Return the exit code of `ckan marathon doctor` and its output."""
        done = self.run_ckan("doctor", *options)
        # CKAN logs to the other stream.
        assert "Traceback" not in done.stdout, done.stdout
        return done.returncode, f"{done.stdout}\n{done.stderr}"

    def put_in_order(self) -> None:
        """Undo the changes of a failed test: a full disk, servers that do not run."""
        self.empty_disk()
        self.running()
        for name, (state, pid) in self.supervisor.list_processes().items():
            if state == "STOPPED":
                self.supervisor.start(name)
            elif pid:
                for process in self.family(name):
                    # One that ends meanwhile, as a web worker that is replaced, hangs no more.
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.resume()
        until(self.is_well, 120)

    # What is done to it

    def fill_disk(self) -> None:
        """Write until nothing is free, the reserve used up too."""
        if not self.filler.exists():
            # Or it would be made in between.
            until((self.data / "reserve").exists, 10)
        write_until_full(self.filler)
        until(lambda: not (self.data / "reserve").exists(), 10)
        until(self._is_full, 10)

    def _is_full(self) -> bool:
        """Write once more: meanwhile a server may have deleted files of its own."""
        write_until_full(self.data / "filler-2")
        return count_free_megabytes(self.data) == 0

    def forget_catalogue(self) -> None:
        """Delete the files of PostgreSQL's catalogue that the next connection writes again."""
        for each in (self.data / "postgres").rglob("pg_internal.init"):
            each.unlink()

    def empty_disk(self) -> None:
        self.filler.unlink(missing_ok=True)
        (self.data / "filler-2").unlink(missing_ok=True)

    @property
    def supervisor(self) -> Supervisor:
        """Return the supervisor, as `supervisorctl` reaches it."""
        return Supervisor(self.layout, [])

    def pid(self, name: str) -> int:
        return self.supervisor.list_processes()[name][1]

    def family(self, name: str) -> list[psutil.Process]:
        process = psutil.Process(self.pid(name))
        return [process, *process.children(recursive=True)]

    @contextlib.contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """Have a programme stopped, as by an administrator."""
        self.supervisor.stop(name)
        try:
            yield
        finally:
            self.supervisor.start(name)

    def hang(self, name: str) -> None:
        """Make a program hang: it keeps its connections and does not answer."""
        for process in self.family(name):
            process.send_signal(signal.SIGSTOP)

    def kill(self, name: str) -> None:
        """Kill a programme with all its processes."""
        for process in self.family(name):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def kill_everything(self) -> None:
        """Have the power fail."""
        assert self.command is not None
        self.command.process.send_signal(signal.SIGKILL)
        for process in find_orphans(self.layout):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.command.process.wait()


def write_until_full(path: Path) -> None:
    """Write a file until the disk has no room for one more byte."""
    with path.open("ab", buffering=0) as stream, contextlib.suppress(OSError):
        size = 1_000_000
        while size:
            try:
                while stream.write(b"\0" * size) == size:
                    pass
            except OSError:
                pass
            size //= 10
