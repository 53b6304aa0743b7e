"""``make run``: sets up a site in an empty directory and runs it until Ctrl-C.

supervisord restarts servers that end. ``SiteWatch`` handles the other cases: servers that hang, a
hanging supervisord, servers that supervisord gave up on a full disk, Solr's index closed by a full
disk, the reserve of disk space, and the size of the access log.
"""

from __future__ import annotations

import http.client
import itertools
import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from stack.ckan_site import ROLES, Site, read_logins, write_ini
from stack.data_directory import (
    DiskReserve,
    Layout,
    end_processes,
    find_orphans,
    hold_directory,
    write_heartbeat,
)
from stack.messages import Progress, StackError
from stack.servers import DATASTORE_VARIABLES, Servers, Settings, is_database_empty
from stack.supervisor import Supervisor, kill_tree
from stack.web import rotate_access_log

NEEDED_MEGABYTES = 400
# Space for a new site; an existing one starts on an almost full disk, to be read.
NEEDED_AGAIN_MEGABYTES = 20
# These are in the written configuration; in the environment they would override it.
OWN_VARIABLES = (
    *("CKAN_SQLALCHEMY_URL", "CKAN_REDIS_URL", "CKAN_SOLR_URL", "CKAN_SOLR_USER"),
    *("CKAN_SOLR_PASSWORD", "CKAN_SITE_URL"),
    *DATASTORE_VARIABLES,
)

# Seconds between checks of a server, and the failed checks in a row after which it is killed.
CHECK_SECONDS = 3
SILENT_CHECKS = 3
# More failed checks for a server that reading does not need.
SILENT_CHECKS_OF_SUPERVISOR = 6
# More for the web server: its threads may wait for another hanging server, which is killed first.
SILENT_CHECKS_OF_WEB = 15
RETRY_SECONDS = 15
# Seconds in which a started server may load its data without answering.
START_SECONDS = 40


def run_site(data: Path, settings: Settings) -> int:
    """Run the site until a signal asks to stop.

    Returns:
        0 after Ctrl-C or SIGTERM.

    Raises:
        StackError: something is missing or failed; the message names it.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    progress = Progress()
    began = time.monotonic()
    layout = Layout.open(data)
    with hold_directory(layout):
        settings.check_port()
        is_set_up = (layout.site / "prepared").exists()
        if is_set_up:
            DiskReserve(layout).release_for_start()
        layout.check_space(NEEDED_AGAIN_MEGABYTES if is_set_up else NEEDED_MEGABYTES)
        for variable in OWN_VARIABLES:
            os.environ.pop(variable, None)
        settings.check_servers()
        layout.make_sockets()
        for left in layout.heartbeats.iterdir():
            left.unlink()
        servers = Servers.choose(layout, settings)
        programs = servers.prepare(progress)
        addresses = servers.find_addresses(settings)
        site = Site(layout, settings, write_ini(layout, settings, addresses))
        supervisor = Supervisor(layout, [*programs, *site.list_programs()], site.environment)
        try:
            with progress.show_step("servers: " + ", ".join(program.name for program in programs)):
                supervisor.launch()
                servers.start(supervisor)
            grant = servers.postgres.run_script if servers.postgres else None
            site.prepare(progress, is_database_empty(addresses.database), grant)
            with progress.show_step("web server"):
                supervisor.start("web")
                supervisor.wait_for("web", site.is_healthy, 180)
            # The worker starts later: both load CKAN, and people wait for the first page.
            supervisor.start("worker")
            print(describe_site(site, time.monotonic() - began), flush=True)
            SiteWatch(layout, supervisor, list_checks(servers, site)).watch_forever()
        except KeyboardInterrupt:
            progress.print_line("")
        finally:
            with progress.show_step("stopping"):
                supervisor.shutdown()
                # A hanging supervisor does not react to a shutdown request.
                end_processes(find_orphans(layout), patience=0)
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


def describe_site(site: Site, seconds: float) -> str:
    """Return the site's addresses and logins, in English and Spanish."""
    settings = site.settings
    lines = [
        "",
        f"The site runs (started in {seconds:.0f} s). / El sitio funciona.",
        "",
        f"  site / sitio        {settings.public_url}/",
        f"  feed / catálogo     {settings.public_url}/catalog.ttl",
    ]
    if settings.public_url != settings.local_url:
        lines.append(f"  on this machine     {settings.local_url}/")
    if site.logins.exists():
        lines.append("")
        for name, password in read_logins(site.logins).items():
            english, spanish = ROLES[name]
            lines.append(f"  {name:<9}{password:<18} {english} / {spanish}")
        lines.append(f"  (kept in / se guardan en: {site.logins})")
    lines += [
        "",
        f"  data / datos        {site.layout.root}",
        f"  logs / bitácoras    {site.layout.logs}",
        "",
        "Ctrl-C stops it; `make run` starts it again with the same data. / "
        "Ctrl-C lo detiene; `make run` lo inicia de nuevo con los mismos datos.",
    ]
    return "\n".join(lines)


