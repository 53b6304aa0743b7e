"""A backup of a running site, and putting it in the place of another or of the same site."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ckanext.marathon.operations import restore
from ckanext.marathon.operations.backup_manifest import BackupFault
from stack.paths import Layout
from stack.postgres import Postgres, binaries
from stack.progress import Progress
from stack.supervisor import guarded
from tests import databases, programs
from tests.feeds.test_following import OF_THE_ANSWER, follow, said
from tests.sites import Site
from tests.stack.conftest import until

PLUGINS = "marathon scheming_datasets scheming_organizations dcat"
SETTINGS = {"ckanext.marathon.postgres_programs": str(binaries())}
SOLR = ("solr_url", "solr_user", "solr_password")
CSV = b"pozo,metros\n1,12\n"
CURSOR = "Marathon-Feed-Cursor"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("saved")
    with Site.create("saved", directory, PLUGINS, SETTINGS) as site:
        site.upgrade()
        site.start()
        site.action("organization_create", name="infom", title="INFOM", role="coordinating_body")
        for number in range(3):
            new_dataset(site, f"datos-{number}")
        yield site


def new_dataset(site: Site, name: str) -> str:
    """Make a dataset with an uploaded file; return its id."""
    dataset = site.action(
        "package_create",
        name=name,
        title=name,
        notes="Datos",
        owner_org="infom",
        service_problem=["AGU-01"],
        license_id="cc-by",
    )["id"]
    upload = (f"{name}.csv", CSV)
    site.action("resource_create", package_id=dataset, url=upload[0], name=name, upload=upload)
    return dataset


@pytest.fixture
def saved(site: Site, tmp_path: Path) -> Path:
    target = tmp_path / "backup"
    site.run("marathon", "backup", str(target))
    return target


def fails(site: Site, *arguments: str) -> str:
    """Return what a command says that ends with an error."""
    with pytest.raises(programs.CommandFailed) as failed:
        site.run("marathon", *arguments)
    return str(failed.value)


def manifest(target: Path) -> dict[str, Any]:
    return json.loads((target / "manifest.json").read_text(encoding="utf-8"))


def stored(site: Site) -> list[Path]:
    return [each for each in (site.directory / "storage/resources").rglob("*") if each.is_file()]


class TestBackup:
    def test_it_is_whole_and_nobody_else_can_read_it(self, site: Site, tmp_path: Path) -> None:
        target = tmp_path / "backup"
        output = site.run("marathon", "backup", str(target), "--verify")
        assert "It was tried" in output
        found = manifest(target)
        assert found["feed"]["number"] == int(
            site.get("/catalog/all.nt").headers[CURSOR].split(".")[1]
        )
        assert found["counts"]["package"] == 3
        assert sum(name.startswith("files/resources/") for name in found["files"]) == 3
        assert "configuration/ckan.ini" in found["files"]
        assert not any("marathon-feed.json" in name for name in found["files"])
        for path in (target, *target.rglob("*")):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        assert not list(tmp_path.glob("*.unfinished"))

    def test_people_save_meanwhile_and_it_is_of_one_moment(
        self, site: Site, tmp_path: Path
    ) -> None:
        target = tmp_path / "backup"
        command = [
            programs.CKAN,
            "-c",
            str(site.ini),
            "marathon",
            "backup",
            str(target),
            "--verify",
        ]
        with (tmp_path / "log").open("wb") as log:
            running = programs.spawn(command, log)
        number = 0
        while running.poll() is None:
            new_dataset(site, f"meanwhile-{tmp_path.name}-{number}")
            number += 1
        said_ = (tmp_path / "log").read_text(encoding="utf-8")
        assert running.returncode == 0, said_
        assert number > 1, "nobody saved meanwhile: nothing was tried"
        found = manifest(target)
        assert found["missing"] == []
        # Each resource of the snapshot has its file, though more may have come since.
        assert sum(n.startswith("files/resources/") for n in found["files"]) >= 3

    def test_nothing_is_overwritten(self, site: Site, saved: Path) -> None:
        assert "exists already" in fails(site, "backup", str(saved))

    def test_it_is_not_put_where_it_would_copy_itself(self, site: Site) -> None:
        inside = site.directory / "storage" / "backup"
        assert "copied into itself" in fails(site, "backup", str(inside))

    def test_a_file_that_is_gone_is_named(self, site: Site, tmp_path: Path) -> None:
        victim = stored(site)[0]
        content = victim.read_bytes()
        victim.unlink()
        try:
            output = site.run("marathon", "backup", str(tmp_path / "backup"))
        finally:
            victim.write_bytes(content)
        name = str(victim.relative_to(site.directory / "storage"))
        assert f"! {name} is named in the database and was not there" in output
        assert manifest(tmp_path / "backup")["missing"] == [name]

    def test_without_the_programs_it_says_how_to_name_them(
        self, site: Site, tmp_path: Path
    ) -> None:
        other = {"ckanext.marathon.postgres_programs": str(tmp_path)}
        with site.variant("elsewhere", other) as variant:
            output = fails(variant, "backup", str(tmp_path / "backup"))
        assert "pg_dump was not found" in output
        assert "ckanext.marathon.postgres_programs" in output
        assert not (tmp_path / "backup").exists()

    def test_one_that_was_killed_is_none_and_is_begun_again(
        self, site: Site, tmp_path: Path
    ) -> None:
        target = tmp_path / "backup"
        command = [programs.CKAN, "-c", str(site.ini), "marathon", "backup", str(target)]
        unfinished = tmp_path / "backup.unfinished"
        with (tmp_path / "log").open("wb") as log:
            running = programs.spawn(command, log)
        while not unfinished.exists():
            assert running.poll() is None, (tmp_path / "log").read_text(encoding="utf-8")
            time.sleep(0.005)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        assert not target.exists()
        assert "no backup, or one that was interrupted" in fails(
            site, "restore", str(unfinished), "--yes"
        )
        site.run("marathon", "backup", str(target))
        assert manifest(target)["version"] == 1
        assert not unfinished.exists()


@pytest.fixture(scope="module")
def whole(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("whole") / "backup"
    site.run("marathon", "backup", str(target))
    return target


@pytest.fixture
def copied(whole: Path, tmp_path: Path) -> Path:
    """A backup that a test may damage."""
    return shutil.copytree(whole, tmp_path / "backup")


def refusal(target: Path) -> str:
    """Return why a backup is refused."""
    with pytest.raises(BackupFault) as refused:
        restore.check_backup(target, lambda *_: None)
    return str(refused.value)


@pytest.mark.usefixtures("with_plugins", "with_request_context")
class TestDamage:
    def test_a_whole_one_is_not_refused(self, copied: Path) -> None:
        seen: list[tuple[int, int]] = []
        found = restore.check_backup(copied, lambda done, total: seen.append((done, total)))
        assert seen[-1] == (found.size(), found.size())

    @pytest.mark.parametrize("which", ["database.dump", "files/", "configuration/ckan.ini"])
    @pytest.mark.parametrize("how", ["changed", "cut", "gone"])
    def test_the_file_is_named(self, copied: Path, which: str, how: str) -> None:
        name = next(name for name in manifest(copied)["files"] if name.startswith(which))
        path = copied / name
        content = path.read_bytes()
        if how == "changed":
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        elif how == "cut":
            path.write_bytes(content[:-1])
        else:
            path.unlink()
        assert "The backup is damaged" in refusal(copied)
        assert str(path) in refusal(copied)

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 1}', "null", "7"])
    def test_a_manifest_that_is_none(self, copied: Path, text: str) -> None:
        (copied / "manifest.json").write_text(text, encoding="utf-8")
        assert "manifest.json" in refusal(copied)

    @pytest.mark.parametrize("name", ["files/../../outside", "/etc/hostname", ""])
    def test_a_path_that_leads_out_of_it(self, copied: Path, name: str) -> None:
        found = manifest(copied)
        found["files"][name] = {"size": 0, "sha256": ""}
        (copied / "manifest.json").write_text(json.dumps(found), encoding="utf-8")
        assert "The backup is damaged" in refusal(copied)

    def test_one_of_a_later_version(self, copied: Path) -> None:
        found = manifest(copied)
        found["migrations"]["marathon"] = "ffffffffffff"
        (copied / "manifest.json").write_text(json.dumps(found), encoding="utf-8")
        assert "Install that version" in refusal(copied)
        (copied / "manifest.json").write_text(json.dumps({**found, "version": 2}), encoding="utf-8")
        assert "later version" in refusal(copied)

    def test_one_that_was_interrupted(self, copied: Path) -> None:
        (copied / "manifest.json").unlink()
        assert "no backup, or one that was interrupted" in refusal(copied)

    def test_a_damaged_one_changes_nothing(self, site: Site, copied: Path) -> None:
        (copied / "database.dump").write_bytes(b"")
        before = site.get("/catalog/all.nt").text
        assert "database.dump" in fails(site, "restore", str(copied), "--yes")
        assert site.get("/catalog/all.nt").text == before


class TestRestore:
    def test_a_site_that_is_not_empty_is_asked_about(self, site: Site, saved: Path) -> None:
        output = fails(site, "restore", str(saved))
        assert "is not empty" in output
        assert site.get("/catalog/all.nt").ok

    def test_the_site_is_as_it_was_and_followers_start_again(self, site: Site, saved: Path) -> None:
        before = site.get("/catalog/all.nt").text
        files = {path: path.read_bytes() for path in stored(site)}
        lost = new_dataset(site, f"lost-{saved.parent.name}")
        site.action("package_patch", id="datos-0", title="Se perdió")
        copy = follow.everything(f"{site.url}/catalog")
        cursor = copy.cursor
        output = site.run("marathon", "restore", str(saved), "--yes")
        assert "Restored:" in output
        assert lines(site.get("/catalog/all.nt").text) == lines(before)
        assert site.get(f"/dataset/{lost}").status_code == 404
        assert {path: path.read_bytes() for path in stored(site)} == files
        assert site.get(f"/catalog/changes?since={cursor}").status_code == 410
        followed = follow.follow(f"{site.url}/catalog", copy)
        assert said(followed) == said(follow.everything(f"{site.url}/catalog"))
        found = site.action("package_search", q="perdió")
        assert found["count"] == 0
        assert site.action("package_search", fq="name:datos-0")["count"] == 1
        assert "all of it and nothing else" in site.run("marathon", "feed", "verify")
        site.action("package_patch", id="datos-0", title="Y así sigue")
        assert "Y así sigue" in site.get("/catalog/all.nt").text
        assert not list((site.directory / "storage").glob("marathon-restore*"))

    def test_a_dump_that_cannot_be_loaded_changes_nothing(self, site: Site, copied: Path) -> None:
        """Half of it is loaded when it ends; nothing of that stays."""
        dump = copied / "database.dump"
        cut = dump.read_bytes()[: dump.stat().st_size * 3 // 4]
        dump.write_bytes(cut)
        found = manifest(copied)
        digest = hashlib.sha256(cut).hexdigest()
        found["files"]["database.dump"] = {"size": len(cut), "sha256": digest}
        (copied / "manifest.json").write_text(json.dumps(found), encoding="utf-8")
        before = site.get("/catalog/all.nt").text
        files = stored(site)
        assert "pg_restore" in fails(site, "restore", str(copied), "--yes")
        assert site.get("/catalog/all.nt").text == before
        assert stored(site) == files

    def test_onto_a_new_site_on_another_server(
        self, site: Site, saved: Path, tmp_path: Path
    ) -> None:
        """By TCP, into the database of a role that may do nothing else there, and back."""
        before = site.get("/catalog/all.nt")
        with another_server(tmp_path / "servers") as (database, scratch):
            settings = {
                **SETTINGS,
                **{name: os.environ[f"CKAN_{name.upper()}"] for name in SOLR},
                "sqlalchemy.url": database,
                "ckan.redis.url": databases.redis(3),
                "ckan.site_id": f"new-{secrets.token_hex(4)}",
                "ckan.plugins": PLUGINS,
                "ckanext.dcat.base_uri": site.url,
            }
            # Nothing but what an administrator makes: the empty database.
            with Site(tmp_path / "new", settings, site.token) as other:
                other.run("marathon", "restore", str(saved), "--yes")
                other.start()
                after = other.get("/catalog/all.nt")
                assert moved(lines(after.text), other, site) == lines(before.text)
                epoch, number, _ = after.headers[CURSOR].split(".")
                # No cursor of the one is taken for one of the other, which may go another way.
                assert number == before.headers[CURSOR].split(".")[1]
                assert epoch != before.headers[CURSOR].split(".")[0]
                cursor = before.headers[CURSOR]
                assert other.get(f"/catalog/changes?since={cursor}").status_code == 410
                assert site.get(f"/catalog/changes?since={cursor}").status_code == 200
                assert contents(other) == contents(site)
                assert "all of it and nothing else" in other.run("marathon", "feed", "verify")
                back = tmp_path / "back"
                assert "--scratch" in fails(other, "backup", str(back), "--verify")
                shutil.rmtree(back, ignore_errors=True)
                assert "It was tried" in other.run(
                    "marathon", "backup", str(back), "--verify", "--scratch", scratch
                )
        known, found = manifest(saved), manifest(back)
        assert found["versions"]["postgresql"] == known["versions"]["postgresql"]
        uploaded = [
            {name: each for name, each in one["files"].items() if name.startswith("files/")}
            for one in (known, found)
        ]
        assert uploaded[0] == uploaded[1]
        assert found["migrations"] == known["migrations"]
        assert found["counts"] == known["counts"]
        assert found["feed"]["digest"] == known["feed"]["digest"]

    def test_what_was_taken_down_since_stays_away(self, site: Site, tmp_path: Path) -> None:
        """The lists of the backup, of the site, and of a file are all applied."""
        here, elsewhere = (new_dataset(site, f"{name}-{tmp_path.name}") for name in ("a", "b"))
        site.run("marathon", "backup", str(tmp_path / "backup"))
        site.action("marathon_takedown", id=here, reason="Orden judicial")
        file = tmp_path / "takedowns.json"
        row = {"id": elsewhere, "type": "dataset", "reason": "Otra", "files": 1, "user_id": None}
        row["at"] = "2026-11-01T00:00:00+00:00"
        file.write_text(json.dumps([row]), encoding="utf-8")
        site.run("marathon", "restore", str(tmp_path / "backup"), "--yes", "--takedowns", str(file))
        for thing in (here, elsewhere):
            assert site.get(f"/dataset/{thing}").status_code == 410
            assert thing not in site.get("/catalog/all.nt").text
        listed = {row["id"] for row in site.action("marathon_takedown_list")}
        assert {here, elsewhere} <= listed
        with site.database() as connection:
            query = sa.text("SELECT count(*) FROM resource WHERE package_id IN (:a, :b)")
            assert connection.scalar(query, {"a": here, "b": elsewhere}) == 0

    def test_one_that_was_interrupted_says_so_and_is_repeated(
        self, site: Site, saved: Path, tmp_path: Path
    ) -> None:
        before = site.get("/catalog/all.nt").text
        lost = new_dataset(site, f"lost-{tmp_path.name}")
        taken = new_dataset(site, f"taken-{tmp_path.name}")
        site.action("marathon_takedown", id=taken, reason="Orden judicial")
        command = [programs.CKAN, "-c", str(site.ini), "marathon", "restore", str(saved), "--yes"]
        note = site.directory / "storage" / "marathon-restore.json"
        for pause in (0.0, 0.5, 2.0, 6.0):
            with (tmp_path / "log").open("wb") as log:
                running = programs.spawn(command, log)
            while not note.exists():
                assert running.poll() is None, (tmp_path / "log").read_text(encoding="utf-8")
                time.sleep(0.01)
            time.sleep(pause)
            os.kill(running.pid, signal.SIGKILL)
            running.wait()
            # Nothing of what may be half is shown.
            if note.exists():
                assert site.get("/catalog/all.nt").status_code == 503
                assert site.get(f"/dataset/{lost}").status_code == 503
        assert note.exists(), "it was never interrupted: nothing was tried"
        assert "earlier restore was interrupted" in site.run(
            "marathon", "restore", str(saved), "--yes"
        )
        assert lines(site.get("/catalog/all.nt").text) == lines(before)
        assert site.get(f"/dataset/{lost}").status_code == 404
        assert taken in {row["id"] for row in site.action("marathon_takedown_list")}

    def test_a_file_of_takedowns_that_is_none_is_refused(
        self, site: Site, saved: Path, tmp_path: Path
    ) -> None:
        file = tmp_path / "takedowns.json"
        for text, named in (
            ("{", "not JSON"),
            ("[{}]", "Row 1, field id"),
            ("[7]", "Row 1: an object"),
            ("7", "A list of objects"),
        ):
            file.write_text(text, encoding="utf-8")
            output = fails(site, "restore", str(saved), "--yes", "--takedowns", str(file))
            assert named in output


def lines(document: str) -> set[str]:
    """Return the lines of N-Triples without what an answer says of the log."""
    return {line for line in document.splitlines() if not OF_THE_ANSWER.match(line)}


def moved(lines: set[str], site: Site, home: Site) -> set[str]:
    """Return the lines of a site as if it were at another one's address."""
    return {line.replace(site.url, home.url) for line in lines}


