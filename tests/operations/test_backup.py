"""A backup of a running site, and putting it in the place of another or of the same site."""

from __future__ import annotations

import hashlib
import json
import os
import re
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

import click
import pytest
import sqlalchemy as sa
from ckan.model import meta

from ckanext.marathon.cli.maintenance import read_takedown_list
from ckanext.marathon.operations import restore
from ckanext.marathon.operations.backup import BackupFault, ProgramFailed
from stack.data_directory import Layout
from stack.messages import Progress
from stack.postgres import Postgres, find_binaries
from stack.supervisor import guard_command
from tests import databases, programs
from tests.feeds.test_following import OF_THE_ANSWER, follow, lines_of
from tests.sites import Site
from tests.stack.conftest import until

PLUGINS = "marathon scheming_datasets scheming_organizations dcat"
SETTINGS = {"ckanext.marathon.postgres_programs": str(find_binaries())}
SOLR = ("solr_url", "solr_user", "solr_password")
CSV = b"pozo,metros\n1,12\n"
FIRST = "4c1f0d6a2b17"
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
    """Return the output of a command that ends with an error."""
    with pytest.raises(programs.CommandFailed) as failed:
        site.run("marathon", *arguments)
    return str(failed.value)


def manifest(target: Path) -> dict[str, Any]:
    return json.loads((target / "manifest.json").read_text(encoding="utf-8"))


def stored(site: Site) -> list[Path]:
    return [each for each in (site.directory / "storage/resources").rglob("*") if each.is_file()]


class TestBackup:
    def test_a_backup_is_complete_and_only_its_owner_can_read_it(
        self, site: Site, tmp_path: Path
    ) -> None:
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

    def test_a_backup_during_saves_is_one_snapshot(self, site: Site, tmp_path: Path) -> None:
        target = tmp_path / "backup"
        log = tmp_path / "log"
        running = site.run_beside(log, "marathon", "backup", str(target), "--verify")
        number = 0
        while running.poll() is None:
            new_dataset(site, f"meanwhile-{tmp_path.name}-{number}")
            number += 1
        assert running.wait() == 0, log.read_text(encoding="utf-8")
        assert number > 1, "nobody saved meanwhile: nothing was tried"
        found = manifest(target)
        assert found["missing"] == []
        # Each resource of the snapshot has its file, though more may have come since.
        assert sum(n.startswith("files/resources/") for n in found["files"]) >= 3

    def test_an_existing_target_is_refused(self, site: Site, whole: Path) -> None:
        assert "exists already" in fails(site, "backup", str(whole))

    def test_a_target_inside_the_storage_is_refused(self, site: Site) -> None:
        inside = site.directory / "storage" / "backup"
        assert "copied into itself" in fails(site, "backup", str(inside))

    def test_a_missing_file_is_named(self, site: Site, tmp_path: Path) -> None:
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

    def test_missing_postgresql_programs_are_an_error_that_names_the_option(
        self, site: Site, tmp_path: Path
    ) -> None:
        other = {"ckanext.marathon.postgres_programs": str(tmp_path)}
        with site.variant("elsewhere", other) as variant:
            output = fails(variant, "backup", str(tmp_path / "backup"))
        assert "pg_dump was not found" in output
        assert "ckanext.marathon.postgres_programs" in output
        assert not (tmp_path / "backup").exists()

    def test_a_killed_backup_is_incomplete_and_can_be_repeated(
        self, site: Site, tmp_path: Path
    ) -> None:
        target = tmp_path / "backup"
        unfinished = tmp_path / "backup.unfinished"
        running = site.run_beside(tmp_path / "log", "marathon", "backup", str(target))
        while not unfinished.exists():
            assert running.poll() is None, (tmp_path / "log").read_text(encoding="utf-8")
            time.sleep(0.005)
        running.kill()
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
    def test_an_undamaged_backup_is_accepted(self, copied: Path) -> None:
        seen: list[tuple[int, int]] = []
        found = restore.check_backup(copied, lambda done, total: seen.append((done, total)))
        assert seen[-1] == (found.size(), found.size())

    @pytest.mark.parametrize("which", ["database.dump", "files/", "configuration/ckan.ini"])
    @pytest.mark.parametrize("how", ["changed", "cut", "gone"])
    def test_the_error_names_the_damaged_file(self, copied: Path, which: str, how: str) -> None:
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
    def test_an_unreadable_manifest_is_refused(self, copied: Path, text: str) -> None:
        (copied / "manifest.json").write_text(text, encoding="utf-8")
        assert "manifest.json" in refusal(copied)

    @pytest.mark.parametrize("name", ["files/../../outside", "/etc/hostname", ""])
    def test_a_path_outside_of_the_backup_is_refused(self, copied: Path, name: str) -> None:
        found = manifest(copied)
        found["files"][name] = {"size": 0, "sha256": ""}
        (copied / "manifest.json").write_text(json.dumps(found), encoding="utf-8")
        assert "The backup is damaged" in refusal(copied)

    def test_a_backup_of_a_later_version_is_refused(self, copied: Path) -> None:
        found = manifest(copied)
        found["migrations"]["marathon"] = "ffffffffffff"
        (copied / "manifest.json").write_text(json.dumps(found), encoding="utf-8")
        assert "Install that version" in refusal(copied)
        (copied / "manifest.json").write_text(json.dumps({**found, "version": 2}), encoding="utf-8")
        assert "later version" in refusal(copied)

    def test_an_unfinished_backup_is_refused(self, copied: Path) -> None:
        (copied / "manifest.json").unlink()
        assert "no backup, or one that was interrupted" in refusal(copied)

    def test_a_malformed_list_of_takedowns_is_refused(self, copied: Path) -> None:
        found = manifest(copied)
        found["takedowns"] = [{"type": "dataset"}]
        (copied / "manifest.json").write_text(json.dumps(found), encoding="utf-8")
        assert "manifest.json: Row 1, field id" in refusal(copied)

    def test_restoring_a_damaged_backup_changes_nothing(self, site: Site, copied: Path) -> None:
        (copied / "database.dump").write_bytes(b"")
        before = site.get("/catalog/all.nt").text
        assert "database.dump" in fails(site, "restore", str(copied), "--yes")
        assert site.get("/catalog/all.nt").text == before