@dataclass(frozen=True)
class ServerCheck:
    """How to check that one of our servers does not hang.

    Attributes:
        name: name of its program.
        responds: returns whether the server answers within a few seconds; an error or a refused
            connection counts as an answer.
        mend: called while it responds and the disk has space; repairs what the server cannot.
        silent_checks: number of failed checks in a row after which it is killed.
    """

    name: str
    responds: Callable[[], bool]
    mend: Callable[[], None] | None = None
    silent_checks: int = SILENT_CHECKS


def list_checks(servers: Servers, site: Site) -> list[ServerCheck]:
    """Return the checks of our own servers and of the web server."""
    mend = servers.solr.reopen_closed_cores if servers.solr else None
    checks = [
        ServerCheck(server.name, server.responds, mend if server is servers.solr else None)
        for server in servers.list_own()
    ]
    return [*checks, ServerCheck("web", site.responds, silent_checks=SILENT_CHECKS_OF_WEB)]


class SiteWatch:
    """Watches a running site; see the module's docstring."""

    def __init__(self, layout: Layout, supervisor: Supervisor, checks: list[ServerCheck]) -> None:
        """Prepare it.

        Args:
            layout: the data directory.
            supervisor: runs the programmes.
            checks: of our own servers.
        """
        self.layout = layout
        self.supervisor = supervisor
        self.checks = checks
        self.reserve = DiskReserve(layout)
        self._silent: dict[str, int] = {}
        self._retried: dict[str, float] = {}
        # Server → its process id and time of start; the time is in the past once it has answered.
        self._starting: dict[str, tuple[int, float]] = {}

    def watch_forever(self) -> None:
        """Watch until something fails; does not return.

        Raises:
            StackError: a program was given up, or the supervisor ended or hangs.
        """
        for second in itertools.count():
            time.sleep(1)
            write_heartbeat(self.layout.heartbeats, "watch")
            self.reserve.update()
            if not self.supervisor.is_alive():
                raise StackError(
                    "the supervisor ended; `make run` starts everything again",
                    "el supervisor terminó; `make run` inicia todo de nuevo",
                )
            if second % CHECK_SECONDS == 0:
                self._check_programs()

    def _check_programs(self) -> None:
        try:
            programs = self.supervisor.list_processes()
        except (OSError, http.client.HTTPException):
            # It hangs, or it is just ending, which the next check shows.
            self._count_silence("supervisord", SILENT_CHECKS_OF_SUPERVISOR, self._give_up)
            return
        self._silent["supervisord"] = 0
        if self.supervisor.process is not None:
            write_heartbeat(self.layout.heartbeats, "supervisor", self.supervisor.process.pid)
        for name, (state, _pid) in programs.items():
            if state == "FATAL":
                self._retry(name)
        for check in self.checks:
            self._check_server(check, *programs[check.name])
        if programs.get("web", ("", 0))[0] == "RUNNING" and rotate_access_log(self.layout):
            self.supervisor.send_signal("web", signal.SIGUSR1)

    def _retry(self, name: str) -> None:
        """Start a program again that was given up, if a full disk may be the reason."""
        if not self.reserve.was_short_lately():
            raise self.supervisor.describe_failure(name)
        now = time.monotonic()
        if now - self._retried.get(name, -RETRY_SECONDS) >= RETRY_SECONDS:
            self._retried[name] = now
            self.supervisor.start(name)

    def _check_server(self, check: ServerCheck, state: str, pid: int) -> None:
        if self._starting.get(check.name, (0, 0.0))[0] != pid:
            self._starting[check.name] = pid, time.monotonic()
        if state != "RUNNING":
            self._silent[check.name] = 0
        elif check.responds():
            self._silent[check.name] = 0
            self._starting[check.name] = pid, -math.inf
            if check.mend and self.reserve.has_room():
                check.mend()
        elif time.monotonic() - self._starting[check.name][1] >= START_SECONDS:
            # The supervisor restarts it.
            self._count_silence(check.name, check.silent_checks, lambda: kill_tree(pid))

    def _count_silence(self, name: str, most: int, end: Callable[[], None]) -> None:
        self._silent[name] = self._silent.get(name, 0) + 1
        if self._silent[name] >= most:
            self._silent[name] = 0
            end()

    def _give_up(self) -> None:
        """Kill a hanging supervisor: it no longer restarts servers, and logs grow without limit."""
        self.supervisor.kill()
        raise StackError(
            "the supervisor hung and was ended; `make run` starts everything again",
            "el supervisor no respondía y se terminó; `make run` inicia todo de nuevo",
        )
