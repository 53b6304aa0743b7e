"""The CKAN site: set up once, brought up to date when the code changes, and its two programmes."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

import requests

from stack import accounts
from stack.ini import PLUGINS
from stack.messages import Progress, StackError, Step
from stack.paths import Layout, last_line
from stack.settings import HOST, Settings
from stack.supervisor import Program, guarded

HERE = Path(__file__).parent
# What CKAN logs, as against what a command says.
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d |$")
CKAN = Path(sys.executable).parent / "ckan"


@dataclass(frozen=True)
class Site:
    """The site of one data directory, with its configuration written."""

    layout: Layout
    settings: Settings
    ini: Path

    @property
    def logins(self) -> Path:
        """Return the file with the first accounts' passwords."""
        return self.layout.site / "logins.json"

    def programs(self) -> list[Program]:
        """Return the web server and the background worker."""
        web = [sys.executable, "-m", "gunicorn", "--config", str(HERE / "gunicorn_conf.py")]
        web += ["--bind", f"{HOST}:{self.settings.port}", "--worker-tmp-dir", str(self.layout.run)]
        # The interpreter is named, because a script's first line cannot hold a long path.
        worker = [sys.executable, str(CKAN), "jobs", "worker"]
        return [
            Program("web", web, patience=25, priority=20, directory=HERE.parent),
            Program("worker", worker, patience=25, priority=21, directory=HERE.parent),
        ]

    def environment(self) -> dict[str, str]:
        """Return the variables of every CKAN process."""
        access_log = str(self.layout.access_log)
        return {
            "CKAN_INI": str(self.ini),
            "PYTHONUNBUFFERED": "1",
            "MARATHON_ACCESS_LOG": access_log,
            "MARATHON_HEARTBEATS": str(self.layout.heartbeats),
        }

    def healthy(self) -> bool:
        """Return whether the site answers through its web server."""
        address = f"http://{HOST}:{self.settings.port}/api/3/action/status_show"
        return requests.get(address, timeout=30).ok

    def responds(self) -> bool:
        """Return whether the web server says anything within a few seconds."""
        try:
            requests.get(f"http://{HOST}:{self.settings.port}/health/live", timeout=5)
        except requests.Timeout:
            return False
        except requests.RequestException:
            return True
        return True

    def prepare(self, progress: Progress, empty: bool) -> None:
        """Bring the site to what this version needs; nothing where it did that already.

        An empty database gets its tables, the starter catalogue and the first accounts. One that
        holds a site is migrated and indexed anew; its content and accounts are left alone.

        Args:
            progress: shows each step.
            empty: the database has no tables of CKAN's.

        Raises:
            StackError: a step failed; its output is in ``setup.log``.
        """
        if empty:
            # Stays until the end, so that an interrupted first start is taken up again.
            self._unfinished.touch()
            self._stamp.unlink(missing_ok=True)
        if self._prepared() == self._version():
            return
        with progress.show_step("database tables") as step:
            self._ckan(step, "db", "upgrade")
        with progress.show_step("texts of the scripts") as step:
            # CKAN's own server does this when it starts; without, its scripts speak English.
            self._ckan(step, "translation", "js")
        if self._unfinished.exists():
            with progress.show_step("starter catalogue") as step:
                options = ["--without-examples"] if self.settings.without_examples else []
                self._ckan(step, "marathon", "starter", *options)
            with progress.show_step("accounts") as step:
                accounts.logins(self.logins)
                self._python(step, "-m", "stack.accounts", str(self.logins))
        else:
            with progress.show_step("search index") as step:
                self._ckan(step, "search-index", "rebuild")
            with progress.show_step("feed") as step:
                self._ckan(step, "marathon", "feed", "rebuild")
            with progress.show_step("activities") as step:
                self._ckan(step, "marathon", "activity", "scrub")
        self._stamp.write_text(self._version(), encoding="ascii")
        self._unfinished.unlink(missing_ok=True)

    @property
    def _unfinished(self) -> Path:
        return self.layout.site / "unfinished"

    @property
    def _stamp(self) -> Path:
        return self.layout.site / "prepared"

    def _prepared(self) -> str:
        return self._stamp.read_text(encoding="ascii") if self._stamp.exists() else ""

    def _version(self) -> str:
        """Return what changes whenever tables, index, feed or texts of scripts may have to.

        What a description is made with is not written down anywhere, and would be forgotten if it
        were: every library and every file of the extension counts. An update that changes none of
        them costs one comparison too many, one that was overlooked would leave the feed as it was.
        """
        digest = hashlib.sha256(PLUGINS.encode())
        for name, version in sorted((d.name, d.version) for d in distributions()):
            digest.update(f"{name}=={version}\n".encode())
        for path in sorted(_own_files()):
            name = path.relative_to(HERE.parent).as_posix()
            digest.update(name.encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()

    def _ckan(self, step: Step, *arguments: str) -> None:
        self._python(step, str(CKAN), *arguments)

    def _python(self, step: Step, *arguments: str) -> None:
        log = self.layout.logs / "setup.log"
        with log.open("a", encoding="utf-8") as record:
            run = subprocess.Popen(
                guarded([sys.executable, *arguments], signal.SIGTERM),
                env={**os.environ, **self.environment()},
                cwd=HERE.parent,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
            )
            assert run.stdout is not None
            for line in run.stdout:
                record.write(line)
                if not LOG_LINE.match(line):
                    step.show_detail(line.strip()[:100])
            code = run.wait()
        if code != 0:
            raise StackError(
                f"{step.title} failed: {last_line(log)} (all of it in {log})",
                f"falló la preparación del sitio; vea {log}",
            )


def _own_files() -> Iterator[Path]:
    """Yield every file of the extension."""
    for folder in ("schemas", "ckanext"):
        for path in (HERE.parent / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path
