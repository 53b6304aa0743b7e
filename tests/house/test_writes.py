"""No code writes to CKAN's tables in bulk, because the feed sees only flushes of the session."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "ckanext" / "marathon"
BULK = {"insert", "update", "delete"}
# Removes a taken-down record from tables that the feed does not describe, by their names.
TRACES = PACKAGE / "model" / "takedown.py"
# Keeps the rows of ckanext-activity, which the feed does not describe, in step with their records.
STREAMS = PACKAGE / "model" / "activity.py"
DESCRIBED = {"package", "resource", "package_tag", "tag", "member", "group", "user"}
TEXT = re.compile(
    r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(?!marathon_|SET\b)(\w+)", re.IGNORECASE
)


def modules() -> list[Path]:
    # A migration runs before there is a feed.
    return sorted(each for each in PACKAGE.rglob("*.py") if "migration" not in each.parts)


@cache
def own_tables() -> set[str]:
    """Return the classes of our own tables."""
    found = set()
    for path in (PACKAGE / "model").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and "__tablename__ = " in ast.unparse(node):
                found.add(node.name)
    return found


def written(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the table, as it is written, of each statement that changes many rows at once."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in {*BULK, *(f"sa.{name}" for name in BULK)}:
            yield ast.unparse(node.args[0]), node.lineno
        elif re.search(r"\bquery\(.*\)\.(update|delete)$", called, re.DOTALL):
            yield called, node.lineno
        elif called == "sa.text":
            for match in TEXT.finditer(ast.unparse(node)):
                yield match[1], node.lineno


def written_of_others(path: Path) -> list[tuple[str, int]]:
    """Return the tables that are not our own of statements that change many rows at once."""
    found = written(ast.parse(path.read_text(encoding="utf-8")))
    return [(table, line) for table, line in found if table not in own_tables()]


def test_only_our_own_tables_are_written_in_bulk() -> None:
    others = {path: written_of_others(path) for path in modules() if path not in (TRACES, STREAMS)}
    assert len(others) > 100
    faults = [f"{path}:{line}: {table}" for path in others for table, line in others[path]]
    assert not faults, "\n".join(["change objects of the session instead:", *faults])


def test_traces_are_removed_only_from_tables_that_the_feed_does_not_describe() -> None:
    tree = ast.parse(TRACES.read_text(encoding="utf-8"))
    named = [node for node in tree.body if isinstance(node, ast.Assign)]
    named += [n for n in ast.walk(tree) if isinstance(n, ast.Call) and "_table" in ast.dump(n)]
    calls = [n for n in named if not isinstance(n, ast.Call) or ast.unparse(n.func) == "_table"]
    names = {n.value for each in calls for n in ast.walk(each) if isinstance(n, ast.Constant)}
    assert "task_status" in names
    assert not DESCRIBED & names
    others = {table for table, _line in written_of_others(TRACES)}
    assert others == {"table", "detail", "activity", "harvested"}


def test_the_module_of_activities_writes_only_activities_in_bulk() -> None:
    assert {table for table, _line in written_of_others(STREAMS)} == {"_table", "activity"}


@pytest.mark.parametrize(
    "statement",
    [
        "sa.update(model.Package).values(state='deleted')",
        "sa.delete(Resource)",
        "insert(model.Package)",
        "model.Session.query(model.Package).filter_by(id=1).update({'private': True})",
        "sa.text('UPDATE package SET private = true')",
        "sa.text('delete from resource where id = 1')",
    ],
)
def test_each_form_of_a_bulk_write_is_found(statement: str) -> None:
    assert list(written(ast.parse(statement)))


def test_no_statement_uses_not_in_with_a_select() -> None:
    """PostgreSQL does that with ``NOT IN (SELECT …)`` once the list outgrows its memory.

    With 100,000 datasets one of the rebuild had not ended after three minutes; as a join, which
    ``NOT EXISTS`` is, the whole command took 13 seconds.
    """
    slow = re.compile(r"NOT\s+IN\s*\(\s*SELECT|not_in\(\s*sa\.select")
    faults = [str(path) for path in modules() if slow.search(path.read_text("utf-8"))]
    assert not faults, "\n".join(faults)
