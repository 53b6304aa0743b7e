"""Violations of other profiles' shapes by the starter catalogue are those in docs/rdf.md."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rdflib import Graph

from tests.rdf.neighbours import EDITIONS, Edition, measure, params

pytestmark = [
    # As `make run` has it: some want texts in Spanish.
    pytest.mark.ckan_config("ckan.locale_default", "es"),
    pytest.mark.usefixtures("loaded"),
]

PAGE = (Path(__file__).parents[2] / "docs" / "rdf.md").read_text(encoding="utf-8")
TITLES = "|".join(re.escape(each.title) for each in EDITIONS)
TOTAL = re.compile(rf"^\| ({TITLES}) \| ([0-9]+) \| ([0-9]+) \|$", re.MULTILINE)
RULE = re.compile(rf"^\| ({TITLES}) \| `([a-z]+:\w+)` \| ([0-9]+) \| .+ \|$", re.MULTILINE)


@pytest.mark.parametrize("edition", params())
def test_the_docs_have_the_measured_violations(app: Any, edition: Edition) -> None:
    graph = Graph().parse(data=app.get("/catalog/all.ttl").body, format="turtle")
    found = measure(graph, edition)
    totals = {title: (int(rules), int(wishes)) for title, rules, wishes in TOTAL.findall(PAGE)}
    assert totals[edition.title] == (found.violations.total(), found.recommendations)
    rules = Counter(
        {name: int(times) for title, name, times in RULE.findall(PAGE) if title == edition.title}
    )
    assert rules == found.violations


def test_the_docs_have_every_edition_and_a_reason_for_each_violation() -> None:
    totals = {title: int(rules) for title, rules, _ in TOTAL.findall(PAGE)}
    assert set(totals) == {each.title for each in EDITIONS}
    rules: Counter[str] = Counter()
    for title, _, times in RULE.findall(PAGE):
        rules[title] += int(times)
    assert rules == {title: count for title, count in totals.items() if count}
