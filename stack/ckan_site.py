"""The CKAN site: configuration, set-up, first accounts, web server and job worker.

``generated.ini`` is written at every start. ``ckan.ini`` is written once and extends it; the
administrator may edit it, and its values override the generated ones.

Run as ``python -m stack.ckan_site LOGINS``, with CKAN_INI set, this module creates the accounts
that are missing through CKAN's own actions. Passwords are passed in a file that only its owner can
read, never as arguments, which every user of the machine can see.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import requests

from stack.data_directory import (
    SAVES_NEED_MEGABYTES,
    TEMPLATES,
    Layout,
    read_last_line,
    write_config,
    write_secret,
)
from stack.messages import Progress, StackError, Step
from stack.postgres import find_binaries
from stack.servers import DATASTORE, HOST, Addresses, Settings
from stack.supervisor import Program, guard_command

ROOT = Path(__file__).parent.parent
CKAN = Path(sys.executable).parent / "ckan"
# Lines of CKAN's log in the output of a command.
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d |$")
SECRETS = ("secret", "csrf_secret", "token_secret")
# The words of files are Spanish. The role that reads tables may not read CKAN's own database.
DATASTORE_SETTINGS = f"""
ALTER DATABASE {DATASTORE} SET default_text_search_config = 'pg_catalog.spanish';
REVOKE CONNECT ON DATABASE ckan FROM PUBLIC;
"""

# Description of each account in English and Spanish. The municipality is one of the pilot; see
# docs/running.md.
ROLES = {
    "admin": ("system administrator", "administrador del sistema"),
    "infom": ("INFOM, coordinating body", "INFOM, entidad coordinadora"),
    "oficial": (
        "data officer of San Carlos Alzatate",
        "oficial de datos de San Carlos Alzatate",
    ),
}
# Account → the field and value that select its organisation, and its role there.
MEMBERSHIPS = {
    "infom": ("role", "coordinating_body", "admin"),
    "oficial": ("municipality_code", "2105", "editor"),
}


@dataclass(frozen=True)
class Site:
    """The site of one data directory, with its configuration written.

    Attributes:
        layout: the data directory.
        settings: the settings of this start, from the environment.
        ini: the path of ``ckan.ini``.
    """

    layout: Layout
    settings: Settings
    ini: Path

    @property
    def logins(self) -> Path:
        """Return the path of the file with the passwords of the first accounts."""
        return self.layout.site / "logins.json"

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables of every CKAN process."""
        return {
            "CKAN_INI": str(self.ini),
            "PYTHONUNBUFFERED": "1",
            "MARATHON_HEARTBEATS": str(self.layout.heartbeats),
        }

    def list_programs(self) -> list[Program]:
        """Return the web server and the background worker."""
        web = [sys.executable, "-m", "gunicorn", "--config", "python:stack.web"]
        web += ["--bind", f"{HOST}:{self.settings.port}", "--worker-tmp-dir", str(self.layout.run)]
        web += ["--access-logfile", str(self.layout.access_log)]
        # With the interpreter, because the path in a script's first line is limited in length.
        worker = [sys.executable, str(CKAN), "jobs", "worker"]
        return [
            Program("web", web, patience=25, priority=20, directory=ROOT),
            Program("worker", worker, patience=25, priority=21, directory=ROOT),
        ]

    def is_healthy(self) -> bool:
        """Return whether the site answers a request to its API without an error."""
        address = f"http://{HOST}:{self.settings.port}/api/3/action/status_show"
        return requests.get(address, timeout=30).ok

    def responds(self) -> bool:
        """Return whether the web server answers within a few seconds, even with an error."""
        try:
            requests.get(f"http://{HOST}:{self.settings.port}/health/live", timeout=5)
        except requests.Timeout:
            return False
        except requests.RequestException:
            return True
        return True

    def prepare(
        self, progress: Progress, is_empty: bool, run_script: Callable[[str], None] | None
    ) -> None:
        """Migrate and rebuild the site for this version; do nothing if it is up to date.

        An empty database gets tables, starter catalogue and first accounts. The database of an
        existing site is migrated and indexed again; content and accounts are unchanged.

        Args:
            progress: shows each step.
            is_empty: the database has no tables of CKAN's.
            run_script: runs SQL as the superuser of our own PostgreSQL, for the DataStore; ``None``
                for an external one, where the administrator does it (docs/running.md).

        Raises:
            StackError: a step failed; its output is in ``setup.log``.
        """
        # While this file exists, an interrupted first start is repeated.
        unfinished = self.layout.site / "unfinished"
        prepared = self.layout.site / "prepared"
        if is_empty:
            unfinished.touch()
            prepared.unlink(missing_ok=True)
        version = compute_version()
        if prepared.exists() and prepared.read_text(encoding="ascii") == version:
            return
        ckan = str(CKAN)
        with progress.show_step("database tables") as step:
            self._run_python(step, [ckan, "db", "upgrade"])
        if run_script:
            # Before the other steps: they read the list of tables that this script makes.
            with progress.show_step("DataStore"):
                run_script(self._read_permissions() + DATASTORE_SETTINGS)
        steps = [
            # CKAN's development server does this at its start; without it, scripts are in English.
            ("texts of the scripts", [ckan, "translation", "js"]),
        ]
        if unfinished.exists():
            read_logins(self.logins)
            options = ["--without-examples"] if self.settings.without_examples else []
            steps += [
                ("starter catalogue", [ckan, "marathon", "starter", *options]),
                ("accounts", ["-m", "stack.ckan_site", str(self.logins)]),
            ]
        else:
            steps += [
                ("search index", [ckan, "search-index", "rebuild"]),
                ("feed", [ckan, "marathon", "feed", "rebuild"]),
                ("activities", [ckan, "marathon", "activity", "scrub"]),
                ("tables of files", [ckan, "marathon", "tables", "update", "--later"]),
            ]
        for title, arguments in steps:
            with progress.show_step(title) as step:
                self._run_python(step, arguments)
        prepared.write_text(version, encoding="ascii")
        unfinished.unlink(missing_ok=True)

    def _read_permissions(self) -> str:
        """Return the SQL that lets the DataStore's reader read, and nothing else."""
        done = subprocess.run(
            [sys.executable, str(CKAN), "datastore", "set-permissions"],
            env={**os.environ, **self.environment},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            output = " ".join(done.stderr.split())[-300:]
            raise StackError(
                f"ckan datastore set-permissions failed: {output}",
                "no se pudo preparar el DataStore",
            )
        return done.stdout

    def _run_python(self, step: Step, arguments: list[str]) -> None:
        log = self.layout.logs / "setup.log"
        with log.open("a", encoding="utf-8") as record:
            run = subprocess.Popen(
                guard_command([sys.executable, *arguments], signal.SIGTERM),
                env={**os.environ, **self.environment},
                cwd=ROOT,
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
                f"{step.title} failed: {read_last_line(log)} (all of it in {log})",
                f"falló la preparación del sitio; vea {log}",
            )


def compute_version() -> str:
    """Return a digest that changes whenever tables, index, feed or script texts may need an update.

    It covers all libraries, all files of the extension and the list of plugins: a shorter list of
    relevant files could become incomplete, and the feed would be outdated.
    """
    digest = hashlib.sha256((TEMPLATES / "generated.ini").read_bytes())
    for name, version in sorted((d.name, d.version) for d in distributions()):
        digest.update(f"{name}=={version}\n".encode())
    for path in sorted(_list_files_of_extension()):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _list_files_of_extension() -> Iterator[Path]:
    for folder in ("schemas", "ckanext"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def write_ini(layout: Layout, settings: Settings, addresses: Addresses) -> Path:
    """Write the configuration.

    Returns:
        the path of ``ckan.ini``.
    """
    write_config(
        layout.site / "generated.ini",
        "generated.ini",
        layout=layout,
        settings=settings,
        addresses=addresses,
        kept=_read_kept(layout, settings),
        postgres_programs=find_binaries(),
        disk_free_mb=SAVES_NEED_MEGABYTES,
    )
    (layout.site / "storage").mkdir(exist_ok=True, mode=0o700)
    own = layout.site / "ckan.ini"
    if not own.exists():
        write_secret(own, (TEMPLATES / "ckan.ini").read_text(encoding="utf-8"))
    return own


def _read_kept(layout: Layout, settings: Settings) -> dict[str, str]:
    """Return the values fixed at the first start: secrets and the base of IRIs."""
    path = layout.site / "kept.json"
    if not path.exists():
        chosen = {name: secrets.token_urlsafe(32) for name in SECRETS}
        write_secret(path, json.dumps({**chosen, "base_uri": settings.public_url}, indent=1))
    return json.loads(path.read_text(encoding="utf-8"))


def read_logins(path: Path) -> dict[str, str]:
    """Return account → password; the passwords are generated by the first call."""
    if not path.exists():
        made = {name: secrets.token_urlsafe(12) for name in ROLES}
        write_secret(path, json.dumps(made, indent=1) + "\n")
    return json.loads(path.read_text(encoding="utf-8"))


def create_accounts(passwords: dict[str, str]) -> None:
    """Create missing accounts and their memberships; existing accounts are not changed."""
    from ckan import model
    from ckan.plugins import toolkit

    def call_action(action: str, **data: object) -> Any:
        site = toolkit.get_action("get_site_user")({"ignore_auth": True}, {})
        return toolkit.get_action(action)({"ignore_auth": True, "user": site["name"]}, data)

    organizations: list[dict[str, Any]] = [
        call_action("organization_show", id=name, include_users=False)
        for name in call_action("organization_list")
    ]
    for name, password in passwords.items():
        if model.User.get(name) is not None:
            continue
        spanish = ROLES[name][1]
        call_action(
            "user_create",
            name=name,
            fullname=spanish.capitalize() if name == "admin" else spanish,
            email=f"{name}@marathon.invalid",
            password=password,
        )
        if name not in MEMBERSHIPS:
            call_action("user_patch", id=name, sysadmin=True)
            continue
        field, wanted, capacity = MEMBERSHIPS[name]
        for organization in organizations:
            if organization.get(field) == wanted:
                member = {"username": name, "role": capacity}
                call_action("organization_member_create", id=organization["id"], **member)
                break


def main() -> None:
    """Create the accounts of the file named as argument."""
    from ckan.cli import load_config
    from ckan.config.middleware import make_app

    # Its Flask application is an attribute that its type does not name.
    app: Any = make_app(load_config())
    with app._wsgi_app.test_request_context():
        create_accounts(read_logins(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
