"""The tables that municipalities can compare: ``schemas/tables/*.yaml`` as typed objects.

A table schema names the columns of a table, their types, units, closed lists of terms, and the
service problems that such a table is about. It is published as a Frictionless Table Schema with
titles and descriptions in Spanish; English ones are in ``title_en`` and ``description_en``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from ckanext.marathon.vocabulary import problems, territory
from ckanext.marathon.vocabulary.codes import Labels, UnknownCode, fold_text

#: How times of day are written in valid tables, for Python's ``strftime``.
TIME_FORMAT = "%H:%M"
_MUNICIPALITY = "municipality"
# Code of four digits; the site checks that the municipality exists.
_CODE_PATTERN = "[0-9]{4}"


@dataclass(frozen=True, slots=True)
class TableTerm:
    """A term of a closed list: its code and labels, and other spellings that mean it."""

    code: str
    title: Labels = field(hash=False)
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableField:
    """A column of a table schema.

    Attributes:
        name: machine-readable.
        type: a type of Frictionless Table Schema: string, integer, number, boolean, date or time.
        terms: the allowed codes; empty if any value is allowed.
        names_municipality: whether the values are codes of municipalities.
        unit: UCUM or ISO 4217 code, ``""`` without one.
        synonyms: other headings that mean this column.
    """

    name: str
    type: str
    title: Labels = field(hash=False)
    description: Labels = field(hash=False)
    required: bool = False
    terms: tuple[TableTerm, ...] = ()
    names_municipality: bool = False
    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""
    unit: str = ""
    synonyms: tuple[str, ...] = ()

    def find_code(self, text: str) -> str | None:
        """Return the code that a text means in this column, ``None`` if it means none.

        Codes, labels in both languages and synonyms are compared without accents and case.
        Municipalities have codes of four digits (``501`` is ``0501``) or names, where only one
        municipality has this name.
        """
        if self.names_municipality:
            return _find_municipality(text)
        return _index_terms(self.terms).get(fold_text(text))

    @property
    def headings(self) -> frozenset[str]:
        """The headings that mean this column, folded."""
        texts = (self.name, self.title["es"], self.title["en"], *self.synonyms)
        return frozenset(fold_text(text) for text in texts)


@lru_cache(maxsize=64)
def _index_terms(terms: tuple[TableTerm, ...]) -> Mapping[str, str]:
    return {
        fold_text(text): term.code
        for term in terms
        for text in (term.code, *term.title.values(), *term.synonyms)
    }


@lru_cache(maxsize=1024)
def _find_municipality(text: str) -> str | None:
    try:
        code = territory.repair_code(text).code
        return territory.get_municipality(code).code
    except UnknownCode:
        same = [
            municipality.code
            for municipality in territory.list_municipalities()
            if fold_text(municipality.name) == fold_text(text)
        ]
        return same[0] if len(same) == 1 else None


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table that municipalities can compare.

    Attributes:
        name: machine-readable; it never changes.
        problems: notations of the service problems that such a table is about.
        key: names of the columns whose values together identify a row.
        example: rows as an office writes them, in the order of the columns, marked as examples.
    """

    name: str
    title: Labels = field(hash=False)
    description: Labels = field(hash=False)
    problems: tuple[str, ...]
    key: tuple[str, ...]
    fields: tuple[TableField, ...]
    example: tuple[tuple[Any, ...], ...] = field(hash=False)

    def build_descriptor(self, base: str = "") -> dict[str, Any]:
        """Return the schema as a Frictionless Table Schema.

        Args:
            base: address of the site's table schemas, for the identifier of the schema.
        """
        descriptor: dict[str, Any] = {
            "name": self.name,
            **_describe(self.title, self.description),
            "fields": [_describe_field(column) for column in self.fields],
            "primaryKey": list(self.key),
            "missingValues": [""],
            "serviceProblem": list(self.problems),
        }
        return {"id": f"{base}/{self.name}", **descriptor} if base else descriptor


def _describe(title: Labels, description: Labels) -> dict[str, str]:
    return {
        "title": title["es"],
        "title_en": title["en"],
        "description": description["es"],
        "description_en": description["en"],
    }


