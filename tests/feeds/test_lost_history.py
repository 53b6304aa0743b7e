"""After restoring an older database, no follower or cache takes a lost state for the present one.

The database is restored in each way in which an administrator may do it. Numbers are then
given to other changes, and the cursors, tags and dates of the lost changes are refused.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from abc import abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from stack.data_directory import Layout
from stack.messages import Progress
from stack.postgres import Postgres
from stack.supervisor import guard_command
from tests import databases, programs
from tests.sites import Site
from tests.stack.conftest import until

from .test_following import PLUGINS as FEEDS
from .test_following import follow, lines_of

PLUGINS = f"marathon_site {FEEDS}"

CURSOR = "Marathon-Feed-Cursor"
SOLR = ("solr_url", "solr_user", "solr_password")
NOTE = "marathon-feed.json"
# Answers whose ETag depends on the log's state; the calendar's depends on its content.
ADDRESSES = (
    "/catalog.ttl",
    "/catalog.jsonld",
    "/catalog/all.rdf",
    "/catalog/changes",
    "/catalog/changes.nq",
    "/catalog/changes.atom",
    "/data.json",
    "/catalog.csv",
    "/catalog.xlsx",
    "/marathon/news.atom",
    "/marathon/map.json",
    "/marathon/data/workshops.csv",
    "/agenda.ics",
    "/municipality/0101/catalog.ttl",
    "/municipality/0101/catalog/all.nt",
    "/municipality/0101/catalog/changes",
    "/municipality/0101/catalog/changes.atom",
    "/municipality/0101/data.json",
    "/municipality/0101/agenda.ics",
)


class Copying:
    """A way to save and restore a site's database, while the site is stopped."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()

    @abstractmethod
    def new_site(self) -> Site:
        """Return a new site with CKAN's tables and an administrator."""

    @abstractmethod
    def save(self, site: Site) -> None:
        """Save the database."""

    @abstractmethod
    def bring_back(self, site: Site) -> None:
        """Restore the saved database."""

    def close(self) -> None:
        """End the programs that were started."""


class Dump(Copying):
    """``pg_dump`` and ``psql``: the tables get other ids."""

    def new_site(self) -> Site:
        return Site.create("lost", self.directory / "site", PLUGINS)

    def save(self, site: Site) -> None:
        databases.dump(site.database_url, self.directory / "dump.sql")

    def bring_back(self, site: Site) -> None:
        databases.restore(site.database_url, self.directory / "dump.sql")


class Template(Dump):
    """A copy of the database's files by PostgreSQL itself: tables keep their ids, as on a disk."""

    @property
    def saved(self) -> str:
        return databases.address("site_lost_saved")

    def save(self, site: Site) -> None:
        databases.create(self.saved, site.database_url)

    def bring_back(self, site: Site) -> None:
        databases.create(site.database_url, self.saved)


