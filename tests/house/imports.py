"""Which module of the extension imports which, and which way an import may point."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "ckanext" / "marathon"

# From the lowest layer up. A room imports only from lower layers and from itself.
FLOORS = [
    {"schemas"},
    {"vocabulary"},
    {"domain"},
    {"files"},
    {"records"},
    {"visibility"},
    {"rdf", "search", "spreadsheets"},
    {"model"},
    {"feeds"},
    {"logic"},
    {"operations"},
    {"helpers"},
    {"views", "cli"},
    {"plugin"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
PURE = {"vocabulary", "domain", "files", "records"}


@cache
def parse(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


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
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*own[: len(own) - node.level], base]).rstrip(".")
            for alias in node.names:
                yield f"{base}.{alias.name}", node.lineno


def list_forbidden_imports(path: Path) -> Iterator[str]:
    """Yield the forbidden imports of a module, with the line."""
    room = room_of(path)
    for name, line in imported(path):
        where = f"{path.relative_to(ROOT)}:{line}"
        if name.startswith("ckanext.marathon."):
            other = name.split(".")[2]
            if other != room and FLOOR[other] >= FLOOR[room]:
                yield f"{where}: {room} may not import {other}"
        if name.startswith("stack"):
            yield f"{where}: the plugin never imports the stack"


def list_upward_imports() -> Iterator[str]:
    """Yield every import that points upward, of all modules."""
    for path in modules():
        if room_of(path) != "__init__":
            yield from list_forbidden_imports(path)


def name_module(path: Path) -> str:
    """Return the dotted name under which a file of the extension is imported."""
    parts = ["ckanext", "marathon", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts).removesuffix(".__init__")


def find_import_cycle() -> list[str]:
    """Return the modules of an import cycle, the first one again at its end; ``[]`` for none."""
    files = {name_module(path): path for path in modules()}
    graph: dict[str, set[str]] = {}
    for name, path in files.items():
        found = {name for name, _ in imported(path)}
        graph[name] = {each if each in files else each.rpartition(".")[0] for each in found}
        graph[name] &= files.keys() - {name}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []
