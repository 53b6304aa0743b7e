"""Imports point one way."""

from __future__ import annotations

import ast

import pytest

from tests.house.counts import list_visibility_rules
from tests.house.imports import (
    FLOOR,
    PURE,
    ROOT,
    find_import_cycle,
    imported,
    list_upward_imports,
    modules,
    room_of,
)


def test_a_room_imports_only_from_rooms_below_it() -> None:
    rooms = {room_of(path) for path in modules()} - {"__init__"}
    assert rooms <= FLOOR.keys(), "not in the table of rooms in docs/architecture.md"
    faults = list(list_upward_imports())
    assert not faults, "\n".join(faults)


def test_there_are_no_import_cycles() -> None:
    assert find_import_cycle() == []


def test_visibility_is_written_in_one_place() -> None:
    (place,) = list_visibility_rules()
    assert place.startswith("ckanext/marathon/visibility.py:"), place


@pytest.mark.parametrize("room", sorted(PURE))
def test_pure_rooms_do_not_import_ckan(room: str) -> None:
    paths = [path for path in modules() if room_of(path) == room]
    assert paths
    for path in paths:
        for name, line in imported(path):
            top = name.split(".")[0]
            assert top not in {"ckan", "flask", "sqlalchemy"}, f"{path}:{line}: {name}"


def test_the_stack_does_not_import_the_plugin() -> None:
    for path in (ROOT / "stack").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not any(n.startswith("ckanext.marathon") for n in names), f"{path}:{node}"