def contents(site: Site) -> dict[str, bytes]:
    """Return the uploaded files of a site by their paths in its storage folder."""
    storage = site.directory / "storage"
    return {str(path.relative_to(storage)): path.read_bytes() for path in stored(site)}


@contextmanager
def another_server(directory: Path) -> Iterator[tuple[str, str]]:
    """Run a PostgreSQL at a port of its own; yield the addresses of two empty databases in it."""
    layout = Layout.open(directory)
    layout.make_sockets()
    server = Postgres(layout, careless=True)
    server.prepare(Progress())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = server.program()
    command = [*program.command, "-c", "listen_addresses=127.0.0.1", "-c", f"port={port}"]
    address = f"postgresql://{{}}:{server.password}@127.0.0.1:{port}/{{}}"
    with (directory / "postgres.log").open("wb") as log:
        running = subprocess.Popen(
            guarded(command, signal.SIGINT, program.account),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: answers(address.format("postgres", "postgres")))
        engine = sa.create_engine(
            address.format("postgres", "postgres"), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            # A utility statement takes no parameters; the password is ours.
            role = f"CREATE ROLE catalogo LOGIN PASSWORD '{server.password}'"
            connection.execute(sa.text(role))
            for name in ("ckan", "intento"):
                connection.execute(sa.text(f"CREATE DATABASE {name} OWNER catalogo"))
        engine.dispose()
        ours, scratch = (address.format("catalogo", name) for name in ("ckan", "intento"))
        yield ours, scratch
    finally:
        programs.end(running)


def answers(address: str) -> bool:
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    try:
        engine.connect().close()
    except sa.exc.OperationalError:
        return False
    return True
