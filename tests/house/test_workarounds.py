"""Every workaround for CKAN is marked in the code and has a row in docs/ckan-workarounds.md."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "ckanext" / "marathon"
TABLE = ROOT / "docs" / "ckan-workarounds.md"
MARK = re.compile(r"^\s*# CKAN workaround: ([a-z0-9-]+)$", re.MULTILINE)
ROW = re.compile(r"^\| ([a-z0-9-]+) \| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
ISSUE = re.compile(r"\[#(\d+)\]\(https://github\.com/ckan/ckan/(?:issues|pull)/(\d+)\)")


def find_marks() -> list[tuple[str, str]]:
    """Return the name and file of each mark, sorted."""
    return sorted(
        (name, str(path.relative_to(ROOT)))
        for path in PACKAGE.rglob("*")
        if path.suffix in {".py", ".html"}
        for name in MARK.findall(path.read_text(encoding="utf-8"))
    )


def test_the_docs_list_every_workaround() -> None:
    rows = ROW.findall(TABLE.read_text(encoding="utf-8"))
    assert sorted((name, file) for name, file, _what, _upstream in rows) == find_marks()
    names = [name for name, _file, _what, _upstream in rows]
    assert len(names) == len(set(names)) > 0


def test_each_workaround_has_an_issue_or_a_text_to_report() -> None:
    for name, _file, what, upstream in ROW.findall(TABLE.read_text(encoding="utf-8")):
        assert what.strip(), name
        issues = ISSUE.findall(upstream)
        # Issues about access are reported in private, as the end of the page says.
        is_private = upstream.strip() == "See below"
        assert issues or is_private or re.search(r'^To report(?: to \S+)?: "', upstream), name
        assert all(shown == linked for shown, linked in issues), name
