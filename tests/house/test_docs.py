"""The docs have every option, action, command and path of the code, and no dead link."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "ckanext" / "marathon"
DOCS = "\n".join(p.read_text(encoding="utf-8") for p in sorted((ROOT / "docs").rglob("*.md")))
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def options() -> list[str]:
    declared = yaml.safe_load((PACKAGE / "config_declaration.yaml").read_text(encoding="utf-8"))
    return [option["key"] for group in declared["groups"] for option in group["options"]]


def functions(folder: str, pattern: str) -> list[str]:
    found = []
    for path in sorted((PACKAGE / folder).glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and re.fullmatch(pattern, node.name):
                found.append(node.name)
    return found


def commands() -> list[str]:
    """Return the names of click commands and groups, as typed."""
    found = []
    for path in sorted((PACKAGE / "cli").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                call = decorator if isinstance(decorator, ast.Call) else None
                target = call.func if call else decorator
                if isinstance(target, ast.Attribute) and target.attr in {"command", "group"}:
                    named = call and call.args and isinstance(call.args[0], ast.Constant)
                    found.append(
                        str(call.args[0].value) if named else node.name.replace("_", "-")  # type: ignore[union-attr]
                    )
    return found


def urls() -> list[str]:
    """Return every rule of the extension's blueprints, without converters."""
    found = []
    for path in sorted((PACKAGE / "views").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"add_url_rule", "route"}
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                rule = str(node.args[0].value)
                found.append(re.sub(r"<(?:\w+(?:\(.*?\))?:)?(\w+)>", r"<\1>", rule))
    return found


@pytest.mark.parametrize("option", options())
def test_every_option_is_documented(option: str) -> None:
    assert f"`{option}`" in DOCS


@pytest.mark.parametrize("action", functions("logic/action", r"marathon_\w+"))
def test_every_action_is_documented(action: str) -> None:
    assert f"`{action}`" in DOCS


def test_the_docs_tests_find_actions_commands_and_urls() -> None:
    assert len(functions("logic/action", r"marathon_\w+")) >= 5
    assert len(commands()) >= 4
    assert len(urls()) >= 4


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented(command: str) -> None:
    assert re.search(rf"ckan marathon\b[^\n]*\b{re.escape(command)}\b|`ckan {command}", DOCS)


@pytest.mark.parametrize("url", urls())
def test_every_public_url_is_documented(url: str) -> None:
    assert url in DOCS


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_pages_have_targets(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target or target.startswith(("#", "mailto:")):
            continue
        assert (page.parent / target.split("#")[0]).exists(), f"{page.name}: {target}"


def test_the_table_of_contributing_names_existing_paths() -> None:
    rows = re.findall(r"^\| .+ \| (.+) \|$", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.M)
    paths = [p for row in rows for p in re.findall(r"`([^`]+)`", row)]
    assert len(paths) >= 15
    for path in paths:
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("readme", ["README.md", "README.es.md"])
def test_readme_leads_with_the_two_commands_that_the_makefile_has(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    first = text.split("```")[1]
    assert "make run" in first
    assert "make test" in first
    for target in set(re.findall(r"\bmake ([a-z]+)\b", text)):
        if target in {"sure"}:
            continue
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_ci_runs_the_commands_of_the_readme() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make check" in ci
    assert "make test" in ci


def test_the_page_on_architecture_names_every_table() -> None:
    named = set(re.findall(r"`(marathon_\w+)`", (ROOT / "docs/architecture.md").read_text("utf-8")))
    models = "\n".join(path.read_text("utf-8") for path in (PACKAGE / "model").glob("*.py"))
    tables = set(re.findall(r'__tablename__ = "(\w+)"', models))
    assert len(tables) > 10
    assert tables <= named
