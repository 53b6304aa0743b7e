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


def forbidden_imports(path: Path) -> Iterator[str]:
    """Yield what a module imports and may not, with the line."""
    room = room_of(path)
    for name, line in imported(path):
        where = f"{path.relative_to(ROOT)}:{line}"
        if name.startswith("ckanext.marathon."):
            other = name.split(".")[2]
            if other != room and FLOOR[other] >= FLOOR[room]:
                yield f"{where}: {room} may not import {other}"
        if name.startswith("stack"):
            yield f"{where}: the plugin never imports the stack"


def test_a_room_imports_only_from_rooms_below_it() -> None:
    rooms = {path: room_of(path) for path in modules() if room_of(path) != "__init__"}
    strangers = {room for room in rooms.values() if room not in FLOOR}
    assert strangers == set(), "no such room; DESIGN of the house is in docs/architecture.md"
    faults = [fault for path in rooms for fault in forbidden_imports(path)]
    assert not faults, "\n".join(faults)


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


def test_a_file_is_read_in_one_sitting() -> None:
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in [*modules(), *(ROOT / "stack").rglob("*.py")]
    }
    assert {path: number for path, number in lines.items() if number > LONGEST} == {}
