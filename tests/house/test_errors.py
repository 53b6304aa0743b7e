"""Which exception gets which answer stands in one module of the views."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

VIEWS = Path(__file__).parents[2] / "ckanext" / "marathon" / "views"
TABLE = VIEWS / "errors.py"
# "Not found" and "not authorised" have one meaning everywhere; a validation error may be shown in
# the form that it is about.
ANSWERED = {"ObjectNotFound", "NotAuthorized", "NotFound"}
HANDLERS = {"errorhandler", "app_errorhandler", "register_error_handler"}


def find_own_answers(path: Path) -> Iterator[str]:
    """Yield the places where a module catches an exception of the table or registers a handler."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            names = {name.attr for name in ast.walk(node.type) if isinstance(name, ast.Attribute)}
            if names & ANSWERED:
                yield f"{path.name}:{node.lineno}"
        elif isinstance(node, ast.Attribute) and node.attr in HANDLERS:
            yield f"{path.name}:{node.lineno}"


def test_exceptions_are_answered_by_the_table() -> None:
    others = [path for path in sorted(VIEWS.glob("*.py")) if path != TABLE]
    assert not [place for path in others for place in find_own_answers(path)]
    assert list(find_own_answers(TABLE))
