"""The workbook by which workshops, ideas and datasets come in and go out.

``schemas/workbook.yaml`` declares its sheets and columns. Labels, help and lists of values come
from the fields of the schemas. A cell has one value of its column's kind, or several between ``|``;
of the rows of a repeating field (organisers, files) each subfield has a column, whose values are in
the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as declare
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml

from ckanext.marathon.vocabulary import authorities, problems, schemes, territory
from ckanext.marathon.vocabulary.codes import Labels, fold_text, make_labels, pick_label

LANGUAGES = ("es", "en")
WORKSHOPS, INVITATIONS, ATTENDANCE, IDEAS, DATA_NEEDS, DATASETS = (
    *("workshops", "invitations", "attendance"),
    *("ideas", "data_needs", "datasets"),
)


class ValueKind(StrEnum):
    """The kind of values in a column; the texts for people are in ``workbook.yaml``."""

    TEXT = "text"
    TEXTS = "texts"
    CODE = "code"
    TERM = "term"
    CONCEPT = "concept"
    CONCEPTS = "concepts"
    MUNICIPALITY = "municipality"
    MUNICIPALITIES = "municipalities"
    PROBLEMS = "problems"
    COUNT = "count"
    NUMBER = "number"
    DAY = "day"
    MOMENT = "moment"
    DATE = "date"
    ADDRESS = "address"
    ADDRESSES = "addresses"
    TICK = "tick"
    FLAG = "flag"
    ORGANIZATION = "organization"
    WORKSHOP = "workshop"
    IDEA = "idea"
    IDEAS = "ideas"
    NEEDS = "needs"
    KEYWORDS = "keywords"
    LICENCE = "licence"
    FILE = "file"
    IDENTIFIER = "identifier"


# Kinds whose cells have a list.
LISTS = frozenset(
    {
        *(ValueKind.TEXTS, ValueKind.CONCEPTS, ValueKind.MUNICIPALITIES, ValueKind.PROBLEMS),
        *(ValueKind.ADDRESSES, ValueKind.IDEAS, ValueKind.NEEDS, ValueKind.KEYWORDS),
    }
)

_KIND_OF_PRESET = {
    "marathon_municipality": ValueKind.MUNICIPALITIES,
    "marathon_service_problem": ValueKind.PROBLEMS,
    "marathon_term": ValueKind.TERM,
    "marathon_authority": ValueKind.CONCEPT,
    "marathon_authority_list": ValueKind.CONCEPTS,
    "marathon_count": ValueKind.COUNT,
    "marathon_date": ValueKind.DATE,
    "marathon_day": ValueKind.DAY,
    "marathon_datetime": ValueKind.MOMENT,
    "marathon_url": ValueKind.ADDRESS,
    "marathon_url_list": ValueKind.ADDRESSES,
    "marathon_flag": ValueKind.FLAG,
    "multiple_text": ValueKind.TEXTS,
    "dataset_organization": ValueKind.ORGANIZATION,
}
_KIND_OF_VALIDATOR = {
    "marathon_municipality_code": ValueKind.MUNICIPALITY,
    "marathon_latitude": ValueKind.NUMBER,
    "marathon_longitude": ValueKind.NUMBER,
    "marathon_decimal": ValueKind.NUMBER,
    "marathon_code": ValueKind.CODE,
}
# The numbers that a field accepts, by its validator.
_BOUNDS = {"marathon_latitude": 90.0, "marathon_longitude": 180.0}


@dataclass(frozen=True, slots=True)
class WorkbookColumn:
    """A column of a sheet.

    Attributes:
        field: the field of the schema.
        subfield: its subfield, "" for a field without any.
        label: heading by language.
        note: explanation by language.
        names: other headings by which it is recognised.
        example: cell of the example row by language; "" for an empty one.
        is_required: whether a new record needs it.
        is_extra: whether it is only in exports.
        terms: the closed list of a term, "" for other kinds.
        scheme: the authority table of a concept, "" for other kinds.
        bound: the largest number, positive or negative; 0 if only numbers from 0 are accepted.
    """

    field: str
    subfield: str
    kind: ValueKind
    label: Labels = declare(hash=False)
    note: Labels = declare(hash=False)
    names: tuple[str, ...] = ()
    example: Labels = declare(default_factory=lambda: make_labels("", ""), hash=False)
    is_required: bool = False
    is_extra: bool = False
    terms: str = ""
    scheme: str = ""
    bound: float = 0.0

    @property
    def name(self) -> str:
        """The machine-readable name: ``title``, ``organiser.role``."""
        return f"{self.field}.{self.subfield}" if self.subfield else self.field


@dataclass(frozen=True, slots=True)
class WorkbookSheet:
    """A sheet of the workbook.

    Attributes:
        title: name of the sheet by language.
        names: other names by which it is recognised.
        type: dataset type of the records, or of those that the rows belong to.
        rows_of: the repeating field whose rows the sheet has; "" if a row is a record.
        owner: the field of the column that names the record of a row; "" if a row is a record.
    """

    name: str
    title: Labels = declare(hash=False)
    names: tuple[str, ...]
    type: str
    rows_of: str
    owner: str
    columns: tuple[WorkbookColumn, ...]

    @property
    def key(self) -> str:
        """The field of the column by which a row is identified, and which has the example mark."""
        return self.owner or "code"

    def list_columns(self, with_extra: bool) -> tuple[WorkbookColumn, ...]:
        """Return the columns of a template, or those of an export."""
        return tuple(column for column in self.columns if with_extra or not column.is_extra)

    def find_column(self, heading: object) -> WorkbookColumn | None:
        """Return the column with this heading, in any language, without regard to accents.

        A heading in both languages (``Código / Code``) is recognised, too.
        """
        if not isinstance(heading, str):
            return None
        headings = _index_headings(self.name)
        whole = headings.get(fold_text(heading))
        if whole:
            return whole
        first = heading.split("/")[0] if "/" in heading else heading.split("(")[0]
        return headings.get(fold_text(first))


@lru_cache(maxsize=1)
def _declared() -> dict[str, Any]:
    return _load("workbook")


def _load(name: str) -> dict[str, Any]:
    text = files("ckanext.marathon.schemas").joinpath(f"{name}.yaml").read_text("utf-8")
    return yaml.safe_load(text)


@lru_cache(maxsize=1)
def list_sheets() -> tuple[WorkbookSheet, ...]:
    """Return the sheets, in the order in which their records depend on each other."""
    return tuple(_read_sheet(declared) for declared in _declared()["sheets"])


def get_sheet(name: str) -> WorkbookSheet:
    """Return a sheet by its name.

    Raises:
        KeyError: there is no such sheet.
    """
    return {sheet.name: sheet for sheet in list_sheets()}[name]


def find_sheet(title: str) -> WorkbookSheet | None:
    """Return the sheet with this title or name, in any language; a number after it is ignored."""
    wanted = fold_text(title).rstrip("0123456789 ")
    for sheet in list_sheets():
        known = (sheet.name, *sheet.title.values(), *sheet.names)
        if wanted in {fold_text(name) for name in known}:
            return sheet
    return None


def is_guide_sheet(title: str) -> bool:
    """Return whether a sheet is one of the template that has no rows: the guide, the lists."""
    return fold_text(title) in {"leame", "read me", "listas", "lists"}


def read_mark(name: str, lang: str) -> str:
    """Return a mark: ``example_mark``, or ``clear_mark`` for a value to be removed."""
    return pick_label(_declared()[name], lang)


def is_example_mark(value: object) -> bool:
    """Return whether a cell marks its row as an example that is not imported.

    Codes cannot begin with a parenthesis, so no record has such a code.
    """
    text = value.strip().casefold() if isinstance(value, str) else ""
    return text.startswith(("(ejemplo", "(example"))


def is_clear_mark(value: object) -> bool:
    """Return whether a cell says that the stored value is to be removed."""
    marks = {mark.casefold() for mark in _declared()["clear_mark"].values()} | {"(vacio)"}
    return isinstance(value, str) and value.strip().casefold() in marks


def describe_kind(kind: ValueKind, lang: str) -> str:
    """Return what a cell of a kind may have, in one sentence."""
    return pick_label(_declared()["kinds"][str(kind)], lang)


def _read_sheet(declared: Mapping[str, Any]) -> WorkbookSheet:
    schema = _load(declared["schema"])
    known = {row["field_name"]: row for row in schema["dataset_fields"]}
    known["resources"] = {"repeating_subfields": schema["resource_fields"]}
    return WorkbookSheet(
        name=declared["name"],
        title=make_labels(**declared["title"]),
        names=tuple(declared.get("names", ())),
        type=schema["dataset_type"],
        rows_of=declared.get("rows_of", ""),
        owner=declared.get("owner", ""),
        columns=tuple(_read_column(column, known) for column in declared["columns"]),
    )


def _read_column(
    declared: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]
) -> WorkbookColumn:
    name, subfield = declared["field"], declared.get("subfield", "")
    described: Mapping[str, Any] = known.get(name, {})
    if subfield:
        rows = {row["field_name"]: row for row in described["repeating_subfields"]}
        described = rows[subfield]
    kind = ValueKind(declared["kind"]) if "kind" in declared else _find_kind(described)
    label = declared.get("label") or described.get("label") or _LABEL_OF_PRESET[kind]
    example: Any = declared.get("example", "")
    validators = str(described.get("validators", "")).split()
    return WorkbookColumn(
        field=name,
        subfield=subfield,
        kind=kind,
        label=make_labels(label["es"], label["en"]),
        note=_make_note(declared, described, kind),
        names=tuple(declared.get("names", ())),
        example=_make_both(example),
        is_required=bool(described.get("required")) and not declared.get("extra"),
        is_extra=bool(declared.get("extra")),
        terms=described.get("term_list", "") if kind in (ValueKind.TERM, ValueKind.TICK) else "",
        scheme=described.get("scheme", ""),
        bound=next((bound for known, bound in _BOUNDS.items() if known in validators), 0.0),
    )


_LABEL_OF_PRESET = {
    ValueKind.MUNICIPALITIES: {"es": "Municipios", "en": "Municipalities"},
    ValueKind.PROBLEMS: {"es": "Problemas de servicio", "en": "Service problems"},
}


def _find_kind(described: Mapping[str, Any]) -> ValueKind:
    preset = described.get("preset", "")
    if preset in _KIND_OF_PRESET:
        return _KIND_OF_PRESET[preset]
    for validator in str(described.get("validators", "")).split():
        if validator in _KIND_OF_VALIDATOR:
            return _KIND_OF_VALIDATOR[validator]
    return ValueKind.TEXT


def _make_note(
    declared: Mapping[str, Any], described: Mapping[str, Any], kind: ValueKind
) -> Labels:
    own, help_text = _make_both(declared.get("note")), _make_both(described.get("help_text"))
    texts = {
        lang: f"{own[lang] or help_text[lang]} {describe_kind(kind, lang)}".strip()
        for lang in LANGUAGES
    }
    return make_labels(**texts)


def _make_both(declared: Any) -> Labels:
    """Return the texts of both languages, which may be one text."""
    if isinstance(declared, str) or not declared:
        return make_labels(declared or "", declared or "")
    return make_labels(declared["es"], declared["en"])


@lru_cache(maxsize=16)
def _index_headings(name: str) -> Mapping[str, WorkbookColumn]:
    """Return folded heading → column of a sheet; labels come before other names."""
    found: dict[str, WorkbookColumn] = {}
    columns = get_sheet(name).columns
    lists: list[list[tuple[str, WorkbookColumn]]] = [
        [(text, c) for c in columns for text in (*c.label.values(), c.name)],
        [(c.field, c) for c in columns if not c.subfield],
        [(text, c) for c in columns for text in c.names],
    ]
    for headings in lists:
        for heading, column in headings:
            found.setdefault(fold_text(heading), column)
    return found


# The heading of the column that ``spreadsheets/mend.py`` adds, by language.
MEND_HEADINGS = make_labels("Qué corregir", "What to mend")


class HeaderMatch(NamedTuple):
    """The columns of a row of headings.

    Attributes:
        columns: number of a cell, from 0 → column.
        unknown: number of a cell → heading that no column has.
        doubled: number of a cell → heading of a column that an earlier cell has already.
    """

    columns: dict[int, WorkbookColumn]
    unknown: dict[int, str]
    doubled: dict[int, str]


def match_headings(sheet: WorkbookSheet, cells: Sequence[object]) -> HeaderMatch:
    """Return the columns of a row of headings."""
    columns: dict[int, WorkbookColumn] = {}
    unknown: dict[int, str] = {}
    doubled: dict[int, str] = {}
    for number, cell in enumerate(cells):
        text = cell.strip() if isinstance(cell, str) else "" if cell is None else str(cell)
        if not text or text in MEND_HEADINGS.values():
            continue
        column = sheet.find_column(text)
        if column is None:
            unknown[number] = text
        elif column in columns.values():
            doubled[number] = text
        else:
            columns[number] = column
    return HeaderMatch(columns, unknown, doubled)


def is_heading_row(sheet: WorkbookSheet, cells: Sequence[object]) -> bool:
    """Return whether a row has headings: at least two, and more of them than other texts.

    A single cell counts, too, if it is the key of the sheet and the only one of the row.
    """
    filled = [cell for cell in cells if cell not in (None, "")]
    found = match_headings(sheet, cells)
    known = len(found.columns) + len(found.doubled)
    if len(filled) == 1:
        return any(column.field == sheet.key for column in found.columns.values())
    return known >= 2 and known >= len(found.unknown)


class Choice(NamedTuple):
    """A value of a list, as it is stored, and its text for people."""

    value: str
    text: str


def list_choices(column: WorkbookColumn, lang: str) -> tuple[Choice, ...]:
    """Return the values among which a column chooses; empty for other kinds."""
    kind = column.kind
    if kind in (ValueKind.MUNICIPALITY, ValueKind.MUNICIPALITIES):
        return tuple(
            Choice(place.code, write_municipality(place.code))
            for place in territory.list_municipalities()
        )
    if kind == ValueKind.PROBLEMS:
        return tuple(
            Choice(problem.notation, f"{problem.notation} {problem.label(lang)}")
            for branch in problems.list_branches()
            for problem in (branch.area, *branch.problems)
        )
    if column.terms:
        terms = schemes.get_term_list(column.terms).terms
        return tuple(Choice(term.code, term.label(lang)) for term in terms)
    if kind == ValueKind.FLAG:
        terms = schemes.YES_NO.terms
        return tuple(Choice(_FLAGS[term.code], term.label(lang)) for term in terms)
    if kind in (ValueKind.CONCEPT, ValueKind.CONCEPTS):
        return tuple(
            Choice(concept.iri, concept.label(lang))
            for concept in authorities.get_scheme(column.scheme).concepts
            if concept.iri
        )
    if kind == ValueKind.LICENCE:
        return tuple(
            Choice(concept.code, f"{concept.code}: {concept.label(lang)}")
            for concept in authorities.get_scheme("licence").concepts
        )
    return ()


_FLAGS = {"yes": "true", "no": "false"}


def write_municipality(code: str) -> str:
    """Return name and department of a municipality: several have the same name.

    Raises:
        UnknownCode: no municipality has the code.
    """
    place = territory.get_municipality(code)
    return f"{place.name} ({territory.get_department(place.department_code).name})"
