"""Rows of repeating fields: from the inputs of a form, and back to them for errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# ``resources__3__name``: the input of one field of one file or link.
RESOURCE_INPUT = re.compile(r"resources__(?P<number>\d{1,6})(?:__(?P<inner>.+))?", re.S)
# ``invitation-3-answer``: the input of one field of one row.
ROW_INPUT = re.compile(r"(?P<name>\w+)-(?P<number>\d{1,6}|REPEATING-INDEX0)-(?P<inner>.+)", re.S)


def renumber(numbers: Mapping[str, list[int]], names: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return errors by name of input, with the numbers that the rows have on the page.

    Args:
        numbers: of each list of rows, the numbers of its rows on the page.
        names: of ``marathon_error_names``, which counts the rows that arrived.
    """
    return {_name_on_page(numbers, name): texts for name, texts in names.items()}


def _name_on_page(numbers: Mapping[str, list[int]], name: str) -> str:
    separator = "__" if name.startswith("resources__") else "-"
    parts = name.split(separator)
    places = numbers.get(parts[0], [])
    if len(parts) > 2 and parts[1].isdigit() and int(parts[1]) < len(places):
        parts[1] = str(places[int(parts[1])])
    return separator.join(parts)


def gather_rows(values: dict[str, Any], repeating: set[str]) -> dict[str, list[int]]:
    """Make lists of rows of the inputs of repeating fields, in place; return their numbers.

    In the order of the page: CKAN's own reading takes the tenth row for the one after the first.
    """
    rows: dict[str, dict[int, dict[str, Any]]] = {}
    for key in [key for key in values if "-" in key]:
        match = ROW_INPUT.fullmatch(key)
        if not match or match["name"] not in repeating or match["name"] in values:
            continue
        value = values.pop(key)
        # The hidden row that a script copies is sent where there is no script.
        if match["number"].isdigit():
            row = rows.setdefault(match["name"], {}).setdefault(int(match["number"]), {})
            row[match["inner"]] = value
    for name, found in rows.items():
        values[name] = [found[number] for number in sorted(found)]
    return {name: sorted(found) for name, found in rows.items()}


def find_resource_numbers(names: list[str]) -> list[int]:
    """Return the numbers that files and links have on the page, of the names of their inputs."""
    found = (RESOURCE_INPUT.fullmatch(name) for name in names)
    return sorted({int(each["number"]) for each in found if each})
