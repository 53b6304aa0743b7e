"""Every change of code or libraries makes the next `make run` rebuild the site."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from stack import ckan_site

ROOT = Path(__file__).parents[2]
Version = Callable[[], str]


def version() -> str:
    return ckan_site.compute_version()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the extension's files, empty but with their names."""
    listed = subprocess.run(
        ["git", "ls-files", "ckanext", "schemas"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    for name in listed:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("before")
    monkeypatch.setattr(ckan_site, "ROOT", tmp_path)
    return tmp_path


def test_a_change_in_any_folder_changes_the_version(checkout: Path) -> None:
    folders: dict[Path, Path] = {}
    for path in sorted(checkout.rglob("*")):
        if path.is_file():
            folders.setdefault(path.parent, path)
    assert len(folders) > 20
    before = version()
    for path in folders.values():
        path.write_text("after")
        now = version()
        assert now != before, path
        before = now


def test_an_added_removed_or_moved_file_changes_the_version(checkout: Path) -> None:
    path = checkout / "ckanext" / "marathon" / "domain" / "new.py"
    seen = [version()]
    path.write_text("")
    seen.append(version())
    path.rename(path.with_name("other.py"))
    seen.append(version())
    assert len(set(seen)) == 3


def test_another_version_of_a_library_changes_the_version(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del checkout
    before = version()
    libraries = [SimpleNamespace(name="rdflib", version="1"), *ckan_site.distributions()]
    monkeypatch.setattr(ckan_site, "distributions", lambda: libraries)
    assert version() != before


def test_compiled_python_files_do_not_change_the_version(checkout: Path) -> None:
    before = version()
    cache = checkout / "ckanext" / "marathon" / "__pycache__"
    cache.mkdir()
    (cache / "plugin.cpython-311.pyc").write_bytes(b"x")
    assert version() == before
