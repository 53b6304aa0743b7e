"""What cannot work is said in one line, in both languages, and the exit code is not 0."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from stack import bootstrap, errors, jars, run
from stack.cli import main
from stack.paths import MARKER, Layout, cache_dir
from stack.progress import Progress
from stack.solr import free_port
from tests.stack.conftest import ROOT, clean_environment


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the only line that was printed."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert " / " in lines[0]
    return lines[0]


class TestRun:
    def test_a_busy_port_is_named_and_another_offered(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            monkeypatch.setenv("MARATHON_PORT", str(port))
            assert main(["run", "--data", str(tmp_path / "data")]) == 1
        line = said(capsys)
        assert f"port {port} is busy" in line
        assert f"MARATHON_PORT={port + 1}" in line

    @pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "80 80"])
    def test_a_port_that_is_none(
        self,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        text: str,
    ) -> None:
        monkeypatch.setenv("MARATHON_PORT", text)
        assert main(["run", "--data", str(tmp_path / "data")]) == 1
        assert f"MARATHON_PORT={text} is not a port" in said(capsys)

    def test_too_little_disk_space(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # More than this disk has, whatever disk it is.
        needed = shutil.disk_usage(tmp_path).total // 1_000_000 + 1
        monkeypatch.setattr(run, "NEEDED_MEGABYTES", needed)
        monkeypatch.setenv("MARATHON_PORT", str(free_port()))
        assert main(["run", "--data", str(tmp_path / "data")]) == 1
        assert f"no disk space: {needed} MB" in said(capsys)

    def test_a_directory_with_other_things_is_left_alone(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "thesis.odt").write_text("years of work")
        assert main(["services", "--fresh", "--data", str(tmp_path), "--", "true"]) == 1
        assert "was not made by this programme" in said(capsys)
        assert (tmp_path / "thesis.odt").read_text() == "years of work"

    @pytest.mark.parametrize("command", ["stop", "reset", "logs"])
    def test_without_a_site_there_is_nothing_to_do(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
    ) -> None:
        assert main([command, "--data", str(tmp_path / "none")]) == 1
        assert "there is no site" in said(capsys)

    def test_a_socket_directory_of_somebody_else_is_not_used(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deep = tmp_path / ("x" * 120) / MARKER
        layout = Layout(deep)
        planted = layout.sockets
        assert len(str(planted)) < 80
        planted.symlink_to(tmp_path)
        try:
            with pytest.raises(errors.NotOurs):
                layout.make_sockets()
        finally:
            planted.unlink()


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


def _point_jgo_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    (tmp_path / ".config").mkdir(exist_ok=True)
    (tmp_path / ".config" / "jgo.conf").write_text(
        f"[repositories]\ncentral = http://127.0.0.1:{port}\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MARATHON_CACHE", str(tmp_path / "cache"))


class TestJars:
    def test_the_lock_has_names_versions_hashes_and_no_address(self) -> None:
        locked = jars.read_lock()
        assert len(locked) > 100
        assert all(len(jar.sha256) == 64 for jar in locked)
        assert "://" not in jars.LOCK.read_text()

    def test_a_jar_that_is_the_locked_one_is_installed_once(
        self, tmp_path: Path, maven: Path
    ) -> None:
        lock = self.publish(tmp_path, maven, b"as locked", b"as locked")
        installed = jars.ensure(Progress(quiet=True), lock)
        assert [path.name for path in installed.iterdir()] == ["g.r.o.u.p.thing-1.0.jar"]
        assert installed.parent == cache_dir()
        shutil.rmtree(maven)
        assert jars.ensure(Progress(quiet=True), lock) == installed

    def test_a_jar_that_was_changed_is_refused_and_nothing_installed(
        self, tmp_path: Path, maven: Path
    ) -> None:
        lock = self.publish(tmp_path, maven, b"as locked", b"changed on the way")
        with pytest.raises(errors.ChecksumMismatch, match=r"thing-1\.0\.jar"):
            jars.ensure(Progress(quiet=True), lock)
        assert not list(cache_dir().iterdir())

    def test_without_a_network_the_line_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Port 9 of the loopback interface: nobody listens.
        _point_jgo_at(tmp_path, monkeypatch, 9)
        lock = self.publish(tmp_path, tmp_path / "nowhere", b"x", b"x")
        with pytest.raises(errors.NoNetwork, match="is there a network"):
            jars.ensure(Progress(quiet=True), lock)

    def test_without_disk_space_nothing_is_fetched(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MARATHON_CACHE", str(tmp_path / "cache"))
        needed = shutil.disk_usage(tmp_path).total // 1_000_000 + 1
        monkeypatch.setattr(jars, "NEEDED_MEGABYTES", needed)
        with pytest.raises(errors.NoSpace, match="MARATHON_CACHE"):
            jars.ensure(Progress(quiet=True))

    def publish(self, tmp_path: Path, maven: Path, locked: bytes, served: bytes) -> Path:
        """Lock one content of a jar and serve another; return the lock."""
        content = tmp_path / "content"
        content.write_bytes(locked)
        jar = jars.Jar("g.r.o.u.p", "thing", "1.0", "", jars.sha256_of(content))
        path = maven / "g/r/o/u/p/thing/1.0/thing-1.0.jar"
        path.parent.mkdir(parents=True)
        path.write_bytes(served)
        lock = tmp_path / "jars.lock"
        lock.write_text(f"# a comment\n{jar.line()}\n")
        return lock


class TestBootstrap:
    """The part that runs before anything is installed, on a copy of what it reads."""

    @pytest.fixture
    def clone(self, tmp_path: Path) -> Path:
        clone = tmp_path / "clone"
        (clone / "stack").mkdir(parents=True)
        shutil.copy(ROOT / "stack" / "bootstrap.py", clone / "stack")
        (clone / "requirements").mkdir()
        for name in ("build", "run", "test"):
            (clone / "requirements" / f"{name}.txt").write_text(
                f"thing==1.0 \\\n    --hash=sha256:{'0' * 64}\n"
            )
        for name in ("pyproject.toml", "setup.py"):
            shutil.copy(ROOT / name, clone)
        return clone

    def bootstrap(self, clone: Path, before: str = "pass", **variables: str) -> str:
        """Run the file as ``make`` does, after ``before``; return the line that refuses."""
        file = clone / "stack" / "bootstrap.py"
        code = f"import platform, runpy, sys; {before}; sys.argv[1:] = ['run']; "
        code += f"runpy.run_path({str(file)!r}, run_name='__main__')"
        done = subprocess.run(
            [getattr(sys, "_base_executable", sys.executable), "-I", "-c", code],
            env=clean_environment(**variables),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        refusal = [line for line in done.stderr.splitlines() if line.startswith("✗")]
        assert len(refusal) == 1, done.stderr
        assert " / " in refusal[0]
        return refusal[0]

    def test_an_old_python(self, clone: Path) -> None:
        line = self.bootstrap(clone, "sys.version_info = (3, 10, 2)")
        assert "Python 3.11 or newer is needed, this is 3.10.2" in line

    def test_it_can_be_read_by_an_old_python(self) -> None:
        import ast

        source = (ROOT / "stack" / "bootstrap.py").read_text(encoding="utf-8")
        ast.parse(source, feature_version=(3, 7))
        assert "from __future__ import annotations" not in source

    def test_another_processor(self, clone: Path) -> None:
        assert "not on Linux aarch64" in self.bootstrap(
            clone, "platform.machine = lambda: 'aarch64'"
        )

    def test_another_c_library(self, clone: Path) -> None:
        assert "glibc" in self.bootstrap(clone, "platform.libc_ver = lambda: ('', '')")

    def test_no_network(self, clone: Path) -> None:
        line = self.bootstrap(
            clone,
            PIP_INDEX_URL="http://127.0.0.1:9/",
            PIP_RETRIES="1",
            PIP_NO_INDEX="0",
            PIP_CONFIG_FILE=os.devnull,
        )
        assert "no network" in line

    def test_a_package_that_is_not_the_locked_one(self, clone: Path, tmp_path: Path) -> None:
        wheels = tmp_path / "wheels"
        wheels.mkdir()
        with zipfile.ZipFile(wheels / "thing-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("thing-1.0.dist-info/METADATA", "Name: thing\nVersion: 1.0\n")
        line = self.bootstrap(clone, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheels))
        assert "not the locked one" in line

    def test_too_little_disk_space(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bootstrap, "NEEDED_MEGABYTES", {"run": 10**12})
        with pytest.raises(bootstrap.BootstrapError, match="no disk space"):
            bootstrap.check_space("run")


class TestLocks:
    @pytest.mark.parametrize("name", ["build", "run", "test"])
    def test_everything_is_pinned_and_hashed_and_nothing_has_an_address(self, name: str) -> None:
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index-url" not in text
        for entry in text.replace("\\\n", "").splitlines():
            if entry and not entry.startswith((" ", "#")):
                assert "==" in entry
                assert "--hash=sha256:" in entry

    def test_the_tests_run_on_the_very_versions_that_run(self) -> None:
        pinned = {
            name: {
                line.split(" ")[0]
                for line in (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
                if "==" in line and not line.startswith((" ", "#"))
            }
            for name in ("build", "run", "test")
        }
        assert pinned["run"] <= pinned["test"]
        assert pinned["build"] <= pinned["run"]
