"""The tables in which the site publishes its own data, as ``schemas/open_data.yaml`` declares them.

Source: Frictionless Data Package and Table Schema, version 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from ckanext.marathon.spreadsheets.table import Column, ColumnType
from ckanext.marathon.vocabulary import statuses
from ckanext.marathon.vocabulary.text import Labels, pick_label

# Between the values of a column that has several.
SEPARATOR = "|"
# How a time is written: Guatemala's hour with its offset, as Python's ``strptime`` reads it.
MOMENT = "%Y-%m-%dT%H:%M:%S%z"
# Media type of each form of a table, by extension.
FORMS = {"csv": "text/csv", "json": "application/json"}
LICENCE = {
    "name": "CC-BY-4.0",
    "title": "Creative Commons Attribution 4.0",
    "path": "https://creativecommons.org/licenses/by/4.0/",
}


@dataclass(frozen=True, slots=True)
class OpenColumn:
    """A column; ``several`` values are separated by ``|``.

    Attributes:
        terms: name of the closed list whose codes it holds, "" if none.
        refers_to: name of the table whose key it holds, "" if none.
    """

    name: str
    type: ColumnType
    title: Labels = field(hash=False)
    description: Labels = field(hash=False)
    format: str = ""
    required: bool = False
    several: bool = False
    terms: str = ""
    refers_to: str = ""

    @property
    def choices(self) -> tuple[statuses.Term, ...]:
        """The terms whose codes it may hold; none if it may hold anything."""
        return statuses.get_term_list(self.terms).terms if self.terms else ()


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A table; ``key`` are the names of the columns that make a row unique."""

    name: str
    key: tuple[str, ...]
    title: Labels = field(hash=False)
    description: Labels = field(hash=False)
    columns: tuple[OpenColumn, ...]

    def columns_in(self, lang: str) -> list[Column]:
        """Return the columns with their texts in a language."""
        return [
            Column(
                each.name,
                pick_label(each.title, lang),
                pick_label(each.description, lang),
                each.type,
            )
            for each in self.columns
        ]


@lru_cache(maxsize=1)
def _declared() -> dict[str, Any]:
    text = files("ckanext.marathon.schemas").joinpath("open_data.yaml").read_text("utf-8")
    return yaml.safe_load(text)


def read_title() -> Labels:
    """Return what the tables together are called."""
    return _declared()["title"]


def read_description() -> Labels:
    """Return what is in the tables together."""
    return _declared()["description"]


@lru_cache(maxsize=1)
def list_open_tables() -> Mapping[str, OpenTable]:
    """Return the tables by name, in order."""
    return {
        each["name"]: OpenTable(
            each["name"],
            tuple(each["key"]),
            each["title"],
            each["description"],
            tuple(
                OpenColumn(**{**one, "type": ColumnType(one["type"])}) for one in each["columns"]
            ),
        )
        for each in _declared()["tables"]
    }


def build_data_package(address: str) -> dict[str, Any]:
    """Return the Frictionless data package of the tables, with a Table Schema each.

    Titles and descriptions are Spanish; ``title_en`` and ``description_en`` stand beside them.

    Args:
        address: where the tables are, without a slash at the end.
    """
    return {
        "profile": "tabular-data-package",
        "name": _declared()["name"],
        **_texts(read_title(), read_description()),
        "homepage": address,
        "licenses": [LICENCE],
        "resources": [_resource(each, address) for each in list_open_tables().values()],
    }


def _resource(table: OpenTable, address: str) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "fields": [_field(each) for each in table.columns],
        "primaryKey": list(table.key),
        "missingValues": [""],
    }
    foreign = [
        {
            "fields": each.name,
            "reference": {
                "resource": each.refers_to,
                "fields": list_open_tables()[each.refers_to].key[0],
            },
        }
        for each in table.columns
        if each.refers_to
    ]
    if foreign:
        schema["foreignKeys"] = foreign
    return {
        "profile": "tabular-data-resource",
        "name": table.name,
        **_texts(table.title, table.description),
        "path": f"{address}/{table.name}.csv",
        "format": "csv",
        "mediatype": FORMS["csv"],
        "encoding": "utf-8",
        "schema": schema,
    }


def _field(column: OpenColumn) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": column.name,
        "type": str(column.type),
        **_texts(column.title, column.description),
    }
    if column.type == ColumnType.DATETIME:
        found["format"] = MOMENT
    elif column.format:
        found["format"] = column.format
    constraints: dict[str, Any] = {"required": True} if column.required else {}
    if column.choices:
        constraints["enum"] = [each.code for each in column.choices]
    if constraints:
        found["constraints"] = constraints
    if column.several:
        found["separator"] = SEPARATOR
    return found


def _texts(title: Labels, description: Labels) -> dict[str, str]:
    return {
        "title": title["es"],
        "description": description["es"],
        "title_en": title["en"],
        "description_en": description["en"],
    }
