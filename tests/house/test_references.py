"""Docstrings and comments name functions, classes, modules and files that exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.house.imports import FLOOR, PACKAGE, ROOT, parse

FILES = [
    *sorted(PACKAGE.rglob("*.py")),
    *sorted((ROOT / "stack").rglob("*.py")),
    *sorted((ROOT / "tests").rglob("*.py")),
    *sorted((ROOT / "bench").glob("*.py")),
    *sorted((ROOT / "docs").glob("*.py")),
]
# Decisions and changes may name what has gone since.
PAGES = [
    *(ROOT / "docs").glob("*.md"),
    *PACKAGE.rglob("*.md"),
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
]
ROLE = re.compile(r":(?:func|class|data|meth|attr|exc):`([\w.]+)`")
MODULE = re.compile(r":mod:`([\w.]+)`")
# In backquotes: a module of a room, or a name in one; a file, with folders or alone.
IN_ROOM = re.compile(rf"`((?:{'|'.join(sorted(FLOOR))})\.[\w.]+)`")
PYTHON_FILE = re.compile(r"`([\w/]+\.py)`")


def name_file(path: Path) -> str:
    return str(path.relative_to(ROOT))


def list_names(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a module defines, those in classes too, or imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


@cache
def read_names(path: Path) -> frozenset[str]:
    return frozenset(list_names(parse(path)))


def find_modules(dotted: str) -> list[Path]:
    """Return the files that end with these folders and this name: ``feeds.source``, ``source``."""
    end = dotted.strip(".").removeprefix("ckanext.marathon.").replace(".", "/")
    return [
        path
        for path in FILES
        if f"/{name_file(path)}".endswith((f"/{end}.py", f"/{end}/__init__.py"))
    ]


def is_defined(reference: str, path: Path) -> bool:
    """Return whether a name exists: ``name`` and ``Class.name`` in this file, others elsewhere."""
    *parents, name = reference.strip(".").split(".")
    if reference.startswith(".") and not parents:
        return any(name in read_names(file) for file in FILES)
    if not parents:
        return name in read_names(path)
    if parents[-1][0].isupper():
        return {parents[-1], name} <= read_names(path)
    return any(name in read_names(file) for file in find_modules(".".join(parents)))


@pytest.mark.parametrize("pattern", [ROLE, MODULE, IN_ROOM, PYTHON_FILE])
def test_references_are_resolved(pattern: re.Pattern[str]) -> None:
    seen, missing = 0, []
    for path in [*FILES, *PAGES]:
        for found in pattern.finditer(path.read_text(encoding="utf-8")):
            seen += 1
            reference = found[1]
            if pattern is ROLE:
                exists = is_defined(reference, path)
            elif pattern is PYTHON_FILE or reference.endswith(".py"):
                exists = any(f"/{name_file(file)}".endswith(f"/{reference}") for file in FILES)
            else:
                exists = bool(find_modules(reference)) or is_defined(f".{reference}", path)
            if not exists:
                missing.append(f"{name_file(path)}: {reference}")
    assert seen
    assert not missing, "\n".join(missing)
