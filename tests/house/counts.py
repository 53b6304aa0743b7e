"""Counts of modules, names, imports and types for maintainers: `make house`.

Modules, functions, classes and imports are those of `ckanext/marathon` without its migrations,
which never change.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.house import imports
from tests.house.imports import ROOT, parse

Function = ast.FunctionDef | ast.AsyncFunctionDef


def list_modules() -> list[Path]:
    """Return the modules of the extension that have more than a docstring."""
    return [path for path in imports.modules() if len(parse(path).body) > 1]


def name_module(path: Path) -> str:
    """Return the dotted name of a module of the extension."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def count_importers() -> Counter[str]:
    """Return how many modules of the extension import each of them."""
    names = {name_module(path) for path in list_modules()}
    importers: Counter[str] = Counter(dict.fromkeys(names, 0))
    for path in list_modules():
        own = name_module(path)
        found = {
            name if name in names else name.rpartition(".")[0]
            for name, _line in imports.imported(path)
        }
        importers.update((found & names) - {own})
    return importers


def list_functions() -> Iterator[str]:
    """Yield the names of public functions of modules."""
    for path in list_modules():
        for node in parse(path).body:
            if isinstance(node, Function) and not node.name.startswith("_"):
                yield node.name


def list_classes() -> Iterator[str]:
    """Yield the names of all classes."""
    for path in list_modules():
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.ClassDef):
                yield node.name


def list_visibility_rules() -> Iterator[str]:
    """Yield where "active and not private" is written out: functions, constants, templates."""
    for path in list_modules():
        for node in ast.walk(parse(path)):
            if isinstance(node, Function) and _asks_both(node, {"active", "ACTIVE", "state"}):
                yield f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}"
        for node in _list_constants(parse(path)):
            # A list of names of fields may name both.
            if _asks_both(node, {"active", "ACTIVE"}):
                yield f"{path.relative_to(ROOT)}:{node.lineno}: a constant"
    for path in sorted(imports.PACKAGE.rglob("*.html")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if ".private" in line and ".state" in line:
                yield f"{path.relative_to(ROOT)}:{number}: a template"


def _list_constants(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the names that modules and classes assign outside of functions."""
    for parent in ast.walk(tree):
        if isinstance(parent, ast.Module | ast.ClassDef):
            for node in parent.body:
                if isinstance(node, ast.Assign | ast.AnnAssign):
                    yield node


def _asks_both(whole: ast.stmt, states: set[str]) -> bool:
    inner = [node for node in ast.walk(whole) if isinstance(node, Function) and node is not whole]
    of_others = {id(node) for other in inner for node in ast.walk(other)}
    words = {word for node in ast.walk(whole) if id(node) not in of_others for word in _words(node)}
    return "private" in words and bool(words & states)


def _words(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.keyword):
        yield node.arg or ""
    elif isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def count_lines(folder: str) -> int:
    """Return the lines of Python under a folder."""
    files = (ROOT / folder).rglob("*.py")
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)


def count_strict_errors() -> int:
    """Return the errors of pyright's strict mode in the extension and the stack."""
    settings = {
        "include": ["ckanext/marathon", "stack"],
        "exclude": ["**/migration"],
        "pythonVersion": "3.11",
        "typeCheckingMode": "strict",
        "reportMissingTypeStubs": False,
    }
    pyright = Path(sys.executable).with_name("pyright")
    # Paths in the file are relative to its folder.
    with tempfile.NamedTemporaryFile("w", suffix=".json", dir=ROOT, prefix=".house-") as file:
        json.dump(settings, file)
        file.flush()
        command = [pyright, "--project", file.name, "--outputjson", "--pythonpath", sys.executable]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return json.loads(done.stdout)["summary"]["errorCount"]


def share_of_one_word_names() -> float:
    """Return the share of public functions that are named with one word, from 0 to 1."""
    names = list(list_functions())
    return sum("_" not in name for name in names) / len(names)


FIGURES: dict[str, Callable[[], int | str]] = {
    "modules": lambda: len(list_modules()),
    "modules with one importer": lambda: list(count_importers().values()).count(1),
    "public functions named with one word": lambda: f"{share_of_one_word_names():.1%}",
    "class names used twice": lambda: sum(n > 1 for n in Counter(list_classes()).values()),
    "imports upward": lambda: len(list(imports.list_upward_imports())),
    'places that write out "active and not private"': lambda: len(list(list_visibility_rules())),
    "lines of Python, extension": lambda: count_lines("ckanext"),
    "lines of Python, stack": lambda: count_lines("stack"),
    "lines of Python, tests": lambda: count_lines("tests"),
}


def main() -> None:
    """Print each figure on a line; `--types` counts the errors of strict types too."""
    figures = dict(FIGURES)
    if "--types" in sys.argv:
        figures["errors of strict types"] = count_strict_errors
    for what, count in figures.items():
        print(f"{count():>8}  {what}")


if __name__ == "__main__":
    main()
