"""``make run``: everything from an empty directory to a site that answers, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from stack import accounts, external, heartbeat, ini, processes
from stack.ckan_site import Site
from stack.disk import DiskReserve
from stack.messages import Progress
from stack.paths import Layout
from stack.postgres import Postgres
from stack.settings import Settings
from stack.solr import USER, Solr, free_port
from stack.supervisor import Program, Supervisor
from stack.valkey import Valkey
from stack.watch import SILENT_CHECKS_OF_WEB, ServerCheck, SiteWatch

DATABASE = "ckan"
CORE = "ckan"
NEEDED_MEGABYTES = 400
# A site that is there can be read on a disk that is almost full.
NEEDED_AGAIN_MEGABYTES = 20
# Read from the configuration that we write; in the environment they would win over it.
OURS = ("CKAN_SQLALCHEMY_URL", "CKAN_REDIS_URL", "CKAN_SOLR_URL", "CKAN_SOLR_USER")
OURS += ("CKAN_SOLR_PASSWORD", "CKAN_SITE_URL")


@dataclass
class Servers:
    """The servers below the site; ``None`` where somebody else's is used."""

    layout: Layout
    settings: Settings
    postgres: Postgres | None
    valkey: Valkey | None
    solr: Solr | None

    @classmethod
    def choose(cls, layout: Layout, settings: Settings) -> Servers:
        """Return own servers for those that the environment does not name."""
        return cls(
            layout,
            settings,
            None if settings.database else Postgres(layout),
            None if settings.redis else Valkey(layout),
            None if settings.solr else Solr(layout, free_port()),
        )

    def prepare(self, progress: Progress) -> list[Program]:
        """Create what they need on disk; return how to run them."""
        programs = []
        if self.solr:
            programs.append(self.solr.prepare(progress, CORE))
        if self.postgres:
            self.postgres.prepare(progress)
            programs.append(self.postgres.program())
        if self.valkey:
            self.valkey.prepare()
            programs.append(self.valkey.program())
        return programs

    def start(self, supervisor: Supervisor) -> None:
        """Start the own ones and wait until they answer; create the database."""
        postgres, valkey, solr = self.postgres, self.valkey, self.solr
        for name, own in (("solr", solr), ("postgres", postgres), ("valkey", valkey)):
            if own:
                supervisor.start(name)
        if valkey:
            supervisor.wait("valkey", valkey.healthy, 60)
        if postgres:
            supervisor.wait("postgres", postgres.healthy, 120)
            postgres.create(DATABASE)
        if solr:
            supervisor.wait("solr", lambda: solr.healthy(CORE), 120)

    def list_checks(self) -> list[ServerCheck]:
        """Return how to ask the own ones whether they hang."""
        checks = []
        if self.postgres:
            checks.append(ServerCheck("postgres", self.postgres.responds))
        if self.valkey:
            checks.append(ServerCheck("valkey", self.valkey.responds))
        if self.solr:
            responds, mend = partial(self.solr.responds, CORE), partial(self.solr.mend_index, CORE)
            checks.append(ServerCheck("solr", responds, mend))
        return checks

    def addresses(self) -> ini.Addresses:
        """Return where the site finds them."""
        settings = self.settings
        return ini.Addresses(
            database=self.postgres.url(DATABASE) if self.postgres else settings.database,
            redis=self.valkey.url() if self.valkey else settings.redis,
            solr=self.solr.url(CORE) if self.solr else settings.solr,
            solr_user=USER if self.solr else settings.solr_user,
            solr_password=self.solr.password if self.solr else settings.solr_password,
        )


def run(data: Path, settings: Settings) -> int:
    """Run the site until a signal asks to stop.

    Returns:
        0 after Ctrl-C or SIGTERM.

    Raises:
        StackError: something is missing or broke; the message says what.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    progress = Progress()
    began = time.monotonic()
    layout = Layout.open(data)
    with processes.holding(layout):
        settings.check_port()
        set_up = (layout.site / "prepared").exists()
        if set_up:
            DiskReserve(layout).release_for_start()
        layout.check_space(NEEDED_AGAIN_MEGABYTES if set_up else NEEDED_MEGABYTES)
        for variable in OURS:
            os.environ.pop(variable, None)
        external.check(settings)
        layout.make_sockets()
        heartbeat.forget_all(layout.heartbeats)
        servers = Servers.choose(layout, settings)
        programs = servers.prepare(progress)
        site = Site(layout, settings, ini.write(layout, settings, servers.addresses()))
        supervisor = Supervisor(layout, [*programs, *site.programs()], site.environment())
        try:
            with progress.show_step("servers: " + ", ".join(p.name for p in programs)):
                supervisor.launch()
                servers.start(supervisor)
            site.prepare(progress, external.holds_no_site(servers.addresses().database))
            with progress.show_step("web server"):
                supervisor.start("web")
                supervisor.wait("web", site.healthy, 180)
            # Afterwards: both load CKAN, and people wait for the first page.
            supervisor.start("worker")
            print(summary(site, time.monotonic() - began), flush=True)
            web = ServerCheck("web", site.responds, silent_checks=SILENT_CHECKS_OF_WEB)
            SiteWatch(layout, supervisor, [*servers.list_checks(), web]).watch_forever()
        except KeyboardInterrupt:
            progress.print_line("")
        finally:
            with progress.show_step("stopping"):
                supervisor.shutdown()
                # One that hangs does not hear that it is asked to end.
                processes.end(processes.orphans(layout), patience=0)
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


def summary(site: Site, seconds: float) -> str:
    """Return what the person needs to know now, in English and Spanish."""
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
        for name, password in accounts.logins(site.logins).items():
            english, spanish = accounts.ROLES[name]
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
