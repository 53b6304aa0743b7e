"""The wheel holds all that the plugin needs and works in an environment without this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Every file of these kinds in the source has to be in the wheel.
SHIPPED = {
    ".py", ".yaml", ".yml", ".ttl", ".csv", ".geojson", ".json", ".html", ".txt", ".js", ".css",
    ".svg", ".png", ".po", ".mo", ".ini", ".mako", ".md",
}  # fmt: skip

PROBE = """
import ckanext.marathon, ckanext.marathon.schemas
from importlib.resources import files
from pathlib import Path
from ckan.plugins import plugin_loaded
assert {checkout!r} not in ckanext.marathon.__file__, ckanext.marathon.__file__
assert {checkout!r} not in ckanext.marathon.schemas.__file__
from ckanext.marathon.vocabulary import problems, territory
areas, leaves = problems.list_areas(), problems.list_problems()
print(len(territory.list_municipalities()), len(areas), len(leaves))
home = Path(ckanext.marathon.__file__).parent
assert (home / "migration" / "marathon" / "alembic.ini").exists()
from ckanext.scheming.plugins import _load_schema_module_path
assert _load_schema_module_path("ckanext.marathon.schemas:idea.yaml")["dataset_type"] == "idea"
from ckanext.marathon.plugin import MarathonPlugin
assert MarathonPlugin.__name__ == "MarathonPlugin"
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    # From a copy of the files in git, so that no other file of the checkout gets in.
    source = out / "source"
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    for name in filter(None, files):
        if (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(out), str(source)],
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl"))


def test_the_wheel_holds_every_file_the_plugin_reads(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "ckanext/marathon", "schemas"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    wanted = {
        name.replace("schemas/", "ckanext/marathon/schemas/", 1)
        if name.startswith("schemas/")
        else name
        for name in tracked
        if Path(name).suffix in SHIPPED and (ROOT / name).exists()
    }
    assert len(wanted) > 50
    assert not sorted(wanted - inside)
    assert not [name for name in inside if name.startswith(("tests/", "stack/", "bench/"))]


PAGES = {
    "README.md": "## On a CKAN site you already have",
    "README.es.md": "## En un sitio CKAN que ya tiene",
    "docs/installing.md": "# Installing on an existing CKAN",
}


def first_lines(page: str) -> list[str]:
    """Return the first commands that a page has for a site that exists."""
    text = (ROOT / page).read_text(encoding="utf-8").split(PAGES[page], 1)[1]
    block = text.split("```sh\n", 1)[1].split("```", 1)[0]
    return [line.partition("#")[0].strip() for line in block.splitlines() if line.strip()]


def test_the_first_commands_of_the_pages_install_the_plugin(tmp_path: Path) -> None:
    lines = first_lines("README.md")
    assert all(first_lines(page) == lines for page in PAGES)
    home = tmp_path / "env"
    venv.create(home, with_pip=True)
    # The libraries are lent, and pip does not look for others.
    site = next((home / "lib").glob("python*/site-packages"))
    (site / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    path = f"{home / 'bin'}:{os.environ['PATH']}"
    for stale in (ROOT / "dist").glob("*.whl"):
        stale.unlink()
    for line in lines:
        done = subprocess.run(
            ["bash", "-ec", line],
            cwd=ROOT, env={**os.environ, "PATH": path, "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1"},
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
    assert (site / "ckanext" / "marathon" / "plugin.py").exists()


def test_the_wheel_works_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "env"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel)],
        check=True, capture_output=True,
    )  # fmt: skip
    # CKAN and the libraries are lent as a plain path, which leaves the editable install behind.
    site = next((home / "lib").glob("python*/site-packages"))
    (site / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    done = subprocess.run(
        [python, "-c", PROBE.format(checkout=str(ROOT))],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["340", "13", "60"]
