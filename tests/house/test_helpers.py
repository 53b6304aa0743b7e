"""Templates and views call helpers by name, and a wrong name is found only when a page is shown."""

from __future__ import annotations

import ast
import re

from tests.house.imports import PACKAGE, ROOT, parse

CALLED = re.compile(r"\bh\.(marathon_\w+)")
# Of helpers that are registered under another name than the function's.
REGISTERED = re.compile(r'"(marathon_\w+)": \w+')


def read_texts() -> dict[str, str]:
    """Return the text of each module, template and schema by its path."""
    found = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.html"), *(ROOT / "schemas").rglob("*.yaml")]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in found}


def list_defined_helpers() -> set[str]:
    """Return the names under which helpers are registered."""
    functions = {
        node.name
        for path in (PACKAGE / "helpers").glob("*.py")
        for node in parse(path).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("marathon_")
    }
    return functions | set(REGISTERED.findall((PACKAGE / "plugin.py").read_text(encoding="utf-8")))


def test_every_helper_that_is_called_exists() -> None:
    called = {(path, name) for path, text in read_texts().items() for name in CALLED.findall(text)}
    defined = list_defined_helpers()
    assert len(called) > 100
    assert sorted(call for call in called if call[1] not in defined) == []


def test_every_helper_is_used() -> None:
    words = re.findall(r"\bmarathon_\w+", "\n".join(read_texts().values()))
    assert sorted(name for name in list_defined_helpers() if words.count(name) == 1) == []