class DataDirectory(Copying):
    """A copy of PostgreSQL's data directory, with the server stopped."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._layout = Layout.open(directory / "servers")
        self._layout.make_sockets()
        self._postgres = Postgres(self._layout, careless=True)
        self._server: subprocess.Popen[bytes] | None = None

    def new_site(self) -> Site:
        self._start()
        self._postgres.create_databases("ckan")
        settings = {
            "sqlalchemy.url": self._postgres.url("ckan"),
            "ckan.redis.url": databases.redis(2),
            "ckan.site_id": f"lost-{self.directory.name}",
            "ckan.plugins": PLUGINS,
            **{name: os.environ[f"CKAN_{name.upper()}"] for name in SOLR},
        }
        site = Site(self.directory / "site", settings)
        site.run("db", "init")
        who = ["admin", "email=admin@example.gt", "password=correct-horse-battery"]
        site.run("sysadmin", "add", "--create", *who)
        site.token = site.run("user", "token", "add", "--quiet", "admin", "tests").strip()
        return site

    def save(self, site: Site) -> None:
        self.close()
        subprocess.run(["cp", "-a", self._layout.postgres, self.directory / "saved"], check=True)
        self._start()

    def bring_back(self, site: Site) -> None:
        self.close()
        shutil.rmtree(self._layout.postgres)
        subprocess.run(["cp", "-a", self.directory / "saved", self._layout.postgres], check=True)
        self._start()

    def _start(self) -> None:
        program = self._postgres.prepare(Progress())
        with (self.directory / "postgres.log").open("ab") as log:
            self._server = subprocess.Popen(
                guard_command(program.command, signal.SIGINT, program.account),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until(self._answers)

    def _answers(self) -> bool:
        try:
            return self._postgres.is_healthy()
        except Exception:
            return False

    def close(self) -> None:
        if self._server:
            programs.end(self._server)
            self._server = None


FORMS: list[Callable[[Path], Copying]] = [Dump, Template, DataDirectory]


class Lost:
    """A site whose database was saved at change ``kept``, changed, and can be restored."""

    def __init__(self, copying: Copying) -> None:
        self.copying = copying
        self.site = copying.new_site()
        site = self.site
        site.upgrade()
        site.start()
        owner = site.action(
            "organization_create",
            name="muni-0101",
            title="Municipalidad",
            municipality_code="0101",
            role="municipality",
        )
        self.workshop = site.action(
            "package_create",
            type="workshop",
            name="taller",
            title="Taller",
            owner_org=owner["id"],
            municipality=["0101"],
            kind="ideation",
            status="held",
            starts_at="2017-05-27T09:00",
        )["id"]
        idea = site.action(
            "package_create",
            type="idea",
            name="idea",
            title="Idea",
            owner_org=owner["id"],
            workshop=self.workshop,
            service_problem=["AGU-01"],
            data_need=[],
        )["id"]
        for number in range(3):
            site.action(
                "package_create",
                name=f"datos-{number}",
                title=f"Datos {number}",
                notes="Datos",
                owner_org=owner["id"],
                idea=[idea],
                license_id="cc-by",
            )
        self._publish_earlier(minutes=20)

    def save(self) -> None:
        """Save the database."""
        self.site.stop()
        self.copying.save(self.site)
        self.site.start()

    def go_on(self) -> None:
        """Make changes that will be lost."""
        self.site.action("package_patch", id="datos-0", title="Se perdió")
        self.site.action("package_patch", id=self.workshop, title="Taller que se perdió")
        self._publish_earlier(minutes=10)

    def bring_back(self, with_note: bool = False) -> None:
        """Put the older database in place of the newer one.

        Args:
            with_note: the storage folder stays as it is. Otherwise it has the note of that
                time, as if the whole directory were restored.
        """
        self.site.stop()
        if not with_note:
            self.note.unlink(missing_ok=True)
        self.copying.bring_back(self.site)
        self.site.start()

    @property
    def note(self) -> Path:
        return self.site.directory / "storage" / NOTE

    @property
    def number(self) -> int:
        """Return the number of the last change."""
        return int(self.site.get("/catalog/all.nt").headers[CURSOR].split(".")[1])

    def _publish_earlier(self, minutes: int) -> None:
        """Have the last change been published so long ago that answers have a date."""
        statement = "UPDATE marathon_feed_clock SET published = now() - make_interval(mins => :n)"
        with self.site.database() as connection:
            connection.execute(sa.text(statement), {"n": minutes})

    def change_until(self, number: int) -> None:
        """Change something else until the log has a number of changes."""
        while self.number < number:
            self.site.action("package_patch", id="datos-1", title=f"Otro {self.number}")


@pytest.fixture(params=FORMS, ids=lambda form: form.__name__)
def lost(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lost]:
    yield from _lost(request.param(tmp_path / "copying"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lost]:
    for found in _lost(Template(tmp_path_factory.mktemp("template") / "copying")):
        found.save()
        yield found


@pytest.fixture
def lost_template(template: Lost) -> Lost:
    """Return a site as it was when its database was saved."""
    template.bring_back()
    return template


def _lost(copying: Copying) -> Iterator[Lost]:
    try:
        found = Lost(copying)
        with found.site:
            yield found
    finally:
        copying.close()


def refusals(site: Site, known: dict[str, Any]) -> dict[str, Any]:
    """Return address → answers that counted as unchanged although their state was lost."""
    wrong: dict[str, Any] = {}
    for address, answer in known.items():
        asked = [{"If-None-Match": answer.headers["ETag"]}]
        if "Last-Modified" in answer.headers:
            asked.append({"If-Modified-Since": answer.headers["Last-Modified"]})
        for headers in asked:
            status = site.get(address, headers=headers).status_code
            if status != 200:
                wrong[address] = (headers, status)
    return wrong


def test_followers_drop_everything_of_a_lost_history(lost: Lost) -> None:
    site = lost.site
    parts = ("", "/municipality/0101")
    early = {part: follow.everything(f"{site.url}{part}/catalog") for part in parts}
    kept = lost.number
    lost.save()
    lost.go_on()
    copies = {part: follow.everything(f"{site.url}{part}/catalog") for part in parts}
    assert any("Se perdió" in line for line in copies[""].lines())
    last = lost.number
    assert last >= kept + 2
    known = {address: site.get(address) for address in ADDRESSES}
    assert {address: answer.status_code for address, answer in known.items()} == dict.fromkeys(
        ADDRESSES, 200
    )
    assert sum("Last-Modified" in answer.headers for answer in known.values()) >= 10
    lost.bring_back()
    assert lost.number == kept
    # With fewer changes than before, exactly as many, and more.
    for number in (kept, last - 1, last, last + 1):
        lost.change_until(number)
        assert refusals(site, known) == {}, number
        for part, copy in copies.items():
            answer = site.get(f"{part}/catalog/changes?since={copy.cursor}")
            assert answer.status_code == 410, (number, part)
            assert "/catalog/all.ttl" in answer.headers["Link"]
    for part in parts:
        address = f"{site.url}{part}/catalog"
        there = follow.everything(address)
        for copy in (copies[part], early[part]):
            followed = follow.follow(address, copy)
            assert lines_of(followed) == lines_of(there)
            assert followed.cursor == there.cursor
        assert not any("Se perdió" in line for line in there.lines())
    assert "all of it and nothing else" in site.run("marathon", "feed", "verify")


def test_a_follower_within_the_restored_history_continues(lost_template: Lost) -> None:
    lost, site = lost_template, lost_template.site
    copy = follow.everything(f"{site.url}/catalog")
    lost.go_on()
    lost.bring_back()
    lost.change_until(lost.number + 1)
    answer = site.get(f"/catalog/changes.nq?since={copy.cursor}")
    assert answer.status_code == 200
    assert "Otro" in answer.text


def test_a_running_process_serves_no_map_of_a_lost_history(
    lost_template: Lost,
) -> None:
    lost, site = lost_template, lost_template.site
    before = site.get("/marathon/map.json").json()
    site.action("package_patch", id="datos-0", private=True)
    number = lost.number
    assert site.get("/marathon/map.json").json() != before
    lost.copying.bring_back(site)
    until(lambda: site.get("/catalog/all.nt").status_code == 200, 30)
    lost.change_until(number)
    assert lost.number == number
    assert site.get("/marathon/map.json").json() == before


def test_the_witness_reveals_the_loss_and_a_new_epoch_begins(lost_template: Lost) -> None:
    lost, site = lost_template, lost_template.site
    lost.go_on()
    number = lost.number
    epoch = site.get("/catalog/all.nt").headers[CURSOR].split(".")[0]
    assert json.loads(lost.note.read_text(encoding="utf-8"))["number"] == number
    site.stop()
    lost.copying.bring_back(site)
    with pytest.raises(programs.CommandFailed, match=rf"{number}: change that was served"):
        site.run("marathon", "feed", "verify")
    assert f"change {number} was served" in site.run("marathon", "feed", "status")
    assert f"change {number} was served" in doctor(site)
    site.start()
    now = site.get("/catalog/all.nt").headers[CURSOR].split(".")[0]
    assert now != epoch
    assert "all of it and nothing else" in site.run("marathon", "feed", "verify")
    assert f"changes up to {number} had been served" in doctor(site)
    # Once is enough.
    site.stop()
    site.start()
    assert site.get("/catalog/all.nt").headers[CURSOR].split(".")[0] == now


def test_an_unwritable_witness_begins_only_one_epoch(lost_template: Lost) -> None:
    lost, site = lost_template, lost_template.site
    lost.go_on()
    served = lost.note.read_text(encoding="utf-8")
    lost.bring_back(with_note=True)
    epoch = site.get("/catalog/all.nt").headers[CURSOR].split(".")[0]
    for _ in range(2):
        lost.note.write_text(served, encoding="utf-8")
        site.stop()
        site.start()
        assert site.get("/catalog/all.nt").headers[CURSOR].split(".")[0] == epoch


def doctor(site: Site) -> str:
    """Return the output of the doctor, with or without faults."""
    try:
        return site.run("marathon", "doctor")
    except programs.CommandFailed as failed:
        return str(failed)
