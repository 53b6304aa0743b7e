"""Servers for the time of one command (such as pytest), and a browser for tests."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from stack.data_directory import Layout, hold_directory, write_secret
from stack.messages import Progress, StackError
from stack.postgres import READER, Postgres
from stack.servers import Servers
from stack.solr import USER, Solr, find_free_port, record_start
from stack.supervisor import Supervisor, guard_command
from stack.valkey import CARELESS_DATABASES, Valkey

NEEDED_MEGABYTES = 300
# Databases in addition to those that tests/databases.py gives to test processes.
PORTAL_DATABASE = CARELESS_DATABASES - 1
# Without its window, Chromium takes half the processor time for the same pages.
BROWSERS = (
    *("chromium-headless-shell", "chromium", "chromium-browser"),
    *("google-chrome-stable", "google-chrome"),
)


@contextmanager
def run_servers(data: Path, fresh: bool, progress: Progress) -> Generator[dict[str, str]]:
    """Run servers for test data; yield the environment variables with their addresses.

    Raises:
        StackError: a server does not start, the disk is too full, or the directory is in use.
    """
    layout = Layout.open(data)
    with hold_directory(layout):
        if fresh:
            layout.clear()
        layout.check_space(NEEDED_MEGABYTES)
        layout.make_sockets()
        record_start(progress)
        solr = Solr(layout, find_free_port(), ("ckan_test", "portal_test"), careless=True)
        postgres = Postgres(layout, careless=True)
        valkey = Valkey(layout, careless=True)
        servers = Servers(solr, postgres, valkey, ("ckan_test", "datastore_test", "portal_test"))
        supervisor = Supervisor(layout, servers.prepare(progress))
        try:
            with progress.show_step("PostgreSQL, Valkey, Solr"):
                supervisor.launch()
                servers.start(supervisor)
            yield {
                "CKAN_SQLALCHEMY_URL": postgres.url("ckan_test"),
                "CKAN_DATASTORE_WRITE_URL": postgres.url("datastore_test"),
                "CKAN_DATASTORE_READ_URL": postgres.url("datastore_test", READER),
                "CKAN_REDIS_URL": valkey.url(0),
                "CKAN_SOLR_URL": solr.url("ckan_test"),
                "CKAN_SOLR_USER": USER,
                "CKAN_SOLR_PASSWORD": solr.password,
                "MARATHON_PORTAL_SQLALCHEMY_URL": postgres.url("portal_test"),
                "MARATHON_PORTAL_REDIS_URL": valkey.url(PORTAL_DATABASE),
                "MARATHON_PORTAL_SOLR_URL": solr.url("portal_test"),
            }
        finally:
            supervisor.shutdown()


def run_command(data: Path, fresh: bool, env_file: Path | None, command: list[str]) -> int:
    """Run ``command`` with the servers.

    Args:
        data: the data directory.
        fresh: whether to empty it first.
        env_file: file with the variables for other shells, deleted at the end.
        command: a program and its arguments.

    Returns:
        its exit code; 128 + the signal's number where a signal ended it.
    """
    signals = SignalRelay()
    try:
        with run_servers(data, fresh, Progress()) as variables:
            if env_file:
                lines = [f"export {name}={shlex.quote(text)}\n" for name, text in variables.items()]
                write_secret(env_file, "".join(lines))
            if signals.received is not None:
                return 128 + signals.received
            program = shutil.which(command[0])
            if program is None:
                raise StackError(
                    f"{command[0]}: no such command", f"{command[0]}: no existe ese comando"
                )
            signals.child = subprocess.Popen(
                guard_command([program, *command[1:]], signal.SIGTERM),
                env={**os.environ, **variables},
            )
            code = signals.child.wait()
            return code if code >= 0 else 128 - code
    finally:
        if env_file:
            env_file.unlink(missing_ok=True)


class SignalRelay:
    """Forwards SIGTERM, SIGINT and SIGHUP to the command, so that the servers end after it."""

    def __init__(self) -> None:
        """Install the signal handlers."""
        self.child: subprocess.Popen[bytes] | None = None
        self.received: int | None = None
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.received = number
        if self.child is None:
            raise KeyboardInterrupt
        # On a terminal, Ctrl-C has already reached the command, which is in the same group.
        if not (number == signal.SIGINT and sys.stdin.isatty()):
            self.child.send_signal(number)


def find_browser(progress: Progress) -> Path:
    """Return the path of a Chromium that starts.

    It is the one of ``MARATHON_CHROMIUM``, else an installed one, Debian's (as root) or
    Playwright's, which are installed here.

    Raises:
        StackError: there is none; the message says what to install.
    """
    chosen = os.environ.get("MARATHON_CHROMIUM")
    if chosen:
        if can_start(chosen):
            return Path(chosen)
        raise StackError(
            f"MARATHON_CHROMIUM={chosen} does not start", f"MARATHON_CHROMIUM={chosen} no arranca"
        )
    for name in BROWSERS:
        found = shutil.which(name)
        if found and can_start(found):
            return Path(found)
    for install in (_install_from_debian, _install_from_playwright):
        found = install(progress)
        if found and can_start(found):
            return Path(found)
    raise StackError(
        "the tests need a browser: install chromium (on Debian: apt install chromium), "
        "or name one in MARATHON_CHROMIUM",
        "las pruebas necesitan un navegador: instale chromium (en Debian: apt install chromium) "
        "o indíquelo en MARATHON_CHROMIUM",
    )


def can_start(browser: str) -> bool:
    """Return whether the browser prints its version, which a stub or broken one does not."""
    try:
        done = subprocess.run([browser, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _install_from_debian(progress: Progress) -> str | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    with progress.show_step("Chromium: apt-get install"):
        _run_quietly("apt-get", "update", "-q")
        package = BROWSERS[0]
        _run_quietly("apt-get", "install", "-q", "-y", "--no-install-recommends", package)
    return shutil.which(package)


def _install_from_playwright(progress: Progress) -> str:
    from playwright.sync_api import sync_playwright

    with progress.show_step("Chromium: playwright install"):
        _run_quietly(sys.executable, "-m", "playwright", "install", "chromium")
    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def _run_quietly(*command: str) -> None:
    subprocess.run(
        command,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
