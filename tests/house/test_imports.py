"""Imports point one way, and each room is read in one sitting."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "ckanext" / "marathon"

# From the ground floor up; a room imports only from lower floors, or from itself.
FLOORS = [
    {"schemas"},
    {"vocabulary"},
    {"domain"},
    {"rdf", "search", "spreadsheets", "files"},
    {"model"},
    {"feeds"},
    {"logic"},
    {"operations"},
    {"helpers"},
    {"views", "cli"},
    {"plugin", "site"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
PURE = {"vocabulary", "domain"}
LONGEST = 280


def modules() -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if "migration" not in path.relative_to(PACKAGE).parts:
            yield path


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the full name of every imported module (and of names imported from packages)."""
    own = ["ckanext", "marathon", *path.relative_to(PACKAGE).with_suffix("").parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*own[: len(own) - node.level], base]).rstrip(".")
            for alias in node.names:
                yield f"{base}.{alias.name}", node.lineno


@pytest.mark.parametrize("path", list(modules()), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_from_rooms_below_it(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    assert room in FLOOR, f"{path}: no such room; DESIGN of the house is in docs/architecture.md"
    for name, line in imported(path):
        if name.startswith("ckanext.marathon."):
            other = name.split(".")[2]
            assert other == room or FLOOR[other] < FLOOR[room], (
                f"{path.relative_to(ROOT)}:{line}: {room} may not import {other}"
            )
        assert not name.startswith("stack"), f"{path}:{line}: the plugin never imports the stack"


@pytest.mark.parametrize("room", sorted(PURE))
def test_pure_rooms_do_not_import_ckan(room: str) -> None:
    for path in (PACKAGE / room).rglob("*.py"):
        for name, line in imported(path):
            top = name.split(".")[0]
            assert top not in {"ckan", "flask", "sqlalchemy"}, f"{path}:{line}: {name}"


def test_the_stack_imports_nothing_of_the_plugin() -> None:
    for path in (ROOT / "stack").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not any(n.startswith("ckanext.marathon") for n in names), f"{path}:{node}"


@pytest.mark.parametrize(
    "path",
    [*modules(), *sorted((ROOT / "stack").rglob("*.py"))],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_a_file_is_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST
