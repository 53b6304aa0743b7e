"""The feed is a component: what it imports, who reads its tables, what others call of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.imports import PACKAGE, imported, modules, parse

BASE = "ckanext.marathon."
# The log: it publishes what its source answers, and knows nothing else of the site.
LOG = {
    "feeds/port",
    "feeds/publish",
    "feeds/log_state",
    "feeds/verify",
    "model/feed",
    "model/feed_log",
    "model/clock",
}
# What the log needs besides: CKAN's transaction; to compare pages, how they are written.
NEEDED = {"feeds/publish": {"model/unit_of_work"}, "model/clock": {"model/unit_of_work"}}
NEEDED["feeds/verify"] = {"feeds/catalogue"}
# Documents are written from the log alone. These read CKAN's records.
DOCUMENTS = {"feeds/catalogue", "feeds/changes"}
READERS = {"feeds/source", "visibility", "records", "search", "logic"} | {
    f"model/{name}" for name in ("activity", "dataset", "idea", "link", "package", "workshop")
}
TABLES = {"model/feed", "model/feed_log", "model/clock"}
# News join the tables with CKAN's packages.
HOLDERS = TABLES | {"feeds/log_state", "feeds/verify", "feeds/atom"}
# A backup counts and compares the tables of other versions, in a database that is not the site's.
NAME_TABLES = TABLES | {"operations/backup"}
README = PACKAGE / "feeds" / "README.md"


def list_names(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the modules of the extension that a module imports from, with the names it uses."""
    files = {name_file(other) for other in modules()}
    aliases: dict[str, str] = {}
    for node in ast.walk(parse(path)):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(BASE[:-1]):
            continue
        module = (node.module or "").removeprefix(BASE[:-1]).lstrip(".").replace(".", "/")
        for alias in node.names:
            inner = f"{module}/{alias.name}".lstrip("/")
            if inner in files:
                aliases[alias.asname or alias.name] = inner
            else:
                yield module, alias.name
    for node in ast.walk(parse(path)):
        named = node.value if isinstance(node, ast.Attribute) else None
        if isinstance(named, ast.Name) and named.id in aliases:
            yield aliases[named.id], node.attr


def name_file(path: Path) -> str:
    return str(path.relative_to(PACKAGE).with_suffix("")).removesuffix("/__init__")


def list_table_classes() -> set[str]:
    """Return the names of the classes that are tables of the feed."""
    return {
        node.name
        for name in TABLES
        for node in parse(PACKAGE / f"{name}.py").body
        if isinstance(node, ast.ClassDef) and ast.unparse(node).find("__tablename__") > 0
    }


@pytest.mark.parametrize("name", sorted(LOG))
def test_the_log_asks_its_port_and_nobody_else(name: str) -> None:
    allowed = LOG | NEEDED.get(name, set())
    files = {name_file(path) for path in modules()}
    for full, line in imported(PACKAGE / f"{name}.py"):
        module = full.removeprefix(BASE).replace(".", "/")
        if full.startswith(BASE) and module not in {"feeds", "model"}:
            module = module if module in files else module.rpartition("/")[0]
            assert module in allowed, f"{name}.py:{line} imports {full}"


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_documents_are_written_from_the_log_alone(name: str) -> None:
    for full, line in imported(PACKAGE / f"{name}.py"):
        module = full.removeprefix(BASE).replace(".", "/")
        assert not {module, module.rpartition("/")[0]} & READERS, f"{name}.py:{line}: {full}"


def test_nobody_else_reads_the_tables_of_the_feed() -> None:
    tables = list_table_classes()
    assert len(tables) == 7, tables
    for path in modules():
        if name_file(path) not in HOLDERS:
            used = {name for module, name in list_names(path) if module in TABLES}
            assert not used & tables, f"{path}: {used & tables}: call a function of {README.name}"
        if name_file(path) not in NAME_TABLES:
            assert "marathon_feed_" not in path.read_text(encoding="utf-8"), path


def test_what_others_call_of_the_log_is_in_its_readme() -> None:
    text = README.read_text(encoding="utf-8").split("## Its public functions")[1].split("\n## ")[0]
    listed: dict[str, set[str]] = {}
    for row in re.findall(r"^\| `([a-z_/]+)\.py` \|(.*)$", text, re.MULTILINE):
        listed.setdefault(row[0], set()).update(re.findall(r"`([A-Za-z_]+)", row[1]))
    called: dict[str, set[str]] = {name: set() for name in LOG}
    for path in modules():
        if not name_file(path).startswith("feeds/") and name_file(path) not in LOG:
            for module, name in list_names(path):
                if module in LOG:
                    called[module].add(name)
    assert listed == {name: names for name, names in called.items() if names}
