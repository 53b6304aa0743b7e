"""Real CKAN sites for the tests: own files, own database, own web server process.

    with Site.create("portal", tmp_path, plugins="harvest dcat") as site:
        site.upgrade()
        site.start()
        site.action("organization_create", name="infom")
        site.get("/organization/infom")

A site is what ``ckan generate config`` gives an administrator, plus the lines given here. Its
programmes see none of the ``CKAN_…`` variables of the tests. Every one has a system administrator
``admin`` (password ``PASSWORD``) and an API token of theirs (``site.token``).
"""

from __future__ import annotations

import atexit
import functools
import os
import secrets
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import psutil
import requests
import sqlalchemy as sa
from jinja2 import FileSystemBytecodeCache

from tests import databases, private_names, programs

ROOT = Path(__file__).parents[1]
ADMIN = "admin"
PASSWORD = "correct-horse-battery"
# The same for all sites: the token that is made once is good for every copy of the database.
SECRET_KEY = "not-a-secret-the-tests-need-some-key"
START_SECONDS = 120


class ActionFailed(AssertionError):
    """An API call was refused; ``status`` is HTTP's, ``error`` what CKAN said."""

    def __init__(self, name: str, response: requests.Response) -> None:
        self.status = response.status_code
        try:
            self.error = response.json()["error"]
        except (ValueError, KeyError):
            self.error = {"message": response.text[-2000:]}
        super().__init__(f"{name}: {self.status} {self.error}")


def application(ini: str, templates: str) -> Any:
    """Return the WSGI application of an ini file; gunicorn calls this in the server process.

    Templates are compiled by the first server of a run that needs them, and put into a folder.
    """
    from logging.config import fileConfig

    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    from stack.web import compress_answers

    fileConfig(ini, disable_existing_loggers=False)
    made = make_app(CKANConfigLoader(ini).get_config())
    private_names.read_flask_app(made).jinja_env.bytecode_cache = FileSystemBytecodeCache(templates)
    return compress_answers(made)


