"""Solr's jars: fetched once, by name, and only as locked."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pytest

from stack import solr
from stack.data_directory import Layout, locate_cache
from stack.messages import Progress, StackError


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a directory as jgo's Maven repository, by jgo's own settings file."""
    served = tmp_path / "maven"
    served.mkdir()
    handler = partial(Quiet, directory=str(served))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _point_jgo_at(tmp_path, monkeypatch, server.server_address[1])
        yield served
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def _point_jgo_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int, scheme: str = "http"
) -> None:
    (tmp_path / ".config").mkdir(exist_ok=True)
    (tmp_path / ".config" / "jgo.conf").write_text(
        f"[repositories]\ncentral = {scheme}://127.0.0.1:{port}\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MARATHON_CACHE", str(tmp_path / "cache"))


class TestJars:
    def test_the_lock_has_names_versions_hashes_and_no_address(self) -> None:
        locked = solr.read_jars_lock()
        assert len(locked) > 100
        assert all(len(jar.sha256) == 64 for jar in locked)
        assert "://" not in solr.LOCK.read_text()

    def test_a_jar_with_the_locked_hash_is_installed_once(
        self, tmp_path: Path, maven: Path
    ) -> None:
        lock = self.publish(tmp_path, maven, b"as locked", b"as locked")
        installed = solr.ensure_jars(Progress(), lock)
        assert [path.name for path in installed.iterdir()] == ["g.r.o.u.p.thing-1.0.jar"]
        assert installed.parent == locate_cache()
        shutil.rmtree(maven)
        assert solr.ensure_jars(Progress(), lock) == installed

    def test_a_jar_with_another_hash_is_refused_and_nothing_installed(
        self, tmp_path: Path, maven: Path
    ) -> None:
        lock = self.publish(tmp_path, maven, b"as locked", b"changed on the way")
        with pytest.raises(StackError, match=r"thing-1\.0\.jar has SHA-256"):
            solr.ensure_jars(Progress(), lock)
        assert not list(locate_cache().iterdir())

    def test_a_missing_network_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Port 9 of the loopback interface: nobody listens.
        _point_jgo_at(tmp_path, monkeypatch, 9)
        lock = self.publish(tmp_path, tmp_path / "nowhere", b"x", b"x")
        with pytest.raises(StackError, match="is there a network"):
            solr.ensure_jars(Progress(), lock)

    def test_an_untrusted_certificate_is_an_error_that_names_the_variables(
        self, tmp_path: Path, maven: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        port = int((tmp_path / ".config" / "jgo.conf").read_text().rpartition(":")[2])
        _point_jgo_at(tmp_path, monkeypatch, port, "https")
        lock = self.publish(tmp_path, maven, b"x", b"x")
        with pytest.raises(StackError, match="REQUESTS_CA_BUNDLE and SSL_CERT_FILE"):
            solr.ensure_jars(Progress(), lock)

    def test_too_little_disk_space_is_refused_before_downloading(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MARATHON_CACHE", str(tmp_path / "cache"))
        needed = shutil.disk_usage(tmp_path).total // 1_000_000 + 1
        monkeypatch.setattr(solr, "NEEDED_MEGABYTES", needed)
        with pytest.raises(StackError, match="MARATHON_CACHE"):
            solr.ensure_jars(Progress())

    def publish(self, tmp_path: Path, maven: Path, locked: bytes, served: bytes) -> Path:
        """Lock one content of a jar and serve another one; return the lock."""
        content = tmp_path / "content"
        content.write_bytes(locked)
        jar = solr.Jar("g.r.o.u.p", "thing", "1.0", "", solr.hash_file(content))
        path = maven / "g/r/o/u/p/thing/1.0/thing-1.0.jar"
        path.parent.mkdir(parents=True)
        path.write_bytes(served)
        lock = tmp_path / "jars.lock"
        lock.write_text(f"# a comment\n{jar.line()}\n")
        return lock


class TestRecordedStart:
    """Services with a record run in test_services.py."""

    @pytest.fixture
    def jars(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        jars = tmp_path / "solr-of-a-lock"
        jars.mkdir()
        monkeypatch.setattr(solr, "ensure_jars", lambda _progress: jars)
        return jars

    def test_solr_starts_from_an_existing_record(self, jars: Path, tmp_path: Path) -> None:
        server = solr.Solr(Layout.open(tmp_path / "data"), 8983, ("ckan",))
        record = solr.locate_recorded_start(jars)
        option = f"-XX:AOTCache={record}"
        assert option not in server.prepare(Progress()).command
        record.touch()
        assert option in server.prepare(Progress()).command

    @pytest.mark.parametrize(
        ("says", "made"), [("AOTCache creation is complete: x", True), ("No space left", False)]
    )
    def test_the_record_is_written_once_and_atomically(
        self, jars: Path, monkeypatch: pytest.MonkeyPatch, says: str, made: bool
    ) -> None:
        started: list[list[str]] = []

        class Recording:
            """A Java that ends at once and has written the file."""

            def __init__(self, command: list[str], stdout: BinaryIO, **_options: object) -> None:
                started.append(command)
                stdout.write(says.encode())
                stdout.flush()
                (option,) = (each for each in command if each.startswith("-XX:AOTCacheOutput="))
                Path(option.partition("=")[2]).write_bytes(b"classes")

            def poll(self) -> int:
                return 0

            def wait(self, _seconds: float | None = None) -> int:
                return 0

            def terminate(self) -> None:
                pass

            kill = terminate

        monkeypatch.setattr(solr.subprocess, "Popen", Recording)
        for _ in range(2):
            solr.record_start(Progress())
        assert len(started) == (1 if made else 2)
        record = solr.locate_recorded_start(jars)
        assert sorted(jars.parent.iterdir()) == ([jars, record] if made else [jars])
        assert not made or record.read_bytes() == b"classes"