def signed(target: Path, dump: bytes, **fields: Any) -> None:
    """Put another dump into a backup, whose manifest agrees with it."""
    (target / "database.dump").write_bytes(dump)
    digest = hashlib.sha256(dump).hexdigest()
    found = {**manifest(target), **fields}
    found["files"]["database.dump"] = {"size": len(dump), "sha256": digest}
    (target / "manifest.json").write_text(json.dumps(found), encoding="utf-8")


@pytest.mark.usefixtures("with_plugins", "with_request_context")
class TestVerify:
    @pytest.fixture(autouse=True)
    def _programs(self, ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in SETTINGS.items():
            monkeypatch.setitem(ckan_config, name, value)

    @staticmethod
    def verify(target: Path) -> None:
        """Verify a backup, and check that the database made for it is dropped in any case."""
        query = sa.text("SELECT count(*) FROM pg_database WHERE datname LIKE 'marathon_verify_%'")
        try:
            restore.verify_backup(target, "", lambda _: lambda *_: None)
        finally:
            with meta.engine.connect() as connection:
                assert connection.scalar(query) == 0

    def test_an_undamaged_backup_passes(self, copied: Path) -> None:
        self.verify(copied)

    def test_a_missing_file_is_found(self, copied: Path) -> None:
        name = next(name for name in manifest(copied)["files"] if name.startswith("files/"))
        (copied / name).unlink()
        with pytest.raises(BackupFault, match=name):
            self.verify(copied)

    def test_a_truncated_dump_is_found(self, copied: Path) -> None:
        dump = (copied / "database.dump").read_bytes()
        signed(copied, dump[: len(dump) * 3 // 4])
        with pytest.raises(ProgramFailed, match="pg_restore"):
            self.verify(copied)

    @pytest.mark.parametrize(
        ("part", "name", "value"),
        [
            ("counts", "package", 99),
            ("counts", "gone", 0),
            ("migrations", "ckan", "ffff"),
            ("feed", "digest", "0" * 64),
            ("feed", "mark", "0"),
        ],
    )
    def test_a_dump_of_another_database_is_found(
        self, copied: Path, part: str, name: str, value: object
    ) -> None:
        dump, found = (copied / "database.dump").read_bytes(), manifest(copied)
        signed(copied, dump, **{part: {**found[part], name: value}})
        with pytest.raises(BackupFault, match=rf"{part}\.{name}: "):
            self.verify(copied)


class TestRestore:
    def test_overwriting_a_site_needs_confirmation(self, site: Site, whole: Path) -> None:
        output = fails(site, "restore", str(whole))
        assert "is not empty" in output
        assert site.get("/catalog/all.nt").ok

    def test_a_restored_site_has_the_former_content_and_a_new_epoch(
        self, site: Site, saved: Path
    ) -> None:
        before = site.get("/catalog/all.nt").text
        published = first_published(site)
        assert len(published) >= 3
        files = {path: path.read_bytes() for path in stored(site)}
        lost = new_dataset(site, f"lost-{saved.parent.name}")
        site.action("package_patch", id="datos-0", title="Se perdió")
        copy = follow.everything(f"{site.url}/catalog")
        cursor = copy.cursor
        output = site.run("marathon", "restore", str(saved), "--yes")
        assert "Restored:" in output
        assert lines(site.get("/catalog/all.nt").text) == lines(before)
        assert first_published(site) == published
        assert site.get(f"/dataset/{lost}").status_code == 404
        assert {path: path.read_bytes() for path in stored(site)} == files
        assert site.get(f"/catalog/changes?since={cursor}").status_code == 410
        followed = follow.follow(f"{site.url}/catalog", copy)
        assert lines_of(followed) == lines_of(follow.everything(f"{site.url}/catalog"))
        found = site.action("package_search", q="perdió")
        assert found["count"] == 0
        assert site.action("package_search", fq="name:datos-0")["count"] == 1
        assert "all of it and nothing else" in site.run("marathon", "feed", "verify")
        site.action("package_patch", id="datos-0", title="Y así sigue")
        assert "Y así sigue" in site.get("/catalog/all.nt").text
        assert not list((site.directory / "storage").glob("marathon-restore*"))

    def test_former_versions_are_restored_and_tables_are_loaded_again(
        self, site: Site, tmp_path: Path
    ) -> None:
        name = f"serie-{secrets.token_hex(4)}"
        dataset = site.action("package_show", id=new_dataset(site, name))
        (file,) = dataset["resources"]
        replaced = (f"{name}.csv", CSV + b"2,14\n")
        site.action("marathon_file_replace", id=file["id"], upload=replaced)
        target = tmp_path / "backup"
        assert "loaded again" not in site.run("marathon", "backup", str(target), "--verify")
        site.action("marathon_file_replace", id=file["id"], upload=(f"{name}.csv", CSV + b"3,1\n"))
        site.run("marathon", "restore", str(target), "--yes")
        (version,) = site.action("marathon_file_version_list", id=file["id"])
        address = f"/dataset/{dataset['id']}/resource/{file['id']}/version/{version['number']}"
        assert site.get(address).content == CSV
        assert site.action("marathon_table_show", id=file["id"])["state"] == "waiting"
        site.run("marathon", "tables", "update")
        (sheet,) = site.action("marathon_table_show", id=file["id"])["sheets"]
        assert sheet["rows"] == 2

    def test_a_truncated_dump_changes_nothing(self, site: Site, copied: Path) -> None:
        """The dump breaks off midway, and the transaction is rolled back."""
        dump = (copied / "database.dump").read_bytes()
        signed(copied, dump[: len(dump) * 3 // 4])
        before = site.get("/catalog/all.nt").text
        files = stored(site)
        assert "pg_restore" in fails(site, "restore", str(copied), "--yes")
        assert site.get("/catalog/all.nt").text == before
        assert stored(site) == files

    def test_a_backup_is_restored_onto_a_new_site_on_another_server(
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
                "ckan.site_url": site.url,
            }
            # Only the empty database, which an administrator makes.
            with Site(tmp_path / "new", settings, site.token) as other:
                other.run("marathon", "restore", str(saved), "--yes")
                other.start()
                after = other.get("/catalog/all.nt")
                assert lines(after.text) == lines(before.text)
                # Numbers go on, and the new site may give the next ones to other changes.
                cursor = before.headers[CURSOR]
                assert after.headers[CURSOR].split(".")[1] == cursor.split(".")[1]
                assert other.get(f"/catalog/changes?since={cursor}").status_code == 410
                assert site.get(f"/catalog/changes?since={cursor}").status_code == 200
                assert contents(other) == contents(site)
                back = tmp_path / "back"
                assert "--scratch" in fails(other, "backup", str(back), "--verify")
                shutil.rmtree(back)
                assert "It was tried" in other.run(
                    "marathon", "backup", str(back), "--verify", "--scratch", scratch
                )
                known, found = manifest(saved), manifest(back)
                # CKAN makes an account for each `ckan.site_id`. Pages are stored when requested.
                counts = {**known["counts"], "user": known["counts"]["user"] + 1}
                counts["marathon_audit"] += 1
                counts["marathon_feed_rendering"] = found["counts"]["marathon_feed_rendering"]
                assert found["counts"] == counts
                for part in ("migrations", "missing", "takedowns"):
                    assert found[part] == known[part], part
                assert found["feed"]["digest"] == known["feed"]["digest"]
                assert uploaded(found) == uploaded(known)
                # Once more, at an address of its own: addresses change, and nothing else.
                other.stop()
                own = {"ckan.site_url": other.url, "ckanext.dcat.base_uri": site.url}
                other.configure(own)
                other.run("marathon", "restore", str(back), "--yes")
                other.start()
                assert "all of it and nothing else" in other.run("marathon", "feed", "verify")
                mine, theirs = lines(other.get("/catalog/all.nt").text), lines(before.text)
                assert first_published(other) == first_published(site)
                changed = {line.split()[1].strip("<>").rpartition("/")[2] for line in mine ^ theirs}
                homepage = {"homepage", "22-rdf-syntax-ns#type", "title"}
                assert changed == {*homepage, "dcat#accessURL", "dcat#downloadURL"}
                assert {line.replace(other.url, site.url) for line in mine} == theirs
                (address,) = re.findall(rf"<({other.url}/[^>]*datos-1.csv)>", "\n".join(mine))[:1]
                assert other.get(address.removeprefix(other.url)).content == CSV

    def test_an_interrupted_restore_is_repeated_and_applies_all_takedowns(
        self, site: Site, tmp_path: Path
    ) -> None:
        """The lists of the backup, of the site, and of a file that only the first one was given."""
        before, files = site.get("/catalog/all.nt").text, contents(site)
        known, here, elsewhere = (new_dataset(site, f"{n}-{tmp_path.name}") for n in "abc")
        site.action("marathon_takedown", id=known, reason="De antes")
        saved = tmp_path / "backup"
        site.run("marathon", "backup", str(saved))
        lost = new_dataset(site, f"lost-{tmp_path.name}")
        site.action("marathon_takedown", id=here, reason="Orden judicial")
        file = tmp_path / "takedowns.json"
        row = {"id": elsewhere, "type": "dataset", "reason": "Otra", "files": 1, "user_id": None}
        row["at"] = "2026-11-01T00:00:00+00:00"
        file.write_text(json.dumps([row]), encoding="utf-8")
        command = ["marathon", "restore", str(saved), "--yes"]
        further = ["--takedowns", str(file)]
        for step in ("Database", "Tables of this version", "Search index"):
            log = tmp_path / step
            log.touch()
            running = site.run_beside(log, *command, *further)
            while f"{step}:" not in (text := log.read_text(encoding="utf-8")):
                assert running.poll() is None, text
                time.sleep(0.01)
            running.kill()
            running.wait()
            further = []
            # Data that may be incomplete are not shown.
            for path in ("/catalog/all.nt", f"/dataset/{lost}", f"/dataset/{elsewhere}"):
                assert site.get(path).status_code == 503, (step, path)
        assert "earlier restore was interrupted" in site.run(*command)
        assert lines(site.get("/catalog/all.nt").text) == lines(before)
        assert contents(site) == files
        assert site.get(f"/dataset/{lost}").status_code == 404
        gone = {known, here, elsewhere}
        for thing in gone:
            assert site.get(f"/dataset/{thing}").status_code == 410
        assert gone <= {row["id"] for row in site.action("marathon_takedown_list")}
        with site.database() as connection:
            query = sa.text("SELECT count(*) FROM resource WHERE package_id = ANY(:ids)")
            assert connection.scalar(query, {"ids": list(gone)}) == 0

    def test_a_malformed_list_of_takedowns_is_refused_before_restoring(
        self, site: Site, whole: Path, tmp_path: Path
    ) -> None:
        file = tmp_path / "takedowns.json"
        for text, named in (
            ("{", "not JSON"),
            ("[{}]", "Row 1, field id"),
            ("[7]", "Row 1: an object is expected"),
            ("7", "A list of objects is expected"),
        ):
            file.write_text(text, encoding="utf-8")
            with pytest.raises(click.ClickException, match=named):
                read_takedown_list(file)
        restoring = ["restore", str(whole), "--yes"]
        output = fails(site, *restoring, "--takedowns", str(file))
        assert "A list of objects is expected" in output
        with site.variant("listed", {"ckanext.marathon.takedown_list": str(file)}) as variant:
            output = fails(variant, *restoring)
        assert "ckanext.marathon.takedown_list" in output
        assert "A list of objects is expected" in output
        assert site.get("/catalog/all.nt").ok

    def test_a_backup_of_the_first_version_is_migrated(
        self, site: Site, whole: Path, tmp_path: Path
    ) -> None:
        """It has no feed log and has personal data in activities. The files are the same."""
        database = databases.address("site_old")
        databases.create(database)
        loading = [find_binaries() / "pg_restore", "--no-owner", "--dbname", database]
        subprocess.run([*loading, whole / "database.dump"], check=True)
        settings = {
            "sqlalchemy.url": database,
            "ckan.site_id": f"old-{secrets.token_hex(4)}",
            "ckan.storage_path": str(tmp_path / "storage"),
        }
        shutil.copytree(whole / "files", tmp_path / "storage")
        with site.variant("old", settings) as old:
            with old.database() as connection:
                package = connection.scalar(sa.text("SELECT min(id) FROM package"))
                row = sa.text(
                    "INSERT INTO activity (id, timestamp, object_id, activity_type, data) "
                    "VALUES ('old', now(), :package, 'new package', :data)"
                )
                data = {"package": {"id": package, "title": "Datos"}, "actor": "maria"}
                connection.execute(row, {"package": package, "data": json.dumps(data)})
                labels = "ALTER TABLE activity ADD IF NOT EXISTS permission_labels text[]"
                connection.execute(sa.text(labels))
            old.run("db", "downgrade", "-p", "marathon", "-v", FIRST)
            saved = tmp_path / "backup"
            old.run("marathon", "backup", str(saved), "--verify")
            assert manifest(saved)["migrations"]["marathon"] == FIRST
            assert "marathon_feed_entry" not in manifest(saved)["counts"]
            old.run("db", "upgrade", "-p", "marathon")
            old.run("marathon", "restore", str(saved), "--yes")
            assert "all of it and nothing else" in old.run("marathon", "feed", "verify")
            old.start()
            text = old.get("/catalog/all.nt").text
            assert all(f"datos-{number}" in text for number in range(3))
            with old.database() as connection:
                revision = connection.scalar(
                    sa.text("SELECT version_num FROM marathon_alembic_version")
                )
                kept = connection.scalar(sa.text("SELECT data FROM activity WHERE id = 'old'"))
            assert revision == manifest(whole)["migrations"]["marathon"]
            assert "Datos" in kept
            assert "maria" not in kept


def first_published(site: Site) -> dict[str, Any]:
    """Return the IRI of each dataset that is or was public → when it was published first."""
    query = "SELECT iri, first_published FROM marathon_feed_entry WHERE kind = 'dataset'"
    with site.database() as connection:
        found = dict(connection.execute(sa.text(query)).tuples().all())
    assert None not in found.values()
    return found


def lines(document: str) -> set[str]:
    """Return the lines of N-Triples without those about the log."""
    return {line for line in document.splitlines() if not OF_THE_ANSWER.match(line)}


def uploaded(found: dict[str, Any]) -> dict[str, Any]:
    """Return size and digest of each uploaded file of a manifest."""
    return {name: each for name, each in found["files"].items() if name.startswith("files/")}


def contents(site: Site) -> dict[str, bytes]:
    """Return the uploaded files of a site by their paths in its storage folder."""
    storage = site.directory / "storage"
    return {str(path.relative_to(storage)): path.read_bytes() for path in stored(site)}


@contextmanager
def another_server(directory: Path) -> Iterator[tuple[str, str]]:
    """Run a PostgreSQL at its own port; yield the addresses of two empty databases in it."""
    layout = Layout.open(directory)
    layout.make_sockets()
    server = Postgres(layout, careless=True)
    program = server.prepare(Progress())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [*program.command, "-c", "listen_addresses=127.0.0.1", "-c", f"port={port}"]
    address = f"postgresql://{{}}:{server.password}@127.0.0.1:{port}/{{}}"
    with (directory / "postgres.log").open("wb") as log:
        running = subprocess.Popen(
            guard_command(command, signal.SIGINT, program.account),
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
            # A utility statement takes no parameters, and the password is the test's own.
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
