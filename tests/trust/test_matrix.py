"""Everybody may do what docs/permission-matrix.csv says, with every action, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.trust import matrix
from tests.trust.secrets import build

SETTINGS = (
    "ckan.auth.user_create_organizations",
    "ckan.auth.user_delete_organizations",
    "ckan.auth.user_create_groups",
    "ckan.auth.public_user_details",
)


@pytest.fixture
def strict_settings(ckan_config: object, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.setitem(ckan_config, name, False)  # type: ignore[arg-type]


def mistakes(found: matrix.Matrix, table: matrix.Matrix) -> Iterator[str]:
    for row in sorted({*found, *table}):
        if row not in table:
            yield f"{row} is not in the table: say there who may"
        elif row not in found:
            yield f"{row} is in the table and no more on the site"
        else:
            for column, allowed in table[row].items():
                if found[row][column] is not allowed:
                    yield f"{row}: {column} should be {'allowed' if allowed else 'refused'}"


@pytest.mark.usefixtures("marathon_site", "strict_settings", "with_request_context")
def test_everybody_may_do_what_the_table_says() -> None:
    found = matrix.ask_everybody(build())
    if os.environ.get("MARATHON_WRITE_MATRIX"):
        matrix.write_table(found)
    wrong = list(mistakes(found, matrix.read_table()))
    assert not wrong, "\n".join(wrong)


def test_nobody_is_let_in_by_an_empty_table() -> None:
    table = matrix.read_table()
    assert len(table) > 300
    assert {column for answers in table.values() for column, yes in answers.items() if yes} == {
        *matrix.COLUMNS
    }
