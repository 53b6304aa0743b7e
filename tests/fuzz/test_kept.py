"""Odd values in every field of every type are stored, refused, or named in the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan.tests.helpers import call_action

from tests import factories, proving

VALUES: list[Any] = [
    "12",
    12,
    1.125,
    True,
    "a, b",
    "  zz  ",
    "1,000",
    "1.000",
    "2017-06-03",
    "https://example.org/x?b=1,2",
    ["zz", "yy"],
    ["zz", ["yy"]],
    {"que": "zz"},
    [{"que": "zz"}],
    '[{"que": "zz"}]',
    '{"que": "zz"}',
]
TRIED = proving.count("odd values in each field of a record", 2, len(VALUES))

# Fields that other tests check: tags, and the names and owner of a record.
ELSEWHERE = {"tag_string", "name", "owner_org", "status_reason"}

# Of a row that has to have them.
NEEDED = {
    "data_need": {"what": "Pozos"},
    "summary": {"lang": "cak", "text": "Jun"},
    "organiser": {"name": "INFOM"},
    "invitation": {"organisation": "INFOM"},
    "milestone": {"title": "Una"},
    "resources": {"url": "https://example.org/a.csv"},
}


def odd_fields(schema: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield the fields of a type, and those of the rows of its lists."""
    for field in schema["dataset_fields"]:
        yield field["field_name"], None
        for inner in field.get("repeating_subfields", ()):
            yield field["field_name"], inner["field_name"]
    for field in schema["resource_fields"]:
        yield "resources", field["field_name"]


def leaves(value: Any) -> Iterator[str]:
    """Yield the texts and numbers in a value, as a reader compares them."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif value is not None:
        yield str(value).strip().casefold()


@pytest.mark.usefixtures("marathon_site")
@pytest.mark.parametrize("record", ["dataset", "workshop", "idea", "commitment"])
def test_every_sent_value_is_stored_noticed_or_refused(record: str) -> None:
    make = {
        "dataset": factories.MarathonDataset,
        "workshop": factories.Workshop,
        "idea": factories.Idea,
        "commitment": factories.Commitment,
    }[record]
    held, dice = make(), proving.rng(f"kept {record}")
    schema = call_action("scheming_dataset_schema_show", type=record)
    taken = lost = 0
    for name, inner in odd_fields(schema):
        if name in ELSEWHERE:
            continue
        for value in dice.sample(VALUES, TRIED):
            sent = {name: value if inner is None else [{**NEEDED.get(name, {}), inner: value}]}
            try:
                answer = call_action("package_patch", id=held["id"], **sent)
            except tk.ValidationError:
                continue
            taken += 1
            stored = list(leaves(answer.get(name)))
            missing = [each for each in leaves(value) if each not in stored]
            if not isinstance(value, dict | list):
                # A text that is read as a list, 1.125 as 1.1250, an address that gets its scheme.
                missing = [each for each in missing if not any(each in one for one in stored)]
            if missing and not answer.get("marathon_notices"):
                lost += 1
                print("lost", record, name, inner, repr(value), answer.get(name))
    assert (lost, taken > 5) == (0, True)
