"""The declared columns of the site's own tables agree with the docs and are usable by programs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ckanext.marathon import spreadsheets
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.spreadsheets import OpenTable

DOCS = (Path(__file__).parents[2] / "docs" / "open-data.md").read_text(encoding="utf-8")
TABLES = list(spreadsheets.list_open_tables().values())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_docs_have_every_column_in_order_with_its_type(table: OpenTable) -> None:
    section = DOCS.partition(f"\n## `{table.name}`\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \| (.+) \|$", section, re.M)
    assert [(name, type_.split(",")[0], ", several" in type_) for name, type_, _ in rows] == [
        (each.name, str(each.type), each.several) for each in table.columns
    ]
    for column, (_, _, said) in zip(table.columns, rows, strict=True):
        assert said.startswith(column.description["en"])


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_keys_are_columns_and_descriptions_are_in_both_languages(table: OpenTable) -> None:
    names = [each.name for each in table.columns]
    assert len(set(names)) == len(names)
    assert set(table.key) <= {each.name for each in table.columns if each.required}
    for column in table.columns:
        assert not column.refers_to or column.refers_to in spreadsheets.list_open_tables()
        for texts in (column.title, column.description):
            assert set(texts) == {"es", "en"}
        if column.terms:
            assert column.choices


def test_the_description_of_the_predicate_column_names_every_predicate() -> None:
    (column,) = (each for each in TABLES[-1].columns if each.name == "predicate")
    for text in column.description.values():
        assert set(re.findall(r"\w+_\w+", text)) == {str(each) for each in Predicate}
