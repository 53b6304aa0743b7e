"""The table of mutations fits the source: each text is there once, and each test exists."""

from __future__ import annotations

import ast

from tests.mutations.table import ROOT, read_table


def test_every_mutated_text_occurs_once_in_its_file() -> None:
    for mutation in read_table():
        source = (ROOT / mutation.file).read_text(encoding="utf-8")
        assert source.count(mutation.text) == 1, mutation
        assert mutation.becomes != mutation.text, mutation


def test_every_mutated_file_compiles() -> None:
    """A mutation that does not compile would fail every test."""
    for mutation in read_table():
        source = (ROOT / mutation.file).read_text(encoding="utf-8")
        ast.parse(source.replace(mutation.text, mutation.becomes, 1), mutation.file)


def test_every_named_test_exists() -> None:
    for mutation in read_table():
        assert mutation.tests or mutation.equivalent, mutation
        for test in mutation.tests:
            path, *names = test.split("::")
            source = (ROOT / path).read_text(encoding="utf-8")
            for name in names:
                word = name.partition("[")[0]
                assert f"class {word}" in source or f"def {word}(" in source, test


def test_the_table_has_at_least_100_mutations() -> None:
    assert len(read_table()) >= 100