@functools.cache
def compiled_templates() -> Path:
    """Return the folder of the templates that servers of this run have compiled."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


Other = TypeVar("Other", bound="Site")


class Site:
    """One CKAN: its ini file, its commands, its server and whatever else runs of it.

    ``served_by`` makes the WSGI application, as :func:`application` does, as ``module:function``;
    ``processes`` is how many answer requests.
    """

    served_by = "tests.sites:application"
    processes = 1

    def __init__(self, directory: Path, settings: Mapping[str, str], token: str = "") -> None:
        """Write the ini file; nothing runs yet.

        ``directory`` is made when missing; ``token`` is an administrator's.
        """
        self.directory = directory
        self.token = token
        self.ini = directory / "ckan.ini"
        self.log = directory / "server.log"
        directory.mkdir(parents=True, exist_ok=True)
        # Held from here on, so that nobody takes the port and a restart gets it again.
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server: programs.Program | None = None
        self._others: dict[Path, programs.Program] = {}
        self._settings = dict(settings)
        self.configure({})

    @classmethod
    def create(
        cls, name: str, directory: Path, plugins: str = "", settings: Mapping[str, str] = {}
    ) -> Self:
        """Return a new site with a database of its own: CKAN's tables and one administrator.

        ``settings`` may name another database (``sqlalchemy.url``); it is made anew, too.
        """
        addresses = {
            "sqlalchemy.url": databases.address(f"site_{name}"),
            "ckan.redis.url": databases.redis(2),
            "solr_url": os.environ["CKAN_SOLR_URL"],
            "solr_user": os.environ["CKAN_SOLR_USER"],
            "solr_password": os.environ["CKAN_SOLR_PASSWORD"],
            # One Solr core can hold many sites; what an earlier run left there is not ours.
            "ckan.site_id": f"{name}-{secrets.token_hex(4)}",
            "ckan.plugins": plugins,
            **settings,
        }
        template, token = plain_database()
        databases.create(addresses["sqlalchemy.url"], template)
        return cls(directory, addresses, token)

    def variant(self, name: str, settings: Mapping[str, str]) -> Self:
        """Return another server of the same database, index and files, with other settings."""
        return self.variant_of(type(self), name, settings)

    def variant_of(self, kind: type[Other], name: str, settings: Mapping[str, str]) -> Other:
        """Return the same as a site of another kind."""
        shared = {**self._settings, "ckan.storage_path": str(self.directory / "storage")}
        return kind(self.directory / name, {**shared, **settings}, self.token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def configure(self, settings: Mapping[str, str]) -> None:
        """Write the ini file with these settings changed; a running server must be restarted."""
        self._settings |= settings
        values = {
            "SECRET_KEY": SECRET_KEY,
            "ckan.site_url": self.url,
            "ckan.storage_path": str(self.directory / "storage"),
            "ckan.webassets.path": str(self.directory / "webassets"),
            **self._settings,
        }
        # The ini format gives % a meaning.
        missing = {key: value.replace("%", "%%") for key, value in values.items()}
        lines = []
        for line in programs.generated_config().splitlines():
            key = line.partition("=")[0].strip()
            lines.append(f"{key} = {missing.pop(key)}" if key in missing else line)
        start = lines.index("[app:main]") + 1
        lines[start:start] = [f"{key} = {value}" for key, value in missing.items()]
        self.ini.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def run(self, *arguments: str) -> str:
        """Run ``ckan -c … <arguments>``; return what it wrote to standard output.

        Raises:
            CommandFailed: it ended with an error.
        """
        return programs.run("-c", str(self.ini), *arguments)

    def upgrade(self) -> None:
        """Create the tables of the plugins."""
        self.run("db", "upgrade", "--skip-core")

    def background(self, *arguments: str) -> None:
        """Start a ``ckan`` command that runs until the site is closed."""
        path = self.directory / f"{'-'.join(arguments)}.log"
        self._others[path] = self.run_beside(path, *arguments)

    def run_beside(self, log: Path, *arguments: str) -> programs.Program:
        """Start ``ckan -c … <arguments>`` and go on; the caller waits for it, or ends it."""
        return programs.start(log, "-c", str(self.ini), *arguments)

    def check_background(self) -> None:
        """Fail, with the end of its log, where a background command has ended by itself."""
        for path, process in self._others.items():
            assert process.poll() is None, f"it ended:\n{path.read_text(encoding='utf-8')[-6000:]}"

    def start(self) -> None:
        """Start the web server and wait until it answers.

        Raises:
            AssertionError: it ended, or did not answer in time; with the end of its log.
        """
        arguments = ["--workers", str(self.processes), "--threads", "4"]
        arguments += ["--timeout", "120", "--keep-alive", "30", "--no-control-socket"]
        call = f"{self.served_by}({str(self.ini)!r}, {str(compiled_templates())!r})"
        arguments += ["--chdir", str(ROOT), call]
        self._server = programs.serve(self.log, self._socket, *arguments)
        self.wait()

    def wait(self) -> None:
        """Wait until the web server answers.

        Raises:
            AssertionError: it ended, or did not answer in time; with the end of its log.
        """
        assert self._server is not None, "it was not started"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self._server.poll() is None, f"the server ended:\n{self.log_text()[-6000:]}"
            try:
                if self.get("/api/3/action/status_show", timeout=2).ok:
                    return
            except requests.RequestException:
                time.sleep(0.2)
        raise AssertionError(f"no answer in {START_SECONDS} s:\n{self.log_text()[-6000:]}")

    def kill_workers(self) -> None:
        """Kill what answers requests, without a chance to end anything; others take their place."""
        for worker in self.workers():
            os.kill(worker, signal.SIGKILL)

    def workers(self) -> list[int]:
        """Return the ids of the processes that answer requests."""
        assert self._server is not None, "it was not started"
        return [each.pid for each in psutil.Process(self._server.pid).children(recursive=True)]

    @property
    def database_url(self) -> str:
        """Return the address of its database."""
        return self._settings["sqlalchemy.url"]

    @contextmanager
    def database(self) -> Iterator[sa.Connection]:
        """Give access to its database, in a transaction of its own."""
        engine = sa.create_engine(self.database_url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            yield connection

    def stop(self) -> None:
        """Stop the web server, if it runs."""
        if self._server:
            programs.end(self._server)
            self._server = None

    def close(self) -> None:
        """Stop everything of the site; its files and its database stay for a closer look."""
        for process in self._others.values():
            process.terminate()
        self.stop()
        for process in self._others.values():
            programs.end(process)
        self._socket.close()

    def log_text(self) -> str:
        """Return what the web server has logged so far."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def get(self, path: str, **options: Any) -> requests.Response:
        """GET a path as an anonymous visitor."""
        options.setdefault("timeout", 60)
        return requests.get(self.url + path, **options)

    def action(self, name: str, data: Mapping[str, Any] = {}, /, **fields: Any) -> Any:
        """Call an action over HTTP as the administrator; return its result.

        A field ``upload`` is sent as a file: ``upload=("wells.csv", b"…")``.

        Raises:
            ActionFailed: it was refused.
        """
        return self.action_as(self.token, name, {**data, **fields})

    def action_as(self, token: str | None, name: str, data: Mapping[str, Any]) -> Any:
        """Call an action with somebody's token, or with none."""
        body = dict(data)
        upload = body.pop("upload", None)
        sent: dict[str, Any] = (
            {"data": body, "files": {"upload": upload}} if upload else {"json": body}
        )
        headers = {"Authorization": token} if token else {}
        response = requests.post(
            f"{self.url}/api/3/action/{name}", headers=headers, timeout=120, **sent
        )
        if not response.ok:
            raise ActionFailed(name, response)
        return response.json()["result"]


@functools.cache
def plain_database() -> tuple[str, str]:
    """Make, once a run, a database with one administrator; return its address and their token."""
    url = databases.address("site_plain")
    databases.create(url)
    settings = {
        "sqlalchemy.url": url,
        "ckan.redis.url": os.environ["CKAN_REDIS_URL"],
        "solr_url": os.environ["CKAN_SOLR_URL"],
        "solr_user": os.environ["CKAN_SOLR_USER"],
        "solr_password": os.environ["CKAN_SOLR_PASSWORD"],
    }
    with tempfile.TemporaryDirectory() as directory, Site(Path(directory), settings) as site:
        site.run("db", "init")
        who = [ADMIN, f"email={ADMIN}@example.gt", f"password={PASSWORD}"]
        site.run("sysadmin", "add", "--create", *who)
        return url, site.run("user", "token", "add", "--quiet", ADMIN, "tests").strip()