def _describe_field(declared: TableField) -> dict[str, Any]:
    constraints: dict[str, Any] = {}
    if declared.required:
        constraints["required"] = True
    if declared.terms:
        constraints["enum"] = [term.code for term in declared.terms]
    for name in ("minimum", "maximum"):
        bound = getattr(declared, name)
        if bound is not None:
            constraints[name] = bound
    pattern = _CODE_PATTERN if declared.names_municipality else declared.pattern
    if pattern:
        constraints["pattern"] = pattern
    described: dict[str, Any] = {
        "name": declared.name,
        "type": declared.type,
        **_describe(declared.title, declared.description),
    }
    if declared.type == "time":
        described["format"] = TIME_FORMAT
    if declared.unit:
        described["unit"] = declared.unit
    if declared.terms:
        described["categories"] = [
            {"value": term.code, "label": term.title["es"], "label_en": term.title["en"]}
            for term in declared.terms
        ]
    return {**described, "constraints": constraints} if constraints else described


@lru_cache(maxsize=1)
def list_table_schemas() -> Mapping[str, TableSchema]:
    """Return the table schemas by name, in the order of their names."""
    folder = files("ckanext.marathon.schemas").joinpath("tables")
    lists = _read_terms(yaml.safe_load(folder.joinpath("terms.yaml").read_text("utf-8")))
    declared = [
        yaml.safe_load(found.read_text("utf-8"))
        for found in folder.iterdir()
        if found.name.endswith(".yaml") and found.name != "terms.yaml"
    ]
    schemas = [_read_schema(schema, lists) for schema in declared]
    return {schema.name: schema for schema in sorted(schemas, key=lambda schema: schema.name)}


def find_table_schema(name: str) -> TableSchema | None:
    """Return a table schema, ``None`` if none has this name."""
    return list_table_schemas().get(name)


def list_schemas_about(notations: Iterable[str]) -> list[TableSchema]:
    """Return the table schemas about service problems or about a problem of the same area."""
    wanted = set(notations)
    for notation in tuple(wanted):
        try:
            wanted.update(problems.list_narrower_or_self(notation))
        except UnknownCode:
            continue
    return [schema for schema in list_table_schemas().values() if wanted & set(schema.problems)]


def guess_schema(headings: Sequence[str]) -> TableSchema | None:
    """Return the table schema whose required columns all are among the headings of a table.

    Of several it is the one with which most headings agree.
    """
    folded = {fold_text(heading) for heading in headings}
    best, most = None, 0
    for schema in list_table_schemas().values():
        fitting = [column for column in schema.fields if column.headings & folded]
        is_complete = all(column in fitting for column in schema.fields if column.required)
        if is_complete and len(fitting) > most:
            best, most = schema, len(fitting)
    return best


def _read_terms(lists: Mapping[str, list[dict[str, Any]]]) -> dict[str, tuple[TableTerm, ...]]:
    return {
        name: tuple(
            TableTerm(term["code"], term["title"], tuple(term.get("synonyms", ())))
            for term in terms
        )
        for name, terms in lists.items()
    }


def _read_schema(
    declared: dict[str, Any], lists: Mapping[str, tuple[TableTerm, ...]]
) -> TableSchema:
    columns = tuple(_read_field(column, lists) for column in declared["fields"])
    return TableSchema(
        declared["name"],
        declared["title"],
        declared["description"],
        tuple(declared["service_problem"]),
        tuple(declared["key"]),
        columns,
        tuple(tuple(row.get(column.name) for column in columns) for row in declared["example"]),
    )


def _read_field(declared: dict[str, Any], lists: Mapping[str, tuple[TableTerm, ...]]) -> TableField:
    terms = declared.get("terms", "")
    others = {name: value for name, value in declared.items() if name not in ("terms", "synonyms")}
    return TableField(
        **others,
        terms=() if terms in ("", _MUNICIPALITY) else lists[terms],
        names_municipality=terms == _MUNICIPALITY,
        synonyms=tuple(declared.get("synonyms", ())),
    )
