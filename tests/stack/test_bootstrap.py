"""bootstrap.py, which runs before packages are installed, and the lock files."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from stack import bootstrap
from tests.stack.conftest import ROOT, clean_environment


class TestBootstrap:
    """bootstrap.py on a copy of its input files."""

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
        """Run the file as ``make`` does, after ``before``; return its error message."""
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

    def test_an_old_python_is_refused(self, clone: Path) -> None:
        line = self.bootstrap(clone, "sys.version_info = (3, 10, 2)")
        assert "Python 3.11 or newer is needed, this is 3.10.2" in line

    def test_the_script_can_be_parsed_by_an_old_python(self) -> None:
        source = (ROOT / "stack" / "bootstrap.py").read_text(encoding="utf-8")
        ast.parse(source, feature_version=(3, 7))
        assert "from __future__ import annotations" not in source

    def test_another_processor_is_refused(self, clone: Path) -> None:
        assert "not on Linux aarch64" in self.bootstrap(
            clone, "platform.machine = lambda: 'aarch64'"
        )

    def test_another_c_library_is_refused(self, clone: Path) -> None:
        assert "glibc" in self.bootstrap(clone, "platform.libc_ver = lambda: ('', '')")

    def test_a_missing_network_is_one_line(self, clone: Path) -> None:
        line = self.bootstrap(
            clone,
            PIP_INDEX_URL="http://127.0.0.1:9/",
            PIP_RETRIES="1",
            PIP_NO_INDEX="0",
            PIP_CONFIG_FILE=os.devnull,
        )
        assert "no network" in line

    def test_a_package_with_another_hash_is_refused(self, clone: Path, tmp_path: Path) -> None:
        wheels = tmp_path / "wheels"
        wheels.mkdir()
        with zipfile.ZipFile(wheels / "thing-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("thing-1.0.dist-info/METADATA", "Name: thing\nVersion: 1.0\n")
        line = self.bootstrap(clone, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheels))
        assert "not the locked one" in line

    def test_too_little_disk_space_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bootstrap, "NEEDED_MEGABYTES", {"run": 10**12})
        with pytest.raises(bootstrap.BootstrapError, match="no disk space"):
            bootstrap.check_space("run")


class TestUpdate:
    def test_egg_info_of_an_earlier_version_is_removed_before_installing(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Building a wheel leaves a folder in the checkout that would be read first."""
        left = tmp_path / "ckanext_marathon.egg-info"
        left.mkdir()
        (left / "entry_points.txt").write_text("[ckan.plugins]\nmarathon_site = gone:Plugin\n")
        found: list[tuple[str, bool]] = []

        def install(title: str, *_: object) -> None:
            found.append((title, left.exists()))

        for name in ("check_machine", "check_space", "create_venv"):
            monkeypatch.setattr(bootstrap, name, lambda *_: None)
        monkeypatch.setattr(bootstrap, "is_ready", lambda _purpose: False)
        monkeypatch.setattr(bootstrap, "compute_stamp", lambda _purpose: "stamp")
        monkeypatch.setattr(bootstrap, "locate_stamp", lambda _purpose: str(tmp_path / "stamp"))
        monkeypatch.setattr(bootstrap, "install_packages", install)
        monkeypatch.setattr(bootstrap, "ROOT", str(tmp_path))
        monkeypatch.setattr(bootstrap, "list_inputs", lambda _purpose: ["build.txt", "run.txt"])
        monkeypatch.setattr(bootstrap, "count_packages", lambda _lock: 1)
        bootstrap.prepare_venv("run")
        assert found[-1] == ("ckanext-marathon", False)


class TestLocks:
    @pytest.mark.parametrize("name", ["build", "run", "test"])
    def test_every_requirement_is_pinned_with_a_hash_and_no_address(self, name: str) -> None:
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index-url" not in text
        for entry in text.replace("\\\n", "").splitlines():
            if entry and not entry.startswith((" ", "#")):
                assert "==" in entry
                assert "--hash=sha256:" in entry

    def test_every_requirement_of_the_stack_is_locked(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        needed = project["project"]["optional-dependencies"]["stack"]
        locked = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
        for requirement in needed:
            name = re.match(r"[\w-]+", requirement)
            assert name is not None
            assert re.search(rf"^{name.group()}==", locked, re.MULTILINE), requirement

    def test_locked_versions_are_the_same_for_build_run_and_test(self) -> None:
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
