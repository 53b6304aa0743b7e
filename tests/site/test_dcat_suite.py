"""The tests of ckanext-dcat on a site with the plugin: no more fail than docs/rdf.md lists."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests import dcat_suite, proving
from tests.sites import ROOT

FOLDER = "MARATHON_DCAT_SUITE"


def test_the_plugin_breaks_only_the_listed_tests_of_ckanext_dcat() -> None:
    folder = os.environ.get(FOLDER)
    if not folder:
        reason = f"the tests of ckanext-dcat: {FOLDER} names no folder; not tried"
        proving.NOTES.append(reason)
        pytest.skip(reason)
    path = Path(folder).resolve()
    found = dcat_suite.compare(dcat_suite.run(path, False), dcat_suite.run(path, True))
    proving.NOTES.append(
        f"the tests of ckanext-dcat: {found.passed[0]} pass without the plugin, "
        f"{found.passed[1]} of them with it"
    )
    assert found.new == []
    assert found.gone == []


def test_the_docs_have_each_kind_of_difference_with_its_number() -> None:
    text = (ROOT / "docs" / "rdf.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([^|]+?) \| ([0-9]+) \|", text, re.MULTILINE))
    kinds = {kind.name: str(len(kind.tests)) for kind in dcat_suite.known()}
    assert kinds
    assert kinds.items() <= rows.items()


def test_new_and_fixed_differences_are_reported() -> None:
    listed = dcat_suite.known()[0].tests[0]
    before = {listed: "passed", "test_new.py::test_a": "passed", "test_old.py::test_b": "failed"}
    worse = dcat_suite.compare(before, dict.fromkeys(before, "failed"))
    assert worse.new == ["test_new.py::test_a"]
    assert worse.gone == []
    assert worse.passed == (2, 0)
    better = dcat_suite.compare(before, dict.fromkeys(before, "passed"))
    assert better.new == []
    assert better.gone == [listed]
