"""Names that other packages keep to themselves are used in one module of the tests."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
OURS = ("tests", "ckanext.marathon", "stack")


def find_private_names(tree: ast.AST) -> Iterator[str]:
    """Yield each name with a leading underscore that is asked of something imported of others."""
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            if is_of_others(node.module):
                imported |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            of_others = [alias for alias in node.names if is_of_others(alias.name)]
            imported |= {alias.asname or alias.name.split(".")[0] for alias in of_others}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            root = node.value
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name) and root.id in imported:
                yield ast.unparse(node)


def is_of_others(module: str) -> bool:
    of_ours = any(module == room or module.startswith(f"{room}.") for room in OURS)
    return not of_ours and module.split(".")[0] not in sys.stdlib_module_names


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_a_private_name_is_found() -> None:
    found = find_private_names(ast.parse("from ckan import logic\nlogic.x._actions['a']"))
    assert list(found) == ["logic.x._actions"]


def test_private_names_of_others_are_in_one_module() -> None:
    faults = [
        f"{path.relative_to(TESTS)}: {name}"
        for path in sorted(TESTS.rglob("*.py"))
        if path.name != "private_names.py"
        for name in find_private_names(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not faults, "into tests/private_names.py: " + "; ".join(faults)
